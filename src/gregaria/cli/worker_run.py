"""A worker's life: find the master, run what it asks for, until it or a person says that it is over."""

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from gregaria.cli.cluster import Part, runner_maker
from gregaria.cli.limits import raise_file_limit
from gregaria.cli.otel import new_telemetry
from gregaria.cli.processes import LocalWorkers
from gregaria.cli.signals import Signals, Watchdog, terminate_self
from gregaria.cli.start import check_classes, fire_init
from gregaria.cli.unhandled import Unhandled
from gregaria.environment import Environment
from gregaria.errors import ExitCode
from gregaria.settings import settings
from gregaria.version import VERSION

__all__ = ["WorkerRun", "run_workers"]

logger = logging.getLogger("gregaria.cli.run")

_PATIENCE_S = 20.0
#: seconds in which a worker may get the same signal from two sides
_SAME_SIGNAL_S = 1.0
#: seconds between two looks whether whoever started this worker is still there
_PARENT_S = 1.0


class WorkerRun:
    """The life of one worker.

    Args:
        environment: with the users that may run, and no runner yet.
        options: of the command.
        part: what this process is.
        locustfiles: what it has imported.
    """

    def __init__(self, environment: Environment, options: Any, part: Part, locustfiles: Sequence[Path]) -> None:
        self._environment = environment
        self._options = options
        self._part = part
        self._locustfiles = locustfiles
        self._over = Event()
        self._is_stopped_by_signal = False
        self._watchdog = Watchdog()
        self._signals = Signals(self._stop_by_signal, self._stop_at_once)

    def run(self) -> int:
        """Run until the end; returns the exit code.

        Raises:
            CommandError: the worker cannot begin, or could not go on.
        """
        logger.info("Starting Gregaria %s as a worker", VERSION)
        unhandled = Unhandled()
        environment, options = self._environment, self._options
        if options.equal_weights:
            environment.assign_equal_weights()
        environment.stats.recorder.keeps_phases = getattr(options, "keeps_phases", False)
        check_classes(environment)
        raise_file_limit(None)
        self._runner = runner = runner_maker(self._part, options, self._locustfiles)(environment)
        runner.count_unhandled = unhandled.count
        fire_init(environment, self._runner)
        telemetry = new_telemetry(environment, options, has_metrics=False)
        self._signals.start()
        if self._part.parent_pid:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            # Windows gives nobody another parent, and a process of a virtual environment has its launcher for one.
            if sys.platform != "win32":
                gevent.spawn(self._watch_parent)
        gevent.spawn(self._wait_for_quit)
        self._over.wait()
        self._watchdog.arm(environment.stop_timeout + settings.stop_grace_s + _PATIENCE_S, terminate_self)
        runner.quit()
        self._watchdog.off()
        runner.fire(environment.events.quitting, environment=environment, reverse=True)
        code = self._exit_code(unhandled.count())
        runner.fire(environment.events.quit, exit_code=code)
        if telemetry is not None:
            telemetry.end()
        self._signals.stop()
        if runner.failure is not None:
            raise runner.failure
        return code

    def _exit_code(self, unhandled: int) -> int:
        wished = self._environment.process_exit_code
        if wished is not None:
            return int(wished)
        # Absent when the locustfile has an option of its own of that name.
        on_signal = getattr(self._options, "exit_code_on_signal", 0)
        if self._is_stopped_by_signal and on_signal:
            return int(on_signal)
        return int(ExitCode.USAGE) if unhandled else int(ExitCode.OK)

    def _wait_for_quit(self) -> None:
        self._runner.greenlet.join()
        self._over.set()

    def _watch_parent(self) -> None:
        while os.getppid() == self._part.parent_pid:
            gevent.sleep(_PARENT_S)
        logger.warning("The process that started this worker has ended, and so does the worker")
        self._over.set()

    def _stop_by_signal(self, name: str) -> None:
        logger.info("Got %s, this worker leaves", name)
        # Both may come at the same time, at the end of a test.
        self._is_stopped_by_signal = not self._over.is_set()
        self._over.set()

    def _stop_at_once(self) -> None:
        if self._part.parent_pid and time.monotonic() - self._signals.first_s < _SAME_SIGNAL_S:
            # Sent to the whole group, and passed on by the parent, too.
            return
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ExitCode.INTERRUPTED)


def run_workers(arguments: Sequence[str], part: Part, options: Any) -> int:
    """``--worker --processes N``: start N workers of another machine's master, and wait for them."""
    is_told_to_end = False

    def end() -> None:
        nonlocal is_told_to_end
        is_told_to_end = True
        workers.signal(signal.SIGTERM)

    workers = LocalWorkers(
        arguments,
        part.processes,
        part.master_host,
        part.master_port,
        replaces=options.replace_workers,
        # One that leaves because it was told to is not replaced, whatever its exit code.
        is_over=lambda: is_told_to_end,
    )
    signals = Signals(lambda _: end(), end)
    signals.start()
    workers.start()
    code = workers.wait()
    signals.stop()
    return code
