import math

from hypothesis import given
from hypothesis import strategies as st

from gregaria.report.percentiles import label, of_counts, of_row
from tests.report.sample import row, silent_row


def test_percentiles_are_named_as_people_name_them() -> None:
    assert [label(each) for each in (0.5, 0.95, 0.999, 0.9999, 1.0)] == ["50%", "95%", "99.9%", "99.99%", "100%"]


def test_a_percentile_that_the_summary_knows_is_taken_as_it_is() -> None:
    assert of_row(row(percentiles_us={0.5: 1234}), 0.5) == 1234


def test_a_percentile_that_it_does_not_know_comes_from_the_histogram_and_stays_within_the_extremes() -> None:
    made = row(percentiles_us={}, histogram_us={100: 90, 4096: 10}, min_us=100, max_us=4100)
    assert of_row(made, 0.42) == 100
    assert of_row(made, 0.97) == 4100
    assert of_row(made, 1.0) == 4100


def test_nothing_timed_has_no_percentile() -> None:
    assert of_row(silent_row(), 0.5) is None
    assert of_counts({}, [0.5, 1.0]) == [None, None]


@given(st.lists(st.integers(0, 127), min_size=1), st.floats(0, 1))
def test_a_percentile_of_counts_is_the_nearest_rank(times_us: list[int], fraction: float) -> None:
    counts = {each: times_us.count(each) for each in times_us}
    rank = max(math.ceil(fraction * len(times_us)), 1)
    assert of_counts(counts, [fraction]) == [sorted(times_us)[rank - 1]]
