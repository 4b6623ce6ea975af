"""The collector's pauses: every collection in a block with its generation, start, duration and yield."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from garbology.recorders.callbacks import Callback, listening
from garbology.text.notebook import mime_bundle

_UNKNOWN = -1  # in the compact columns, for what an interpreter does not tell


@dataclass(frozen=True)
class Collection:
    """One run of the cyclic collector.

    ``duration_seconds`` is the pause: from the collector's "start" callback to its "stop" callback, including
    the finalizers and weakref callbacks that it ran. ``interpreter_seconds`` is what CPython says itself
    (3.15 and newer, else None) and ``candidates`` how many objects it looked at (likewise). ``generation``
    is what CPython reports: 0, 1 or 2; the incremental collector of 3.14.0-3.14.4 says 1 for every
    automatic increment. ``collected`` and ``uncollectable`` count objects. A cycle that its own finalizer
    breaks, such as that of a suspended generator, is freed without being counted.
    """

    generation: int
    start_seconds: float
    duration_seconds: float
    collected: int
    uncollectable: int
    candidates: int | None = None
    interpreter_seconds: float | None = None


class Pauses:
    """The collections of a block, oldest first; filled as it goes, and complete at its end.

    Start times are in seconds after ``began_at`` (a ``time.perf_counter()`` reading), so they can be laid
    beside other recordings made in the process.
    """

    def __init__(self) -> None:
        # Columns of plain numbers, because a recorder of collections should not make objects to collect.
        self._generations = array("b")
        self._collected = array("q")
        self._uncollectable = array("q")
        self._candidates = array("q")
        self._interpreter_seconds = array("d")
        self._start_seconds = array("d")
        self._duration_seconds = array("d")
        self._runs_before = 0
        self._runs_after: int | None = None
        self.began_at = perf_counter()

    def _open(self) -> None:
        seen = len(self)  # read first: asking for the statistics may itself start a collection up to 3.11
        self._runs_before = _runs_so_far() - seen

    def _close(self) -> None:
        self._runs_after = _runs_so_far()

    @property
    def collections(self) -> list[Collection]:
        """Every collection seen so far."""
        return [self._row(index) for index in range(len(self._duration_seconds))]

    def _row(self, index: int) -> Collection:
        candidates, interpreter_seconds = self._candidates[index], self._interpreter_seconds[index]
        return Collection(
            generation=self._generations[index],
            start_seconds=self._start_seconds[index],
            duration_seconds=self._duration_seconds[index],
            collected=self._collected[index],
            uncollectable=self._uncollectable[index],
            candidates=None if candidates == _UNKNOWN else candidates,
            interpreter_seconds=None if interpreter_seconds == _UNKNOWN else interpreter_seconds,
        )

    @property
    def total_seconds(self) -> float:
        """The sum of all pauses."""
        return sum(self._duration_seconds)

    @property
    def longest_seconds(self) -> float:
        """The longest pause; 0.0 where nothing was collected."""
        return max(self._duration_seconds, default=0.0)

    @property
    def by_generation(self) -> dict[int, int]:
        """How many collections there were of each generation, those that occurred."""
        return {number: self._generations.count(number) for number in sorted(set(self._generations))}

    @property
    def collected(self) -> int:
        """Objects freed by all collections, as CPython counts them."""
        return sum(self._collected)

    @property
    def missed(self) -> int:
        """Collections that ended in the block unseen.

        There are some where other code took the callback out of ``gc.callbacks``, or where the block began in
        the middle of one.
        """
        runs = _runs_so_far() if self._runs_after is None else self._runs_after
        return max(0, runs - self._runs_before - len(self))

    def __len__(self) -> int:
        return len(self._duration_seconds)

    def __iter__(self) -> Iterator[Collection]:
        return iter(self.collections)

    def __repr__(self) -> str:
        return (
            f"<Pauses: {len(self)} collections, {self.total_seconds:.6f} s in all, "
            f"longest {self.longest_seconds:.6f} s, by generation {self.by_generation}>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """For a notebook: how many, how long, and when."""
        record = {
            "collections": len(self),
            "total_seconds": self.total_seconds,
            "longest_seconds": self.longest_seconds,
            "collected": self.collected,
            "missed": self.missed,
            "by_generation": self.by_generation,
            "starts": self._start_seconds[: len(self)].tolist(),
            "durations": self._duration_seconds.tolist(),
        }
        return mime_bundle("pauses_cell", record, repr(self))


@contextmanager
def record_pauses() -> Iterator[Pauses]:
    """Record every collection that runs in a block, in any thread, automatic or asked for.

    Gives a ``Pauses``. Blocks may be nested and may overlap in threads; each records what runs during its own
    time. Time that other entries of ``gc.callbacks`` spend between ours counts as part of the pause.
    Recording costs 0.9 to 1.4 microseconds a collection, most of it outside the pause, and leaves nothing
    behind that the collector counts, so it neither triggers nor delays one.
    """
    pauses = Pauses()
    with listening(_recorder(pauses)):
        pauses._open()
        try:
            yield pauses
        finally:
            pauses._close()


def _recorder(pauses: Pauses) -> Callback:
    """The callback that appends to the columns; it holds these but not ``pauses``, so there is no cycle."""
    generations, collected, uncollectable = pauses._generations, pauses._collected, pauses._uncollectable
    candidates, interpreter_seconds = pauses._candidates, pauses._interpreter_seconds
    start_seconds, duration_seconds = pauses._start_seconds, pauses._duration_seconds
    began_at = pauses.began_at
    started_at = -1.0

    # One scalar is enough: CPython calls both phases while it holds its "collecting" flag, so that
    # collections never overlap, whatever the thread.
    def on_collection(phase: str, info: dict[str, Any]) -> None:
        nonlocal started_at
        now = perf_counter()
        if phase == "start":
            started_at = now
        elif started_at >= 0.0:  # else the block began in the middle of this collection
            generations.append(info["generation"])
            collected.append(info["collected"])
            uncollectable.append(info["uncollectable"])
            candidates.append(info.get("candidates", _UNKNOWN))
            interpreter_seconds.append(info.get("duration", _UNKNOWN))
            start_seconds.append(started_at - began_at)
            duration_seconds.append(now - started_at)  # last, for its length counts the complete rows
            started_at = -1.0

    return on_collection


def _runs_so_far() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())
