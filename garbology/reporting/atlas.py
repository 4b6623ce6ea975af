"""The atlas: one figure a row, one version a column, shaded by how each compares with the row's best.

The steps of the shade are ratios (within 10 %, 1.5, 3 and 10 times), so that a row that spans three orders of
magnitude and one that spans half a one are read alike. The ratio stands beside the number: no meaning hangs
on colour alone. Where the interval of a cell overlaps that of the best, no difference is claimed; nor where a
figure that varies from run to run, anything but a count, has no interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from garbology.reporting.runtimes import RuntimeName, runtime_names
from garbology.study.page import AtlasRow, RuntimeSummary, StudyPage, Tile
from garbology.text.numbers import NOTHING, format_interval, format_quantity, is_number
from garbology.text.visible import file_stem, visible

# A ratio up to the first is shade 0, up to the second shade 1, ...; beyond the last it is the darkest.
STEPS: Sequence[float] = (1.1, 1.5, 3.0, 10.0)
LEGEND: Sequence[str] = (
    "best, or no clear difference",
    "up to 1.5 times the best",
    "up to 3 times",
    "up to 10 times",
    "more",
)
NOT_COMPARED, NO_INTERVAL, ELSEWHERE = "†", "‡", "§"
_NOTES = {
    NOT_COMPARED: "not compared: bytes and times of WebAssembly or another 32-bit build (counts are), or cases of "
    "another scale.",
    ELSEWHERE: "not compared: a time of the reference set, which another machine may have taken.",
    NO_INTERVAL: "not compared: it varies from run to run and has no interval here, being of too few samples.",
}
_MEASURED = ("bytes", "seconds", "times", "x", "×", "percent", "%")  # units that stand beside each number


@dataclass(frozen=True)
class Cell:
    """One figure on one runtime; `shade` is None where it is not compared, `note` says why or how."""

    value: str
    interval: str
    shade: int | None
    ratio: str  # "1.7×", "best", "" where it is not compared
    note: str  # for the tooltip, a sentence
    mark: str = ""
    times: float = 1.0  # how many times worse than the best

    @property
    def tip(self) -> str:
        """Value, interval and comparison in one line."""
        interval = f" (95 % interval: {self.interval})" if self.interval else ""
        return f"{self.value}{interval}{', ' if self.note else ''}{self.note}"


class Objection(NamedTuple):
    """Why a cell is not compared: the mark beside its value, and the sentence of its tooltip."""

    mark: str
    why: str


@dataclass(frozen=True)
class Row:
    """One figure across the columns; `unit` is empty where the cells bear it (kB, ms)."""

    label: str
    unit: str
    cells: Sequence[Cell]
    mark: str = ""  # of the whole row, where no cell of it can be compared


@dataclass(frozen=True)
class Section:
    """The figures of one study."""

    title: str
    folder: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Atlas:
    """The table: a column a runtime, a section a study."""

    columns: Sequence[RuntimeName]
    sections: Sequence[Section]

    @property
    def has_shades(self) -> bool:
        """Whether any cell is compared: without one there is no shade to explain."""
        return any(cell.shade is not None for row in self._rows for cell in row.cells)

    @property
    def notes(self) -> Sequence[str]:
        """What the marks mean, each that is there once."""
        seen = {mark for row in self._rows for mark in (row.mark, *(cell.mark for cell in row.cells))}
        return [f"{mark} {text}" for mark, text in _NOTES.items() if mark in seen]

    @property
    def _rows(self) -> Sequence[Row]:
        return [row for each in self.sections for row in each.rows]


def atlas(pages: Iterable[StudyPage]) -> Atlas:
    """The atlas of several studies; a runtime is a column where at least one figure was measured on it."""
    chosen = sorted((page for page in pages if page.atlas), key=lambda page: page.name)
    runtimes: dict[str, RuntimeSummary] = {}
    for page in chosen:
        measured = {slug for row in page.atlas for slug in row.tiles}
        for runtime in _runtimes(page):
            if runtime.slug in measured:
                runtimes.setdefault(runtime.slug, runtime)
    names = runtime_names(runtimes.values())
    sections = []
    for page in chosen:
        others = _measured_otherwise(_runtimes(page))
        rows = [_row(row, compare(row, names, others)) for row in page.atlas]
        rows.sort(key=_telling, reverse=True)
        sections.append(Section(visible(page.title), file_stem(page.name), rows))
    sections.sort(key=lambda section: max(map(_telling, section.rows)), reverse=True)
    return Atlas(list(names.values()), sections)


def _telling(row: Row) -> float:
    """How much a row tells: by how many times its cells differ, as far as they are compared."""
    return max((cell.times for cell in row.cells if cell.shade is not None), default=0.0)


def exception(page: StudyPage) -> str:
    """What a headline must not leave out: where a runtime is far worse than the one it is of, in its first such figure.

    Such as "But 87,027 on 3.14.2 (incremental, WebAssembly): pairs that wait at once, at most."
    """
    names = runtime_names(_runtimes(page))
    for row in page.atlas:
        cells = dict(zip(names, compare(row, names, _measured_otherwise(_runtimes(page))), strict=True))
        lead = cells.get(page.lead)
        if lead is None or lead.shade is None:
            continue
        slug, worst = max(cells.items(), key=lambda each: each[1].times if each[1].shade is not None else 0.0)
        if worst.shade is not None and worst.times > lead.times * STEPS[2]:
            unit = (
                f" {row.unit}"
                if row.unit not in _MEASURED and row.unit.lower() not in row.label.lower()
                else ""
            )
            label = visible(row.label)
            where = f"{names[slug].short} ({names[slug].kind})"
            return f"But {worst.value}{unit} on {where}: {label[:1].lower()}{label[1:]}."
    return ""


def _runtimes(page: StudyPage) -> list[RuntimeSummary]:
    """Those that were measured, and those of the reference set beside them."""
    return [*page.runtimes, *(page.reference.runtimes if page.reference else ())]


def _row(row: AtlasRow, cells: Sequence[Cell]) -> Row:
    """The row; the mark of lone figures stands once, at its label, where no cell of it is compared."""
    marks = {cell.mark for cell in cells if cell.value != NOTHING} - {NOT_COMPARED}
    mark = NO_INTERVAL if marks == {NO_INTERVAL} else ""
    shown = [replace(cell, mark="") if mark and cell.mark == mark else cell for cell in cells]
    return Row(visible(row.label), _counted(row), shown, mark)


def _measured_otherwise(runtimes: Sequence[RuntimeSummary]) -> dict[str, str]:
    """The scale of each runtime whose cases are not those of most: a smaller graph is no better interpreter."""
    grids = {each.slug: (each.scale, repr(sorted(each.parameters.items()))) for each in runtimes}
    usual = max(grids.values(), key=list(grids.values()).count, default=None)
    return {slug: grid[0] for slug, grid in grids.items() if grid != usual}


def _counted(row: AtlasRow) -> str:
    """What is counted, for a row whose cells are bare numbers and whose label does not say it."""
    named = row.unit in _MEASURED or row.unit.lower() in row.label.lower()
    return "" if named else visible(row.unit)


def compare(
    row: AtlasRow, names: Mapping[str, RuntimeName], otherwise: Mapping[str, str] | None = None
) -> list[Cell]:
    """The cells of one row in the order of `names`, each compared with the best that can be compared.

    `otherwise` has the scale of each runtime that measured other cases than most.
    """
    objections = {slug: _objection(row, name, (otherwise or {}).get(slug)) for slug, name in names.items()}
    if row.better and len(row.tiles) > 1:
        for slug in names:
            objections[slug] = objections[slug] or _vagueness(row.tiles.get(slug))
    comparable = {
        slug: tile
        for slug, tile in row.tiles.items()
        if slug in names and is_number(tile.value) and not objections[slug]
    }
    best = _best(row, list(comparable.values())) if row.better and len(comparable) > 1 else None
    cells = [_cell(row, row.tiles.get(slug), best, objections[slug]) for slug in names]
    if {cell.ratio for cell in cells if cell.shade is not None} != {"best"}:
        return cells
    return [
        replace(cell, ratio="same", note="the same on all that are compared") if cell.ratio else cell
        for cell in cells
    ]


def _objection(row: AtlasRow, name: RuntimeName, scale: str | None) -> Objection | None:
    """Why a runtime's cell is not compared, empty where it is."""
    if name.narrow and row.unit in ("bytes", "seconds"):
        why = "not compared: in WebAssembly, or with 32-bit pointers, objects are smaller and all is slower"
        return Objection(NOT_COMPARED, why)
    if name.reference and row.unit == "seconds":
        return Objection(ELSEWHERE, "not compared: a time of the reference set, perhaps of another machine")
    return (
        Objection(NOT_COMPARED, f"not compared: its cases are others, of the scale {scale!r}")
        if scale
        else None
    )


