import math

__all__ = ["proper_round"]


def proper_round(val: float, digits: int = 0) -> float:
    """Half goes up: 2.5 becomes 3.0, where ``round`` makes it 2."""
    factor: float = 10**digits
    return math.floor(val * factor + 0.5) / factor
