"""Whether a series grows, and by how much: the slope of Theil and Sen, with Sen's interval (1968).

The median of the slopes between all pairs of points: a jump, as of a dictionary that is resized, moves it little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NORMAL_QUANTILE = 1.96  # 95 %, two-sided
_MOST_POINTS = 400  # of which all pairs are taken
_FEWEST_TO_SETTLE = 16
_LIKE = 0.1  # slopes that differ by less are one
_LIKE_BYTES = 16.0


@dataclass(frozen=True)
class Slope:
    """A change a step, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __sub__(self, other: Slope) -> Slope:
        return Slope(self.value - other.value, self.low - other.high, self.high - other.low)


NONE = Slope(0.0, 0.0, 0.0)


def slope_of(places: NDArray[np.float64], values: NDArray[np.float64]) -> Slope:
    """The slope of ``values`` over ``places`` (float64, shapes (n,)); no growth where there is one point."""
    if len(values) > _MOST_POINTS:
        chosen = np.linspace(0, len(values) - 1, _MOST_POINTS).astype(int)
        places, values = places[chosen], values[chosen]
    n = len(values)
    first, second = np.triu_indices(n, 1)
    if not len(first):
        return NONE
    slopes = np.sort((values[second] - values[first]) / (places[second] - places[first]))
    reach = _NORMAL_QUANTILE * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(int((len(slopes) - reach) / 2), 0)
    high = min(int((len(slopes) + reach) / 2) + 1, len(slopes) - 1)
    return Slope(_median(slopes), float(slopes[low]), float(slopes[high]))


def settled_from(places: NDArray[np.float64], values: NDArray[np.float64]) -> int:
    """Where the series has become steady: caches that fill grow at first, and then no more."""
    start = 0
    while len(values) - start >= _FEWEST_TO_SETTLE:
        middle = (start + len(values)) // 2
        first = slope_of(places[start:middle], values[start:middle])
        second = slope_of(places[middle:], values[middle:])
        if _are_alike(first, second):
            break
        start = middle
    return start


def _are_alike(first: Slope, second: Slope) -> bool:
    difference = abs(first.value - second.value)
    overlap = first.low <= second.high and second.low <= first.high
    return overlap or difference <= max(_LIKE_BYTES, _LIKE * max(abs(first.value), abs(second.value)))


def _median(values: NDArray[np.float64]) -> float:
    """NumPy's imports ``numpy.ma`` at first use, whose objects would be the growth of the program."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def undisturbed(
    values: NDArray[np.float64], disturbed: NDArray[np.int64], most: float = math.inf
) -> NDArray[np.float64]:
    """The series with its change after each of the ``disturbed`` places replaced by the median of the other changes.

    A change that differs from that by more than ``most`` stays: it is the program's.
    """
    changes = np.diff(values)
    known = np.ones(len(changes), bool)
    known[disturbed[disturbed < len(changes)]] = False
    if known.any():
        usual = _median(changes[known])
        changes[~known & (np.abs(changes - usual) <= most)] = usual
    return np.append(values[:1], values[:1] + np.cumsum(changes))
