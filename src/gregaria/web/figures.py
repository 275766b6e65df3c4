"""The figures of the runner as they are now, in the two ways that they are told: Locust's, and the page's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gregaria.engine import clock
from gregaria.engine.recorder import Entry
from gregaria.runner.roles import DistributedRunner
from gregaria.runner.state import STATE_MISSING
from gregaria.settings import settings
from gregaria.stats.summary import RUNNING
from gregaria.stats.table import RequestStats
from gregaria.turn import give_turn

__all__ = ["Moment", "in_turns", "is_master", "json_in_turns", "locust_stats"]

#: rows after which others get their turn
_ROWS_AT_ONCE = 100
#: share by which a rate over the whole test may be off while it goes on
_SLACK = 0.01


class Moment:
    """What rows are told against: now, while a test runs, else the last request.

    Args:
        stats: what was counted.
        state: the runner's.
    """

    def __init__(self, stats: RequestStats, state: str) -> None:
        self._stats = stats
        self._window_s = settings.current_window_s
        self._is_running = state in RUNNING or stats.running
        self._reference_us = clock.now_us() if self._is_running else stats.last_us
        self._elapsed_s = (stats.last_us - stats.started_us) / 1e6

    def rates(self, entry: Entry) -> tuple[float, float]:
        """Requests and failures per second of the last seconds."""
        return entry.rates(self._stats.started_us, max(self._reference_us, entry.last_us), self._window_s)

    def whole_rates(self, entry: Entry) -> list[float]:
        """The same of the whole test, as pages are told them."""
        counts = (entry.num_requests, entry.num_failures)
        return [round(count / self._elapsed_s, 3) if self._elapsed_s > 0 else 0.0 for count in counts]

    def name(self, entry: Entry) -> str:
        """The entry's name as it may be shown."""
        return self._stats.errors.mask.text(entry.name)

    def counts(self, entry: Entry) -> list[Any]:
        """How a row begins."""
        current_rps, current_fail_per_s = self.rates(entry)
        return [entry.num_requests, entry.num_failures, round(current_rps, 3), round(current_fail_per_s, 3)]

    def is_as_told(self, row: Sequence[Any], entry: Entry) -> bool:
        """Whether a page that was told this row (without the id) of the entry need not be told again.

        The rates over the whole test of a name that is done fall while others go on: in the end what was told is exact.
        """
        slack = _SLACK if self._is_running else 0.0
        rates = zip(row[8:10], self.whole_rates(entry), strict=True)
        return row[:4] == self.counts(entry) and all(abs(told - now) <= slack * now for told, now in rates)

    def row(self, entry: Entry, fractions: Sequence[float]) -> list[Any]:
        """The page's row, without the id: see ``GET /api/events``."""
        times = entry.times
        is_timed = times.total > 0
        return [
            *self.counts(entry),
            round(times.sum_us / times.total) if is_timed else None,
            times.min_us if is_timed else None,
            times.max_us if is_timed else None,
            round(entry.total_bytes / entry.num_requests, 1) if entry.num_requests else 0,
            *self.whole_rates(entry),
            entry.num_late,
            [times.percentile_us(fraction) for fraction in fractions] if is_timed else [],
        ]


def in_turns(items: Sequence[Any]) -> Iterator[Any]:
    """The items one by one, with a turn for the others now and then: users are not to wait for a page."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _ROWS_AT_ONCE == 0:
            give_turn()


def json_in_turns(value: Mapping[str, Any]) -> str:
    """The value as JSON, long lists in pieces, with a turn for the others between them."""
    parts = []
    for name, each in value.items():
        text = _json(each) if not isinstance(each, list) else f"[{','.join(_pieces(each))}]"
        parts.append(f"{_json(name)}:{text}")
    return f"{{{','.join(parts)}}}"


def _pieces(items: list[Any]) -> Iterator[str]:
    for start in range(0, len(items), _ROWS_AT_ONCE):
        if start:
            give_turn()
        yield _json(items[start : start + _ROWS_AT_ONCE])[1:-1]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def is_master(runner: Any) -> bool:
    """Whether a runner has workers."""
    return isinstance(runner, DistributedRunner)


def locust_stats(environment: Any) -> dict[str, Any]:
    """The answer of ``GET /stats/requests``: Locust's fields, times in milliseconds."""
    stats, runner = environment.stats, environment.runner
    mask, total = stats.errors.mask, stats.total
    rows = []
    for name, method in in_turns(sorted(stats.entries)):
        rows.append({**stats.entries[name, method].to_dict(), "name": mask.text(name)})
    recent = stats.recent_times()
    told = {
        "stats": [*rows, total.to_dict()],
        "errors": [{**error.to_dict(), "name": mask.text(error.name)} for error in stats.errors.values()],
        "total_rps": total.total_rps,
        "total_fail_per_sec": total.total_fail_per_sec,
        "current_rps": total.current_rps,
        "current_fail_per_sec": total.current_fail_per_sec,
        "fail_ratio": total.fail_ratio,
        "current_response_time_percentiles": {
            f"response_time_percentile_{fraction}": None if recent is None else recent.percentile_us(fraction) / 1000
            for fraction in settings.percentiles_to_chart
        },
        "state": STATE_MISSING if runner is None else runner.state,
        "user_count": 0 if runner is None else runner.user_count,
    }
    if is_master(runner):
        told["workers"] = [
            {
                "id": node.id,
                "state": node.state,
                "user_count": node.user_count,
                "cpu_usage": node.cpu_usage,
                "memory_usage": node.memory_usage,
            }
            for node in runner.workers
        ]
        told["worker_count"] = runner.worker_count
    return told
