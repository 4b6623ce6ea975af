"""The page of a diagnosis that was written as JSON: what `garbology report FILE` draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from garbology.growth.report import SCHEMA, SCHEMA_VERSION
from garbology.monitoring.recordings import RecordingError, intact, refuse_newer
from garbology.reporting.growth_page import page_of, write_growth


def draw_report(file: Path, directory: Path) -> tuple[str, Path]:
    """The verdict of the report in ``file``, and the page that was drawn of it.

    Raises
    ------
    RecordingError : it cannot be read, is no report of `garbology.diagnose`, or a newer garbology made it.
    OSError : the directory cannot be written.
    """
    report = _read(file)
    with intact(file):
        refuse_newer(file, report, SCHEMA_VERSION)
        page = page_of(report)
        return page.verdict, write_growth(page, directory)[0]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingError(f"{file}: it cannot be read: {error}") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise RecordingError(
            f"{file}: it is no report of garbology.diagnose: json.dump(report.to_dict(), file) makes one"
        )
    return report
