"""Moments that recur and do not drift, however late each of them is noticed."""

__all__ = ["next_beat_s"]


def next_beat_s(now_s: float, every_s: float, at_s: float = 0.0) -> float:
    """The first moment after ``now_s`` that is whole intervals from ``at_s``; what is missed is left out."""
    return at_s + ((now_s - at_s) // every_s + 1) * every_s
