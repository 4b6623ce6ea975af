"""A FigureSpec drawn: Altair says what is drawn, vl-convert draws each panel as SVG, text remains text.

Every length is given here and none is left to the width of a text, so that the same figure has the same bytes
on a machine with other fonts. The mark of each value bears its numbers in `aria-label`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import altair as alt
import vl_convert

from garbology.reporting import svg
from garbology.reporting.axes import Axis
from garbology.reporting.numbers import format_quantity, unit_of
from garbology.reporting.palette import GRID, INK, MUTED, PAPER, Series, theme_variables
from garbology.reporting.panels import Layout, Panel, Point, lay_out
from garbology.study.page import FigureSpec

_CHARACTER_PIXELS = 6.4  # of a label, on average, at 12 pixels
_TOP_PIXELS, _RIGHT_PIXELS, _BOTTOM_PIXELS = 26, 22, 36
_BAR_PIXELS, _BAR_GAP_PIXELS, _BAR_VALUE_PIXELS = 18, 14, 66
_DODGE_PIXELS = 5
_DODGED_BELOW = 13  # positions on the x axis; with more of them the marks of one would touch the next


@dataclass(frozen=True)
class DrawnPanel:
    """One panel as markup for a page."""

    title: str
    markup: str


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as panels for a page and as one file for everything else."""

    panels: Sequence[DrawnPanel]
    series: Sequence[Series]
    missing: int
    file_text: str


def draw(spec: FigureSpec, runtime_labels: Mapping[str, str]) -> DrawnFigure | None:
    """`spec` drawn, None where it has no value; `runtime_labels` names the slugs, in their order."""
    layout = lay_out(spec, runtime_labels)
    if layout is None:
        return None
    roots = [_draw_panel(spec, layout, panel) for panel in layout.panels]
    text = _compose(layout, roots, spec.kind)
    panels = []
    for panel, root in zip(layout.panels, roots, strict=True):
        svg.recolor(root, theme_variables())
        label = f"{layout.y_title} by {layout.x_title}, {len(panel.points)} values"
        label = f"{panel.title}: {label}" if panel.title else label
        panels.append(DrawnPanel(panel.title, svg.inline(root, label)))
    return DrawnFigure(panels, layout.named_series, layout.missing, text)


def _draw_panel(spec: FigureSpec, layout: Layout, panel: Panel) -> Element:
    chart = _bars(layout, panel, unit_of(spec.y)) if spec.kind == "bars" else _lines(spec, layout, panel)
    return svg.clean(svg.parse(vl_convert.vegalite_to_svg(chart.to_dict())))


def _lines(spec: FigureSpec, layout: Layout, panel: Panel) -> Any:
    width, height = (300, 170) if len(layout.panels) > 1 else (420, 220)
    left = layout.y.longest_label * _CHARACTER_PIXELS + 14
    x = alt.X(
        "x:N" if layout.x.scale == "category" else "x:Q",
        scale=_scale(layout.x, inset=True),
        axis=_axis(layout.x, layout.x_title, grid=False, titleAnchor="end", titleAlign="right", titleY=30),
    )
    y = alt.Y("y:Q", scale=_scale(layout.y), axis=_axis(layout.y, layout.y_title, **_title_above(-left, -16)))
    layers = []
    for index, series in enumerate(layout.series):
        points = [point for point in panel.points if point.series == index]
        if points:
            layers += _series_layers(spec, layout, points, series, _dodge(layout, index), x, y)
    return _frame(alt.layer(*layers), width - left - _RIGHT_PIXELS, height, left, _RIGHT_PIXELS)


def _dodge(layout: Layout, index: int) -> float:
    """Pixels to the side, so that equal values of two series are both seen."""
    positions = {point.x for panel in layout.panels for point in panel.points}
    step = _DODGE_PIXELS if len(positions) < _DODGED_BELOW and len(layout.series) <= 4 else 0
    return (index - (len(layout.series) - 1) / 2) * step


