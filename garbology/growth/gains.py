"""Which objects gain census after census, and which did and have stopped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from garbology.growth.baseline import State
from garbology.growth.trend import Slope, slope_of
from garbology.snapshot.arrays import distinct

_LEAST_RISING_SHARE = 1 / 3  # of the times between two censuses: what gains once does not grow
_FEWEST_RISES = 2
_FIRST_SHARE, _LIKE_SHARE = 0.9, 0.01
_FULL_BY_SHARE = 2 / 3  # of the steps: a third of them shows that it is full
_LARGE_SHARE = 0.1  # of what all live objects gained
_Values = NDArray[np.float64]


class Gains:
    """What each object of the first census has gained at each later one.

    Attributes
    ----------
    places : int32, shape (n,). The objects, by their places in the first census.
    gained, entries : float64, shape (censuses, n). Bytes and entries of each.
    """

    def __init__(self, states: Sequence[State], settled: float) -> None:
        self._steps = np.array([state.step for state in states], float)
        self._live = np.array([state.live_bytes for state in states], float)
        steady = self._steps >= settled
        self._steady = steady if steady.sum() > 1 else np.ones(len(states), bool)
        self.places = distinct(np.concatenate([state.places for state in states]))
        self.gained, self.entries = np.zeros((2, len(states), len(self.places)))
        for number, state in enumerate(states):
            columns = np.searchsorted(self.places, state.places)
            self.gained[number, columns], self.entries[number, columns] = state.gained, state.entries

    def rate(self, columns: Sequence[int] | NDArray[np.intp]) -> Slope:
        """Bytes a step of some of them together, over the steady part: from ``settled`` on."""
        return self._slope(self.gained[:, columns].sum(axis=1))

    def growing(self, least: float, *, surely: bool = False) -> list[int]:
        """Those that gain ``least`` bytes a step again and again, most bytes first."""
        steady = self.gained[self._steady]
        enough = np.flatnonzero(steady.max(axis=0) - steady.min(axis=0) >= least * np.diff(self._steps).min())
        rates = {at: self.rate([at]) for at in enough.tolist()}
        growing = [at for at, rate in rates.items() if self.grow([at], rate, least, surely=surely)]
        return sorted(growing, key=lambda at: -rates[at].value)

    def grow(
        self, columns: Sequence[int] | NDArray[np.intp], rate: Slope, least: float, *, surely: bool = False
    ) -> bool:
        """Whether some of them, of this ``rate`` together, gain ``least`` bytes a step again and again.

        With ``surely`` the interval of the rate has no zero in it. That of a table has, which is resized now and then.
        """
        if rate.value < least or rate.low < 0 or (surely and rate.low == 0):
            return False
        series = (each[self._steady][:, columns].sum(axis=1) for each in (self.gained, self.entries))
        return any(map(rises_again, series))

    def stopped(self, growing: Sequence[int], least: int, entries: int = 0) -> list[int]:
        """Those that gained at least so many bytes and ``entries``, and gain no more, most bytes first.

        Without ``entries``, what jumped once and has none is left out: its bytes may be those of another.
        """
        return [
            at
            for at in np.argsort(-self.gained[-1]).tolist()
            if self.gained[-1, at] >= least
            and self.entries[-1, at] >= entries
            and (self.entries[-1, at] > 0 or self._fills(at))
            and at not in growing
            and has_stopped(self._steps, self.gained[:, at])
            and has_stopped(self._steps, self.entries[:, at])
        ]

    def full_from(self) -> float:
        """From which step on the large ones are full that had filled by two thirds of the steps; the first where none.

        Where the collector is paused, garbage takes over what a full cache no longer gains: the sum shows nothing.
        """
        span = self._steps[-1] - self._steps[0]
        large = _LARGE_SHARE * max(self._live[-1] - self._live[0], 0.0)
        fills = [
            max(reached(self._steps, self.gained[:, at]), reached(self._steps, self.entries[:, at]))
            for at in np.flatnonzero(self.gained[-1] > large).tolist()
            if self._fills(at)
        ]
        full = [step for step in fills if step <= self._steps[0] + _FULL_BY_SHARE * span]
        return float(max(full, default=self._steps[0]))

    def live_without(self, stopped: Sequence[int]) -> Slope:
        """What all live objects gain, but for those that have stopped."""
        return self._slope(self._live - self.gained[:, stopped].sum(axis=1))

    def _slope(self, series: _Values) -> Slope:
        return slope_of(self._steps[self._steady], series[self._steady])

    def _fills(self, at: int) -> bool:
        return int((np.diff(self.gained[:, at]) > 0).sum()) >= _FEWEST_RISES


def rises_again(series: _Values) -> bool:
    """Whether a series rises in at least a third of the times between two censuses, as by one import it does not."""
    changes = np.diff(series)
    rises = int((changes > 0).sum())
    return rises == len(changes) or rises >= max(_FEWEST_RISES, _LEAST_RISING_SHARE * len(changes))


def has_stopped(steps: _Values, series: _Values) -> bool:
    """Whether a series rises no more in the last tenth of the steps."""
    tenth = steps[0] + _FIRST_SHARE * (steps[-1] - steps[0])
    before = int(np.searchsorted(steps, tenth, side="right")) - 1
    return bool(series[-1] <= series[before] + _LIKE_SHARE * abs(series[-1]))


def reached(steps: _Values, series: _Values) -> float:
    """At which step a series had what it has at the last."""
    return float(steps[int(np.argmax(series >= series[-1] - _LIKE_SHARE * abs(series[-1])))])
