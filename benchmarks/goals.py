"""What is asked for: each goal reads its figure from the rows and is reached or missed by that alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.rows import Estimate, Rows
from garbology.text.numbers import NOTHING, format_interval, format_quantity

REACHED, MISSED, NOT_MEASURED = "reached", "missed", "not measured"


@dataclass(frozen=True)
class Goal:
    """At most `asked`, or at least where `is_least`; the unit is that of the figure."""

    text: str
    asked: float
    read: Callable[[Rows], Estimate | None]
    unit: str = ""
    is_least: bool = False

    def judged(self, rows: Rows) -> Judged:
        """The goal and what was measured for it."""
        return Judged(self, self.read(rows))


@dataclass(frozen=True)
class Judged:
    """A goal beside its figure, None where it was not measured."""

    goal: Goal
    found: Estimate | None

    @property
    def verdict(self) -> str:
        """By the median; the interval stands beside it."""
        if self.found is None:
            return NOT_MEASURED
        value, asked = self.found.value, self.goal.asked
        return REACHED if (value >= asked if self.goal.is_least else value <= asked) else MISSED

    @property
    def asked(self) -> str:
        """Such as "at most 4"."""
        return f"at {'least' if self.goal.is_least else 'most'} {shown(self.goal.asked, self.goal.unit)}"

    @property
    def measured(self) -> str:
        """Such as "3.8 (tree)"."""
        if self.found is None:
            return NOTHING
        value = shown(self.found.value, self.goal.unit)
        return f"{value} ({self.found.of})" if self.found.of else value

    @property
    def interval(self) -> str:
        """Of the rounds; empty where there was one."""
        return "" if self.found is None else interval_text(self.found, self.goal.unit)

    def row(self) -> list[str]:
        """The line of a table."""
        return [self.verdict, self.goal.text, self.asked, self.measured, self.interval]


@dataclass(frozen=True)
class Shown:
    """How a part is shown: its figures with their headings, and the ratio of one of them to that of `base`."""

    part: str
    figures: Mapping[str, str]
    base: str = ""
    ratio: str = ""


COLUMNS = ("", "goal", "asked for", "measured", "95 % interval")


def shown(value: float | None, unit: str) -> str:
    """A figure as text: seconds and bytes in the unit that fits, ratios as they are, parts of a whole as percent."""
    if value is None:
        return NOTHING
    return format_quantity(100 * value, "%") if unit == "part" else format_quantity(value, unit)


def interval_text(found: Estimate, unit: str) -> str:
    """The interval; of fewer rounds than one needs, the least and the most, and how many they were."""
    if found.rounds < 2:
        return ""
    low, high = (100 * each if unit == "part" else each for each in (found.low, found.high))
    text = format_interval(low, high, "%" if unit == "part" else unit)
    return text if found.has_interval else f"{text}, all {found.rounds}"


def judged(goals: Sequence[Goal], record: Mapping[str, Any]) -> Iterator[Judged]:
    """Each goal of a record's section."""
    rows = Rows(record["rows"])
    return (goal.judged(rows) for goal in goals)
