"""A study's figure, small: one panel of its first figure as a card of the front page shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from garbology.reporting import figures, marks, svg
from garbology.reporting.palette import Series, theme_variables
from garbology.reporting.panels import Layout, lay_out, suited
from garbology.reporting.runtimes import runtime_names
from garbology.study.page import FigureSpec, StudyPage

_HEIGHT_PIXELS = 300
_SPOKEN = ("aria-label", "role", "class")  # of a mark: a thumbnail is looked at, its page has the numbers


@dataclass(frozen=True)
class Thumbnail:
    """One panel as markup, what its colours mean, and what it shows in words."""

    markup: str
    series: list[Series]
    kind: str
    caption: str
    height: float


def thumbnail(page: StudyPage) -> Thumbnail | None:
    """The first figure that is no higher than a card has room for, else the least high; None where there is none."""
    drawn = [
        each for each in (_drawn(suited(_of_the_leader(spec, page)), page) for spec in page.figures) if each
    ]
    fitting = [each for each in drawn if each.height <= _HEIGHT_PIXELS]
    return next(iter(fitting), min(drawn, key=lambda each: each.height, default=None))


def _of_the_leader(spec: FigureSpec, page: StudyPage) -> FigureSpec:
    rows = [row for row in spec.rows if row.get("runtime") == page.lead] or spec.rows
    return replace(spec, rows=rows)


def _drawn(spec: FigureSpec, page: StudyPage) -> Thumbnail | None:
    titles = {slug: name.title for slug, name in runtime_names(page.runtimes).items()}
    layout = lay_out(spec, titles)
    if layout is None:
        return None
    root = figures.rendered(_chart(spec, layout))
    for element in root.iter():
        for name in _SPOKEN:
            element.attrib.pop(name, None)
    svg.recolor(root, theme_variables())
    width, height = svg.size(root)
    root.attrib.update({"width": f"{width:g}", "height": f"{height:g}", "aria-hidden": "true"})
    return Thumbnail(svg.serialize(root), list(layout.named_series), spec.kind, spec.caption, height)


def _chart(spec: FigureSpec, layout: Layout) -> Any:
    """The first panel alone, in the usual size."""
    return marks.chart(spec, replace(layout, panels=layout.panels[:1]), layout.panels[0])
