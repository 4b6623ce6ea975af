"""Recordings as `garbology run` leaves them, read again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from garbology.find.scope import Scope
from garbology.monitoring.agreed import RECORDING_SCHEMA, SCHEMA_VERSION
from garbology.monitoring.outside import MEMORY_FILE, PROGRAM_FILE

Row = Mapping[str, Any]

# What reading a row of another shape than ours raises, wherever that is: in the figures, the sentences, the page.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class RecordingError(Exception):
    """One sentence: what cannot be read, and what to do."""


@contextmanager
def intact(directory: Path | str) -> Iterator[None]:
    """Say of a recording that is used in the block, and has other rows than garbology writes, that it is damaged.

    Raises
    ------
    RecordingError : it is.
    """
    try:
        yield
    except _DAMAGE as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise RecordingError(f"{directory}: the recording is damaged: {why[:200]}") from None


def refuse_newer(path: Path, told: Mapping[str, Any], known: int) -> None:
    """Refuse what has a larger ``schema_version`` than is ``known``.

    Raises
    ------
    RecordingError : it has.
    """
    if told.get("schema_version", 0) > known:
        raise RecordingError(
            f"{path}: a newer garbology made it (schema {told['schema_version']}, this one reads {known}): "
            "upgrade garbology"
        )


@dataclass
class Process:
    """One process of a recorded program.

    Attributes
    ----------
    header : what it was: pid, python, collector, platform ...
    last : its latest record, with exact totals; empty where it ended before the first.
    shapes : the latest figures of each shape that counts, most objects first.
    left_out : those of the others, which ``--only`` and ``--ignore`` leave out; they are in all totals.
    path : its file.
    collections : a row each: seconds since the program's start, generation, pause_seconds, collected.
    ended : whether it wrote its end: not where it was killed.
    at_end : what waited and what had grown then; empty where that was not looked at.
    growth : the latest that is known of why memory grows, as `garbology.diagnose` tells it; empty where not asked for.
    growth_failed : why that is not told; empty where it is.
    """

    header: dict[str, Any]
    last: dict[str, Any] = field(default_factory=dict)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    collections: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False
    at_end: dict[str, Any] = field(default_factory=dict)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    growth: dict[str, Any] = field(default_factory=dict)
    growth_failed: str = ""
    path: Path = field(default_factory=Path)

    @property
    def collected(self) -> int:
        """Objects that its collections freed."""
        return int(self.last.get("collected", 0))


@dataclass
class Recording:
    """A run of a program: its processes, the largest collected first, and its memory over time.

    ``memory`` has rows of seconds since the start, rss_bytes and sometimes uss_bytes; ``command`` makes one like it.
    """

    program: list[str]
    processes: list[Process]
    memory: list[dict[str, Any]]
    command: list[str] = field(default_factory=list)

    @property
    def main(self) -> Process | None:
        """The process that was started, or the first that was recorded."""
        return min(self.processes, key=lambda each: each.header["began_at_unix"], default=None)

    @property
    def peak_rss_bytes(self) -> int:
        """The highest sample; 0 without."""
        return max((row["rss_bytes"] for row in self.memory), default=0)

    @property
    def shapes(self) -> list[dict[str, Any]]:
        """Those of all processes, most objects first; equal ones of two processes stay two."""
        found = [shape for each in self.processes for shape in each.shapes]
        return sorted(found, key=lambda shape: -shape["objects"])


def read_recording(directory: Path, scope: Scope | None = None) -> Recording:
    """Read what is in a directory, also where it ends in the middle.

    ``scope`` says whose cycles count; without it that of the recording does.

    Raises
    ------
    RecordingError : there is no recording, it cannot be read, or a newer garbology made it.
    """
    try:
        with intact(directory):
            return _read(directory, scope)
    except FileNotFoundError:
        raise RecordingError(
            f"{directory}: there is no recording ({PROGRAM_FILE} is missing): "
            "`garbology run -o DIR script.py` makes one"
        ) from None
    except OSError as error:
        raise RecordingError(f"{directory}: the recording cannot be read: {error}") from None


def _read(directory: Path, scope: Scope | None) -> Recording:
    described = json.loads((directory / PROGRAM_FILE).read_text(encoding="utf-8"))
    paths = sorted(directory.glob("process-*.jsonl"))
    began_at = float(described["began_at_seconds"])
    scope = scope or Scope(*(tuple(described.get(name, ())) for name in ("only", "ignore")))
    processes = [process for path in paths if (process := _process(path, began_at, scope))]
    memory = [{**row, "seconds": row["seconds"] - began_at} for row in _rows(directory / MEMORY_FILE)]
    return Recording(list(described["program"]), processes, memory, list(described.get("command", ())))


def _process(path: Path, began_at: float, scope: Scope) -> Process | None:
    rows = _rows(path)
    header = next(rows, None)
    if not isinstance(header, dict) or header.get("schema") != RECORDING_SCHEMA:
        return None
    refuse_newer(path, header, SCHEMA_VERSION)
    process = Process(header, path=path)
    offset = header["began_at_seconds"] - began_at
    shapes: dict[int, dict[str, Any]] = {}
    for row in rows:
        shapes.update((shape["number"], shape) for shape in row["shapes"])
        if "growth" in row:
            process.growth_failed = row["growth"].get("failed", "")
            process.growth = process.growth if process.growth_failed else row["growth"]
        elif "at_end" in row:
            process.ended, process.at_end = True, row["at_end"]
        else:
            process.last = row
            process.collections += _collections(row["latest"], offset)
    for shape in sorted(shapes.values(), key=lambda shape: -shape["objects"]):
        (process.shapes if _counts(shape["shape"], scope) else process.left_out).append(shape)
    if waiting := process.at_end.get("waiting_shapes"):
        process.at_end["waiting_shapes"] = [shape for shape in waiting if _counts(shape, scope)]
    return process


def _counts(shape: Mapping[str, Any], scope: Scope) -> bool:
    return scope.counts(shape.get("members", ()), shape["edges"])


def _collections(columns: Mapping[str, list[float]], offset: float) -> Iterator[dict[str, Any]]:
    for start, generation, pause, collected in zip(
        columns["start_seconds"],
        columns["generation"],
        columns["pause_seconds"],
        columns["collected"],
        strict=True,
    ):
        yield {
            "seconds": start + offset,
            "generation": int(generation),
            "pause_seconds": pause,
            "collected": int(collected),
        }


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file; the last one may be half written."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            return
        yield row
