"""What an object can be reached from: who holds it, who holds those, and so on up to what starts the chain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import Graph, breadth_first, graph_of_pairs
from garbology.cycles.strong import strongly_connected
from garbology.interpreter.once import cached_property
from garbology.snapshot.arrays import blocks
from garbology.snapshot.heap import Heap

_MOST_WAYS = 16  # hidden references on cycles, of which the nearest is chosen


class Upstream:
    """What an object can be reached from.

    Attributes
    ----------
    order : int32. Places of all that can reach the object, nearest first; the object itself is the first.
    """

    def __init__(self, order: NDArray[np.int32], nearer: NDArray[np.int32], backwards: Graph) -> None:
        self.order = order
        self._nearer = nearer
        self._backwards = backwards

    def further(self) -> Iterator[int]:
        """The places of :attr:`order` but for the object itself; nearly always the first few are enough."""
        for block in blocks(len(self.order)):
            yield from self.order[max(block.start, 1) : block.stop].tolist()

    def path_from(self, place: int) -> list[int]:
        """A shortest way from there to the object, both ends included."""
        path = [place]
        while path[-1] != self.order[0]:
            path.append(int(self._nearer[path[-1]]))
        return path

    def are_together(self, sources: NDArray[np.int32], targets: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of these references are on a cycle of what the object can be reached from."""
        known = np.zeros(len(self._nearer), bool)
        known[self.order] = True
        together: NDArray[np.bool_] = self._labels[sources] == self._labels[targets]
        return together & known[sources] & known[targets]

    def way_through(self, source: int, target: int) -> list[int]:
        """A way to the object that begins with the reference from ``source`` to ``target``, or leads from the object
        through that reference and back to it.
        """
        onwards = self.path_from(target)
        if self._labels[source] != self._labels[self.order[0]]:
            return [source, *onwards]
        _, before = breadth_first(self._backwards, np.array([source]))
        back = [int(self.order[0])]
        while back[-1] != source:
            back.append(int(before[back[-1]]))
        return [*back, *onwards]

    @cached_property
    def _labels(self) -> NDArray[np.int32]:
        """A number for each object, equal for those that are on a cycle together."""
        return strongly_connected(self._backwards)[1]

    def cycle(self, referents: NDArray[np.integer]) -> list[int]:
        """A way from a cycle to the object: from the object itself if one of its ``referents`` leads back to it."""
        known = np.zeros(len(self._nearer), bool)
        known[self.order] = True
        back = set(referents[known[referents]].tolist())
        if back:
            nearest = next(place for place in self.order.tolist() if place in back)
            first = int(self.order[0])
            return [first, first] if nearest == first else [first, *self.path_from(nearest)]
        labels = self._labels
        in_cycle = (np.bincount(labels)[labels] > 1) | self._backwards.to_themselves()
        places = self.order[in_cycle[self.order]].tolist()
        return self.path_from(places[0]) if places else [int(self.order[0])]


class Upstreams:
    """What objects of one heap can be reached from; the matrix of one question is kept for the next."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._ignored = np.zeros(0, bool)
        self._backwards: Graph | None = None

    def of(self, place: int, ignored: NDArray[np.bool_]) -> Upstream:
        """All from which an object can be reached, without the ``ignored`` references (bool, shape (m,))."""
        heap = self._heap
        if self._backwards is None or not np.array_equal(ignored, self._ignored):
            self._ignored, self._backwards = ignored, None
            # The ignored ones start from one node more, to which none leads.
            targets = np.where(ignored, np.int32(len(heap)), heap.targets)
            self._backwards = graph_of_pairs(targets, heap.sources, len(heap) + 1)
            del targets
        order, nearer = breadth_first(self._backwards, np.array([place]))
        return Upstream(order, nearer, self._backwards)


def hidden_cycle(heap: Heap, upstream: Upstream) -> list[int]:
    """A way to the object from a cycle through a hidden reference: all that is on it or behind it is never freed.

    It begins with that reference, or at the object itself if that is on the cycle. Empty where there is none.
    """
    edges = np.flatnonzero(heap.hidden)
    sources, targets = heap.sources[edges], heap.targets[edges]
    inside = np.flatnonzero(upstream.are_together(sources, targets))
    ways = [upstream.way_through(int(sources[at]), int(targets[at])) for at in inside[:_MOST_WAYS].tolist()]
    return min(ways, key=len, default=[])
