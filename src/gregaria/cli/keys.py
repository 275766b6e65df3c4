"""Keys while a run goes on: w and W for 1 and 10 more users, s and S for 1 and 10 fewer; Enter opens the page."""

import atexit
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import gevent
from gevent import Greenlet
from gevent.select import select

from gregaria.runner.state import STATE_RUNNING, STATE_SPAWNING

if sys.platform != "win32":
    import termios

logger = logging.getLogger("gregaria.cli.keys")

#: key -> how many users more
STEPS = {"w": 1, "W": 10, "s": -1, "S": -10}

_ENTER = ("\n", "\r")

#: users per second on the way to the new number, as in Locust
SPAWN_RATE = 100

_CHECK_INTERVAL_S = 0.5


def new_user_count(user_count: int, key: str) -> int:
    """How many users there shall be after this key."""
    return max(user_count + STEPS.get(key, 0), 0)


class Keys:
    """Obeys keys typed at a terminal; the terminal is put back in every case, suspension included.

    Args:
        runner: whose users are changed.
        descriptor: of the terminal.
        on_resume: called when the process goes on after a suspension, before anything else happens.
        on_enter: called when Enter is pressed.
    """

    def __init__(
        self,
        runner: Any,
        descriptor: int,
        on_resume: Callable[[], object] = lambda: None,
        on_enter: Callable[[], object] = lambda: None,
    ) -> None:
        self._runner = runner
        self._descriptor = descriptor
        self._on_resume = on_resume
        self._on_enter = on_enter
        self._before: list[Any] | None = None
        self._reader: Greenlet | None = None
        self._watchers: list[Any] = []

    def start(self) -> None:
        """Begin to read, if the descriptor is a terminal; else nothing happens."""
        if sys.platform == "win32" or not os.isatty(self._descriptor):
            return
        atexit.register(self.stop)
        self._watchers = [
            gevent.signal_handler(signal.SIGTSTP, self._suspend),
            gevent.signal_handler(signal.SIGCONT, self._take_terminal),
        ]
        self._take_terminal()
        self._reader = gevent.spawn(self._read)

    def stop(self) -> None:
        """Put the terminal back; may be called again."""
        self._give_terminal_back()
        for watcher in self._watchers:
            watcher.cancel()
        self._watchers = []
        if self._reader is not None:
            self._reader.kill(block=False)
            self._reader = None
        atexit.unregister(self.stop)

    def obey(self, key: str) -> None:
        """Do what one key asks for; other keys do nothing."""
        runner = self._runner
        if key in _ENTER:
            self._on_enter()
        if key not in STEPS or runner.state not in (STATE_RUNNING, STATE_SPAWNING):
            return
        if runner.state == STATE_SPAWNING:
            logger.warning("Users are still being started or stopped; press %s again when that is done", key)
        elif runner.environment.shape_class is not None:
            logger.warning("The shape decides how many users there are, so %s does nothing", key)
        else:
            # The target, not those alive: two quick keys are two steps.
            runner.start(new_user_count(runner.target_user_count, key), SPAWN_RATE)

    def _read(self) -> None:
        while True:
            if not self._is_foreground():
                gevent.sleep(_CHECK_INTERVAL_S)
                continue
            readable, _, _ = select([self._descriptor], [], [], _CHECK_INTERVAL_S)
            if not readable or not self._is_foreground():
                continue
            try:
                typed = os.read(self._descriptor, 64)
            except OSError:
                return
            if not typed:
                return
            for key in typed.decode("ascii", "ignore"):
                self.obey(key)

    def _is_foreground(self) -> bool:
        # A process in the background that reads its terminal or changes it is stopped by the system.
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False

    def _suspend(self) -> None:
        self._give_terminal_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._on_resume()

    def _take_terminal(self) -> None:
        if sys.platform == "win32" or self._before is not None or not self._is_foreground():
            return
        self._before = termios.tcgetattr(self._descriptor)
        # Keys come at once and are not shown; Ctrl-C and the output's line ends stay as they are.
        changed = termios.tcgetattr(self._descriptor)
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, changed)

    def _give_terminal_back(self) -> None:
        if sys.platform == "win32" or self._before is None:
            return
        before, self._before = self._before, None
        if self._is_foreground():
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)
