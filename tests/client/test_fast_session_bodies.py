"""FastHttpSession: bodies as they are sent, and answers read bit by bit."""

import base64
import gzip
import io
import threading
import zlib

import pytest
import requests
from gevent.pool import Pool

from gregaria.client.session import FastHttpSession
from gregaria.errors import (
    BodyTooShort,
    DecodingError,
    MalformedChunk,
    TransferError,
)
from gregaria.events import RequestEvent
from gregaria.stats.table import RequestStats
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def stats():
    return RequestStats()


@pytest.fixture
def connect(stats):
    def make(server, **options):
        event = RequestEvent()
        event.stats = stats
        url = server if isinstance(server, str) else f"http://127.0.0.1:{server.port}"
        return FastHttpSession(url, event, **options)

    return make


def counts(stats):
    total = stats.total
    return total.num_requests, total.num_failures


def seen(response):
    """What the echo server has received: {lower-case header: value}, and the body."""
    told = response.json()
    return {name.lower(): value for name, value in told["headers"]}, base64.b64decode(told["body"]).decode()


class TestBodies:
    BODIES = {
        "text": ("a=ä", None, "a=ä"),
        "bytes": (b"raw", None, "raw"),
        "bytearray": (bytearray(b"raw"), None, "raw"),
        "memoryview": (memoryview(b"raw"), None, "raw"),
        "a dictionary": ({"a": ["1", "2"], "b": "ä c"}, "application/x-www-form-urlencoded", "a=1&a=2&b=%C3%A4+c"),
        "pairs": ([("a", "1"), ("a", "2")], "application/x-www-form-urlencoded", "a=1&a=2"),
        "a text file": (io.StringIO("ä"), None, "ä"),
    }

    @pytest.mark.parametrize("kind", BODIES)
    def test_what_is_encoded_as_a_whole(self, echo, connect, kind):
        data, content_type, body = self.BODIES[kind]
        headers, received = seen(connect(echo.url).post("/", data=data))
        assert received == body
        assert headers.get("content-type") == content_type
        assert headers["content-length"] == str(len(body.encode()))

    def test_a_file_is_sent_from_where_it_stands_with_its_length(self, echo, connect):
        file = io.BytesIO(b"x" * 3 + b"y" * 200_000)
        file.seek(3)
        headers, received = seen(connect(echo.url).put("/", data=file))
        assert headers["content-length"] == "200000"
        assert "transfer-encoding" not in headers
        assert received == "y" * 200_000

    def test_iterators_are_sent_in_chunks(self, connect):
        bodies = []

        def talk(connection):
            while head := wire.read_head(connection):
                body = head.partition(b"\r\n\r\n")[2]
                while not body.endswith(b"0\r\n\r\n"):
                    body += connection.recv(65536)
                bodies.append(body)
                connection.sendall(OK)

        def generated():
            yield b"one"
            yield "zwölf"
            yield b""
            yield b"three"

        with Wire(talk) as wire:
            session = connect(wire)
            for data in (generated(), iter([b"one", "zwölf", b"three"])):
                assert session.post("/", data=data).status_code == 200
        assert bodies == [b"3\r\none\r\n6\r\nzw\xc3\xb6lf\r\n5\r\nthree\r\n0\r\n\r\n"] * 2
        assert all(b"Transfer-Encoding: chunked\r\n" in head for head in wire.received)
        assert not any(b"Content-Length" in head for head in wire.received)

    def test_a_length_of_ones_own_replaces_the_chunks(self, echo, connect):
        headers, received = seen(connect(echo.url).post("/", data=iter([b"ab", b"c"]), headers={"content-length": "3"}))
        assert (headers["content-length"], received) == ("3", "abc")
        assert "transfer-encoding" not in headers

    def test_a_generator_that_raises_is_the_requests_failure(self, echo, connect, stats):
        def broken():
            yield b"some"
            raise ValueError("no more")

        response = connect(echo.url).post("/", data=broken())
        assert isinstance(response.error, ValueError)
        assert counts(stats) == (1, 1)

    @pytest.mark.parametrize(
        "files",
        [
            {"f": ("a.txt", b"content", "text/plain")},
            {"f": b"content"},
            {"f": ("a.txt", "content")},
            {"f": io.BytesIO(b"content")},
            [("f", ("a", b"content")), ("f", ("b", b"content", "image/png", {"X-Own": "1"}))],
        ],
        ids=["with a type", "bytes", "text", "a file", "a list"],
    )
    def test_files_are_sent_as_requests_sends_them(self, echo, connect, files):
        headers, received = seen(connect(echo.url).post("/", files=files, data={"k": "v"}))
        boundary = headers["content-type"].partition("boundary=")[2]
        for file in [files["f"]] if isinstance(files, dict) else []:
            if hasattr(file, "seek"):
                file.seek(0)
        expected = requests.Request("POST", echo.url, files=files, data={"k": "v"}).prepare()
        theirs = expected.headers["Content-Type"].partition("boundary=")[2]
        assert received == expected.body.decode().replace(theirs, boundary)

    def test_a_body_goes_along_a_redirect_that_wants_it_again(self, echo, connect):
        again = (
            b"HTTP/1.1 307 X\r\nLocation: %b/end\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % echo.url.encode()
        )

        def talk(connection):
            head = wire.read_head(connection)
            while not head.endswith(b"body"):
                head += connection.recv(65536)
            connection.sendall(again)

        with Wire(talk) as wire:
            for data in (b"body", io.BytesIO(b"body")):
                response = connect(wire).post("/", data=data)
                assert response.url == echo.url + "/end"
                assert seen(response)[1] == "body"

    def test_an_iterator_cannot_be_sent_again(self, connect, stats):
        def talk(connection):
            head = wire.read_head(connection)
            while not head.endswith(b"0\r\n\r\n"):
                head += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 307 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")

        with Wire(talk) as wire:
            response = connect(wire).post("/", data=iter([b"body"]))
        assert isinstance(response.error, TransferError)
        assert "iterator" in str(response.error)
        assert counts(stats) == (1, 1)

    def test_a_body_waits_for_the_servers_word_when_told_to(self, connect):
        before = []

        def talk(connection):
            wire.read_head(connection)
            connection.settimeout(0.1)
            try:
                before.append(connection.recv(10))
            except TimeoutError:
                before.append(b"")
            connection.settimeout(5)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            before.append(connection.recv(10))
            connection.sendall(OK)

        with Wire(talk) as wire:
            assert connect(wire).post("/", data=b"body", headers={"Expect": "100-continue"}).status_code == 200
        assert before == [b"", b"body"]

    def test_posts_with_and_without_a_body_do_not_get_mixed_up(self, echo, connect):
        session = connect(echo.url)
        for _ in range(2):
            assert seen(session.post("/"))[1] == ""
            assert seen(session.post("/", data=b"x"))[1] == "x"
            assert seen(session.post("/", json={"a": 1}))[1] == '{"a": 1}'
            assert seen(session.post("/", json=[]))[1] == "[]"
            assert seen(session.post("/", data={"a": 1}))[1] == "a=1"
            assert seen(session.request("GET", "/", data=b"x"))[1] == "x"
            assert seen(session.get("/"))[1] == ""
            headers, _ = seen(session.post("/", data=b"x"))
            assert "content-type" not in headers

    def test_a_default_header_of_any_kind_is_sent_once(self, echo, connect):
        session = connect(echo.url, default_headers={"Host": "other.example", "cookie": "a=b"})
        session.cookiejar["c"] = "d"
        for _ in range(2):
            response = session.get("/")
            names = [name.lower() for name, _ in response.json()["headers"]]
            assert (names.count("host"), names.count("cookie")) == (1, 1)
            assert seen(response)[0]["host"] == "other.example"

    def test_what_belongs_to_a_session_stays_with_it(self, echo, connect):
        """Sessions share what their requests begin with, and nothing else."""
        one, two = connect(echo.url), connect(echo.url.replace("://", "://a:b@"))
        one.cookiejar["who"] = "one"
        two.client.default_headers["X-Who"] = "two"
        for _ in range(3):
            first, second = seen(one.get("/same"))[0], seen(two.get("/same"))[0]
            assert (first["cookie"], first.get("x-who"), first.get("authorization")) == ("who=one", None, None)
            assert (second.get("cookie"), second["x-who"]) == (None, "two")
            assert second["authorization"].startswith("Basic ")
        one.auth = ("c", "d")
        assert "authorization" in seen(one.get("/same"))[0]
        with one.rename_request("other"):
            assert one.get("/same").prepared.name == "other"
        assert one.get("/same", name="mine").prepared.name == "mine"
        assert one.get("/same").prepared.name == "/same"

    def test_a_new_host_counts_from_the_next_request(self, echo, connect):
        with answering(OK) as wire:
            session = connect(echo.url)
            session.get("/a")
            session.base_url = f"http://127.0.0.1:{wire.port}"
            assert session.get("/a").text == "ok"


