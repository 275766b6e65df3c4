"""What being a worker costs, and how fast thousands of workers join.

    python -m benchmarks.cluster_nodes [--quick]

The same users, nothing but GET, run in a local run and as a worker of a master on the other core, in turns. Then 2,000
workers that only greet and give signs of life join a master at once.
"""

import argparse
import contextlib
import json
import re
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import psutil
import zmq

from benchmarks import results
from benchmarks.cases import GREGARIA, LOCUSTFILES, USERS, WORK, cores, gregaria
from benchmarks.limits import judged
from benchmarks.measure import Sample, end, look, raise_file_limit
from benchmarks.nginx import Nginx

JOINING = 2_000
JOIN_AT_MOST_S = 10.0
COST_AT_MOST = 1.05
_PORT = re.compile(r"Listening for workers on .+:(\d+)")


@contextlib.contextmanager
def master(url: str, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A master that waits for workers, and its port."""
    log = WORK / "cluster-master.log"
    command = [GREGARIA, "-f", str(LOCUSTFILES / "plain.py"), "--master", "--master-bind-host", "127.0.0.1"]
    command += ["--master-bind-port", "0", "--headless", "--only-summary", "-H", url, *words, "Fast"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield process, _port_of(process, log)
    finally:
        end(process)


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(200):
        found = _PORT.search(log.read_text())
        if found is not None:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the master does not listen:\n{log.read_text()}")


def cost(rounds: int, window_s: float) -> dict[str, Any]:
    """A row: CPU time per request of a worker and of a local run, and their ratio."""
    target_core, generator_core = cores()
    local = gregaria("Fast", "plain.py", "Fast")
    ratios, samples = [], []
    with Nginx(WORK, target_core) as target:
        before = _local(local.at(target.url), target, generator_core, window_s)
        for _ in range(rounds):
            with master(target.url, "-u", str(USERS), "-r", str(USERS)) as (_, port):
                command = [GREGARIA, "-f", str(LOCUSTFILES / "plain.py"), "--worker", "--master-port", str(port)]
                worker = look(
                    command, target, generator_core, warm_up_s=1.5, window_s=window_s, log=WORK / "worker.log"
                )
            after = _local(local.at(target.url), target, generator_core, window_s)
            ratios.append(worker.cpu_us_per_request * 2 / (before.cpu_us_per_request + after.cpu_us_per_request))
            samples.append((worker, before))
            before = after
    return {
        "what": "a request on a worker",
        "local us": round(statistics.median(sample.cpu_us_per_request for _, sample in samples), 2),
        "worker us": round(statistics.median(sample.cpu_us_per_request for sample, _ in samples), 2),
        "ratio": round(statistics.median(ratios), 3),
    }


def _local(command: list[str], target: Any, core: int | None, window_s: float) -> Sample:
    return look(command, target, core, warm_up_s=1.5, window_s=window_s, log=WORK / "local.log")


def join(count: int) -> dict[str, Any]:
    """A row: seconds until so many workers have been accepted, and the master's CPU time while they are there."""
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, count + 100)
    with master("http://127.0.0.1:1", "-u", "1", "--expect-workers", str(count + 1)) as (process, port):
        time.sleep(1)
        usage = psutil.Process(process.pid)
        began_s = time.monotonic()
        dealers = [_greet(context, port, number) for number in range(count)]
        poller = zmq.Poller()
        for dealer, _ in dealers:
            poller.register(dealer, zmq.POLLIN)
        names = dict(dealers)
        accepted = 0
        while accepted < count and time.monotonic() - began_s < 60:
            for dealer, _ in poller.poll(1000):
                kind, data, _ = msgpack.unpackb(dealer.recv(), strict_map_key=False)
                if kind == "ack":
                    accepted += 1
                    names[dealer] = (names[dealer], data["gregaria"]["incarnation"])
                    poller.unregister(dealer)
        seconds = time.monotonic() - began_s
        cpu_s, then_s = sum(usage.cpu_times()[:2]), time.monotonic()
        for beat in range(1, 6):
            for dealer, name in names.items():
                if isinstance(name, tuple):
                    dealer.send(_beat(*name, beat))
            time.sleep(1)
        busy = (sum(usage.cpu_times()[:2]) - cpu_s) / (time.monotonic() - then_s)
        for dealer, _ in dealers:
            dealer.close(linger=0)
    context.term()
    return {"what": "workers that join at once", "workers": count, "accepted": accepted, "seconds": round(seconds, 2),
            "master's core while they are there": round(busy, 3)}  # fmt: skip


def _greet(context: "zmq.Context[Any]", port: int, number: int) -> tuple["zmq.Socket[bytes]", str]:
    name = f"host{number}_{uuid.uuid4().hex}"
    dealer: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.IDENTITY, name.encode())
    dealer.connect(f"tcp://127.0.0.1:{port}")
    about = {"protocol": 1, "version": "0.1.0", "incarnation": name[-16:], "kept_from": 1, "received": 0, "run": None}
    dealer.send(msgpack.packb(["client_ready", f"2.47.0 gregaria {json.dumps(about)}", name]))
    return dealer, name


def _beat(name: str, master_incarnation: str, beat: int) -> bytes:
    data = {"i": name[-16:], "t": master_incarnation, "f": 0, "m": [], "r": 0, "a": 0, "b": beat,
            "s": {"state": "ready", "users": {}}}  # fmt: skip
    packed: bytes = msgpack.packb(["g", data, name])
    return packed


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: two short rounds, 200 workers; nothing is kept")
    options = parser.parse_args()
    raise_file_limit(JOINING * 2)
    WORK.mkdir(parents=True, exist_ok=True)
    joined = join(200 if options.quick else JOINING)
    costs = cost(2, 1.5) if options.quick else cost(8, 2.0)
    section = {
        "about": "CPU time of a request, nothing but GET, by a worker of a master and by a local run, in turns, the "
        "median of the rounds; and workers that all greet a master at once, then give a sign of life each second.",
        "rows": [costs, joined],
        "judged": [
            judged("a request on a worker, of a local run's CPU", costs["ratio"], COST_AT_MOST),
            judged(f"{joined['workers']:,} workers join, s", joined["seconds"], JOIN_AT_MOST_S),
        ],
    }
    print(results.judged_text(section))
    if not options.quick:
        results.save("cluster_nodes", section)


if __name__ == "__main__":
    main()
