"""Quantities: medians and extremes of measured values, arithmetic with them, and comparisons that give evidence."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from garbology.study.conditions import Condition, Evidence, keys_of
from garbology.study.runs import NotMeasured, Run, Runs, case_text

if TYPE_CHECKING:
    from garbology.study.selections import Selection

Field = str | Callable[[Run], Any]
_SIGNS: dict[Callable[[Any, Any], bool], str] = {
    operator.lt: "<",
    operator.le: "\N{LESS-THAN OR EQUAL TO}",
    operator.gt: ">",
    operator.ge: "\N{GREATER-THAN OR EQUAL TO}",
    operator.eq: "=",
}


@dataclass(frozen=True)
class Reading:
    """What a leaf of a quantity is on one runtime: its value, the samples behind it and their case."""

    value: Any
    samples: Sequence[Any]
    runs: Sequence[Run]
    case: dict[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A measured value of a selection: the median over the samples of its one case, an extreme of all samples, how many
    values there are, or a list of them."""

    selection: Selection
    field: Field
    kind: Literal["median", "least", "most", "count", "listed"] = "median"
    text: str = ""  # what a function as `field` stands for

    @property
    def unit(self) -> str:
        """The base unit that the field's name ends in."""
        from garbology.text.numbers import unit_of

        return unit_of(self.field) if isinstance(self.field, str) else ""

    @property
    def title(self) -> str:
        """The field as words, without its unit."""
        from garbology.text.numbers import title_of

        return self.text or (title_of(self.field) if isinstance(self.field, str) else "")

    def read(self, runs: Runs) -> Reading:
        """Its reading; ValueError where a median is asked of several cases, NotMeasured without samples."""
        if self.kind == "median":
            case = self.selection.of(runs).only_case()
            samples = [self._of(run) for run in case.samples]
            return Reading(_middle(samples), samples, case.samples, dict(case.case))
        chosen = list(self.selection.of(runs))
        if self.kind == "count":
            return Reading(len({repr(self._of(run)) for run in chosen}), [], chosen, {})
        if self.kind == "listed":
            firsts = [self._of(case.samples[0]) for case in Runs(chosen).cases()]
            return Reading(list(dict.fromkeys(firsts)), [], chosen, {})
        present = [run for run in chosen if self._of(run) is not None]
        if not present:
            return Reading(None, [], chosen, {})
        extreme = (min if self.kind == "least" else max)(present, key=self._of)
        return Reading(self._of(extreme), [], chosen, dict(extreme.case))

    def _of(self, run: Run) -> Any:
        return self.field(run) if callable(self.field) else getattr(run, self.field)


