"""Long work in the event loop, which users are not to wait for."""

import gevent

__all__ = ["give_turn"]

#: seconds; the shortest sleep for which gevent looks at sockets and timers
_SHORTEST_S = 1e-6


def give_turn() -> None:
    """Let all others have their turn, also those whose answer has come in the meantime.

    ``gevent.sleep(0)`` lets those run that are about to, and comes back before sockets and timers are looked at: fifty
    times, or longer, work goes on as if nobody waited.
    """
    gevent.sleep(_SHORTEST_S)
