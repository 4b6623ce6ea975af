"""The page of a study and the index of all: Markdown for GitHub, HTML that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from garbology.reporting import figures, pictures, views
from garbology.reporting.files import write_text
from garbology.reporting.numbers import format_interval, format_value, title_of, unit_of
from garbology.reporting.palette import COLORS
from garbology.reporting.text import escape_markdown, file_stem, markdown_code, visible
from garbology.study.page import FigureSpec, StudyPage

_PANELS_PER_FIGURE = 12
_TABLE_ROWS = 120  # of the values behind one figure, and of the table of medians
_ROWS_WITHOUT_ROOM = 12
_DRAWINGS_BYTES = 300_000  # of figures and pictures on one page, which is to stay under 400 kB


@dataclass(frozen=True)
class FigureView:
    """A figure as the templates place it; `panels` is empty where nothing was measured or no room is left."""

    name: str
    kind: str
    file_name: str
    caption: str
    panels: Sequence[figures.DrawnPanel]
    series: Sequence[Any]
    notes: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    file_text: str

    @property
    def wide(self) -> bool:
        """Whether the figure takes the width of the page."""
        return len(self.panels) > 1

    @property
    def bytes(self) -> int:
        """About what drawing and table take on a page."""
        table = sum(len(cell) + 10 for row in self.rows for cell in row)
        return table + sum(len(panel.markup) for panel in self.panels)


@dataclass(frozen=True)
class CardView:
    """A shape's card and the file of its picture, "" where there is none."""

    card: pictures.Card
    file_name: str


def write_study(page: StudyPage, directory: Path) -> list[Path]:
    """Write index.html, README.md and the drawings of `page`; the paths, the page first."""
    content = _study_content(page)
    drawings = {figure.file_name: figure.file_text for figure in content["figures"] if figure.file_text}
    drawings.update({view.file_name: view.card.file_text for view in content["cards"] if view.file_name})
    written = [write_text(directory / name, text) for name, text in drawings.items()]
    markdown = _markdown_environment().get_template("study.md.j2").render(content)
    html = _html_environment().get_template("study.html.j2").render(content)
    return [
        write_text(directory / "index.html", html),
        write_text(directory / "README.md", markdown),
        *written,
    ]


def write_studies(pages: Sequence[StudyPage], directory: Path) -> list[Path]:
    """Write index.html and README.md that list the studies, in the order of their names."""
    studies = [_index_entry(page) for page in sorted(pages, key=lambda page: page.name)]
    content = {"studies": studies}
    html = _html_environment().get_template("index.html.j2").render(content)
    markdown = _markdown_environment().get_template("index.md.j2").render(content)
    return [write_text(directory / "index.html", html), write_text(directory / "README.md", markdown)]


def _index_entry(page: StudyPage) -> dict[str, Any]:
    return {
        "name": page.name,
        "folder": file_stem(page.name),
        "title": page.title,
        "verdict": page.verdict,
        "status": views.overall(page),
        "tally": views.tally(page),
        "runtimes": list(views.runtime_labels(page).values()),
        "problems": len(page.problems),
    }


def _study_content(page: StudyPage) -> dict[str, Any]:
    question, introduction = views.introduction(page)
    budget = _DRAWINGS_BYTES
    cards, figure_views = [], []
    for index, shape in enumerate(page.pictures):
        view = _card_view(pictures.card(shape), index)
        budget -= len(view.card.markup)
        cards.append(view)
    for spec in page.figures:
        figure = _figure_view(page, spec, budget)
        budget -= figure.bytes
        figure_views.append(figure)
    return {
        "page": page,
        "question": question,
        "introduction": introduction,
        "status": views.overall(page),
        "tally": views.tally(page),
        "tiles": [views.tile(tile) for tile in page.tiles],
        "findings": views.findings(page),
        "figures": figure_views,
        "cards": cards,
        "environments": views.environments(page),
        "table": _study_table(page),
    }


