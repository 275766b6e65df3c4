"""The phases of requests, as percentiles of each row."""

from gregaria.engine.phases import PHASES
from gregaria.engine.recorder import Entry

__all__ = ["phase_percentiles"]


def phase_percentiles(entry: Entry, fractions: list[float]) -> dict[str, dict[float, int]] | None:
    """``{phase: {fraction 0..1: microseconds}}``; None if no phases of the row's requests were measured."""
    histograms = entry.phases
    if histograms is None or not histograms[-1].total:
        return None
    return {
        name: {fraction: histogram.percentile_us(fraction) for fraction in fractions}
        for name, histogram in zip(PHASES, histograms, strict=True)
    }
