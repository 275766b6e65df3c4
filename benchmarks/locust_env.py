"""A Locust from PyPI in an environment of its own: to measure beside it, and to test that the two work together."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

LOCUST_VERSION = "2.47.0"
ENVIRONMENT = Path(__file__).parent / ".env"


def locust_program() -> Path:
    """Locust's command; GREGARIA_BENCH_LOCUST may name an environment that has it, else benchmarks/.env gets one.

    Raises:
        subprocess.CalledProcessError: it cannot be installed; ``stderr`` is pip's.
    """
    environment = Path(os.environ.get("GREGARIA_BENCH_LOCUST") or ENVIRONMENT)
    program = environment / "bin" / "locust"
    if not program.exists():
        with environment.with_name(f"{environment.name}.lock").open("w") as lock:
            # One of several processes makes it, the others wait. The command is the last that comes there.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                print(f"Installing Locust {LOCUST_VERSION} into {environment}", flush=True)
                _install(environment)
    return program


def _install(environment: Path) -> None:
    """Have the pip of this Python fill it; what is not compiled now is when it is imported."""
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)],
        [*pip, "install", "--no-compile", f"locust=={LOCUST_VERSION}"],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True)
