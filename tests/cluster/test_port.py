"""A fuzzer at the port of a running master disturbs nothing."""

import os
import random
import signal
import socket
import time
from pathlib import Path

import msgpack
import pytest
import zmq

from tests.cluster.test_cluster import CALM, asked
from tests.support.nodes import Cluster
from tests.support.servers import Server

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(120)


def raw_garbage(port: int, seed: int) -> None:
    """Connections that speak no ZeroMQ, or begin to and go on with garbage."""
    chance = random.Random(seed)
    greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL" + bytes(48)
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as stranger:
            stranger.settimeout(0.05)
            try:
                stranger.sendall(chance.choice([b"", greeting, greeting[:20], b"GET / HTTP/1.1\r\n\r\n"]))
                stranger.sendall(chance.randbytes(chance.choice([1, 100, 5000])))
                stranger.recv(100)
            except OSError:
                continue


def spoken_garbage(port: int, seed: int, known: bytes) -> None:
    """Frames of strangers, and of strangers who use a worker's name."""
    chance = random.Random(seed)
    context = zmq.Context()
    for number in range(40):
        dealer = context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 200)
        dealer.setsockopt(zmq.IDENTITY, b"fuzzer_%d" % number)
        dealer.connect(f"tcp://127.0.0.1:{port}")
        kinds = [
            "g",
            "stats",
            "client_ready",
            "heartbeat",
            "spawning",
            "quit",
            "exception",
            "logs",
            "locustfile",
            "x" * 300,
        ]
        for _ in range(30):
            name = chance.choice([known.decode(), f"fuzzer_{number}", "", None, 5])
            junk = chance.choice(
                [
                    None,
                    {},
                    {"i": "x", "m": [[1]]},
                    "2.47 gregaria {}",
                    "",
                    10**18,
                    [[[[]]]],
                    {"stats": 3},
                    chance.randbytes(50),
                ]
            )
            body = msgpack.packb([chance.choice(kinds), junk, name])
            dealer.send(chance.choice([body, body[:-1], chance.randbytes(40), b""]))
        dealer.send_multipart([b"many", b"frames", os.urandom(10)])
        dealer.close()
    context.destroy(linger=500)


def test_garbage_at_the_port_disturbs_nothing(target: Server, tmp_path: Path) -> None:
    with Cluster(tmp_path, CALM) as cluster:
        master = cluster.start_master("-u", "4", "-r", "50", "--expect-workers", "2", "-H", target.url)
        workers = [cluster.start_worker() for _ in range(2)]
        known = master.wait_for(r"Worker 0 \((\S+)\) is ready")[1].encode()
        master.wait_for("All users spawned")
        for seed in range(3):
            raw_garbage(cluster.port, seed)
            spoken_garbage(cluster.port, seed, known)
        time.sleep(1)
        master.wait_for("messages that mean nothing")
        master.signal(signal.SIGINT)
        assert master.wait() == 0, master.output
        assert [worker.wait() for worker in workers] == [0, 0]
        assert "missing" not in master.output
        assert "Traceback" not in master.output
        assert cluster.total["num_requests"] + cluster.total["num_interrupted"] == asked(target)
