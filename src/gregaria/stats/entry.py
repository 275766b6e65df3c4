"""StatsEntry: Locust's face on the numbers of one (method, name), where microseconds become milliseconds."""

from collections.abc import Mapping
from typing import Any, Protocol

from gregaria.engine import clock
from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import Entry
from gregaria.settings import settings
from gregaria.stats.response_times import bucket_response_time

__all__ = ["StatsEntry"]


class Run(Protocol):
    """The run that an entry belongs to; all moments are monotonic microseconds."""

    @property
    def started_us(self) -> int:
        """When counting began: the start of the test, or the last reset."""

    @property
    def last_us(self) -> int:
        """When the run's latest request ended; ``started_us`` if there was none."""

    @property
    def reference_us(self) -> int:
        """What "current" means: now in a running test, else the latest request."""

    def recent_times(self) -> Histogram | None:
        """The response times of all the run's requests over the current window."""


class StatsEntry:
    """The statistics of the requests of one method and name, read live.

    Everything Locust's StatsEntry has can be read here; it is counted in ``native``. An entry made by itself counts
    what its ``log`` and ``log_error`` are given, and is in no table.

    Args:
        stats: the table whose run it belongs to.
        name, method: which requests these are.
        use_response_times_cache: whether percentiles over the last seconds are asked of it; the total's can be.
        native: the engine's row to show; a new one if None.
    """

    def __init__(
        self, stats: Run, name: str, method: str, use_response_times_cache: bool = False, *, native: Entry | None = None
    ) -> None:
        self.stats = stats
        self.name = name
        self.method = method
        self.use_response_times_cache = use_response_times_cache
        self.native = native if native is not None else Entry(method, name)

    def __repr__(self) -> str:
        return f"<StatsEntry {self.method} {self.name}: {self.num_requests} requests, {self.num_failures} failures>"

    # What was counted

    @property
    def num_requests(self) -> int:
        return self.native.num_requests

    @property
    def num_none_requests(self) -> int:
        """Requests that were reported without a response time."""
        return self.native.num_none_requests

    @property
    def num_failures(self) -> int:
        return self.native.num_failures

    @property
    def total_response_time(self) -> float:
        """The exact sum of all response times, in milliseconds."""
        return self.native.times.sum_us / 1000

    @property
    def min_response_time(self) -> float | None:
        """Exact, in milliseconds; None if nothing was timed."""
        return self.native.times.min_us / 1000 if self.native.times.total else None

    @property
    def max_response_time(self) -> float:
        """Exact, in milliseconds; 0 if nothing was timed."""
        return self.native.times.max_us / 1000 if self.native.times.total else 0

    @property
    def total_content_length(self) -> int:
        """Bytes."""
        return self.native.total_bytes

    @property
    def response_times(self) -> dict[int, int]:
        """``{milliseconds: requests}``, rounded as Locust rounds; made anew with each reading."""
        times = self.native.times
        rounded: dict[int, int] = {}
        for bucket, count in times.buckets().items():
            milliseconds = bucket_response_time(times.value_us(bucket) / 1000)
            rounded[milliseconds] = rounded.get(milliseconds, 0) + count
        return rounded

    @property
    def num_reqs_per_sec(self) -> dict[int, int]:
        """``{epoch second: requests}`` of the last 64 seconds with traffic."""
        return {second: requests for second, (requests, _) in self.native.per_second().items()}

    @property
    def num_fail_per_sec(self) -> dict[int, int]:
        """``{epoch second: failures}`` of the last 64 seconds with traffic."""
        return {second: failures for second, (_, failures) in self.native.per_second().items() if failures}

    @property
    def start_time(self) -> float:
        """Seconds since 1970 at which this entry was made or last reset."""
        return clock.epoch_us_of(self.native.started_us) / 1e6

    @property
    def last_request_timestamp(self) -> float | None:
        """Seconds since 1970 at which the latest request ended; None if there was none."""
        return clock.epoch_us_of(self.native.last_us) / 1e6 if self.native.last_us else None

    # What follows from it

    @property
    def fail_ratio(self) -> float:
        """Failures per request, 0..1; 1 when there were failures but no request."""
        if self.num_requests:
            return self.num_failures / self.num_requests
        return 1.0 if self.num_failures else 0.0

    @property
    def avg_response_time(self) -> float:
        """Milliseconds."""
        timed = self.native.times.total
        return self.total_response_time / timed if timed else 0

    @property
    def median_response_time(self) -> float:
        """Milliseconds."""
        return self.get_response_time_percentile(0.5)

    @property
    def avg_content_length(self) -> float:
        """Bytes."""
        return self.total_content_length / self.num_requests if self.num_requests else 0

    @property
    def current_rps(self) -> float:
        """Requests per second over the last whole seconds, ``settings.current_window_s`` at most."""
        return self._current_rates()[0]

    @property
    def current_fail_per_sec(self) -> float:
        """Failures per second over the last whole seconds, ``settings.current_window_s`` at most."""
        return self._current_rates()[1]

    @property
    def total_rps(self) -> float:
        """Requests per second from the start of the run to its latest request."""
        return self._per_second_of_run(self.num_requests)

    @property
    def total_fail_per_sec(self) -> float:
        """Failures per second from the start of the run to its latest request."""
        return self._per_second_of_run(self.num_failures)

    def get_response_time_percentile(self, percent: float) -> float:
        """The nearest-rank percentile in milliseconds, at most 1 % off and never outside of min and max; 0 if untimed.

        Args:
            percent: 0..1, so 0.95 for the 95th.
        """
        return self.native.times.percentile_us(percent) / 1000

    def get_current_response_time_percentile(self, percent: float) -> float | None:
        """The same over the last ``settings.current_window_s`` seconds of the run; None if nothing was timed in them.

        Raises:
            ValueError: only the total of a table that keeps the necessary copies can tell.
        """
        if not self.use_response_times_cache:
            raise ValueError(
                "Only the total (stats.total) of a RequestStats with use_response_times_cache=True can tell the "
                "percentiles of the last seconds."
            )
        recent = self.stats.recent_times()
        return recent.percentile_us(percent) / 1000 if recent is not None else None

    def _current_rates(self) -> tuple[float, float]:
        reference_us = max(self.stats.reference_us, self.native.last_us)
        return self.native.rates(self.stats.started_us, reference_us, settings.current_window_s)

    def _per_second_of_run(self, count: int) -> float:
        elapsed_us = max(self.stats.last_us, self.native.last_us) - self.stats.started_us
        return count * 1e6 / elapsed_us if elapsed_us > 0 else 0.0

    # Counting, and carrying over

    def log(self, response_time: float | None, content_length: int) -> None:
        """Count a request in this entry only; ``response_time`` is in milliseconds or None."""
        duration_us = None if response_time is None else round(response_time * 1000)
        self.native.add_request(duration_us, content_length)

    def log_error(self, error: object) -> None:
        """Count a failure in this entry only."""
        self.native.add_failure()

    def reset(self) -> None:
        """Zero everything, as from now."""
        self.native.reset(clock.now_us())

    def extend(self, other: "StatsEntry") -> None:
        """Add all that another entry counted."""
        self.native.merge(other.native)

    def serialize(self) -> dict[str, Any]:
        """The entry as Locust's workers send it: a dictionary of plain values, times in milliseconds."""
        return {
            "name": self.name,
            "method": self.method,
            "last_request_timestamp": self.last_request_timestamp,
            "start_time": self.start_time,
            "num_requests": self.num_requests,
            "num_none_requests": self.num_none_requests,
            "num_failures": self.num_failures,
            "total_response_time": self.total_response_time,
            "max_response_time": self.max_response_time,
            "min_response_time": self.min_response_time,
            "total_content_length": self.total_content_length,
            "response_times": self.response_times,
            "num_reqs_per_sec": self.num_reqs_per_sec,
            "num_fail_per_sec": self.num_fail_per_sec,
        }

    @classmethod
    def unserialize(cls, data: Mapping[str, Any], stats: Run) -> "StatsEntry":
        """The entry that ``serialize``, Locust's or Gregaria's, made the dictionary of.

        Raises:
            KeyError: one of Locust's keys is missing.
            ValueError: the numbers contradict each other.
        """
        offset_us = clock.offset_us()
        last_s = data["last_request_timestamp"]
        failures = {int(second): count for second, count in data["num_fail_per_sec"].items()}
        requests = {int(second): count for second, count in data["num_reqs_per_sec"].items()}
        entry = cls(stats, data["name"], data["method"])
        entry.native.restore(
            {
                "num_requests": data["num_requests"],
                "num_none_requests": data["num_none_requests"],
                "num_failures": data["num_failures"],
                "num_interrupted": 0,
                "num_generator_errors": 0,
                "total_bytes": int(data["total_content_length"]),
                "started_us": round(data["start_time"] * 1e6) - offset_us,
                "last_us": round(last_s * 1e6) - offset_us if last_s else 0,
                "per_second": {
                    second: (requests.get(second, 0), failures.get(second, 0))
                    for second in sorted(requests.keys() | failures.keys())
                },
            },
            _histogram_of(data),
        )
        return entry

    def get_stripped_report(self) -> dict[str, Any]:
        """``serialize`` and ``reset``: what is new since the last report."""
        report = self.serialize()
        self.reset()
        return report

    def to_dict(self, escape_string_values: bool = False) -> dict[str, Any]:
        """The row of Locust's web API; the argument is taken for compatibility, whoever renders HTML escapes it."""
        percentiles = {
            f"response_time_percentile_{fraction}": self.get_response_time_percentile(fraction)
            for fraction in settings.percentiles_to_statistics
        }
        return {
            "method": self.method,
            "name": self.name,
            "num_requests": self.num_requests,
            "num_failures": self.num_failures,
            "min_response_time": self.min_response_time or 0,
            "max_response_time": self.max_response_time,
            "current_rps": self.current_rps,
            "current_fail_per_sec": self.current_fail_per_sec,
            "avg_response_time": self.avg_response_time,
            "median_response_time": self.median_response_time,
            "total_rps": self.total_rps,
            "total_fail_per_sec": self.total_fail_per_sec,
            **percentiles,
            "avg_content_length": self.avg_content_length,
        }

    def to_string(self, current: bool = True) -> str:
        """The row of Locust's console table, with current or whole-run rates."""
        rps, failures = self._current_rates() if current else (self.total_rps, self.total_fail_per_sec)
        failed = f"{self.num_failures}({self.fail_ratio:.2%})"
        return (
            f"{self._label(max(settings.stats_name_width - 4, 1))} {self.num_requests:7d} {failed:>12} |"
            f"{self.avg_response_time:7.0f} {self.min_response_time or 0:7.0f} {self.max_response_time:7.0f}"
            f"{self.median_response_time:7.0f} | {rps:7.2f} {failures:11.2f}"
        )

    def percentile(self) -> str:
        """The row of Locust's table of percentiles.

        Raises:
            ValueError: there is no request to tell of.
        """
        if not self.num_requests:
            raise ValueError("There are no percentiles of a name without requests")
        columns = "".join(f"{self.get_response_time_percentile(p):6.0f} " for p in settings.percentiles_to_report)
        return f"{self._label(settings.stats_name_width)}   {columns}{self.num_requests:6d}"

    def _label(self, name_width: int) -> str:
        return f"{self.method:<{settings.stats_type_width}} {self.name[:name_width]:<{name_width}}"


def _histogram_of(data: Mapping[str, Any]) -> Histogram:
    """The response times of a serialised entry, whose buckets are milliseconds but whose extremes and sum are exact."""
    by_us = {round(float(time) * 1000): count for time, count in data["response_times"].items() if count}
    if not by_us:
        return Histogram()
    shortest, longest = data["min_response_time"], data["max_response_time"]
    min_us = min(by_us) if shortest is None else round(shortest * 1000)
    max_us = max(round((longest or 0) * 1000), min_us)
    buckets: dict[int, int] = {}
    for time_us, count in by_us.items():
        bucket = Histogram.index(min(max(time_us, min_us), max_us))
        buckets[bucket] = buckets.get(bucket, 0) + count
    return Histogram.of(buckets, min_us, max_us, round(data["total_response_time"] * 1000))
