"""What went wrong with a request: the engine's errors as requests would raise them, and which one statistics show."""

import ssl
from typing import Any

from requests import PreparedRequest, exceptions

from gregaria import errors
from gregaria.engine.names import place_of
from gregaria.engine.trouble import of_system, of_tls, refused

#: the engine's error, what requests raises in its place; the first that fits counts
_MEANINGS: tuple[tuple[type[BaseException], type[exceptions.RequestException]], ...] = (
    (errors.ConnectTimeout, exceptions.ConnectTimeout),
    (errors.ReadTimeout, exceptions.ReadTimeout),
    (errors.TooManyRedirects, exceptions.TooManyRedirects),
    (errors.ProxyError, exceptions.ProxyError),
    (errors.DecodingError, exceptions.ContentDecodingError),
    (errors.BodyTooShort, exceptions.ChunkedEncodingError),
    (errors.MalformedChunk, exceptions.ChunkedEncodingError),
    (errors.ConflictingLengths, exceptions.InvalidHeader),
    (errors.ProtocolError, exceptions.ConnectionError),
    (ssl.SSLError, exceptions.SSLError),
    (OSError, exceptions.ConnectionError),
)


def as_requests_raises(error: BaseException, request: PreparedRequest) -> exceptions.RequestException | None:
    """The error that requests would have raised, with ``error`` as its cause; None for one it would not have caught."""
    if isinstance(error, exceptions.RequestException):
        return error
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            wrapped = meaning(error, request=request)
            wrapped.__cause__ = error
            return wrapped
    return None


def reported(error: BaseException) -> BaseException:
    """The error that statistics show for ``error``: the innermost, which says what happened in the fewest words.

    Timeouts stay as requests raises them: what is inside says neither where nor how long. So do URLs that are none.
    """
    if isinstance(error, (exceptions.InvalidURL, exceptions.InvalidSchema)):
        return error
    undecodable = isinstance(error, exceptions.ContentDecodingError)
    if isinstance(error, exceptions.Timeout) and not isinstance(error.__cause__, errors.TransferError):
        return error
    connection = None
    while not isinstance(error, (errors.TransferError, errors.GeneratorError)):
        # urllib3's error knows where it wanted to connect to, the system's inside it does not.
        connection = getattr(error, "conn", connection)
        inner = error.__cause__ or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    if undecodable and not isinstance(error, errors.TransferError):
        return errors.DecodingError(f"the response's body is not what its Content-Encoding says ({error})")
    if isinstance(error, ssl.SSLError):
        return of_tls(error, None)
    if type(error) is ConnectionRefusedError and connection is not None:
        return refused(f"on {place_of(connection.host, connection.port)}")
    return of_system(error) if isinstance(error, OSError) else error


def by_status(status: int | None, reason: Any, name: str) -> exceptions.HTTPError | None:
    """The failure that a status is, named as statistics name the request; None below 400."""
    if status is None or not 400 <= status < 600:
        return None
    if isinstance(reason, bytes):
        reason = reason.decode("utf-8", "replace")
    side = "Client" if status < 500 else "Server"
    return exceptions.HTTPError(f"{status} {side} Error: {reason} for url: {name}")