class Quantity:
    """A number made of measured values: `full.pause_seconds / young.pause_seconds`.

    Arithmetic with numbers and other quantities gives a quantity. `<`, `<=`, `>`, `>=`, `between` and `equals`
    give conditions for `study.claim`. Nothing is calculated before samples are judged.
    """

    def __init__(
        self, leaves: Sequence[Leaf], combine: Callable[..., Any], unit: str = "", note: str = ""
    ) -> None:
        self.leaves = tuple(leaves)
        self.unit = unit
        self.note = note  # how evidence shows the number: '{:.1f} bytes an operation'
        self.is_ratio = False
        self._combine = combine

    def value(self, readings: dict[Leaf, Any]) -> Any:
        """The number, or an array of them, where each leaf has this value."""
        return self._combine(*(readings[leaf] for leaf in self.leaves))

    def read(self, runs: Runs) -> tuple[Any, dict[Leaf, Reading]]:
        """The number and the readings it is made of; NotMeasured where one of the values is None."""
        readings = read_all(self.leaves, runs)
        return self.value({leaf: reading.value for leaf, reading in readings.items()}), readings

    def text(self, runs: Runs, spec: str = "") -> str:
        """The number for a sentence, with its unit, or as the format `spec` says: '61.2 MB', '1.5'.

        A text is shown as it is, a list with commas, and what is None as a dash.
        """
        from garbology.study.wording import shown

        values = {leaf: leaf.read(runs).value for leaf in self.leaves}
        if None in values.values():
            return shown(None)
        value = self.value(values)
        if isinstance(value, str):
            return value
        return format(value, spec) if spec else shown(value, self.unit)

    def called(self, note: str, unit: str | None = None) -> Quantity:
        """The same, put another way in evidence: `(a / b).called("{:.1f} bytes an operation")`."""
        return Quantity(self.leaves, self._combine, self.unit if unit is None else unit, note)

    def between(self, low: float | Quantity, high: float | Quantity) -> Condition:
        """Whether it is at least `low` and at most `high`."""
        return Comparison(self, (operator.ge, quantity(low)), (operator.le, quantity(high)))

    def equals(self, other: float | Quantity) -> Condition:
        """Whether both are the same number."""
        return Comparison(self, (operator.eq, quantity(other)))

    def __lt__(self, other: float | Quantity) -> Condition:
        return Comparison(self, (operator.lt, quantity(other)))

    def __le__(self, other: float | Quantity) -> Condition:
        return Comparison(self, (operator.le, quantity(other)))

    def __gt__(self, other: float | Quantity) -> Condition:
        return Comparison(self, (operator.gt, quantity(other)))

    def __ge__(self, other: float | Quantity) -> Condition:
        return Comparison(self, (operator.ge, quantity(other)))

    def __add__(self, other: float | Quantity) -> Quantity:
        return _combined(operator.add, self, quantity(other), self.unit)

    def __sub__(self, other: float | Quantity) -> Quantity:
        return _combined(operator.sub, self, quantity(other), self.unit)

    def __mul__(self, other: float | Quantity) -> Quantity:
        return _combined(operator.mul, self, quantity(other), self.unit or quantity(other).unit)

    __rmul__ = __mul__
    __radd__ = __add__

    def __truediv__(self, other: float | Quantity) -> Quantity:
        divisor = quantity(other)
        unit = "" if divisor.unit == self.unit and divisor.leaves else self.unit
        divided = _combined(operator.truediv, self, divisor, unit)
        divided.is_ratio = bool(divisor.leaves) and divisor.unit == self.unit
        return divided


class Comparison(Condition):
    """A quantity against one or two bounds; the evidence shows every measured value that takes part."""

    def __init__(self, measured: Quantity, *bounds: tuple[Callable[[Any, Any], bool], Quantity]) -> None:
        self._measured = measured
        self._bounds = bounds
        leaves = [*measured.leaves, *(leaf for _, bound in bounds for leaf in bound.leaves)]
        self._leaves = tuple(dict.fromkeys(leaves))
        self.selections = tuple(leaf.selection for leaf in self._leaves)

    def check(self, runs: Runs) -> Evidence:
        """The measured values; AssertionError with them where a bound is broken."""
        readings = read_all(self._leaves, runs)
        values = {leaf: reading.value for leaf, reading in readings.items()}
        try:
            measured = self._measured.value(values)
            bounds = [(compare, bound.value(values)) for compare, bound in self._bounds]
        except ZeroDivisionError:
            raise AssertionError(f"{_leaves_text(readings)}: nothing to divide by") from None
        text = self._text(readings, measured)
        if not all(compare(measured, bound) for compare, bound in bounds):
            raise AssertionError(f"{text} ({self._claimed(values)})")
        samples = frozenset().union(*(keys_of(reading.runs) for reading in readings.values()))
        return Evidence(text, samples, min(_distance(measured, bound) for _, bound in bounds))

    def _text(self, readings: dict[Leaf, Reading], measured: Any) -> str:
        """The measured values, and what was made of them: 'pause 20 µs (young), 45 ms (full): 0.04%'."""
        if self._measured.note and len(self._leaves) == 1:
            return _leaves_text(readings, title=self._measured.note.format(measured))
        return _leaves_text(readings, self._made(readings, measured))

    def _made(self, readings: dict[Leaf, Reading], measured: Any) -> str:
        from garbology.study.wording import shown

        if len(self._measured.leaves) > 1:
            if self._measured.note:
                return self._measured.note.format(measured)
            return _ratio(measured) if self._measured.is_ratio else shown(measured, self._measured.unit)
        compared = [reading.value for leaf, reading in readings.items() if not _is_parameter(leaf, reading)]
        if len(compared) != 2 or not compared[1] or len({leaf.unit for leaf in readings}) > 1:
            return ""
        return _ratio(compared[0] / compared[1])

    def _claimed(self, values: dict[Leaf, Any]) -> str:
        from garbology.study.wording import shown

        unit = self._measured.unit
        limits = [f"{_SIGNS[compare]} {shown(bound.value(values), unit)}" for compare, bound in self._bounds]
        return f"claimed {' and '.join(limits)}"


