"""One look at one load generator: its rate by the target's own count, and its processor time per request."""

import resource
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.nginx import pinned

#: seconds that a generator may take from its start to the target's first request
START_LIMIT_S = 30.0


class Target(Protocol):
    """What is loaded, and keeps its own account."""

    def requests(self) -> int: ...
    def cpu_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen in one window of steady load."""

    requests: int
    seconds: float
    #: processor seconds of the generator, its children included, in the same window
    cpu_s: float
    #: share of its core that the target used; near 1 it was the target that set the rate
    target_busy: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_us_per_request(self) -> float:
        """Processor microseconds of the generator per request."""
        return self.cpu_s / max(self.requests, 1) * 1e6

    def as_dict(self) -> dict[str, float]:
        """For results.json."""
        return asdict(self) | {"rate": self.rate, "cpu_us_per_request": self.cpu_us_per_request}


def raise_file_limit(wanted: int = 10_000) -> None:
    """Allow this process, and what it starts, that many open files.

    Raises:
        SystemExit: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise SystemExit(f"This benchmark opens {wanted:,} files; allow that first, as root: ulimit -Hn {wanted}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class NotMeasuredError(Exception):
    """The generator did not do its work; the message says what it printed last."""


def look(
    command: list[str], target: Target, core: int | None, *, warm_up_s: float, window_s: float, log: Path
) -> Sample:
    """Start a generator, let it warm up, take one window, and end it with SIGINT.

    Raises:
        NotMeasuredError: no request came, or the generator ended early or with an error.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(pinned(core, command), stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_for_requests(process, target, log)
            time.sleep(warm_up_s)
            sample = _window(process, target, window_s)
            if process.poll() is not None:
                raise NotMeasuredError(f"{command[0]} ended too early: {_tail(log)}")
            process.send_signal(signal.SIGINT)
            try:
                code = process.wait(20)
            except subprocess.TimeoutExpired:
                # Locust over TLS does so at times. The window is over, what was counted in it stands.
                print(f"{command[0]} did not end within 20 s of its SIGINT and was killed", flush=True)
                return sample
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    # wrk, hey and the Python tools print their summary and leave with 0; k6 leaves with a code of its own.
    if code not in (0, -signal.SIGINT, 105):
        raise NotMeasuredError(f"{command[0]} left with code {code}: {_tail(log)}")
    return sample


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with SIGINT and wait for it; one that does not end in 20 s is killed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _window(process: subprocess.Popen[bytes], target: Target, window_s: float) -> Sample:
    usage = psutil.Process(process.pid)
    started, requests, cpu_s, target_cpu_s = time.monotonic(), target.requests(), _cpu_s(usage), target.cpu_s()
    time.sleep(window_s)
    seconds = time.monotonic() - started
    return Sample(
        requests=target.requests() - requests,
        seconds=seconds,
        cpu_s=_cpu_s(usage) - cpu_s,
        target_busy=(target.cpu_s() - target_cpu_s) / seconds,
    )


def _wait_for_requests(process: subprocess.Popen[bytes], target: Target, log: Path) -> None:
    before, deadline = target.requests(), time.monotonic() + START_LIMIT_S
    while target.requests() == before:
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotMeasuredError(f"no request reached the target: {_tail(log)}")
        time.sleep(0.05)


def _cpu_s(usage: psutil.Process) -> float:
    return sum(times.user + times.system for times in (part.cpu_times() for part in [usage, *usage.children(True)]))


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
