"""The page of a diagnosis that was written as JSON: what `garbology report FILE` draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from garbology.growth.report import SCHEMA, SCHEMA_VERSION
from garbology.monitoring.recordings import RecordingError, intact, refuse_newer
from garbology.reporting.growth_page import GrowthPage, write_growth
from garbology.study.page import Tile
from garbology.text.layout import human_bytes


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


def page_of(report: Mapping[str, Any]) -> GrowthPage:
    """What the page shows, as plain data."""
    unit = report["unit"]
    return GrowthPage(
        title="Why memory grows",
        verdict=_sentence(report["verdict"]),
        unit=unit,
        tiles=[
            Tile(f"grows a {unit}", report["grows"], "bytes", report["low"], report["high"]),
            Tile("alive", report["alive"], "bytes"),
            Tile("waits for the collector", report["waiting"], "bytes"),
            Tile("freed, and kept", report["kept"], "bytes"),
            Tile("not Python's", report["native"], "bytes"),
        ],
        moments=report["moments"],
        holders=[_row(each) for each in report["holders"]],
        bounded=[_row(each) for each in report["bounded"]],
        shapes=report["shapes"],
    )


def _sentence(verdict: str) -> str:
    return f"Memory {verdict}" if verdict.startswith("grows") else verdict[:1].upper() + verdict[1:]


def _row(holder: Mapping[str, Any]) -> list[str]:
    return [human_bytes(holder["bytes"]), holder["name"], holder["where"], "; ".join(holder["chain"])]
