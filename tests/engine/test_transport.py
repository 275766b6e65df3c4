"""The engine's other ways to carry a request: streams, pieces, Expect, proxies, Unix sockets; where the time went."""

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import gevent
import pytest

from gregaria.engine import poller
from gregaria.engine.exchange import Origin, Prepared
from gregaria.engine.gate import Gate
from gregaria.engine.recorder import Recorder
from gregaria.errors import (
    BodyTooShort,
    CertificateForOtherHost,
    ConnectionReset,
    FirstByteTimeout,
    GeneratorError,
    NameNotFound,
    ProxyError,
    ReadTimeout,
    TLSError,
)
from gregaria.settings import settings
from tests.support.wire import Wire, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


@pytest.fixture(params=["epoll", "watchers"], autouse=True)
def every_poller(request, monkeypatch):
    monkeypatch.setenv("GREGARIA_POLLER", request.param)
    poller.forget_all()
    yield request.param
    poller.forget_all()


def prepare(port, method="GET", body=None, headers="", recorder=None, host="127.0.0.1", **origin_options):
    origin = Origin("http", host, port, **origin_options)
    head = f"{method} / HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode()
    return Prepared(origin, Gate(), recorder or Recorder(), head, body, method, "http://test/", "/")


def read_until(connection, end):
    data = b""
    while not data.endswith(end):
        piece = connection.recv(65536)
        assert piece, f"closed after {data!r}"
        data += piece
    return data


# -- streams -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer, body", [(OK, b"hello"), (CHUNKS, b"hello world")])
@pytest.mark.parametrize("size", [1, 3, 100, -1])
def test_a_streamed_body_is_read_in_pieces_and_the_connection_used_again(answer, body, size):
    with answering(answer) as wire:
        prepared = prepare(wire.port)
        for _ in range(3):
            streamed = prepared.perform(False, stream=True)
            assert (streamed.status, streamed.body) == (200, None)
            got = b""
            while piece := streamed.reader.read(size):
                assert size < 0 or len(piece) <= size
                got += piece
            assert (got, streamed.reader.ended, streamed.reader.read()) == (body, True, b"")
        assert wire.connections == 1
        assert prepared.origin.in_use == 0


def test_the_head_of_a_stream_is_here_before_its_body():
    go_on = threading.Event()

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK[:-5] + b"he")
        go_on.wait(5)
        connection.sendall(b"llo")

    with Wire(talk) as wire:
        streamed = prepare(wire.port).perform(False, stream=True)
        assert streamed.reader.read(100) == b"he"
        go_on.set()
        assert streamed.reader.read() == b"llo"


@pytest.mark.parametrize("way", ["closed", "dropped"])
def test_a_stream_that_is_not_read_to_its_end_takes_its_connection_along(way):
    with answering(OK[:-3]) as wire:
        prepared = prepare(wire.port, connections=1)
        for number in (1, 2):
            streamed = prepared.perform(False, stream=True)
            assert prepared.origin.in_use == 1
            if way == "closed":
                streamed.reader.close()
            del streamed
            assert (prepared.origin.in_use, wire.connections) == (0, number)


def test_a_stream_that_breaks_says_so_to_its_reader():
    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK[:-3])

    with Wire(talk) as wire:
        streamed = prepare(wire.port).perform(False, stream=True)
        with pytest.raises(BodyTooShort, match="2 of 5 bytes"):
            streamed.reader.read()
        assert streamed.reader.ended


def test_a_stream_that_breaks_after_it_was_counted_becomes_a_failure():
    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK[:-3])

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        streamed = prepared.perform(False, stream=True)
        prepared.settle(streamed)
        with pytest.raises(BodyTooShort):
            streamed.reader.read()
        # Once, however often it is asked again.
        assert streamed.reader.read() == b""
    assert (prepared.entry.num_requests, prepared.entry.num_failures) == (1, 1)


def test_a_stream_that_breaks_before_it_is_counted_is_left_to_who_counts_it():
    def talk(connection):
        wire.read_head(connection)
        connection.sendall(OK[:-3])

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        streamed = prepared.perform(False, stream=True)
        with pytest.raises(BodyTooShort) as caught:
            streamed.reader.read()
        prepared.settle(streamed, caught.value)
    assert (prepared.entry.num_requests, prepared.entry.num_failures) == (1, 1)


