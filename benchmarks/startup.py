"""How soon: until `gregaria --version` has answered, and until the target has the first request of a run.

python -m benchmarks.startup [--runs N] [--quick]
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks import results

HERE = Path(__file__).parent
LOCUSTFILE = HERE / "locustfiles" / "plain.py"
GREGARIA = str(Path(sys.executable).with_name("gregaria"))
LIMIT_S = 30.0


def environment(cache: str) -> dict[str, str]:
    """As after an installation: compiled modules are kept, here in a folder of their own, whatever is set for this."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": cache}


def version_s(env: Mapping[str, str]) -> float:
    """Seconds that `gregaria --version` takes."""
    started = time.monotonic()
    subprocess.run([GREGARIA, "--version"], check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S, env=env)
    return time.monotonic() - started


def first_request_s(user_class: str, env: Mapping[str, str]) -> float:
    """Seconds from the start of the command until the first bytes of a request are here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [GREGARIA, "-f", str(LOCUSTFILE), user_class, "--headless", "-u", "1", "-H", url]
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        try:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                return time.monotonic() - started
        finally:
            process.kill()
            process.wait()


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a look: three runs, nothing is written")
    options = parser.parse_args()
    runs = 3 if options.quick else options.runs

    cases: list[tuple[str, float, Callable[[Mapping[str, str]], float]]] = [
        ("gregaria --version", 0.1, version_s),
        ("first request, FastHttpUser", 0.6, partial(first_request_s, "Fast")),
        ("first request, HttpUser", 0.6, partial(first_request_s, "Http")),
    ]
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        env = environment(cache)
        for what, at_most, once in cases:
            # The first run fills the system's file cache and Python's own.
            once(env)
            seconds = statistics.median(once(env) for _ in range(runs))
            rows.append({"what": what, "at_most": at_most, "seconds": seconds})
    section = {"runs": runs, "cases": rows}
    print(results.startup_text(section))
    if not options.quick:
        results.save("startup", section)


if __name__ == "__main__":
    main()
