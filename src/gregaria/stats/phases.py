"""The phases of requests, as percentiles of each row."""

from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import Entry

__all__ = ["PHASES", "phase_percentiles"]

#: what a request's time is made of, in this order; the first three are 0 on a connection that was there already
PHASES = ("name_lookup", "connect", "tls", "sending", "first_byte", "receiving")


def phase_percentiles(entry: Entry, fractions: list[float]) -> dict[str, dict[float, int]] | None:
    """``{phase: {fraction 0..1: microseconds}}``; None if no phases of the row's requests were measured."""
    histograms: tuple[Histogram, ...] | None = getattr(entry, "phases", None)
    if histograms is None or not histograms[-1].total:
        return None
    return {
        name: {fraction: histogram.percentile_us(fraction) for fraction in fractions}
        for name, histogram in zip(PHASES, histograms, strict=True)
    }
