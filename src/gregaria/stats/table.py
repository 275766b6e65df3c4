"""RequestStats: every number of one test, as Locust's users and tools know it."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from gregaria.engine import clock
from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import OTHER, TOTAL, Recorder
from gregaria.settings import settings
from gregaria.stats.entry import StatsEntry
from gregaria.stats.failures import FailureTable, StatsError
from gregaria.stats.generator_log import GeneratorLog
from gregaria.stats.history import History
from gregaria.stats.summary import HistoryPoint, reported_fractions, told_name
from gregaria.stats.timeline import Timeline

__all__ = ["Entries", "RequestStats"]

logger = logging.getLogger("gregaria.stats")

Key = tuple[str, str]


class RequestStats:
    """All statistics of one test.

    Attributes:
        recorder: the engine's rows, which the clients count in.
        entries: ``{(name, method): StatsEntry}``; reading a new key makes its row.
        total: all requests together, named ``Aggregated``.
        errors: ``{key: StatsError}``, the groups of failures.
        generator_errors: the same of the requests that a limit of this process kept from being made.
        history: the course of the test.
        outcomes: rows of what HTTP requests came to, which are counted only where somebody asks for them (``--otel``);
            what stands for their method is for ``metrics.outcomes`` to read.
        timeline: the same in blocks of time, of every name.
        generator: what the generator observes about itself.
        running: set while a test runs, so that current rates fall when the target falls silent; otherwise they are
            those of the last seconds that had requests.
        use_response_times_cache: whether the percentiles of the last seconds can be told; costs 170 KiB.
    """

    def __init__(self, use_response_times_cache: bool = True) -> None:
        self.use_response_times_cache = use_response_times_cache
        self.errors = FailureTable()
        self.generator_errors = FailureTable()
        self.history = History()
        self.generator = GeneratorLog()
        self.running = False
        self.recorder = Recorder(settings.max_names)
        self.recorder.on_failure = self.errors.add
        self.recorder.on_generator_error = self.generator_errors.add
        self.recorder.on_overflow = _warn_of_names
        self.outcomes = Recorder(_most_outcomes())
        self.timeline = Timeline(self.recorder, lambda name: told_name(name, self.errors.mask))
        self.entries = Entries(self)
        self.total = StatsEntry(self, TOTAL, "", use_response_times_cache, native=self.recorder.total)
        self._keep_snapshots()

    # Counting

    def log_request(self, method: str, name: str, response_time: float | None, content_length: int) -> None:
        """Count a request, its time in milliseconds (None when there is none) and its response's bytes."""
        duration_us = None if response_time is None else round(response_time * 1000)
        # What fires the event is anybody's code: URL objects as names, lengths that were read from a header.
        self.recorder.record(str(method), str(name), duration_us, int(content_length))
        self.doubt(duration_us or 0)

    def doubt(self, duration_us: int) -> None:
        """A request that the engine has not timed has ended: its time is in doubt if the loop was late meanwhile."""
        self.generator.add_call(duration_us, clock.now_us())

    def log_error(self, method: str, name: str, error: object, response: object = None) -> None:
        """Count that a request, counted already, was a failure; ``response`` is what came back, where there is one."""
        self.recorder.fail(str(method), str(name), error, answer=response)

    def log_generator_error(self, method: str, name: str, error: object) -> None:
        """Count a request that a limit of this process or machine kept from being made; it is in no other figure."""
        method, name = str(method), str(name)
        self.recorder.generator_error(self.recorder.entry(method, name), error)

    def log_interrupted(self, method: str, name: str) -> None:
        """Count a request that was on the wire when the test ended; it is in no other figure."""
        self.recorder.interrupted(self.recorder.entry(str(method), str(name)))

    def get(self, name: str, method: str) -> StatsEntry:
        """The entry of a name and method, made if it is new."""
        return self.entries[name, method]

    def reset_all(self) -> None:
        """Zero every entry, and forget failures and history; the rows stay."""
        self.recorder.reset()
        self.outcomes.reset()
        self.errors.clear()
        self.generator_errors.clear()
        self.history.clear()
        self.timeline.clear()
        self.timeline.mark("reset", "the statistics begin anew")
        self.generator.clear()

    def clear_all(self) -> None:
        """Forget everything, as before a new test."""
        self._keep_snapshots()
        self.recorder.limit = settings.max_names
        self.recorder.clear()
        self.outcomes.limit = _most_outcomes()
        self.outcomes.clear()
        self.errors.clear()
        self.generator_errors.clear()
        self.history.clear()
        self.timeline.clear()
        self.generator.clear()

    def _keep_snapshots(self) -> None:
        self.recorder.snapshots_kept = settings.current_window_s + 2 if self.use_response_times_cache else 0

    # Moments

    @property
    def started_us(self) -> int:
        """The monotonic moment at which the test, or counting anew, began."""
        return self.recorder.total.started_us

    @property
    def last_us(self) -> int:
        """The monotonic moment at which the latest request ended; ``started_us`` if there was none."""
        return self.recorder.total.last_us or self.started_us

    @property
    def reference_us(self) -> int:
        """The monotonic moment that "current" looks back from."""
        return clock.now_us() if self.running else self.last_us

    @property
    def start_time(self) -> float:
        """Seconds since 1970."""
        return self.total.start_time

    @property
    def last_request_timestamp(self) -> float | None:
        """Seconds since 1970; None if there was no request."""
        return self.total.last_request_timestamp

    # Totals

    @property
    def num_requests(self) -> int:
        return self.recorder.total.num_requests

    @property
    def num_none_requests(self) -> int:
        """Requests that were reported without a response time."""
        return self.recorder.total.num_none_requests

    @property
    def num_failures(self) -> int:
        return self.recorder.total.num_failures

    @property
    def num_generator_errors(self) -> int:
        """Requests that a limit of this process or machine kept from being made; in no other figure."""
        return self.recorder.total.num_generator_errors

    @property
    def interrupted(self) -> int:
        """Requests that were on the wire when the test ended; in no other figure."""
        return self.recorder.total.num_interrupted

    def recent_times(self) -> Histogram | None:
        """The response times of the current window; None if nothing was timed in it, or no copies are kept."""
        return self.recorder.recent(self.reference_us, settings.current_window_s)

    # The course of the test

    def record_history(self, user_count: int, *, force: bool = False) -> bool:
        """Add a point to the history, if it is time for one or by ``force``; whether one was added."""
        epoch_s = clock.epoch_us() / 1e6
        if not force and not self.history.is_due(epoch_s):
            return False
        recent = self.recent_times()
        point = HistoryPoint(
            epoch_s=epoch_s,
            user_count=user_count,
            current_rps=self.total.current_rps,
            current_fail_per_s=self.total.current_fail_per_sec,
            avg_us=self.total.avg_response_time * 1000,
            current_percentiles_us={} if recent is None else {p: recent.percentile_us(p) for p in reported_fractions()},
            num_requests=self.num_requests,
            num_failures=self.num_failures,
        )
        return self.history.add(point, force=force)

    # What Locust's workers send

    def serialize_stats(self) -> list[dict[str, Any]]:
        """Every entry that counted something, as Locust's workers send it. Nothing is reset by it."""
        return [entry.serialize() for entry in self.entries.values() if entry.num_requests or entry.num_failures]

    def serialize_errors(self) -> dict[str, dict[str, Any]]:
        """Every group of failures, as Locust's workers send it."""
        return {key: error.serialize() for key, error in self.errors.items()}

    def merge_report(self, stats: list[Mapping[str, Any]], errors: Mapping[str, Mapping[str, Any]]) -> None:
        """Add what another process counted: the lists that ``serialize_stats`` and ``serialize_errors`` make.

        Raises:
            KeyError, ValueError: it is not one; what came before the broken part has been added.
        """
        for data in stats:
            self.recorder.merge(StatsEntry.unserialize(data, self).native)
        for error in errors.values():
            self.errors.merge(StatsError.unserialize(error))


