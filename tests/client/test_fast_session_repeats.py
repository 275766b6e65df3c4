"""FastHttpSession: answers like the last one are recognized, requests like the last one are kept, and never wrongly."""

import gzip
import time
import zlib

import pytest
from greenlet import GreenletExit

from gregaria.client import decode as decoding
from gregaria.client import ready
from gregaria.client.cookies import CookieJar
from gregaria.client.session import FastHttpSession
from gregaria.events import RequestEvent
from gregaria.stats.table import RequestStats
from tests.support.wire import Wire, answering

PACKED = gzip.compress(b"x" * 1000)


@pytest.fixture
def stats():
    return RequestStats()


@pytest.fixture
def connect(stats):
    def make(wire, **options):
        event = RequestEvent()
        event.stats = stats
        return FastHttpSession(f"http://127.0.0.1:{wire.port}", event, **options)

    return make


def answer(*lines, body=b""):
    head = b"".join(b"%b\r\n" % line for line in lines)
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def cookies_sent(wire):
    heads = [head.decode() for head in wire.received]
    return [head.partition("Cookie: ")[2].partition("\r\n")[0] for head in heads]


@pytest.fixture
def taken(monkeypatch):
    """The Set-Cookie lines that were really read, one entry per answer."""
    seen = []
    take = CookieJar.take

    def counted(self, lines, *arguments):
        seen.append(list(lines))
        return take(self, seen[-1], *arguments)

    monkeypatch.setattr(CookieJar, "take", counted)
    return seen


class TestCookies:
    def test_the_same_cookie_is_read_once(self, connect, taken):
        with answering(answer(b"Set-Cookie: a=1"), answer(b"X: other head", b"Set-Cookie: a=1")) as wire:
            client = connect(wire)
            for _ in range(6):
                client.get("/")
        assert taken == [["a=1"]]
        assert cookies_sent(wire) == ["", *["a=1"] * 5]

    def test_another_one_is_read(self, connect, taken):
        with answering(*[answer(b"Set-Cookie: a=%d" % number) for number in range(3)]) as wire:
            client = connect(wire)
            for _ in range(4):
                client.get("/")
        assert [lines[0] for lines in taken] == ["a=0", "a=1", "a=2", "a=0"]
        assert cookies_sent(wire) == ["", "a=0", "a=1", "a=2"]

    def test_one_that_was_changed_in_between_is_set_again(self, connect):
        with answering(answer(b"Set-Cookie: a=1")) as wire:
            client = connect(wire)
            client.get("/")
            client.cookiejar["a"] = "mine"
            client.cookiejar.clear()
            client.get("/")
            client.get("/")
        assert cookies_sent(wire) == ["", "", "a=1"]

    def test_one_that_another_url_takes_away_is_set_again(self, connect):
        gone = b"Set-Cookie: a=; Max-Age=0; Path=/"
        with answering(answer(b"Set-Cookie: a=1; Path=/"), answer(gone)) as wire:
            client = connect(wire)
            for path in ("/in", "/out", "/in", "/out"):
                client.get(path)
        assert cookies_sent(wire) == ["", "a=1", "", "a=1"]

    def test_an_age_begins_anew_with_each_answer(self, connect, monkeypatch, taken):
        with answering(answer(b"Set-Cookie: a=1; Max-Age=100")) as wire:
            client = connect(wire)
            for _ in range(20):
                client.get("/")
            (cookie,) = client.cookiejar
            first = cookie.expires
            # Once in each second, and there may have been a few of them.
            assert len(taken) < 20
            deadline = time.monotonic() + 5
            while cookie.expires == first and time.monotonic() < deadline:
                client.get("/")
                (cookie,) = client.cookiejar
            assert cookie.expires > first

    def test_one_that_expires_is_sent_no_more(self, connect, monkeypatch):
        with answering(answer(b"Set-Cookie: a=1; Max-Age=100"), *[answer()] * 7) as wire:
            client = connect(wire)
            for _ in range(3):
                client.get("/")
                client.get("/", name="named")
            later = time.time() + 200
            monkeypatch.setattr(ready, "time", lambda: later)
            monkeypatch.setattr(time, "time", lambda: later)
            client.get("/x")
            client.get("/x", name="named")
        assert cookies_sent(wire) == ["", *["a=1"] * 5, "", ""]


