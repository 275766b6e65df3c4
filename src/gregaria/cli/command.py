"""The command itself: patches gevent in before anything knows sockets, runs cli.main, turns errors into exit codes."""

import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from gregaria.errors import CommandError, ExitCode, LocustfileError

_SLOWEST_EXIT_S = 5
_FIRST_PROCESS = 1


def run(arguments: Sequence[str]) -> int:
    """Do what the command line asks for, and tell what went wrong; returns the exit code."""
    if os.getpid() == _FIRST_PROCESS:
        # Of a container. The system ends it by no signal that it does not handle, also before there is a run to end.
        signal.signal(signal.SIGTERM, _end_by_signal)
    try:
        code = _run(arguments)
    except LocustfileError as error:
        print(error, file=sys.stderr)
        code = int(error.exit_code)
    except CommandError as error:
        print(f"gregaria: error: {error}", file=sys.stderr)
        code = int(error.exit_code)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone.
        _discard_output()
        code = ExitCode.OUTPUT
    except Exception:
        traceback.print_exc()
        print(
            "gregaria: error: this is a mistake in Gregaria itself; please report it with the lines above",
            file=sys.stderr,
        )
        code = ExitCode.INTERNAL
    _end_even_if_threads_linger(code)
    return code


def _end_by_signal(number: int, frame: FrameType | None) -> None:
    """With the exit code that a shell makes of a process which the signal has ended."""
    del frame
    sys.exit(128 + number)


def _run(arguments: Sequence[str]) -> int:
    # Imported here, as the second has to come after the patch, and what is wrong with either has to be told.
    if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH"):
        importlib.import_module("gregaria.patching").patch_all()
    code: int = importlib.import_module("gregaria.cli.main").main(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_output()
        raise CommandError(f"the output cannot be written: {error.strerror}", code or ExitCode.OUTPUT) from None
    return code


def _discard_output() -> None:
    """Python would complain once more at exit about what cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_even_if_threads_linger(code: int) -> None:
    """A thread of a locustfile that never ends must not keep the process; it gets some seconds first."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return
    sleep = monkey.get_original("time", "sleep")

    def end() -> None:
        sleep(_SLOWEST_EXIT_S)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)

    monkey.get_original("_thread", "start_new_thread")(end, ())
