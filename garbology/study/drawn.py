"""Figures, tiles, verdicts and tables as values: what goes where, of which selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from garbology.study.claims import Sentence
from garbology.study.naming import Named
from garbology.study.page import Better, FigureSpec, Scale, Tile
from garbology.study.quantities import Quantity
from garbology.study.runs import NotMeasured, Runs
from garbology.study.selections import Selection

Axes = Literal["", "x", "y", "xy"]


class Figure(Named):
    """A figure that is made of a selection when there are samples."""

    def __init__(
        self,
        caption: str,
        make: Callable[..., FigureSpec],
        selection: Selection,
        options: Mapping[str, Any],
        module: Mapping[str, Any],
    ) -> None:
        super().__init__(caption, module)
        self._make = make
        self._selection = selection
        self._options = dict(options)

    def __call__(self, runs: Runs) -> FigureSpec:
        """The figure of these samples."""
        chosen, options = self._selection.of(runs), dict(self._options)
        if not options.pop("facet_alone", True) and _is_alone(chosen, options["facet"]):
            options["facet"] = None
        return self._make(chosen, **options)


class TileValue(Named):
    """A tile of one quantity, with the interval that its samples allow."""

    def __init__(
        self,
        label: Sentence,
        quantity: Quantity,
        unit: str | None,
        optional: bool,
        options: Mapping[str, Any],
        module: Mapping[str, Any],
    ) -> None:
        super().__init__(label.text, module)
        self._optional = optional
        self._label = label
        self._quantity = quantity
        self._unit = quantity.unit if unit is None else unit
        self._options = options

    def __call__(self, runs: Runs) -> Tile | list[Tile]:
        """The tile of these samples; its value is None where one of the measured values is.

        An optional one is no tile where there are no samples.
        """
        try:
            return self._made(runs)
        except NotMeasured:
            if not self._optional:
                raise
            return []

    def _made(self, runs: Runs) -> Tile:
        from garbology.study import statistics

        leaves, label = self._quantity.leaves, self._label.fill(runs)
        readings = [leaf.read(runs) for leaf in leaves]
        if any(reading.value is None for reading in readings):
            return Tile(label, None, self._unit, **self._options)
        value = self._quantity.value({leaf: each.value for leaf, each in zip(leaves, readings, strict=True)})
        low, high = None, None
        if all(reading.samples and not isinstance(reading.value, str) for reading in readings):

            def combine(*medians: Any) -> Any:
                return self._quantity.value(dict(zip(leaves, medians, strict=True)))

            low, high = statistics.combined_interval(combine, *(each.samples for each in readings)) or (
                None,
                None,
            )
        return Tile(label, value, self._unit, low, high, **self._options)


class Verdict(Named):
    """One sentence about the samples."""

    def __init__(self, sentence: Sentence, module: Mapping[str, Any]) -> None:
        super().__init__(sentence.text, module)
        self._sentence = sentence

    def __call__(self, runs: Runs) -> str:
        """The sentence with the numbers of these samples."""
        return self._sentence.fill(runs)


def scales(log: Axes, symlog: Axes) -> dict[str, Scale]:
    """The scale of each axis: `log="xy"` is logarithmic on both."""
    both: dict[str, Scale] = {}
    for axis in ("x", "y"):
        both[f"{axis}_scale"] = "log" if axis in log else "symlog" if axis in symlog else "linear"
    return both


def _is_alone(runs: Runs, name: str) -> bool:
    try:
        return len({getattr(run, name) for run in runs}) == 1
    except NotMeasured:
        return False


__all__ = ["Axes", "Better", "Figure", "TileValue", "Verdict", "scales"]
