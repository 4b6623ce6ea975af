"""The page of a study: Markdown for GitHub, HTML that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from garbology.reporting import figures, pictures, views
from garbology.reporting.atlas import LEGEND, atlas, exception
from garbology.reporting.files import write_text
from garbology.reporting.findings import findings, overall, tally
from garbology.reporting.panels import suited
from garbology.reporting.preview import preview
from garbology.reporting.prose import read
from garbology.reporting.runtimes import RuntimeName, runtime_names
from garbology.reporting.templating import render
from garbology.reporting.values import ValueTable, drawn_part, value_table
from garbology.study.page import FigureSpec, StudyPage
from garbology.text.visible import file_stem

_PANELS_PER_FIGURE = 12
_TABLE_ROWS = 120  # of the medians
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
    table: ValueTable
    columns: int
    file_text: str
    first_row: str  # of its panels, as a file
    not_drawn: str  # why a page has no drawing, where there is one in the file

    @property
    def apart(self) -> Sequence[figures.DrawnPanel]:
        """The panels that say something of their own."""
        return [panel for panel in self.panels if not panel.alike]

    @property
    def alike(self) -> Sequence[figures.DrawnPanel]:
        """The panels that say what one before them says: a page has them a click away."""
        return [panel for panel in self.panels if panel.alike]

    @property
    def wide(self) -> bool:
        """Whether the figure takes the width of the page."""
        return len(self.apart) != 1

    @property
    def bytes(self) -> int:
        """About what drawing and table take on a page."""
        table = sum(len(cell) + 10 for row in self.table.rows for cell in row)
        return table + _size(self.panels)


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
    html, markdown = render("study.html.j2", content), render("study.md.j2", content)
    return [
        write_text(directory / "index.html", html),
        write_text(directory / "README.md", markdown),
        *(write_text(directory / name, text) for name, text in drawings.items()),
        *([content["picture"].write(directory)] if content["picture"] else []),
    ]


def _study_content(page: StudyPage) -> dict[str, Any]:
    cards = card_views(page.pictures)
    prose, found = read(page.docstring), findings(page)
    drawn = figure_views(page, _DRAWINGS_BYTES - sum(len(view.card.markup) for view in cards))
    compared = atlas([page]) if len(page.runtimes) > 1 or page.reference else None
    content = {
        "page": page,
        "prose": prose,
        "status": overall(page),
        "tally": tally(page),
        "lead": views.lead_label(page),
        "exception": exception(page),
        "tiles": views.tiles(page),
        "reference": views.reference(page),
        "problems": views.page_problems(page),
        "findings": found,
        "atlas": compared,
        "atlas_legend": LEGEND,
        "figures": drawn,
        "beside": bool(drawn) and not drawn[0].wide,
        "picture": preview([view.first_row for view in drawn], page.address),
        "cards": cards,
        "environments": views.environments(page),
        "table": _study_table(page),
    }
    return {**content, "places": _places(content)}


def _places(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parts of the page that its navigation names, by their places."""
    compared = content["atlas"]
    there = [
        ("findings", "Claims", content["findings"]),
        ("figures", "More figures", content["figures"][1:]),
        ("versions", "By version", compared and compared.sections),
        ("cycles", "Cycles", content["cards"]),
        ("medians", "Medians", content["table"]["rows"]),
        ("method", "How it was measured", True),
    ]
    return [(place, name) for place, name, is_there in there if is_there]


def _study_table(page: StudyPage) -> dict[str, Any]:
    rows = page.table.rows[:_TABLE_ROWS]
    left_out = len(page.table.rows) - len(rows)
    return {"columns": page.table.columns, "rows": rows, "caption": page.table.caption, "left_out": left_out}


def card_views(shapes: Sequence[Mapping[str, Any]]) -> list[CardView]:
    """A card for each shape dict, the pictures numbered in their order."""
    cards = [pictures.card(shape) for shape in shapes]
    return [
        CardView(card, f"cycle-{index + 1}.svg" if card.file_text else "") for index, card in enumerate(cards)
    ]


def figure_views(page: StudyPage, budget: int) -> list[FigureView]:
    """The figures in their order; those for which `budget` (bytes) leaves no room are tables."""
    names = runtime_names(page.runtimes)
    result = []
    for spec in map(suited, page.figures):
        figure = _figure_view(spec, names, budget)
        budget -= figure.bytes
        result.append(figure)
    return result


def _figure_view(spec: FigureSpec, names: Mapping[str, RuntimeName], budget: int) -> FigureView:
    part, note, drawn = _drawn_within(spec, names, budget)
    notes, panels = [note] if note else [], list(drawn.panels) if drawn else []
    file_name = f"{file_stem(spec.name)}.svg" if drawn else ""
    if drawn and drawn.missing:
        notes.append(f"{drawn.missing} of {len(part.rows)} values were not measured.")
    if len(panels) > _PANELS_PER_FIGURE:
        notes.append(f"The first {_PANELS_PER_FIGURE} of {len(panels)} panels; all are in {file_name}.")
        panels = panels[:_PANELS_PER_FIGURE]
    table, not_drawn = value_table(spec, names), ""
    if _size(panels) > budget:
        not_drawn = f"Not drawn here, to keep this page small: the drawing is in {file_name}."
        panels, table = [], table.cut(_ROWS_WITHOUT_ROOM)
    if table.left_out:
        shown, every = len(table.rows), len(table.rows) + table.left_out
        notes.append(f"The table has the first {shown} of {every} rows; the records have all.")
    return FigureView(
        name=spec.name,
        kind=spec.kind,
        file_name=file_name,
        caption=spec.caption,
        panels=panels,
        series=drawn.series if drawn else (),
        notes=notes,
        table=table,
        columns=drawn.columns if drawn else 1,
        file_text=drawn.file_text if drawn else "",
        first_row=drawn.first_row if drawn else "",
        not_drawn=not_drawn,
    )


def _drawn_within(
    spec: FigureSpec, names: Mapping[str, RuntimeName], budget: int
) -> tuple[FigureSpec, str, figures.DrawnFigure | None]:
    """The figure drawn for a few runtimes, or for one where there is no room for more."""
    titles = {slug: name.title for slug, name in names.items()}
    part, note = drawn_part(spec, names)
    drawn = figures.draw(part, titles)
    if drawn and note and _size(drawn.panels[:_PANELS_PER_FIGURE]) > budget:
        part, note = drawn_part(spec, names, 1)
        drawn = figures.draw(part, titles)
    return part, note, drawn


def _size(panels: Sequence[figures.DrawnPanel]) -> int:
    return sum(len(panel.markup) for panel in panels)
