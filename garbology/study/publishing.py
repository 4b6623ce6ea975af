"""Hand a study's page to garbology.reporting, whose libraries may be missing: the records remain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from garbology.study.page import StudyPage
from garbology.study.parts import error_text
from garbology.study.records import load_records

if TYPE_CHECKING:
    from garbology.study.declaration import Study

_REMEDY = "pip install 'garbology[experiments]'"


def publish(study: Study, directory: Path, *, say: Callable[[str], None]) -> list[Path]:
    """Write the page of all records in `directory`; the paths written, none if it cannot be drawn."""
    try:
        from garbology.reporting import write_page

        return write_page(page_of(study, directory), directory)
    except ModuleNotFoundError as error:
        say(f"{study.name}: the report is not drawn, {error.name} is missing: {_REMEDY}")
    except Exception as error:  # such as a record that is JSON, and has what no measure returns
        say(f"{study.name}: the report is not drawn, and what is there is left as it is: {error_text(error)}")
    return []


def publish_index(studies: Sequence[Study], output: Path, *, say: Callable[[str], None]) -> list[Path]:
    """Write the front page of all studies that have records under `output`."""
    pages = [page_of(study, output / study.name) for study in studies if (output / study.name).is_dir()]
    try:
        from garbology.reporting import write_index

        return write_index([page for page in pages if page.runtimes], output)
    except ModuleNotFoundError as error:
        say(f"the front page is not drawn, {error.name} is missing: {_REMEDY}")
    except Exception as error:
        say(f"the front page is not drawn, and what is there is left as it is: {error_text(error)}")
    return []


def page_of(study: Study, directory: Path) -> StudyPage:
    """The page of all records in `directory`."""
    records, problems = load_records(directory, study.name)
    return study.report(records, problems=problems)


def has_records(study: Study, output: Path) -> bool:
    """Whether there is a record of the study under `output` that can be read."""
    return bool(load_records(output / study.name, study.name)[0])


def show(page: StudyPage, *, say: Callable[[str], None]) -> None:
    """Show the page in the terminal; without the library for it, verdict and findings as plain lines."""
    try:
        from garbology.reporting.terminal import print_page

        print_page(page)
    except ModuleNotFoundError as error:
        lines = [page.verdict, *(f"{finding.status}: {finding.claim}" for finding in page.findings)]
        say("\n".join([f"{error.name} is missing: {_REMEDY}", *filter(None, lines), *page.problems]))
