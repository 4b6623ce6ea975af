"""The half of a study's declaration that is values: claims, figures, tiles, the verdict and the table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from garbology.study import figures
from garbology.study.claims import Claim, Sentence
from garbology.study.conditions import Condition
from garbology.study.drawn import Axes, Figure, TileValue, Verdict, scales
from garbology.study.naming import Named
from garbology.study.page import FigureSpec, Table
from garbology.study.quantities import Quantity
from garbology.study.runs import Runs
from garbology.study.selections import Selection
from garbology.study.tables import table

Function = Callable[..., Any]


class Declared(ABC):
    """Declares claims and figures as values, each of them called like the module's variable that holds it."""

    _module: Mapping[str, Any]

    def __init__(self, module: Mapping[str, Any]) -> None:
        self._module = module
        self._findings: list[Function] = []
        self._figures: list[Function] = []
        self._tiles: list[Function] = []
        self.front_chart: tuple[str, str, Figure] | None = None

    @property
    def findings(self) -> dict[str, Function]:
        """The claims by name, in the order of declaration."""
        return _by_name(self._findings)

    @property
    def figures(self) -> dict[str, Function]:
        """The figures by name, in the order of declaration."""
        return _by_name(self._figures)

    @property
    def tiles(self) -> dict[str, Function]:
        """What makes the tiles by name, in the order of declaration."""
        return _by_name(self._tiles)

    def claim(
        self, text: str, *conditions: Condition, evidence: str = "", of: Selection | None = None
    ) -> Claim:
        """Declare a claim: it holds where all conditions do, which are judged in their order.

        The evidence is what the comparisons have found; `evidence` replaces it, a text with quantities in braces (see
        `Sentence`), of the module or of the selection `of`. The variable that holds the claim is its name.
        """
        with self._checked():
            if not text.strip():
                raise ValueError("a claim has no text: it is what the report says")
            if not conditions or not all(isinstance(each, Condition) for each in conditions):
                raise ValueError(
                    f"claim {text!r} needs conditions, comparisons or every(...), got {conditions!r}"
                )
            claim = Claim(text, conditions, self._sentence(evidence, of) if evidence else None, self._module)
        self._findings.append(claim)
        return claim

    def line(
        self,
        caption: str,
        selection: Selection,
        *,
        x: str,
        y: str,
        color: str | None = None,
        facet: str | None = None,
        facet_alone: bool = True,
        log: Axes = "",
        symlog: Axes = "",
        x_title: str | None = None,
        y_title: str | None = None,
        values: Mapping[str, str] | None = None,
        intervals: bool = True,
    ) -> Figure:
        """Declare a figure: the median of `y` over `x`, a line for each `color`, a panel for each `facet`.

        `log` and `symlog` name the axes with such a scale. With `facet_alone=False` a facet of one value is none.
        `values` compares several measured values of a sample: it maps what the reader sees, which becomes the `color`,
        to the value's name; all of them are then called `y`. Without `intervals` the lines alone are drawn.
        """
        selection = self._compared(selection, values, color, y)
        return self._figure(figures.line, caption, selection, x=x, y=y, color=color, facet=facet,
                            intervals=intervals, x_title=x_title, y_title=y_title, facet_alone=facet_alone,
                            **scales(log, symlog))  # fmt: skip

    def front(
        self,
        headline: str,
        explanation: str,
        selection: Selection,
        *,
        x: str,
        y: str,
        x_title: str,
        y_title: str,
    ) -> None:
        """Declare the chart that the front page shows first; see `FrontChart` for what the texts may have in braces."""
        figure = Figure(headline, figures.line, selection, {"x": x, "y": y, "x_title": x_title, "y_title": y_title,
                                                             "intervals": False}, self._module)  # fmt: skip
        self.front_chart = " ".join(headline.split()), " ".join(explanation.split()), figure

    def points(
        self,
        caption: str,
        selection: Selection,
        *,
        x: str,
        y: str,
        color: str | None = None,
        facet: str | None = None,
        facet_alone: bool = True,
        log: Axes = "",
        symlog: Axes = "",
        x_title: str | None = None,
        y_title: str | None = None,
        medians: bool = False,
    ) -> Figure:
        """Declare a figure with a point for every sample, or with `medians` for every case; see `line`."""
        return self._figure(figures.points, caption, selection, x=x, y=y, color=color, facet=facet, medians=medians,
                            x_title=x_title, y_title=y_title, facet_alone=facet_alone,
                            **scales(log, symlog))  # fmt: skip

    def bars(
        self,
        caption: str,
        selection: Selection,
        *,
        x: str,
        y: str,
        color: str | None = None,
        facet: str | None = None,
        facet_alone: bool = True,
        log: bool = False,
        symlog: bool = False,
        x_title: str | None = None,
        y_title: str | None = None,
        values: Mapping[str, str] | None = None,
    ) -> Figure:
        """Declare a figure with a bar for each value of `x` and `color`; see `line`. The values are on a log scale."""
        selection = self._compared(selection, values, color, y)
        y_scale = "log" if log else "symlog" if symlog else "linear"
        return self._figure(figures.bars, caption, selection, x=x, y=y, color=color, facet=facet, x_title=x_title,
                            y_title=y_title, facet_alone=facet_alone, y_scale=y_scale)  # fmt: skip

    def _compared(
        self, selection: Selection, values: Mapping[str, str] | None, color: str | None, y: str
    ) -> Selection:
        """The selection, or several values of its samples side by side."""
        if not values:
            return selection
        with self._checked():
            if not color:
                raise ValueError(f"a figure of {', '.join(values)} needs a color, which tells them apart")
        return selection.side_by_side(values, by=color, value=y)

    def _figure(
        self, make: Callable[..., FigureSpec], caption: str, selection: Selection, **options: Any
    ) -> Figure:
        figure = Figure(caption, make, selection, options, self._module)
        self._figures.append(figure)
        return figure

    def _tile_value(
        self, label: str, quantity: Quantity, unit: str | None, optional: bool, **options: Any
    ) -> TileValue:
        with self._checked():
            tile = TileValue(self._sentence(label), quantity, unit, optional, options, self._module)
        self._tiles.append(tile)
        return tile

    def _verdict(self, text: str) -> Verdict:
        with self._checked():
            return Verdict(self._sentence(text), self._module)

    def _sentence(self, text: str, of: Selection | None = None) -> Sentence:
        return Sentence(" ".join(text.split()), self._module, of)

    @abstractmethod
    @contextmanager
    def _checked(self) -> Iterator[None]:
        """What is declared inside is refused with the study's name."""
        yield


def table_of(caption: str, selection: Selection, columns: Sequence[str]) -> Callable[[Runs], Table]:
    """A function that makes the table of medians of a selection."""

    def medians(runs: Runs) -> Table:
        return table(selection.of(runs), columns, caption=caption)

    return medians


def pictures_of(selection: Selection) -> Callable[[Runs], list[dict[str, Any]]]:
    """A function that takes the first shape of each case of a selection, from its first sample."""

    def pictures(runs: Runs) -> list[dict[str, Any]]:
        samples = [case.samples[0] for case in selection.of(runs).cases()]
        return [shape for sample in samples for shape in (sample.shapes or [])[:1]]

    return pictures


def same_names(declared: Sequence[Function]) -> list[str]:
    """Names that two of these have."""
    names = [each.__name__ for each in declared]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _by_name(declared: Sequence[Function]) -> dict[str, Function]:
    return {each.__name__: each for each in declared}


__all__ = ["Declared", "Named", "pictures_of", "same_names", "table_of"]
