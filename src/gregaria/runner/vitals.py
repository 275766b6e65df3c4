"""What the generator's own process is like, taken each second: delay, CPU, memory, garbage collection, descriptors."""

import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import gevent
import psutil

from gregaria.engine import clock
from gregaria.settings import settings
from gregaria.stats.generator import Cause, HoldUp, Second
from gregaria.stats.generator_log import GeneratorLog

if sys.platform != "win32":
    import resource

__all__ = ["Collections", "ProcessGauge", "Reading", "RunQueue", "Vitals"]

logger = logging.getLogger("gregaria.runner.vitals")

#: seconds that are told one by one when the loop stood still for longer than one
_MOST_SECONDS_AT_ONCE = 60
#: descriptors are counted one by one only so often where the system does not know their number
_SECONDS_PER_COUNT = 10
_MOST_WARNINGS = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """What the process has used since the reading before, and has now; the fields are those of ``Second``."""

    cpu_percent: float
    core_percent: float
    machine_percent: float
    starved_us: int | None
    memory_bytes: int
    descriptors: int | None
    descriptor_limit: int | None


class Gauge(Protocol):
    """Something that can be read."""

    def read(self) -> Reading:
        """Take a reading."""


class Watch(Protocol):
    """What ``runner/lateness.py`` tells about the loop."""

    is_busy: bool
    untold: list[Cause]

    def take_worst_us(self) -> int: ...
    def take_loads(self) -> list[HoldUp | None]: ...


class Collections:
    """Counts garbage collections and their time, from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._began_us = 0
        self.count = 0
        self.total_us = 0
        self.longest_us = 0

    def start(self) -> None:
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self._note)

    def _note(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began_us = clock.now_us()
            return
        pause_us = clock.now_us() - self._began_us
        self.count += 1
        self.total_us += pause_us
        if pause_us > self.longest_us:
            self.longest_us = pause_us


class RunQueue:
    """How long the thread that makes this could have run while the machine ran something else (Linux)."""

    def __init__(self) -> None:
        self._descriptor = -1
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                self._descriptor = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def waited_us(self) -> int | None:
        """In all; None where the system does not tell."""
        if self._descriptor < 0:
            return None
        try:
            return int(os.pread(self._descriptor, 100, 0).split()[1]) // 1000
        except (OSError, ValueError, IndexError):
            return None

    def close(self) -> None:
        """Let go of the system's file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class ProcessGauge:
    """Reads this process and the machine it runs on."""

    def __init__(self, queue: RunQueue) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._cores = _core_times()
        self._queue = queue
        self._starved_us = queue.waited_us()
        self._descriptors: int | None = None
        self._reads = 0

    def read(self) -> Reading:
        """What was used since the last call."""
        before, self._cores = self._cores, _core_times()
        shares = [_busy_percent(*pair) for pair in zip(before, self._cores, strict=False)] or [0.0]
        starved_before, self._starved_us = self._starved_us, self._queue.waited_us()
        has_both = starved_before is not None and self._starved_us is not None
        reading = Reading(
            cpu_percent=self._process.cpu_percent(),
            core_percent=max(shares),
            machine_percent=sum(shares) / len(shares),
            starved_us=max((self._starved_us or 0) - (starved_before or 0), 0) if has_both else None,
            memory_bytes=self._process.memory_info().rss,
            descriptors=self._count_descriptors(),
            descriptor_limit=_descriptor_limit(),
        )
        self._reads += 1
        return reading

    def _count_descriptors(self) -> int | None:
        if sys.platform == "linux" and (known := os.stat("/proc/self/fd").st_size):
            # since Linux 6.2 the folder's size is their number
            return known
        if self._reads % _SECONDS_PER_COUNT == 0:
            count = getattr(self._process, "num_fds", None) or getattr(self._process, "num_handles", None)
            self._descriptors = count() if count is not None else None
        return self._descriptors


