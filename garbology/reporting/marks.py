"""The charts of a figure's panels in Altair's terms.

Every length is given here and none is left to the width of a text, so that the same figure has the same bytes
on a machine with other fonts. The mark of each value bears its numbers as its description.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from garbology.reporting.axes import Axis
from garbology.reporting.palette import GRID, INK, MUTED, PAPER, Series
from garbology.reporting.panels import Layout, Panel, Point
from garbology.study.page import FigureSpec
from garbology.text.numbers import format_quantity, unit_of

CHARACTER_PIXELS = 6.4  # of a label, on average, at 12 pixels
_TOP_PIXELS, _RIGHT_PIXELS, _BOTTOM_PIXELS = 34, 22, 44
_WIDTH_PIXELS, _PANEL_WIDTH_PIXELS = 360, 300  # of a figure with one panel, of each panel of several
_BAR_PIXELS, _BAR_GAP_PIXELS, _BAR_VALUE_PIXELS = 18, 14, 66
_MARK_SIZE, _DENSE_MARK_SIZE = 44, 20  # square pixels
_DENSE_ABOVE = 24  # values on a line: with more of them the marks hide it
_DODGE_PIXELS = 5
_DODGED_BELOW = 13  # positions on the x axis; with more of them the marks of one would touch the next
_DODGED_LINES, _DODGED_POINTS = 6, 4  # series at most; the x of a point may be measured
_STORY_WIDTH_PIXELS, _STORY_HEIGHT_PIXELS, _STORY_MARGIN_PIXELS = 440, 184, 6
_SLANT_DEGREES, _SLANT_PIXELS = (
    -35,
    4.2,
)  # of labels that do not fit level, and what one character then takes down


@dataclass(frozen=True)
class Frame:
    """The size of a chart of lines or points; `left` is the least room for the labels of its y axis.

    With `dense` values the marks of a line are seen one at a time only, where a reader points.
    """

    width: float
    height: float
    left: float = 0.0
    dense: bool = False


@dataclass(frozen=True)
class PlainLine:
    """A line without marks, as wide as that (pixels)."""

    points: Sequence[tuple[float, float]]
    color: str
    width: float


@dataclass(frozen=True)
class Name:
    """What is written above a point."""

    x: float
    y: float
    text: str
    color: str


def chart(spec: FigureSpec, layout: Layout, panel: Panel, frame: Frame | None = None) -> Any:
    """The Altair chart of one panel, in the usual size or in `frame` (lines and points only)."""
    if spec.kind in ("bars", "dots"):
        return _bars(layout, panel, unit_of(spec.y), dots=spec.kind == "dots")
    several = len(layout.panels) > 1
    dense = len({point.x for point in panel.points}) > _DENSE_ABOVE
    width, height = (_PANEL_WIDTH_PIXELS, 170) if several else (_WIDTH_PIXELS, 200)
    usual = Frame(width, height, dense=dense)
    return _lines(spec, layout, panel, frame or usual)


def bands(layout: Layout, rows: Sequence[Mapping[str, Any]], frame: Frame) -> Any:
    """Areas on top of each other: each of ``rows`` has `series` (a place in the layout's), `x`, `low` and `high`."""
    left = max(label_room(layout), frame.left)
    plot_width = frame.width - left - _RIGHT_PIXELS
    x_axis, deeper = _x_axis(layout.x, layout.x_title, plot_width, grid=False)
    x = alt.X("x:Q", scale=_scale(layout.x), axis=x_axis)
    y = alt.Y(
        "high:Q", scale=_scale(layout.y), axis=_axis(layout.y, layout.y_title, **_title_above(-left, -16))
    )
    layers = [
        _chart_of(row for row in rows if row["series"] == place)
        .mark_area(aria=False, color=series.color, opacity=0.85)
        .encode(x=x, y=y, y2="low:Q")
        for place, series in enumerate(layout.series)
    ]
    return _frame(alt.layer(*layers), plot_width, frame.height, left, _RIGHT_PIXELS, deeper)


def annotated(
    axes: tuple[Axis, Axis],
    titles: tuple[str, str],
    lines: Sequence[PlainLine],
    name: Name,
    note: Sequence[str],
) -> Any:
    """Lines on two axes, a point above which its name stands, and lines of text below, coloured as the first line.

    It is narrower than others, so that its text can be read where it is as wide as a phone.
    """
    x, y = axes
    left = y.longest_label * CHARACTER_PIXELS + 16
    x_axis = _axis(x, titles[0], grid=False, titleAnchor="end", titleAlign="right", titleY=29)
    y_axis = _axis(y, titles[1], ticks=False, domain=False, **_title_above(-left, -16))
    places = {
        "x": alt.X("x:Q", scale=_scale(x), axis=x_axis),
        "y": alt.Y("y:Q", scale=_scale(y), axis=y_axis),
    }
    layers = [
        each.encode(**places) for each in (_plain(lines), *_named(name, x.share(name.x), lines[-1].color))
    ]
    style: dict[str, Any] = {"align": "left", "color": lines[0].color, "fontSize": 12, "lineHeight": 17}
    below = _chart_of([{}]).mark_text(aria=False, text=list(note), **style)
    whole = alt.layer(*layers, below.encode(x=alt.value(-left), y=alt.value(_STORY_HEIGHT_PIXELS + 57)))
    left += _STORY_MARGIN_PIXELS
    width = _STORY_WIDTH_PIXELS - left - _RIGHT_PIXELS
    return _frame(whole, width, _STORY_HEIGHT_PIXELS, left, _RIGHT_PIXELS, 12 + 17 * len(note))


def _plain(lines: Sequence[PlainLine]) -> Any:
    rows = (
        {"x": x, "y": y, "line": place, "color": line.color, "width": line.width}
        for place, line in enumerate(lines)
        for x, y in line.points
    )
    own = {"color": alt.Color("color:N", scale=None), "strokeWidth": alt.StrokeWidth("width:Q", scale=None)}
    return _chart_of(rows).mark_line(aria=False).encode(detail="line:N", **own)


def _named(name: Name, share: float, color: str) -> Sequence[Any]:
    """A point at this `share` of the x axis with its name, which is to stay within the chart."""
    point = _chart_of([{"x": name.x, "y": name.y}])
    align: Any = "left" if share < 1 / 3 else "right" if share > 2 / 3 else "center"
    style: dict[str, Any] = {"fontSize": 14, "fontWeight": 700, "baseline": "bottom", "dy": -9}
    return [
        point.mark_circle(aria=False, color=color, opacity=1, size=70),
        point.mark_text(aria=False, text=name.text, color=name.color, align=align, **style),
    ]


def label_room(layout: Layout) -> float:
    """Pixels that the labels of the y axis take."""
    return layout.y.longest_label * CHARACTER_PIXELS + 14


def _lines(spec: FigureSpec, layout: Layout, panel: Panel, frame: Frame) -> Any:
    left, width, height = max(label_room(layout), frame.left), frame.width, frame.height
    plot_width = width - left - _RIGHT_PIXELS
    x_axis, deeper = _x_axis(layout.x, layout.x_title, plot_width, grid=False)
    x_type = "N" if layout.x.scale == "category" else "Q"
    x = alt.X(f"x:{x_type}", scale=_scale(layout.x, inset=True), axis=x_axis)
    y_axis = _axis(layout.y, layout.y_title, **_title_above(-left, -16))
    y = alt.Y("y:Q", scale=_scale(layout.y), axis=y_axis)
    layers = []
    for index, series in enumerate(layout.series):
        points = [point for point in panel.points if point.series == index]
        if points:
            dodge = _dodge(layout, index, line=spec.kind == "line")
            layers += _series_layers(spec, layout, points, series, dodge, x, y, frame)
    return _frame(alt.layer(*layers), plot_width, height, left, _RIGHT_PIXELS, deeper)


def _dodge(layout: Layout, index: int, *, line: bool) -> float:
    """Pixels to the side, so that equal values of two series are both seen."""
    positions = {point.x for panel in layout.panels for point in panel.points}
    step = _DODGE_PIXELS * min(1, 3 / max(len(layout.series) - 1, 1))
    if len(positions) >= _DODGED_BELOW or len(layout.series) > (_DODGED_LINES if line else _DODGED_POINTS):
        step = 0
    return (index - (len(layout.series) - 1) / 2) * step


def _series_layers(
    spec: FigureSpec,
    layout: Layout,
    points: Sequence[Point],
    series: Series,
    dodge: float,
    x: Any,
    y: Any,
    frame: Frame,
) -> list[Any]:
    base = alt.Chart(_data(points, layout.x))
    plain: dict[str, Any] = {"aria": False, "color": series.color, "xOffset": dodge}
    mark: dict[str, Any] = {"shape": series.shape, "fill": PAPER, "stroke": series.color, "xOffset": dodge}
    opacity = 0 if frame.dense and spec.kind == "line" else 1
    size = _DENSE_MARK_SIZE if frame.dense else _MARK_SIZE
    marks = base.mark_point(**mark, strokeWidth=2, opacity=opacity, size=size)
    layers = [marks.encode(x=x, y=y, description=alt.Description("label:N"))]
    spread = [point for point in points if point.low < point.high]
    if spread:
        interval = alt.Chart(_data(spread, layout.x)).mark_rule(**plain, strokeWidth=1.5)
        layers.insert(0, interval.encode(x=x, y=alt.Y("low:Q"), y2="high:Q"))
    if spec.kind == "line":
        line = base.mark_line(**plain, strokeDash=list(series.dash), strokeWidth=2)
        layers.insert(0, line.encode(x=x, y=y, order=alt.Order("place:Q")))
    return layers


def _bars(layout: Layout, panel: Panel, unit: str, *, dots: bool = False) -> Any:
    """Horizontal bars, each with its value beside it: names of any length stay level and readable."""
    width = _PANEL_WIDTH_PIXELS if len(layout.panels) > 1 else _WIDTH_PIXELS
    left = layout.x.longest_label * CHARACTER_PIXELS + 14
    plot_width = width - left - _BAR_VALUE_PIXELS
    height = len(layout.x.categories) * (len(layout.series) * _BAR_PIXELS + _BAR_GAP_PIXELS)
    value = alt.X(
        "y:Q", scale=_scale(layout.y), axis=_x_axis(layout.y, layout.y_title, plot_width, grid=True)[0]
    )
    layers = []
    for index, series in enumerate(layout.series):
        points = [point for point in panel.points if point.series == index]
        if points:
            base = alt.Chart(_data(points, layout.x, unit)).encode(**_bar_places(layout, left))
            layers += _bar_layers(base, series, value, dots=dots)
    return _frame(alt.layer(*layers), plot_width, height, left, _BAR_VALUE_PIXELS)


def _bar_places(layout: Layout, left: float) -> dict[str, Any]:
    """Which band and which place in it a bar takes."""
    gap = _BAR_GAP_PIXELS / (len(layout.series) * _BAR_PIXELS + _BAR_GAP_PIXELS)
    axis = _axis(layout.x, layout.x_title, grid=False, **_title_above(-left, -12))
    places = [str(index) for index in range(len(layout.series))]
    return {
        "y": alt.Y("x:N", scale=alt.Scale(domain=_category_keys(layout.x), paddingInner=gap), axis=axis),
        "yOffset": alt.YOffset("series:N", scale=alt.Scale(domain=places)),
    }


def _bar_layers(base: Any, series: Series, value: Any, *, dots: bool) -> list[Any]:
    described = {"x": value, "description": alt.Description("label:N")}
    interval = base.mark_rule(aria=False, color=INK, strokeWidth=1.5).encode(x=alt.X("low:Q"), x2="high:Q")
    text = base.mark_text(aria=False, align="left", dx=8 if dots else 5, color=INK, fontSize=12)
    named = text.encode(x=alt.X("high:Q"), text="text:N")
    if dots:
        mark = base.mark_point(
            shape=series.shape, fill=PAPER, stroke=series.color, strokeWidth=2, size=_MARK_SIZE
        )
        return [interval, mark.encode(**described), named]
    bar = base.mark_bar(color=series.color, height=_BAR_PIXELS - 3)
    return [bar.encode(**described), interval, named]


def _chart_of(rows: Iterable[Mapping[str, Any]]) -> Any:
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


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
    kind: Any = axis.scale
    extra: dict[str, Any] = {"constant": axis.constant} if axis.scale == "symlog" else {}
    if inset:
        extra["padding"] = _DODGE_PIXELS * 2
    return alt.Scale(type=kind, domain=list(axis.domain), nice=False, zero=False, **extra)


def _category_keys(axis: Axis) -> list[str]:
    return [str(index) for index in range(len(axis.categories))]


def _axis(axis: Axis, title: str, **more: Any) -> Any:
    """Ticks and labels as `axis` says; the labels enter as JSON strings, never as code."""
    ticks = _category_keys(axis) if axis.scale == "category" else list(axis.ticks)
    expression = f"{json.dumps(list(axis.labels))}[indexof({json.dumps(ticks)}, datum.value)]"
    # Vega drops every second of the given ticks where they are more than it would have chosen itself.
    return alt.Axis(title=title, values=ticks, tickCount=len(ticks), labelExpr=expression, **more)


def _x_axis(axis: Axis, title: str, width: float, *, grid: bool) -> tuple[Any, float]:
    """The axis below a plot of `width` pixels, and how many pixels deeper than usual its labels reach.

    Numbers that do not fit lose every second, third... tick; names cannot be left out and are slanted.
    """
    fitting = max(2, int(width / (axis.longest_label * CHARACTER_PIXELS + 8)))
    place = {"grid": grid, "titleAnchor": "end", "titleAlign": "right"}
    if axis.scale != "category":
        return _axis(axis.thinned(fitting), title, **place, titleY=27), 0
    if len(axis.categories) <= fitting:
        return _axis(axis, title, **place, titleY=27), 0
    deeper = axis.longest_label * _SLANT_PIXELS
    slanted = {"labelAngle": _SLANT_DEGREES, "labelAlign": "right", "titleY": 27 + deeper}
    return _axis(axis, title, **place, **slanted), deeper


def _title_above(x: float, y: float) -> dict[str, Any]:
    """A level title above its axis is read without turning the head."""
    place = {"titleAngle": 0, "titleAnchor": "start", "titleAlign": "left", "titleBaseline": "bottom"}
    return {**place, "titleX": x, "titleY": y}


def _frame(layers: Any, width: float, height: float, left: float, right: float, deeper: float = 0) -> Any:
    """The chart at a fixed size: nothing is fitted to the width of a text."""
    padding = {"left": left, "right": right, "top": _TOP_PIXELS, "bottom": _BOTTOM_PIXELS + deeper}
    sized = layers.properties(
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