def _study_table(page: StudyPage) -> dict[str, Any]:
    rows = page.table.rows[:_TABLE_ROWS]
    left_out = len(page.table.rows) - len(rows)
    return {"columns": page.table.columns, "rows": rows, "caption": page.table.caption, "left_out": left_out}


def _card_view(card: pictures.Card, index: int) -> CardView:
    return CardView(card, f"cycle-{index + 1}.svg" if card.file_text else "")


def _figure_view(page: StudyPage, spec: FigureSpec, budget: int) -> FigureView:
    drawn = figures.draw(spec, views.runtime_labels(page))
    notes, panels = [], list(drawn.panels) if drawn else []
    file_name = f"{file_stem(spec.name)}.svg" if drawn else ""
    if drawn and drawn.missing:
        notes.append(f"{drawn.missing} of {len(spec.rows)} values were not measured.")
    if len(panels) > _PANELS_PER_FIGURE:
        notes.append(f"The first {_PANELS_PER_FIGURE} of {len(panels)} panels; all are in {file_name}.")
        panels = panels[:_PANELS_PER_FIGURE]
    columns, rows = _figure_table(page, spec)
    if sum(len(panel.markup) for panel in panels) > budget:
        notes.append(f"Not drawn here, to keep this page small: the drawing is in {file_name}.")
        panels, rows = [], rows[:_ROWS_WITHOUT_ROOM]
    if len(rows) < len(spec.rows):
        notes.append(f"The table has the first {len(rows)} of {len(spec.rows)} values; the records have all.")
    return FigureView(
        name=spec.name,
        kind=spec.kind,
        file_name=file_name,
        caption=spec.caption,
        panels=panels,
        series=drawn.series if drawn else (),
        notes=notes,
        columns=columns,
        rows=rows,
        file_text=drawn.file_text if drawn else "",
    )


def _figure_table(page: StudyPage, spec: FigureSpec) -> tuple[list[str], list[list[str]]]:
    fields = [field for field in (spec.facet, spec.color, spec.x) if field]
    fields = list(dict.fromkeys([*(["runtime"] if len(page.runtimes) > 1 else []), *fields]))
    shown = spec.rows[:_TABLE_ROWS]
    rows = views.values_table(page, shown, fields)
    for row, source in zip(rows, shown, strict=True):
        row += [
            format_value(source.get(spec.y), spec.y),
            format_interval(source.get("low"), source.get("high"), unit_of(spec.y)),
        ]
    titles = {spec.x: spec.x_title, spec.y: spec.y_title}
    columns = [titles.get(field) or title_of(field) for field in [*fields, spec.y]]
    return columns, rows


def _shown(value: Any) -> Any:
    """Every value that a page shows passes here: our own markup as it is, all else made visible."""
    return value if isinstance(value, Markup) else visible(value)


def _html_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("garbology.reporting"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _source(environment, "page.css"), _source(environment, "page.js")
    environment.filters["drawing"] = Markup  # what svg.py has cleaned
    environment.globals.update(
        colors=COLORS,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=_hash(script),
        style_hash=_hash(style),
    )
    return environment


def _markdown_environment() -> Environment:
    """Markdown has no autoescape of its own: whatever is not Markup already is escaped as it is placed."""
    environment = Environment(
        loader=PackageLoader("garbology.reporting"),
        autoescape=False,  # noqa: S701 - `finalize` escapes
        finalize=_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(code=_code, link=_link)
    return environment


def _markdown(value: Any) -> Any:
    return value if isinstance(value, Markup) else escape_markdown(value)


def _code(text: str) -> Markup:
    return Markup(markdown_code(text))  # noqa: S704 - escaped for Markdown


def _link(file_name: str) -> Markup:
    return Markup(quote(file_name))  # noqa: S704 - percent-encoded


def _source(environment: Environment, name: str) -> str:
    """A file of the templates' folder with the palette's colours put in."""
    return environment.get_template(name).render(colors=COLORS)


def _hash(source: str) -> str:
    """The digest by which the page's own policy admits one script and one style, and nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
