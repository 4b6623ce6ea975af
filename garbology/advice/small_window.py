"""A window of some hundred objects, read with lists: their counts, and the references between them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable
from typing import NamedTuple

from garbology.interpreter.traversal import leave_out_dangerous


class Read(NamedTuple):
    """What is to be known of some objects, as numbers.

    Attributes
    ----------
    counts : references to each object, less that of the list itself.
    addresses, kinds : ``id`` of each object and of its type.
    referents : ``id`` of all referents, ``end`` behind those of each object.
    """

    counts: list[int]
    addresses: list[int]
    kinds: list[int]
    referents: list[int]
    end: int


def read(objects: list[object]) -> Read:
    """Read all referents with one call; a private mark between the objects tells them apart in its answer."""
    counts = list(map(sys.getrefcount, objects))
    addresses = list(map(id, objects))
    kinds = list(map(id, map(type, objects)))
    mark = object()
    fenced: list[object] = [[mark]] * (2 * len(objects))
    fenced[::2] = objects
    leave_out_dangerous(fenced)
    referents = gc.get_referents(*fenced)
    return Read(counts, addresses, kinds, list(map(id, referents)), id(mark))


#: Stands for an object that has died since it was read.
GONE: object = object()


class SmallWindow:
    """A window's objects and the references between them, in lists.

    Of objects that were ``read`` before some may be GONE: they have no names.

    Attributes
    ----------
    counts : references to each object, less that of the list itself.
    starts : the references of object ``i`` are numbers ``starts[i]`` to ``starts[i + 1]``.
    sources, targets, positions : of each reference; ``positions`` among all referents of its source.
    incoming : the references to each object.
    """

    def __init__(self, objects: list[object], found: Read | None = None) -> None:
        found = read(objects) if found is None else found
        self.objects = objects
        self.counts = found.counts
        self.index = dict(zip(found.addresses, range(len(objects)), strict=True))
        self.kinds = found.kinds
        self.starts = [0]
        self.sources: list[int] = []
        self.targets: list[int] = []
        self.positions: list[int] = []
        self.incoming: list[list[int]] = [[] for _ in self.counts]
        self._link(found.referents, found.end)

    def _link(self, referents: list[int], end: int) -> None:
        source, first = 0, 0
        # As locals: this is done at each look, and was a third of what a small block takes.
        starts, sources, targets, positions = self.starts, self.sources, self.targets, self.positions
        incoming = self.incoming
        for number, target in enumerate(map(self.index.get, referents)):
            if target is not None:
                incoming[target].append(len(targets))
                sources.append(source)
                targets.append(target)
                positions.append(number - first)
            elif referents[number] == end:
                source, first = source + 1, number + 1
                starts.append(len(targets))

    def has_cycle(self) -> bool:
        """Whether some of the objects refer to themselves through others of them."""
        left = list(map(len, self.incoming))
        pending = [place for place, incoming in enumerate(left) if not incoming]
        for place in pending:  # which grows
            for target in self.targets[self.starts[place] : self.starts[place + 1]]:
                left[target] -= 1
                if not left[target]:
                    pending.append(target)
        return len(pending) < len(left)

    def held(self, blocked: Iterable[int] = ()) -> list[int]:
        """How often each object is held from outside, the ``blocked`` objects counted as outside."""
        held = [
            count - _COST_OF_COUNTING - len(edges)
            for count, edges in zip(self.counts, self.incoming, strict=True)
        ]
        for place in blocked:
            for target in self.targets[self.starts[place] : self.starts[place + 1]]:
                held[target] += 1
        return held

    def reached(self, roots: Iterable[int], removed: frozenset[int] | set[int] = frozenset()) -> bytearray:
        """Which objects can be reached from ``roots`` without the ``removed`` references; 1 for each of them."""
        targets, starts = self.targets, self.starts
        reached = bytearray(len(self.counts))
        pending = list(roots)
        for root in pending:
            reached[root] = 1
        while pending:
            place = pending.pop()
            for edge in range(starts[place], starts[place + 1]):
                target = targets[edge]
                if not reached[target] and edge not in removed:
                    reached[target] = 1
                    pending.append(target)
        return reached


def _cost_of_counting() -> int:
    probe = object()
    counts = list(map(sys.getrefcount, [probe]))
    return counts[0] - 1


_COST_OF_COUNTING = _cost_of_counting()
