"""A Locust from PyPI in an environment of its own, for tests in which the two work together."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["locust"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".locust-env"
VERSION = "2.47.0"


def _made() -> str | None:
    """Make it, unless it is there; why that cannot be, in words."""
    stamp = FOLDER / f"has-{VERSION}"
    with (ROOT / ".locust-env.lock").open("w") as lock:
        # One of several processes of a test run makes it, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists():
            return None
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(FOLDER)],
            [str(FOLDER / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", f"locust=={VERSION}"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                return f"{' '.join(command)}: {done.stderr.strip()[-500:]}"
        stamp.touch()
    return None


@pytest.fixture(scope="session")
def locust() -> str:
    """The command ``locust`` of that environment."""
    reason = _made()
    if reason is not None:
        assert not os.environ.get("CI"), reason
        pytest.skip(f"Locust {VERSION} cannot be installed here: {reason}")
    return str(FOLDER / "bin" / "locust")
