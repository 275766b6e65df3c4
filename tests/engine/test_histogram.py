import random
import sys

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from gregaria.engine.histogram import Histogram
from tests.engine.shapes import FRACTIONS, LONGEST_US, SHAPES, nearest_rank, samples

BUCKETS = 1728
times_us = st.one_of(st.integers(0, 1000), st.integers(0, LONGEST_US), st.integers(0, 2**40))


def histogram_of(values: object) -> Histogram:
    histogram = Histogram()
    for value in values:  # type: ignore[attr-defined]
        histogram.add_us(value)
    return histogram


def test_buckets_follow_each_other_without_gaps() -> None:
    for bucket in range(BUCKETS):
        lowest = Histogram.edge_us(bucket)
        assert Histogram.index(lowest) == bucket
        assert lowest == 0 or Histogram.index(lowest - 1) == bucket - 1


@pytest.mark.parametrize("bucket", [-1, BUCKETS])
def test_a_bucket_that_is_not_there_is_refused(bucket: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 1727"):
        Histogram.edge_us(bucket)


def test_every_time_up_to_an_hour_is_told_within_one_percent() -> None:
    # Others on either side keep the extremes from giving the exact answer.
    for bucket in range(BUCKETS):
        edge_us = Histogram.edge_us(bucket)
        for time_us in (edge_us, edge_us + max((edge_us >> 7) - 1, 0), edge_us + max((edge_us >> 6) - 1, 0)):
            if 1 <= time_us <= LONGEST_US and Histogram.index(time_us) == bucket:
                told = histogram_of([0, time_us, 2**32]).percentile_us(0.5)
                assert abs(told - time_us) <= time_us * 0.01


def test_percentiles_are_of_the_nearest_rank() -> None:
    to_hundred = histogram_of(range(1, 101))
    assert [to_hundred.percentile_us(rank / 100) for rank in range(101)] == [1, *range(1, 101)]
    assert [histogram_of([10, 20, 30, 40]).percentile_us(p) for p in (0.25, 0.26, 0.5, 0.51, 1)] == [10, 20, 20, 30, 40]
    assert histogram_of(range(20)).percentile_us(0.95) == 18


def test_an_empty_histogram_tells_nothing() -> None:
    empty = Histogram()
    assert (empty.total, empty.sum_us, empty.min_us, empty.max_us) == (0, 0, -1, -1)
    assert [empty.percentile_us(p) for p in (0, 0.5, 1)] == [0, 0, 0]
    assert empty.buckets() == {}


@pytest.mark.parametrize("shape", SHAPES)
def test_percentiles_agree_with_sorting(shape: str) -> None:
    values = samples(shape, 20_000, seed=7)
    in_order = sorted(values)
    histogram = histogram_of(values)
    told = [histogram.percentile_us(fraction) for fraction in FRACTIONS]
    for fraction, answer in zip(FRACTIONS, told, strict=True):
        exact = nearest_rank(in_order, fraction)
        assert abs(answer - exact) <= exact * 0.01, f"p{fraction}: {answer}, sorting says {exact}"
    assert told == sorted(told)
    assert (told[0], told[-1]) == (in_order[0], in_order[-1])
    assert (histogram.min_us, histogram.max_us, histogram.sum_us) == (in_order[0], in_order[-1], sum(values))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_hdrhistogram_package_agrees(shape: str) -> None:
    values = samples(shape, 5_000, seed=8)
    histogram = histogram_of(values)
    other = HdrHistogram(1, 2**32, 4)
    for value in values:
        other.record_value(value)
    for fraction in (0.25, 0.5, 0.9, 0.99):
        assert histogram.percentile_us(fraction) == pytest.approx(
            other.get_value_at_percentile(fraction * 100), rel=0.01
        )


@given(st.lists(times_us, min_size=1), st.lists(st.floats(0, 1)))
def test_percentiles_rise_and_stay_between_the_extremes(values: list[int], fractions: list[float]) -> None:
    histogram = histogram_of(values)
    told = [histogram.percentile_us(fraction) for fraction in sorted(fractions)]
    assert told == sorted(told)
    assert all(min(values) <= answer <= max(values) for answer in told)
    assert histogram.percentile_us(1) == max(values)


@given(st.lists(times_us), st.lists(times_us))
def test_merging_is_the_same_as_having_counted_everything_together(left: list[int], right: list[int]) -> None:
    merged = histogram_of(left)
    merged.merge(histogram_of(right))
    assert merged.pack() == histogram_of(left + right).pack()


@given(st.lists(times_us))
def test_packing_keeps_everything(values: list[int]) -> None:
    histogram = histogram_of(values)
    again = Histogram.unpack(histogram.pack())
    assert again.buckets() == histogram.buckets()
    assert (again.total, again.sum_us) == (histogram.total, histogram.sum_us)
    assert (again.min_us, again.max_us) == (histogram.min_us, histogram.max_us)


def test_a_usual_histogram_is_packed_into_a_few_hundred_bytes() -> None:
    assert len(histogram_of(samples("bimodal", 10_000, seed=1)).pack()) < 600


def test_a_histogram_that_was_cut_off_is_refused() -> None:
    packed = histogram_of(samples("log-normal", 200, seed=3)).pack()
    for length in range(len(packed)):
        with pytest.raises(ValueError, match=r"packed histogram|samples|range"):
            Histogram.unpack(packed[:length])
    with pytest.raises(ValueError, match="too many"):
        Histogram.unpack(packed + b"\0")


@settings(max_examples=300)
@given(st.binary(max_size=60).map(lambda tail: b"\x01" + tail) | st.binary(max_size=10))
def test_garbage_is_refused_or_is_a_histogram(garbage: bytes) -> None:
    try:
        histogram = Histogram.unpack(garbage)
    except ValueError:
        return
    assert histogram.total == sum(histogram.buckets().values())
    assert Histogram.unpack(histogram.pack()).pack() == histogram.pack()


def test_a_packed_histogram_with_a_changed_byte_never_crashes() -> None:
    chance = random.Random(5)
    packed = histogram_of(samples("heavy tail", 500, seed=5)).pack()
    refused = 0
    for _ in range(2000):
        damaged = bytearray(packed)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            Histogram.unpack(bytes(damaged)).percentile_us(0.9)
        except ValueError:
            refused += 1
    assert refused


@pytest.mark.parametrize(
    ("buckets", "min_us", "max_us", "sum_us"),
    [
        ({1728: 1}, 1, 1, 1),
        ({-1: 1}, 1, 1, 1),
        ({1: 0}, 1, 1, 1),
        ({1: -1}, 1, 1, 1),
        ({1: 2**64}, 1, 1, 1),
        ({1: 2**64 - 1, 2: 1}, 1, 2, 3),
        ({}, 0, 0, 0),
        ({}, -1, -1, 5),
        ({5: 1}, -1, 5, 5),
        ({5: 1}, 6, 5, 5),
        ({5: 1}, 6, 6, 6),
        ({5: 1}, 4, 4, 4),
        ({5: 1}, 5, 2**63, 5),
        ({5: 1}, 5, 5, -1),
    ],
)
def test_parts_that_do_not_fit_are_refused(buckets: dict[int, int], min_us: int, max_us: int, sum_us: int) -> None:
    with pytest.raises(ValueError, match=r"bucket|samples|range"):
        Histogram.of(buckets, min_us, max_us, sum_us)


def test_a_time_beyond_the_last_bucket_keeps_its_exact_maximum() -> None:
    histogram = histogram_of([2**32 + 5, 2**41, 100])
    assert histogram.max_us == 2**41
    assert histogram.percentile_us(1) == 2**41
    assert histogram.buckets() == {100: 1, 1727: 2}
    assert 2**31 < histogram.percentile_us(0.6) <= 2**41


def test_a_negative_time_counts_as_none_at_all() -> None:
    histogram = Histogram()
    histogram.add_us(-5)
    histogram.add_us(-5, 3)
    assert (histogram.min_us, histogram.max_us, histogram.sum_us, histogram.total) == (0, 0, 0, 4)


def test_many_samples_are_added_at_once() -> None:
    histogram = Histogram()
    histogram.add_us(250, 1000)
    histogram.add_us(9, 0)
    assert (histogram.total, histogram.sum_us, histogram.min_us) == (1000, 250_000, 250)


def test_a_copy_is_on_its_own() -> None:
    histogram = histogram_of([1, 2, 3])
    copy = histogram.copy()
    histogram.add_us(9)
    assert (copy.total, histogram.total) == (3, 4)
    histogram.clear()
    assert (copy.max_us, histogram.max_us) == (3, -1)


def test_what_was_added_since_a_copy_can_be_told() -> None:
    histogram = histogram_of([5, 10, 5_000_000])
    before = histogram.copy()
    assert histogram.since(before).total == 0
    for time_us in (100, 101, 102, 40_000):
        histogram.add_us(time_us)
    newer = histogram.since(before)
    assert (newer.total, newer.sum_us, newer.min_us) == (4, 40_303, 100)
    assert newer.max_us == pytest.approx(40_000, rel=0.01)
    assert newer.percentile_us(0.5) == 101


def test_a_bucket_stands_for_its_middle_within_the_extremes() -> None:
    histogram = histogram_of([1000, 1003])
    bucket = Histogram.index(1000)
    assert Histogram().value_us(bucket) == pytest.approx(1000, rel=0.01)
    assert 1000 <= histogram.value_us(bucket) <= 1003


def test_counts_are_also_told_by_the_edges_of_their_buckets() -> None:
    histogram = histogram_of([5, 5, 5000, 123_456])
    assert histogram.edges() == {Histogram.edge_us(bucket): count for bucket, count in histogram.buckets().items()}


def test_a_histogram_takes_less_than_fourteen_kibibytes() -> None:
    histogram = histogram_of(samples("heavy tail", 5000, seed=2))
    assert sys.getsizeof(histogram) < 14 * 1024


def test_counts_up_to_buckets_are_those_of_the_buckets() -> None:
    chance, times = random.Random(3), Histogram()
    for _ in range(2000):
        times.add_us(round(chance.lognormvariate(9, 4)))
    wanted = sorted(chance.sample(range(1728), 40))
    by_bucket = times.buckets()
    assert times.up_to(wanted) == [sum(n for bucket, n in by_bucket.items() if bucket <= last) for last in wanted]
    for wrong in (-1, 1728):
        with pytest.raises(ValueError, match="no bucket"):
            times.up_to([wrong])
