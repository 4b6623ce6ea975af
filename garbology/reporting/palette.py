"""One colour a concept on all pages, distinct for colour-blind readers too.

The first colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), the later ones darkened until they
reach 3:1 against white. A series also differs by shape and dash, so that no meaning hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

INK, MUTED, GRID, PAPER = "#1f2328", "#57606a", "#d8dee4", "#ffffff"
WEAKEN = "#a34700"  # the edge to weaken and its name: text, so darker than a mark
# name of the CSS variable, light, dark
COLORS: Sequence[tuple[str, str, str]] = (
    ("--vermillion", "#d55e00", "#ff8a3d"),
    ("--blue", "#0072b2", "#4db2ff"),
    ("--green", "#009e73", "#2fd0a0"),
    ("--purple", "#aa4499", "#e58fd6"),
    ("--olive", "#8a6d00", "#d9b93b"),
    ("--slate", "#5b6470", "#a9b3bf"),
    ("--indigo", "#332288", "#9d92ff"),
)
# Vega's name of a mark, and the same mark around (0, 0) for a legend.
SHAPES: Mapping[str, str] = {
    "circle": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "square": "M-3.5,-3.5h7v7h-7z",
    "triangle-up": "M0,-4.5L4.5,3.5H-4.5z",
    "diamond": "M0,-5L5,0L0,5L-5,0z",
    "triangle-down": "M0,4.5L4.5,-3.5H-4.5z",
    "cross": "M-4.5,-1.5h3v-3h3v3h3v3h-3v3h-3v-3h-3z",
    "triangle-right": "M4.5,0L-3.5,-4.5V4.5z",
}
DASHES: Sequence[Sequence[int]] = ((1, 0), (7, 3), (2, 3), (8, 3, 2, 3), (4, 2), (12, 3), (1, 2))

# (field, value) -> index of its colour: what a reader learns on one page holds on the next. Vermillion is what
# keeps objects alive or waiting, blue what lets them go.
_CONCEPTS: Mapping[tuple[str, str], int] = {
    ("outputs", "strong"): 0,
    ("outputs", "weak"): 1,
    ("outputs", "none"): 2,
    ("collector", "incremental"): 0,
    ("collector", "generational"): 1,
    ("collector", "free-threaded"): 2,
    ("gradients", "kept"): 0,
    ("gradients", "dropped"): 1,
    ("mode", "recorded"): 0,
    ("mode", "no_grad"): 1,
    ("parent", "not frozen"): 0,
    ("parent", "frozen"): 1,
    ("saved", "saved = error"): 0,
    ("saved", "except as error"): 1,
    ("gradient", "stays in x.grad"): 0,
    ("gradient", "grad(y, x)"): 1,
    ("state", "kept"): 0,
    ("state", "freed"): 1,
    ("total", "a variable"): 0,
    ("total", "a number"): 1,
}
# The colours that carry no concept come first where no concept is known.
_FREE = (1, 0, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Series:
    """How one value of the colour field is drawn."""

    value: Any
    label: str
    color: str
    variable: str
    shape: str
    dash: Sequence[int]

    @property
    def path(self) -> str:
        """The series' mark as the data of an SVG path around (0, 0)."""
        return SHAPES[self.shape]

    @property
    def dash_array(self) -> str:
        """The dashes as an SVG attribute, "" for a solid line."""
        return ",".join(map(str, self.dash)) if self.dash[1] else ""


def series_for(field: str | None, values: Iterable[Any], labels: Mapping[Any, str]) -> list[Series]:
    """A series for each of `values`, known concepts in their own colour, the others in what is left."""
    ordered = list(values)
    fixed = {value: _CONCEPTS.get((field or "", str(value).lower())) for value in ordered}
    taken = {index for index in fixed.values() if index is not None}
    free = [index for index in _FREE if index not in taken] or list(_FREE)
    result: list[Series] = []
    for value in ordered:
        index = fixed[value]
        if index is None:
            index = free[0]
            free = [*free[1:], free[0]]
        result.append(_series(value, labels[value], index, len(result)))
    return result if field else [replace(one, dash=DASHES[0]) for one in result]


def _series(value: Any, label: str, index: int, position: int) -> Series:
    variable, light, _dark = COLORS[index]
    turn = position // len(COLORS)  # an eighth series takes a used colour with another shape
    shape, dash = list(SHAPES)[(index + turn) % len(SHAPES)], DASHES[(index + turn) % len(DASHES)]
    return Series(value, label, light, variable, shape, dash)


def theme_variables() -> dict[str, str]:
    """Colour as written in a drawing -> the CSS variable that stands for it on a page with two themes."""
    variables = {light: f"var({name})" for name, light, _dark in COLORS}
    return {**variables, INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)", PAPER: "var(--card)"}
