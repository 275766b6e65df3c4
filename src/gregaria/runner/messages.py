"""Messages between the parts of a locustfile that run on different nodes; in a local run all parts are here."""

import logging
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.pool import Group

from gregaria.errors import shortened
from gregaria.events import FLOW, Listener
from gregaria.logs import OncePerKind

logger = logging.getLogger("gregaria.runner.messages")

#: seconds that the first user waits for listeners that were registered with ``concurrent=True``
PATIENCE_S = 30.0
#: types without a listener that are told, and characters of one
_MOST_UNHEARD = 100
_LONGEST_TYPE = 200


@dataclass(slots=True)
class Message:
    """What a listener gets as ``msg``.

    Attributes:
        type: the name it was registered for.
        data: whatever was sent.
        node_id: who sent it.
    """

    type: str
    data: Any
    node_id: str | None


class MessageListeners:
    """Who listens for which type of message."""

    def __init__(self) -> None:
        self.listeners: dict[str, tuple[Listener, bool]] = {}
        self._at_work = Group()
        self._unheard = OncePerKind(logger, most=_MOST_UNHEARD)

    def register(self, message_type: str, listener: Listener, concurrent: bool = False) -> None:
        """Call ``listener(environment=..., msg=...)`` for every message of that type.

        Args:
            message_type: the name given to ``send_message``.
            listener: what to call.
            concurrent: call it in a greenlet of its own, so that the sender need not wait.

        Raises:
            ValueError: that type has a listener already.
        """
        if message_type in self.listeners:
            raise ValueError(
                f"There is a listener for messages of type {message_type!r} already; give the second one another type"
            )
        self.listeners[message_type] = (listener, concurrent)

    def deliver(self, message: Message, environment: Any) -> None:
        """Hand a message to its listener; one that nobody listens for is warned about, once per type."""
        if message.type not in self.listeners:
            name = shortened(str(message.type), _LONGEST_TYPE)
            text = "A message of type %r was sent, but nobody listens for it; register_message(%r, ...) comes first"
            self._unheard.tell(name, text, name, name)
            return
        listener, concurrent = self.listeners[message.type]
        if concurrent:
            self._at_work.spawn(_call, listener, message, environment)
        else:
            _call(listener, message, environment)

    def wait_until_handled(self) -> None:
        """Return when no listener is at work any more, or with a warning when one takes very long."""
        if gevent.getcurrent() in self._at_work:
            return
        if not self._at_work.join(timeout=PATIENCE_S, raise_error=False):
            logger.warning(
                "A message listener has been at work for %g s; the first users start without waiting for it", PATIENCE_S
            )


def _call(listener: Listener, message: Message, environment: Any) -> None:
    try:
        listener(environment=environment, msg=message)
    except FLOW as flow:
        # Nobody above could act on it: the listener may be in a greenlet of its own.
        environment.runner.stop_test(f"{type(flow).__name__} was raised by the listener for {message.type!r}")
    except Exception:
        logger.exception("The listener for messages of type %r raised", message.type)