class Entries(Mapping[Key, StatsEntry]):
    """The recorder's rows as ``{(name, method): StatsEntry}``; a key that is not there yet makes a row."""

    def __init__(self, stats: RequestStats) -> None:
        self._stats = stats
        self._faces: dict[Key, StatsEntry] = {}

    def __getitem__(self, key: Key) -> StatsEntry:
        name, method = key
        native = self._stats.recorder.entry(method, name)
        face = self._faces.get(key)
        if face is None or face.native is not native:
            if len(self._faces) > len(self):
                self._faces.clear()
            face = self._faces[key] = StatsEntry(self._stats, native.name, native.method, native=native)
        return face

    def get(self, key: Key, default: Any = None) -> Any:
        """The entry if there is one; none is made."""
        return self[key] if key in self else default  # noqa: SIM401 - this is what it would call

    def __contains__(self, key: object) -> bool:
        return key in self._stats.recorder.entries

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._stats.recorder.entries))

    def __len__(self) -> int:
        return len(self._stats.recorder.entries)


def _most_outcomes() -> int:
    """A good end for each name, and as many bad ones as there are kinds of failures."""
    return settings.max_names + settings.max_failures


def _warn_of_names(method: str, name: str) -> None:
    logger.warning(
        "There are more than %d names of requests; further ones are counted together as %s, the first of them being "
        "%s %s. Requests whose URLs differ only in an id belong under one name: "
        'self.client.get(f"/item/{id}", name="/item/[id]").',
        settings.max_names,
        OTHER,
        method,
        name,
    )
