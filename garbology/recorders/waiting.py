"""Garbage that waits for the collector: how much of it there was at once, at most.

The collector's own figures cannot tell: it counts what it frees, not what it has left, and what a finalizer
breaks it frees uncounted. So the specimens are counted, without holding them and without telling the
collector about them: each refers once to one shared *token*, and the token's reference count is the number
not yet freed. A cycle's references go when the cycle is cleared, whichever collector clears it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from sys import getrefcount
from typing import Any


class _Death(weakref.ref[Any]):
    """A weak reference that is hashed by its own identity, so that no ``__hash__`` of a specimen runs."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class WaitingGarbage:
    """Counts specimens that were dropped and are not freed yet, and keeps the highest count.

    A specimen is whatever the workload drops as a whole: a node, a pair, a graph. Either let it refer to
    ``token`` exactly once, from anything that dies with it, or name one of its objects by ``watch``. Then
    drop it and call ``dropped``. Calls after every drop give the exact peak, because waiting garbage grows
    by drops alone.

    ``objects_each`` and ``bytes_each`` say what a specimen is worth; the peak is given in all three measures.
    """

    def __init__(self, objects_each: int = 1, bytes_each: int = 0) -> None:
        self.token = object()  # of a type that the collector does not track
        self.objects_each = objects_each
        self.bytes_each = bytes_each
        self.peak_specimens = 0
        self._watched: set[_Death] = set()
        self._forget = self._watched.discard  # a C function: no Python code runs inside a collection
        self._own_references = getrefcount(self.token)

    def watch(self, specimen: object) -> None:
        """Count a specimen that cannot carry the token, by a weak reference to it.

        The weak reference is itself an object that the collector counts, so that collections come a little
        sooner: with one for each small cycle watch only some, or use the token. Raises TypeError where the
        specimen's type allows no weak references.
        """
        self._watched.add(_Death(specimen, self._forget))

    @property
    def alive_specimens(self) -> int:
        """Specimens not freed, dropped or not."""
        return getrefcount(self.token) - self._own_references + len(self._watched)

    def dropped(self, held: int = 0) -> int:
        """Note a drop; returns how many specimens wait now, without the ``held`` that are still in use."""
        waiting = getrefcount(self.token) - self._own_references + len(self._watched) - held
        if waiting > self.peak_specimens:
            self.peak_specimens = waiting
        return waiting

    @property
    def peak_objects(self) -> int:
        """The highest number of objects that waited at once."""
        return self.peak_specimens * self.objects_each

    @property
    def peak_bytes(self) -> int:
        """The highest number of bytes that waited at once."""
        return self.peak_specimens * self.bytes_each

    def __repr__(self) -> str:
        return f"<WaitingGarbage: at most {self.peak_specimens} specimens, {self.alive_specimens} alive>"


@contextmanager
def waiting_garbage(objects_each: int = 1, bytes_each: int = 0) -> Iterator[WaitingGarbage]:
    """Measure the peak of the garbage that waits in a block; gives a ``WaitingGarbage``.

    The collector runs as the caller has set it. On free-threaded builds the count is exact as long as the
    specimens are made and dropped in the thread of the block.

    Example::

        with waiting_garbage(objects_each=2) as waiting:
            for _ in range(200_000):
                node, other = Node(), Node()
                node.other, other.other, node.token = other, node, waiting.token
                del node, other
                waiting.dropped()
        waiting.peak_objects
    """
    waiting = WaitingGarbage(objects_each, bytes_each)
    try:
        yield waiting
    finally:
        waiting._watched.clear()
