"""A finding turned into a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from garbology.alive.question import explain_alive
from garbology.find.checking import checked
from garbology.find.deaths import Collector, Watched, never_dies
from garbology.find.found import Found
from garbology.find.window import find_cycles, watch
from garbology.interpreter import collector
from garbology.interpreter.decorating import is_decorating, is_decorating_a_class
from garbology.interpreter.putting_back import Switches
from garbology.names.classes import is_class
from garbology.names.edges import safe_type_name
from garbology.snapshot.listing import count_tracked

_MOST_SEARCHED = 3_000_000  # objects of a heap that is searched for what holds one of them: some seconds
_NOTHING: Any = object()
_UNSEEN = (
    "the block changed gc.callbacks, and {:,} collection{} ran in it that could not be watched: whether reference "
    "counting freed the objects cannot be told. Let the callbacks of others stay in that list"
)


class assert_freed:  # noqa: N801 - reads as a verb in `with assert_freed(x)`
    """Assert that objects die by reference counting alone, before the end of the block.

    ``with assert_freed(x, y):`` or ``with assert_freed() as freed: ... freed(x)``. The collector is paused
    inside. What a collection frees that the block runs itself was not freed by reference counting. When the block
    raises, its own exception goes through and nothing is asserted.

    An object that takes no weak reference (a list, a tuple, an instance with bare ``__slots__``) is held by the
    block itself; it counts as freed when nothing else holds it any more, and goes before the others are looked at.

    Raises
    ------
    AssertionError : at the end of the block, naming what is still alive and how many references hold it, or what a
        collection freed.
    ValueError : an object that never dies, such as None, a small integer or a built-in class.
    RuntimeError : it watches a block already, or has done so: its objects were judged then.
    """

    _is_open = False
    _what_ended = "the block"

    def __init__(self, *objects: object) -> None:
        self._switches: Switches | None = None
        self._watched: list[Watched] = []
        self._collector = Collector(self._watched)
        self._was_given = len(objects)
        self._is_judged = False
        for obj in objects:
            self._add(obj)
            del obj

    def _add(self, obj: object) -> None:
        if never_dies(obj):
            raise ValueError(
                f"assert_freed() was given a {safe_type_name(type(obj))} that CPython never frees: "
                "give it the object that holds it, or one that can die"
            )
        self._watched.append(Watched(obj))

    def _add_inside(self, obj: object) -> None:
        if not self._is_open:
            raise RuntimeError("this assert_freed() is not open: give it objects inside its block")
        self._add(obj)

    def __enter__(self) -> Callable[[object], None]:
        """Pause the collector; the answer adds an object to those that must be freed."""
        if self._is_open or (self._is_judged and self._was_given):
            raise RuntimeError(
                f"this assert_freed() {'is open' if self._is_open else 'was used'} already, and one object watches "
                "one block: make a new one for each block"
            )
        self._is_open = True
        switches = self._switches = Switches(self)
        try:
            switches.add(collector.Pause().end)
            self._collector = Collector(self._watched)
            switches.add(self._collector.stop)
            self._collector.start()
        except BaseException:
            self._is_open = False
            switches.put_back()
            raise
        return self._add_inside

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look what is still alive, unless the block raised."""
        __tracebackhide__ = True  # pytest shows the test then, and not our lines
        if not self._is_open:
            raise RuntimeError("this assert_freed() is not open: it ends a block that it has begun, once")
        self._is_judged = True
        try:
            self._collector.stop()
            message = "" if kind is not None else self._message()
        finally:
            self._watched.clear()
            self._is_open = False
            if self._switches is not None:
                self._switches.put_back()
                self._switches = None
        if message:
            raise self._failure(message)

    def _failure(self, message: str) -> BaseException:
        return AssertionError(message)

    def _message(self) -> str:
        total = len(self._watched)
        collected = [each for each in self._watched if each.generation is not None]
        alive = self._alive()
        if alive:
            return _alive_message(alive, total, self._why(), self._what_ended)
        if collected:
            return _collected_message(collected, total, self._what_ended)
        if self._collector.unseen and total:
            return _UNSEEN.format(self._collector.unseen, "s" * (self._collector.unseen != 1))
        return ""

    def _why(self) -> str:
        """What holds the first object that is still alive."""
        own = [each.held for each in self._watched if each.held]
        weak = [each.reference for each in self._watched if each.reference is not None]
        boxes = own + [[reference()] for reference in weak if reference() is not None]
        if not boxes or count_tracked() > _MOST_SEARCHED:
            return "garbology.why_alive(...) tells what holds one of them"
        del boxes[len(own) + 1 :]
        return str(explain_alive(boxes[0], own=boxes))

    def _alive(self) -> list[str]:
        freed: list[Watched] | None = None
        while freed != []:
            freed = [each for each in self._watched if each.held and not each.is_held()]
            for each in freed:
                each.held.clear()  # it may have been what held the others
        counts = [(each.name, each.count()) for each in self._watched]
        return [_alive_text(name, count) for name, count in counts if count != 0]


