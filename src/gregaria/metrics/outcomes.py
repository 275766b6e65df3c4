"""What HTTP requests came to, for who wants response times apart by status and class of error."""

from collections.abc import Mapping

from gregaria.engine.recorder import OTHER
from gregaria.metrics.family import encodable

__all__ = ["attributes_of", "outcome", "place"]

#: does not stand in methods, hosts and classes
_BETWEEN = "\t"
#: what OpenTelemetry calls the row that has the rest where there are too many
_FOLDED = {"otel.metric.overflow": True}


def place(method: str, address: str, port: int) -> str:
    """What requests of one kind to one server begin their ``outcome`` with; port 0 stands for none."""
    return _BETWEEN.join((method, address, str(port or "")))


def outcome(of: str, status: int, kind: str) -> str:
    """What stands for the method in the rows of ``RequestStats.outcomes``.

    Args:
        of: a ``place``.
        status: of the answer, 0 for none.
        kind: of error, empty for none.
    """
    return f"{of}{_BETWEEN}{status or ''}{_BETWEEN}{kind}"


def attributes_of(text: str, name: str) -> Mapping[str, str | int | bool]:
    """The attributes of a row, as OpenTelemetry calls them.

    Args:
        text: an ``outcome``.
        name: the row's, beside it.
    """
    if name == OTHER and not text:
        return _FOLDED
    # Filled up and looked at, as a worker may report what it likes.
    method, address, port, status, kind = [*text.split(_BETWEEN), *[""] * 4][:5]
    found: dict[str, str | int | bool] = {
        "http.request.method": encodable(method),
        "name": encodable(name),
        "server.address": encodable(address),
    }
    if port.isdecimal():
        found["server.port"] = int(port)
    if status.isdecimal():
        found["http.response.status_code"] = int(status)
    if kind:
        found["error.type"] = encodable(kind)
    return found
