"""Which cycles are one shape, without reading each of them by name.

Three ways to look at a cycle, each cheaper than the one before: by name, as a person reads it (few are read so); by
the exact structure (:func:`garbology.cycles.coloring.color`), of which one is read by name for all that have it; and by
the set of its edges as arrays know them (:func:`garbology.cycles.coloring.edge_sets`). Structures of one set that read
the same, as far as they were read, are one shape: a list of three children and one of twenty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.coloring import edge_sets
from garbology.cycles.components import Components, Cycles
from garbology.cycles.occurrences import Occurrences
from garbology.cycles.result import Edge
from garbology.cycles.shapes import Description, EdgeKey, general_edges
from garbology.names.labels import common_label
from garbology.snapshot.snapshot import Snapshot

_MOST_DESCRIBED = 256  # shapes; the cost of an explanation
_MANY_SETS = 4_096  # of edges; where there are more, only the heaviest shapes are described
_MOST_OF_MANY = 32
_READ_FOR_EACH = 4  # structures for each of them, of which one to three cycles are read by name
_MOST_ALIKE = 16  # of one set of edges, and as many sets that differ only in where references stand
_MOST_EQUAL = 3  # of one such set
_FEWEST_KNOWN = 4  # such sets that have to be alike for others to be taken for alike, unread
_NONE, _SEVERAL = -1, -2  # in place of the number of a group


@dataclass
class Group:
    """Cycles of one shape.

    Attributes
    ----------
    description : what the first of them looks like.
    members : int64. Their components, in no order.
    structures : how many different ones were read.
    read : one component of each of these.
    differing : edges whose indices or keys differ between those that were read, and the label that they share.
    """

    description: Description
    members: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    structures: int = 0
    read: list[int] = field(default_factory=list)
    differing: dict[EdgeKey, str] = field(default_factory=dict)

    def edges(self) -> list[Edge]:
        """The edges of the first, as they are called in all of them."""
        return general_edges(self.description.edges, self.differing)

    def take(self, descriptions: Sequence[Description], component: int) -> None:
        """Take in what further ones look like, of which ``component`` is one."""
        self.structures += 1
        self.read.append(component)
        for description in descriptions:
            if description.labels != self.description.labels:
                self._compare(description.labels)

    def _compare(self, labels: Mapping[EdgeKey, frozenset[str]]) -> None:
        for key, own in self.description.labels.items():
            if labels[key] != own:
                known = self.differing.get(key)
                self.differing[key] = common_label([*own, *labels[key], *([known] if known else [])])


@dataclass
class Grouping:
    """All cycles in groups.

    Attributes
    ----------
    groups : the heaviest shapes.
    rest : int64. The components of all others.
    distinct : how many shapes are in the rest, as far as arrays tell them apart.
    """

    groups: list[Group]
    rest: NDArray[np.int64]
    distinct: int


def grouped(
    snapshot: Snapshot,
    components: Components,
    inside: Cycles,
    signatures: NDArray[np.uint64],
    weights: NDArray[np.int64],
    occurrences: Occurrences,
) -> Grouping:
    """Group the components, whose exact structure has ``signatures``, by shape; ``weights`` are their bytes."""
    structures = _Structures(signatures, weights)
    if structures.count <= _MOST_ALIKE:  # all are read: no need to guess which are alike
        near = far = np.arange(structures.count)
    else:
        near, far = map(_numbered, edge_sets(snapshot, components, inside, structures.first))
    most = _MOST_DESCRIBED if far.max() < _MANY_SETS else _MOST_OF_MANY
    reader = _Reader(structures, occurrences, most)
    reader.read(structures.heaviest[_to_be_read(near[structures.heaviest], far[structures.heaviest])])
    reader.read(reader.like_those_that_differ(near, far))
    return reader.grouping(near, far)


class _Structures:
    """Components by their exact structure.

    ``numbers`` (int64, one for each component) says which structure it has; ``first`` has one component of each;
    ``heaviest`` are the structures, those first that have most bytes in all.
    """

    def __init__(self, signatures: NDArray[np.uint64], weights: NDArray[np.int64]) -> None:
        order = np.argsort(signatures)
        sorted_signatures = signatures[order]
        is_first = np.append(True, sorted_signatures[1:] != sorted_signatures[:-1])
        begins = np.flatnonzero(is_first)
        self.count = len(begins)
        self.first = np.minimum.reduceat(order, begins)
        self.numbers = np.empty(len(order), np.int64)
        self.numbers[order] = np.cumsum(is_first) - 1
        self._order = order
        self._begins = np.append(begins, len(order))
        lightest, by_weight = np.unique(np.bincount(self.numbers, weights=weights), return_inverse=True)
        self.heaviest = _order_of(len(lightest) - by_weight)

    def components(self, structure: int) -> NDArray[np.int64]:
        """The components that have it, ascending."""
        return np.sort(self._order[self._begins[structure] : self._begins[structure + 1]])


class _Reader:
    """Reads structures by name, and groups them by what it reads: at most so many shapes."""

    def __init__(self, structures: _Structures, occurrences: Occurrences, most: int) -> None:
        self._structures = structures
        self._most = most
        self._occurrences = occurrences
        self._groups: dict[object, int] = {}
        self._found: list[Group] = []
        self._read = np.full(structures.count, _NONE)  # the group of each structure
        self._order: list[int] = []  # structures, as they were read
        self._apart: list[tuple[NDArray[np.int64], int]] = []  # components whose structure does not decide
        self._within: list[tuple[int, int]] = []  # such structures, and the further groups in each

    def read(self, some: NDArray[np.int64]) -> None:
        """Read ``some`` structures, as far as there is room for more."""
        for structure in some[: _READ_FOR_EACH * self._most - len(self._order)].tolist():
            if len(self._found) >= self._most:
                return
            self._order.append(structure)
            for descriptions, components in self._occurrences.described(
                self._structures.components(structure)
            ):
                group = self._group_of(descriptions, int(components[0]))
                if self._read[structure] < 0:
                    self._read[structure] = group
                elif group != self._read[structure]:
                    self._apart.append((components, group))
                    self._within.append((structure, group))

    def _group_of(self, descriptions: Sequence[Description], component: int) -> int:
        number = self._groups.setdefault(descriptions[0].key, len(self._found))
        if number == len(self._found):
            self._found.append(Group(descriptions[0]))
        self._found[number].take(descriptions, component)
        return number

    def like_those_that_differ(self, near: NDArray[np.int64], far: NDArray[np.int64]) -> NDArray[np.int64]:
        """Structures not read yet that may be of another shape than what was read of their set of edges.

        All of a set ``near`` in which not all that were read are one shape; and the first of each set ``near`` of which
        none was read, in such a set ``far``.
        """
        heaviest = self._structures.heaviest
        heaviest = heaviest[self._read[heaviest] < 0]
        of_near, of_far = (self._shapes_of(sets)[sets[heaviest]] for sets in (near, far))
        is_first = _ranks(near[heaviest]) == 0
        chosen = (of_near == _SEVERAL) | ((of_near == _NONE) & (of_far == _SEVERAL) & is_first)
        unsure: NDArray[np.int64] = heaviest[chosen]
        return unsure

    def _shapes_of(self, sets: NDArray[np.int64]) -> NDArray[np.int64]:
        """The group of all structures of each set that were read; or that there are several, or none."""
        groups = np.full(int(sets.max(initial=-1)) + 1, _NONE)
        read = zip(self._order, self._read[self._order].tolist(), strict=True)
        for structure, group in chain(read, self._within):
            known = groups[sets[structure]]
            groups[sets[structure]] = group if known in (_NONE, group) else _SEVERAL
        return groups

    def _is_known(self, near: NDArray[np.int64], far: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether several sets ``near`` were read of each structure's set ``far``: one says nothing of the others."""
        _, first = np.unique(near[self._order], return_index=True)
        read = np.bincount(far[self._order][first], minlength=int(far.max(initial=-1)) + 1)
        known: NDArray[np.bool_] = (read >= _FEWEST_KNOWN)[far]
        return known

    def grouping(self, near: NDArray[np.int64], far: NDArray[np.int64]) -> Grouping:
        """What was read; and what was not, where all that were read of its set of edges are one shape."""
        groups = np.where(self._read == _NONE, self._shapes_of(near)[near], self._read)
        groups = np.where((groups == _NONE) & self._is_known(near, far), self._shapes_of(far)[far], groups)
        groups = np.maximum(groups, _NONE)
        of_each = groups[self._structures.numbers]
        for components, group in self._apart:
            of_each[components] = group
        order = _order_of(of_each + 1)
        ends = np.cumsum(np.bincount(of_each + 1, minlength=len(self._found) + 1))
        for found, members in zip(self._found, np.split(order, ends[:-1])[1:], strict=True):
            found.members = members
        return Grouping(self._found, order[: ends[0]], int(np.count_nonzero(np.bincount(near[groups < 0]))))


def _numbered(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _to_be_read(near: NDArray[np.int64], far: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Some of each set ``far``: the first, and the first of some sets ``near`` that they have."""
    chosen = _ranks(far) < _MOST_ALIKE
    firsts = np.flatnonzero(_ranks(near) < _MOST_EQUAL)
    chosen[firsts[_ranks(far[firsts]) < _MOST_ALIKE * _MOST_EQUAL]] = True
    return chosen


def _order_of(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """A stable order of small numbers: NumPy is several times as fast where no two are equal."""
    return np.argsort(numbers * len(numbers) + np.arange(len(numbers)))


def _ranks(sets: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many before each have the same number."""
    order = _order_of(sets)
    begins = np.append(0, np.cumsum(np.bincount(sets)))
    ranks = np.empty(len(sets), np.int64)
    ranks[order] = np.arange(len(sets)) - begins[sets[order]]
    return ranks
