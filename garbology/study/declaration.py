"""A study's declaration: its grid, its measures and its claims, checked when the module is imported."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar, overload

from garbology.study.checks import SETTINGS, check_grid, check_measure, check_takes_runs, check_title
from garbology.study.declared import Declared, pictures_of, same_names, table_of
from garbology.study.drawn import TileValue, Verdict
from garbology.study.exceptions import ExpectedException
from garbology.study.page import Better, Part, Table
from garbology.study.quantities import Quantity
from garbology.study.repetition import Repetition
from garbology.study.runs import Runs
from garbology.study.selections import Measured, Selection

Function = TypeVar("Function", bound=Callable[..., Any])
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
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


class Study(Declared):
    """A study: a grid of cases, each measured in a fresh interpreter, and what is claimed about the samples.

    `parameters` maps each parameter to its list of values. A case is measured `repeats` times, and on until
    the 95 % interval of the median of each of its times (values that end in "_seconds") is within
    `precision` of it, or `most_repeats` (three times `repeats` unless given) is reached. After
    `timeout_seconds` it is killed. `quick` and `full` override any of these, parameters and settings, for
    that scale; quick goes beyond `repeats` only where it says so itself.

    A terminal shows `opening` first, one line that says what is measured and why (the question of the docstring unless
    it is given), and `glossary`: what some values of the parameters mean. The front page has it under the question
    `part`; the verdict of one that `is_score` stands above all others there.

    A wrong declaration raises DeclarationError at once, except for what is only known when the module is
    complete (no measure, a parameter that no measure takes): that is for `check`, which is
    called when a study is loaded.
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
        opening: str = "",
        glossary: Mapping[str, str] | None = None,
        part: Part | None = None,
        is_score: bool = False,
    ) -> None:
        module = sys._getframe(1).f_globals
        super().__init__(module)
        self.target = _target(module)
        self.name = self.target.removesuffix(".py").replace("\\", "/").split("/")[-1].split(".")[-1]
        self.docstring = inspect.cleandoc(module.get("__doc__") or "")
        self.file: str | None = module.get("__file__")
        self.title = title
        self.opening = opening or " ".join(self.docstring.partition("\n\n")[0].split())
        self.glossary = dict(glossary or {})
        self.part = part
        self.is_score = is_score
        self.repeats = repeats
        self.most_repeats = most_repeats
        self.precision = precision
        self.timeout_seconds = timeout_seconds
        self.measures: dict[str, Measure] = {}
        self.exceptions: list[ExpectedException] = []
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
    def measure(self, function: Callable[Parameters, Result]) -> Measured[Parameters, Result]: ...

    @overload
    def measure(
        self,
        *,
        quick: Mapping[str, Sequence[Any]] | None = None,
        full: Mapping[str, Sequence[Any]] | None = None,
    ) -> Callable[[Callable[Parameters, Result]], Measured[Parameters, Result]]: ...

    def measure(
        self,
        function: Callable[..., Any] | None = None,
        *,
        quick: Mapping[str, Sequence[Any]] | None = None,
        full: Mapping[str, Sequence[Any]] | None = None,
    ) -> Any:
        """Declare a measure: its argument names are parameters, its result is a dataclass of JSON values.

        What comes back measures when it is called, and is the `Selection` of all its samples. With
        ``@study.measure(quick={"kind": ["a"]})`` this measure has other values than the study's at a scale.
        """
        overrides = {"quick": quick or {}, "full": full or {}}
        if function is not None:
            return self._add_measure(function, overrides)
        return lambda function: self._add_measure(function, overrides)

    def _add_measure(
        self, function: Callable[..., Any], overrides: Mapping[str, Mapping[str, Sequence[Any]]]
    ) -> Measured[..., Any]:
        with self._checked():
            check_measure(function, overrides, self.parameters)
        if function.__name__ in self.measures:
            self._fail(f"it has two measures called {function.__name__!r}")
        names = tuple(inspect.signature(function).parameters)
        self.measures[function.__name__] = Measure(function.__name__, function, names, overrides)
        return Measured(function, names)

    def finding(self, function: Function) -> Function:
        """Declare a claim: the docstring says it, AssertionError breaks it, a returned text is evidence."""
        self._add(self._findings, function, "finding")
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
        return self._add(self._figures, function, "figure")

    @overload
    def tile(self, function: Function, /) -> Function: ...

    @overload
    def tile(
        self,
        label: str,
        quantity: Quantity,
        /,
        *,
        unit: str | None = None,
        atlas: bool = False,
        better: Better = "less",
        optional: bool = False,
    ) -> TileValue: ...

    def tile(
        self,
        label: Any,
        quantity: Quantity | None = None,
        /,
        *,
        unit: str | None = None,
        atlas: bool = False,
        better: Better = "less",
        optional: bool = False,
    ) -> Any:
        """Declare one number of the first screen: a label with its quantity, or a function that returns Tiles.

        The label may have quantities in braces; the unit is read from the measured value's name unless it is given.
        One that is `optional` is left out where it was not measured; any other that is missing is reported.
        """
        if quantity is None:
            return self._add(self._tiles, label, "tile")
        return self._tile_value(label, quantity, unit, optional, atlas=atlas, better=better)

    @overload
    def verdict(self, function: Function, /) -> Function: ...

    @overload
    def verdict(self, sentence: str, /) -> Verdict: ...

    def verdict(self, sentence: Any, /) -> Any:
        """Declare the study's one sentence: a text with quantities in braces, or a function that returns it."""
        return self._summary("verdict", self._verdict(sentence) if isinstance(sentence, str) else sentence)

    @overload
    def pictures(self, function: Function, /) -> Function: ...

    @overload
    def pictures(self, selection: Selection, /) -> Callable[[Runs], list[dict[str, Any]]]: ...

    def pictures(self, drawn: Any, /) -> Any:
        """Declare which shapes to draw: the first of the value `shapes` of each case of a selection.

        Or a function that returns entries of ``found.to_dict()["shapes"]``.
        """
        return self._summary("pictures", pictures_of(drawn) if isinstance(drawn, Selection) else drawn)

    @overload
    def table(self, function: Function, /) -> Function: ...

    @overload
    def table(
        self, caption: str, selection: Selection, columns: Sequence[str], /
    ) -> Callable[[Runs], Table]: ...

    def table(self, caption: Any, selection: Selection | None = None, columns: Sequence[str] = (), /) -> Any:
        """Declare the table of medians: caption, selection and measured values, or a function that returns a Table."""
        return self._summary("table", caption if selection is None else table_of(caption, selection, columns))

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
        for name in same_names(self._findings) + same_names(self._figures):
            self._fail(f"it has two findings or figures called {name!r}: give each a variable of its own")

    def _summary(self, kind: str, function: Function) -> Function:
        with self._checked():
            check_takes_runs(function, kind)
        if kind in self.summaries:
            self._fail(f"it has two of {kind}: {self.summaries[kind].__name__!r} and {function.__name__!r}")
        self.summaries[kind] = function
        return function

    def _add(self, place: list[Callable[..., Any]], function: Function, kind: str) -> Function:
        with self._checked():
            check_takes_runs(function, kind)
        if function.__name__ in [each.__name__ for each in place]:
            self._fail(f"it has two {kind}s called {function.__name__!r}")
        place.append(function)
        return function

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
