import sys

import pytest

from gregaria.engine import clock
from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import Entry, Recorder
from gregaria.errors import GeneratorError

SECOND = 1_000_000


@pytest.fixture
def second_us() -> int:
    """A monotonic moment just after a wall-clock second has begun, an hour from now."""
    epoch_us = clock.epoch_us() + 3600 * SECOND
    return clock.now_us() + 3600 * SECOND - epoch_us % SECOND + 2000


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder(3)
    recorder.snapshots_kept = 12
    return recorder


def test_a_request_is_counted_in_its_row_and_in_the_total(recorder: Recorder) -> None:
    recorder.record("GET", "/a", 1500, 17)
    recorder.record("GET", "/a", 2500, 17)
    recorder.record("POST", "/a", 10, 1)
    row = recorder.entries["/a", "GET"]
    assert (row.num_requests, row.total_bytes, row.times.total, row.times.sum_us) == (2, 34, 2, 4000)
    assert (row.times.min_us, row.times.max_us) == (1500, 2500)
    assert (row.method, row.name, row.live) == ("GET", "/a", True)
    total = recorder.total
    assert (total.num_requests, total.total_bytes, total.times.total, total.times.min_us) == (3, 35, 3, 10)
    assert (total.method, total.name) == ("", "Aggregated")


def test_rows_count_times_as_a_histogram_does(recorder: Recorder) -> None:
    alone = Histogram()
    for time_us in (0, 1, 127, 128, 129, 5000, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**40):
        recorder.record("GET", "/", time_us, 0)
        alone.add_us(time_us)
    assert recorder.total.times.pack() == alone.pack()


def test_a_request_without_a_time_is_counted_apart(recorder: Recorder) -> None:
    recorder.record("WS", "/", None, 5)
    assert (recorder.total.num_requests, recorder.total.num_none_requests, recorder.total.times.total) == (1, 1, 0)


def test_a_negative_time_counts_as_zero(recorder: Recorder) -> None:
    recorder.record("GET", "/", -3, 5)
    assert (recorder.total.num_none_requests, recorder.total.times.max_us) == (0, 0)


def test_a_failure_is_counted_and_then_told(recorder: Recorder) -> None:
    told: list[object] = []
    error = ValueError("no")
    recorder.on_failure = lambda *about: told.append((*about, recorder.total.num_failures))
    recorder.record("GET", "/a", 100, 0, error=error, answer="what came back")
    assert told == [("GET", "/a", error, "what came back", 1)]
    assert recorder.entries["/a", "GET"].num_failures == 1
    assert recorder.total.num_requests == 1


def test_a_request_can_turn_out_a_failure_after_it_was_counted(recorder: Recorder) -> None:
    told: list[object] = []
    recorder.on_failure = lambda *about: told.append(about)
    recorder.record("GET", "/a", 100, 0)
    recorder.fail("GET", "/a", "late")
    assert told == [("GET", "/a", "late", None)]
    assert (recorder.total.num_requests, recorder.total.num_failures) == (1, 1)
    assert list(recorder.total.per_second().values()) == [(1, 1)]


def test_an_error_of_the_generator_is_counted_and_told_and_in_no_other_figure(recorder: Recorder) -> None:
    told: list[object] = []
    recorder.on_generator_error = lambda *about: told.append(about)
    row = recorder.entry("GET", "/a")
    recorder.generator_error(row, "too many open files")
    assert told == [("GET", "/a", "too many open files")]
    assert (row.num_generator_errors, recorder.total.num_generator_errors) == (1, 1)
    assert (recorder.total.num_requests, recorder.total.num_failures, recorder.total.times.total) == (0, 0, 0)
    assert recorder.total.per_second() == {}
    other = Recorder()
    other.merge(row)
    assert (other.entry("GET", "/a").num_generator_errors, other.total.num_generator_errors) == (1, 1)
    copy = Entry("GET", "/a")
    copy.restore(row.state(), row.times)
    assert copy.num_generator_errors == 1
    recorder.clear()
    recorder.generator_error(row, "again")
    assert (row.num_generator_errors, recorder.entry("GET", "/a").num_generator_errors) == (1, 1)
    recorder.reset()
    assert recorder.total.num_generator_errors == 0


def test_a_request_recorded_with_an_error_of_the_generator_is_counted_as_that(recorder: Recorder) -> None:
    recorder.record("GET", "/", 100, 5, error=GeneratorError("no ports"), intended_us=1)
    assert (recorder.total.num_generator_errors, recorder.total.num_requests, recorder.total.intended) == (1, 0, None)


def test_an_error_of_the_listener_to_failures_is_not_swallowed(recorder: Recorder) -> None:
    def broken(*about: object) -> None:
        raise RuntimeError("broken listener")

    recorder.on_failure = broken
    with pytest.raises(RuntimeError, match="broken listener"):
        recorder.record("GET", "/", 1, 1, error="x")