def _vagueness(tile: Tile | None) -> Objection | None:
    """Why a lone figure is not compared: what is not a count would be another one the next time."""
    if tile is None or not is_number(tile.value) or (is_number(tile.low) and is_number(tile.high)):
        return None
    counted = float(tile.value or 0).is_integer() and tile.unit.partition(" ")[0] not in _MEASURED
    return (
        None
        if counted
        else Objection(NO_INTERVAL, "not compared: it varies from run to run and has no interval")
    )


def _best(row: AtlasRow, tiles: Sequence[Tile]) -> Tile | None:
    choose = max if row.better == "more" else min
    return choose(tiles, key=lambda tile: float(tile.value or 0), default=None)


def _cell(row: AtlasRow, tile: Tile | None, best: Tile | None, objection: Objection | None) -> Cell:
    if tile is None or tile.value is None:
        return Cell(NOTHING, "", None, "", "not measured")
    value = format_quantity(tile.value, tile.unit if row.unit in _MEASURED else "")
    interval = format_interval(tile.low, tile.high, tile.unit)
    if objection:
        return Cell(value, interval, None, "", objection.why, objection.mark)
    if best is None or not is_number(tile.value):
        return Cell(value, interval, None, "", "")
    shade, ratio, note = _comparison(row, tile, best)
    times = ratio_to_best(float(tile.value or 0), float(best.value or 0), more=row.better == "more")
    return Cell(value, interval, shade, ratio, note, times=(times or 1.0) if shade else 1.0)


