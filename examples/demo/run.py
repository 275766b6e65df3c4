"""What `make demo` runs: the example target on a free port, and the locustfile beside this against it."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "demo-output"
STARTUP_LIMIT_S = 20


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start_target(port: int) -> subprocess.Popen[bytes]:
    """The FastAPI app under uvicorn."""
    command = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(ROOT / "examples" / "target")]
    # Ctrl-C in the terminal is for Gregaria, which still wants a target while it ends its run.
    return subprocess.Popen([*command, "--port", str(port), "--log-level", "warning"], start_new_session=True)


def wait_until_it_answers(url: str, target: subprocess.Popen[bytes]) -> None:
    """Return once the target has answered.

    Raises:
        SystemExit: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + STARTUP_LIMIT_S
    while time.monotonic() < deadline and target.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=STARTUP_LIMIT_S).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"The example target did not answer at {url}; try: make clean && make demo")


def run_gregaria(url: str, seconds: str) -> int:
    """The main job, as a person would type it; returns its exit code."""
    command = [str(Path(sys.executable).with_name("gregaria")), "-f", "examples/demo/locustfile.py", "--headless"]
    command += ["-u", "20", "-r", "10", "-t", f"{seconds}s", "-H", url]
    command += ["--csv", "demo-output/demo", "--json-file", "demo-output/demo"]
    print("$ gregaria " + " ".join(command[1:]), flush=True)
    process = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has told Gregaria too; let it write its summary.
            continue


def main(seconds: str = "10") -> int:
    """Run the demo for some seconds; leaves nothing running.

    Returns:
        Gregaria's exit code.
    """
    OUTPUT.mkdir(exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    target = start_target(port)
    try:
        wait_until_it_answers(url, target)
        code = run_gregaria(url, seconds)
    finally:
        target.terminate()
        try:
            target.wait(5)
        except subprocess.TimeoutExpired:
            target.kill()
            target.wait()
    print("\nThe figures are also in:", *sorted(path.relative_to(ROOT) for path in OUTPUT.iterdir()), sep="\n  ")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
