"""The states of a run and every allowed transition, as a table."""

STATE_INIT = "ready"
STATE_SPAWNING = "spawning"
STATE_RUNNING = "running"
#: a local runner or a worker stops its users
STATE_CLEANUP = "cleanup"
#: a master waits for its workers to stop
STATE_STOPPING = "stopping"
STATE_STOPPED = "stopped"
#: a worker that the master no longer hears of; also what the web page shows when there is no runner
STATE_MISSING = "missing"

TRANSITIONS: dict[str, frozenset[str]] = {
    STATE_INIT: frozenset({STATE_SPAWNING, STATE_CLEANUP, STATE_STOPPING}),
    STATE_SPAWNING: frozenset({STATE_SPAWNING, STATE_RUNNING, STATE_CLEANUP, STATE_STOPPING}),
    STATE_RUNNING: frozenset({STATE_SPAWNING, STATE_CLEANUP, STATE_STOPPING}),
    STATE_CLEANUP: frozenset({STATE_STOPPED}),
    STATE_STOPPING: frozenset({STATE_STOPPED}),
    STATE_STOPPED: frozenset({STATE_SPAWNING, STATE_CLEANUP, STATE_STOPPING}),
    STATE_MISSING: frozenset({STATE_INIT}),
}


def check_transition(before: str, after: str) -> None:
    """Refuse a change of state that makes no sense.

    Raises:
        RuntimeError: ``after`` cannot follow ``before``.
    """
    if after not in TRANSITIONS[before]:
        raise RuntimeError(f"A run that is {before!r} cannot become {after!r}")