def _comparison(row: AtlasRow, tile: Tile, best: Tile) -> tuple[int, str, str]:
    """Shade, ratio as text, and the sentence of the tooltip."""
    shown = format_quantity(best.value, best.unit)  # with its unit: a sentence, not a cell
    if tile.value == best.value:
        return 0, "best", "the best of this row"
    if _overlap(tile, best):
        return 0, "≈", f"no clear difference from the best, {shown}: the intervals overlap"
    ratio = ratio_to_best(float(tile.value or 0), float(best.value or 0), more=row.better == "more")
    if ratio is None:
        return len(STEPS), "", f"the best of this row is {shown}"
    shade = sum(ratio > step for step in STEPS)
    text = f"{_ratio_text(ratio)}×"
    note = f"the best, {shown}, is {text} this" if row.better == "more" else f"{text} the best, {shown}"
    return shade, text, note


def ratio_to_best(value: float, best: float, *, more: bool) -> float | None:
    """How many times worse than the best, None where one of them is zero or they differ in sign."""
    above, below = (best, value) if more else (value, best)
    return above / below if above > 0 and below > 0 and math.isfinite(above / below) else None


def _ratio_text(ratio: float) -> str:
    if ratio < 1.005:
        return "1.00"
    return (
        f"{ratio:.2f}" if ratio < 1.1 else f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
    )


def _overlap(one: Tile, other: Tile) -> bool:
    bounds = (one.low, one.high, other.low, other.high)
    if not all(is_number(bound) for bound in bounds):
        return False
    low, high, other_low, other_high = (float(bound or 0) for bound in bounds)
    return low <= other_high and other_low <= high and (low < high or other_low < other_high)
