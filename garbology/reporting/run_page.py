"""The page of one watched run: the parts of a study's page, with a timeline on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from garbology.reporting import timeline, views
from garbology.reporting.files import write_text
from garbology.reporting.pages import card_views
from garbology.reporting.templating import render
from garbology.study.page import RuntimeSummary, StudyPage, Tile

_TIMELINE_FILE = "timeline.svg"
_OF_STUDIES = ("scale", "samples")  # rows of the environment that a run has not


@dataclass(frozen=True)
class RunPage:
    """What is shown of one run of a program, as plain data.

    `moments` and `collections` are rows as `garbology.reporting.timeline.draw` takes them, `shapes` shape
    dicts, entries of `found.to_dict()["shapes"]`. `runtime` names the record file beside the page.
    """

    title: str  # the program: "train.py", "-m package"
    verdict: str
    tiles: Sequence[Tile] = ()
    moments: Sequence[Mapping[str, Any]] = ()
    collections: Sequence[Mapping[str, Any]] = ()
    shapes: Sequence[Mapping[str, Any]] = ()
    left_out: str = ""  # one sentence: the shapes that are not shown
    runtime: RuntimeSummary | None = None
    problems: Sequence[str] = ()
    command: str = ""
    growth: str = ""  # one sentence, with its page in the directory `growth`


def write_run(page: RunPage, directory: Path) -> list[Path]:
    """Write index.html, README.md and the drawings of a run; the paths, the page first.

    The same page gives the same bytes. Errors are those of `garbology.reporting.write_page`.
    """
    drawn = timeline.draw(page.moments, page.collections)
    cards = card_views(page.shapes)
    content = {
        "page": page,
        "tiles": [views.tile(tile) for tile in page.tiles],
        "timeline": drawn,
        "timeline_file": _TIMELINE_FILE if drawn else "",
        "problems": views.Problems(views.problem_lines(page.problems)),
        "cards": cards,
        "environments": _environments(page),
    }
    drawings = {view.file_name: view.card.file_text for view in cards if view.file_name}
    if drawn:
        drawings[_TIMELINE_FILE] = drawn.file_text
    return [
        write_text(directory / "index.html", render("run.html.j2", content)),
        write_text(directory / "README.md", render("run.md.j2", content)),
        *(write_text(directory / name, text) for name, text in drawings.items()),
    ]


def _environments(page: RunPage) -> views.RuntimeTable:
    runtimes = [page.runtime] if page.runtime else []
    table = views.environments(StudyPage("", "", "", runtimes=runtimes))
    return replace(table, rows=[row for row in table.rows if row.name not in _OF_STUDIES])
