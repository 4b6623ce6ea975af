"""The front page: all studies with their verdicts, and the atlas of their figures over all versions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from garbology.reporting.atlas import LEGEND, atlas
from garbology.reporting.files import write_text
from garbology.reporting.findings import findings, overall, tally, tally_of
from garbology.reporting.runtimes import runtime_names
from garbology.reporting.templating import render
from garbology.reporting.text import file_stem
from garbology.study.page import RuntimeSummary, StudyPage


def write_studies(pages: Sequence[StudyPage], directory: Path) -> list[Path]:
    """Write index.html and README.md that list the studies, in the order of their names."""
    ordered = sorted(pages, key=lambda page: page.name)
    content = {
        "studies": [_entry(page) for page in ordered],
        "summary": _summary(ordered),
        "atlas": atlas(ordered),
        "atlas_legend": LEGEND,
    }
    return [
        write_text(directory / "index.html", render("index.html.j2", content)),
        write_text(directory / "README.md", render("index.md.j2", content)),
    ]


def _entry(page: StudyPage) -> dict[str, Any]:
    names = runtime_names(page.runtimes).values()
    return {
        "folder": file_stem(page.name),
        "title": page.title,
        "verdict": page.verdict or "No verdict: what it needs was not measured.",
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
