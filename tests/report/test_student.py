import pytest

from gregaria.report.student import quantile, tail


@pytest.mark.parametrize(
    ("share", "freedom", "expected"),
    [
        (0.025, 1, 12.7062),
        (0.025, 4, 2.77645),
        (0.005, 4, 4.60409),
        (0.025, 9, 2.26216),
        (0.0005, 9, 4.78091),
        (0.05, 30, 1.69726),
        (0.025, 1e6, 1.95997),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_are_those_of_the_tables(share: float, freedom: float, expected: float) -> None:
    assert quantile(share, freedom) == pytest.approx(expected, rel=2e-5, abs=1e-6)
    assert tail(quantile(share, freedom), freedom) == pytest.approx(share, rel=1e-6)


def test_less_freedom_means_longer_tails() -> None:
    tails = [tail(3.0, freedom) for freedom in (1.0, 2.5, 4.0, 8.0, 100.0)]
    assert tails == sorted(tails, reverse=True)
