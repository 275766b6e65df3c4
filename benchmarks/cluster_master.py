"""What a master does for a thousand workers: CPU and memory of adding up their reports, and the time of a summary.

python -m benchmarks.cluster_master [--quick]
"""

import argparse
import multiprocessing
import random
import statistics
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks import results
from benchmarks.cases import WORK
from benchmarks.limits import judged
from gregaria.cluster.wire import pack, unpack
from gregaria.engine import clock
from gregaria.engine.histogram import Histogram
from gregaria.stats.failures import ExceptionTable
from gregaria.stats.generator import Second
from gregaria.stats.increments import Increments, add_report
from gregaria.stats.summary import summarize
from gregaria.stats.table import RequestStats

NAMES = 100
BUCKETS_PER_NAME = 50
#: of which those are taken: from 0.5 ms to 1 s
BUCKETS = range(Histogram.index(500), Histogram.index(1_000_000))
SUMMARIES = 20
SIZE = struct.Struct("<I")

AT_MOST_CORES, AT_MOST_MB, AT_MOST_SUMMARY_MS = 1, 200, 200


def report(chance: random.Random, worker: int, second: int) -> tuple[bytes, int]:
    """The frame of one worker's report of one second, and how many requests it tells of; no two are alike."""
    stats, exceptions = RequestStats(use_response_times_cache=False), ExceptionTable()
    now_us = clock.now_us()
    for number in range(NAMES):
        name = f"/shop/category/{number}/items"
        for bucket in chance.sample(BUCKETS, BUCKETS_PER_NAME):
            edge_us = Histogram.edge_us(bucket)
            for _ in range(chance.choice((1, 1, 1, 2, 5))):
                stats.recorder.record("GET", name, edge_us, chance.randrange(100, 5000), now_us=now_us)
    stats.log_error("GET", "/shop/category/7/items", f"there is no item {chance.randrange(10**6, 10**7)}")
    stats.generator.add_second(
        Second(second, 1_700_000_000 + second, 3_000, 80.0, 80.0, 50.0, 0, 10**8, 1, 900, 900, 300, 4096, False)
    )
    told = Increments(stats, exceptions).take()
    return pack("g", told, f"host_{worker:032x}"), stats.num_requests


def write_reports(file: Path, workers: int, seconds: int) -> int:
    """Write the frames of all workers, second by second; returns how many requests they tell of."""
    chance, requests = random.Random(1), 0
    with file.open("wb") as output:
        for second in range(seconds):
            for worker in range(workers):
                frame, count = report(chance, worker, second)
                output.write(SIZE.pack(len(frame)) + frame)
                requests += count
    return requests


def frames(file: Path) -> Iterator[bytes]:
    """Every frame of a file."""
    with file.open("rb") as source:
        while head := source.read(SIZE.size):
            yield source.read(SIZE.unpack(head)[0])


def add_up(file: Path, seconds: int) -> dict[str, Any]:
    """Be the master, in a process of its own."""
    stats, exceptions, process = RequestStats(), ExceptionTable(), psutil.Process()
    cpu_s, size_bytes, added = 0.0, 0, 0
    for frame in frames(file):
        size_bytes += len(frame)
        begun_s = time.process_time()
        found = unpack(frame)
        added += add_report(found.data, stats, exceptions, found.node_id)
        cpu_s += time.process_time() - begun_s
    summaries_ms = []
    for _ in range(SUMMARIES):
        begun_s = time.perf_counter()
        summary = summarize(stats, exceptions)
        summaries_ms.append((time.perf_counter() - begun_s) * 1000)
    return {
        "cores": cpu_s / seconds,
        "memory_mb": process.memory_full_info().uss / 1e6,
        "summary_ms": statistics.median(summaries_ms),
        "added": added,
        "total": summary.total.num_requests,
        "rows": sum(row.num_requests for row in summary.requests),
        "mb_per_s": size_bytes / seconds / 1e6,
    }


def measure(workers: int, seconds: int) -> dict[str, Any]:
    """The figures of a master; the workers' reports are made in another process, whose memory is none of its own."""
    WORK.mkdir(exist_ok=True)
    file = WORK / "cluster-reports"
    context = multiprocessing.get_context("spawn")
    try:
        with context.Pool(1, maxtasksperchild=1) as pool:
            sent = pool.apply(write_reports, (file, workers, seconds))
            found = pool.apply(add_up, (file, seconds))
    finally:
        file.unlink(missing_ok=True)
    return {"sent": sent} | found


def main() -> None:
    """Measure, and write it beside the other results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: one second, nothing is written")
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    seconds = 1 if options.quick else options.seconds
    found = measure(options.workers, seconds)
    lost = max(abs(found["sent"] - found[each]) for each in ("added", "total", "rows"))
    section = {
        "about": f"{options.workers:,} workers report each second {NAMES} names with {BUCKETS_PER_NAME} buckets each, "
        f"no two of them alike, for {seconds} s. CPU is that of unpacking the reports' frames and adding them up, in "
        "seconds per second; memory is the process's alone (USS) after the last one; a summary is the median of "
        f"{SUMMARIES}. Lost is the difference between the requests that were reported and any total.",
        "rows": [
            {
                "requests": f"{found['sent']:,}",
                "reports, MB/s": round(found["mb_per_s"], 1),
                "CPU, s/s": round(found["cores"], 3),
                "memory, MB": round(found["memory_mb"], 1),
                "summary, ms": round(found["summary_ms"], 2),
                "lost": lost,
            }
        ],
        "judged": [
            judged("CPU seconds per second", found["cores"], AT_MOST_CORES),
            judged("memory, MB", found["memory_mb"], AT_MOST_MB),
            judged("summary, ms", found["summary_ms"], AT_MOST_SUMMARY_MS),
            judged("requests lost", lost, 0),
        ],
    }
    print(results.judged_text(section))
    if not options.quick:
        results.save("cluster_master", section)


if __name__ == "__main__":
    main()
