"""``gregaria --worker -f -``: ask the master for the files of its test, before there is a worker."""

import logging
import socket
import time
import uuid
from pathlib import Path
from typing import Any

import gevent
import zmq

from gregaria.cluster.archive import unpack as unpack_archive
from gregaria.cluster.greeting import PROTOCOL, STANDS_FOR
from gregaria.cluster.keys import Keys
from gregaria.cluster.locust_files import from_locust
from gregaria.cluster.reach import connect, why_not
from gregaria.cluster.timing import Timing
from gregaria.cluster.wire import LARGEST_FRAME_BYTES, WireError, pack, unpack
from gregaria.errors import CommandError, ExitCode

__all__ = ["fetch_files"]

logger = logging.getLogger("gregaria.cluster.fetch")

_LOOK_S = 0.05
#: an answer of many megabytes takes its time; asked again, it would come twice
_ASK_AGAIN_S = 10.0


def fetch_files(
    host: str, port: int, keys: Keys | None, folder: Path, timing: Timing | None = None
) -> tuple[list[Path], list[str]]:
    """The locustfiles of a master, put into an empty folder with all that lies beside them there; and URLs of others.

    Raises:
        CommandError: there is no master, or it has no files for us, or what it sends cannot be used.
    """
    timing = timing or Timing.usual()
    answer = _ask(host, port, keys, timing)
    try:
        urls: list[str] = []
        if isinstance(answer, dict) and "archive" in answer:
            paths = unpack_archive(answer["archive"], str(answer.get("sha256")), folder)
        else:
            paths, urls = from_locust(answer, folder)
    except ValueError as error:
        raise CommandError(
            f"-f -: the files of the master at {host}:{port} cannot be used: {error}", ExitCode.CLUSTER
        ) from None
    logger.info("Got %d locustfiles from the master at %s:%d, in %s", len(paths) + len(urls), host, port, folder)
    return paths, urls


def _ask(host: str, port: int, keys: Keys | None, timing: Timing) -> Any:
    node_id = f"{socket.gethostname()}_download_locustfile_{uuid.uuid4().hex}"
    context: zmq.Context[Any] = zmq.Context()
    dealer: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.IDENTITY, node_id.encode())
    dealer.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
    dealer.setsockopt(zmq.IMMEDIATE, 1)
    dealer.setsockopt(zmq.IPV6, 1)
    if keys is not None:
        keys.connect(dealer)
    try:
        connect(dealer, host, port)
        return _conversation(dealer, node_id, f"{host}:{port}", timing)
    finally:
        dealer.close(linger=0)
        context.term()


def _conversation(dealer: "zmq.Socket[bytes]", node_id: str, where: str, timing: Timing) -> Any:
    question = pack("locustfile", {"version": STANDS_FOR, "gregaria": PROTOCOL}, node_id)
    began_s = told_s = time.monotonic()
    ask_s = 0.0
    while True:
        now_s = time.monotonic()
        if now_s >= ask_s:
            try:
                dealer.send(question, zmq.NOBLOCK)
                ask_s = now_s + _ASK_AGAIN_S
            except zmq.Again:
                # No connection yet.
                ask_s = 0.0
        try:
            frame = unpack(dealer.recv(zmq.NOBLOCK))
        except zmq.Again:
            gevent.sleep(_LOOK_S)
        except WireError as error:
            raise CommandError(f"what answers at {where} is no master: {error}", ExitCode.CLUSTER) from None
        else:
            if frame.type == "locustfile":
                return frame.data
        if now_s - began_s >= timing.give_up_s:
            raise CommandError(
                f"no master has sent its files from {where} in {now_s - began_s:.0f} s; this worker gives up",
                ExitCode.CLUSTER,
            )
        if now_s - told_s >= timing.tell_s:
            told_s = now_s
            host, _, port = where.rpartition(":")
            logger.warning("No master answers at %s%s; still asking it for its files", where, why_not(host, int(port)))
