"""A FigureSpec drawn: vl-convert draws each panel as SVG, where text remains text; a file has all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import vl_convert

from garbology.reporting import marks, svg
from garbology.reporting.palette import INK, PAPER, Series, theme_variables
from garbology.reporting.panels import Layout, lay_out
from garbology.study.page import FigureSpec

_VEGA_LITE = "6.4"


@dataclass(frozen=True)
class DrawnPanel:
    """One panel as markup for a page."""

    title: str
    markup: str
    alike: bool = False  # it says what a panel before it says


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as panels for a page and as one file for everything else; `first_row` is that file's beginning."""

    panels: Sequence[DrawnPanel]
    series: Sequence[Series]
    missing: int
    columns: int
    file_text: str
    first_row: str


def draw(spec: FigureSpec, runtime_labels: Mapping[str, str]) -> DrawnFigure | None:
    """`spec` drawn, None where it has no value; `runtime_labels` names the slugs, in their order."""
    layout = lay_out(spec, runtime_labels)
    if layout is None:
        return None
    roots = [rendered(marks.chart(spec, layout, panel)) for panel in layout.panels]
    text = first_row = _compose(layout, roots, spec.kind)
    if len(roots) > layout.columns:
        first_row = _compose(layout, roots[: layout.columns], spec.kind)
    panels = []
    for panel, root in zip(layout.panels, roots, strict=True):
        svg.recolor(root, theme_variables())
        label = f"{layout.y_title} by {layout.x_title}, {len(panel.points)} values"
        label = f"{panel.title}: {label}" if panel.title else label
        panels.append(DrawnPanel(panel.title, svg.inline(root, label), panel in layout.alike))
    return DrawnFigure(panels, layout.named_series, layout.missing, layout.columns, text, first_row)


def rendered(chart: Any) -> Element:
    """An Altair chart as SVG, cleaned; always by the same version of Vega-Lite."""
    return svg.clean(svg.parse(vl_convert.vegalite_to_svg(chart.to_dict(), vl_version=_VEGA_LITE)))


def _compose(layout: Layout, roots: Sequence[Element], kind: str) -> str:
    """One drawing of panels, as many as `roots`, titles and a legend, on paper of its own: any page may show it."""
    columns = min(layout.columns, len(roots))
    width, height = svg.size(roots[0])
    title_pixels = 22 if len(layout.panels) > 1 else 0
    legend_pixels = 28 if layout.named_series else 0
    rows = -(-len(roots) // columns)
    whole = f"0 0 {columns * width + 16:g} {legend_pixels + rows * (height + title_pixels) + 16:g}"
    root = Element("svg", {"viewBox": whole, "width": whole.split()[2], "height": whole.split()[3]})
    root.append(Element("rect", {"width": "100%", "height": "100%", "rx": "6", "fill": PAPER}))
    _add_legend(root, layout.named_series, kind)
    for index, (panel, drawn) in enumerate(zip(layout.panels[: len(roots)], roots, strict=True)):
        x = 8 + index % columns * width
        y = 8 + legend_pixels + index // columns * (height + title_pixels)
        if panel.title:
            _add_text(root, x, y + 14, panel.title, weight="600")
        group = Element("g", {"transform": f"translate({x:g},{y + title_pixels:g})", "fill": "none"})
        group.extend(drawn)
        root.append(group)
    return svg.standalone(root)


def _add_legend(root: Element, series: Sequence[Series], kind: str) -> None:
    x = 8.0
    for one in series:
        group = Element(
            "g", {"transform": f"translate({x + 15:g},20)", "stroke": one.color, "stroke-width": "2"}
        )
        if kind == "bars":
            group.append(
                Element("rect", {"x": "-9", "y": "-6", "width": "18", "height": "12", "fill": one.color})
            )
        if kind == "line":
            dashes = {"stroke-dasharray": one.dash_array} if one.dash_array else {}
            group.append(Element("line", {"x1": "-15", "x2": "15", **dashes}))
        if kind != "bars":
            group.append(Element("path", {"d": one.path, "fill": PAPER}))
        root.append(group)
        _add_text(root, x + 36, 24, one.label)
        x += 36 + len(one.label) * marks.CHARACTER_PIXELS + 22


def _add_text(root: Element, x: float, y: float, text: str, weight: str = "400") -> None:
    place = {"x": f"{x:g}", "y": f"{y:g}", "font-size": "12", "font-weight": weight, "fill": INK}
    element = Element("text", place)
    element.text = text
    root.append(element)
