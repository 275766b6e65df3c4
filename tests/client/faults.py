"""What each answer of the fault server counts as: the class of the failure, what its text says, or that it is none."""

from dataclasses import dataclass

from tests.support.fault_answers import ANSWERS

#: ways in which requests decides what an answer means
REQUESTS_RULES = ("plain", "hook", "stream")


@dataclass(frozen=True)
class Fault:
    """One way to fail.

    Attributes:
        path: on the fault server.
        failure: name of the failure's class, None for a success.
        says: a regular expression for its text.
        status: what the response's status is; 0 for none.
        upload: bytes that are sent with it, by POST.
        expects: the request says ``Expect: 100-continue``.
        forgiving: ways that take it for a success.
    """

    path: str
    failure: str | None
    says: str = ""
    status: int = 0
    upload: int = 0
    expects: bool = False
    forgiving: tuple[str, ...] = ()

    def counts_as_failure(self, way: str) -> bool:
        """Whether it is one."""
        return self.failure is not None and way not in self.forgiving


def _good(path: str, **more: int) -> Fault:
    return Fault(path, None, status=200, **more)


def _closed(path: str, says: str) -> Fault:
    return Fault(path, "ConnectionClosed", says)


def _short(path: str) -> Fault:
    return Fault(path, "BodyTooShort", r"before (the body was whole|the last chunk)|short|of \d+ bytes")


_CUT = "closed the connection .*(without|before|middle|after)"

