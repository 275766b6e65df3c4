"""The system's limit of open files, raised as far as it may be: every user needs a connection."""

import logging
import sys

if sys.platform != "win32":
    import resource

logger = logging.getLogger("gregaria.cli.limits")

#: open files that a run of thousands of users needs
WANTED_FILES = 10_000


def raise_file_limit(wanted: int = WANTED_FILES) -> None:
    """Allow this process ``wanted`` open files, or as many as it may have; too few are a warning."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    for limit in (wanted, hard):
        if hard != resource.RLIM_INFINITY and limit > hard:
            continue
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except (OSError, ValueError):
            continue
        break
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed < wanted:
        logger.warning("Only %d files may be open at once, so about as many connections; see `ulimit -n`", allowed)
