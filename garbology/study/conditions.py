"""Conditions: what the samples of a study can satisfy or break, as values that claims are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from garbology.study.runs import Narrowed, NotMeasured, Run, Runs

if TYPE_CHECKING:
    from garbology.study.selections import Selection


@dataclass(frozen=True)
class Evidence:
    """What was found where a condition holds: a text with figures, and the samples that were looked at.

    `margin` is the distance from the bound, relative to it: the closest of several cases is the one to show.
    `is_figure` is False where the text says no more than how many samples were checked.
    """

    text: str
    samples: frozenset[Any]
    margin: float = 0.0
    is_figure: bool = True


class Condition(ABC):
    """What the samples of a runtime satisfy or break; `selections` are those it reads, the leading one first."""

    selections: tuple[Selection, ...] = ()

    @abstractmethod
    def check(self, runs: Runs) -> Evidence:
        """The evidence where it holds; AssertionError with the figures that break it; NotMeasured without samples."""

    def for_each(self, *names: str) -> Condition:
        """The same for each value of these parameters that the leading selection has.

        The evidence is that of the value which comes closest to breaking it.
        """
        return _ForEach(self, names)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a condition is true or false of samples only: give each to study.claim() as an argument of its own, "
            "and instead of `low < value < high` write value.between(low, high)"
        )


class _ForEach(Condition):
    """A condition for each combination of values of some parameters."""

    def __init__(self, condition: Condition, names: tuple[str, ...]) -> None:
        self.selections = condition.selections
        self._condition = condition
        self._names = names

    def check(self, runs: Runs) -> Evidence:
        """The evidence that is closest to a bound; AssertionError for the first value that breaks it."""
        leading = self.selections[0].of(runs)
        combinations = dict.fromkeys(tuple(getattr(run, name) for name in self._names) for run in leading)
        found = [
            self._condition.check(Narrowed(runs, dict(zip(self._names, values, strict=True))))
            for values in combinations
        ]
        samples = frozenset().union(*(each.samples for each in found))
        return replace(min(found, key=lambda each: each.margin), samples=samples)


class _Predicated(Condition):
    """A predicate that is asked of the samples of a selection."""

    def __init__(self, selection: Selection, predicate: Callable[[Run], object], text: str) -> None:
        self.selections = (selection,)
        self._predicate = predicate
        self._text = text


class Every(_Predicated):
    """A predicate that is true of every sample; see `garbology.study.claims.every`."""

    def check(self, runs: Runs) -> Evidence:
        """The samples checked; AssertionError with the first that breaks it."""
        chosen = list(self.selections[0].of(runs))
        for run in chosen:
            if not self._predicate(run):
                text = self._text.format(**run.case, **run.values) if "{" in self._text else self._text
                raise AssertionError(f"{run}: {text}" if text else str(run))
        return Evidence("", keys_of(chosen), is_figure=False)


class Same(Condition):
    """Values that every sample has; see `garbology.study.claims.every`."""

    def __init__(self, selection: Selection, wanted: Mapping[str, Any]) -> None:
        for name in wanted:
            selection.median(name)  # a misspelt name is an error at once
        self.selections = (selection,)
        self._wanted = wanted

    def check(self, runs: Runs) -> Evidence:
        """The samples checked; AssertionError with the values of the first that has others."""
        chosen = list(self.selections[0].of(runs))
        for run in chosen:
            others = {
                name: getattr(run, name) for name in self._wanted if getattr(run, name) != self._wanted[name]
            }
            if others:
                texts = [f"{name} is {value!r}, not {self._wanted[name]!r}" for name, value in others.items()]
                raise AssertionError(f"{run}: {', '.join(texts)}")
        return Evidence("", keys_of(chosen), is_figure=False)


class Some(_Predicated):
    """A predicate that is true of at least one sample."""

    def check(self, runs: Runs) -> Evidence:
        """The samples checked; AssertionError with the first of them where none satisfies it."""
        chosen = list(self.selections[0].of(runs))
        if not any(self._predicate(run) for run in chosen):
            raise AssertionError(f"{self._text}: not so in any of {len(chosen):,}, the first is {chosen[0]}")
        return Evidence("", keys_of(chosen), is_figure=False)


class Proportional(Condition):
    """A value that grows as its parameter does, from each size to the next; see `claims.proportional`."""

    def __init__(self, selection: Selection, name: str, over: str, within: float) -> None:
        self.selections = (selection,)
        self._name = name
        self._over = over
        self._within = within

    def check(self, runs: Runs) -> Evidence:
        """The step that is farthest off; AssertionError with it where that is too far."""
        chosen = self.selections[0].of(runs)
        sizes = sorted({getattr(run, self._over) for run in chosen})
        if len(sizes) < 2:
            raise NotMeasured(f"{self._over} {sizes[0]} alone shows no growth")
        values = [chosen.where(**{self._over: size}).only_case().median(self._name) or 0 for size in sizes]
        overall = values[-1] / sizes[-1]
        off = 0.0
        for (size, value), (next_size, next_value) in pairwise(zip(sizes, values, strict=True)):
            slope = (next_value - value) / (next_size - size)
            off = max(off, abs(slope / overall - 1))
            if off >= self._within:
                each = f"{slope:,.1f} {self._name} for each of {self._over}, not {overall:,.1f}"
                raise AssertionError(f"{each}, from {size:,} to {next_size:,}")
        text = f"{self._name.replace('_', ' ')} in proportion, no step more than {off:.1%} off"
        return Evidence(text, keys_of(chosen), self._within - off)


class Agreement(Condition):
    """A value that is the same, to the last bit, however it came about; see `claims.agree`."""

    def __init__(self, selection: Selection, name: str, by: Sequence[str], across: str) -> None:
        self.selections = (selection,)
        self._name = name
        self._by = by
        self._across = across

    def check(self, runs: Runs) -> Evidence:
        """The samples compared; AssertionError with the first two that differ."""
        chosen = list(self.selections[0].of(runs))
        firsts: dict[tuple[Any, ...], Run] = {}
        ways: dict[tuple[Any, ...], set[Any]] = {}
        for run in chosen:
            group = tuple(getattr(run, name) for name in self._by)
            first = firsts.setdefault(group, run)
            value, expected = getattr(run, self._name), getattr(first, self._name)
            if value != expected:
                raise AssertionError(f"{run}: {value!r}, and {expected!r} with {dict(first.case)}")
            ways.setdefault(group, set()).add(getattr(run, self._across))
        if all(len(each) < 2 for each in ways.values()):
            raise NotMeasured(f"{getattr(chosen[0], self._across)} alone: there is nothing to compare")
        return Evidence("", keys_of(chosen), is_figure=False)


def keys_of(runs: Iterable[Run]) -> frozenset[Any]:
    """What tells samples apart, so that one which two conditions look at is counted once."""
    return frozenset((run.runtime, run.measure, repr(run.case), run.repeat, _row_of(run)) for run in runs)


def _row_of(run: Run) -> int:
    # samples that were made up in a test all have repeat 0: their values are objects of their own
    return id(run.values) if not run.runtime else 0