def test_a_stream_that_falls_silent_times_out():
    with answering(OK[:-3]) as wire:
        streamed = prepare(wire.port, read_timeout_us=50_000).perform(False, stream=True)
        with pytest.raises(ReadTimeout, match=r"fell silent for 0\.05 s"):
            streamed.reader.read()


def test_an_empty_stream_has_ended_at_once():
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as wire:
        prepared = prepare(wire.port)
        assert prepared.perform(False, stream=True).reader.read() == b""
        assert prepared.perform(True).reused


# -- bodies in pieces --------------------------------------------------------------------------------------------------


def test_pieces_go_out_as_chunks():
    def talk(connection):
        sent.append(read_until(connection, b"0\r\n\r\n"))
        connection.sendall(OK)

    sent = []
    with Wire(talk) as wire:
        prepared = prepare(wire.port, "POST", headers="Transfer-Encoding: chunked\r\n")
        prepared.pieces = iter([b"ab", b"", "c" * 17])
        assert prepared.perform(True).body == b"hello"
    assert sent[0].partition(b"\r\n\r\n")[2] == b"2\r\nab\r\n11\r\n" + b"c" * 17 + b"\r\n0\r\n\r\n"


def test_pieces_of_a_known_length_go_out_as_they_are():
    def talk(connection):
        sent.append(read_until(connection, b"abcd"))
        connection.sendall(OK)

    sent = []
    with Wire(talk) as wire:
        prepared = prepare(wire.port, "PUT", headers="Content-Length: 4\r\n")
        prepared.pieces = [b"ab", b"cd"]
        assert prepared.perform(True).body == b"hello"
    assert sent[0].endswith(b"\r\n\r\nabcd")


def test_pieces_are_never_sent_twice():
    """The server closes the idle connection just as it is used again."""
    used = []

    def talk(connection):
        used.append(connection)
        wire.read_head(connection)
        connection.sendall(OK)
        if len(used) == 1:
            read_until(connection, b"\r\n\r\n")

    with Wire(talk) as wire:
        prepared = prepare(wire.port, "PUT", headers="Transfer-Encoding: chunked\r\n")
        assert prepared.perform(True).status == 200
        prepared.pieces = iter([b"x"])
        answer = prepared.perform(True)
        assert isinstance(answer.error, ConnectionError)
        assert wire.connections == 1


# -- Expect: 100-continue ----------------------------------------------------------------------------------------------


