import pytest

from gregaria.stats.response_times import (
    avg,
    bucket_response_time,
    calculate_response_time_percentile,
    diff_response_time_dicts,
    get_readable_percentiles,
    sort_stats,
)


@pytest.mark.parametrize(
    ("milliseconds", "bucket"),
    [(0, 0), (0.4, 0), (99.4, 99), (145, 140), (147, 150), (1050, 1000), (3432, 3400), (58760, 59000)],
)
def test_times_are_rounded_as_locust_does(milliseconds: float, bucket: int) -> None:
    assert bucket_response_time(milliseconds) == bucket
    assert isinstance(bucket_response_time(milliseconds), int)


def test_percentiles_of_a_dictionary_are_of_the_nearest_rank() -> None:
    times = {1: 50, 2: 49, 900: 1}
    assert [calculate_response_time_percentile(times, 100, p) for p in (0, 0.5, 0.51, 0.99, 0.991, 1.0)] == [
        1, 1, 2, 2, 900, 900,
    ]  # fmt: skip
    assert calculate_response_time_percentile({}, 0, 0.5) == 0


def test_the_difference_of_two_dictionaries_is_what_came_in_between() -> None:
    assert diff_response_time_dicts({1: 3, 2: 1, 5: 1}, {1: 1, 2: 1}) == {1: 2, 5: 1}


def test_percentiles_are_named() -> None:
    assert get_readable_percentiles([0.5, 0.07, 0.999, 0.9999, 1.0]) == ["50%", "7%", "99.9%", "99.99%", "100%"]


def test_statistics_are_sorted_by_their_keys() -> None:
    assert sort_stats({("/b", "GET"): 2, ("/a", "POST"): 1, ("/a", "GET"): 0}) == [0, 1, 2]


def test_the_mean_of_nothing_is_zero() -> None:
    assert (avg([]), avg([1, 2])) == (0.0, 1.5)
