"""Every exception: those that steer a user, those a request can fail with, those that end the command.

    GregariaError
    ├── ResponseError                 raised in a with-block: the request failed
    │   └── CatchResponseError        wraps the text given to ``response.failure("...")``
    ├── MissingWaitTimeError
    ├── RunnerAlreadyExistsError
    ├── RPCError ── RPCSendError, RPCReceiveError
    └── CommandError                  ends the command with its own exit code and one clear message
        ├── NoHost                    a relative URL, and no host to put before it
        ├── FeedError                 the rows of a feed cannot be had
        ├── RuleError                 a rule of --fail-if or fail_if() that cannot be understood
        └── LocustfileError           a locustfile that cannot be imported; carries its own traceback
    StopUser, StopTest, InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately     flow of a user
    GeneratorError(OSError)           a limit of the generator's own machine; says nothing about the target
    TransferError(OSError)            what can go wrong with the bytes of one request
    ├── NameNotFound                  (also socket.gaierror)
    ├── ConnectTimeout, ReadTimeout ── FirstByteTimeout                                  (also TimeoutError)
    ├── ConnectionRefused             (also ConnectionRefusedError)
    ├── ConnectionReset               (also ConnectionResetError)
    ├── ConnectionClosed ── BodyTooShort                                                 (also ConnectionError)
    ├── TLSError                      (also ssl.SSLError)
    │   └── CertificateError          (also ssl.SSLCertVerificationError)
    │       └── CertificateExpired, CertificateForOtherHost, CertificateUntrusted
    ├── HostUnreachable, HostNotAllowed, ProxyError
    ├── ProtocolError
    │   ├── MalformedStatusLine, MalformedHeader, MalformedChunk, ConflictingLengths
    │   └── HeadTooLarge, BodyTooLarge, BodyTooLong, DecodingError
    └── TooManyRedirects
"""

# The C modules themselves: this file is read before gevent's patching, which socket and ssl must not be.
from _socket import gaierror
from _ssl import SSLCertVerificationError, SSLError
from enum import IntEnum
from unicodedata import combining, east_asian_width

#: what is kept and told of an error: whole pages end up in messages
LONGEST_MESSAGE = 4000
LONGEST_TRACEBACK = 20000


def shortened(text: str, length: int) -> str:
    """``text``, cut when it is longer than ``length`` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


class ExitCode(IntEnum):
    """What the command's exit code means; 0, 1 and 2 as in Locust, the rest documented in docs/exit-codes.md."""

    OK = 0
    FAILURES = 1
    USAGE = 2
    CHECKS = 3
    LOCUSTFILE_BROKEN = 4
    NO_USERS = 5
    NO_HOST = 6
    NOT_AVAILABLE = 7
    INIT_FAILED = 8
    CONFIG_USERS = 9
    SETTINGS = 10
    OUTPUT = 11
    INTERNAL = 12
    CLUSTER = 13
    DIFFERENCE = 14
    WEB = 15
    RULES = 16
    SATURATED = 17
    INTERRUPTED = 130


class GregariaError(Exception):
    """Base of the errors a locustfile's author may want to catch in one go."""


class ResponseError(GregariaError):
    """A response that is a failure; raised inside a ``catch_response`` block it becomes the request's failure."""


class CatchResponseError(ResponseError):
    """The failure that ``response.failure("text")`` reports."""


class MissingWaitTimeError(GregariaError):
    """A user or task set has no usable ``wait_time``."""


class RunnerAlreadyExistsError(GregariaError):
    """An environment has one runner; a second ``create_*_runner`` was called."""


class RPCError(GregariaError):
    """A link between master and worker failed."""


class RPCSendError(RPCError):
    """A message could not be sent."""


class RPCReceiveError(RPCError):
    """A message could not be read; ``addr`` is the sender, when known."""

    def __init__(self, *args: object, addr: str | None = None) -> None:
        super().__init__(*args)
        self.addr = addr


