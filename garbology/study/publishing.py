"""Hand a study's page to garbology.reporting, whose libraries may be missing: the records remain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from garbology.study.page import StudyPage
from garbology.study.records import load_records

if TYPE_CHECKING:
    from garbology.study.declaration import Study

_REMEDY = "pip install 'garbology[experiments]'"


def publish(study: Study, directory: Path, *, say: Callable[[str], None], lead: str = "") -> list[Path]:
    """Write the page of all records in `directory`; the paths written, none if a library is missing."""
    records, problems = load_records(directory, study.name)
    page = study.report(records, problems=problems, lead=lead)
    try:
        from garbology.reporting import write_page

        return write_page(page, directory)
    except ModuleNotFoundError as error:
        say(f"{study.name}: the report is not drawn, {error.name} is missing: {_REMEDY}")
        return []


def show(page: StudyPage, *, say: Callable[[str], None]) -> None:
    """Show the page in the terminal; without the library for it, verdict and findings as plain lines."""
    try:
        from garbology.reporting.terminal import print_page

        print_page(page)
    except ModuleNotFoundError as error:
        lines = [page.verdict, *(f"{finding.status}: {finding.claim}" for finding in page.findings)]
        say("\n".join([f"{error.name} is missing: {_REMEDY}", *filter(None, lines), *page.problems]))
