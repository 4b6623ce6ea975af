"""Go on with a run that was interrupted, if nothing changed that would mix unlike samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from garbology.study.hardware import is_told_by_hardware
from garbology.study.records import COMPLETE_SUFFIX, PARTIAL_SUFFIX, Record, read_record
from garbology.study.wording import counted

# In the order in which differences are reported.
_COMPARED = {
    "study": "study",
    "scale": "scale",
    "parameters": "grid",
    "command": "command",
    "repeats": "number of repeats",
    "most_repeats": "most repeats",
    "precision": "precision",
    "jobs": "jobs",
    "runtime": "runtime",
    "environment": "environment",
}
_UNFINISHED = ".unfinished.json"


@dataclass(frozen=True)
class Found:
    """An earlier record to go on with, or none, and a sentence about it (empty where there is nothing to say)."""

    record: Record | None
    sentence: str


def find_interrupted(begun: Record, directory: Path, seed: int | None) -> Found:
    """The unfinished record in `directory` that a run which begins as `begun` can go on with.

    `seed` is the one that was asked for, None where any is welcome.
    """
    path = directory / (begun.slug + PARTIAL_SUFFIX)
    if not path.exists():
        return Found(None, "")
    record = read_record(path)
    different = difference(record, begun, seed)
    if different:
        return Found(None, f"starts afresh, the interrupted run was another one: {different}")
    return Found(record, f"goes on after {counted(len(record.samples), 'sample')}, with seed {record.seed}")


def find_finished(begun: Record, directory: Path, seed: int | None, since: str) -> Found:
    """The complete record in `directory` of the same run, which leaves nothing to measure.

    `since` (ISO 8601, UTC) is when the command began that was interrupted, empty where none was: what was
    finished before belongs to another one.
    """
    path = directory / (begun.slug + COMPLETE_SUFFIX)
    if not path.exists():
        return Found(None, "")
    record = read_record(path)
    different = difference(record, begun, seed)
    if record.started < since and not different:
        different = "it ended before the interrupted command began"
    if different:
        return Found(None, f"is measured anew, the finished run was another one: {different}")
    return Found(record, f"is measured already, on {record.started[:10]}: nothing is measured again")


def difference(earlier: Record, now: Record, seed: int | None) -> str:
    """The first thing that makes two runs unlike, as a phrase; empty where they are alike."""
    if earlier.source_digest != now.source_digest:
        return "the study's file has changed"
    on_a_cluster = is_told_by_hardware(earlier.slug)
    for name, title in _COMPARED.items():
        if name == "jobs" and on_a_cluster:  # its workers come and go; each measures one sample at a time
            continue
        before, after = getattr(earlier, name), getattr(now, name)
        if before != after:
            return _difference_text(title, before, after)
    return _difference_text("seed", earlier.seed, seed) if seed not in (None, earlier.seed) else ""


def _difference_text(title: str, before: Any, after: Any) -> str:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        name = next(each for each in [*before, *after] if before.get(each) != after.get(each))
        return _difference_text(f"{title}: {name}", before.get(name), after.get(name))
    if title == "command":
        before, after = " ".join(before), " ".join(after)
    return f"{title} was {before}, is {after} now"


def unfinished_since(output: Path, command: str) -> str:
    """When a command began that has not ended by itself (ISO 8601, UTC); empty where there is none."""
    return _unfinished(output).get(command, "")


def begin_command(output: Path, command: str, started: str) -> None:
    """Note that a command began, `started` as ISO 8601, UTC."""
    _note(output, {**_unfinished(output), command: started})


def end_command(output: Path, command: str) -> None:
    """Note that a command has ended by itself."""
    _note(output, {name: since for name, since in _unfinished(output).items() if name != command})


def _unfinished(output: Path) -> dict[str, str]:
    try:
        commands = json.loads((output / _UNFINISHED).read_text(encoding="utf-8"))
        return {str(command): str(since) for command, since in commands.items()}
    except (OSError, ValueError, AttributeError):  # there is none, or it is damaged: nothing is skipped then
        return {}


def _note(output: Path, commands: Mapping[str, str]) -> None:
    path = output / _UNFINISHED
    if commands:
        path.write_text(json.dumps(commands, indent=1) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
