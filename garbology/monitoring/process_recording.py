"""One process recorded into one file: a header, what its monitor tells, and how it ended."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from garbology.find.explain import explain_garbage, judged
from garbology.find.familiar import Familiar
from garbology.interpreter import collector, exclusive
from garbology.monitoring.agreed import GROWTH_SCHEMA, first_record, last_record
from garbology.monitoring.monitors import Monitor
from garbology.monitoring.sinks import JsonLines
from garbology.names.classes import safe_type_name
from garbology.names.privacy import private
from garbology.snapshot.addresses import types_of
from garbology.snapshot.arrays import tally
from garbology.snapshot.listing import closed, listing

if TYPE_CHECKING:
    from garbology.monitoring.growing import GrowthThread

_NO_ROTATION = 1 << 62
_MOST_READ = 3_000_000  # objects at the end: some seconds
_MOST_TYPES = 30
_MOST_WAITING_SHAPES = 32  # as many as are described


class ProcessRecording:
    """This process, in a file of a directory: from :meth:`start` to :meth:`end`.

    Parameters
    ----------
    settings : ``directory``, ``budget``, ``interval_seconds`` and ``keys`` as a monitor has them; ``alive``: whether
        all objects are read at the start and at the end, which stops the process for about 1 us an object; ``grow``:
        whether it is asked why memory grows, which reads all objects again and again, for a tenth of the time.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._monitor: Monitor | None = None
        self._write: Callable[[dict[str, Any]], None] = lambda record: None
        self._pid = 0
        self._path = Path()
        self._types: dict[str, int] = {}
        self._growth: GrowthThread | None = None

    def start(self, generation: int = 2) -> None:
        """Begin; a collection of ``generation`` comes first, for what imports have left is none of the program's."""
        self.abandon()
        self._pid = os.getpid()
        self._path = Path(self._settings["directory"], f"process-{self._pid}-{time.time_ns()}.jsonl")
        self._write = _forgiving(JsonLines(self._path, most_bytes=_NO_ROTATION))
        self._types = _alive_by_type() if self._settings["alive"] else {}
        self._monitor = Monitor(
            self._settings["budget"],
            self._write,
            interval_seconds=self._settings["interval_seconds"],
            keys=self._settings["keys"],
        )
        self._write(self._header())
        gc.collect(generation)
        if self._settings.get("grow"):
            self._growth = _growth_thread(self._write, keys=self._settings["keys"])
            self._growth.start()
        self._monitor.start()

    def abandon(self) -> None:
        """Write no more."""
        monitor, self._monitor = self._monitor, None
        growth, self._growth = self._growth, None
        if growth is not None:
            growth.abandon()
        if monitor is not None:
            monitor.abandon()

    def forget(self) -> None:
        """Write no more, and leave no file."""
        self.abandon()
        self._path.unlink(missing_ok=True)

    def _header(self) -> dict[str, Any]:
        header = first_record(
            self._pid,
            time.perf_counter(),
            python=platform.python_version(),
            implementation=platform.python_implementation(),
            collector=collector.kind(),
            threshold=gc.get_threshold(),
            budget=self._settings["budget"],
        )
        return {**header, "parent_pid": os.getppid()}

    def end(self, stop_tracing: Callable[[], bool] | None = None, *, with_program: bool = False) -> None:
        """Write the last figures, once, and by the process that began alone.

        ``stop_tracing`` is called when nothing is analysed any more; where it fails, that is told.
        """
        if self._monitor is None or os.getpid() != self._pid:
            if stop_tracing is not None:
                stop_tracing()
            return
        monitor, self._monitor = self._monitor, None
        growth, self._growth = self._growth, None
        if growth is not None:
            growth.finish(with_program=with_program)
        at_end: dict[str, Any] = {}
        if self._settings["alive"]:
            with collector.paused():
                at_end = _state_at_end(self._types, keys=self._settings["keys"])
        monitor.stop()
        if stop_tracing is not None and not stop_tracing():
            at_end["tracing_left_on"] = True
        self._write(last_record(at_end))


def _growth_thread(write: Callable[[dict[str, Any]], None], *, keys: bool) -> GrowthThread:
    from garbology.monitoring.growing import GrowthThread

    return GrowthThread(
        lambda told: write({"schema": GROWTH_SCHEMA, "growth": told, "shapes": []}), keys=keys
    )


def _alive_by_type() -> dict[str, int]:
    """How many tracked objects there are of each type, by its name."""
    with exclusive.analysis(), collector.paused():
        return _by_type(*types_of(list(listing().there())))


def _by_type(types: Sequence[type], kinds: NDArray[np.int32]) -> dict[str, int]:
    named: dict[str, int] = {}
    for kind, count in zip(types, tally(kinds, len(types)).tolist(), strict=True):
        name = safe_type_name(kind)
        named[name] = named.get(name, 0) + count
    return named


def _state_at_end(before: Mapping[str, int], *, keys: bool) -> dict[str, Any]:
    """What waits for the collector now, and which types have more objects alive than ``before``."""
    with exclusive.analysis(), collector.paused():
        objects = closed(listing())
        if len(objects) > _MOST_READ or collector.kind() != "generational":
            return {"grown": _grown(before, _by_type(*types_of(objects)))}
        snapshot, garbage = judged(objects)
        grown = _grown(before, _by_type(snapshot.types, snapshot.kinds[~garbage]))
        finding = explain_garbage(snapshot, garbage, lambda shape: True, Familiar())
    shapes = [each.to_dict() | {"members": each.members} for each in finding.shapes[:_MOST_WAITING_SHAPES]]
    return {
        "grown": grown,
        "waiting_objects": finding.garbage,
        "waiting_bytes": finding.garbage_bytes,
        "waiting_shapes": private(shapes, keys=keys),
    }


def _grown(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """By how much, most first; the instrument's own objects left out."""
    changes = ((count - before.get(name, 0), name) for name, count in now.items())
    most = sorted(
        ((n, name) for n, name in changes if n > 0 and not name.startswith("garbology.")), reverse=True
    )
    return {name: count for count, name in most[:_MOST_TYPES]}


def _forgiving(sink: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """What cannot be written, as on a full disk, is lost, and no word of it is in the program's output."""

    def write(record: dict[str, Any]) -> None:
        try:
            sink(record)
        except OSError:
            return

    return write
