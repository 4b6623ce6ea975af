"""A run over time: resident memory, garbage that waits, and every collection as a mark, on one time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

from garbology.reporting import marks, svg
from garbology.reporting.axes import number_axis
from garbology.reporting.figures import rendered
from garbology.reporting.palette import INK, PAPER, Series, theme_variables
from garbology.reporting.panels import Layout, lay_out
from garbology.study.page import FigureSpec
from garbology.text.numbers import format_quantity, is_number

Row = Mapping[str, Any]
_WIDTH_PIXELS, _HEIGHT_PIXELS = 1040, 120
_MOMENTS = 200  # drawn of the samples: the peak of each stretch of time
_COLLECTIONS = 200  # drawn of the collections: the longest
_TITLE_PIXELS = 24


@dataclass(frozen=True)
class Strip:
    """One band of the timeline as markup for a page."""

    title: str
    markup: str
    series: Sequence[Series]


@dataclass(frozen=True)
class Timeline:
    """The bands from top to bottom; `notes` says what is not drawn."""

    strips: Sequence[Strip]
    notes: Sequence[str]
    file_text: str


def draw(moments: Sequence[Row], collections: Sequence[Row]) -> Timeline | None:
    """The timeline of a run, None where nothing was recorded.

    A moment has `seconds` since the start and any of `rss_bytes`, `waiting_bytes`, `waiting_objects`; a
    collection has `seconds`, `pause_seconds`, `generation` and, where it is known, `collected` (objects).
    """
    specs = [spec for spec in _specs(moments, collections) if spec.rows]
    layouts = [layout for layout in (lay_out(spec, {}) for spec in specs) if layout]
    if not layouts:
        return None
    ends = [float(row["seconds"]) for spec in specs for row in spec.rows]
    shared = number_axis([min(0.0, *ends), max(ends)], "linear", "seconds", tight=True)
    left = max(map(marks.label_room, layouts))
    frame = marks.Frame(_WIDTH_PIXELS, _HEIGHT_PIXELS, left, dense=True)
    aligned = [replace(layout, x=shared) for layout in layouts]
    roots = [
        rendered(marks.chart(spec, layout, layout.panels[0], frame))
        for spec, layout in zip(specs, aligned, strict=True)
    ]
    text = _compose([spec.caption for spec in specs], roots)
    strips = [_strip(*each) for each in zip(specs, aligned, roots, strict=True)]
    return Timeline(strips, _notes(moments, collections), text)


def _specs(moments: Sequence[Row], collections: Sequence[Row]) -> list[FigureSpec]:
    waiting = (
        "waiting_bytes" if any(is_number(row.get("waiting_bytes")) for row in moments) else "waiting_objects"
    )
    return [
        _spec("Resident memory (RSS)", "line", "rss_bytes", _peaks(moments, "rss_bytes"), "memory"),
        _spec("Garbage that waits for the collector", "line", waiting, _peaks(moments, waiting), "waiting"),
        replace(
            _spec("Collections", "points", "pause_seconds", _longest(collections), "pause"),
            color="generation",
            y_scale="log",
        ),
    ]


def _spec(caption: str, kind: Any, y: str, rows: Sequence[Row], title: str) -> FigureSpec:
    return FigureSpec(caption, caption, kind, "seconds", y, rows=rows, x_title="time", y_title=title)


def _peaks(moments: Sequence[Row], field: str) -> list[Row]:
    """The rows that have `field`; of many, the highest in each of `_MOMENTS` stretches: no peak is lost."""
    rows = [row for row in moments if is_number(row.get(field)) and is_number(row.get("seconds"))]
    if len(rows) <= _MOMENTS:
        return rows
    first, last = float(rows[0]["seconds"]), float(rows[-1]["seconds"])
    highest: dict[int, Row] = {}
    for row in rows:
        stretch = int((float(row["seconds"]) - first) / ((last - first) or 1) * (_MOMENTS - 1))
        if stretch not in highest or row[field] > highest[stretch][field]:
            highest[stretch] = row
    return [highest[stretch] for stretch in sorted(highest)]


def _longest(collections: Sequence[Row]) -> list[Row]:
    rows = [
        row for row in collections if is_number(row.get("pause_seconds")) and is_number(row.get("seconds"))
    ]
    longest = sorted(rows, key=lambda row: (-row["pause_seconds"], row["seconds"]))[:_COLLECTIONS]
    return [_noted(row) for row in sorted(longest, key=lambda row: float(row["seconds"]))]


def _noted(row: Row) -> Row:
    collected = row.get("collected")
    return {**row, "note": f"{format_quantity(collected, 'objects')} freed"} if is_number(collected) else row


def _notes(moments: Sequence[Row], collections: Sequence[Row]) -> list[str]:
    notes = []
    if len(moments) > _MOMENTS:
        notes.append(f"{len(moments):,} samples: the highest of each {_MOMENTS}th of the time is drawn.")
    if len(collections) > _COLLECTIONS:
        notes.append(f"{len(collections):,} collections: the {_COLLECTIONS} longest are drawn.")
    return notes


def _strip(spec: FigureSpec, layout: Layout, root: Element) -> Strip:
    svg.recolor(root, theme_variables())
    label = f"{spec.caption}: {layout.y_title} over time, {len(layout.panels[0].points)} values"
    return Strip(spec.caption, svg.inline(root, label), layout.named_series)


def _compose(titles: Sequence[str], roots: Sequence[Element]) -> str:
    """The bands below each other in one file, on paper of its own."""
    sizes = [svg.size(root) for root in roots]
    width = max(size[0] for size in sizes) + 16
    height = sum(size[1] + _TITLE_PIXELS for size in sizes) + 16
    whole = Element(
        "svg", {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    )
    whole.append(Element("rect", {"width": "100%", "height": "100%", "rx": "6", "fill": PAPER}))
    y = 8.0
    for title, root, size in zip(titles, roots, sizes, strict=True):
        text = Element(
            "text", {"x": "8", "y": f"{y + 15:g}", "font-size": "13", "font-weight": "600", "fill": INK}
        )
        text.text = title
        group = Element("g", {"transform": f"translate(8,{y + _TITLE_PIXELS:g})", "fill": "none"})
        group.extend(root)
        whole.extend([text, group])
        y += size[1] + _TITLE_PIXELS
    return svg.standalone(whole)