def quantity(value: float | Quantity) -> Quantity:
    """A number as a quantity that no sample changes."""
    return value if isinstance(value, Quantity) else Quantity((), lambda: value)


def read_all(leaves: Sequence[Leaf], runs: Runs) -> dict[Leaf, Reading]:
    """The reading of each leaf; NotMeasured where one has samples but no value."""
    readings = {leaf: leaf.read(runs) for leaf in leaves}
    for leaf, reading in readings.items():
        if reading.value is None:
            case = case_text(reading.runs[0].measure, reading.runs[0].case)
            raise NotMeasured(f"{leaf.title} is not known of {case}")
    return readings


def _combined(operation: Callable[[Any, Any], Any], left: Quantity, right: Quantity, unit: str) -> Quantity:
    leaves = tuple(dict.fromkeys([*left.leaves, *right.leaves]))

    def combine(*values: Any) -> Any:
        by_leaf = dict(zip(leaves, values, strict=True))
        return operation(left.value(by_leaf), right.value(by_leaf))

    return Quantity(leaves, combine, unit)


def _leaves_text(readings: dict[Leaf, Reading], made: str = "", title: str = "") -> str:
    """Each value with what tells its case from the others, then what all cases share in size."""
    from garbology.study.wording import shown

    shown_leaves = {leaf: each for leaf, each in readings.items() if not _is_parameter(leaf, each)}
    cases = [reading.case for reading in shown_leaves.values()]
    titles = [leaf.title for leaf in shown_leaves]
    extreme = bool(shown_leaves) and all(leaf.kind != "median" for leaf in shown_leaves)
    parts: list[str] = []
    for leaf, reading in shown_leaves.items():
        value = title or shown(reading.value, leaf.unit)
        value = {"least": "at least ", "most": "at most "}.get(leaf.kind, "") + value
        named = value if title or (parts and len(set(titles)) == 1) else f"{leaf.title} {value}"
        label = _label(reading.case, [] if extreme else cases)
        parts.append(f"{named} ({label})" if label else named)
    common = "" if extreme else _common(cases)
    return ", ".join(parts) + (f": {made}" if made else "") + (f"; {common}" if common else "")


def _label(case: dict[str, Any], cases: Sequence[dict[str, Any]]) -> str:
    """The parameters in which a case differs from the others; all of them where there are no others."""
    missing = object()
    differing = [
        name for name in case if not cases or any(other.get(name, missing) != case[name] for other in cases)
    ]
    return ", ".join(_parameter(name, case[name]) for name in differing)


def _common(cases: Sequence[dict[str, Any]]) -> str:
    """The sizes that all cases share: numbers, for what is named is in the claim's own words."""
    first = cases[0] if cases else {}
    same = [name for name in first if all(other.get(name) == first[name] for other in cases)]
    return ", ".join(_parameter(name, first[name]) for name in same if not isinstance(first[name], str))


def _parameter(name: str, value: Any) -> str:
    from garbology.text.numbers import format_value, title_of

    return value if isinstance(value, str) else f"{title_of(name)} {format_value(value, name)}"


def _is_parameter(leaf: Leaf, reading: Reading) -> bool:
    return isinstance(leaf.field, str) and leaf.field in reading.case


def _ratio(value: float) -> str:
    """A ratio in words: '0.02%', '1.37 times', '295 times'."""
    return f"{value:.2%}" if value < 0.995 else f"{value:.2f} times" if value < 10 else f"{value:,.0f} times"


def _distance(measured: Any, bound: Any) -> float:
    return float(abs(measured / bound - 1) if bound else abs(measured))


def _middle(samples: Sequence[Any]) -> Any:
    from garbology.study import statistics

    if samples and isinstance(samples[0], (str, list)):
        return samples[0] if isinstance(samples[0], str) else ", ".join(map(str, samples[0]))
    return statistics.median(samples)
