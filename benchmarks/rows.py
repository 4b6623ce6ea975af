"""What was measured, asked for figures: medians, ratios of rounds, and how time grows with size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from garbology.study.statistics import interval, median


@dataclass(frozen=True)
class Estimate:
    """A median over rounds; `low` and `high` are its 95 % interval, or the least and the most of under five rounds."""

    value: float
    low: float
    high: float
    rounds: int
    of: str = ""  # which case it is of, where it is the worst of several

    @property
    def has_interval(self) -> bool:
        """Whether there were rounds enough for one."""
        return self.rounds >= 5


def estimate(values: Sequence[float | None], of: str = "") -> Estimate | None:
    """The estimate of some rounds, None where there is no value."""
    present = [float(value) for value in values if value is not None]
    middle = median(present)
    if middle is None:
        return None
    low, high = interval(present) or (min(present), max(present))
    return Estimate(float(middle), low, high, len(present), of)


class Rows:
    """The rows of one record."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = rows

    def of(self, **wanted: Any) -> list[Mapping[str, Any]]:
        """Those with these values."""
        return [row for row in self._rows if all(row[name] == value for name, value in wanted.items())]

    def cases(self, part: str) -> list[str]:
        """The cases of a part, in the order in which they were measured."""
        return list(dict.fromkeys(row["case"] for row in self.of(part=part)))

    def who(self, part: str) -> list[str]:
        """Who was measured in a part."""
        return list(dict.fromkeys(row["who"] for row in self.of(part=part)))

    def figures(self, part: str) -> list[str]:
        """Which figures a part has."""
        return list(dict.fromkeys(row["figure"] for row in self.of(part=part)))

    def values(self, part: str, case: str, who: str, figure: str) -> list[float | None]:
        """The values of all rounds; none where it was not measured."""
        found = self.of(part=part, case=case, who=who, figure=figure)
        return list(found[0]["values"]) if found else []

    def words(self, part: str, case: str, who: str, figure: str) -> str:
        """Of a figure that is none: what the first round said."""
        values: list[Any] = [*self.values(part, case, who, figure)]
        return values[0] if values and isinstance(values[0], str) else ""

    def median(self, part: str, case: str, who: str, figure: str) -> Estimate | None:
        """The estimate of one figure."""
        return estimate(self.values(part, case, who, figure))

    def ratio(self, part: str, case: str, who: str, base: str, figure: str) -> Estimate | None:
        """How many times the figure of `base`, round by round: what slowed one round down slowed both."""
        return self.paired(part, case, who, base, figure, lambda ours, theirs: ours / theirs)

    def added(self, part: str, case: str, who: str, base: str, figure: str) -> Estimate | None:
        """How much more than `base`, round by round."""
        return self.paired(part, case, who, base, figure, lambda ours, theirs: ours - theirs)

    def paired(
        self,
        part: str,
        case: str,
        who: str,
        base: str,
        figure: str,
        combine: Callable[[float, float], float],
    ) -> Estimate | None:
        """What `combine` makes of both figures of a round."""
        ours, theirs = (self.values(part, case, each, figure) for each in (who, base))
        pairs = [
            (one, other)
            for one, other in zip(ours, theirs, strict=False)
            if one is not None and other is not None
        ]
        return estimate(
            [combine(one, other) for one, other in pairs], case if len(self.cases(part)) > 1 else ""
        )

    def worst(self, part: str, who: str, figure: str, cases: Sequence[str] | None = None) -> Estimate | None:
        """The highest of several cases, by its median."""
        chosen = self.cases(part) if cases is None else cases
        found = [
            estimate(self.values(part, case, who, figure), case if len(chosen) > 1 else "") for case in chosen
        ]
        return highest(found)

    def exponent(self, part: str, who: str, figure: str, cases: Sequence[str]) -> Estimate | None:
        """The slope of the figure over the size, both as logarithms, round by round."""
        found = [self.of(part=part, case=case, who=who, figure=figure) for case in cases]
        rows = [each[0] for each in found if each]
        if len(rows) < 2:
            return None
        sizes = np.log([row["size"] for row in rows])
        rounds = zip(*(row["values"] for row in rows), strict=False)
        return estimate([float(np.polyfit(sizes, np.log(values), 1)[0]) for values in rounds])


def highest(found: Sequence[Estimate | None]) -> Estimate | None:
    """The one with the highest median."""
    present = [each for each in found if each is not None]
    return max(present, key=lambda each: each.value, default=None)


def lowest(found: Sequence[Estimate | None]) -> Estimate | None:
    """The one with the lowest median."""
    present = [each for each in found if each is not None]
    return min(present, key=lambda each: each.value, default=None)
