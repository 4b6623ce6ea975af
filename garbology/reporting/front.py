"""The front page: all studies with their verdicts, and the atlas of their figures over all versions."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from garbology.reporting.atlas import LEGEND, atlas
from garbology.reporting.files import write_text
from garbology.reporting.findings import findings, overall, tally, tally_of
from garbology.reporting.runtimes import runtime_names
from garbology.reporting.templating import render
from garbology.study.page import NO_VERDICT, RuntimeSummary, StudyPage
from garbology.text.visible import file_stem


def write_studies(pages: Sequence[StudyPage], directory: Path) -> list[Path]:
    """Write index.html and README.md that list the studies, in the order of their names."""
    ordered = sorted(pages, key=lambda page: page.name)
    content = {
        "studies": [_entry(page) for page in ordered],
        "summary": _summary(ordered),
        "reference": _reference(ordered),
        "atlas": atlas(ordered),
        "atlas_legend": LEGEND,
    }
    return [
        write_text(directory / "index.html", render("index.html.j2", content)),
        write_text(directory / "README.md", render("index.md.j2", content)),
    ]


def _reference(pages: Sequence[StudyPage]) -> str:
    """The folder of the reference set's own front page, empty where no page is beside one."""
    places = [f"{file_stem(page.name)}/{page.reference.place}/.." for page in pages if page.reference]
    return posixpath.normpath(places[0]) if places else ""


def _entry(page: StudyPage) -> dict[str, Any]:
    names = runtime_names(page.runtimes).values()
    return {
        "folder": file_stem(page.name),
        "title": page.title,
        "verdict": page.verdict or NO_VERDICT,
        "status": overall(page),
        "tally": tally(page),
        "runtimes": list(dict.fromkeys(name.short for name in names)),
        "problems": bool(page.problems),
    }


def _summary(pages: Sequence[StudyPage]) -> str:
    """Such as "2 studies on 7 interpreters: 11 of 12 findings hold, 1 does not hold"."""
    runtimes: dict[str, RuntimeSummary] = {
        runtime.slug: runtime for page in pages for runtime in page.runtimes
    }
    counted = tally_of([finding for page in pages for finding in findings(page)])
    studies = f"{len(pages)} {'study' if len(pages) == 1 else 'studies'}"
    on = f" on {len(runtimes)} {'interpreter' if len(runtimes) == 1 else 'interpreters'}" if runtimes else ""
    return f"{studies}{on}: {counted}"
