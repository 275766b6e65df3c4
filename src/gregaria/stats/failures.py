"""What went wrong, in groups: messages that differ only in an id are one, and the tables never grow beyond a limit."""

import functools
import hashlib
import ipaddress
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from gregaria.errors import LONGEST_MESSAGE, LONGEST_TRACEBACK, CatchResponseError, GeneratorError, shortened
from gregaria.settings import settings
from gregaria.stats.exchanges import Exchange, exchange_of
from gregaria.stats.masking import Mask

__all__ = ["OTHER", "ExceptionTable", "FailureTable", "StatsError", "group_key", "message_of"]

logger = logging.getLogger("gregaria.stats")

OTHER = "(other)"

#: a group whose failures bring nothing to keep is not asked for ever
_MOST_TRIES = 100

# The parts of a message that vary from one request to the next. Numbers of up to four digits stay: 404 is no 503.
# The pattern begins with one set of characters, for which `re` searches many times faster than for alternatives; what
# has to stand before that first character is therefore looked up behind it.
VARIABLE = re.compile(
    r"""
    [0-9a-fA-F]
    (?:
        (?<! [0-9A-Za-z]. )
        (?: (?P<uuid>   [0-9a-fA-F]{7} - [0-9a-fA-F]{4} - [0-9a-fA-F]{4} - [0-9a-fA-F]{4} - [0-9a-fA-F]{12} )
          | (?P<memory> (?<=0) [xX] [0-9a-fA-F]{4,} )
          | (?P<hex>    (?: (?<=[0-9]) (?=[0-9]*[a-fA-F]) | (?<=[a-fA-F]) (?=[a-fA-F]*[0-9]) ) [0-9a-fA-F]{7,} )
        ) (?! [0-9A-Za-z] )
      | (?<=[0-9])
        (?: (?P<address> (?<! [0-9A-Za-z.]. ) [0-9]{0,2} (?: \.[0-9]{1,3} ){3} (?: :[0-9]{1,5} )? (?! [0-9A-Za-z] ) )
          | (?P<number>  [0-9]{4,} )
        )
    )
    """,
    re.VERBOSE,
)
# Whether it is one is left to the ipaddress module: 12:30:45 is not.
IPV6 = re.compile(
    r"""
    (?<![0-9A-Za-z:]) (\[?)
    ( [0-9a-f]{0,4} (?: :[0-9a-f]{0,4} ){1,6} : (?: [0-9a-f]{1,4} | (?<=::) ) (?: \.[0-9]{1,3} ){0,3} ) (?: %\w+ )?
    ( \](?: :[0-9]{1,5} )? | ) (?! [0-9A-Za-z] | :[0-9A-Za-z:] )
    """,
    re.VERBOSE | re.IGNORECASE,
)
PLACEHOLDERS = {"uuid": "<uuid>", "memory": "0x....", "address": "<address>", "hex": "<hex>", "number": "<number>"}
HAS_DIGIT = re.compile(r"\d")

NOTHING_SECRET = Mask()


def message_of(error: object, mask: Mask = NOTHING_SECRET) -> str:
    """The text of a failure, secrets masked: a text itself, the repr of an exception; at most 4,000 characters."""
    if isinstance(error, str):
        text = error
    elif isinstance(error, (CatchResponseError, GeneratorError)):
        text = str(error)
    else:
        try:
            text = repr(error)
        except Exception as broken:
            text = f"{type(error).__name__} (its repr raised {type(broken).__name__})"
    # What is beyond the end is looked at too, for a secret that crosses it is masked only when seen whole.
    return _shown(text if len(text) <= 2 * LONGEST_MESSAGE else text[: 2 * LONGEST_MESSAGE], mask)


@functools.lru_cache(maxsize=512)
def _shown(text: str, mask: Mask) -> str:
    return shortened(mask.text(text), LONGEST_MESSAGE)


@functools.lru_cache(maxsize=512)
def group_key(message: str) -> str:
    """The message with everything masked that varies between requests that fail in the same way.

    Masked are UUIDs, runs of eight and more hex digits that have letters and digits, memory addresses, IPv4 and IPv6
    addresses with their ports, and runs of five and more digits.
    """
    if not HAS_DIGIT.search(message):
        return message
    if message.count(":") >= 2:
        message = IPV6.sub(_mask_ipv6, message)
    return VARIABLE.sub(_mask, message)


def _mask(found: re.Match[str]) -> str:
    return PLACEHOLDERS[found.lastgroup or "number"]


def _mask_ipv6(found: re.Match[str]) -> str:
    opened, address, closed = found.groups()
    if not address.strip(":") or bool(opened) != closed.startswith("]"):
        return found.group()
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return found.group()
    return PLACEHOLDERS["address"]