class Vitals:
    """Takes a line each second of the wall clock.

    Args:
        log: is told them.
        watch: knows how late the loop was.
        collections: what garbage collection has cost until now.
        gauge: reads the process.
        now_s: the wall clock.
    """

    def __init__(
        self,
        log: GeneratorLog,
        watch: Watch,
        collections: Collections,
        gauge: Gauge,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._watch = watch
        self._collections = collections
        self._gauge = gauge
        self._now_s = now_s
        self._number = 0
        self._next_s = int(now_s())
        self._count, self._total_us = collections.count, collections.total_us
        self._warnings = 0
        self._reading: Reading | None = None

    def run(self, sleep: Callable[[float], object] = gevent.sleep) -> None:
        """Take a line at the end of each second, for ever; made to run in a greenlet."""
        while True:
            sleep(1.001 - self._now_s() % 1)
            self.take()

    def take(self, *, is_last: bool = False) -> None:
        """Tell all seconds that are over; ``is_last``: the one that has begun, too."""
        now_s = int(self._now_s())
        until_s = now_s + 1 if is_last else now_s
        if not self._next_s - 1 <= now_s <= self._next_s + _MOST_SECONDS_AT_ONCE:
            # the clock was set, or the computer slept
            self._next_s = until_s - 1
        if self._next_s >= until_s:
            return
        try:
            self._reading = self._gauge.read()
        except OSError:
            # Each look needs a descriptor, and users may have taken them all: what was read last stands.
            pass
        reading, worst_us = self._reading, self._watch.take_worst_us()
        if reading is None:
            return
        for seen in self._watch.take_loads():
            self._log.add_look(seen)
        self._watch.is_busy = reading.cpu_percent >= settings.cpu_warning_threshold
        late = {each: self._log.late_us(each) for each in range(self._next_s, until_s)}
        for epoch_s, late_us in late.items():
            self._log.add_second(self._second(epoch_s, max(worst_us, late_us), late_us > 0, reading))
            # what is counted belongs to one of them
            self._count, self._total_us, self._collections.longest_us = (
                self._collections.count,
                self._collections.total_us,
                0,
            )
        self._next_s = until_s
        self._warn()

    def _second(self, epoch_s: int, delay_us: int, is_late: bool, reading: Reading) -> Second:
        self._number += 1
        return Second(
            number=self._number,
            epoch_s=epoch_s,
            delay_us=delay_us,
            cpu_percent=reading.cpu_percent,
            core_percent=reading.core_percent,
            machine_percent=reading.machine_percent,
            starved_us=reading.starved_us,
            memory_bytes=reading.memory_bytes,
            collections=self._collections.count - self._count,
            collecting_us=self._collections.total_us - self._total_us,
            longest_collection_us=self._collections.longest_us,
            descriptors=reading.descriptors,
            descriptor_limit=reading.descriptor_limit,
            is_late=is_late,
        )

    def _warn(self) -> None:
        for cause in self._watch.untold:
            self._warnings += 1
            if self._warnings <= _MOST_WARNINGS:
                logger.warning("%s", f"{_capital(cause.sentence)}. {cause.what.advice}".rstrip())
        self._watch.untold.clear()


def _core_times() -> list[tuple[float, float]]:
    """(busy, all) seconds of each core."""
    times = []
    for core in psutil.cpu_times(percpu=True):
        # time of guests is in that of users already
        whole = sum(core) - getattr(core, "guest", 0.0) - getattr(core, "guest_nice", 0.0)
        times.append((whole - core.idle - getattr(core, "iowait", 0.0), whole))
    return times


def _busy_percent(before: tuple[float, float], after: tuple[float, float]) -> float:
    whole = after[1] - before[1]
    return min(max(100 * (after[0] - before[0]) / whole, 0.0), 100.0) if whole > 0 else 0.0


def _descriptor_limit() -> int | None:
    if sys.platform == "win32":
        return None
    limit: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
