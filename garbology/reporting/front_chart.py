"""What the front page shows first: a line for each runtime on linear axes, the highest one against all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from garbology.reporting import svg, views
from garbology.reporting.axes import Axis, number_axis
from garbology.reporting.palette import COLORS, GRID, INK, MUTED, PAPER, WEAKEN, theme_variables
from garbology.reporting.runtimes import RuntimeName, runtime_names
from garbology.study.page import StudyPage, Tile
from garbology.text.numbers import format_quantity, is_number, unit_of
from garbology.text.visible import file_stem, visible

_WIDTH, _HEIGHT = 600, 410
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 14, 40, 100
_CHARACTERS = 74  # of a line of the note on all others
_HIGHEST, _HIGHEST_TEXT, _OTHERS = COLORS[0][1], WEAKEN, COLORS[1][1]
FILE = "front.svg"

_Point = tuple[float, float]


@dataclass(frozen=True)
class FrontView:
    """The chart as the templates place it."""

    headline: str
    explanation: str
    folder: str
    title: str
    tiles: Sequence[views.TileView]
    markup: str
    file_text: str


@dataclass(frozen=True)
class _Line:
    name: RuntimeName
    points: Sequence[_Point]

    @property
    def peak(self) -> _Point:
        return max(self.points, key=lambda point: point[1])


def front_view(pages: Sequence[StudyPage]) -> FrontView | None:
    """The chart of the first of the pages that has one and at least two runtimes in it."""
    for page in pages:
        lines = _lines(page)
        if page.front_chart is not None and len(lines) > 1:
            return _view(page, lines)
    return None


def _lines(page: StudyPage) -> list[_Line]:
    """A line for each runtime, in the order of versions."""
    if page.front_chart is None:
        return []
    spec = page.front_chart.spec
    found: dict[str, list[_Point]] = {}
    for row in spec.rows:
        if is_number(row.get(spec.x)) and is_number(row.get(spec.y)):
            found.setdefault(str(row.get("runtime")), []).append((float(row[spec.x]), float(row[spec.y])))
    names = runtime_names(page.runtimes)
    return [_Line(name, sorted(found[slug])) for slug, name in names.items() if slug in found]


def _view(page: StudyPage, lines: Sequence[_Line]) -> FrontView:
    chart = page.front_chart
    assert chart is not None
    unit = unit_of(chart.spec.y)
    highest = max(lines, key=lambda line: line.peak[1])
    others = [line for line in lines if line is not highest]
    newest = [line for line in lines if not line.name.narrow][-1:] or lines[-1:]
    whole = max(x for line in lines for x, _ in line.points)
    words = {
        "worst": highest.name.short,
        "most": format_quantity(highest.peak[1], unit),
        "rest": format_quantity(max(line.peak[1] for line in others), unit),
        "newest": newest[0].name.short,
        "now": format_quantity(newest[0].peak[1], unit),
        "whole": format_quantity(whole, unit_of(chart.spec.x)),
    }
    root = _drawing(chart.spec.x_title or "", chart.spec.y_title or "", lines, highest, unit)
    text = svg.standalone(root)
    svg.recolor(root, {**theme_variables(), WEAKEN: "var(--weaken)"})
    return FrontView(
        headline=_filled(chart.headline, words),
        explanation=_filled(chart.explanation, words),
        folder=file_stem(page.name),
        title=page.title,
        tiles=[views.tile(Tile(line.name.label, line.peak[1], unit)) for line in _told(lines, highest)],
        markup=svg.inline(root, _filled(chart.headline, words)),
        file_text=text,
    )


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", value)
    return visible(text)


def _told(lines: Sequence[_Line], highest: _Line) -> list[_Line]:
    """The highest, the ones before and after it that have the usual collector, and the oldest."""
    native = [line for line in lines if not line.name.narrow and line is not highest]
    if not native:
        return list(lines)[:4]
    place = lines.index(highest)
    before = [line for line in native if lines.index(line) < place][-1:]
    return list({line.name.slug: line for line in (highest, *before, native[-1], native[0])}.values())


def _drawing(x_title: str, y_title: str, lines: Sequence[_Line], highest: _Line, unit: str) -> Element:
    points = [point for line in lines for point in line.points]
    x = number_axis([0.0, *(each for each, _ in points)], "linear", "", tight=True)
    y = number_axis([0.0, *(each for _, each in points)], "linear", unit)
    root = Element(
        "svg", {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "width": str(_WIDTH), "height": str(_HEIGHT)}
    )
    SubElement(root, "rect", {"width": "100%", "height": "100%", "rx": "6", "fill": PAPER})
    _add_axes(root, x, y, x_title, y_title)
    for line in lines:
        if line is not highest:
            _add_line(root, line, x, y, _OTHERS, "1.5")
    _add_line(root, highest, x, y, _HIGHEST, "3")
    _annotate(root, lines, highest, x, y, unit)
    return root


def _add_axes(root: Element, x: Axis, y: Axis, x_title: str, y_title: str) -> None:
    for tick, label in zip(y.ticks, y.labels, strict=True):
        height = f"{_at(y, tick, _HEIGHT - _BOTTOM, _TOP):.1f}"
        SubElement(root, "line", {"x1": str(_LEFT), "x2": str(_WIDTH - _RIGHT), "y1": height, "y2": height,
                                  "stroke": GRID if tick else MUTED})  # fmt: skip
        _add_text(root, _LEFT - 6, float(height) + 4, label, anchor="end", color=MUTED)
    for tick, label in zip(x.ticks, x.labels, strict=True):
        place = _at(x, tick, _LEFT, _WIDTH - _RIGHT)
        anchor = "end" if tick == x.domain[1] else "middle"
        _add_text(root, place, _HEIGHT - _BOTTOM + 18, label, anchor=anchor, color=MUTED)
    _add_text(root, 8, 20, visible(y_title), weight="600")
    _add_text(root, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM + 40, visible(x_title), anchor="end", weight="600")


def _add_line(root: Element, line: _Line, x: Axis, y: Axis, color: str, width: str) -> None:
    places = [
        f"{_at(x, a, _LEFT, _WIDTH - _RIGHT):.1f},{_at(y, b, _HEIGHT - _BOTTOM, _TOP):.1f}"
        for a, b in line.points
    ]
    SubElement(
        root, "polyline", {"points": " ".join(places), "fill": "none", "stroke": color, "stroke-width": width}
    )


def _annotate(root: Element, lines: Sequence[_Line], highest: _Line, x: Axis, y: Axis, unit: str) -> None:
    """The highest point by its runtime and value; what all others reached, below the chart."""
    left, top = (
        _at(x, highest.peak[0], _LEFT, _WIDTH - _RIGHT),
        _at(y, highest.peak[1], _HEIGHT - _BOTTOM, _TOP),
    )
    SubElement(root, "circle", {"cx": f"{left:.1f}", "cy": f"{top:.1f}", "r": "5", "fill": _HIGHEST})
    anchor = "start" if left < _WIDTH / 2 else "end"
    shift = 10 if anchor == "start" else -10
    kind = highest.name.kind.partition(", ")[0]
    named = highest.name.short if kind == "generational" else f"{highest.name.short}, {kind}"
    text = f"{named}: {format_quantity(highest.peak[1], unit)}"
    _add_text(root, left + shift, top - 6, text, anchor=anchor, weight="700", size=16, color=_HIGHEST_TEXT)
    others = [
        f"{line.name.marked}: {format_quantity(line.peak[1], unit)}" for line in lines if line is not highest
    ]
    for place, note in enumerate(_wrapped([f"At most, {others[0]}", *others[1:]])):
        _add_text(root, 8, _HEIGHT - 30 + 18 * place, note, color=_OTHERS)


def _wrapped(parts: Sequence[str]) -> list[str]:
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + len(part) + 3 <= _CHARACTERS:
            rows[-1] += f" · {part}"
        else:
            rows.append(part)
    return rows


def _at(axis: Axis, value: float, begin: float, end: float) -> float:
    low, high = axis.domain
    return begin + (value - low) / ((high - low) or 1.0) * (end - begin)


def _add_text(
    root: Element, x: float, y: float, text: str, *, anchor: str = "start", color: str = INK,
    weight: str = "400", size: int = 14,
) -> None:  # fmt: skip
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "font-size": str(size)}
    stroke = {"stroke": PAPER, "stroke-width": "4", "paint-order": "stroke"}
    SubElement(root, "text", {**place, **stroke, "fill": color, "font-weight": weight}).text = text
