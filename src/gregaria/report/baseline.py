"""The run that rules compare with: its figures, by the names that rules have for them."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from gregaria.report.measured import TOTAL, Counted, MeasuredRun, Whole, history_of, load_run, merged, run_file
from gregaria.report.reading import read_document
from gregaria.rules.expression import Metric
from gregaria.rules.watch import BaselineFigures

__all__ = ["baseline_files", "load_baseline"]


def load_baseline(name: str) -> BaselineFigures:
    """The figures of a run: of its part after the warm-up, if it has told that.

    Args:
        name: of a document of ``--json-file``, or of ``PREFIX_stats.csv``.

    Raises:
        CommandError: there is no such file, or it is something else.
    """
    run = load_run(name)
    known: dict[tuple[str, str | None], float | None] = {}

    def figure(metric: Metric) -> float | None:
        key = metric.text, metric.name
        if key not in known:
            known[key] = _figure(run, metric)
        return known[key]

    return figure


def baseline_files(name: str) -> dict[str, bytes]:
    """What ``load_baseline`` needs of a run, to be sent elsewhere; the first is the one to name there.

    Args:
        name: as for ``load_baseline``.

    Raises:
        CommandError: there is no such file, or it is something else.
    """
    path = Path(run_file(name))
    load_run(str(path))
    if path.suffix != ".csv":
        document = read_document(path)
        # Who was there in each second is needed, what they did in it is most of the file.
        for block in (document.get("timeline") or {"blocks": ()})["blocks"]:
            block[-1] = []
        document["failures"] = []
        return {path.name: json.dumps(document).encode()}
    return {each.name: each.read_bytes() for each in (path, history_of(path)) if each.is_file()}


def _figure(run: MeasuredRun, metric: Metric) -> float | None:
    if metric.text == "users":
        return None if run.user_count is None else float(run.user_count)
    wholes = [whole for key, whole in run.wholes.items() if _is_meant(key, metric.name)]
    value = _of(wholes, metric.text) if wholes else None
    return None if value is None or not math.isfinite(value) else value


def _is_meant(key: tuple[str, str], name: str | None) -> bool:
    if name is None or key == TOTAL:
        return name is None and key == TOTAL
    return name in (key[1], f"{key[0]} {key[1]}")


def _of(wholes: Sequence[Whole], text: str) -> float | None:
    requests, failures = sum(each.requests for each in wholes), sum(each.failures for each in wholes)
    rps = math.fsum(each.requests_per_s for each in wholes)
    match text:
        case "requests":
            return requests
        case "failures":
            return failures
        case "rps":
            return rps
        case "fail_ratio":
            return failures / requests if requests else None
        case "fail_per_s":
            return rps * failures / requests if requests else None
        case "avg" | "min" | "max":
            return _timed(wholes, text)
    fraction = 0.5 if text == "median" else float(text[1:]) / 100 if text[1:2].isdigit() else None
    return None if fraction is None else _percentile(wholes, fraction)


def _timed(wholes: Sequence[Whole], text: str) -> float | None:
    known = [(each.extremes_us, each.requests) for each in wholes if each.extremes_us is not None]
    if not known:
        return None
    if text == "avg":
        return math.fsum(times.avg * count for times, count in known) / max(sum(count for _, count in known), 1) / 1e6
    least_or_most = min if text == "min" else max
    return least_or_most(times.min if text == "min" else times.max for times, _ in known) / 1e6


def _percentile(wholes: Sequence[Whole], fraction: float) -> float | None:
    if len(wholes) == 1:
        # What the run told itself, where it did: it is rounded as the figure is that it is compared with.
        time_us = wholes[0].told.get(fraction) or wholes[0].times.percentile_us(fraction)
    else:
        counted = [each.times for each in wholes if isinstance(each.times, Counted)]
        time_us = merged(counted).percentile_us(fraction) if len(counted) == len(wholes) else None
    return None if time_us is None else time_us / 1e6
