"""The page of a diagnosis: how much each kind of growth has gained, over the calls, and who holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from garbology.reporting import marks, svg, views
from garbology.reporting.figures import rendered
from garbology.reporting.files import write_text
from garbology.reporting.pages import card_views
from garbology.reporting.palette import Series, theme_variables
from garbology.reporting.panels import lay_out
from garbology.reporting.templating import render
from garbology.study.page import FigureSpec, Tile
from garbology.text.layout import human_bytes

_WIDTH_PIXELS, _HEIGHT_PIXELS = 1_040, 260
_FILE = "growth.svg"
_KINDS = {
    "alive_bytes": "alive",
    "waiting_bytes": "waits for the collector",
    "kept_bytes": "freed, and kept by the allocators",
    "native_bytes": "not Python's",
}


@dataclass(frozen=True)
class GrowthPage:
    """What is shown of a diagnosis, as plain data.

    `moments` are rows of `step` and the bytes of each kind since the first; `holders` rows of bytes, name and place;
    `shapes` shape dicts.
    """

    title: str
    verdict: str
    unit: str = "call"
    tiles: Sequence[Tile] = ()
    moments: Sequence[Mapping[str, Any]] = ()
    holders: Sequence[Sequence[str]] = ()
    bounded: Sequence[Sequence[str]] = ()
    shapes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Bands:
    """The drawing: markup for a page, the text of a file, and what its legend explains."""

    markup: str
    file_text: str
    series: Sequence[Series]


def page_of(report: Mapping[str, Any]) -> GrowthPage:
    """The page of a diagnosis, as :meth:`garbology.growth.report.Report.to_dict` tells it."""
    unit = report["unit"]
    return GrowthPage(
        title="Why memory grows",
        verdict=_sentence(report["verdict"]),
        unit=unit,
        tiles=[
            Tile(f"grows a {unit}", report["grows"], "bytes", report["low"], report["high"]),
            Tile("alive", report["alive"], "bytes"),
            Tile("waits for the collector", report["waiting"], "bytes"),
            Tile("freed, and kept", report["kept"], "bytes"),
            Tile(
                "not Python's",
                report["native"],
                "bytes",
                report.get("native_low") or None,
                report.get("native_high") or None,
            ),
        ],
        moments=report["moments"],
        holders=[*map(_row, report["holders"]), *map(_allocated, report.get("allocated_at", []))],
        bounded=[_row(each) for each in report["bounded"]],
        shapes=report["shapes"],
    )


def _sentence(verdict: str) -> str:
    return f"Memory {verdict}" if verdict.startswith("grows") else verdict[:1].upper() + verdict[1:]


def _row(holder: Mapping[str, Any]) -> list[str]:
    return [human_bytes(holder["bytes"]), holder["name"], holder["where"], "; ".join(holder["chain"])]


def _allocated(place: Mapping[str, Any]) -> list[str]:
    return [human_bytes(place["bytes"]), "held by no object; allocated at", place["where"], place["source"]]


def write_growth(page: GrowthPage, directory: Path) -> list[Path]:
    """Write index.html, README.md and the drawings; the paths, the page first. The same page gives the same bytes."""
    drawn = bands(page)
    cards = card_views(page.shapes)
    content = {
        "page": page,
        "tiles": [views.tile(tile) for tile in page.tiles],
        "bands": drawn,
        "bands_file": _FILE if drawn else "",
        "cards": cards,
    }
    drawings = {view.file_name: view.card.file_text for view in cards if view.file_name}
    if drawn:
        drawings[_FILE] = drawn.file_text
    return [
        write_text(directory / "index.html", render("growth.html.j2", content)),
        write_text(directory / "README.md", render("growth.md.j2", content)),
        *(write_text(directory / name, text) for name, text in drawings.items()),
    ]


def bands(page: GrowthPage) -> Bands | None:
    """The bytes of each kind over the calls, one kind upon the other; None where nothing was looked at."""
    rows = list(_stacked(page.moments))
    spec = FigureSpec(
        "growth", "Memory since the first look", "line", "x", "high", color="kind", rows=rows,
        x_title=f"{page.unit}s", y_title="bytes",
    )  # fmt: skip
    layout = lay_out(spec, {}) if rows else None
    if layout is None:
        return None
    order = {series.value: place for place, series in enumerate(layout.series)}
    placed = [{**row, "series": order[row["kind"]]} for row in rows]
    root = rendered(marks.bands(layout, placed, marks.Frame(_WIDTH_PIXELS, _HEIGHT_PIXELS)))
    text = svg.standalone(root)
    svg.recolor(root, theme_variables())
    label = f"{spec.caption}: bytes of each kind over the {page.unit}s"
    return Bands(svg.inline(root, label), text, layout.named_series)


def _stacked(moments: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each kind that is there its lower and upper end; what has shrunk is drawn as nothing."""
    kinds = [name for name in _KINDS if any(moment[name] > 0 for moment in moments)]
    rows = []
    for moment in moments:
        low = 0.0
        for name in kinds:
            high = low + max(float(moment[name]), 0.0)
            rows.append({"x": moment["step"], "kind": _KINDS[name], "low": low, "high": high})
            low = high
    return rows
