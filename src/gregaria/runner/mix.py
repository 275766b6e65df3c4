"""Which user class comes next, so that at every moment the mix is as near to the weights as whole users allow."""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import Any

#: where a user stands in the order in which all come, the first being the smallest
Rank = tuple[float, float, float, float]

# The first part of a rank: fixed classes come before weighted ones.
_FIXED, _WEIGHTED, _NO_CLAIM = 0, 1, 2


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
        self._places = {share.name: place for place, share in enumerate(self._shares)}
        # (name, what it is weighed with); fixed classes are complete together, for they are weighed with their counts.
        self._fixed = [(share.name, float(share.fixed_count)) for share in self._shares if share.fixed_count > 0]
        self._weighted = [(share.name, share.weight) for share in self._shares if share.fixed_count <= 0 < share.weight]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mix) and self._shares == other._shares

    def __hash__(self) -> int:
        return hash(self._shares)

    @property
    def names(self) -> list[str]:
        """The classes' names, sorted."""
        return [share.name for share in self._shares]

    @property
    def fixed_total(self) -> int:
        """How many users the classes with a ``fixed_count`` have together when they are complete."""
        return sum(int(count) for _, count in self._fixed)

    def rank(self, name: str, number: int) -> Rank:
        """Where user ``number`` (from 0) of a class comes in the order of all; last if the class has no claim to it."""
        place = self._places.get(name)
        if place is None:
            return _NO_CLAIM, number, 0, 0
        share = self._shares[place]
        if number < share.fixed_count:
            return _FIXED, -_claim(share.fixed_count, number), -share.fixed_count, place
        if share.fixed_count > 0 or share.weight <= 0:
            return _NO_CLAIM, number, 0, place
        return _WEIGHTED, -_claim(share.weight, number), -share.weight, place

    def next_class(self, counts: Mapping[str, int]) -> str | None:
        """Name of the class that gets the next user; None when only fixed classes are left, and all are complete.

        Args:
            counts: how many users of each class there are; a class that is missing has none.
        """
        ranked = [(self.rank(name, counts.get(name, 0)), name) for name in self._places]
        (tier, *_), name = min(ranked, default=((_NO_CLAIM, 0.0, 0.0, 0.0), ""))
        return None if tier == _NO_CLAIM else name

    def counts_of(self, total: int) -> dict[str, int]:
        """How many users of each class ``total`` users are. Takes the same time for any number of users."""
        fixed = min(total, self.fixed_total)
        counts = dict.fromkeys(self.names, 0)
        counts.update(_apportion(self._fixed, fixed))
        counts.update(_apportion(self._weighted, total - fixed))
        return counts

    def grown(self, counts: Mapping[str, int], total: int) -> dict[str, int]:
        """How many of each class there are when users have been added to these until there are ``total``.

        Nobody is taken away: a class that has more than its share, as users of others have ended, keeps what it has.
        """
        fixed, weighted = _sum(self._fixed, counts), _sum(self._weighted, counts)
        grown_fixed = min(self.fixed_total, max(fixed, total - weighted))
        return self._adjusted(counts, grown_fixed, total - grown_fixed, operator.gt)

    def shrunk(self, counts: Mapping[str, int], total: int) -> dict[str, int]:
        """How many of each class there are when users have left, the last first, until there are ``total``."""
        shrunk_fixed = min(_sum(self._fixed, counts), total)
        return self._adjusted(counts, shrunk_fixed, total - shrunk_fixed, operator.lt)

    def arrivals(self, counts: Mapping[str, int], wanted: Mapping[str, int], number: int) -> list[str]:
        """Class names of the next ``number`` users that come, in order, on the way up to the wanted counts."""
        now = dict(counts)
        heap = [(self.rank(name, now.get(name, 0)), name) for name in wanted if now.get(name, 0) < wanted[name]]
        heapify(heap)
        names: list[str] = []
        while heap and len(names) < number:
            name = heap[0][1]
            names.append(name)
            now[name] = now.get(name, 0) + 1
            if now[name] < wanted[name]:
                heapreplace(heap, (self.rank(name, now[name]), name))
            else:
                heappop(heap)
        return names

    def departures(self, counts: Mapping[str, int], wanted: Mapping[str, int], number: int) -> list[str]:
        """Class names of the next ``number`` users that leave, in order: those first that come last in this mix."""
        now = dict(counts)
        heap = [(_last_first(self.rank(name, now[name] - 1)), name) for name in now if now[name] > wanted.get(name, 0)]
        heapify(heap)
        names: list[str] = []
        while heap and len(names) < number:
            name = heap[0][1]
            names.append(name)
            now[name] -= 1
            if now[name] > wanted.get(name, 0):
                heapreplace(heap, (_last_first(self.rank(name, now[name] - 1)), name))
            else:
                heappop(heap)
        return names

    def _adjusted(
        self, counts: Mapping[str, int], fixed: int, weighted: int, is_kept: Callable[[int, int], bool]
    ) -> dict[str, int]:
        adjusted = dict.fromkeys(self.names, 0)
        adjusted.update(_adjust(self._fixed, counts, fixed, is_kept))
        adjusted.update(_adjust(self._weighted, counts, weighted, is_kept))
        return adjusted


def _claim(weight: float, users: int) -> float:
    return weight / (2 * users + 1)


def _last_first(rank: Rank) -> Rank:
    return -rank[0], -rank[1], -rank[2], -rank[3]


def _sum(weights: Sequence[tuple[str, float]], counts: Mapping[str, int]) -> int:
    return sum(counts.get(name, 0) for name, _ in weights)


def _adjust(
    weights: Sequence[tuple[str, float]],
    counts: Mapping[str, int],
    total: int,
    is_kept: Callable[[int, int], bool],
) -> dict[str, int]:
    """Share ``total`` among the classes; those whose count is beyond their share keep it, others share the rest."""
    kept: dict[str, int] = {}
    while True:
        shares = _apportion([each for each in weights if each[0] not in kept], total - sum(kept.values()))
        beyond = {name: counts.get(name, 0) for name in shares if is_kept(counts.get(name, 0), shares[name])}
        if not beyond:
            return kept | shares
        kept |= beyond


def _apportion(weights: Sequence[tuple[str, float]], total: int) -> dict[str, int]:
    """Sainte-Lague's shares of ``total`` users."""
    if not weights or total <= 0:
        return {name: 0 for name, _ in weights}
    # Of those that a common divisor gives each class, none is too many; the few that lack are dealt one by one.
    sure = (total - len(weights) / 2) / sum(weight for _, weight in weights)
    # One less than that, for the last bit of a division.
    counts = [max(0, math.floor(weight * sure + 0.5) - 1) for _, weight in weights]
    heap = [(-_claim(weight, counts[place]), -weight, place) for place, (_, weight) in enumerate(weights)]
    heapify(heap)
    for _ in range(total - sum(counts)):
        _, _, place = heap[0]
        counts[place] += 1
        weight = weights[place][1]
        heapreplace(heap, (-_claim(weight, counts[place]), -weight, place))
    return {name: count for (name, _), count in zip(weights, counts, strict=True)}
