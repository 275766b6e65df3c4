"""Samples of response times as targets produce them, in whole microseconds, for checks of the histogram."""

import random
from array import array
from collections.abc import Callable, Sequence
from math import ceil

LONGEST_US = 3_600_000_000

Draw = Callable[[random.Random], float]


def log_normal(chance: random.Random) -> float:
    return chance.lognormvariate(8.5, 1.0)


def bimodal(chance: random.Random) -> float:
    return chance.gauss(800, 60) if chance.random() < 0.9 else chance.gauss(250_000, 20_000)


def uniform(chance: random.Random) -> float:
    return 1 + chance.random() * 2_000_000


def constant(chance: random.Random) -> float:
    return 12_345


def heavy_tail(chance: random.Random) -> float:
    return 300 * chance.paretovariate(0.9)


SHAPES: dict[str, Draw] = {
    "log-normal": log_normal,
    "bimodal": bimodal,
    "uniform": uniform,
    "constant": constant,
    "heavy tail": heavy_tail,
}

FRACTIONS = (0.0, 0.01, 0.25, 0.5, 0.66, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0)


def samples(shape: str, count: int, seed: int) -> "array[int]":
    """``count`` times from 1 us to 1 h."""
    chance = random.Random(f"{shape} {seed}")
    draw = SHAPES[shape]
    return array("q", (min(max(int(draw(chance)), 1), LONGEST_US) for _ in range(count)))


def nearest_rank(in_order: Sequence[int], fraction: float) -> int:
    """The exact percentile of sorted samples."""
    rank = ceil(round(fraction * len(in_order), 6))
    return in_order[min(max(rank, 1), len(in_order)) - 1]