FAULTS = [
    # the connection
    Fault("/reset/before-head", "ConnectionReset", "reset.*before"),
    Fault("/reset/in-head", "ConnectionReset", "reset.*(in|middle|head)"),
    Fault("/reset/in-body", "ConnectionReset", "reset.*(after the head|body)"),
    Fault("/reset/in-chunks", "ConnectionReset", "reset.*(after the head|body)"),
    Fault("/reset/until-close", "ConnectionReset", "reset.*(after the head|body)"),
    _good("/reset/after"),
    _closed("/empty", _CUT),
    _closed("/close/in-status-line", _CUT),
    _closed("/close/in-head", _CUT),
    _closed("/close/after-informational", _CUT),
    Fault("/silence", "FirstByteTimeout", "did not begin to answer within 0.2 s"),
    Fault("/silence/in-head", "ReadTimeout", "fell silent for 0.2 s"),
    Fault("/silence/in-body", "ReadTimeout", "fell silent for 0.2 s"),
    Fault("/silence/in-chunks", "ReadTimeout", "fell silent for 0.2 s"),
    Fault("/silence/after-informational", "ReadTimeout", "fell silent for 0.2 s"),
    _good("/slowly"),
    _closed("/half-close/write", _CUT),
    _short("/half-close/write-in-body"),
    _good("/half-close/write-after"),
    _good("/half-close/read"),
    # the body's length
    _short("/body/short"),
    _short("/body/none"),
    _short("/body/short-chunks"),
    Fault("/body/long", "BodyTooLong", "long|more|behind"),
    Fault("/body/long-chunks", "BodyTooLong", "long|more|behind"),
    Fault("/body/where-none-is", "BodyTooLong", "long|more|behind"),
    Fault("/body/too-large", "BodyTooLarge", "99999999999.*larger than allowed"),
    Fault("/body/endless", "BodyTooLarge", "larger than (allowed|.*8388608)"),
    Fault("/body/endless-chunks", "BodyTooLarge", "larger than (allowed|.*8388608)"),
    Fault("/lengths/conflicting", "ConflictingLengths", "Content-Length.*5.*4"),
    Fault("/lengths/conflicting-list", "ConflictingLengths", "Content-Length.*5.*4"),
    _good("/lengths/twice-the-same"),
    # RFC 9112, 6.3: chunks win, and the connection is not used again.
    _good("/lengths/and-chunked"),
    Fault("/lengths/negative", "MalformedHeader", "Content-Length.*-5"),
    Fault("/lengths/plus", "MalformedHeader", r"Content-Length.*\+5"),
    Fault("/lengths/hexadecimal", "MalformedHeader", "Content-Length.*0x5"),
    Fault("/lengths/nothing", "MalformedHeader", "Content-Length"),
    Fault("/lengths/too-many-digits", "MalformedHeader", "Content-Length.*9999"),
    # the status line
    Fault("/garbage", "MalformedStatusLine", r"\\x00\\x01"),
    Fault("/garbage/other-protocol", "MalformedStatusLine", "SSH-2.0"),
    Fault("/status-line/http-2", "MalformedStatusLine", r"x00\\x00\\x12"),
    Fault("/status-line/no-status", "MalformedStatusLine", "HTTP/1.1"),
    Fault("/status-line/letters", "MalformedStatusLine", "abc"),
    Fault("/status-line/two-digits", "MalformedStatusLine", "20 OK"),
    Fault("/status-line/four-digits", "MalformedStatusLine", "2000 OK"),
    Fault("/status-line/zero", "MalformedStatusLine", "000 OK"),
    Fault("/status-line/negative", "MalformedStatusLine", "-200 OK"),
    Fault("/status-line/other-version", "MalformedStatusLine", "HTTP/9.9"),
    Fault("/status-line/other-name", "MalformedStatusLine", "ICY"),
    Fault("/status-line/begins-with-space", "MalformedStatusLine", " HTTP"),
    Fault("/status-line/header-first", "MalformedStatusLine", "Server: early"),
    _good("/status-line/no-reason"),
    # the headers
    Fault("/headers/no-colon", "MalformedHeader", "no colon here"),
    Fault("/headers/no-name", "MalformedHeader", ": value"),
    Fault("/headers/space-in-name", "MalformedHeader", "Bad Name"),
    Fault("/headers/space-before-colon", "MalformedHeader", "Content-Length : 3"),
    Fault("/headers/nul", "MalformedHeader", r"\\x00"),
    Fault("/headers/nul-in-name", "MalformedHeader", r"\\x00"),
    Fault("/headers/bare-return", "MalformedHeader", r"\\r"),
    _good("/headers/folded"),
    Fault("/headers/folded-first", "MalformedHeader", " X-A: a"),
    _good("/headers/latin"),
    Fault("/head/large", "HeadTooLarge", "head is larger than 262144 bytes"),
    Fault("/head/large-in-lines", "HeadTooLarge", "head is larger than 262144 bytes"),
    Fault("/head/endless", "HeadTooLarge", "head is larger than 262144 bytes"),
    Fault("/head/endless-line", "HeadTooLarge", "head is larger than 262144 bytes"),
    Fault("/head/endless-status-line", "HeadTooLarge", "head is larger than 262144 bytes"),
    Fault("/head/endless-informational", "HeadTooLarge", "more than 100 informational responses"),
    # the chunks
    Fault("/chunks/size-no-number", "MalformedChunk", "chunk.*five|chunk.*ive"),
    Fault("/chunks/size-negative", "MalformedChunk", "chunk.*-5"),
    Fault("/chunks/size-empty", "MalformedChunk", "chunk"),
    Fault("/chunks/size-prefixed", "MalformedChunk", "chunk.*x5"),
    Fault("/chunks/size-too-large", "MalformedChunk", "chunk.*digits"),
    Fault("/chunks/longer-than-size", "MalformedChunk", "chunk.*lo"),
    Fault("/chunks/shorter-than-size", "MalformedChunk", "chunk"),
    Fault("/chunks/cut-in-size", "BodyTooShort", "chunk"),
    Fault("/chunks/no-trailer", "BodyTooShort", ""),
    Fault("/chunks/endless-extension", "MalformedChunk", "chunk.*extension"),
    Fault("/chunks/endless-size", "MalformedChunk", "chunk.*digits"),
    Fault("/chunks/endless-trailer", "HeadTooLarge|MalformedChunk", "trailer"),
    _good("/chunks/extension"),
    _good("/chunks/trailer"),
    # redirects
    Fault("/redirect/many", "TooManyRedirects", "30 redirects", status=302),
    Fault("/redirect/loop", "TooManyRedirects", "30 redirects", status=302),
    Fault("/redirect/pair", "TooManyRedirects", "30 redirects", status=302),
    Fault("/redirect/nowhere", "ProtocolError|InvalidURL", r"leads nowhere.*http://\[", status=302),
    Fault("/redirect/elsewhere", "ProtocolError|InvalidSchema", "ftp://localhost/", status=302),
    Fault("/redirect/no-such-host", "NameNotFound", "nosuch.invalid"),
    Fault("/redirect/to-reset", "ConnectionReset", "reset"),
    Fault("/redirect/to-garbage", "MalformedStatusLine", r"\\x00\\x01"),
    Fault("/redirect/to-silence", "FirstByteTimeout", "did not begin to answer within 0.2 s"),
    Fault("/redirect/to-500", "LocustBadStatusCode|HTTPError", "500", status=500),
    Fault("/redirect/without-location", None, status=302),
    # content encodings
    Fault(
        "/encoding/bad-gzip",
        "DecodingError",
        "gzip.*this is not gzip|is not what its Content-Encoding says",
        status=200,
    ),
    # What is there decodes, and requests is content with that.
    Fault("/encoding/truncated", "DecodingError", "gzip.*ends before", status=200, forgiving=REQUESTS_RULES),
    Fault("/encoding/bad-checksum", "DecodingError", "Content-Encoding", status=200),
    Fault("/encoding/wrong-name", "DecodingError", "Content-Encoding", status=200),
    _good("/encoding/unknown"),
    Fault(
        "/encoding/bad-deflate",
        "DecodingError",
        "deflate.*this is not deflate|is not what its Content-Encoding says",
        status=200,
    ),
    Fault(
        "/encoding/bad-br", "DecodingError", "br.*this is not brotli|is not what its Content-Encoding says", status=200
    ),
    Fault(
        "/encoding/bad-zstd",
        "DecodingError",
        "zstd.*this is not zstd|is not what its Content-Encoding says",
        status=200,
    ),
    Fault("/encoding/many-layers", "DecodingError", "12 (times|> 5)", status=200),
    Fault("/bomb/gzip", "BodyTooLarge", "larger than .*8388608", status=200),
    Fault("/bomb/deflate", "BodyTooLarge", "larger than .*8388608", status=200),
    Fault("/bomb/br", "BodyTooLarge", "larger than .*8388608", status=200),
    Fault("/bomb/zstd", "BodyTooLarge", "larger than .*8388608", status=200),
    Fault("/bomb/nested", "BodyTooLarge", "larger than .*8388608", status=200),
    # the order of things
    Fault("/early", "LocustBadStatusCode|HTTPError", "413", status=413, upload=4_000_000),
    Fault("/early/close", "LocustBadStatusCode|HTTPError", "413", status=413, upload=4_000_000),
    Fault("/early/half-close", "LocustBadStatusCode|HTTPError", "413", status=413, upload=4_000_000),
    Fault("/100-continue", None, status=200, upload=4, expects=True),
    Fault("/100-continue/refused", "LocustBadStatusCode|HTTPError", "417", status=417, upload=4, expects=True),
    Fault("/status/500", "LocustBadStatusCode|HTTPError", "500", status=500),
    _good("/100-unasked"),
    _good("/103"),
    _good("/http10"),
    _good("/http10/until-close"),
    Fault("/two-answers", "BodyTooLong", "long|more|behind"),
]

