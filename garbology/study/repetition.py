"""How often a case is measured: until its times are known well enough, or a limit is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TIME_SUFFIX = "_seconds"


def time_names(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the times among the values of some samples."""
    return list(dict.fromkeys(name for sample in values for name in sample if name.endswith(TIME_SUFFIX)))


@dataclass(frozen=True)
class Repetition:
    """At least `fewest` samples of each case, then more while it is too imprecise, at most `most`.

    A case is precise when the 95 % interval of the median of each of its times (fields that end in
    "_seconds") is within `precision` of that median, as a fraction of it.
    """

    fewest: int
    most: int
    precision: float

    def is_precise(self, values: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the samples of a case, given by their values, are enough; counts alone always are."""
        return all(self._is_narrow([sample.get(name) for sample in values]) for name in time_names(values))

    def _is_narrow(self, times: Iterable[Any]) -> bool:
        from garbology.study import statistics

        measured = [time for time in times if isinstance(time, (int, float)) and not isinstance(time, bool)]
        if len(set(measured)) <= 1:  # a time that is the same in all samples, or that no sample has
            return len(measured) != 1
        middle, interval = statistics.median(measured), statistics.interval(measured)
        if middle is None or interval is None:
            return False
        return max(middle - interval[0], interval[1] - middle) <= self.precision * abs(middle)
