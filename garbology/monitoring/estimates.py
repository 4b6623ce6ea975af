"""Totals estimated from a random sample: each value counts with the inverse of its probability.

The estimate is unbiased (Horvitz and Thompson, 1952) whatever the probabilities were. Its interval is the score
interval of a Poisson count, scaled to as many equal values as would have the same variance, with a quantile of
Student's distribution of so many degrees of freedom: with few values it is
wide to the right, where those that were missed are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_NORMAL_QUANTILE = 1.96  # 95 %, two-sided


@dataclass
class Estimate:
    """A total; ``seen`` is the part of it that was in the sample."""

    seen: float = 0.0
    value: float = 0.0
    _squares: float = 0.0
    _variance: float = 0.0

    def add(self, value: float, probability: float) -> None:
        """A value that was in the sample with this ``probability``."""
        self.seen += value
        self.value += value / probability
        self._squares += (value / probability) ** 2
        self._variance += (1 - probability) * (value / probability) ** 2

    def take(self, other: Estimate) -> None:
        """The values of another one as well."""
        self.seen += other.seen
        self.value += other.value
        self._squares += other._squares
        self._variance += other._variance

    def interval(self, most: float = math.inf, short: float = 0.0) -> tuple[float, float]:
        """Where the true total is, with 95 % confidence: at least what was seen, at most ``most``.

        ``short`` is how much of a like total that is known the sample did not account for: it may belong here.
        """
        if not self._variance:
            return self.value, self.value
        values = self.value**2 / self._squares
        shrunk = math.sqrt(self._variance / self._squares)
        z = _quantile(values)
        middle, reach = values + z**2 / 2, z * math.sqrt(values + z**2 / 4)
        low, high = (
            self.value * (1 + shrunk * (end / values - 1)) for end in (middle - reach, middle + reach)
        )
        high = min(max(high, self.value + max(short, 0.0)), max(most, self.seen))
        return min(max(low, self.seen), high), high


def _quantile(freedom: float) -> float:
    """Student's, 97.5 %, by an expansion that is 3 % off at one degree of freedom and exact to 1 % from three on."""
    return _NORMAL_QUANTILE + 2.4 / freedom + 8.0 / freedom**3
