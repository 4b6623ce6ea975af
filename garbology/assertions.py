"""A finding turned into a test."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from garbology.alive import explain_alive
from garbology.find import Found, find_cycles, watch
from garbology.graph.edges import safe_type_name
from garbology.interpreter import collector
from garbology.interpreter.refcounts import OwnReference, reference_count

_MOST_SEARCHED = 3_000_000  # objects of a heap that is searched for what holds one of them: some seconds


class assert_freed:  # noqa: N801 - reads as a verb in `with assert_freed(x)`
    """Assert that objects die by reference counting alone, before the end of the block.

    ``with assert_freed(x, y):`` or ``with assert_freed() as freed: ... freed(x)``. The collector is paused
    inside. When the block raises, its own exception goes through and nothing is asserted.

    An object that takes no weak reference (a list, a tuple, an instance with bare ``__slots__``) is held by the
    block itself; it counts as freed when nothing else holds it any more, and goes before the others are looked at.

    Raises
    ------
    AssertionError : at the end of the block, naming what is still alive and how many references hold it.
    """

    def __init__(self, *objects: object) -> None:
        self._restore = ExitStack()
        self._watched: list[tuple[str, weakref.ref[Any]]] = []
        self._held: list[tuple[str, list[object]]] = []
        for obj in objects:
            self._add(obj)
            del obj

    def _add(self, obj: object) -> None:
        name = safe_type_name(type(obj))
        try:
            self._watched.append((name, OwnReference(obj)))
        except TypeError:
            self._held.append((name, [obj]))

    def __enter__(self) -> Callable[[object], None]:
        """Pause the collector; the answer adds an object to those that must be freed."""
        self._restore.enter_context(collector.paused())
        return self._add

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look what is still alive, unless the block raised."""
        __tracebackhide__ = True  # pytest shows the test then, and not our lines
        with self._restore:
            if kind is not None:
                self._held.clear()
                return
            total = len(self._watched) + len(self._held)
            alive = self._alive()
            why = self._why() if alive else ""
            self._watched.clear()
            self._held.clear()
            if alive:
                raise AssertionError(_message(alive, total, why))

    def _why(self) -> str:
        """What holds the first object that is still alive."""
        own = [box for _, box in self._held]
        boxes = own + [[reference()] for _, reference in self._watched if reference() is not None]
        if not boxes or len(gc.get_objects()) > _MOST_SEARCHED:
            return "garbology.why_alive(...) tells what holds one of them"
        del boxes[len(own) + 1 :]
        return str(explain_alive(boxes[0], own=boxes))

    def _alive(self) -> list[str]:
        held = self._held
        while True:
            still = [(name, box) for name, box in held if reference_count(box[0]) != 1]
            freed = [box for name, box in held if reference_count(box[0]) == 1]
            if not freed:
                break
            held = still
            for box in freed:
                box.clear()  # it may have been what held the others
        alive = [_alive_text(name, reference_count(box[0]), 1) for name, box in held]
        for name, reference in self._watched:
            obj = reference()
            if obj is not None:
                alive.append(_alive_text(name, reference_count(obj), 1))
            del obj
        return alive


def _alive_text(name: str, count: int | None, ours: int) -> str:
    if count is None:
        return f"{name} (immortal)"
    return f"{name} (held by {count - ours} reference{'s' * (count - ours != 1)})"


def _message(alive: list[str], total: int, why: str) -> str:
    shown = alive[:10] + [f"... and {len(alive) - 10:,} more"] * (len(alive) > 10)
    return f"{len(alive):,} of {total:,} objects are still alive although the block ended: {', '.join(shown)}.\n{why}"


def assert_no_cycles(func: Callable[..., object] | None = None, /, *args: Any, **kwargs: Any) -> Any:
    """Assert that ``func`` leaves nothing that only the cyclic collector can free.

    Without ``func`` it is a context manager that asserts the same of a block.

    Raises
    ------
    AssertionError : with the whole finding as its text.
    """
    __tracebackhide__ = True
    if func is None:
        return _NoCycles()
    _refuse(find_cycles(func, *args, **kwargs))
    return None


class _NoCycles(watch):
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        super().__exit__(kind, error, trace)
        if kind is None:
            _refuse(self._found)


def _refuse(found: Found) -> None:
    __tracebackhide__ = True
    if found.garbage or found.leaks:
        raise AssertionError(str(found))
