"""What comes back: answers without bodies, before the answer, packed, of an older time; and how they are read."""

from collections.abc import Callable
from typing import Any

import requests

from gregaria.errors import BodyTooLarge, TransferError
from gregaria.settings import settings
from tests.oracle.case import Case, Do, call, get, one_by_one, post
from tests.oracle.phrases import (
    BROTLI,
    DAMAGED,
    ELAPSED,
    HEAD,
    HTTP_1_0,
    INFORMATIONAL,
    ITER_CONTENT,
    NO_CONTENT,
    NOT_MODIFIED,
    RAISE_FOR_STATUS,
    STREAM,
    ZSTD,
)
from tests.oracle.places import Places
from tests.oracle.ways import ENGINE, FAST, HTTP, Client


def head(url: str, **arguments: Any) -> Do:
    def do(client: Client, places: Places) -> None:
        client.head(url, **arguments)

    return do


AFTERWARDS = get("/afterwards")


def then_as_before(first: Do) -> Do:
    """Whatever came, the connection is good for a further request."""
    return one_by_one(first, AFTERWARDS)


def head_is_followed(client: Client, received: list[Any]) -> None:
    if client.way == FAST:
        assert [each.method for each in received] == ["HEAD", "HEAD", "GET"]
        assert [len(response.history) for response in client.responses] == [1, 0]


HEAD_CASES = [
    Case(HEAD, "of a page", then_as_before(head("/page"))),
    Case(HEAD, "of a chunked page", then_as_before(head("/page?how=chunked"))),
    Case(HEAD, "of a packed page", then_as_before(head("/page?as=gzip"))),
    Case(HEAD, "of a redirect, not followed", then_as_before(head("/a?to=/b")), checks=head_is_followed),
    Case(HEAD, "of a redirect, followed", then_as_before(head("/a?to=/b", allow_redirects=True))),
    Case(HEAD, "of what is not there", then_as_before(head("/a?status=404"))),
    Case(HEAD, "by request()", then_as_before(call("HEAD", "/page", allow_redirects=False))),
    Case(HEAD, "of nginx's file", then_as_before(head("/page.html")), server="nginx"),
    Case(HEAD, "of Python's file", head("/large.bin"), server="python"),
]


def final(*statuses: int) -> Callable[[Client, list[Any]], None]:
    """What has to be seen where 1xx are understood: the standard library's client takes them for the answer."""

    def checks(client: Client, received: list[Any]) -> None:
        if client.way in (FAST, ENGINE):
            assert [response.status_code for response in client.responses] == list(statuses)
            assert {each.connection for each in received} == {0}

    return checks


UNDERSTANDING = (FAST, ENGINE)

INFORMATIONAL_CASES = [
    Case(
        INFORMATIONAL,
        "103 before 200",
        then_as_before(get("/a?before=103")),
        checks=final(200, 200),
        ways=UNDERSTANDING,
    ),
    Case(
        INFORMATIONAL,
        "102 before 200",
        then_as_before(get("/a?before=102")),
        checks=final(200, 200),
        ways=UNDERSTANDING,
    ),
    Case(INFORMATIONAL, "100 that nobody asked for", then_as_before(get("/a?before=100")), checks=final(200, 200)),
    Case(
        INFORMATIONAL,
        "100 before the answer to a post",
        then_as_before(post("/a?before=100", data=b"x")),
        checks=final(200, 200),
    ),
    Case(
        INFORMATIONAL,
        "several",
        then_as_before(get("/a?before=102&before=103&before=103")),
        checks=final(200, 200),
        ways=UNDERSTANDING,
    ),
    Case(
        INFORMATIONAL,
        "before a chunked answer",
        then_as_before(get("/a?before=103&how=chunked")),
        checks=final(200, 200),
        ways=UNDERSTANDING,
    ),
    Case(
        INFORMATIONAL,
        "before 204",
        then_as_before(get("/a?before=103&status=204")),
        checks=final(204, 200),
        ways=UNDERSTANDING,
    ),
]

NO_CONTENT_CASES = [
    Case(NO_CONTENT, "to a get", then_as_before(get("/a?status=204"))),
    Case(NO_CONTENT, "to a post", then_as_before(post("/a?status=204", data={"a": "b"}))),
    Case(NO_CONTENT, "to a delete", then_as_before(call("DELETE", "/a?status=204"))),
    Case(NO_CONTENT, "with a cookie", then_as_before(get("/a?status=204&cookie=a=1"))),
    Case(NO_CONTENT, "that says it is packed", then_as_before(get("/a?status=204&as=gzip"))),
    Case(NO_CONTENT, "and the connection's end", then_as_before(get("/a?status=204&how=close"))),
]

