"""What pages see of a run: the state of everything as it was told last, and what has changed since."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from gregaria.engine.recorder import TOTAL
from gregaria.logs import num_warnings
from gregaria.report.moment import host_of
from gregaria.report.verdict import verdict_document
from gregaria.runner.state import STATE_MISSING
from gregaria.stats.summary import notes_of, reported_fractions
from gregaria.version import VERSION
from gregaria.web.figures import Moment, in_turns, is_master

__all__ = ["SCHEMA", "Picture"]

#: name and version of what the page is told, see docs/design/012-a-page-to-look-at.md
SCHEMA = "gregaria.web/1"

#: seconds of a row's sparkline
_RECENT_S = 60


class Picture:
    """Keeps what was told, so that a second costs what has happened in it and not what there is.

    Args:
        environment: whose run it is.
        number_of_run: counts the tests of this process.
    """

    def __init__(self, environment: Any, number_of_run: Any) -> None:
        self._environment = environment
        self._number_of_run = number_of_run
        self._fractions = reported_fractions()
        self.forget()

    @property
    def key(self) -> str:
        """The run's number and the moment from which its figures count."""
        return f"{self._number_of_run()}.{self._environment.stats.started_us}"

    def forget(self) -> None:
        """Know nothing."""
        self._ids: dict[tuple[str, str], int] = {}
        self._num_named = 0
        self._rows: dict[int, list[Any]] = {}
        self._told: dict[str, Any] = {}
        self._run: dict[str, Any] = {}
        self._last_point_s = 0.0
        self._last_mark: Any = None

    def changes(self) -> dict[str, Any]:
        """What is other than the last time."""
        stats, runner = self._environment.stats, self._environment.runner
        found: dict[str, Any] = {}
        run = self._run_now()
        if changed := {name: value for name, value in run.items() if self._run.get(name, ...) != value}:
            found["run"] = changed
            self._run = run
        self._add_rows(found, Moment(stats, STATE_MISSING if runner is None else runner.state))
        points = stats.timeline.points(self._last_point_s)
        if points:
            found["points"] = [point.plain() for point in points]
            self._last_point_s = points[-1].epoch_s + 0.0005
        if marks := self._new_marks(stats.timeline.marks):
            found["marks"] = [mark.plain() for mark in marks]
        for name, value in self._others().items():
            if self._told.get(name, ...) != value:
                found[name] = self._told[name] = value
        return {"now_epoch_s": round(time.time(), 3), **found}

    def whole(self) -> dict[str, Any]:
        """All that the changes so far have made."""
        timeline = self._environment.stats.timeline
        points = [point for point in timeline.points() if point.epoch_s <= self._last_point_s]
        marks = timeline.marks
        until = marks.index(self._last_mark) + 1 if self._last_mark in marks else 0
        return {
            "version": VERSION,
            "schema": SCHEMA,
            "now_epoch_s": round(time.time(), 3),
            "run": self._run,
            "fractions": self._fractions,
            "names": [[number, method, name] for (method, name), number in self._ids.items()],
            "rows": list(self._rows.values()),
            "recent": self._recent(),
            "points": [point.plain() for point in in_turns(points)],
            "marks": [mark.plain() for mark in marks[:until]],
            **self._told,
        }

    @property
    def names(self) -> dict[int, tuple[str, str]]:
        """Method and name of each id, as they are told; the total's is -1."""
        return {-1: ("", TOTAL), **{number: key for key, number in self._ids.items()}}

    def id_of(self, method: str, name: str) -> int:
        """The id of a row, the next one if it has none."""
        return self._ids.setdefault((method, name), len(self._ids))

    def _add_rows(self, found: dict[str, Any], moment: Moment) -> None:
        recorder = self._environment.stats.recorder
        rows = []
        for entry in in_turns(list(recorder.entries.values())):
            number = self.id_of(entry.method, moment.name(entry))
            before = self._rows.get(number)
            if before is not None and moment.is_as_told(before[1:], entry):
                continue
            row = self._rows[number] = [number, *moment.row(entry, self._fractions)]
            rows.append(row)
        # Those included that a window has asked for before anything was told of them.
        if len(self._ids) > self._num_named:
            found["names"] = [[number, *key] for key, number in list(self._ids.items())[self._num_named :]]
            self._num_named = len(self._ids)
        if rows:
            found["rows"] = rows
        total = self._told.get("total")
        if total is None or not moment.is_as_told(total, recorder.total):
            found["total"] = self._told["total"] = moment.row(recorder.total, self._fractions)

    def _recent(self) -> list[Any]:
        stats = self._environment.stats
        mask = stats.errors.mask
        now_s = int(time.time())
        seconds = range(now_s - _RECENT_S, now_s)
        found = []
        for entry in in_turns(list(stats.recorder.entries.values())):
            number = self._ids.get((entry.method, mask.text(entry.name)))
            counts = entry.per_second()
            if number is not None and counts:
                found.append([number, [counts.get(second, (0, 0))[0] for second in seconds]])
        return found

    def _new_marks(self, marks: Sequence[Any]) -> Sequence[Any]:
        # They are thinned out when there are many.
        since = marks.index(self._last_mark) + 1 if self._last_mark in marks else 0
        new = marks[since:]
        if new:
            self._last_mark = new[-1]
        return new

    def _run_now(self) -> dict[str, Any]:
        environment = self._environment
        runner, options = environment.runner, environment.parsed_options
        shape = environment.shape_class
        return {
            "number": self._number_of_run(),
            "state": STATE_MISSING if runner is None else runner.state,
            "started_epoch_s": None if runner is None else runner.test_started_epoch_s,
            "ended_epoch_s": None if runner is None else runner.test_ended_epoch_s,
            "host": host_of(environment),
            "user_count": 0 if runner is None else runner.user_count,
            "user_classes": {} if runner is None else dict(runner.user_classes_count),
            "target_user_count": 0 if runner is None else runner.target_user_count,
            "spawn_rate": 0.0 if runner is None else runner.spawn_rate,
            "run_time_s": None if runner is None else runner.run_time_s,
            "ends_epoch_s": None if runner is None else runner.ends_epoch_s,
            "max_rps": environment.max_rps,
            "shape": None if shape is None else type(shape).__name__,
            "profile": environment.profile,
            "locustfiles": list(environment.parsed_locustfiles or ()),
            "is_distributed": is_master(runner),
            "expected_workers": getattr(options, "expect_workers", 0) if is_master(runner) else 0,
        }

    def _others(self) -> Mapping[str, Any]:
        stats, runner = self._environment.stats, self._environment.runner
        exceptions = [] if runner is None else list(runner.exceptions.values())
        return {
            "workers": [] if runner is None else [_worker(node) for node in runner.workers],
            "notes": [*(() if runner is None else runner.notes), *notes_of(stats)],
            "counts": {
                "failures": sum(group.occurrences for group in stats.errors.values()),
                "exceptions": sum(row["count"] for row in exceptions),
                "log_warnings": num_warnings(),
            },
            "generator": _generator(stats),
            "verdict": verdict_document(self._environment.judge.verdict),
        }


def _worker(node: Any) -> dict[str, Any]:
    return {
        "id": node.id,
        "index": node.index,
        "state": node.state,
        "user_count": node.user_count,
        "cpu_usage": round(node.cpu_usage, 1),
        "memory_bytes": node.memory_usage or None,
        "loop_delay_s": _delay_s(node),
        "version": node.about.get("version"),
        "host": node.host,
    }


def _delay_s(node: Any) -> float | None:
    # One that does not turn has not told of the last second.
    known = [each for each in (node.longest_delay_s, node.loop_delay_s or None) if each is not None]
    return round(max(known), 3) if known else None


def _generator(stats: Any) -> dict[str, Any] | None:
    total = stats.recorder.total
    found = stats.generator.freeze(total.num_requests, total.num_late)
    if found is None:
        return None
    last = found.recent[-1] if found.recent else None
    return {
        "verdict": found.verdict.sentence,
        "is_trusted": found.verdict.is_trusted,
        "cpu": None if last is None else round(last.cpu_percent, 1),
        "memory_bytes": None if last is None else last.memory_bytes,
        "late_seconds": found.num_late_seconds,
    }
