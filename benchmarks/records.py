"""Records: one file for each section and runtime, JSON, with the environment and every value of every round."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import described, load_average
from benchmarks.rounds import Job, Say, take
from benchmarks.sections import SECTIONS
from benchmarks.settings import Settings

MEASURED = Path(__file__).with_name("measured")
FORMAT = 1


def measure(section: str, settings: Settings, only: Sequence[str], say: Say) -> dict[str, Any]:
    """A record of one section; with `only`, of the jobs whose names have one of these words in them."""
    environment = described()
    chosen = [job for job in SECTIONS[section].jobs(settings) if is_wanted(job, only)]
    taken = take(chosen, settings.rounds, say)
    environment["environment"]["load_average_at_the_end"] = load_average()
    return {
        "format": FORMAT,
        "section": section,
        "settings": settings.to_dict(),
        "only": list(only),
        **environment,
        "rows": taken.rows,
        "missing": taken.missing,
        "problems": taken.problems,
    }


def is_wanted(job: Job, only: Sequence[str]) -> bool:
    """Whether the job's name has one of the words in it."""
    return not only or any(word in job.name for word in only)


def file_name(record: dict[str, Any]) -> str:
    """Such as "finder-3.13.json": a minor version has one record of each section."""
    minor = ".".join(record["runtime"]["version"].split(".")[:2])
    return f"{record['section']}-{minor}.json"


def write(records: Sequence[dict[str, Any]], directory: Path) -> list[Path]:
    """Each as a file of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / file_name(record) for record in records]
    for path, record in zip(paths, records, strict=True):
        path.write_text(text(record), encoding="utf-8")
    return paths


def text(record: Any) -> str:
    """As JSON, a row a line."""
    rows = record.get("rows", []) if isinstance(record, dict) else []
    if not rows:
        return json.dumps(record, indent=1) + "\n"
    head = json.dumps({**record, "rows": []}, indent=1)
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    return head.replace('"rows": []', f'"rows": [\n  {lines}\n ]', 1) + "\n"


def read_all(directory: Path = MEASURED) -> list[dict[str, Any]]:
    """All records of a directory, by section and version."""
    found = []
    for path in directory.glob("*-*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("format") == FORMAT:
            found.append(record)
    order = list(SECTIONS)
    return sorted(found, key=lambda record: (order.index(record["section"]), _version(record)))


def _version(record: dict[str, Any]) -> list[int]:
    return [int(each) for each in record["runtime"]["version"].split(".")[:2]]


def smaller(settings: Settings, **changes: Any) -> Settings:
    """The settings with what the command line changes."""
    return replace(settings, **{name: value for name, value in changes.items() if value is not None})
