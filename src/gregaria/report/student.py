"""Student's t distribution: how far a mean of few values may be off."""

import math

__all__ = ["quantile", "tail"]

_MOST_STEPS = 300
_TINY = 1e-300


def tail(t: float, freedom: float) -> float:
    """The probability of a value above ``t`` (0 or more), with so many degrees of freedom (above 0)."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def quantile(share: float, freedom: float) -> float:
    """The value that is exceeded with a probability of ``share`` (above 0, 0.5 at most)."""
    low, high = 0.0, 1.0
    while tail(high, freedom) > share and high < 1e12:
        low, high = high, high * 2
    for _ in range(100):
        middle = (low + high) / 2
        if tail(middle, freedom) > share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Lentz's way to a continued fraction."""
    c, d = 1.0, _inverse(1 - (a + b) * x / (a + 1))
    found = d
    for step in range(1, _MOST_STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = _inverse(1 + term * d)
            c = 1 + term / (c or _TINY)
            found *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return found


def _inverse(value: float) -> float:
    return 1 / (value if abs(value) > _TINY else _TINY)
