"""Objects that are watched until they die, and whether reference counting or a collection let them go."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from garbology.interpreter.listening import Listener, Phase
from garbology.interpreter.refcounts import OwnReference, is_immortal, reference_count
from garbology.names.classes import HEAP_TYPE, flags_of
from garbology.names.edges import safe_type_name

_SMALL_INTS = range(-5, 257)  # there from the beginning on every CPython
_SINGLETONS = (None, True, False, Ellipsis, NotImplemented)
_SHARED_WHERE_EMPTY = (tuple, str, bytes, frozenset)


class Watched:
    """One object: a weak reference to it, or the object itself where it takes none.

    Attributes
    ----------
    name : of its type.
    generation : which one was collected when it was let go; None where that was not in a collection.
    """

    def __init__(self, obj: object) -> None:
        self.name = safe_type_name(type(obj))
        self.generation: int | None = None
        self.reference: weakref.ref[Any] | None = None
        self.held: list[object] = []
        try:
            self.reference = OwnReference(obj)
        except TypeError:
            self.held.append(obj)

    def count(self) -> int | None:
        """References of others that hold it: 0 where it is freed, None where it is immortal."""
        if self.reference is not None:
            obj = self.reference()
            if obj is None:
                return 0
            count = reference_count(obj)
            del obj
        elif self.held:
            count = reference_count(self.held[0])
        else:
            return 0
        return None if count is None else count - 1

    def is_held(self) -> bool:
        """Whether anything but this holds it."""
        return self.count() != 0


def never_dies(obj: object) -> bool:
    """Whether CPython keeps ``obj`` for as long as it runs, on some versions by a count that never changes."""
    kind = type(obj)
    return (
        is_immortal(obj)
        or any(obj is singleton for singleton in _SINGLETONS)
        or (kind is int and obj in _SMALL_INTS)
        or (any(kind is each for each in _SHARED_WHERE_EMPTY) and not obj)
        or (kind is type and not flags_of(obj) & HEAP_TYPE)  # type: ignore[arg-type]
    )


class Collector(Listener):
    """Notes what collections let go of, from :meth:`start` to :meth:`stop`.

    What was held when a collection started and was not when it stopped was not freed by reference counting, or only
    because the collection had freed what held it. So nothing need be called when an object dies.

    Attributes
    ----------
    unseen : collections that this was not told of, because the program has changed ``gc.callbacks``.
    """

    def __init__(self, watched: list[Watched]) -> None:
        super().__init__()
        self.unseen = 0
        self._watched = watched
        self._held: list[Watched] = []
        self._happened = 0

    def start(self) -> None:
        """Begin to note."""
        self._happened = _collections()
        super().start()

    def was_removed(self) -> None:
        """Count the collections that this was not told of."""
        self.unseen = _collections() - self._happened

    def called(self, phase: Phase, info: dict[str, int]) -> None:
        """The collector starts, or has stopped."""
        if phase == "start":
            self._held = [each for each in self._watched if each.is_held()]
            return
        self._happened += 1
        while self._held:
            each = self._held.pop()
            if not each.is_held():
                each.generation = info["generation"]


def _collections() -> int:
    return sum(each["collections"] for each in gc.get_stats())
