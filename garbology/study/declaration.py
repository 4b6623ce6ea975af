"""A study's declaration: its grid, its measures and its claims, checked when the module is imported."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, overload

from garbology.study.checks import SETTINGS, check_grid, check_measure, check_takes_runs, check_title
from garbology.study.exceptions import ExpectedException
from garbology.study.repetition import Repetition

if TYPE_CHECKING:
    from garbology.study.page import StudyPage
    from garbology.study.records import Record

Function = TypeVar("Function", bound=Callable[..., Any])
ScaleName = Literal["quick", "default", "full"]

_HAS_DOCSTRINGS = sys.flags.optimize < 2  # without, nothing is measured or drawn, and that is said there
_MOST_REPEATS = 3  # times the fewest, unless the study says otherwise


class DeclarationError(Exception):
    """A study is declared wrongly; the message names the study and says what is wrong."""


@dataclass(frozen=True)
class Measure:
    """A function to be measured, which parameters it takes, and its own values of them at a scale."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    overrides: Mapping[str, Mapping[str, Sequence[Any]]]

    def values(self, scale: ScaleName, parameters: Mapping[str, Sequence[Any]]) -> list[Sequence[Any]]:
        """The values of each parameter that it takes, where the study has `parameters`."""
        own = self.overrides.get(scale, {})
        return [own.get(name, parameters[name]) for name in self.parameters]


