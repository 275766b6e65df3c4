"""Whoever traces requests: what is sent for it, and what it is told."""

import gevent
import pytest

from gregaria.engine.exchange import Origin, Prepared, trace_with, traced_by
from gregaria.engine.gate import Gate
from gregaria.engine.recorder import Recorder
from gregaria.errors import ConnectionClosed
from tests.support.wire import Wire

#: not to be taken for the end of a body in chunks
LINE = b"x-trace: %d.\r\n"


class Trace:
    def __init__(self, number, before):
        self.lines = LINE % number
        self.trace_id = f"{number:032x}"
        self.before = before
        self.told = []

    def end(self, *told):
        self.told.append(told)


class Tracer:
    def __init__(self):
        self.traces = []
        self.begun = []

    def begin(self, method, url, name, head, before):
        self.begun.append((method, url, name, head))
        self.traces.append(Trace(len(self.traces), before))
        return self.traces[-1]


@pytest.fixture
def tracer():
    tracer = Tracer()
    trace_with(tracer)
    yield tracer
    trace_with(None)


def prepare(port, method="GET", lines="", body=None, recorder=None):
    head = f"{method} / HTTP/1.1\r\nHost: test\r\n{lines}\r\n".encode()
    origin = Origin("http", "127.0.0.1", port)
    return Prepared(origin, Gate(), recorder or Recorder(), head, body, method, "http://test/", "name")


def echoing(end):
    """Answers with all that it was sent, of which ``end`` is the end."""

    def talk(connection):
        got = b""
        while piece := connection.recv(1 << 20):
            got += piece
            if got.endswith(end):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(got), got))
                got = b""

    return Wire(talk)


@pytest.mark.parametrize("size", [0, 10, 70_000])
def test_its_lines_stand_at_the_end_of_each_head_before_bodies_of_any_size(tracer, size):
    body = b"x" * size
    with echoing(b"\r\n\r\n" + body) as wire:
        prepared = prepare(wire.port, "POST", f"Content-Length: {size}\r\n", body)
        for number in range(3):
            answer = prepared.perform(True)
            head = prepared.head[:-2] + LINE % number + b"\r\n"
            assert answer.sent_head == head
            assert answer.body == head + body
            assert answer.trace_id == f"{number:032x}"
            assert tracer.traces[number].told == [(200, None, answer.started_us, answer.finished_us)]
        assert tracer.begun == [("POST", "http://test/", "name", prepared.head)] * 3


def test_bodies_in_pieces_and_those_that_are_waited_with(tracer):
    with echoing(b"0\r\n\r\n") as wire:
        prepared = prepare(wire.port, "POST", "Transfer-Encoding: chunked\r\n")
        prepared.pieces = [b"one"]
        assert prepared.perform(True).body == prepared.head[:-2] + LINE % 0 + b"\r\n3\r\none\r\n0\r\n\r\n"
    with echoing(b"body") as wire:

        def talk(connection):
            head = wire.read_head(connection)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            answer = head + connection.recv(100)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))

        wire.talk = talk
        prepared = prepare(wire.port, "POST", "Content-Length: 4\r\nExpect: 100-continue\r\n", b"body")
        assert prepared.perform(True).body == prepared.head[:-2] + LINE % 1 + b"\r\nbody"


def test_a_request_that_is_sent_again_is_one(tracer):
    heads = []

    def talk(connection):
        heads.append(wire.read_head(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        # What comes next on this connection is read, and never answered.
        if len(heads) == 1:
            heads.append(wire.read_head(connection))

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        assert [prepared.perform(True).status for _ in range(2)] == [200, 200]
    assert [head.count(LINE % number) for number, head in zip((0, 1, 1), heads, strict=True)] == [1, 1, 1]
    assert [len(trace.told) for trace in tracer.traces] == [1, 1]


def test_a_failure_and_the_step_before_are_told(tracer):
    def talk(connection):
        wire.read_head(connection)

    with Wire(talk) as wire:
        first = prepare(wire.port).perform(False)
        second = prepare(wire.port).perform(False, True, previous=first)
    [(status, error, started_us, finished_us)] = first.trace.told
    assert (status, type(error)) == (0, ConnectionClosed)
    assert (started_us, finished_us) == (first.started_us, first.finished_us)
    assert second.previous is first
    assert [trace.before for trace in tracer.traces] == [None, first.trace]


def test_an_interrupted_request_is_told_as_such(tracer):
    recorder = Recorder()

    def talk(connection):
        wire.read_head(connection)
        while connection.recv(100):
            pass

    with Wire(talk) as wire:
        user = gevent.spawn(prepare(wire.port, recorder=recorder).perform, True)
        while not wire.received:
            gevent.sleep(0.001)
        user.kill()
    [(status, error, started_us, finished_us)] = tracer.traces[0].told
    assert (status, error, finished_us) == (0, None, 0)
    assert started_us > 0
    assert recorder.total.num_interrupted == 1


def test_nobody_traces_unless_asked_to():
    assert traced_by() is None
    with echoing(b"\r\n\r\n") as wire:
        prepared = prepare(wire.port)
        answer = prepared.perform(True)
    assert answer.body == answer.sent_head == prepared.head
    assert answer.trace is None
    assert answer.trace_id is None
