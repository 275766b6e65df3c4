"""Names taken together: percentiles of several cannot be had from those of each, only from what was counted of each."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import Entry
from gregaria.stats.table import RequestStats
from gregaria.web.figures import in_turns

__all__ = ["times_of_groups"]


def times_of_groups(
    stats: RequestStats, groups: Sequence[Collection[tuple[str, str]]], span: tuple[float, float] | None
) -> list[Histogram]:
    """The response times of each group of names. Others get their turn meanwhile.

    Args:
        stats: what was counted.
        groups: (method, name) of those in each, as pages are told them.
        span: only what was counted between these moments, in seconds since 1970, which snap to where blocks of the
            timeline begin and end; None for the whole test.
    """
    found = [Histogram() for _ in groups]
    wanted = defaultdict(list)
    for times, keys in zip(found, groups, strict=True):
        for key in keys:
            wanted[key].append(times)
    for method, name, entry in _all(stats) if span is None else stats.timeline.entries(*span):
        for times in wanted.get((method, name), ()):
            times.merge(entry.times)
    return found


def _all(stats: RequestStats) -> Iterator[tuple[str, str, Entry]]:
    for entry in in_turns(list(stats.recorder.entries.values())):
        yield entry.method, stats.errors.mask.text(entry.name), entry