def test_names_beyond_the_limit_share_a_row_and_are_told_once(recorder: Recorder) -> None:
    told: list[object] = []
    recorder.on_overflow = lambda *about: told.append(about)
    for number in range(10):
        recorder.record("GET", f"/{number}", 100, 1, error="no" if number == 9 else None)
    assert told == [("GET", "/3")]
    assert list(recorder.entries) == [("/0", "GET"), ("/1", "GET"), ("/2", "GET"), ("(other)", "")]
    other = recorder.entries["(other)", ""]
    assert (other.num_requests, other.num_failures, recorder.total.num_requests) == (7, 1, 10)
    recorder.record("GET", "/1", 100, 1)
    assert recorder.entries["/1", "GET"].num_requests == 2
    recorder.clear()
    for number in range(4):
        recorder.record("PUT", f"/{number}", 100, 1)
    assert told == [("GET", "/3"), ("PUT", "/3")]
    assert recorder.overflowed


def test_clearing_drops_the_rows_and_requests_of_old_ones_find_new_ones(recorder: Recorder) -> None:
    old = recorder.entry("GET", "/a")
    total = recorder.total
    recorder.record("GET", "/a", 100, 1)
    recorder.clear()
    assert (old.live, recorder.entries, recorder.total.num_requests) == (False, {}, 0)
    assert recorder.total is total
    recorder.interrupted(old)
    recorder.intended(old, 50)
    new = recorder.entries["/a", "GET"]
    assert new is not old
    assert (new.num_interrupted, new.live, old.num_interrupted) == (1, True, 0)


def test_resetting_zeroes_the_rows_in_place(recorder: Recorder) -> None:
    recorder.record("GET", "/a", 100, 1, error="x", intended_us=clock.now_us() - 500)
    row = recorder.entry("GET", "/a")
    recorder.interrupted(row)
    before = row.started_us
    recorder.reset()
    assert recorder.entries["/a", "GET"] is row
    for entry in (row, recorder.total):
        assert entry.live
        assert entry.started_us > before
        assert (entry.num_requests, entry.num_failures, entry.num_interrupted, entry.last_us) == (0, 0, 0, 0)
        assert (entry.total_bytes, entry.times.total, entry.intended, entry.per_second()) == (0, 0, None, {})
    assert recorder.recent(clock.now_us(), 10) is None


def test_interrupted_requests_are_in_no_other_figure(recorder: Recorder) -> None:
    recorder.interrupted(recorder.entry("GET", "/slow"))
    row = recorder.entries["/slow", "GET"]
    assert (row.num_interrupted, recorder.total.num_interrupted) == (1, 1)
    assert (row.num_requests, row.num_failures, row.times.total, row.per_second()) == (0, 0, 0, {})


def test_the_time_from_the_intended_start_is_kept_for_those_who_have_one(recorder: Recorder) -> None:
    now_us = clock.now_us()
    recorder.record("GET", "/plain", 100, 1)
    assert recorder.total.intended is None
    recorder.record("GET", "/paced", 100, 1, now_us=now_us, intended_us=now_us - 9000)
    assert recorder.entries["/plain", "GET"].intended is None
    paced = recorder.entries["/paced", "GET"]
    assert paced.intended is not None
    assert (paced.times.max_us, paced.intended.max_us) == (100, 9000)
    assert recorder.total.intended is not None
    assert recorder.total.intended.total == 1


def test_seconds_are_those_of_the_wall_clock(recorder: Recorder, second_us: int) -> None:
    for offset_us in (0, 900_000, 1_500_000, 1_600_000, 1_700_000):
        recorder.record("GET", "/", 1, 1, now_us=second_us + offset_us, error="x" if offset_us == 900_000 else None)
    epoch_s = clock.epoch_us_of(second_us) // SECOND
    assert recorder.total.per_second() == {epoch_s: (2, 1), epoch_s + 1: (3, 0)}


def test_the_last_sixty_four_seconds_are_remembered(recorder: Recorder, second_us: int) -> None:
    for second in range(100):
        for _ in range(second % 3 + 1):
            recorder.record("GET", "/", 1, 1, now_us=second_us + second * SECOND)
    epoch_s = clock.epoch_us_of(second_us) // SECOND
    expected = {epoch_s + second: (second % 3 + 1, 0) for second in range(36, 100)}
    assert recorder.entries["/", "GET"].per_second() == expected
    recorder.record("GET", "/", 1, 1, now_us=second_us)
    assert recorder.entries["/", "GET"].per_second() == expected
    assert recorder.total.num_requests == sum(second % 3 + 1 for second in range(100)) + 1