def _alive_text(name: str, count: int | None) -> str:
    if count is None:
        return f"{name} (immortal)"
    return f"{name} (held by {count} reference{'s' * (count != 1)})"


def _alive_message(alive: list[str], total: int, why: str, ended: str) -> str:
    return (
        f"{len(alive):,} of {total:,} objects are still alive although {ended} ended: {_some(alive)}.\n{why}"
    )


def _collected_message(collected: list[Watched], total: int, inside: str) -> str:
    generation = max(each.generation or 0 for each in collected)
    names = _some([each.name for each in collected])
    return (
        f"{len(collected):,} of {total:,} objects were freed by a collection (generation {generation}) that ran "
        f"inside {inside}, not by reference counting: {names}.\nLeave gc.collect() and gc.enable() out of "
        f"{inside} to see what holds them"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:10] + [f"... and {len(names) - 10:,} more"] * (len(names) > 10))


def assert_no_cycles(func: Any = _NOTHING, /, *args: Any, **kwargs: Any) -> Any:
    """Assert that ``func(*args, **kwargs)`` leaves nothing that only the cyclic collector can free.

    Without ``func`` it is a context manager (also ``async with``) that asserts the same of a block. As a decorator,
    ``@assert_no_cycles`` or ``@assert_no_cycles()``, it asserts that of every call of a function, and of a coroutine or
    a generator to its end; what it returns is the caller's. What a collection inside frees had not been freed by
    reference counting; it fails as well, unless all of that is older.

    ``assert_no_cycles(func)`` calls ``func``; only `@` above a `def` decorates it. To decorate by a call, write
    ``assert_no_cycles()(func)``.

    Raises
    ------
    AssertionError : with the whole finding as its text.
    TypeError : ``func`` cannot be called, or it is asynchronous and an event loop runs in this thread; or this is
        written above a class.
    """
    __tracebackhide__ = True
    if func is _NOTHING:
        return _NoCycles()
    if not args and not kwargs:
        caller = sys._getframe(1)
        if is_decorating(caller) or (is_class(func) and is_decorating_a_class(caller)):
            del caller  # a frame keeps its variables
            return checked(func, _NoCycles)
        del caller
    if not callable(func):
        raise TypeError(
            f"assert_no_cycles() needs something to call, got {safe_type_name(type(func))}: "
            "assert_no_cycles(work, 1, 2) calls work(1, 2); for a block of code write "
            "`with garbology.assert_no_cycles():`"
        )
    _refuse(find_cycles(func, *args, **kwargs))
    return None


class _NoCycles(watch):
    def __call__(self, func: Any) -> Any:
        """As a decorator with parentheses: each call of ``func`` is a block of its own."""
        return checked(func, _NoCycles)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        watch.__exit__(self, kind, error, trace)  # up to 3.10 super() makes a method, one more in the window
        if kind is None:
            _refuse(self._found)


def _refuse(found: Found) -> None:
    __tracebackhide__ = True
    if found.ended and (found.garbage or found.leaks or found.collected_new != 0):
        raise AssertionError(str(found))