def expecting(talk, body=b"x" * 10):
    with Wire(talk) as wire:
        prepared = prepare(wire.port, "POST", body, headers=f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n")
        return prepared.perform(True), prepared


def test_the_body_waits_for_the_servers_word():
    def talk(connection):
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen.append(read_until(connection, b"x" * 10))
        connection.sendall(OK)

    seen = []
    assert expecting(talk)[0].body == b"hello"
    assert seen[0].endswith(b"\r\n\r\n")
    assert seen[1] == b"x" * 10


def test_a_final_answer_comes_in_place_of_the_body():
    def talk(connection):
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno")
        seen.append(connection.recv(65536))

    seen = []
    answer, prepared = expecting(talk)
    assert (answer.status, answer.body) == (417, b"no")
    assert 0 < answer.finished_us - answer.started_us == answer.phases.total_us
    assert prepared.origin.in_use == 0
    gevent.sleep(0)
    assert seen[1:] in ([], [b""])


def test_a_refused_body_can_be_streamed_too():
    with answering(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno") as wire:
        prepared = prepare(wire.port, "POST", b"x", headers="Expect: 100-continue\r\nContent-Length: 1\r\n")
        streamed = prepared.perform(False, stream=True)
        assert (streamed.status, streamed.reader.read()) == (417, b"no")


def test_a_server_that_knows_nothing_of_it_gets_the_body_after_a_while(monkeypatch):
    monkeypatch.setattr(settings, "expect_timeout_s", 0.05)

    def talk(connection):
        read_until(connection, b"\r\n\r\n" + b"x" * 10)
        connection.sendall(OK)

    assert expecting(talk)[0].body == b"hello"


# -- proxies and Unix sockets ------------------------------------------------------------------------------------------


def test_a_proxy_is_connected_to_in_place_of_the_host():
    with answering(OK) as wire:
        prepared = prepare(1, host="no-such-host.invalid", via=("127.0.0.1", wire.port))
        assert prepared.perform(True).body == b"hello"


def tunnelling(answer):
    """A proxy that answers CONNECT with ``answer`` and is then the server itself."""

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(answer)
        while wire.read_head(connection):
            connection.sendall(OK)

    wire = Wire(talk)
    return wire


CONNECT = b"CONNECT far:80 HTTP/1.1\r\nHost: far:80\r\n\r\n"


def test_a_tunnel_is_opened_first():
    with tunnelling(b"HTTP/1.1 200 Connection established\r\n\r\n") as wire:
        prepared = prepare(80, host="far", via=("127.0.0.1", wire.port), tunnel=CONNECT)
        assert [prepared.perform(True).body for _ in range(2)] == [b"hello", b"hello"]
        assert wire.received == [CONNECT, prepared.head, prepared.head]


def test_a_proxy_that_opens_no_tunnel_says_why():
    with tunnelling(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as wire:
        error = prepare(80, host="far", via=("127.0.0.1", wire.port), tunnel=CONNECT).perform(True).error
    assert isinstance(error, ProxyError)
    assert str(error) == "the proxy opened no tunnel to far:80: it answered 407 Proxy Authentication Required"


def test_a_proxy_that_is_not_there_is_told_as_such():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = prepare(80, host="far", via=("127.0.0.1", port)).perform(True).error
    assert isinstance(error, ProxyError)
    assert f"no connection to the proxy 127.0.0.1:{port}" in str(error)


def test_a_unix_socket_takes_the_place_of_host_and_port():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()

            def serve():
                connection, _ = listener.accept()
                with connection:
                    for _ in range(2):
                        read_until(connection, b"\r\n\r\n")
                        connection.sendall(OK)

            thread = threading.Thread(target=serve)
            thread.start()
            prepared = prepare(0, host="ignored", unix_path=path)
            answers = [prepared.perform(True) for _ in range(2)]
            thread.join(5)
    assert [answer.body for answer in answers] == [b"hello", b"hello"]
    assert answers[1].reused


# -- where the time went -----------------------------------------------------------------------------------------------


def waits(before_head_s, before_body_s):
    def talk(connection):
        while wire.read_head(connection):
            time.sleep(before_head_s)
            connection.sendall(OK[:-5])
            time.sleep(before_body_s)
            connection.sendall(b"hello")

    wire = Wire(talk)
    return wire


def test_the_phases_are_the_whole_time():
    with waits(0.03, 0.05) as wire:
        prepared = prepare(wire.port, host="localhost")
        fresh, reused = prepared.perform(True), prepared.perform(True)
    for answer in (fresh, reused):
        assert answer.phases.total_us == answer.finished_us - answer.started_us
        assert min(answer.phases) >= 0
        assert answer.phases.first_byte_us >= 29_000
        assert answer.phases.receiving_us >= 49_000
    assert fresh.phases.name_lookup_us > 0
    assert fresh.phases.connect_us > 0
    assert fresh.phases[:3] > (0, 0, -1)
    assert reused.phases[:3] == (0, 0, 0)


def test_the_phases_of_a_chain_add_up():
    with waits(0, 0) as wire:
        prepared = prepare(wire.port)
        first, second = prepared.perform(True), prepared.perform(True)
        alone = second.phases
        second.previous = first
        assert second.phases == alone.plus(first.phases)


def test_a_failure_shows_how_far_it_came():
    with answering(b"") as wire:
        answer = prepare(wire.port, read_timeout_us=30_000).perform(True)
    assert isinstance(answer.error, FirstByteTimeout)
    assert answer.phases.total_us == answer.finished_us - answer.started_us
    assert answer.phases.first_byte_us >= 29_000
    assert answer.phases.receiving_us == 0


def test_a_failed_name_lookup_took_its_time():
    answer = prepare(80, host="no-such-host.invalid").perform(True)
    assert isinstance(answer.error, NameNotFound)
    assert answer.phases.name_lookup_us > 0
    assert answer.phases[2:] == (0, 0, 0, 0)
    assert answer.phases.total_us == answer.finished_us - answer.started_us


def test_phases_are_counted_when_asked_for():
    recorder = Recorder()
    with answering(OK) as wire:
        prepared = prepare(wire.port, recorder=recorder)
        prepared.perform(True)
        assert prepared.entry.phases is None
        recorder.keeps_phases = True
        prepared.perform(True)
        prepared.settle(prepared.perform(False), ValueError("no"))
    assert [histogram.total for histogram in prepared.entry.phases] == [2] * 6
    assert [histogram.total for histogram in recorder.total.phases] == [2] * 6


def wait_until_the_kernel_stamps():
    """It begins a moment after the first socket has asked for it."""
    deadline = time.monotonic() + 5
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as alone:
        alone.setsockopt(socket.SOL_SOCKET, 37, 24)
        alone.bind(("127.0.0.1", 0))
        while time.monotonic() < deadline:
            alone.sendto(b"x", alone.getsockname())
            _, stamps, _, _ = alone.recvmsg(1, 256)
            if stamps and any(stamps[0][2][:8]):
                return


def compute():
    """Pure Python that lets nobody else have their turn."""
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps what arrives")
def test_an_answer_that_waited_for_a_busy_generator_came_when_the_kernel_says():
    """Another greenlet computes for 0.2 s while the answer lies there."""
    sent_us = []

    def talk(connection):
        while wire.read_head(connection):
            time.sleep(0.02)
            before = time.monotonic_ns() // 1000
            connection.sendall(OK)
            sent_us.append((before, time.monotonic_ns() // 1000 + 1))

    with Wire(talk) as wire:
        prepared = prepare(wire.port)
        prepared.perform(True)
        wait_until_the_kernel_stamps()
        request = gevent.spawn(prepared.perform, True)
        gevent.sleep(0)
        gevent.spawn(compute).join()
        read_us = time.monotonic_ns() // 1000
        answer = request.get()
        prepared.origin.close()
    before, after = sent_us[1]
    assert before <= answer.finished_us <= after
    assert answer.finished_us < read_us
    assert (answer.late, prepared.recorder.total.num_late) == (False, 0)


def test_without_the_kernels_word_such_an_answer_is_marked(monkeypatch):
    monkeypatch.setattr(settings, "kernel_stamps", False)
    with waits(0.02, 0) as wire:
        prepared = prepare(wire.port)
        # A wait of the user's own is no delay. That of a busy machine is, so one prompt answer of many will do.
        late = []
        while not late or (late[-1] and len(late) < 50):
            gevent.sleep(0.05)
            late.append(prepared.perform(True).late)
        assert not late[-1]
        request = gevent.spawn(prepared.perform, True)
        gevent.sleep(0)
        gevent.spawn(compute).join()
        answer = request.get()
        assert answer.finished_us - answer.started_us >= 190_000
        assert (answer.late, prepared.entry.num_late) == (True, sum(late) + 1)


# -- whose fault it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, where",
    [
        (b"", "before the response"),
        (OK[:20], "in the middle of the response's head"),
        (OK[:-2], "in the middle of the response's body"),
    ],
)
def test_a_reset_says_where_it_came(said, where):
    def talk(connection):
        wire.read_head(connection)
        if said:
            connection.sendall(said)
            time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with Wire(talk) as wire:
        error = prepare(wire.port).perform(True).error
    assert isinstance(error, ConnectionReset)
    assert str(error) == f"the server reset the connection {where}"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_want_of_descriptors_is_the_generators_own_error():
    import resource

    recorder = Recorder()
    told = []
    recorder.on_generator_error = lambda *what: told.append(what)
    with answering(OK) as wire:
        prepared = prepare(wire.port, recorder=recorder)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = max(int(name) for name in os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, limits[1]))
        spare = []
        try:
            while True:
                spare.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass
        try:
            answer = prepared.perform(True)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for descriptor in spare:
                os.close(descriptor)
        assert isinstance(answer.error, GeneratorError)
        assert "ulimit -n" in str(answer.error)
        prepared.settle(answer, answer.error)
        assert prepared.perform(True).body == b"hello"
    entry = recorder.entry("GET", "/")
    assert (entry.num_requests, entry.num_failures, entry.num_generator_errors) == (1, 0, 1)
    assert (recorder.total.num_requests, recorder.total.num_generator_errors) == (1, 1)
    assert told == [("GET", "/", answer.error)]


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and what it has signed: a server's certificate for localhost and a client's."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    authority = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"
    openssl(*authority.split())
    extensions = {"server": "subjectAltName=DNS:localhost,IP:127.0.0.1", "client": "keyUsage=digitalSignature"}
    for name, extension in extensions.items():
        openssl(*f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr".split())
        (folder / "extension").write_text(extension)
        signing = f"x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca.key -extfile extension -out {name}.pem"
        openssl(*signing.split())
    return folder


def server_context(folder, asks_for_certificate=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if asks_for_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def client_context(folder, certificate=None):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    return context


def speaking_tls(context, told):
    """A server over TLS: tells for each connection whether its session was resumed and whom the client claims to be."""

    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            told.append((secured.session_reused, secured.getpeercert()))
            while wire.read_head(secured):
                secured.sendall(OK)
                if wire.says_once:
                    return

    wire = Wire(talk)
    wire.says_once = False
    return wire


def prepare_secure(port, context, host="localhost"):
    origin = Origin("https", host, port, ssl_context=context, via=("localhost", port))
    return Prepared(origin, Gate(), Recorder(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", None, "GET", "https://x/", "/")


@pytest.mark.needs("openssl")
def test_a_second_connection_resumes_the_first_ones_session(certificates):
    told = []
    with speaking_tls(server_context(certificates), told) as wire:
        prepared = prepare_secure(wire.port, client_context(certificates))
        for _ in range(3):
            answer = prepared.perform(True)
            assert answer.body == b"hello"
            assert answer.phases.tls_us > 0
            assert prepared.perform(True).phases.tls_us == 0
            prepared.origin.close()
    assert [resumed for resumed, _ in told] == [False, True, True]


@pytest.mark.needs("openssl")
def test_a_session_is_resumed_though_the_answer_ended_the_connection(certificates):
    told = []
    context = server_context(certificates)

    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            told.append(secured.session_reused)
            wire.read_head(secured)
            secured.sendall(OK.replace(b"Content", b"Connection: close\r\nContent"))

    with Wire(talk) as wire:
        prepared = prepare_secure(wire.port, client_context(certificates))
        assert [prepared.perform(True).body for _ in range(3)] == [b"hello"] * 3
    assert told == [False, True, True]


@pytest.mark.needs("openssl")
def test_a_client_shows_its_certificate(certificates):
    told = []
    with speaking_tls(server_context(certificates, asks_for_certificate=True), told) as wire:
        assert prepare_secure(wire.port, client_context(certificates, "client")).perform(True).body == b"hello"
        assert (("commonName", "client"),) in told[0][1]["subject"]
        error = prepare_secure(wire.port, client_context(certificates)).perform(True).error
    assert isinstance(error, TLSError)
    assert "certificate required" in str(error)


@pytest.mark.needs("openssl")
def test_a_certificate_of_another_host_says_so(certificates):
    with speaking_tls(server_context(certificates), []) as wire:
        prepared = prepare_secure(wire.port, client_context(certificates), host="elsewhere")
        error = prepared.perform(True).error
    assert isinstance(error, CertificateForOtherHost)
    assert str(error) == "the server's certificate is not for 'elsewhere'"


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("length", [1, 16_000, 16_385, 3_000_000])
def test_bodies_of_any_size_come_through_tls_whole(certificates, length):
    body = bytes(range(256)) * (length // 256 + 1)
    context = server_context(certificates)

    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            while wire.read_head(secured):
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body[:length])

    with Wire(talk) as wire:
        prepared = prepare_secure(wire.port, client_context(certificates))
        for _ in range(2):
            assert prepared.perform(True).body == body[:length]
            streamed = prepared.perform(False, stream=True)
            assert streamed.reader.read() == body[:length]
        assert wire.connections == 1
        prepared.origin.close()


@pytest.mark.needs("openssl")
def test_an_early_answer_ends_an_upload_over_tls(certificates):
    context = server_context(certificates)
    done = threading.Event()

    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            wire.read_head(secured)
            secured.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
            done.wait(10)

    with Wire(talk) as wire:
        origin = Origin("https", "localhost", wire.port, ssl_context=client_context(certificates))
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"
        prepared = Prepared(origin, Gate(), Recorder(), head, b"x" * 50_000_000, "POST", "https://x/", "/")
        answer = prepared.perform(True)
        done.set()
    assert (answer.status, answer.body) == (413, b"big")


def test_an_early_answer_ends_an_upload_that_the_server_does_not_read():
    done = threading.Event()

    def talk(connection):
        wire.read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        done.wait(10)

    with Wire(talk) as wire:
        prepared = prepare(wire.port, "POST", b"x" * 50_000_000, headers="Content-Length: 50000000\r\n")
        answer = prepared.perform(True)
        done.set()
        assert (answer.status, answer.body) == (413, b"big")
