"""Draws what a study found: a pure function of its records, for browser, GitHub and terminal.

It measures nothing; the drawing libraries are imported when a page is written, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from garbology.study.page import StudyPage

if TYPE_CHECKING:
    from garbology.reporting.run_page import RunPage

__all__ = ["write_index", "write_page", "write_run"]


def write_page(page: StudyPage, directory: Path) -> list[Path]:
    """Write a study's report into `directory`; the paths written, the page first.

    `index.html` needs no other file and no network, `README.md` shows the same with the SVG files beside it.
    Each file is written whole or not at all. The same page gives the same bytes.

    Raises
    ------
    ModuleNotFoundError : a drawing library is missing; `pip install 'garbology[experiments]'` brings them.
    OSError : `directory` cannot be written.
    """
    from garbology.reporting.pages import write_study

    return write_study(page, Path(directory))


def write_index(pages: Sequence[StudyPage], directory: Path, address: str = "") -> list[Path]:
    """Write `index.html` and `README.md`: the studies' verdicts, and the atlas of their figures by version.

    `address` is that of `directory` on the web, "" where it has none.
    """
    from garbology.reporting.front import write_studies

    return write_studies(pages, Path(directory), address)


def write_run(page: RunPage, directory: Path) -> list[Path]:
    """Write the page of one watched run (`garbology.reporting.run_page.RunPage`), with a timeline on top."""
    from garbology.reporting.run_page import write_run as write

    return write(page, Path(directory))
