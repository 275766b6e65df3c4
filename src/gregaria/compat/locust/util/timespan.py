import argparse

from gregaria.cli.values import duration_s

__all__ = ["parse_timespan"]


def parse_timespan(time_str: str) -> int | float:
    """Seconds in ``20``, ``20s``, ``3m``, ``1h20m``; ValueError for anything else."""
    try:
        return duration_s(time_str)
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from None
