"""The page of a test suite: what its tests left, with the cards of every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from garbology.reporting import views
from garbology.reporting.files import write_text
from garbology.reporting.pages import card_views
from garbology.reporting.templating import render
from garbology.study.page import Tile


@dataclass(frozen=True)
class SuitePage:
    """What is shown of one run of a test suite, as plain data.

    `shapes` are shape dicts, each with the names of the tests that left it as `left_by`; `tests` are rows of bytes,
    objects and name.
    """

    title: str
    verdict: str
    runtime: str = ""
    tiles: Sequence[Tile] = ()
    shapes: Sequence[Mapping[str, Any]] = ()
    tests: Sequence[Sequence[str]] = ()
    left_out: int = 0
    problems: Sequence[str] = ()


def write_suite(page: SuitePage, directory: Path) -> list[Path]:
    """Write index.html, README.md and the drawings; the paths, the page first. The same page gives the same bytes."""
    cards = card_views(page.shapes)
    content = {
        "page": page,
        "tiles": [views.tile(tile) for tile in page.tiles],
        "problems": views.Problems(views.problem_lines(page.problems)),
        "cards": cards,
    }
    return [
        write_text(directory / "index.html", render("suite.html.j2", content)),
        write_text(directory / "README.md", render("suite.md.j2", content)),
        *(write_text(directory / each.file_name, each.card.file_text) for each in cards if each.file_name),
    ]