class Study:
    """A study: a grid of cases, each measured in a fresh interpreter, and what is claimed about the samples.

    `parameters` maps each parameter to its list of values. A case is measured `repeats` times, and on until
    the 95 % interval of the median of each of its times (values that end in "_seconds") is within
    `precision` of it, or `most_repeats` (three times `repeats` unless given) is reached. After
    `timeout_seconds` it is killed. `quick` and `full` override any of these, parameters and settings, for
    that scale; quick goes beyond `repeats` only where it says so itself.

    A wrong declaration raises DeclarationError at once, except for what is only known when the module is
    complete (no measure, a parameter that no measure takes): that is for `check`, which whoever loads a
    study calls.
    """

    def __init__(
        self,
        title: str,
        parameters: Mapping[str, Sequence[Any]],
        *,
        quick: Mapping[str, Any] | None = None,
        full: Mapping[str, Any] | None = None,
        repeats: int = 5,
        most_repeats: int | None = None,
        precision: float = 0.1,
        timeout_seconds: float = 120.0,
    ) -> None:
        module = sys._getframe(1).f_globals
        self.target = _target(module)
        self.name = self.target.removesuffix(".py").replace("\\", "/").split("/")[-1].split(".")[-1]
        self.docstring = inspect.cleandoc(module.get("__doc__") or "")
        self.file: str | None = module.get("__file__")
        self.title = title
        self.repeats = repeats
        self.most_repeats = most_repeats
        self.precision = precision
        self.timeout_seconds = timeout_seconds
        self.measures: dict[str, Measure] = {}
        self.findings: dict[str, Callable[..., Any]] = {}
        self.exceptions: list[ExpectedException] = []
        self.figures: dict[str, Callable[..., Any]] = {}
        self.tiles: dict[str, Callable[..., Any]] = {}
        self.summaries: dict[str, Callable[..., Any]] = {}  # verdict, pictures, table: one of each
        if not self.docstring and _HAS_DOCSTRINGS:
            self._fail("its module has no docstring: it opens the report")
        with self._checked():
            check_title(title)
            overrides = {"quick": quick or {}, "full": full or {}}
            check_grid(parameters, overrides, {name: getattr(self, name) for name in SETTINGS})
        self.parameters = dict(parameters)
        self.overrides = {scale: dict(changed) for scale, changed in overrides.items()}

    @overload
    def measure(self, function: Function) -> Function: ...

    @overload
    def measure(
        self,
        *,
        quick: Mapping[str, Sequence[Any]] | None = None,
        full: Mapping[str, Sequence[Any]] | None = None,
    ) -> Callable[[Function], Function]: ...

    def measure(
        self,
        function: Function | None = None,
        *,
        quick: Mapping[str, Sequence[Any]] | None = None,
        full: Mapping[str, Sequence[Any]] | None = None,
    ) -> Function | Callable[[Function], Function]:
        """Declare a measure: its argument names are parameters, its result is a dataclass of JSON values.

        ``@study.measure(quick={"kind": ["a"]})`` gives this measure other values than the study's at a scale.
        """
        overrides = {"quick": quick or {}, "full": full or {}}
        if function is not None:
            return self._add_measure(function, overrides)
        return lambda function: self._add_measure(function, overrides)

    def _add_measure(
        self, function: Function, overrides: Mapping[str, Mapping[str, Sequence[Any]]]
    ) -> Function:
        with self._checked():
            check_measure(function, overrides, self.parameters)
        self._require_new(self.measures, function, "measure")
        names = tuple(inspect.signature(function).parameters)
        self.measures[function.__name__] = Measure(function.__name__, function, names, overrides)
        return function

    def finding(self, function: Function) -> Function:
        """Declare a claim: the docstring says it, AssertionError breaks it, a returned text is evidence."""
        self._add(self.findings, function, "finding")
        if not (function.__doc__ or "").strip() and _HAS_DOCSTRINGS:
            self._fail(f"finding {function.__name__!r} has no docstring: it is the claim")
        return function

    def exception(
        self,
        finding: Callable[..., Any],
        *,
        reason: str = "",
        reference: str = "",
        collector: str | None = None,
        versions: str | None = None,
        gil: bool | None = None,
        platform: str | None = None,
    ) -> None:
        """Declare where a finding is expected not to hold, why, and a reference; see `ExpectedException`.

        There it is shown as "not on this version", and fails the study should it hold after all.
        """
        name = getattr(finding, "__name__", str(finding))
        if self.findings.get(name) is not finding:
            self._fail(
                f"exception to {name!r}, which is no finding: {', '.join(self.findings) or 'none yet'}"
            )
        with self._checked():
            self.exceptions.append(
                ExpectedException(name, reason, reference, collector, versions, gil, platform)
            )

    def figure(self, function: Function) -> Function:
        """Declare a figure: the docstring, or the name, is its caption; the result is of `line`, `bars`..."""
        return self._add(self.figures, function, "figure")

    def tile(self, function: Function) -> Function:
        """Declare one number of the first screen: the function returns a Tile."""
        return self._add(self.tiles, function, "tile")

    def verdict(self, function: Function) -> Function:
        """Declare the study's one sentence, with numbers from the samples."""
        return self._summary("verdict", function)

    def pictures(self, function: Function) -> Function:
        """Declare which shapes to draw: the function returns entries of ``found.to_dict()["shapes"]``."""
        return self._summary("pictures", function)

    def table(self, function: Function) -> Function:
        """Declare the table of medians: the function returns a Table, see `garbology.study.table`."""
        return self._summary("table", function)

    def settings(self, scale: ScaleName) -> tuple[dict[str, list[Any]], int, float]:
        """Parameters, repeats and time limit (seconds) at a scale."""
        changed = self.overrides.get(scale, {})
        parameters = {name: list(changed.get(name, values)) for name, values in self.parameters.items()}
        repeats = int(changed.get("repeats", self.repeats))
        return parameters, repeats, float(changed.get("timeout_seconds", self.timeout_seconds))

    def repetition(self, scale: ScaleName) -> Repetition:
        """How often a case is measured at a scale."""
        changed = self.overrides.get(scale, {})
        fewest = int(changed.get("repeats", self.repeats))
        most = changed.get("most_repeats", fewest if scale == "quick" else self.most_repeats)
        most = fewest * _MOST_REPEATS if most is None else int(most)
        return Repetition(fewest, max(fewest, most), float(changed.get("precision", self.precision)))

    def grid(self, scale: ScaleName = "default") -> list[tuple[str, dict[str, Any]]]:
        """Every case as (measure, parameters), in the order of declaration."""
        parameters = self.settings(scale)[0]
        return [
            (measure.name, dict(zip(measure.parameters, values, strict=True)))
            for measure in self.measures.values()
            for values in product(*measure.values(scale, parameters))
        ]

    def check(self) -> None:
        """Check what only the complete module shows; DeclarationError says what is wrong."""
        if not self.measures:
            self._fail("it has no measure: decorate a function with @study.measure")
        taken = {name for measure in self.measures.values() for name in measure.parameters}
        for name in self.parameters:
            if name not in taken:
                self._fail(f"parameter {name!r} is taken by no measure")

    def report(self, records: Sequence[Record], *, problems: Sequence[str] = ()) -> StudyPage:
        """Evaluate every claim on the samples; the verdict is of the newest runtime."""
        from garbology.study.evaluation import evaluate

        return evaluate(self, records, problems=problems)

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run the study as a command and return its exit status."""
        from garbology.study.program import run_study

        return run_study(self, arguments)

    def _summary(self, kind: str, function: Function) -> Function:
        with self._checked():
            check_takes_runs(function, kind)
        if kind in self.summaries:
            self._fail(f"it has two of {kind}: {self.summaries[kind].__name__!r} and {function.__name__!r}")
        self.summaries[kind] = function
        return function

    def _add(self, place: dict[str, Callable[..., Any]], function: Function, kind: str) -> Function:
        with self._checked():
            check_takes_runs(function, kind)
        self._require_new(place, function, kind)
        place[function.__name__] = function
        return function

    def _require_new(self, place: Mapping[str, object], function: Callable[..., Any], kind: str) -> None:
        if function.__name__ in place:
            self._fail(f"it has two {kind}s called {function.__name__!r}")

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """What is declared inside is refused with the study's name."""
        try:
            yield
        except ValueError as error:
            raise DeclarationError(f"study {self.name!r}: {error}") from None

    def _fail(self, what: str) -> NoReturn:
        raise DeclarationError(f"study {self.name!r}: {what}")


def _target(module: Mapping[str, Any]) -> str:
    """What a fresh interpreter imports to find the study: a module's dotted name, or a file's path."""
    spec = module.get(
        "__spec__"
    )  # `python -m package.name` runs a module called __main__ that knows its name
    name = spec.name if spec is not None else module.get("__name__", "__main__")
    return str(module.get("__file__", name) if name == "__main__" else name)
