"""What the front page shows first: a line for each runtime on linear axes, the highest one against all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from xml.etree.ElementTree import Element

from garbology.reporting import marks, svg, views
from garbology.reporting.axes import number_axis
from garbology.reporting.figures import rendered
from garbology.reporting.palette import COLORS, PAPER, WEAKEN, theme_variables
from garbology.reporting.runtimes import RuntimeName, runtime_names
from garbology.study.page import StudyPage, Tile
from garbology.text.numbers import format_quantity, is_number, unit_of
from garbology.text.visible import file_stem, visible

_CHARACTERS = 62  # of a line of the note on all others
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
    others = [line for line in lines if line is not highest]
    plain = [marks.PlainLine(line.points, _OTHERS, 1.5) for line in others]
    drawn = [*plain, marks.PlainLine(highest.points, _HIGHEST, 3)]
    name = marks.Name(*highest.peak, _named(highest, unit), _HIGHEST_TEXT)
    root = rendered(
        marks.annotated((x, y), (visible(x_title), visible(y_title)), drawn, name, _note(others, unit))
    )
    root.insert(0, Element("rect", {"width": "100%", "height": "100%", "rx": "6", "fill": PAPER}))
    return root


def _named(line: _Line, unit: str) -> str:
    """The runtime and what it reached."""
    kind = line.name.kind.partition(", ")[0]
    named = line.name.short if kind == "generational" else f"{line.name.short}, {kind}"
    return f"{named}: {format_quantity(line.peak[1], unit)}"


def _note(lines: Sequence[_Line], unit: str) -> list[str]:
    """What each of the lines reached; no line of text ends within a runtime's."""
    told = [
        f"{line.name.marked}: {format_quantity(line.peak[1], unit)}".replace(" ", "\xa0") for line in lines
    ]
    rows = wrap(f"At\xa0most, {' · '.join(told)}".replace(" ·", "\xa0·"), _CHARACTERS)
    return [row.replace("\xa0", " ") for row in rows]
