"""Literal Summaries for the reports' tests: only what a test is about has to be named."""

from typing import Any

from gregaria.stats.exchanges import Exchange, Half
from gregaria.stats.generator import Cause, Generator, HoldUp, LateSecond, Second, Verdict
from gregaria.stats.summary import ExceptionRow, FailureRow, GeneratorErrorRow, HistoryPoint, RequestRow, Summary

FRACTIONS = (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)


def row(name: str = "/", method: str = "GET", **given: Any) -> RequestRow:
    """A row with 1,000 requests around 2 ms, 100 a second."""
    values: dict[str, Any] = {
        "num_requests": 1000,
        "num_none_requests": 0,
        "num_failures": 0,
        "num_interrupted": 0,
        "min_us": 210,
        "max_us": 48_210,
        "avg_us": 2345.6,
        "median_us": 1990,
        "percentiles_us": {each: 1990 + int(each * 1000) for each in FRACTIONS[:-1]} | {1.0: 48_210},
        "intended_percentiles_us": {},
        "avg_size_bytes": 17.0,
        "total_size_bytes": 17_000,
        "current_rps": 100.0,
        "current_fail_per_s": 0.0,
        "total_rps": 99.5,
        "total_fail_per_s": 0.0,
        "histogram_us": {210: 1, 1984: 998, 47_104: 1},
        "per_second": {1_700_000_000 + second: (100, 0) for second in range(10)},
    }
    return RequestRow(method, name, **(values | given))


def silent_row(name: str = "/", method: str = "GET", **given: Any) -> RequestRow:
    """A row that nothing was counted in."""
    values: dict[str, Any] = {
        "num_requests": 0,
        "min_us": None,
        "max_us": None,
        "avg_us": 0.0,
        "median_us": 0,
        "percentiles_us": {},
        "avg_size_bytes": 0.0,
        "total_size_bytes": 0,
        "current_rps": 0.0,
        "total_rps": 0.0,
        "histogram_us": {},
        "per_second": {},
    }
    return row(name, method, **(values | given))


def failure(error: str = "500 Server Error", **given: Any) -> FailureRow:
    values: dict[str, Any] = {
        "method": "GET",
        "name": "/",
        "sample": error,
        "occurrences": 7,
        "first_seen_epoch_s": 1_700_000_001.5,
        "last_seen_epoch_s": 1_700_000_009.0,
    }
    return FailureRow(error=error, **(values | given))


def generator_error(error: str = "too many open files; raise `ulimit -n`", **given: Any) -> GeneratorErrorRow:
    values: dict[str, Any] = {
        "method": "GET",
        "name": "/",
        "sample": error,
        "occurrences": 5,
        "first_seen_epoch_s": 1_700_000_001.5,
        "last_seen_epoch_s": 1_700_000_009.0,
    }
    return GeneratorErrorRow(error=error, **(values | given))


def half(*head: str, body: bytes | None = b"", left_out: int = 0) -> Half:
    return Half(head, 0, body, len(body or b"") + left_out, left_out)


def exchange(**given: Any) -> Exchange:
    values: dict[str, Any] = {
        "epoch_s": 1_700_000_001.5,
        "method": "GET",
        "url": "http://127.0.0.1:8000/?page=1",
        "name": "/",
        "error": "500 Server Error",
        "duration_us": 12_345,
        "request": half("GET /?page=1 HTTP/1.1", "Host: 127.0.0.1:8000"),
        "response": half("HTTP/1.1 500 Oh", "Content-Type: text/plain", body=b"out of order"),
        "status": 500,
        "phases": None,
    }
    return Exchange(**(values | given))


def task_exception(message: str = "oops", **given: Any) -> ExceptionRow:
    traceback = (
        f'Traceback (most recent call last):\n  File "users.py", line 9, in buy\n    raise X\nValueError: {message}\n'
    )
    values: dict[str, Any] = {"count": 3, "message": message, "traceback": traceback, "nodes": ("local",)}
    return ExceptionRow(**(values | given))


def point(second: int = 0, **given: Any) -> HistoryPoint:
    values: dict[str, Any] = {
        "epoch_s": 1_700_000_000.0 + second,
        "user_count": 10,
        "current_rps": 100.0,
        "current_fail_per_s": 0.0,
        "avg_us": 2345.6,
        "current_percentiles_us": {0.5: 1990, 0.95: 2940},
        "num_requests": 100 * second,
        "num_failures": 0,
    }
    return HistoryPoint(**(values | given))


def second(number: int = 0, **given: Any) -> Second:
    """A quiet second of the generator, or one that says how late it was."""
    values: dict[str, Any] = {
        "epoch_s": 1_700_000_000 + number,
        "delay_us": 3_140,
        "cpu_percent": 20.04,
        "core_percent": 30.0,
        "machine_percent": 25.0,
        "starved_us": 1_500,
        "memory_bytes": 50_000_000,
        "collections": 2,
        "collecting_us": 4_200,
        "longest_collection_us": 3_000,
        "descriptors": 12,
        "descriptor_limit": 1024,
        "is_late": False,
    }
    return Second(number, **(values | given))


COMPUTE = HoldUp("task", "task Checkout.compute", "Use gregaria.offload().", "locustfile.py", 41)


def generator(*late: tuple[int, int], **given: Any) -> Generator:
    """What ten seconds were like, with late ones given as (second, microseconds)."""
    delays = dict(late)
    seconds = tuple(second(n, delay_us=delays.get(n, 3_140), is_late=n in delays) for n in range(10))
    longest_us = max(delays.values(), default=3_140)
    causes = (Cause(COMPUTE, len(delays), sum(delays.values()), longest_us),) if delays else ()
    values: dict[str, Any] = {
        "late_limit_us": 50_000,
        "seconds_watched": 10,
        "num_late_seconds": len(delays),
        "longest_delay_us": longest_us,
        "num_busy_seconds": 0,
        "longest_cpu_percent": 20.04,
        "num_late_requests": None,
        "verdict": Verdict(not delays, "Do not trust them." if delays else "Trust them."),
        "late_seconds": tuple(LateSecond(1_700_000_000 + n, delay_us) for n, delay_us in sorted(late)),
        "causes": causes,
        "seconds": seconds,
        "recent": seconds,
    }
    return Generator(**(values | given))


def summary(*rows: RequestRow, **given: Any) -> Summary:
    """A test of ten seconds; its total is counted together from its rows unless given."""
    requests = tuple(sorted(rows, key=lambda each: (each.name, each.method)))
    counted = {
        "num_requests": sum(each.num_requests for each in requests),
        "num_failures": sum(each.num_failures for each in requests),
        "num_interrupted": sum(each.num_interrupted for each in requests),
        "current_rps": sum(each.current_rps for each in requests),
        "total_rps": sum(each.total_rps for each in requests),
    }
    total = (row if counted["num_requests"] else silent_row)("Aggregated", "", **counted)
    values: dict[str, Any] = {
        "state": "running",
        "user_count": 10,
        "user_classes": {"Shopper": 10},
        "host": "http://127.0.0.1:8000",
        "locustfiles": ("locustfile.py",),
        "started_epoch_s": 1_700_000_000.0,
        "ended_epoch_s": None,
        "duration_s": 10.0,
        "requests": requests,
        "total": total,
        "failures": (),
        "exceptions": (),
        "history": (),
    }
    return Summary(**(values | given))
