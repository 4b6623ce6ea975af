"""Hand a study's page to garbology.reporting, whose libraries may be missing: the records remain."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from garbology.study.comparison import beside
from garbology.study.evaluation import evaluate
from garbology.study.page import StudyPage
from garbology.study.parts import error_text
from garbology.study.records import Record, load_records

if TYPE_CHECKING:
    from garbology.study.declaration import Study

_FRONT = "../index.html"
_REMEDY = "pip install 'garbology[experiments]'"


def publish(
    study: Study,
    directory: Path,
    reference: Path | None = None,
    *,
    has_front: bool = True,
    address: str = "",
    say: Callable[[str], None],
) -> list[Path]:
    """Write the page of all records in `directory`; the paths written, none if it cannot be drawn.

    `reference` is the directory of a reference set, a folder a study, whose figures are shown beside. The page leads
    back to the front page where there is one. `address` is that of all reports on the web: pictures for other sites are
    named by it.
    """
    try:
        from garbology.reporting import write_page

        page = page_of(study, directory, reference)
        own = f"{address.rstrip('/')}/{directory.name}" if address else ""
        return write_page(replace(page, front=_FRONT if has_front else "", address=own), directory)
    except ModuleNotFoundError as error:
        say(f"{study.name}: the report is not drawn, {error.name} is missing: {_REMEDY}")
    except Exception as error:  # such as a record that is JSON, and has what no measure returns
        say(f"{study.name}: the report is not drawn, and what is there is left as it is: {error_text(error)}")
    return []


def publish_index(
    studies: Sequence[Study],
    output: Path,
    reference: Path | None = None,
    *,
    address: str = "",
    say: Callable[[str], None],
) -> list[Path]:
    """Write the front page of all studies that have records under `output`; `address` as in `publish`."""
    recorded = [study for study in studies if (output / study.name).is_dir()]
    pages = [page_of(study, output / study.name, reference) for study in recorded]
    try:
        from garbology.reporting import write_index

        return write_index([page for page in pages if page.runtimes], output, address)
    except ModuleNotFoundError as error:
        say(f"the front page is not drawn, {error.name} is missing: {_REMEDY}")
    except Exception as error:
        say(f"the front page is not drawn, and what is there is left as it is: {error_text(error)}")
    return []


def page_of(study: Study, directory: Path, reference: Path | None = None) -> StudyPage:
    """The page of all records in `directory`, with those in `reference` beside them."""
    records, problems = load_records(directory, study.name)
    return compared(study, evaluate(study, records, problems=problems), records, directory, reference)


def compared(
    study: Study, page: StudyPage, records: Sequence[Record], directory: Path, reference: Path | None
) -> StudyPage:
    """`page` with the figures of the reference set beside it; as it is where that is the set itself."""
    if reference is None or directory.resolve() == (reference / study.name).resolve():
        return page
    found = load_records(reference / study.name, study.name)[0]
    place = os.path.relpath(reference / study.name, directory).replace(os.sep, "/")
    return beside(study, page, records, found, place)


def has_records(study: Study, output: Path) -> bool:
    """Whether there is a record of the study under `output` that can be read."""
    return bool(load_records(output / study.name, study.name)[0])


def show(page: StudyPage, *, say: Callable[[str], None], verdict: bool = True) -> None:
    """Show the page in the terminal; without the library for it, verdict and findings as plain lines."""
    try:
        from garbology.reporting.terminal import print_page

        print_page(page, verdict=verdict)
    except ModuleNotFoundError as error:
        lines = [
            page.verdict if verdict else "",
            *(f"{finding.status}: {finding.claim}" for finding in page.findings),
        ]
        say("\n".join([f"{error.name} is missing: {_REMEDY}", *filter(None, lines), *page.problems]))
