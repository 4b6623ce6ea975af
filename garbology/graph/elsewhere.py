"""What the same edge is for elsewhere: where it is on no cycle, it may be all that holds its target.

In a cycle that was dropped every edge may be the last that holds its target, so the cycle alone does not tell the
owner from the way back. Its sisters do: an object of the same class whose edge of the same name leads on and never
back, to something that nothing else holds, owns that. With a weak reference there, it would lose it at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from garbology.graph.components import Components
from garbology.graph.edge_classes import EdgeClass, class_of_edge, lines_of_source, with_bases
from garbology.graph.folding import Folded, Link, is_foldable
from garbology.graph.snapshot import Snapshot

_MOST_INSTANCES = 4  # of a class on cycles, and as many outside them
_MOST_AROUND = 500  # objects that an instance and what it owns may refer to
_MOST_REFERENTS = 100  # of a container that counts as owned

#: For each edge class the references that its edges end in, as places among all of a snapshot.
EdgesByClass = dict[EdgeClass, list[int]]


class Elsewhere:
    """Edges of some instances of each class, those inside one cycle left out.

    Parameters
    ----------
    chosen : bool, shape (n,). The objects that are looked at: those alive, or the garbage.
    """

    def __init__(self, snapshot: Snapshot, components: Components, chosen: NDArray[np.bool_]) -> None:
        self._snapshot = snapshot
        self._labels = components.labels
        self._chosen = chosen
        self._known: dict[int, EdgesByClass] = {}
        self._lines: dict[EdgeClass, set[EdgeClass]] = {}
        self._holders: NDArray[np.int64] | None = None

    def edges_of(self, kind: int) -> EdgesByClass:
        """The edges that instances of the snapshot's type number ``kind`` have to others, and not in one cycle."""
        if kind not in self._known:
            found: EdgesByClass = defaultdict(list)
            for instance in self._instances(kind):
                for key, edge, target in self._edges_from(instance):
                    if self._labels[target] < 0 or self._labels[target] != self._labels[instance]:
                        found[key].append(edge)
            self._known[kind] = dict(found)
        return self._known[kind]

    def owning(self, kinds: Iterable[int]) -> set[EdgeClass]:
        """Edge classes from these types one edge of which, on no cycle, is all that holds its target."""
        owning: set[EdgeClass] = set()
        for key, edges in (each for kind in kinds for each in self.edges_of(kind).items()):
            for target in self._snapshot.targets[edges].tolist():
                if self._is_all_that_holds(target, edges):
                    owning |= with_bases(self._lines[key], self._snapshot.objects[target])
                    break
        return owning

    def _is_all_that_holds(self, target: int, edges: list[int]) -> bool:
        """Whether nothing but ``edges`` holds an object, or the cycle that it is on."""
        label = self._labels[target]
        targets = self._snapshot.targets[edges]
        if label < 0:
            return int(self._snapshot.counts[target]) == int((targets == target).sum())
        return int(self._holders_of_cycles()[label]) == int((self._labels[targets] == label).sum())

    def _holders_of_cycles(self) -> NDArray[np.int64]:
        """References to each cycle from outside it: int64, shape (components,)."""
        if self._holders is None:
            on_cycles = np.flatnonzero(self._labels >= 0)
            sources, targets = self._snapshot.sources, self._snapshot.targets
            own = targets[(self._labels[sources] == self._labels[targets]) & (self._labels[sources] >= 0)]
            counts = np.bincount(self._labels[on_cycles], self._snapshot.counts[on_cycles])
            self._holders = (counts - np.bincount(self._labels[own], minlength=len(counts))).astype(np.int64)
        return self._holders

    def _instances(self, kind: int) -> list[int]:
        """Some instances outside cycles, and some on them."""
        places = np.flatnonzero((self._snapshot.kinds == kind) & self._chosen)
        on_cycles = self._labels[places] >= 0
        return [place for group in (places[~on_cycles], places[on_cycles]) for place in _spread(group)]

    def _edges_from(self, instance: int) -> Iterator[tuple[EdgeClass, int, int]]:
        """The class, the last reference and the target of each named edge of an instance."""
        around, owned = self._around(instance) if self._degree(instance) <= _MOST_AROUND else ([], set())
        if not 0 < len(around) <= _MOST_AROUND:
            return
        objects = [self._snapshot.objects[place] for place in around]
        folded = Folded(objects, np.array([place in owned for place in around], np.int64))
        for link in folded.links_from(0):
            edge = self._reference(around, link)
            if edge is not None:
                key = class_of_edge(link)
                if key not in self._lines:
                    self._lines[key] = lines_of_source(link)
                yield key, edge, around[link.target]

    def _around(self, instance: int) -> tuple[list[int], set[int]]:
        """An instance, what it owns and what all these refer to; and which of them are owned."""
        snapshot = self._snapshot
        around, owned, pending = {instance: None}, set(), [instance]
        while pending and len(around) <= _MOST_AROUND:
            place = pending.pop()
            for target in snapshot.targets[snapshot.starts[place] : snapshot.starts[place + 1]].tolist():
                around[target] = None
                if target != instance and self._is_owned(target):
                    owned.add(target)
                    pending.append(target)
        return list(around), owned

    def _is_owned(self, place: int) -> bool:
        is_held_once = self._snapshot.counts[place] == 1
        return (
            is_held_once
            and is_foldable(self._snapshot.objects[place])
            and self._degree(place) <= _MOST_REFERENTS
        )

    def _degree(self, place: int) -> int:
        return int(self._snapshot.starts[place + 1] - self._snapshot.starts[place])

    def _reference(self, around: list[int], link: Link) -> int | None:
        last = link.steps[-1]
        first, end = self._snapshot.starts[around[last.place] : around[last.place] + 2].tolist()
        places = np.flatnonzero(self._snapshot.positions[first:end] == last.position)
        return first + int(places[0]) if len(places) else None


def _spread(places: NDArray[np.int64]) -> list[int]:
    """A few of ``places``, from the first to the last."""
    chosen = np.linspace(0, len(places) - 1, min(len(places), _MOST_INSTANCES)).astype(int)
    return [int(place) for place in places[chosen]]