@pytest.mark.parametrize(
    ("start_s", "reference_s", "expected"),
    [
        # 10 requests in second 0, 20 in second 1, 30 in second 2 ...
        pytest.param(0, 1.0, 10.0, id="one whole second"),
        pytest.param(0, 3.9, (10 + 20 + 30) / 3, id="whole seconds only"),
        pytest.param(0, 20.5, sum(range(110, 201, 10)) / 10, id="ten seconds at most"),
        pytest.param(2.5, 4.2, (15 + 40) / 1.5, id="the first second in part"),
        pytest.param(2.5, 3.1, 19 / 0.6, id="less than a second"),
    ],
)
def test_current_rates_are_means_over_whole_seconds(
    second_us: int, start_s: float, reference_s: float, expected: float
) -> None:
    entry = Entry("GET", "/")
    for second in range(21):
        requests = 10 * (second + 1)
        for number in range(requests):
            moment_s = second + number / requests
            if start_s <= moment_s < reference_s:
                entry.add_request(1, 1, second_us + int(moment_s * SECOND))
                if number % 2:
                    entry.add_failure(second_us + int(moment_s * SECOND))
    start_us = second_us + int(start_s * SECOND)
    requests_per_s, failures_per_s = entry.rates(start_us, second_us + int(reference_s * SECOND), 10)
    assert requests_per_s == pytest.approx(expected, rel=0.02)
    assert failures_per_s == pytest.approx(expected / 2, rel=0.1)


def test_rates_fall_to_nothing_when_nothing_comes(second_us: int) -> None:
    entry = Entry("GET", "/")
    entry.add_request(1, 1, second_us)
    assert entry.rates(second_us - 5 * SECOND, second_us + 5 * SECOND, 10)[0] == pytest.approx(0.1, rel=0.01)
    assert entry.rates(second_us - 5 * SECOND, second_us + 12 * SECOND, 10) == (0.0, 0.0)
    assert entry.rates(second_us, second_us, 10) == (0.0, 0.0)
    assert entry.rates(second_us + 5, second_us, 10) == (0.0, 0.0)


def test_recent_times_are_those_of_the_window(recorder: Recorder, second_us: int) -> None:
    assert recorder.recent(second_us, 10) is None
    for second in range(30):
        recorder.record("GET", "/", 60 + second, 1, now_us=second_us + second * SECOND)
    recent = recorder.recent(second_us + 29 * SECOND, 10)
    assert recent is not None
    assert (recent.total, recent.percentile_us(0), recent.percentile_us(1)) == (11, 79, 89)
    assert recorder.recent(second_us + 60 * SECOND, 10) is None
    alive = recorder.recent(second_us + 35 * SECOND, 10)
    assert alive is not None
    assert alive.total == 5


def test_recent_times_exist_from_the_first_request_on(recorder: Recorder, second_us: int) -> None:
    recorder.record("GET", "/", 100, 1, now_us=second_us)
    recent = recorder.recent(second_us, 10)
    assert recent is not None
    assert recent.percentile_us(0.5) == 100


def test_without_copies_there_are_no_recent_times(second_us: int) -> None:
    recorder = Recorder()
    recorder.record("GET", "/", 100, 1, now_us=second_us)
    assert recorder.recent(second_us, 10) is None


def test_rows_merge_without_loss(second_us: int) -> None:
    left, right, both = Recorder(), Recorder(), Recorder()
    for number in range(500):
        moment_us = second_us + number * 40_000
        for recorder in (both, left if number % 3 else right):
            recorder.record(
                "GET", f"/{number % 2}", None if number % 50 == 0 else number * 37, number,
                error="x" if number % 7 == 0 else None, now_us=moment_us, intended_us=moment_us - number * 50,
            )  # fmt: skip
    right.interrupted(right.entry("GET", "/0"))
    both.interrupted(both.entry("GET", "/0"))
    for entry in right.entries.values():
        left.merge(entry)
    for key, expected in [*both.entries.items(), (None, both.total)]:
        merged = left.total if key is None else left.entries[key]
        assert {**merged.state(), "started_us": 0} == {**expected.state(), "started_us": 0}
        assert merged.times.pack() == expected.times.pack()
        assert merged.intended is not None
        assert expected.intended is not None
        assert merged.intended.pack() == expected.intended.pack()


def test_a_row_can_be_restored_from_its_state(second_us: int) -> None:
    entry = Entry("GET", "/")
    entry.add_request(100, 5, second_us)
    entry.add_request(None, 5, second_us + SECOND)
    entry.add_failure(second_us)
    again = Entry("GET", "/")
    again.restore(entry.state(), entry.times.copy())
    assert again.state() == entry.state()
    with pytest.raises(KeyError):
        again.restore({}, Histogram())


def test_a_row_takes_less_than_sixteen_kibibytes_whatever_it_counts(recorder: Recorder) -> None:
    for number in range(5000):
        recorder.record("GET", "/", number * 997, number)
    row = recorder.entry("GET", "/")
    assert sys.getsizeof(row) + sys.getsizeof(row.times) <= 16 * 1024


@pytest.mark.parametrize("name", [None, 5, b"/"])
def test_a_name_that_is_no_text_is_refused(recorder: Recorder, name: object) -> None:
    with pytest.raises(TypeError):
        recorder.record("GET", name, 1, 1)  # type: ignore[arg-type]
