"""The timeline loses nothing, and tells of any stretch of time what was counted in it."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gregaria.settings import settings
from gregaria.stats.course import Course, Point
from gregaria.stats.masking import Mask
from gregaria.stats.summary import RequestRow
from gregaria.stats.table import RequestStats

BEGIN_S = 1_700_000_000.0


class Passing:
    """A test whose seconds pass as they are told, and what a table that is made anew for each window would hold."""

    def __init__(self) -> None:
        self.stats = RequestStats()
        self.timeline = self.stats.timeline
        self.timeline.begin(BEGIN_S)
        self.told: list[tuple[float, list[tuple[int, int]]]] = []

    def second(self, end_s: float, requests: list[tuple[int, int]], users: int = 1, late: int = 0) -> None:
        for name, time_ms in requests:
            self.stats.log_request("GET", f"/{name}", time_ms, 10)
        self.timeline.tick(BEGIN_S + end_s, users, late)
        self.told.append((end_s, requests))

    def expected(self, from_s: float, to_s: float) -> RequestStats:
        """Whatever was counted between two ends of seconds."""
        stats = RequestStats()
        for end_s, requests in self.told:
            if from_s < end_s <= to_s:
                for name, time_ms in requests:
                    stats.log_request("GET", f"/{name}", time_ms, 10)
        return stats


seconds = st.lists(
    st.tuples(
        st.sampled_from([0.9, 1.0, 1.0, 1.0, 1.1, 7.0, 300.0]),
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5000)), max_size=6),
    ),
    min_size=1,
    max_size=80,
)


def made(told: list[tuple[float, list[tuple[int, int]]]]) -> Passing:
    test, end_s = Passing(), 0.0
    for length_s, requests in told:
        end_s = round(end_s + length_s, 3)
        test.second(end_s, requests)
    return test


def figures(row: RequestRow) -> tuple[Any, ...]:
    """What a window tells exactly; the extremes, and with them the outer percentiles, are exact to 1 %."""
    return row.num_requests, row.num_failures, row.total_size_bytes, row.histogram_us, row.avg_us


def counted(course: Course) -> dict[tuple[str, str], tuple[int, int, dict[int, int]]]:
    """Requests, sums and histograms of all blocks of a course."""
    found: dict[tuple[str, str], tuple[int, int, dict[int, int]]] = {}
    for block in course.blocks:
        for name, requests, _, sum_us, told in block.rows:
            key = course.names[name]
            before = found.setdefault(key, (0, 0, {}))
            place = 0
            for distance, count in zip(told[::2], told[1::2], strict=True):
                place += distance
                edge_us = course.edges_us[place]
                before[2][edge_us] = before[2].get(edge_us, 0) + count
            found[key] = (before[0] + requests, before[1] + sum_us, before[2])
    return found


@given(seconds)
@hypothesis_settings(max_examples=60, deadline=None)
def test_all_blocks_are_what_was_counted_whatever_the_levels(told: list[tuple[float, list[tuple[int, int]]]]) -> None:
    test = made(told)
    rows = test.stats.recorder.entries
    course = test.timeline.course(5_000_000)
    assert course is not None
    assert counted(course) == {
        (row.method, row.name): (row.num_requests, row.times.sum_us, row.times.edges()) for row in rows.values()
    }
    points = test.timeline.points()
    assert sum(point.requests for point in points) == test.stats.num_requests
    assert sum(count for point in points for count in point.cells[1::2]) == test.stats.num_requests
    for earlier, later in pairwise(points):
        assert later.epoch_s == pytest.approx(earlier.epoch_s + earlier.length_s, abs=0.002)
    window = test.timeline.window(0, BEGIN_S * 2)
    assert window is not None
    assert window.total.histogram_us == test.stats.recorder.total.times.edges()


@given(seconds, st.floats(0, 3000), st.floats(0, 3000))
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_window_is_made_of_exactly_the_requests_between_the_moments_that_it_names(
    told: list[tuple[float, list[tuple[int, int]]]], one_s: float, other_s: float
) -> None:
    test = made(told)
    from_s, to_s = sorted((one_s, other_s))
    window = test.timeline.window(BEGIN_S + from_s, BEGIN_S + to_s)
    whole = test.timeline.window(BEGIN_S, BEGIN_S + 3000)
    assert whole is not None
    if window is None:
        assert BEGIN_S + from_s > whole.to_epoch_s - 0.001
        return
    assert BEGIN_S + from_s < whole.to_epoch_s + 0.001
    snapped_from_s, snapped_to_s = (round(each - BEGIN_S, 3) for each in (window.from_epoch_s, window.to_epoch_s))
    assert snapped_from_s < snapped_to_s
    expected = test.expected(snapped_from_s, snapped_to_s)
    assert {(row.method, row.name): figures(row) for row in window.rows} == {
        (row.method, row.name): (
            row.num_requests,
            0,
            row.total_bytes,
            row.times.edges(),
            row.times.sum_us / row.times.total,
        )
        for row in expected.recorder.entries.values()
    }
    times = expected.recorder.total.times
    for fraction, time_us in window.total.percentiles_us.items():
        assert time_us == pytest.approx(times.percentile_us(fraction), rel=0.01, abs=1)
    assert window.total.total_rps == pytest.approx(times.total / (snapped_to_s - snapped_from_s))
    assert [test.timeline.names[each] for each in window.ids] == [(row.method, row.name) for row in window.rows]


def test_seconds_become_tens_and_minutes_as_they_age_and_windows_snap_to_what_is_left() -> None:
    test = Passing()
    for second in range(1, 3 * 3600 + 1):
        test.second(second, [(0, 5)])
    lengths = [round(point.length_s) for point in test.timeline.points()]
    assert lengths == [60] * 60 + [10] * 660 + [1] * 600
    window = test.timeline.window(BEGIN_S + 95, BEGIN_S + 10_000.2)
    assert window is not None
    assert (window.from_epoch_s - BEGIN_S, window.to_epoch_s - BEGIN_S) == (120, 10_000)
    assert window.total.num_requests == 9880
    short = test.timeline.window(BEGIN_S + 3, BEGIN_S + 4)
    assert short is not None
    assert (short.from_epoch_s - BEGIN_S, short.total.num_requests) == (0, 60)


def test_nothing_is_known_of_a_time_before_the_test_or_after_it() -> None:
    test = Passing()
    for second in range(1, 11):
        test.second(second, [(0, 5)])
    assert test.timeline.window(BEGIN_S - 5, BEGIN_S - 1) is None
    assert test.timeline.window(BEGIN_S + 11, BEGIN_S + 15) is None
    for from_s, to_s, told in ((-5, 0.2, (0, 1)), (9.8, 15, (9, 10)), (4.2, 4.4, (4, 5))):
        window = test.timeline.window(BEGIN_S + from_s, BEGIN_S + to_s)
        assert window is not None
        assert (window.from_epoch_s - BEGIN_S, window.to_epoch_s - BEGIN_S) == told


def test_the_series_of_a_name_has_its_own_requests_and_no_more_than_1500_points() -> None:
    test = Passing()
    for second in range(1, 2 * 3600 + 1):
        test.second(second, [(second % 2, 5)])
    series = test.timeline.series("GET", "/1")
    assert len(series) <= 1500
    assert sum(point.requests for point in series) == 3600
    some = test.timeline.series("GET", "/1", BEGIN_S + 7000, BEGIN_S + 7100)
    assert [point.requests for point in some] == [1, 0] * 50
    assert [point.percentiles_us[0] for point in some[:2]] == [5023, None]
    assert test.timeline.series("", "Aggregated") == test.timeline.points()
    assert test.timeline.series("GET", "/unknown") == []


def test_blocks_take_no_more_memory_than_allowed_and_still_add_up() -> None:
    settings.timeline_bytes = 300_000
    test = Passing()
    for second in range(1, 6000):
        test.second(second, [(name, second % 50) for name in range(10)])
    assert test.timeline.num_bytes <= 300_000
    assert sum(point.requests for point in test.timeline.points()) == 59_990
    window = test.timeline.window(0, BEGIN_S * 2)
    assert window is not None
    assert window.total.num_requests == 59_990


def test_a_point_has_users_lateness_and_percentiles_of_its_own_second() -> None:
    test = Passing()
    test.second(1, [(0, 5)] * 10, users=7)
    test.second(2, [(0, 80)] * 10, users=3, late=5)
    test.second(2.2, [(0, 80)], users=0)
    first, second = test.timeline.points()
    assert first == Point(BEGIN_S, 1.0, 7, 10, 0, 50_000, (5023,) * 5, (49, 10), 0)
    # A short last one is part of the one before, and a second is late once.
    assert (second.user_count, second.late_seconds, second.requests, second.length_s) == (3, 1, 11, 1.2)
    assert test.timeline.points(second.epoch_s) == [second]
    assert test.timeline.points(BEGIN_S + 2.2) == []


def test_what_was_counted_before_a_reset_is_forgotten_and_what_comes_after_is_not() -> None:
    test = Passing()
    test.second(1, [(0, 5)] * 10)
    test.stats.log_request("GET", "/0", 5, 10)
    test.stats.reset_all()
    test.stats.log_request("GET", "/0", 5, 10)
    test.timeline.tick(test.timeline.now_epoch_s + 1, 1)
    (point,) = test.timeline.points()
    assert point.requests == 1
    assert 0.9 < point.length_s < 2
    assert [mark.kind for mark in test.timeline.marks] == ["reset"]


def test_what_comes_after_the_last_tick_is_caught_up_with() -> None:
    test = Passing()
    test.timeline.begin(test.timeline.now_epoch_s)
    test.second(test.timeline.now_epoch_s - BEGIN_S, [(0, 5)])
    test.timeline.catch_up()
    assert sum(point.requests for point in test.timeline.points()) == 1
    test.stats.log_request("GET", "/0", 5, 10)
    test.timeline.catch_up()
    assert sum(point.requests for point in test.timeline.points()) == 2


def test_a_timeline_that_never_began_has_nothing_to_tell() -> None:
    timeline = RequestStats().timeline
    timeline.catch_up()
    assert (timeline.points(), timeline.names, timeline.course(1000), timeline.window(0, 1)) == ([], [], None, None)


def test_others_get_their_turn_while_a_window_of_many_names_is_made() -> None:
    test = Passing()
    for second in range(1, 4):
        test.second(second, [(name, 5) for name in range(300)])
    turns = []

    def take_turns() -> None:
        while True:
            turns.append(None)
            gevent.sleep(0)

    other = gevent.spawn(take_turns)
    test.timeline.window(0, BEGIN_S * 2)
    other.kill()
    assert len(turns) >= 10


def test_names_are_told_without_secrets() -> None:
    test = Passing()
    test.stats.errors.mask = Mask(["hunter22"])
    test.stats.log_request("GET", "/?key=hunter22", 5, 10)
    test.timeline.tick(BEGIN_S + 1, 1)
    assert test.timeline.names == [("GET", "/?key=***")]
    assert [point.requests for point in test.timeline.series("GET", "/?key=***")] == [1]
    test.timeline.mark("stop", "hunter22 is wrong")
    assert test.timeline.marks[-1].text == "*** is wrong"


def test_a_course_of_many_names_and_hours_fits_and_adds_up_by_larger_blocks_and_coarser_buckets() -> None:
    test = Passing()
    for second in range(1, 601):
        test.second(second * 60, [(name, (name * 7 + second * 13) % 3000) for name in range(100)])
    rows = test.stats.recorder.entries.values()
    for room, blocks, per_octave in ((2_000_000, 600, 64), (150_000, 60, 8), (40_000, 20, 8)):
        course = test.timeline.course(room)
        assert course is not None
        assert len(course.blocks) <= blocks
        assert course.buckets_per_octave == per_octave
        told = json.dumps([[block.plain() for block in course.blocks], course.names, course.edges_us])
        assert len(told.replace(" ", "")) <= room
        assert {key: told[:2] for key, told in counted(course).items()} == {
            (row.method, row.name): (row.num_requests, row.times.sum_us) for row in rows
        }
        assert sum(sum(told[2].values()) for told in counted(course).values()) == test.stats.num_requests
        assert sum(point.requests for point in course.points) == test.stats.num_requests


def test_marks_are_of_known_kinds_and_the_commonest_are_thinned_out() -> None:
    timeline = Passing().timeline
    timeline.mark("start", "100 users")
    for number in range(3000):
        timeline.mark("stage", f"{number} users")
    kept = timeline.marks
    assert kept[0] == replace(kept[0], kind="start", text="100 users")
    assert len(kept) <= 1000
    assert kept[-1].text == "2999 users"
    with pytest.raises(ValueError, match="no mark is of kind 'end'"):
        timeline.mark("end", "")
