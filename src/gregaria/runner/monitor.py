"""How much CPU and memory this process takes itself, and the warning when that spoils the numbers."""

import logging
import os
from collections.abc import Callable
from typing import Any, Protocol

import gevent
import psutil

from gregaria.events import EventHook
from gregaria.settings import settings

logger = logging.getLogger("gregaria.runner.monitor")


class Monitored(Protocol):
    """The runner, as its monitor sees it."""

    environment: Any
    #: percent of one core, over the last interval
    current_cpu_usage: float
    #: resident bytes
    current_memory_usage: int
    #: whether this test has been warned already
    cpu_warning_emitted: bool

    def fire(self, event: EventHook, **arguments: Any) -> None:
        """Tell listeners."""


class Gauge(Protocol):
    """What of ``psutil.Process`` is read."""

    def cpu_percent(self) -> float:
        """Percent of one core since the last call."""

    def memory_info(self) -> Any:
        """Has ``rss``, in bytes."""


def watch(runner: Monitored, gauge: Gauge | None = None, sleep: Callable[[float], object] = gevent.sleep) -> None:
    """Take a sample every ``settings.cpu_monitor_interval_s``, for ever; made to run in a greenlet."""
    gauge = gauge or psutil.Process()
    # The first reading is the beginning of the first interval and means nothing in itself.
    gauge.cpu_percent()
    while True:
        sleep(settings.cpu_monitor_interval_s)
        sample(runner, gauge)


def sample(runner: Monitored, gauge: Gauge) -> None:
    """Take one sample: fire ``usage_monitor``, and ``cpu_warning`` when it is too much, which is logged once a test."""
    try:
        cpu_usage, memory_usage = gauge.cpu_percent(), gauge.memory_info().rss
    except OSError:
        # A look needs a descriptor, and users may have taken them all; the next one may find some.
        return
    runner.current_cpu_usage, runner.current_memory_usage = cpu_usage, memory_usage
    events = runner.environment.events
    runner.fire(
        events.usage_monitor,
        environment=runner.environment,
        cpu_usage=runner.current_cpu_usage,
        memory_usage=runner.current_memory_usage,
    )
    if runner.current_cpu_usage > settings.cpu_warning_threshold:
        runner.fire(events.cpu_warning, environment=runner.environment, cpu_usage=runner.current_cpu_usage)
        if not runner.cpu_warning_emitted:
            runner.cpu_warning_emitted = True
            logger.warning(
                "This process took %.0f %% of a CPU core over the last %g s: response times may include its own delays."
                " Use FastHttpUser, fewer users, or %s.",
                runner.current_cpu_usage,
                settings.cpu_monitor_interval_s,
                _more_processes(),
            )


def _more_processes() -> str:
    cores = os.cpu_count() or 1
    return "more machines" if cores == 1 else f"--processes -1, which takes all {cores} cores of this machine"