NOT_MODIFIED_CASES = [
    Case(NOT_MODIFIED, "without a length", then_as_before(get("/a?status=304", headers={"If-None-Match": '"1"'}))),
    Case(NOT_MODIFIED, "with the length of the page", then_as_before(get("/a?status=304&h=Content-Length:+5"))),
    Case(NOT_MODIFIED, "that says it is packed", then_as_before(get("/a?status=304&as=gzip"))),
    Case(NOT_MODIFIED, "with a cookie", then_as_before(get("/a?status=304&cookie=a=1"))),
    Case(
        NOT_MODIFIED,
        "by nginx",
        one_by_one(
            get("/page.html"),
            get("/page.html", headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
            get("/data.json"),
        ),
        server="nginx",
    ),
]


def packed(phrase: str, encoding: str) -> list[Case]:
    return [
        Case(phrase, "a page", then_as_before(get(f"/a?as={encoding}&size=5000"))),
        Case(phrase, "chunked", then_as_before(get(f"/a?as={encoding}&size=5000&how=chunked"))),
        Case(phrase, "until the connection's end", then_as_before(get(f"/a?as={encoding}&how=close"))),
        Case(phrase, "JSON", get(f'/a?as={encoding}&say={{"a": "%C3%BC"}}&type=application/json')),
        Case(phrase, "an error's body", then_as_before(get(f"/a?as={encoding}&status=500"))),
        Case(phrase, "an empty body", then_as_before(get(f"/a?as={encoding}&say="))),
        Case(phrase, "again and again", get(f"/a?as={encoding}&size=100", times=3)),
    ]


HTTP_1_0_CASES = [
    Case(HTTP_1_0, "with a length", then_as_before(get("/a?how=10"))),
    Case(HTTP_1_0, "until the connection's end", then_as_before(get("/a?how=10-close&size=100000"))),
    Case(HTTP_1_0, "kept alive", then_as_before(get("/a?how=10-keep"))),
    Case(HTTP_1_0, "an error", then_as_before(get("/a?how=10&status=503"))),
    Case(HTTP_1_0, "a redirect", then_as_before(get("/a?how=10&to=/b"))),
    Case(HTTP_1_0, "to a post", then_as_before(post("/a?how=10-close", data={"a": "b"}))),
    Case(HTTP_1_0, "by Python's server", one_by_one(get("/page.html"), get("/data.json")), server="python"),
    Case(HTTP_1_0, "a folder of Python's server", one_by_one(get("/folder"), get("/nothing")), server="python"),
]


def streamed(url: str, read: Callable[[Any], Any], **arguments: Any) -> Do:
    """A stream, read in some way; what was read is compared too."""

    def do(client: Client, places: Places) -> None:
        response = client.get(url, stream=True, **arguments)
        try:
            result = read(response)
        finally:
            response.close()
        client.responses.pop()
        client.note([response.status_code, dict(response.headers).get("Content-Type"), result])
        client.get("/afterwards")

    return do


def _few(response: Any) -> list[bytes]:
    several = response.iter_content(10)
    return [next(several), next(several)]


def _or_fails(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What reading comes to, a failure by one name for all clients."""

    def attempt(response: Any) -> Any:
        try:
            return read(response)
        except (requests.RequestException, TransferError):
            return "fails"

    return attempt


def _whole(response: Any) -> bytes:
    return b"".join(response.iter_content(64))


def _in_a_block(client: Client, places: Places) -> None:
    with client.get("/a?size=5000", stream=True) as response:
        client.responses.pop()
        client.note([response.status_code, len(response.content)])
    with client.get("/a?size=500000", stream=True) as response:
        client.responses.pop()
        client.note(next(response.iter_content(10)))
    client.get("/afterwards")


STREAM_CASES = [
    Case(STREAM, "in a with-block", _in_a_block, ways=(FAST,)),
    Case(
        STREAM,
        "raw chunks",
        streamed("/a?size=5000&how=chunked", lambda response: b"".join(response.raw.read_chunked())),
        ways=HTTP,
    ),
    Case(
        STREAM,
        "raw chunks, unpacked",
        streamed(
            "/a?as=gzip&size=5000&how=chunked",
            lambda response: b"".join(response.raw.read_chunked(100, decode_content=True)),
        ),
        ways=HTTP,
    ),
    Case(STREAM, "read whole", streamed("/a?size=5000", lambda response: response.content)),
    Case(STREAM, "read piece by piece", streamed("/a?size=5000", lambda response: b"".join(response.iter_content(7)))),
    Case(STREAM, "chunked, read whole", streamed("/a?size=5000&how=chunked", lambda response: response.content)),
    Case(
        STREAM,
        "read line by line",
        streamed("/a?say=one%0Atwo%0A%0Athree", lambda response: list(response.iter_lines())),
    ),
    *[
        Case(
            STREAM,
            f"packed by {encoding}",
            streamed(f"/a?as={encoding}&size=5000", lambda response: b"".join(response.iter_content(64))),
        )
        for encoding in ("deflate", "br", "zstd")
    ],
    Case(STREAM, "packed", streamed("/a?as=gzip&size=5000", lambda response: b"".join(response.iter_content(64)))),
    Case(STREAM, "read in part", streamed("/a?size=500000", _few)),
    Case(STREAM, "not read at all", streamed("/a?size=500000", lambda response: None)),
    Case(STREAM, "an error", streamed("/a?status=500&size=100", lambda response: response.text)),
    Case(STREAM, "after a redirect", streamed("/a?to=/b", lambda response: (len(response.history), response.content))),
    Case(
        STREAM,
        "by uvicorn",
        streamed("/stream", lambda response: b"".join(response.iter_content(1000))),
        server="uvicorn",
    ),
    Case(STREAM, "raw bytes", streamed("/a?as=gzip&size=50", lambda response: response.raw.read()), ways=HTTP),
    Case(
        STREAM,
        "raw bytes, unpacked",
        streamed("/a?as=gzip&size=50", lambda response: response.raw.read(decode_content=True)),
        ways=HTTP,
    ),
    Case(STREAM, "read as text, and again", streamed("/a?size=50", lambda response: [response.text, response.text])),
]


def bounded(step: Do, most_bytes: int = 1000) -> Do:
    """With a smaller limit for bodies."""

    def do(client: Client, places: Places) -> None:
        settings.max_body_bytes = most_bytes
        try:
            step(client, places)
        finally:
            settings.reset("max_body_bytes")

    return do


def too_large(client: Client, received: list[Any]) -> None:
    """What has to be seen where there is a limit: a failure that says so, and all is well afterwards."""
    if client.is_ours:
        failed, last = client.responses
        assert failed.error is not None
        assert last.status_code == 200
        assert [type(failure) for _, _, failure in client.books.failures] == [BodyTooLarge]


def _signed(request: Any) -> Any:
    """An auth of one's own, so that requests prepares and the engine sends."""
    return request


def cut_short(client: Client, received: list[Any]) -> None:
    """FastHttpUser notices that the end is missing; requests takes what there is."""
    if client.way == FAST:
        first, second, _ = client.responses
        assert first.error is not None
        assert second[-1] == "fails"
        assert all("ends before" in str(failure) for _, _, failure in client.books.failures), client.books.failures


def _damaged(encoding: str) -> Case:
    url = f"/a?as={encoding}&size=5000&cut=5"
    return Case(
        DAMAGED,
        f"{encoding} without its end",
        one_by_one(get(url), streamed(url, _or_fails(_whole))),
        ways=(FAST,),
        checks=cut_short,
    )


DAMAGED_CASES = [
    Case(DAMAGED, "a stream that is not packed as it says", streamed("/a?h=Content-Encoding: gzip", _or_fails(_whole))),
    Case(DAMAGED, "a body that is not packed as it says", then_as_before(get("/a?h=Content-Encoding: gzip"))),
    Case(DAMAGED, "a stream that breaks off", streamed("/a?size=5000&how=broken", _or_fails(_whole))),
    Case(DAMAGED, "a body that breaks off", then_as_before(get("/a?size=5000&how=broken"))),
    *[_damaged(encoding) for encoding in ("gzip", "deflate", "br", "zstd")],
    Case(
        DAMAGED,
        "gzip without its end, as requests takes it",
        streamed("/a?as=gzip&size=5000&cut=5", _or_fails(_whole)),
        ways=HTTP,
    ),
    *[
        Case(
            DAMAGED,
            f"larger than allowed, {name}",
            bounded(then_as_before(get(f"/a?size=5000{how}"))),
            ways=(FAST, ENGINE),
            checks=too_large,
        )
        for name, how in {
            "as it comes": "",
            "in chunks": "&how=chunked",
            "unpacked from gzip": "&as=gzip",
            "unpacked from deflate": "&as=deflate",
            "unpacked from br": "&as=br",
            "unpacked from zstd": "&as=zstd",
        }.items()
    ],
    *[
        Case(
            DAMAGED,
            f"larger than allowed, prepared by requests, {name}",
            bounded(then_as_before(get(f"/a?size=1000000{how}", auth=_signed)), most_bytes=300_000),
            ways=(ENGINE,),
            checks=too_large,
        )
        for name, how in {"as it comes": "", "in chunks": "&how=chunked", "unpacked": "&as=gzip"}.items()
    ],
]


def read(url: str, reader: Callable[[Any], Any]) -> Do:
    """A response that is here, read in some way."""

    def do(client: Client, places: Places) -> None:
        response = client.get(url)
        client.responses.pop()
        client.note(reader(response))

    return do


ITER_CONTENT_CASES = [
    Case(ITER_CONTENT, "in pieces of ten", read("/a?size=95", lambda response: list(response.iter_content(10)))),
    Case(ITER_CONTENT, "one by one", read("/a?size=5", lambda response: list(response.iter_content(1)))),
    Case(ITER_CONTENT, "larger than the body", read("/a?size=5", lambda response: list(response.iter_content(1000)))),
    Case(ITER_CONTENT, "packed", read("/a?size=95&as=br", lambda response: list(response.iter_content(30)))),
    Case(ITER_CONTENT, "twice", read("/a?size=9", lambda response: [list(response.iter_content(4)) for _ in "ab"])),
    Case(ITER_CONTENT, "of nothing", read("/a?say=", lambda response: list(response.iter_content(4)))),
    Case(
        ITER_CONTENT,
        "as text",
        read(
            "/a?say=%C3%BC%C3%BC&type=text/plain;charset=utf-8",
            lambda response: list(response.iter_content(3, decode_unicode=True)),
        ),
        ways=HTTP,
    ),
    Case(ITER_CONTENT, "iterating over it", read("/a?size=300", list), ways=HTTP),
    Case(ITER_CONTENT, "lines", read("/a?say=one%0Atwo%0D%0Athree", lambda response: list(response.iter_lines()))),
]


def _raised(response: Any) -> Any:
    try:
        response.raise_for_status()
    except Exception as error:
        return [type(error).__name__, str(error).partition(" for url")[0], getattr(error, "response", None) is response]
    return "nothing"


RAISE_CASES = [
    Case(RAISE_FOR_STATUS, f"{status}", read(f"/a?status={status}", _raised), ways=HTTP)
    for status in (200, 304, 400, 404, 499, 500, 599)
] + [
    Case(
        RAISE_FOR_STATUS,
        "all clients fail at 500",
        read("/a?status=500", lambda response: _raised(response) != "nothing"),
    ),
    Case(
        RAISE_FOR_STATUS,
        "no client fails at 201",
        read("/a?status=201", lambda response: _raised(response) != "nothing"),
    ),
    Case(
        RAISE_FOR_STATUS,
        "ok and not ok",
        read("/a?status=403", lambda response: [response.ok, bool(response.status_code)]),
    ),
    Case(RAISE_FOR_STATUS, "after a redirect", read("/a?to=/b%3Fstatus%3D404", _raised), ways=HTTP),
]


def _lasted(low_s: float, high_s: float) -> Callable[[Any], Any]:
    return lambda response: low_s <= response.elapsed.total_seconds() < high_s


ELAPSED_CASES = [
    Case(ELAPSED, "of a quick answer", read("/a", _lasted(0.00001, 5))),
    Case(ELAPSED, "of a slow answer", read("/a?wait=0.1", _lasted(0.1, 5))),
    Case(ELAPSED, "of the last step of a chain", read("/a?wait=0.5&to=/b", _lasted(0.00001, 0.45))),
    Case(
        ELAPSED,
        "of each step",
        read("/a?wait=0.1&to=/b", lambda response: [_lasted(0.1, 5)(each) for each in response.history]),
    ),
    Case(ELAPSED, "of an error", read("/a?wait=0.05&status=500", _lasted(0.05, 5))),
]

CASES = [
    *HEAD_CASES,
    *INFORMATIONAL_CASES,
    *NO_CONTENT_CASES,
    *NOT_MODIFIED_CASES,
    *packed(BROTLI, "br"),
    *packed(ZSTD, "zstd"),
    *HTTP_1_0_CASES,
    *STREAM_CASES,
    *DAMAGED_CASES,
    *ITER_CONTENT_CASES,
    *RAISE_CASES,
    *ELAPSED_CASES,
]
