"""The front page: one chart, the studies by the question that they answer, the atlas of figures over all versions."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from garbology.reporting.atlas import LEGEND, atlas
from garbology.reporting.files import write_text
from garbology.reporting.findings import Finding, findings, tally, tally_of
from garbology.reporting.front_chart import FILE, front_view
from garbology.reporting.preview import preview
from garbology.reporting.tables_page import pages_beside
from garbology.reporting.templating import render
from garbology.reporting.thumbnails import thumbnail
from garbology.study.page import NO_VERDICT, RuntimeSummary, StudyPage
from garbology.text.visible import file_stem


def write_studies(pages: Sequence[StudyPage], directory: Path, address: str = "") -> list[Path]:
    """Write index.html and README.md: what is told first, the studies by the question that they answer, the atlas.

    Pages in folders of `directory` that are no studies', such as that of the benchmarks, are linked to.
    """
    ordered = sorted(pages, key=lambda page: page.name)
    first = front_view(ordered)
    picture = preview([first.file_text] if first else [], address)
    content = {
        "first": first,
        "first_file": FILE if first else "",
        "picture": picture,
        "scores": [_entry(page) for page in ordered if page.is_score],
        "beside": pages_beside(directory),
        "parts_of_page": _parts(ordered),
        "summary": _summary(ordered),
        "reference": _reference(ordered),
        "atlas": atlas(ordered),
        "atlas_legend": LEGEND,
    }
    return [
        write_text(directory / "index.html", render("index.html.j2", content)),
        write_text(directory / "README.md", render("index.md.j2", content)),
        *([write_text(directory / FILE, first.file_text)] if first else []),
        *([picture.write(directory)] if picture else []),
    ]


def _reference(pages: Sequence[StudyPage]) -> str:
    """The folder of the reference set's own front page, empty where no page is beside one."""
    places = [f"{file_stem(page.name)}/{page.reference.place}/.." for page in pages if page.reference]
    return posixpath.normpath(places[0]) if places else ""


def _parts(pages: Sequence[StudyPage]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Title and studies of each question, in their order; those that answer none of them come last."""
    parts = sorted({page.part for page in pages if page.part}, key=lambda part: (part.place, part.title))
    grouped = [(part.title, [page for page in pages if page.part == part]) for part in parts]
    others = [page for page in pages if page.part is None]
    named = [*grouped, ("More studies" if grouped else "Studies", others)]
    return [(title, list(map(_entry, members))) for title, members in named if members]


def _entry(page: StudyPage) -> dict[str, Any]:
    """What a card says; `marks` are what is not as it should be, or not so everywhere: most cards have none."""
    found = findings(page)
    return {
        "folder": file_stem(page.name),
        "title": page.title,
        "verdict": page.verdict or NO_VERDICT,
        "tally": tally(page),
        "marks": _marks(page, found),
        "thumbnail": thumbnail(page),
    }


def _marks(page: StudyPage, found: Sequence[Finding]) -> list[tuple[str, str]]:
    """Status and text of each: broken claims, claims that some version excepts, what was not measured."""
    counts = {
        status: sum(one.status == status for one in found) for status in ("does not hold", "not measured")
    }
    excepted = sum(one.status not in counts and bool(one.notable) for one in found)
    said = {
        "does not hold": f"{counts['does not hold']} of {len(found)} claims: does not hold",
        "not measured": f"{counts['not measured']} of {len(found)} claims: not measured",
    }
    marks = [(status, said[status]) for status, count in counts.items() if count]
    if excepted:
        marks.append(("not on this version", f"{excepted} of {len(found)} claims: not on every version"))
    if page.problems and not marks:
        marks.append(("not measured", "not everything was measured"))
    return marks


def _summary(pages: Sequence[StudyPage]) -> str:
    """Such as "2 studies on 7 interpreters: 11 of 12 findings hold, 1 does not hold"."""
    runtimes: dict[str, RuntimeSummary] = {
        runtime.slug: runtime for page in pages for runtime in page.runtimes
    }
    counted = tally_of([finding for page in pages for finding in findings(page)])
    studies = f"{len(pages)} {'study' if len(pages) == 1 else 'studies'}"
    on = f" on {len(runtimes)} {'interpreter' if len(runtimes) == 1 else 'interpreters'}" if runtimes else ""
    return f"{studies}{on}: {counted}"
