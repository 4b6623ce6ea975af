"""What the same edge is for elsewhere: where it is on no cycle, it may be all that holds its target.

In a cycle that was dropped every edge may be the last that holds its target, so the cycle alone does not tell the
owner from the way back. Its sisters do: an object of the same class whose edge of the same name leads on and never
back, to something that nothing else holds, owns that. With a weak reference there, it would lose it at once.
"""

from __future__ import annotations

import types
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from garbology.advice.edge_classes import EdgeClass, class_of_edge, lines_of_source, with_bases
from garbology.cycles.components import Components
from garbology.cycles.folding import Folded, Link, is_foldable
from garbology.cycles.occurrences import Occurrences
from garbology.snapshot.arrays import blocks, distinct, tally
from garbology.snapshot.snapshot import Snapshot

_MOST_INSTANCES = 4  # of a class on cycles, and as many outside them
_MOST_AROUND = 500  # objects that an instance and what it owns may refer to
_FEW_TYPES = 16  # in whose heap it costs less to look at any instance than to find those that tell something
_MOST_REFERENTS = 100  # of a container that counts as owned

#: For each edge class the references that its edges end in, as places among all of a snapshot.
EdgesByClass = dict[EdgeClass, list[int]]


class OwnershipIndex:
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
        self._in_degrees: NDArray[np.int32] | None = None
        self._telling: NDArray[np.int64] | None = None

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
        if any(map(self._is_of_a_variable_in_use, edges)):
            return False
        label = self._labels[target]
        targets = self._snapshot.targets[edges]
        if label < 0:
            return int(self._snapshot.counts[target]) == int((targets == target).sum())
        return int(self._holders_of_cycles()[label]) == int((self._labels[targets] == label).sum())

    def _is_of_a_variable_in_use(self, edge: int) -> bool:
        """Whether an edge ends in a cell that something outside the snapshot holds as well: a running function."""
        source = self._snapshot.source_of(edge)
        if not self._is_cell(source):
            return False
        if self._in_degrees is None:
            self._in_degrees = tally(self._snapshot.targets, len(self._snapshot))
        return int(self._snapshot.counts[source]) > int(self._in_degrees[source])

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
        places = self._places_of_kind(kind)
        on_cycles = self._labels[places] >= 0
        return [place for group in (places[~on_cycles], places[on_cycles]) for place in _spread(group)]

    def _places_of_kind(self, kind: int) -> NDArray[np.int64]:
        kinds = self._snapshot.kinds
        if len(self._snapshot.types) <= _FEW_TYPES:
            return np.flatnonzero((kinds == kind) & self._chosen)
        if self._telling is None:
            self._telling = np.flatnonzero(self._chosen & ~self._in_closed_cycles())
        telling = self._telling
        return np.compress(kinds[telling] == kind, telling)

    def _in_closed_cycles(self) -> NDArray[np.bool_]:
        """Objects on cycles that refer to nothing but themselves: they have no edge that counts here."""
        labels = self._labels
        leads_out = np.zeros(int(labels.max(initial=-1)) + 2, bool)  # the last is that of the label -1
        for block in blocks(len(labels)):
            starts = self._snapshot.starts[block.start : block.stop + 1]
            own = np.repeat(labels[block], np.diff(starts))
            others = own != labels[self._snapshot.targets[int(starts[0]) : int(starts[-1])]]
            leads_out[own[others]] = True
        leads_out[-1] = True
        closed: NDArray[np.bool_] = ~leads_out[labels]
        return closed

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
                if target != instance and target not in owned and self._is_owned(target, place):
                    owned.add(target)
                    pending.append(target)
        return list(around), owned

    def _is_owned(self, place: int, holder: int) -> bool:
        """Whether it is a part of its holder: a container held once, or a variable, which several functions share."""
        if self._is_cell(place):
            return not self._is_cell(holder)
        return (
            int(self._snapshot.counts[place]) == 1
            and not (self._is_cell(holder) and self._snapshot.counts[holder] != 1)
            and is_foldable(self._snapshot.objects[place])
            and self._degree(place) <= _MOST_REFERENTS
        )

    def _is_cell(self, place: int) -> bool:
        return type(self._snapshot.objects[place]) is types.CellType

    def _degree(self, place: int) -> int:
        return int(self._snapshot.starts[place + 1] - self._snapshot.starts[place])

    def _reference(self, around: list[int], link: Link) -> int | None:
        last = link.steps[-1]
        first, end = self._snapshot.starts[around[last.place] : around[last.place] + 2].tolist()
        places = np.flatnonzero(self._snapshot.positions[first:end] == last.position)
        return first + int(places[0]) if len(places) else None


class NeededElements:
    """What was needed in containers while the work was live, whoever owns the containers now.

    A list that was ``Axes.children[]`` in use and is ``Artist.remove_method.__self__[]`` at the end is the same list.

    Parameters
    ----------
    elements : ``id`` of a container and of something in it.
    """

    def __init__(
        self, snapshot: Snapshot, components: Components, elements: frozenset[tuple[int, int]]
    ) -> None:
        self._elements = elements
        places = snapshot.index.find(np.array(sorted(elements), np.int64).reshape(-1)).reshape(-1, 2)
        holders, targets = components.labels[places[(places >= 0).all(axis=1)]].reshape(-1, 2).T
        self._components = distinct(holders[(holders >= 0) & (holders == targets)])

    def classes_in(self, occurrences: Occurrences, members: NDArray[np.int64]) -> set[EdgeClass]:
        """The edge classes of what was needed in some components of one shape."""
        needed: set[EdgeClass] = set()
        both = np.intersect1d(members, self._components, assume_unique=True)
        for component in both[:_MOST_INSTANCES].tolist():
            for link in occurrences.read(component)[1]:
                last = link.steps[-1]
                if (id(last.holder), id(last.referent)) in self._elements:
                    needed |= with_bases(lines_of_source(link), last.referent)
        return needed


def _spread(places: NDArray[np.int64]) -> list[int]:
    """A few of ``places``, from the first to the last."""
    chosen = np.linspace(0, len(places) - 1, min(len(places), _MOST_INSTANCES)).astype(int)
    return [int(place) for place in places[chosen]]