#: where an answer of the server is only a step of another
_STEPS = frozenset(("/ok", "/redirect/of-pair", "/101"))


def paths_without_a_line() -> set[str]:
    """Answers that nobody has said what they count as."""
    return set(ANSWERS) - {fault.path for fault in FAULTS} - _STEPS


#: what a stream meets only when it is read
IN_THE_BODY = frozenset(
    (
        "/reset/in-body",
        "/reset/in-chunks",
        "/reset/until-close",
        "/redirect/to-reset",
        "/silence/in-body",
        "/silence/in-chunks",
        "/half-close/write-in-body",
        "/chunks/cut-in-size",
        "/chunks/no-trailer",
        *(
            fault.path
            for fault in FAULTS
            if fault.path.startswith(("/encoding/", "/bomb/", "/body/short", "/body/none"))
        ),
    )
) - {"/encoding/unknown", "/encoding/truncated"}

#: {(way, path): why} of what is known not to work yet
LATER: dict[tuple[str, str], str] = {}


def _late(ways: tuple[str, ...], why: str, *paths: str) -> None:
    LATER.update({(way, path): why for way in ways for path in paths})


_late(("hook", "stream"), "a URL that is none is raised as requests raises it", "/redirect/nowhere")

#: ways in which a bomb is noticed too late, if in time for the failure's class
LATER_BOMBS = {
    ("fast", "/bomb/br"): "the size is looked at after each KiB of input, which is a whole bomb",
    ("plain", "/bomb/br"): "the size is looked at after each KiB of input, which is a whole bomb",
    ("hook", "/bomb/br"): "the size is looked at after each piece of input, which is a whole bomb",
}
