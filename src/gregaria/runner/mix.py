"""Which user class comes next, so that at every moment the mix is as near to the weights as whole users allow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Share:
    """What one user class claims of the users: a fixed number, or else a weight."""

    name: str
    weight: float
    fixed_count: int


class Mix:
    """The order in which users of several classes are added.

    Classes with a ``fixed_count`` come first. The others follow Sainte-Lague's rule: the next user goes to the class
    for which weight / (2 * users + 1) is largest. So a class never loses a user while others gain, and whenever whole
    users can match the weights they do: weights of 20 and 25 give 20 and 25 users of 45.

    Two mixes are equal when they hold the same classes with the same weights and fixed counts.
    """

    def __init__(self, user_classes: Iterable[Any]) -> None:
        shares = [
            Share(user_class.__name__, user_class.weight, user_class.fixed_count or 0) for user_class in user_classes
        ]
        # Sorted, so that ties do not depend on the order of the locustfile's imports.
        self._shares = tuple(sorted(shares, key=lambda share: share.name))
        self._fixed = [share for share in self._shares if share.fixed_count > 0]
        self._weighted = [share for share in self._shares if share.fixed_count <= 0 < share.weight]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mix) and self._shares == other._shares

    def __hash__(self) -> int:
        return hash(self._shares)

    @property
    def names(self) -> list[str]:
        """The classes' names, sorted."""
        return [share.name for share in self._shares]

    def next_class(self, counts: Mapping[str, int]) -> str | None:
        """Name of the class that gets the next user; None when only fixed classes are left, and all are complete.

        Args:
            counts: how many users of each class there are; a class that is missing has none.
        """
        lacking = [share for share in self._fixed if counts.get(share.name, 0) < share.fixed_count]
        if lacking:
            return max(lacking, key=lambda share: _claim(share.fixed_count, counts.get(share.name, 0))).name
        if not self._weighted:
            return None
        return max(self._weighted, key=lambda share: _claim(share.weight, counts.get(share.name, 0))).name

    def counts_of(self, total: int) -> dict[str, int]:
        """How many users of each class ``total`` users are."""
        counts = dict.fromkeys(self.names, 0)
        for _ in range(total):
            name = self.next_class(counts)
            if name is None:
                break
            counts[name] += 1
        return counts


def _claim(weight: float, users: int) -> tuple[float, float]:
    return weight / (2 * users + 1), weight
