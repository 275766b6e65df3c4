"""One secret that all nodes of a cluster know, as keys of ZeroMQ's CURVE: who does not know it is not heard.

The master's and the workers' key pairs are made from the secret, so that there is one thing to hand around. A master
takes only connections that prove to hold the workers' key, a worker only a master that holds the master's.
"""

import functools
import hashlib
from typing import Any

import zmq
from zmq.utils import z85

from gregaria.errors import CommandError, ExitCode

__all__ = ["SHORTEST_SECRET", "Gatekeeper", "Keys"]

#: shorter secrets can be guessed
SHORTEST_SECRET = 16
_ROUNDS = 200_000


class Keys:
    """The keys of a cluster.

    Args:
        secret: what all its nodes know.

    Raises:
        CommandError: it is too short, or this ZeroMQ cannot encrypt.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise CommandError(
                f"the cluster secret has {len(secret)} characters and can be guessed; take {SHORTEST_SECRET} or more: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one",
                ExitCode.USAGE,
            )
        if not zmq.has("curve"):
            raise CommandError(
                "the ZeroMQ of this machine was built without encryption, so --cluster-secret cannot be used: "
                "pip install --force-reinstall pyzmq",
                ExitCode.USAGE,
            )
        self._master = _pair(secret, b"gregaria master")
        self._worker = _pair(secret, b"gregaria worker")

    def serve(self, socket: "zmq.Socket[bytes]") -> None:
        """Encrypt a master's socket; ``Gatekeeper`` keeps others out."""
        public, private = self._master
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, private)
        socket.setsockopt(zmq.ZAP_DOMAIN, b"gregaria")

    def connect(self, socket: "zmq.Socket[bytes]") -> None:
        """Encrypt a worker's socket."""
        public, private = self._worker
        socket.setsockopt(zmq.CURVE_SERVERKEY, self._master[0])
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, private)

    def is_a_workers(self, public_key: bytes) -> bool:
        """Whether that is the key that workers have (32 bytes)."""
        return bool(z85.encode(public_key) == self._worker[0])


# Slow on purpose, and a worker that fetches its files needs them twice.
@functools.lru_cache(maxsize=2)
def _pair(secret: str, whose: bytes) -> tuple[bytes, bytes]:
    """(public, private) key in Z85. https://rfc.zeromq.org/spec/26/ : a private key is any 32 bytes."""
    private = z85.encode(hashlib.pbkdf2_hmac("sha256", secret.encode(), whose, _ROUNDS, 32))
    return zmq.curve_public(private), private


class Gatekeeper:
    """Answers ZeroMQ's question who may connect (https://rfc.zeromq.org/spec/27/), in the thread that polls.

    Attributes:
        socket: to be polled; ``answer`` when it can be read.
        num_refused: connections that were refused.
    """

    def __init__(self, context: "zmq.Context[Any]", keys: Keys) -> None:
        self._keys = keys
        self.num_refused = 0
        self.socket: zmq.Socket[bytes] = context.socket(zmq.REP)
        self.socket.bind("inproc://zeromq.zap.01")

    def answer(self) -> None:
        """Answer one question."""
        try:
            version, number, *_, mechanism, key = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return
        may = mechanism == b"CURVE" and len(key) == 32 and self._keys.is_a_workers(key)
        if not may:
            self.num_refused += 1
        status, text = (b"200", b"OK") if may else (b"400", b"another secret")
        self.socket.send_multipart((version, number, status, text, b"", b""))
