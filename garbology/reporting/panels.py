"""A figure's rows sorted into panels: what is drawn in one frame, on axes that all panels share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from garbology.reporting.axes import Axis, category_axis, number_axis
from garbology.reporting.palette import Series, series_for
from garbology.study.page import FigureSpec
from garbology.text.numbers import (
    format_interval,
    format_quantity,
    format_value,
    is_number,
    title_of,
    unit_of,
)
from garbology.text.visible import shorten, visible

Row = Mapping[str, Any]
_TITLE_CHARACTERS = 38  # of an axis: what fits above a panel
_ALIKE = 0.06  # of an axis's length: what two panels may differ by and still say the same


@dataclass(frozen=True)
class Point:
    """One drawn value: `x` a number or a category, `label` what a tooltip and a screen reader say."""

    x: Any
    y: float
    low: float
    high: float
    series: int
    label: str


@dataclass(frozen=True)
class Panel:
    """The points of one frame; `title` is empty where the figure has one panel."""

    title: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Layout:
    """A figure ready to be drawn: its panels, the axes and the series that they share."""

    panels: Sequence[Panel]
    x: Axis
    y: Axis
    x_title: str
    y_title: str
    series: Sequence[Series]
    missing: int  # rows without a value to draw
    columns: int = 3  # panels in a row: the runtimes of one facet side by side where they are two

    @property
    def alike(self) -> Sequence[Panel]:
        """The panels that look like an earlier one: no point is elsewhere by more than a little."""
        return [
            panel
            for place, panel in enumerate(self.panels)
            if any(_look_alike(panel, earlier, self.y) for earlier in self.panels[:place])
        ]

    @property
    def named_series(self) -> Sequence[Series]:
        """The series that a legend explains: none where there is nothing to tell apart."""
        return self.series if len(self.series) > 1 or self.series[0].label else ()


def suited(spec: FigureSpec) -> FigureSpec:
    """`spec`, or bars from zero in place of lines that would all be of one point: bars bear their values.

    A bar is as long as its value is great, which no logarithmic axis can show: there a dot stands in its place.
    """
    if spec.kind == "bars" and spec.y_scale != "linear":
        return replace(spec, kind="dots")
    places = {format_value(row[spec.x], spec.x) for row in spec.rows if spec.x in row}
    if spec.kind != "line" or len(places) != 1:
        return spec
    return replace(spec, kind="bars", y_scale="linear")


def lay_out(spec: FigureSpec, runtime_labels: Mapping[str, str]) -> Layout | None:
    """The layout of `spec`, None where no row has a value; `runtime_labels` (by slug) orders the panels."""
    rows = [
        row for row in spec.rows if is_number(row.get(spec.y)) and spec.x in row and _has_names(spec, row)
    ]
    if not rows:
        return None
    order = list(runtime_labels)
    rows.sort(
        key=lambda row: order.index(row["runtime"]) if row.get("runtime") in runtime_labels else len(order)
    )
    color_values = _distinct(rows, spec.color)
    labels = {value: _facet_title(spec.color, value) if spec.color else "" for value in color_values}
    x = _x_axis(spec, rows)
    return Layout(
        panels=_panels(spec, rows, runtime_labels, color_values),
        x=x,
        y=_y_axis(spec, rows),
        x_title=shorten(spec.x_title or title_of(spec.x), _TITLE_CHARACTERS),
        y_title=shorten(spec.y_title or title_of(spec.y), _TITLE_CHARACTERS),
        series=series_for(spec.color, color_values, labels),
        missing=len(spec.rows) - len(rows),
        columns=2 if spec.facet and len({row.get("runtime") for row in rows}) == 2 else 3,
    )


def _look_alike(one: Panel, other: Panel, y: Axis) -> bool:
    """Whether two panels have the same points, each at about the same height of the same axis."""
    if len(one.points) != len(other.points):
        return False
    places = {(point.x, point.series): y.share(point.y) for point in other.points}
    if len(places) != len(other.points):  # samples: several at one place
        return False
    mine = [((point.x, point.series), y.share(point.y)) for point in one.points]
    return all(key in places and abs(share - places[key]) <= _ALIKE for key, share in mine)


def _has_names(spec: FigureSpec, row: Row) -> bool:
    """Whether what places a row is scalar: a list or a table is not, which only a damaged record has there."""
    return not any(
        isinstance(row.get(name), (list, dict)) for name in (spec.x, spec.color, spec.facet) if name
    )


def _x_axis(spec: FigureSpec, rows: Sequence[Row]) -> Axis:
    values = _distinct(rows, spec.x)
    if spec.kind in ("bars", "dots") or not all(is_number(value) for value in values):
        return category_axis(values, unit_of(spec.x))
    return number_axis([float(value) for value in values], spec.x_scale, unit_of(spec.x), tight=True)


def _y_axis(spec: FigureSpec, rows: Sequence[Row]) -> Axis:
    values = [float(value) for row in rows for value in _interval(spec, row)]
    return number_axis(values, spec.y_scale, unit_of(spec.y))


def _interval(spec: FigureSpec, row: Row) -> tuple[float, float]:
    """Low and high of a row, its value alone where it has no interval."""
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or not (is_number(low) and is_number(high)):
        return row[spec.y], row[spec.y]
    return low, high


def _distinct(rows: Sequence[Row], field: str | None) -> list[Any]:
    """The values of `field` in the order of their first row; numbers sorted."""
    if field is None:
        return [None]
    values = list(dict.fromkeys(row.get(field) for row in rows))
    return sorted(values) if all(is_number(value) for value in values) else values


def _panels(
    spec: FigureSpec, rows: Sequence[Row], runtime_labels: Mapping[str, str], color_values: Sequence[Any]
) -> list[Panel]:
    several = len({row.get("runtime") for row in rows}) > 1
    groups: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        key = (row.get(spec.facet) if spec.facet else None, row.get("runtime") if several else None)
        groups.setdefault(key, []).append(row)
    panels = []
    for (facet, runtime), members in _by_facet(groups):
        parts = [_facet_title(spec.facet, facet)] if spec.facet else []
        parts += [visible(runtime_labels.get(runtime, runtime))] if several else []
        points = [_point(spec, row, color_values, parts) for row in members]
        panels.append(Panel(" · ".join(parts), points))
    return panels


def _by_facet(groups: Mapping[tuple[Any, Any], list[Row]]) -> Iterable[tuple[tuple[Any, Any], list[Row]]]:
    facets = list(dict.fromkeys(facet for facet, _runtime in groups))
    return sorted(groups.items(), key=lambda group: facets.index(group[0][0]))


def _facet_title(field: str, value: Any) -> str:
    """A name speaks for itself, a number or a flag needs its field's."""
    shown = format_value(value, field)
    return shown if isinstance(value, str) else f"{title_of(field)} {shown}"


def _point(spec: FigureSpec, row: Row, color_values: Sequence[Any], context: Sequence[str]) -> Point:
    low, high = _interval(spec, row)
    series = color_values.index(row.get(spec.color)) if spec.color else 0
    return Point(row[spec.x], row[spec.y], low, high, series, _sentence(spec, row, context))


def _sentence(spec: FigureSpec, row: Row, context: Sequence[str]) -> str:
    """Such as "outputs strong, operations 1,000: variables 2,001 (95 % interval: 2,001 to 2,002), chain"."""
    where = [f"{title_of(spec.color)} {format_value(row.get(spec.color), spec.color)}"] if spec.color else []
    where.append(f"{visible(spec.x_title or title_of(spec.x))} {format_value(row[spec.x], spec.x)}")
    unit = unit_of(spec.y)
    value = f"{visible(spec.y_title or title_of(spec.y))} {format_quantity(row[spec.y], unit)}"
    interval = format_interval(row.get("low"), row.get("high"), unit)
    if interval:
        value += f" (95 % interval: {interval})"
    if is_number(row.get("samples")):
        value += f", {row['samples']} samples"
    if row.get("note"):
        value += f", {visible(row['note'])}"
    return ", ".join([f"{', '.join(where)}: {value}", *context])