class TestBodies:
    LINE = b"Content-Encoding: gzip"

    def test_the_same_body_is_decoded_once(self, connect, stats, monkeypatch):
        calls = []
        decode = decoding.decode
        monkeypatch.setattr(decoding, "decode", lambda *args, **kw: calls.append(1) or decode(*args, **kw))
        with answering(answer(self.LINE, body=PACKED), answer(b"Date: now", self.LINE, body=PACKED)) as wire:
            client = connect(wire)
            contents = [client.get("/").content for _ in range(5)]
        assert set(contents) == {b"x" * 1000}
        assert len(calls) == 1
        assert stats.total.total_content_length == 5000

    def test_another_body_or_encoding_is_decoded(self, connect, stats):
        other = gzip.compress(b"y" * 10)
        with answering(
            answer(self.LINE, body=PACKED),
            answer(self.LINE, body=other),
            answer(b"Content-Encoding: identity", body=PACKED),
            answer(b"Content-Encoding: deflate", body=zlib.compress(b"z")),
            answer(b"Content-Encoding: br", body=PACKED),
        ) as wire:
            client = connect(wire)
            responses = [client.get("/") for _ in range(6)]
        assert [response.content for response in responses[:4]] == [b"x" * 1000, b"y" * 10, PACKED, b"z"]
        assert responses[4].error is not None
        assert responses[5].content == b"x" * 1000
        assert (stats.total.num_requests, stats.total.num_failures) == (6, 1)

    def test_large_ones_and_many_urls_are_not_hoarded(self, connect):
        large = gzip.compress(b"x" * 1_000_000)
        with answering(answer(self.LINE, body=large)) as wire:
            connect(wire).get("/large")
        assert not any(url.endswith("/large") for url in decoding._known)
        with answering(answer(self.LINE, body=PACKED)) as wire:
            client = connect(wire)
            for number in range(100):
                client.get(f"/{number}")
        assert len(decoding._known) <= 64


class TestRequests:
    def test_a_thousand_urls_are_asked_for_as_they_are(self, connect, stats):
        with answering(answer()) as wire:
            client = connect(wire)
            client.cookiejar["c"] = "1"
            for _ in range(2):
                for number in range(300):
                    client.get(f"/{number}", name="all" if number % 2 else None)
                    client.post(f"/{number}", json={"n": number})
        lines = [head.split(b"\r\n")[0].decode() for head in wire.received]
        expected = [f"{verb} /{number} HTTP/1.1" for number in range(300) for verb in ("GET", "POST")]
        assert lines == expected * 2
        assert set(cookies_sent(wire)) == {"c=1"}
        assert stats.get("all", "GET").num_requests == 300
        assert len(client._ready.gets) <= ready.MOST_GETS

    def test_users_of_one_host_share_beginnings_and_no_more(self, connect, monkeypatch):
        monkeypatch.setattr(ready, "MOST_BEGINNINGS", 10)
        with answering(answer()) as wire:
            one, two = connect(wire), connect(wire, default_headers={"X-Who": "two"})
            for number in range(30):
                one.get(f"/{number}")
                two.get(f"/{number}")
            assert one._family is two._family
            assert len(one._family) <= 10
        assert [b"X-Who: two" in head for head in wire.received] == [False, True] * 30

    def test_a_closed_gate_ends_a_user_whatever_was_kept(self, connect, stats):
        def talk(connection):
            while wire.read_head(connection):
                connection.sendall(answer(b"Set-Cookie: a=1", TestBodies.LINE, body=PACKED))

        with Wire(talk) as wire:
            client = connect(wire)
            client.get("/")
            client.gate.open = False
            with pytest.raises(GreenletExit):
                client.get("/")
        assert stats.total.num_requests == 1

    def test_what_was_said_holds_for_a_kept_request_too(self, connect):
        moved = b"HTTP/1.1 307 X\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"

        def talk(connection):
            while head := wire.read_head(connection):
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
                body = head.partition(b"\r\n\r\n")[2]
                while len(body) < length:
                    body += connection.recv(65536)
                bodies.append(body)
                connection.sendall(answer() if b" /there " in head else moved)

        bodies = []
        with Wire(talk) as wire:
            client = connect(wire)
            for number in range(3):
                client.post("/", json={"n": number})
                client.post("/", data=b"%d" % number, headers={"X-Own": "1", "Content-Type": "text/x"})
                client.post("/", data=b"%d" % number, headers={"X-Own": "2"}, max_redirects=1)
        assert bodies == [
            each for n in (b"0", b"1", b"2") for body in (b'{"n": %b}' % n, n, n) for each in (body, body)
        ]
        for at, head in enumerate(wire.received):
            kind, own = ((b"application/json", None), (b"text/x", b"1"), (None, b"2"))[at // 2 % 3]
            assert (b"Content-Type: %b\r\n" % kind in head) if kind else b"Content-Type" not in head
            assert (b"X-Own: %b\r\n" % own in head) if own else b"X-Own" not in head

    def test_a_length_of_ones_own_is_not_mended(self, connect):
        with answering(answer(b"Connection: close")) as wire:
            client = connect(wire)
            for body in (b"ab", b"abcd"):
                client.post("/", data=body, headers={"Content-Length": "4"}, timeout=5)
                client.post("/", data=body, headers={"Content-Length": "4"})
        assert all(head.count(b"Content-Length: 4\r\n") == 1 for head in wire.received)
