"""Which collections are analysed: at random, with a probability that is fixed before the collection is seen.

An analysis costs far more than the collection it looks at. So that all of them take a stated share of the elapsed
time, each generation gets the part of it that it needs and no more (max-min fairness), by what an analysis of that
generation took and by how often it is collected, as far as both are known by then.

A small budget is for services, where the 99th percentile of the latency counts. It shows what happens in a hundredth of
the time: requests that come while an analysis stops the program. So of a small budget only a part is spent, a tenth of
0.01: then a thousandth of the requests waits longer, and the 99th percentile is that of before at 98.9.
"""

from __future__ import annotations

import random
import sys

_GENERATIONS = 3
_FIRST_COST_SECONDS = 0.02  # of a young collection, before one was analysed; the first explains every shape
_SECONDS_A_BLOCK = 1e-6  # of all allocated blocks, for the first collection of the oldest generation
_MEMORY = 0.7  # weight of what was known before in the mean of costs and intervals
_HORIZON_SECONDS = 3.0  # within which too much or too little is made good, sooner while the program is young
_SHORTEST_HORIZON_SECONDS = 0.1
_ALL_SPENT_FROM = 0.05  # the budget of which nothing is left
_LEAST_SPENT, _LEAST_SPENT_TO = (
    0.1,
    0.01,
)  # the part that is spent at least, and the budget up to which it is so little
_LEAST = 0.05  # of the budget, however much has been overdrawn
_LONGEST_SAVED_FOR_SECONDS = (
    60.0  # a collection that the budget does not pay in this time is left unexplained
)


class Budget:
    """How much of the elapsed time analyses may take.

    Parameters
    ----------
    share : of the elapsed time, at most, above 0; from 1 on every collection is analysed.
    seed : of the random numbers.
    now : seconds of the clock at the beginning.
    """

    def __init__(self, share: float, seed: int | None, now: float) -> None:
        self.share = share
        between = (share - _LEAST_SPENT_TO) / (_ALL_SPENT_FROM - _LEAST_SPENT_TO)
        self._aim = share * (_LEAST_SPENT + (1 - _LEAST_SPENT) * min(max(between, 0.0), 1.0))
        self.spent_seconds = 0.0
        self._began_at = now
        self._random = random.Random(seed)  # noqa: S311 - a sample
        self._costs = [_FIRST_COST_SECONDS, _FIRST_COST_SECONDS, 0.0]
        self._intervals = [0.0] * _GENERATIONS
        self._last = [now] * _GENERATIONS

    def probability(self, generation: int, now: float) -> float:
        """With which a collection that starts ``now`` is to be analysed; 0 where the budget never pays for it."""
        self._learn_interval(generation, now)
        if self.share >= 1:
            return 1.0
        if not self._costs[generation]:
            self._costs[generation] = sys.getallocatedblocks() * _SECONDS_A_BLOCK
        if self._costs[generation] > self.share * _LONGEST_SAVED_FOR_SECONDS:
            return 0.0
        loads = [
            cost / interval if interval else 0.0
            for cost, interval in zip(self._costs, self._intervals, strict=True)
        ]
        return self._fair_part(loads, generation, self._share_now(now))

    def wins(self, probability: float) -> bool:
        """Whether the dice say so."""
        return self._random.random() < probability

    def spent(self, generation: int, seconds: float) -> None:
        """An analysis took so long."""
        self.spent_seconds += seconds
        self._costs[generation] = _MEMORY * self._costs[generation] + (1 - _MEMORY) * seconds

    def _learn_interval(self, generation: int, now: float) -> None:
        since = max(now - self._last[generation], 1e-6)
        self._last[generation] = now
        known = self._intervals[generation]
        self._intervals[generation] = _MEMORY * known + (1 - _MEMORY) * since if known else since

    def _share_now(self, now: float) -> float:
        """The share, more or less by what was saved or overdrawn so far."""
        elapsed = now - self._began_at
        saved = self._aim * elapsed - self.spent_seconds
        horizon = min(max(elapsed, _SHORTEST_HORIZON_SECONDS), _HORIZON_SECONDS)
        return max(self._aim + saved / horizon, self._aim * _LEAST)

    @staticmethod
    def _fair_part(loads: list[float], generation: int, share: float) -> float:
        """Those that need less than an equal part leave the rest to the others."""
        left, part = share, 0.0
        needy = sorted((number for number in range(_GENERATIONS) if loads[number]), key=loads.__getitem__)
        for place, number in enumerate(needy):
            part = min(loads[number], left / (len(needy) - place))
            left -= part
            if number == generation:
                break
        return min(1.0, part / loads[generation]) if loads[generation] else 1.0