class StatsError:
    """Failures of one (method, name) that are of one group.

    Attributes:
        method, name: the requests that failed.
        error: the group's text, variable parts masked.
        sample: the first message of the group, as it came but for secrets.
        occurrences: how often.
        first_seen, last_seen: seconds since 1970; None if not known.
        exchanges: what was sent and received, of the first of them.
    """

    __slots__ = ("error", "exchanges", "first_seen", "last_seen", "method", "name", "occurrences", "sample")

    def __init__(
        self,
        method: str,
        name: str,
        error: object,
        occurrences: int = 0,
        first_seen: float | None = None,
        last_seen: float | None = None,
    ) -> None:
        self.method = method
        self.name = name
        self.sample = message_of(error)
        self.error = group_key(self.sample)
        self.occurrences = occurrences
        self.first_seen = first_seen
        self.last_seen = last_seen
        self.exchanges: list[Exchange] = []

    @property
    def is_other(self) -> bool:
        """Whether this is the group of all kinds beyond the limit."""
        return self.error == OTHER and not self.method and not self.name

    @classmethod
    def parse_error(cls, error: object) -> str:
        """The group's text for an error."""
        return group_key(message_of(error))

    @classmethod
    def create_key(cls, method: str, name: str, error: object) -> str:
        """What tables know the group by: 64 hex digits."""
        text = f"{method}.{name}.{cls.parse_error(error)!r}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def occurred(self) -> None:
        """Count one more."""
        self.last_seen = time.time()
        if self.first_seen is None:
            self.first_seen = self.last_seen
        self.occurrences += 1

    def merge(self, other: "StatsError") -> None:
        """Add what another table counted of the same group."""
        self.occurrences += other.occurrences
        starts = [moment for moment in (self.first_seen, other.first_seen) if moment is not None]
        ends = [moment for moment in (self.last_seen, other.last_seen) if moment is not None]
        self.exchanges += other.exchanges[: max(settings.kept_exchanges - len(self.exchanges), 0)]
        self.first_seen = min(starts, default=None)
        self.last_seen = max(ends, default=None)

    def to_name(self) -> str:
        return f"{self.method} {self.name}: {self.error}"

    def serialize(self) -> dict[str, Any]:
        """The group as Locust's workers send it and its web API shows it."""
        return {
            "method": self.method,
            "name": self.name,
            "error": self.error,
            "occurrences": self.occurrences,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
        }

    to_dict = serialize

    @classmethod
    def unserialize(cls, data: Mapping[str, Any]) -> "StatsError":
        """The group that ``serialize``, Locust's or Gregaria's, made the dictionary of.

        Raises:
            KeyError: the method, the name, the error or the count is missing.
        """
        return cls(
            data["method"],
            data["name"],
            data["error"],
            data["occurrences"],
            data.get("first_seen"),
            data.get("last_seen"),
        )


class FailureTable(dict[str, StatsError]):
    """All groups of failures, by their key; ``settings.max_failures`` of them, then the one group ``(other)``.

    Attributes:
        mask: hides secrets in messages, and in the exchanges that are kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mask = NOTHING_SECRET
        self._groups: dict[tuple[str, str, str], StatsError] = {}

    def add(self, method: str, name: str, error: object, answer: Any = None) -> None:
        """Count one failed request.

        Args:
            method, name: the statistics' row.
            error: the failure, an exception or a text.
            answer: what came back, the engine's Answer or a response like those of requests; None if there is none.
        """
        message = message_of(error, self.mask)
        group = self._groups.get((method, name, group_key(message)))
        if group is None:
            group = self._new_group(method, name, message)
        group.occurred()
        if group.occurrences <= _MOST_TRIES and len(group.exchanges) < settings.kept_exchanges:
            exchange = exchange_of(method, name, message, error, answer, self.mask)
            if exchange is not None:
                group.exchanges.append(exchange)

    def merge(self, error: StatsError) -> None:
        """Add a group that was counted elsewhere."""
        group = self._groups.get((error.method, error.name, error.error))
        if group is None:
            # An exchange that was told after the failures of a group that is forgotten here.
            if not error.occurrences:
                return
            if error.is_other:
                group = self._put(StatsError("", "", OTHER))
                group.sample = error.sample
            else:
                group = self._new_group(error.method, error.name, error.sample)
        group.merge(error)

    def clear(self) -> None:
        """Forget every group."""
        super().clear()
        self._groups.clear()

    def _new_group(self, method: str, name: str, message: str) -> StatsError:
        other = self._groups.get(("", "", OTHER))
        if other is not None:
            return other
        if len(self) >= settings.max_failures:
            logger.warning(
                "There are more than %d kinds of failures; further kinds are counted together as %s. Texts that are "
                "different for each request, like response.failure(f'... {response.text}'), make a kind each. "
                "The first one counted there: %s %s: %s",
                settings.max_failures,
                OTHER,
                method,
                self.mask.text(name),
                message,
            )
            group = StatsError("", "", OTHER)
            group.sample = f"{method} {self.mask.text(name)}: {message}".strip()
        else:
            group = StatsError(method, name, message)
        return self._put(group)

    def _put(self, group: StatsError) -> StatsError:
        self._groups[group.method, group.name, group.error] = group
        self[StatsError.create_key(group.method, group.name, group.error)] = group
        return group


class ExceptionTable(dict[int, dict[str, Any]]):
    """Exceptions that escaped tasks: ``{key: {"count", "msg", "traceback", "nodes"}}`` as Locust's runners have it.

    Those whose tracebacks differ only in an id are one, and the first is kept. Beyond ``settings.max_exceptions`` they
    are counted together as ``(other)``.
    """

    def add(self, node_id: str, msg: str, formatted_tb: str, count: int = 1) -> None:
        """Count an exception; ``node_id`` is where it happened: ``local`` or a worker's name."""
        traceback = shortened(formatted_tb, LONGEST_TRACEBACK)
        # Those that a worker has counted together stay together.
        key = hash(OTHER if msg == OTHER else group_key(traceback))
        row = self.get(key)
        if row is None:
            key, row = self._new_row(key, shortened(msg, LONGEST_MESSAGE), traceback)
        row["count"] += count
        row["nodes"].add(node_id)

    def _new_row(self, key: int, msg: str, traceback: str) -> tuple[int, dict[str, Any]]:
        other = hash(OTHER)
        if other in self:
            return other, self[other]
        if len(self) >= settings.max_exceptions:
            logger.warning(
                "There are more than %d kinds of exceptions in tasks; further kinds are counted together as %s. "
                "The first one counted there: %s",
                settings.max_exceptions,
                OTHER,
                msg,
            )
            key, msg = other, OTHER
        self[key] = {"count": 0, "msg": msg, "traceback": traceback, "nodes": set()}
        return key, self[key]
