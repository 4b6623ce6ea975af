"""A page of tables beside the studies, such as that of the benchmarks, and how a front page links to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from garbology.reporting import views
from garbology.reporting.files import write_text
from garbology.reporting.pages import figure_views
from garbology.reporting.preview import preview
from garbology.reporting.prose import read
from garbology.reporting.templating import render
from garbology.study.page import FigureSpec, RuntimeSummary, StudyPage, Table, Tile

ENTRY = "page.json"  # what a front page says of the page in its folder
_DRAWINGS_BYTES = 250_000


@dataclass(frozen=True)
class TablePart:
    """A section of the page: a sentence on how it was measured, what is missing, tables."""

    title: str
    note: str = ""
    problems: Sequence[str] = ()
    tables: Sequence[tuple[str, Table]] = ()  # each with its title


@dataclass(frozen=True)
class TablesPage:
    """What is shown, as plain data; `first` is the table that the page begins with."""

    name: str
    title: str
    docstring: str
    verdict: str
    first: Table = field(default_factory=lambda: Table((), ()))
    tiles: Sequence[Tile] = ()
    figures: Sequence[FigureSpec] = ()
    parts: Sequence[TablePart] = ()
    runtimes: Sequence[RuntimeSummary] = ()
    command: str = ""
    front: str = ""


@dataclass(frozen=True)
class Beside:
    """A page that is no study's, as a front page links to it."""

    folder: str
    title: str
    verdict: str


def write_tables(page: TablesPage, directory: Path) -> list[Path]:
    """Write index.html, README.md, the drawings and the entry; the paths, the page first.

    The same page gives the same bytes.
    """
    as_study = StudyPage(page.name, page.title, page.docstring, figures=page.figures, runtimes=page.runtimes)
    figures = figure_views(as_study, _DRAWINGS_BYTES)
    picture = preview([view.first_row for view in figures])
    content: dict[str, Any] = {
        "page": page,
        "prose": read(page.docstring),
        "tiles": [views.tile(tile) for tile in page.tiles],
        "figures": figures,
        "picture": picture,
        "environments": views.environments(as_study),
    }
    entry = json.dumps({"title": page.title, "verdict": page.verdict}, indent=1, ensure_ascii=False)
    return [
        write_text(directory / "index.html", render("tables.html.j2", content)),
        write_text(directory / "README.md", render("tables.md.j2", content)),
        write_text(directory / ENTRY, entry + "\n"),
        *(write_text(directory / view.file_name, view.file_text) for view in figures if view.file_text),
        *([picture.write(directory)] if picture else []),
    ]


def pages_beside(directory: Path) -> list[Beside]:
    """The pages in the folders of a directory that are no studies', by what their entries say."""
    found = []
    for path in sorted(directory.glob(f"*/{ENTRY}")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        found.append(Beside(path.parent.name, str(entry["title"]), str(entry["verdict"])))
    return found
