"""The front door: run something, and say what only the cyclic collector can free of what it leaves behind."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from garbology.graph import explain, outside, snapshot
from garbology.graph.leaks import Leak
from garbology.graph.shapes import CycleShape
from garbology.interpreter import collector, freethreading
from garbology.text import found_text

SCHEMA_VERSION = 1


@dataclass
class Found:
    """What a watched block left for the cyclic collector. It holds none of the objects it tells of.

    Attributes
    ----------
    garbage : objects that only the cyclic collector can free: what ``gc.collect()`` then frees.
    garbage_bytes : bytes that they hold and that die with them, each buffer (ndarray, bytearray...) once.
    shapes : the cycles among them, equal ones told once, most bytes first.
    leaks : what not even the collector frees, and why.
    method : 'reference counts', or 'collector' where counts are not exact (free-threaded builds): the collector
        was then asked what it would free, at the price that :mod:`garbology.interpreter.freethreading` tells.
    """

    garbage: int = 0
    garbage_bytes: int = 0
    shapes: list[CycleShape] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    method: freethreading.Method = "reference counts"

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types, with a ``schema_version``."""
        return {
            "schema": "garbology.found",
            "schema_version": SCHEMA_VERSION,
            "method": self.method,
            "garbage": self.garbage,
            "garbage_bytes": self.garbage_bytes,
            "shapes": [shape.to_dict() for shape in self.shapes],
            "leaks": [leak.to_dict() for leak in self.leaks],
        }

    def __str__(self) -> str:
        return found_text(self.to_dict())


class watch:  # noqa: N801 - reads as a verb in `with watch() as found`
    """Analyse what a block of code leaves behind; the :class:`Found` is filled in when the block ends.

    The window is what was made inside the block: objects that are older are not judged. Automatic collection is
    paused inside, nothing is collected to find out, and no finalizer or weakref callback runs. An exception goes
    through unchanged, and the finding is there all the same.

    ``through`` is a frame of the caller's that ends with the block. When an exception of the watched code is
    garbage it keeps the frames it went through, so that frame becomes garbage with it.
    """

    def __init__(self, *, through: FrameType | None = None) -> None:
        self._found = Found()
        self._restore = ExitStack()
        self._mark: list[object] = []
        self._ending: list[object] = [] if through is None else [through]
        self._ending_counts = snapshot.count_each([])
        self._window: freethreading.Window | None = None
        self._entered = 0

    def __enter__(self) -> Found:
        """Pause the collector and open the window."""
        self._restore.enter_context(collector.paused())
        self._found.method = freethreading.method()
        if self._found.method == "collector":
            self._window = freethreading.Window()
        self._entered = outside.window_frame(sys._getframe())
        self._ending_counts = snapshot.count_each(self._ending)
        # CPython appends every new container to the end of its youngest generation, so this one separates old
        # from new, without a freeze and without addresses that could be used again.
        self._mark = []
        return self._found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the window, analyse it, and put the collector back as it was."""
        with self._restore:
            finding = self._finding(outside.can_judge(self._entered, sys._getframe(), error))
            self._ending.clear()
            self._found.garbage = finding.garbage
            self._found.garbage_bytes = finding.garbage_bytes
            self._found.shapes = finding.shapes
            self._found.leaks = finding.leaks

    def _finding(self, judge_outside: bool) -> explain.Finding:
        if self._window is not None:
            garbage = self._window.close()
            return explain.explain(garbage, self._ending, self._ending_counts, all_garbage=True)
        objects, all_are_new = _made_since(self._mark)
        return explain.explain(
            objects, self._ending, self._ending_counts, judge_outside=judge_outside and all_are_new
        )


def find_cycles(func: Callable[..., object], /, *args: Any, **kwargs: Any) -> Found:
    """Call ``func`` once and analyse what it leaves behind, its result included.

    An exception of ``func`` goes through; ``with watch() as found:`` keeps the finding then.
    """
    with watch(through=sys._getframe()) as found:
        func(*args, **kwargs)
        del func, args, kwargs
    return found


def _made_since(mark: list[object]) -> tuple[list[object], bool]:
    """The tracked objects made after ``mark``, and True; all of the heap where a collection mixed old and new."""
    young = gc.get_objects(generation=0)
    places = np.flatnonzero(snapshot.addresses_of(young) == id(mark))
    if len(places):
        del young[: places[0] + 1]
        return young, True
    del young
    return gc.get_objects(), False


def _warm_up() -> None:
    """Explain a cycle once, so that what is imported and calibrated at first use leaves its garbage here."""

    class Probe:
        def __init__(self) -> None:
            self.itself: object = self

    probe = Probe()
    with watch():
        inside: list[object] = [probe]
        inside.append(inside)
        explain.explain([probe, inside], [], snapshot.count_each([]))
    inside.clear()
    probe.itself = None


_warm_up()
