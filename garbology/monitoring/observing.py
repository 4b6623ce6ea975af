"""A process looked at from outside: CPython 3.15 keeps statistics of its collector where others can read them."""

from __future__ import annotations

import bisect
import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from garbology.monitoring import startup_directory
from garbology.monitoring.agreed import first_record, last_record
from garbology.monitoring.attaching import AttachSettings, describe
from garbology.monitoring.injection import AttachError, Target, interpreter_for, last_line
from garbology.monitoring.outside import MEMORY_FILE, MemoryFile
from garbology.monitoring.seen import COLUMNS, PAUSE_BUCKETS_SECONDS, Generation, Seen
from garbology.monitoring.signals import noted_signals

_SINCE = (3, 15)
_RECORD_SECONDS = 1.0
_NOT_EXPLAINED = "seen from outside: collections are counted, and which cycles they freed is not known"

Entry = Mapping[str, Any]


class Statistics:
    """What a collector did since the first reading; some of its latest collections are in each, one by one.

    Parameters
    ----------
    began_at : the time from which rows count, in seconds of the clock that the entries have.
    """

    def __init__(self, began_at: float) -> None:
        self.generations = [Generation(number) for number in range(3)]
        self._began_at = began_at
        self._first: list[Entry] | None = None
        self._known = [0, 0, 0]  # collections of each generation that were read
        self._collected = [0, 0, 0]

    def read(self, entries: Iterable[Entry]) -> list[tuple[float, int, float, int, int]]:
        """Take a reading; of each collection that is new: start, generation, pause, collected, uncollectable.

        What one that was missed freed is with the next; the sums are exact.
        """
        ordered = [_of(number, entries := list(entries)) for number in range(3)]
        if self._first is None:
            self._first = [each[-1] for each in ordered]
            self._known = [each["collections"] for each in self._first]
            self._collected = [each["collected"] for each in self._first]
            return []
        return [
            row for number, each in enumerate(ordered) for row in self._new(number, self._first[number], each)
        ]

    def _new(
        self, number: int, first: Entry, entries: list[Entry]
    ) -> Iterator[tuple[float, int, float, int, int]]:
        total, latest = self.generations[number], entries[-1]
        for entry in entries:
            if entry["collections"] > self._known[number]:
                yield self._row(number, entry)
        total.collections = latest["collections"] - first["collections"]
        total.collected = latest["collected"] - first["collected"]
        total.uncollectable = latest["uncollectable"] - first["uncollectable"]
        total.candidates = latest["candidates"] - first["candidates"]
        total.pause_seconds = latest["duration"] - first["duration"]

    def _row(self, number: int, entry: Entry) -> tuple[float, int, float, int, int]:
        total = self.generations[number]
        pause = (entry["ts_stop"] - entry["ts_start"]) / 1e9
        total.longest_pause_seconds = max(total.longest_pause_seconds, pause)
        total.pause_counts[bisect.bisect_left(PAUSE_BUCKETS_SECONDS, pause)] += 1
        collected = entry["collected"] - self._collected[number]
        self._known[number], self._collected[number] = entry["collections"], entry["collected"]
        return entry["ts_start"] / 1e9 - self._began_at, number, pause, collected, 0


def _of(number: int, entries: Iterable[Entry]) -> list[Entry]:
    """Those of a generation in their order; one that is being written has no end yet."""
    whole = (each for each in entries if each["gen"] == number and each["ts_stop"] >= each["ts_start"])
    return sorted(whole, key=lambda each: int(each["collections"]))


def observe(target: Target, directory: Path, settings: AttachSettings) -> None:
    """Record the collections and the memory of a process into ``directory``, until the time is over or Ctrl-C.

    Raises
    ------
    AttachError : it is older than CPython 3.15, or cannot be read.
    OSError : the directory cannot be written.
    """
    if target.version < _SINCE:
        raise AttachError(
            f"{target.pid}: it is CPython {target.version_text}, whose collector can be seen from outside from 3.15 "
            "on: attach without --outside"
        )
    began_at = time.perf_counter()
    with noted_signals() as came, _readings(target, settings.interval_seconds) as readings:
        statistics = Statistics(began_at)
        statistics.read(next(readings))
        describe(target, directory, settings, began_at)
        sampler = MemoryFile(target.pid, directory / MEMORY_FILE, settings.interval_seconds)
        try:
            _write(target, directory, statistics, _until(readings, settings.seconds, came))
        finally:
            sampler.end()


@contextmanager
def _readings(target: Target, seconds: float) -> Iterator[Iterator[list[Entry]]]:
    script = startup_directory() / "statistics.py"
    command = [str(interpreter_for(target)), "-I", "-S", str(script), str(target.pid), str(seconds)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as reader:
        try:
            yield _lines(target, reader)
        finally:
            reader.kill()


def _lines(target: Target, reader: subprocess.Popen[str]) -> Iterator[list[Entry]]:
    assert reader.stdout is not None
    assert reader.stderr is not None
    number = 0
    for number, line in enumerate(reader.stdout, start=1):  # noqa: B007
        yield json.loads(line)
    if not number:
        raise AttachError(f"{target.pid}: {last_line(reader.stderr.read())}")


def _until(readings: Iterator[list[Entry]], seconds: float | None, came: list[int]) -> Iterator[list[Entry]]:
    """Those until the time is over or a signal came."""
    until = None if seconds is None else time.monotonic() + seconds
    for entries in readings:
        yield entries
        if came or (until is not None and time.monotonic() >= until):
            return


def _write(target: Target, directory: Path, statistics: Statistics, readings: Iterator[list[Entry]]) -> None:
    began_at, told_at = time.perf_counter(), 0.0
    rows: list[tuple[float, int, float, int, int]] = []
    with open(directory / f"process-{target.pid}-{time.time_ns()}.jsonl", "w", encoding="utf-8") as file:

        def write(row: Mapping[str, Any]) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()

        write(_header(target, began_at))
        for entries in readings:
            rows += statistics.read(entries)
            if time.perf_counter() - told_at > _RECORD_SECONDS:
                told_at = time.perf_counter()
                write(_record(statistics, rows, told_at - began_at))
                rows = []
        write(_record(statistics, rows, time.perf_counter() - began_at))
        write(last_record({}))


def _header(target: Target, began_at: float) -> dict[str, Any]:
    return first_record(
        target.pid,
        began_at,
        python=target.version_text,
        implementation="CPython",
        collector="not asked",
        threshold=(),
        budget=0.0,
    )


def _record(
    statistics: Statistics, rows: list[tuple[float, int, float, int, int]], elapsed_seconds: float
) -> dict[str, Any]:
    seen = Seen(generations=statistics.generations, elapsed_seconds=elapsed_seconds, refused=_NOT_EXPLAINED)
    seen.unexplained, seen.unexplained_objects = seen.collections, seen.collected
    return {
        **seen.to_dict(),
        "latest": {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)},
    }
