"""Selections: samples of a measure that are chosen by name before any sample is there.

A measure is a selection of all its samples. `collect.where(collection="full").largest("live_objects")` chooses some,
and `.pause_seconds` of that is a quantity: the median over them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

from garbology.study.growth import slopes_of
from garbology.study.quantities import Field, Leaf, Quantity
from garbology.study.runs import Narrowed, NotMeasured, Run, Runs

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Selection:
    """Samples that are chosen when there are some; every attribute that is no method is a quantity of them.

    A selection of nothing raises NotMeasured where it is judged, so that nothing is claimed of no samples. A name
    that the measure neither takes nor returns is an AttributeError at once.
    """

    def __init__(self, take: Callable[[Runs], Runs], names: Collection[str] | None = None) -> None:
        self._take = take
        self._names = names  # parameters and values, None where they are not known before there are samples

    def of(self, runs: Runs) -> Runs:
        """The chosen ones of these samples."""
        chosen = self._take(runs)
        return chosen.matching(runs.includes) if isinstance(runs, Narrowed) else chosen

    def where(self, **wanted: Any) -> Selection:
        """Those whose parameters and values equal the ones given; a list means any of them."""
        for name in wanted:
            self._require(name)
        return Selection(lambda runs: self.of(runs).where(**wanted), self._names)

    def each(self, **wanted: Sequence[Any]) -> list[Selection]:
        """A selection for each value of a parameter: `young, full = collect.each(kind=["young", "full"])`."""
        ((name, values),) = wanted.items()
        return [self.where(**{name: value}) for value in values]

    def matching(self, predicate: Callable[[Run], object], text: str = "") -> Selection:
        """Those of which the predicate is true; `text` says which these are, where there are none."""
        return Selection(lambda runs: self.of(runs).matching(predicate, text), self._names)

    def largest(
        self, name: str, *, among: int = 1, apart: float = 1, at_least: float | None = None
    ) -> Selection:
        """Those with the greatest value of a parameter.

        Not measured where there are fewer than `among` values, where the greatest is less than `apart` times the
        least, or where it is below `at_least`: there would be nothing to compare.
        """
        return self._extreme(max, name, among, apart, at_least, None)

    def smallest(
        self, name: str, *, among: int = 1, apart: float = 1, at_most: float | None = None
    ) -> Selection:
        """Those with the least value of a parameter; see `largest`."""
        return self._extreme(min, name, among, apart, None, at_most)

    def several(self, name: str) -> Selection:
        """All of them; not measured where a parameter has one value only, so that there is nothing to compare."""
        largest = self.largest(name, among=2)

        def take(runs: Runs) -> Runs:
            largest.of(runs)
            return self.of(runs)

        return Selection(take, self._names)

    def first(self, *names: str) -> Selection:
        """Those of the first case alone, for an example, or of the first for each value of the parameters named."""

        def take(runs: Runs) -> Runs:
            chosen = self.of(runs)
            firsts: dict[tuple[Any, ...], Mapping[str, Any]] = {}
            for run in chosen:
                firsts.setdefault(tuple(getattr(run, name) for name in names), run.case)
            return chosen.matching(lambda run: run.case in firsts.values())

        return Selection(take, self._names)

    def slopes(self, name: str, *, over: str) -> Selection:
        """The growth of a measured value from each value of a parameter to the next, the other parameters the same.

        Each step is a sample of the larger case with the value `slope`: the difference of the medians divided by that
        of the parameter. Not measured where one of the others has one value of the parameter only.
        """
        self._require(name)
        self._require(over)
        return Selection(lambda runs: slopes_of(self.of(runs), name, over))

    def rows(self, name: str, *, by: Sequence[str]) -> Selection:
        """Each row of a list of dicts that the measure returned, as a sample of its own.

        `by` names the keys that tell one row from another: they become parameters.
        """
        self._require(name)
        return Selection(
            lambda runs: Runs(_row(run, row, by) for run in self.of(runs) for row in getattr(run, name))
        )

    def with_values(self, **made: Callable[[Run], Any]) -> Selection:
        """The same samples with more values, made of each: `each_bytes=lambda run: run.held_bytes / run.pairs`."""

        def more(run: Run) -> Run:
            values = {**run.values, **{name: make(run) for name, make in made.items()}}
            return Run(run.measure, run.case, values, repeat=run.repeat, runtime=run.runtime)

        return Selection(lambda runs: self.of(runs).each(more), self._names and [*self._names, *made])

    def side_by_side(self, names: Mapping[str, str], *, by: str, value: str) -> Selection:
        """Each of several values of a sample as a sample of its own, so that a figure can compare them.

        `names` maps what the reader sees, which becomes the parameter `by`, to the measured value, which is then
        called `value`.
        """
        for name in names.values():
            self._require(name)

        def take(runs: Runs) -> Runs:
            return Runs(
                Run(run.measure, {**run.case, by: seen}, {value: getattr(run, name)}, runtime=run.runtime)
                for run in self.of(runs)
                for seen, name in names.items()
            )

        return Selection(take)

    def median(self, name: str) -> Quantity:
        """The median of a measured value over the samples of the one case chosen, or the value of a parameter."""
        self._require(name)
        return _of_leaf(Leaf(self, name))

    def most(self, field: Field, text: str = "") -> Quantity:
        """The greatest of a measured value, or of what a function makes of a sample, over all samples and cases.

        `text` says what the function makes.
        """
        return _of_leaf(Leaf(self, self._checked(field), "most", text))

    def least(self, field: Field, text: str = "") -> Quantity:
        """The least, as `most` is the greatest."""
        return _of_leaf(Leaf(self, self._checked(field), "least", text))

    def count(self, name: str) -> Quantity:
        """How many different values a parameter or a measured value has."""
        self._require(name)
        return _of_leaf(Leaf(self, name, "count"))

    def listed(self, text: str, separator: str = ", ") -> Quantity:
        """A text about every case, no text twice; values of its first sample are in braces: "{layout}: {size:g}"."""
        leaf = Leaf(self, lambda run: text.format(**run.case, **run.values), "listed")
        return Quantity([leaf], separator.join)

    def __or__(self, other: Selection) -> Selection:
        """The samples of both; each of the two must have some."""
        return Selection(lambda runs: Runs([*self.of(runs), *other.of(runs)]))

    def __getattr__(self, name: str) -> Quantity:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.median(name)

    def _extreme(
        self,
        choose: Callable[..., Any],
        name: str,
        among: int,
        apart: float,
        at_least: float | None,
        at_most: float | None,
    ) -> Selection:
        self._require(name)

        def take(runs: Runs) -> Runs:
            chosen = self.of(runs)
            values = {getattr(run, name) for run in chosen}
            if len(values) < among or (apart > 1 and max(values) < apart * min(values)):
                raise NotMeasured(f"{_listed(name, values)} alone: there is nothing to compare")
            value = choose(values)
            if (at_least is not None and value < at_least) or (at_most is not None and value > at_most):
                limit = f"at least {at_least:,}" if at_least is not None else f"at most {at_most:,}"
                raise NotMeasured(f"{_listed(name, values)}: none is {limit}")
            return chosen.where(**{name: value})

        return Selection(take, self._names)

    def _checked(self, field: Field) -> Field:
        if isinstance(field, str):
            self._require(field)
        return field

    def _require(self, name: str) -> None:
        if self._names is not None and name not in self._names:
            raise AttributeError(
                f"there is no parameter or value {name!r}, there are {', '.join(self._names)}"
            )


class Measured(Selection, Generic[Parameters, Result]):
    """A measure: called, it measures; otherwise it is the selection of all its samples."""

    def __init__(self, function: Callable[Parameters, Result], parameters: Sequence[str]) -> None:
        name = function.__name__
        super().__init__(lambda runs: runs.of(name), _names_of(function, parameters))
        self._function = function
        self.__name__ = name
        update_wrapper(self, function)

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        """Measure once, here."""
        return self._function(*args, **kwargs)


def _of_leaf(leaf: Leaf) -> Quantity:
    return Quantity([leaf], lambda value: value, leaf.unit)


def _names_of(function: Callable[..., Any], parameters: Sequence[str]) -> list[str] | None:
    try:
        result = get_type_hints(function).get("return")
    except NameError:  # a class that is local to a function
        return None
    returned = [field.name for field in fields(result)] if is_dataclass(result) else []
    return [*parameters, *returned]


def _row(run: Run, row: dict[str, Any], by: Sequence[str]) -> Run:
    case = {**run.case, **{name: row[name] for name in by}}
    values = {name: value for name, value in row.items() if name not in by}
    return Run(run.measure, case, values, repeat=run.repeat, runtime=run.runtime)


def _listed(name: str, values: Collection[Any]) -> str:
    from garbology.text.numbers import format_value, title_of

    return f"{title_of(name)} {', '.join(format_value(value, name) for value in sorted(values))}"