def chunked(*pieces):
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class TestStreams:
    def test_the_head_is_there_before_the_body(self, connect, stats):
        def talk(connection):
            while wire.read_head(connection):
                connection.sendall(HEAD + chunked(b"first\nsec"))
                connection.recv(1)
                connection.sendall(chunked(b"ond\r\nlast") + b"0\r\n\r\n")

        with Wire(talk) as wire:
            session = connect(wire)
            response = session.get("/", stream=True)
            assert counts(stats) == (1, 0)
            assert response.status_code == 200
            lines = response.iter_lines()
            assert next(lines) == b"first"
            assert wire.ended == 0
            assert not response.reader.ended
            response.close()
            assert response.reader.ended
        assert counts(stats) == (1, 0)

    BODY = b"one\ntwo\r\n\nthree" * 500

    @pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "raw deflate", "two gzips"])
    def test_what_is_read_is_what_was_meant(self, connect, stats, encoding):
        compressor = zlib.compressobj(wbits=-15)
        body = {
            "": self.BODY,
            "gzip": gzip.compress(self.BODY),
            "deflate": zlib.compress(self.BODY),
            "raw deflate": compressor.compress(self.BODY) + compressor.flush(),
            "two gzips": gzip.compress(self.BODY[:99]) + gzip.compress(self.BODY[99:]),
        }[encoding]
        named = {"raw deflate": "deflate", "two gzips": "gzip"}.get(encoding, encoding)
        line = f"Content-Encoding: {named}\r\n".encode() if named else b""
        head = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (line, len(body))
        with answering(head + body) as wire:
            session = connect(wire)
            assert session.get("/", stream=True).content == self.BODY
            assert session.get("/", stream=True).text == self.BODY.decode()
            pieces = list(session.get("/", stream=True).iter_content(100))
            assert b"".join(pieces) == self.BODY
            assert max(map(len, pieces)) <= 100
            lines = list(session.get("/", stream=True).iter_lines(decode_unicode=True))
            assert lines == self.BODY.decode().splitlines()
            assert list(session.iter_lines("/")) == lines
            assert b"".join(session.get("/", stream=True).iter_content(7, decode_content=False)) == body
            assert session.get("/", stream=True).stream.read() == body
            # Each was read to its end, so one connection did.
            assert wire.connections == 1
        assert stats.total.total_content_length == 7 * len(body)

    @pytest.mark.parametrize("module, encoding", [("brotli", "br"), ("zstandard", "zstd")])
    def test_br_and_zstd(self, connect, module, encoding):
        library = pytest.importorskip(module)
        body = library.compress(self.BODY)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding.encode(), len(body))
        with answering(head + body) as wire:
            session = connect(wire)
            assert b"".join(session.get("/", stream=True).iter_content(64)) == self.BODY
            assert session.get("/").content == self.BODY
        with answering(head.replace(b"%d" % len(body), b"%d" % (len(body) - 5)) + body[:-5]) as wire:
            with pytest.raises(DecodingError):
                list(connect(wire).get("/", stream=True).iter_content(64))

    @pytest.mark.parametrize(
        "rest, error",
        [
            (chunked(b"some"), BodyTooShort),
            (chunked(b"some") + b"zz\r\n", MalformedChunk),
        ],
    )
    def test_a_stream_that_breaks_raises_to_its_reader(self, connect, stats, rest, error):
        begun = threading.Event()

        def talk(connection):
            wire.read_head(connection)
            connection.sendall(HEAD)
            begun.wait(5)
            connection.sendall(rest)

        with Wire(talk) as wire:
            response = connect(wire).get("/", stream=True)
            begun.set()
            with pytest.raises(error):
                list(response.iter_content())
        assert counts(stats) == (1, 1)

    def test_one_that_is_broken_from_the_start_is_a_failure(self, connect, stats):
        with answering(HEAD + b"zz\r\n") as wire:
            response = connect(wire).get("/", stream=True)
        assert isinstance(response.error, MalformedChunk)
        assert (response.content, list(response.iter_content())) == (None, [])
        assert counts(stats) == (1, 1)

    @pytest.mark.parametrize("body", [gzip.compress(b"x" * 5000, mtime=0)[:-4], b"\x1f\x8b\x08\x00 and rubbish"])
    def test_a_stream_that_is_not_what_it_says_raises_too(self, connect, body):
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        with answering(head + body) as wire:
            with pytest.raises(DecodingError):
                list(connect(wire).get("/", stream=True).iter_content())
            with pytest.raises(DecodingError):
                _ = connect(wire).get("/", stream=True).content

    def test_with_blocks_close_it(self, connect, stats):
        with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000) as wire:
            session = connect(wire)
            with session.get("/", stream=True) as response:
                assert next(response.iter_content(10)) == b"x" * 10
            assert response.reader.ended
            with session.get("/", stream=True, catch_response=True) as response:
                response.failure("no")
            assert response.reader.ended
        assert counts(stats) == (2, 1)

    def test_bad_statuses_and_redirects(self, connect, stats):
        moved = b"HTTP/1.1 302 X\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nmoved"
        gone = b"HTTP/1.1 404 X\r\nContent-Length: 4\r\n\r\ngone"
        with answering(moved, OK, gone) as wire:
            session = connect(wire)
            response = session.get("/", stream=True)
            assert response.content == b"ok"
            assert [step.status_code for step in response.history] == [302]
            assert session.get("/", stream=True).text == "gone"
            assert wire.connections == 1
        assert counts(stats) == (2, 1)

    def test_answers_without_a_body(self, connect):
        with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as wire:
            session = connect(wire)
            response = session.get("/", stream=True)
            assert list(response.iter_content()) == []
            assert (response.content, response.text) == (b"", "")
            assert session.head("/", stream=True).content == b""
            assert wire.connections == 1


def test_one_user_may_have_several_requests_on_the_way(connect, stats):
    waiting = []

    def talk(connection):
        while wire.read_head(connection):
            waiting.append(connection)
            if len(waiting) == 3:
                for each in waiting:
                    each.sendall(OK)

    with Wire(talk) as wire:
        session = connect(wire)
        pool = Pool(3)
        for number in range(3):
            pool.spawn(session.get, f"/{number}")
        pool.join(5)
    assert counts(stats) == (3, 0)
    assert wire.connections == 3