class CommandError(GregariaError):
    """Ends the command: the message says what to do, ``exit_code`` how to leave."""

    def __init__(self, message: str, exit_code: int = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NoHost(CommandError):
    """A relative URL was asked for and there is no host; ends the test as StopTest does."""

    def __init__(self, message: str, exit_code: int = ExitCode.NO_HOST) -> None:
        super().__init__(message, exit_code)


class FeedError(CommandError):
    """The rows of a feed cannot be had; ends the test as StopTest does."""


class RuleError(CommandError):
    """A rule that cannot be understood; the message shows where.

    Args:
        text: the rule.
        at: the place of the character that is wrong.
        reason: what is wrong with it, and what may stand there.
    """

    def __init__(self, text: str, at: int, reason: str) -> None:
        shown = "".join(character if character.isprintable() else " " for character in text)
        # A wide character takes two columns of a terminal, one that combines with another none.
        columns = [0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in shown[:at]]
        super().__init__(f"{reason}\n    {shown}\n    {' ' * sum(columns)}^", ExitCode.USAGE)
        self.at = at


class LocustfileError(CommandError):
    """A locustfile cannot be imported; the message is its traceback, without the frames that are not its author's."""

    def __init__(self, message: str, exit_code: int = ExitCode.LOCUSTFILE_BROKEN) -> None:
        super().__init__(message, exit_code)


class StopUser(Exception):
    """Raised in a task: this user ends (its ``on_stop`` runs)."""


class StopTest(Exception):
    """Raised anywhere in a user or shape: the whole test ends."""


class InterruptTaskSet(Exception):
    """Leave this task set; ``reschedule`` picks the parent's next task at once, else the parent waits first."""

    def __init__(self, reschedule: bool = True) -> None:
        super().__init__(reschedule)
        self.reschedule = reschedule


class RescheduleTask(Exception):
    """End this task as if it had returned."""


class RescheduleTaskImmediately(Exception):
    """End this task and pick the next without waiting."""


class GeneratorError(GregariaError, OSError):
    """A limit of the generator's own machine (descriptors, ports, memory) kept a request from being made.

    It says nothing about the target and is counted apart; the message says which limit to raise, and how.
    """

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class TransferError(OSError):
    """Something went wrong with the bytes of one request."""

    def __str__(self) -> str:
        # An error of the system's inside has numbers, which OSError would show in its own way.
        return str(self.args[0]) if self.args else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class NameNotFound(TransferError, gaierror):
    """The host's name leads to no address."""


class ConnectTimeout(TransferError, TimeoutError):
    """No connection (TLS included) within the connect timeout."""


class ReadTimeout(TransferError, TimeoutError):
    """The server stayed silent for longer than the network timeout."""


class FirstByteTimeout(ReadTimeout):
    """The server has not begun to answer within the network timeout."""


class ConnectionRefused(TransferError, ConnectionRefusedError):
    """Nobody listens where the request goes; the message says where that is."""


class ConnectionReset(TransferError, ConnectionResetError):
    """The connection was reset; the message says whether before, in or after the response's head."""


class ConnectionClosed(TransferError, ConnectionError):
    """The server closed the connection before the response was whole."""


class BodyTooShort(ConnectionClosed):
    """The server closed the connection before as much of the body had come as was announced."""


class TLSError(TransferError, SSLError):
    """The TLS handshake, or what came after it, failed."""


class CertificateError(TLSError, SSLCertVerificationError):
    """The server's certificate was not accepted."""


class CertificateExpired(CertificateError):
    """The server's certificate is not valid at this time: expired, or not yet valid."""


class CertificateForOtherHost(CertificateError):
    """The server's certificate is not for the host that was asked for."""


class CertificateUntrusted(CertificateError):
    """No known authority has signed the server's certificate."""


class HostUnreachable(TransferError):
    """No way leads to the host or its network."""


class HostNotAllowed(TransferError):
    """The host is not among those that the test may ask (``--allow-host``); nothing was sent."""


class ProxyError(TransferError):
    """The proxy did not let the request pass."""


class ProtocolError(TransferError):
    """What the server sent is not HTTP/1.x; the message says what was wrong and shows the first bytes."""


class MalformedStatusLine(ProtocolError):
    """The first line is not that of an HTTP/1.x response."""


class MalformedHeader(ProtocolError):
    """A line of the head is not a header's."""


class MalformedChunk(ProtocolError):
    """The chunked coding of a body is broken."""


class ConflictingLengths(ProtocolError):
    """The response announces two different lengths of its body."""


class HeadTooLarge(ProtocolError):
    """The response's head is larger than ``settings.max_head_bytes``."""


class BodyTooLarge(ProtocolError):
    """The response's body, as it came or decoded, is larger than ``settings.max_body_bytes``."""


class BodyTooLong(ProtocolError):
    """The server sent more than the response that it had announced."""


class DecodingError(ProtocolError):
    """The body is not what its Content-Encoding says."""


class TooManyRedirects(TransferError):
    """A chain of redirects longer than the limit."""
