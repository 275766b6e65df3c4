"""The system's limit of open files, raised as far as it may be: every connection is one."""

import io
import logging
import os
import sys
from contextlib import suppress

if sys.platform != "win32":
    import resource

logger = logging.getLogger("gregaria.cli.limits")

#: open files that are asked for whatever the number of users: a shape or a key may bring more of them
_USUAL_FILES = 10_000
#: connections that a user may want, to several hosts or side by side
_FILES_PER_USER = 4
#: files that are not connections: standard streams, logs, reports, libraries
_OTHER_FILES = 100
#: files that the reports open at the end
_SPARE_FILES = 8


def raise_file_limit(users: int | None) -> None:
    """Allow this process as many open files as so many users may need, or as many as it may have.

    Too few for a connection each are a warning that says what to do.

    Args:
        users: how many there will be at most; None when that is not known.
    """
    if sys.platform == "win32":
        return
    wanted = max(_USUAL_FILES, (users or 0) * _FILES_PER_USER + _OTHER_FILES)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        attempts = [(wanted, hard), (_USUAL_FILES, hard)]
    else:
        # Root may raise the hard limit, too.
        attempts = [(wanted, wanted), (hard, hard)]
    for limits in attempts:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            break
        except (OSError, ValueError):
            continue
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = _USUAL_FILES if users is None else users + _OTHER_FILES
    if allowed < needed:
        logger.warning(
            "This process may have only %d files open at once, and each connection is one: %s may need %d. Raise the "
            "limit before the start: `ulimit -n %d` in the shell (up to what `ulimit -Hn` shows, which root sets in "
            "/etc/security/limits.conf), LimitNOFILE= in a systemd unit, --ulimit nofile= of docker run",
            allowed,
            "these users" if users is not None else "a shape",
            needed,
            wanted,
        )


class SpareFiles:
    """A few open files, given back when the reports are to be written: connections may have taken all others."""

    def __init__(self) -> None:
        self._files: list[io.FileIO] = []
        with suppress(OSError):
            for _ in range(_SPARE_FILES):
                # Not by os.open: gevent's os.close waits for the loop.
                self._files.append(io.FileIO(os.devnull))

    def give_back(self) -> None:
        """Let others have them; a second call changes nothing."""
        while self._files:
            self._files.pop().close()