def _series_layers(
    spec: FigureSpec, layout: Layout, points: Sequence[Point], series: Series, dodge: float, x: Any, y: Any
) -> list[Any]:
    chart = alt.Chart(_data(points, layout.x))
    interval: dict[str, Any] = {"aria": False, "color": series.color, "xOffset": dodge, "strokeWidth": 1.5}
    layers = [chart.mark_rule(**interval).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")]
    if spec.kind == "line":
        line: dict[str, Any] = {"aria": False, "color": series.color, "xOffset": dodge, "strokeDash": list(series.dash)}
        layers.insert(0, chart.mark_line(**line, strokeWidth=2).encode(x=x, y=y, order=alt.Order("place:Q")))
    mark: dict[str, Any] = {"shape": series.shape, "fill": PAPER, "stroke": series.color, "strokeWidth": 2, "opacity": 1}
    layers.append(
        chart.mark_point(**mark, size=44, xOffset=dodge).encode(
            x=x, y=y, description=alt.Description("label:N")
        )
    )
    return layers


def _bars(layout: Layout, panel: Panel, unit: str) -> Any:
    """Horizontal bars, each with its value beside it: names of any length stay level and readable."""
    width = 300 if len(layout.panels) > 1 else 420
    left = layout.x.longest_label * _CHARACTER_PIXELS + 14
    band = len(layout.series) * _BAR_PIXELS
    height = len(layout.x.categories) * (band + _BAR_GAP_PIXELS)
    category = alt.Y(
        "x:N",
        scale=alt.Scale(
            domain=_category_keys(layout.x), paddingInner=_BAR_GAP_PIXELS / (band + _BAR_GAP_PIXELS)
        ),
        axis=_axis(layout.x, layout.x_title, grid=False, **_title_above(-left, -12)),
    )
    value = alt.X(
        "y:Q",
        scale=_scale(layout.y),
        axis=_axis(layout.y, layout.y_title, titleAnchor="end", titleAlign="right", titleY=30),
    )
    offset = alt.YOffset(
        "series:N", scale=alt.Scale(domain=[str(index) for index in range(len(layout.series))])
    )
    layers = []
    for index, series in enumerate(layout.series):
        points = [point for point in panel.points if point.series == index]
        if points:
            chart = alt.Chart(_data(points, layout.x, unit)).encode(y=category, yOffset=offset)
            layers += _bar_layers(chart, series, value)
    return _frame(alt.layer(*layers), width - left - _BAR_VALUE_PIXELS, height, left, _BAR_VALUE_PIXELS)


def _bar_layers(chart: Any, series: Series, value: Any) -> list[Any]:
    return [
        chart.mark_bar(color=series.color, height=_BAR_PIXELS - 3).encode(
            x=value, description=alt.Description("label:N")
        ),
        chart.mark_rule(aria=False, color=INK, strokeWidth=1.5).encode(x=alt.X("low:Q"), x2="high:Q"),
        chart.mark_text(aria=False, align="left", dx=5, color=INK, fontSize=12).encode(
            x=alt.X("high:Q"), text="text:N"
        ),
    ]


def _data(points: Sequence[Point], x: Axis, unit: str = "") -> Any:
    return alt.InlineData(
        values=[
            {
                "x": x.position(point.x),
                "y": point.y,
                "low": point.low,
                "high": point.high,
                "label": point.label,
                "text": format_quantity(point.y, unit),
                "series": str(point.series),
                "place": place,
            }
            for place, point in enumerate(sorted(points, key=lambda point: _place(x, point.x)))
        ]
    )


def _place(x: Axis, value: Any) -> float:
    return float(x.categories.index(value) if x.scale == "category" else value)


def _scale(axis: Axis, *, inset: bool = False) -> Any:
    if axis.scale == "category":
        return alt.Scale(type="point", domain=_category_keys(axis), padding=0.5)
    extra: dict[str, Any] = {"constant": axis.constant} if axis.scale == "symlog" else {}
    if inset:
        extra["padding"] = _DODGE_PIXELS * 2
    return alt.Scale(type=axis.scale, domain=list(axis.domain), nice=False, zero=False, **extra)


def _category_keys(axis: Axis) -> list[str]:
    return [str(index) for index in range(len(axis.categories))]


def _axis(axis: Axis, title: str, **title_place: Any) -> Any:
    """Ticks and labels as `axis` says; the labels enter as JSON strings, never as code."""
    ticks = _category_keys(axis) if axis.scale == "category" else list(axis.ticks)
    expression = f"{json.dumps(list(axis.labels))}[indexof({json.dumps(ticks)}, datum.value)]"
    return alt.Axis(title=title, values=ticks, labelExpr=expression, **title_place)


def _title_above(x: float, y: float) -> dict[str, Any]:
    """A level title above its axis is read without turning the head."""
    place = {"titleAngle": 0, "titleAnchor": "start", "titleAlign": "left", "titleBaseline": "bottom"}
    return {**place, "titleX": x, "titleY": y}


def _frame(chart: Any, width: float, height: float, left: float, right: float) -> Any:
    """The chart at a fixed size: nothing is fitted to the width of a text."""
    padding = {"left": left, "right": right, "top": _TOP_PIXELS, "bottom": _BOTTOM_PIXELS}
    sized = chart.properties(
        width=width,
        height=height,
        padding=padding,
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
    )
    return sized.configure_view(stroke=None).configure_axis(
        labelColor=MUTED,
        titleColor=INK,
        labelFontSize=12,
        titleFontSize=12,
        titleFontWeight=600,
        titleLimit=0,
        labelLimit=0,
        labelOverlap=False,
        labelFlush=False,
        labelBound=False,
        labelAngle=0,
        gridColor=GRID,
        domainColor=MUTED,
        tickColor=MUTED,
        tickSize=4,
        labelPadding=4,
    )


def _compose(layout: Layout, roots: Sequence[Element], kind: str) -> str:
    """One drawing of all panels, titles and a legend, on paper of its own: any page may show it."""
    columns = min(3, len(roots))
    width, height = svg.size(roots[0])
    title_pixels = 22 if len(roots) > 1 else 0
    legend_pixels = 28 if layout.named_series else 0
    rows = -(-len(roots) // columns)
    whole = f"0 0 {columns * width + 16:g} {legend_pixels + rows * (height + title_pixels) + 16:g}"
    root = Element("svg", {"viewBox": whole, "width": whole.split()[2], "height": whole.split()[3]})
    root.append(Element("rect", {"width": "100%", "height": "100%", "rx": "6", "fill": PAPER}))
    _add_legend(root, layout.named_series, kind)
    for index, (panel, drawn) in enumerate(zip(layout.panels, roots, strict=True)):
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
        x += 36 + len(one.label) * _CHARACTER_PIXELS + 22


def _add_text(root: Element, x: float, y: float, text: str, weight: str = "400") -> None:
    place = {"x": f"{x:g}", "y": f"{y:g}", "font-size": "12", "font-weight": weight, "fill": INK}
    element = Element("text", place)
    element.text = text
    root.append(element)
