"""What findings and figures read: the samples of a study, selected and grouped by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from garbology.study.wording import counted


class NotMeasured(Exception):
    """A selection of runs is empty, so whatever was claimed about it is neither held nor broken."""


class Unavailable(Exception):
    """A measure or a finding cannot be made here, say without a package: the message says what and the remedy.

    The sample or claim is shown as not measured, and that fails nothing.
    """


class Run:
    """One sample: the case's parameters and the measured values, all as attributes."""

    __slots__ = ("case", "measure", "repeat", "runtime", "seconds", "values")

    def __init__(
        self,
        measure: str,
        case: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        repeat: int = 0,
        seconds: float = 0.0,
        runtime: str = "",
    ) -> None:
        self.measure = measure
        self.case = case
        self.values = values
        self.repeat = repeat
        self.seconds = seconds
        self.runtime = runtime

    def __getattr__(self, name: str) -> Any:
        for source in (self.case, self.values):
            if name in source:
                return source[name]
        known = ", ".join([*self.case, *self.values])
        raise AttributeError(f"{self.measure} has no parameter or value {name!r}, it has {known}")

    def has(self, name: str) -> bool:
        """Whether `name` is a parameter of the case or a measured value."""
        return name in self.case or name in self.values

    def __repr__(self) -> str:
        shown = [
            f"{name}={value!r}"
            for name, value in self.values.items()
            if value is None or isinstance(value, (int, float, str))
        ]
        return f"{case_text(self.measure, self.case)} repeat {self.repeat}: {', '.join(shown)}"


class Case:
    """All samples of one case on one runtime; parameters are attributes."""

    __slots__ = ("case", "measure", "runtime", "samples")

    def __init__(self, measure: str, case: Mapping[str, Any], runtime: str, samples: list[Run]) -> None:
        self.measure = measure
        self.case = case
        self.runtime = runtime
        self.samples = samples

    def __getattr__(self, name: str) -> Any:
        if name in self.case:
            return self.case[name]
        raise AttributeError(f"{self.measure} has no parameter {name!r}, it has {', '.join(self.case)}")

    def median(self, field: str) -> float | None:
        """The median of a measured value over the samples, None where nothing was measured."""
        from garbology.study import statistics

        return statistics.median(getattr(run, field) for run in self.samples)

    def interval(self, field: str) -> tuple[float, float] | None:
        """The 95 % bootstrap interval of that median, None for fewer than five samples."""
        from garbology.study import statistics

        return statistics.interval(getattr(run, field) for run in self.samples)

    def __repr__(self) -> str:
        return f"{case_text(self.measure, self.case)}, {counted(len(self.samples), 'sample')}"


class Runs:
    """The samples that were measured well, as an iterable of `Run`.

    Iterating over an empty selection raises NotMeasured: a loop of assertions over nothing would hold always.
    """

    def __init__(self, runs: Iterable[Run], selection: str = "") -> None:
        self._runs = list(runs)
        self._selection = selection

    def __iter__(self) -> Iterator[Run]:
        if not self._runs:
            raise NotMeasured(f"no sample of {self._selection or 'anything'}")
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def of(self, measure: Callable[..., Any] | str) -> Runs:
        """The runs of one measure, given as the function or by name."""
        name = measure if isinstance(measure, str) else measure.__name__
        return self._select([run for run in self._runs if run.measure == name], name)

    def where(self, **wanted: Any) -> Runs:
        """The runs whose parameters and values equal those given; a list, tuple or set means any of them.

        A name that no run has is an AttributeError: a misspelt parameter must not select nothing in silence.
        """
        for name in wanted:
            if self._runs and not any(run.has(name) for run in self._runs):
                getattr(self._runs[0], name)
        chosen = [run for run in self._runs if all(_matches(run, name, wanted[name]) for name in wanted)]
        return self._select(chosen, ", ".join(f"{name}={value!r}" for name, value in wanted.items()))

    def matching(self, predicate: Callable[[Run], object], text: str = "") -> Runs:
        """The runs of which the predicate is true; `text` says which these are."""
        return self._select([run for run in self._runs if predicate(run)], text)

    def each(self, make: Callable[[Run], Run]) -> Runs:
        """What is made of each sample, under the name of this selection."""
        return Runs(map(make, self._runs), self._selection)

    def cases(self) -> list[Case]:
        """The runs grouped by runtime, measure and case, in the order of the grid."""
        groups: dict[tuple[Any, ...], Case] = {}
        for run in self:
            key = (run.runtime, run.measure, *map(repr, run.case.items()))
            group = groups.setdefault(key, Case(run.measure, run.case, run.runtime, []))
            group.samples.append(run)
        return list(groups.values())

    def only_case(self) -> Case:
        """The one case of this selection; ValueError where it holds several."""
        cases = self.cases()
        if len(cases) > 1:
            raise ValueError(
                f"{self._selection} selects {len(cases)} cases, expected one: {cases[0]}, {cases[1]}"
            )
        return cases[0]

    def _select(self, runs: list[Run], selection: str) -> Runs:
        return Runs(runs, ", ".join(filter(None, [self._selection, selection])))


class Narrowed(Runs):
    """Samples of which every selection takes those alone that have these values of some parameters."""

    def __init__(self, runs: Runs, within: Mapping[str, Any]) -> None:
        super().__init__(runs._runs, runs._selection)
        outer: Mapping[str, Any] = runs.within if isinstance(runs, Narrowed) else {}
        self.within: dict[str, Any] = {**outer, **within}

    def includes(self, run: Run) -> bool:
        """Whether a sample has these values, of those parameters that it has at all."""
        return all(getattr(run, name) == value for name, value in self.within.items() if run.has(name))


def case_text(measure: str, case: Mapping[str, Any]) -> str:
    """A case as a call: ``drop_a_chain(outputs='weak', operations=100)``."""
    return f"{measure}({', '.join(f'{name}={value!r}' for name, value in case.items())})"


def _matches(run: Run, name: str, wanted: Any) -> bool:
    if not run.has(name):
        return False
    value = getattr(run, name)
    return bool(value == wanted) or (isinstance(wanted, (list, tuple, set, frozenset)) and value in wanted)
