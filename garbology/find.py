"""The front door: run something, and say what only the cyclic collector can free of what it leaves behind."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, MethodType, TracebackType
from typing import Any, Literal

from garbology.graph import explain, outside, snapshot
from garbology.graph.addresses import place_of
from garbology.graph.drawing import dot_to_svg, shape_dot
from garbology.graph.leaks import Leak
from garbology.graph.shapes import CycleShape
from garbology.graph.witness import Witness
from garbology.interpreter import collector, exclusive, freethreading
from garbology.interpreter.tracing import untraced
from garbology.text import found_text, verdict

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

    def draw(self, shape: CycleShape, format: Literal["svg", "dot"] = "svg") -> str:
        """The picture of one of the ``shapes``: nodes with type and count, named edges, the one to weaken dashed.

        'dot' is what Graphviz, xdot and ``objgraph`` read, 'svg' is drawn from it.

        Raises
        ------
        ValueError : another ``format``.
        garbology.graph.drawing.GraphvizMissing : SVG is asked for, and there is nothing to draw it with.
        """
        if format not in ("svg", "dot"):
            raise ValueError(f"format is 'svg' or 'dot', got {format!r}")
        dot = shape_dot(shape.to_dict())
        return dot if format == "dot" else dot_to_svg(dot)

    def __repr__(self) -> str:
        occurrences = [shape.count for shape in self.shapes]
        return f"<Found: {verdict(self.garbage, self.garbage_bytes, occurrences, len(self.leaks))}>"

    def __str__(self) -> str:
        return found_text(self.to_dict())


class watch:  # noqa: N801 - reads as a verb in `with watch() as found`
    """Analyse what a block of code leaves behind; the :class:`Found` is filled in when the block ends.

    The window is what was made inside the block: objects that are older are not judged. Automatic collection is
    paused inside, nothing is collected to find out, and no finalizer or weakref callback runs. An exception goes
    through unchanged, and the finding is there all the same. Where the interpreter takes its modules down, there is
    nothing left to analyse with: the finding stays empty then. Blocks may overlap in several threads; their
    analyses wait for each other, and what another thread makes meanwhile is in the window, too.

    ``through`` is a frame of the caller's that ends with the block. When an exception of the watched code is
    garbage it keeps the frames it went through, so that frame becomes garbage with it. ``main`` is the code of the
    function whose return ends the work.
    """

    def __init__(self, *, through: FrameType | None = None, main: CodeType | None = None) -> None:
        self._found = Found()
        self._pause: collector.Pause | None = None
        self._marks: list[list[object]] = []
        self._ending: list[object] = [] if through is None else [through]
        self._ending_counts = snapshot.count_each([])
        self._main = main
        self._witness = Witness(list)
        self._window: freethreading.Window | None = None
        self._entered = 0

    def __enter__(self) -> Found:
        """Pause the collector and open the window."""
        self._pause = collector.Pause()
        try:
            self._open(sys._getframe(1).f_code)
        except BaseException:
            self._put_back()
            raise
        # CPython appends every new container to the end of its youngest generation, so this one separates old
        # from new, without a freeze and without addresses that could be used again. Nothing of ours comes after.
        self._marks.append([])
        return self._found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the window, analyse it, and put the collector back as it was."""
        try:
            self._witness.stop()
            if sys.is_finalizing():
                return
            with exclusive.analysis(), untraced():
                finding = self._finding(outside.can_judge(self._entered, sys._getframe(), error))
            self._found.garbage = finding.garbage
            self._found.garbage_bytes = finding.garbage_bytes
            self._found.shapes = finding.shapes
            self._found.leaks = finding.leaks
            if self._collects_at_once:
                for shape in finding.shapes:
                    shape.advice and shape.advice.verified
        finally:
            self._put_back()

    def _open(self, around: CodeType) -> None:
        self._found.method = freethreading.method()
        if self._found.method == "collector":
            self._window = freethreading.Window()
        self._entered = outside.window_frame(sys._getframe())
        self._ending_counts = snapshot.count_each(self._ending)
        self._marks.clear()
        self._witness = Witness(functools.partial(_made_inside, self._marks), self._main, around)
        if self._window is None and not sys.is_finalizing():
            self._witness.start()

    def _put_back(self) -> None:
        self._ending.clear()
        try:
            self._witness.stop()
        finally:
            if self._pause is not None:
                self._pause.end()

    def _finding(self, judge_outside: bool) -> explain.Finding:
        if self._window is not None:
            garbage = self._window.close()
            return explain.explain(
                garbage,
                self._ending,
                self._ending_counts,
                frozenset(self._witness.needed),
                saw_all=self._witness.saw_all,
                all_garbage=True,
            )
        objects, all_are_new = _made_since(self._marks[0])
        return explain.explain(
            objects,
            self._ending,
            self._ending_counts,
            frozenset(self._witness.needed),
            saw_all=self._witness.saw_all,
            judge_outside=judge_outside and all_are_new,
        )

    @property
    def _collects_at_once(self) -> bool:
        """Whether the collector will run as soon as it may: then a proof has to be made before."""
        will_enable = self._pause is not None and self._pause.will_enable()
        return will_enable and gc.get_count()[0] > gc.get_threshold()[0]

    def look_at_result(self, result: object) -> None:
        """Tell the advice what ``result``, held by the caller alone, keeps alive."""
        self._witness.look_at_result(result)


def find_cycles(func: Callable[..., object], /, *args: Any, **kwargs: Any) -> Found:
    """Call ``func`` once and analyse what it leaves behind, its result included.

    An exception of ``func`` goes through; ``with watch() as found:`` keeps the finding then. To call an async function
    is not to run it: ``find_cycles(lambda: asyncio.run(work()))``.
    """
    watching = watch(through=sys._getframe(), main=_code_of(func))
    with watching as found:
        result = func(*args, **kwargs)
        del func, args, kwargs
        watching.look_at_result(result)
        del result, watching
    return found


def _code_of(func: object) -> CodeType | None:
    function = func.__func__ if type(func) is MethodType else func
    return function.__code__ if type(function) is FunctionType else None


def _made_since(mark: list[object]) -> tuple[list[object], bool]:
    """The tracked objects made after ``mark``, and True; all of the heap where a collection mixed old and new."""
    young = gc.get_objects(generation=0)
    place = place_of(mark, young)
    if place is not None:
        del young[: place + 1]
        return young, True
    del young
    return gc.get_objects(), False


def _made_inside(marks: list[list[object]]) -> list[object]:
    """The objects made after the mark, while the block goes on; none before it is set, or after a collection."""
    objects, all_are_new = _made_since(marks[0]) if marks else ([], False)
    return objects if all_are_new else []


def _warm_up() -> None:
    """Explain a cycle once, so that what is imported and calibrated at first use leaves its garbage here.

    SciPy's first matrix asks abstract classes, whose caches nothing visible holds: before any window, or they would
    be searched for through the whole heap.
    """
    explain.explain([[]], [], snapshot.count_each([]))

    class Probe:
        def __init__(self) -> None:
            self.itself: object = self

    kept: list[Probe] = []

    def make() -> Probe:
        probe = Probe()
        kept.append(probe)
        return probe

    find_cycles(make)
    with watch():
        inside: list[object] = [kept[0]]
        inside.append(inside)
        explain.explain([kept[0], inside], [], snapshot.count_each([]))
    inside.clear()
    kept[0].itself = None


_warm_up()
