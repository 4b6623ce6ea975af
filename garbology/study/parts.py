"""The parts of a page that a study's functions make of its samples, and a sentence for each that is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from garbology.study.declaration import Study
from garbology.study.page import AtlasRow, FigureSpec, FrontChart, Table, Tile
from garbology.study.runs import NotMeasured, Runs
from garbology.study.tables import scalar_values, table

Part = TypeVar("Part")

_DEFAULT_TABLE_COLUMNS = 6


class Parts:
    """Calls a study's functions; where one fails the rest of the page remains.

    `lacking` names the parts for which there is no sample, `faults` those whose function raised.
    """

    def __init__(self, study: Study) -> None:
        self.lacking: list[str] = []
        self.faults: list[str] = []
        self._study = study

    def verdict(self, runs: Runs) -> str:
        """The study's one sentence; empty where there is none."""
        return "".join(self._made("verdict", self._study.summaries.get("verdict"), runs, str))

    def pictures(self, runs: Runs) -> list[dict[str, Any]]:
        """The shapes to draw."""
        return self._made("pictures", self._study.summaries.get("pictures"), runs, dict, several=True)

    def table(self, runs: Runs) -> Table:
        """The study's table, or one of the first measure's numbers."""
        made = self._made("table", self._study.summaries.get("table", _default_table), runs, Table)
        return (
            replace(made[0], rows=[[str(cell) for cell in row] for row in made[0].rows])
            if made
            else Table((), ())
        )

    def figures(self, runs: Runs) -> list[FigureSpec]:
        """The figures, each with its name and caption."""
        figures = []
        for name, function in self._study.figures.items():
            for spec in self._made("figure", function, runs, FigureSpec):
                caption = " ".join((function.__doc__ or name.replace("_", " ").capitalize() + ".").split())
                figures.append(replace(spec, name=name, caption=caption))
        return figures

    def front_chart(self, runs: Runs) -> FrontChart | None:
        """What the front page shows first; None where the study has no such chart, or nothing was measured for it."""
        if self._study.front_chart is None:
            return None
        headline, explanation, figure = self._study.front_chart
        made = self._made("front chart", figure, runs, FigureSpec)
        return FrontChart(headline, explanation, made[0]) if made else None

    def tiles(self, runs: Mapping[str, Runs], lead: str) -> dict[str, list[Tile]]:
        """The tiles by runtime; a missing one is reported with its runtime, unless that is the leading one."""
        tiles: dict[str, list[Tile]] = {}
        for slug, of in (runs or {lead: Runs([])}).items():
            where = "" if slug == lead else f"{slug}: "
            each = self._study.tiles.values()
            made = [self._made("tile", function, of, Tile, where, several=True) for function in each]
            tiles[slug] = [tile for several in made for tile in several]
        return tiles

    def _made(
        self,
        kind: str,
        function: Callable[[Runs], Any] | None,
        runs: Runs,
        part: type[Part],
        where: str = "",
        *,
        several: bool = False,
    ) -> list[Part]:
        """What a function returned, one part unless `several` may be listed; none where it failed."""
        if function is None:
            return []
        # 'figure pauses', but 'verdict' where that is its name, too
        name = function.__name__ if function.__name__.startswith(kind) else f"{kind} {function.__name__}"
        try:
            made = function(runs)
            parts = list(made) if several and isinstance(made, (list, tuple)) else [made]
            if all(isinstance(each, part) for each in parts):
                return parts
            self.faults.append(f"{where}{name} is missing: it returned {made!r:.100}, not a {part.__name__}")
        except NotMeasured as error:
            self.lacking.append(f"{where}{name} is missing: {error}")
        except (Exception, SystemExit) as error:
            self.faults.append(f"{where}{name} is missing: it raised {error_text(error)}")
        return []


def atlas_rows(tiles: Mapping[str, Sequence[Tile]]) -> list[AtlasRow]:
    """The figures that are compared across runtimes, in the order in which the study names them."""
    rows: dict[str, dict[str, Tile]] = {}
    for slug, each in tiles.items():
        for tile in each:
            if tile.atlas:
                rows.setdefault(tile.label, {})[slug] = tile
    firsts = {label: next(iter(row.values())) for label, row in rows.items()}
    return [AtlasRow(label, firsts[label].unit, firsts[label].better, row) for label, row in rows.items()]


def error_text(error: BaseException) -> str:
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _default_table(runs: Runs) -> Table:
    first = runs.of(next(iter(runs)).measure)
    return table(first, scalar_values(first)[:_DEFAULT_TABLE_COLUMNS])
