"""Equal cycles folded into one shape: what it consists of, its named edges, how often it occurs."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.folding import Folded, Link
from garbology.cycles.occurrence import Occurrence
from garbology.cycles.result import Edge, Node
from garbology.names.classes import mro_of
from garbology.names.edges import safe_type_name, short_type_name
from garbology.names.labels import common_label, pattern
from garbology.names.nodes import class_name, code_node_name, code_of, has_code, statement_of
from garbology.snapshot.addresses import types_of
from garbology.snapshot.arrays import at, blocks, counted, distinct, tally
from garbology.snapshot.snapshot import addresses_of

_DRAWN_NODES = 6  # a cycle with more nodes is drawn with one node a type
_LONGEST_RING = 64  # nodes of a ring that its length tells apart
_SAMPLED_NODES = 400  # nodes of one large cycle whose edges are named
_SAMPLED_LINKS = 4_000
_SAMPLED_REFERENCES = 32  # of one large container in it
_MANY_REFERENCES = 64
_NEARBY = 16_384

#: What a line of source decides of an edge, by the names of both ends; the last is what it is called.
EdgeKey = tuple[str, str, str]


@dataclass(frozen=True)
class Description:
    """What one occurrence looks like.

    Attributes
    ----------
    edges : as they are drawn: indices and keys are left out where several stand in one place.
    labels : for each edge, without indices and keys, all that it is called.
    ring : how many nodes a short ring without branches has, 0 in any other cycle.
    statements : file and line of those of its classes that a function makes, for two may have one name.
    """

    objects: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    types: tuple[tuple[str, int], ...]
    labels: Mapping[EdgeKey, frozenset[str]]
    ring: int
    statements: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[object, ...]:
        """What all occurrences of one shape have in common."""
        return frozenset(self.labels), frozenset(node.type for node in self.nodes), self.ring, self.statements


def describe(occurrence: Occurrence, nodes: NDArray[np.int32], links: list[Link]) -> Description:
    """Describe one occurrence of a cycle by its ``nodes`` (places in it) and the ``links`` between them."""
    names = _Names(occurrence, nodes)
    draw = _each_node_drawn if len(nodes) <= _DRAWN_NODES else _each_type_drawn
    drawn, edges = draw(nodes, links, names)
    labels: dict[EdgeKey, set[str]] = defaultdict(set)
    for link in links:
        label = link.label
        labels[names[link.source], pattern(label), names[link.target]].add(label)
    return Description(
        len(occurrence.objects),
        drawn,
        edges,
        counts_of(occurrence.types, occurrence.kinds),
        {key: frozenset(called) for key, called in labels.items()},
        _ring_length(len(nodes), len(links), labels),
        frozenset(statement_of(occurrence.types[kind]) for kind in distinct(occurrence.kinds)),
    )


def _ring_length(nodes: int, links: int, labels: Iterable[EdgeKey]) -> int:
    """The length of a short ring without branches: an object that refers to itself is not a pair.

    Through an element of a container it is no such ring, for others may stand beside it.
    """
    if links != nodes or nodes > _LONGEST_RING:
        return 0
    through_elements = any("[]" in label or label.endswith("element") for _, label, _ in labels)
    return 0 if through_elements else nodes


def general_edges(edges: Iterable[Edge], differing: Mapping[EdgeKey, str]) -> list[Edge]:
    """The edges, those that are ``differing`` with the label that is there; what is equal then is one."""
    general = (replace(edge, label=differing.get(_key_of(edge), edge.label)) for edge in edges)
    return sorted(dict.fromkeys(general), key=_by_place)


def _key_of(edge: Edge) -> EdgeKey:
    return edge.source, pattern(edge.label), edge.target


def folded_of(occurrence: Occurrence, colours: NDArray[np.uint32] | None = None) -> Folded:
    """The occurrence with its owned containers folded away.

    ``colours`` (of its objects) tell what is alike: in a large occurrence only some references of a large container
    are named then.
    """
    choose = None
    if colours is not None and occurrence.is_large:
        choose = functools.partial(_some_references, occurrence, colours)
    return Folded(
        occurrence.objects,
        occurrence.in_degrees(),
        occurrence.types,
        occurrence.kinds,
        occurrence.find,
        choose,
    )


def read_links(occurrence: Occurrence, folded: Folded, colours: NDArray[np.uint32]) -> list[Link]:
    """The named links of an occurrence; of a large one, those of some nodes of each colour."""
    nodes = folded.nodes
    if not occurrence.is_large:
        return [link for node in nodes.tolist() for link in folded.links_from(node)]
    if len(nodes) > _SAMPLED_NODES:
        nodes = nodes[some_of_each(occurrence.kinds, colours, nodes, _SAMPLED_NODES)]
    links: list[Link] = []
    for node in nodes.tolist():
        links += islice(folded.links_from(node), _SAMPLED_LINKS - len(links))
    return sorted(links, key=lambda link: link.source)


def _some_references(
    occurrence: Occurrence, colours: NDArray[np.uint32], place: int
) -> tuple[list[int], list[int]] | None:
    """Targets and positions of some references of each kind, where an object has many."""
    own = slice(int(occurrence.starts[place]), int(occurrence.starts[place + 1]))
    if own.stop - own.start <= _MANY_REFERENCES:
        return None
    targets = occurrence.targets[own]
    some = np.sort(some_of_each(occurrence.kinds, colours, targets, _SAMPLED_REFERENCES))
    return targets[some].tolist(), occurrence.positions[own][some].tolist()


def some_of_each(
    kinds: NDArray[np.int32], colours: NDArray[np.uint32], places: NDArray[np.int32], most: int
) -> NDArray[np.int64]:
    """Which of ``places`` to look at: the first of each kind and of each colour, then some from the middle and end."""
    bits = min(16, len(places).bit_length() + 2)  # of a colour: some rare one may share them with another
    near = min(len(places), _NEARBY)
    middle, end = (len(places) - near) // 2, len(places) - near
    chosen: dict[int, None] = {}
    for values, shift, count in ((kinds, 0, int(kinds.max(initial=0)) + 1), (colours, 32 - bits, 1 << bits)):
        firsts = len(places) - 1 - _lasts(values, shift, count, places[::-1])
        chosen.update(dict.fromkeys(firsts.tolist()))
        for begin in (end, middle // 2, middle):
            some = begin + _lasts(values, shift, count, places[begin : begin + near])
            if len(chosen) < most:
                chosen.update(dict.fromkeys(some.tolist()))
    return np.array(list(chosen)[:most], np.int64)


def _lasts(
    values: NDArray[np.int32] | NDArray[np.uint32], shift: int, count: int, places: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Where among ``places`` each of the values that stand there (without ``shift`` bits) is found last."""
    latest = np.full(count, -1, np.int64)
    for block in blocks(len(places)):
        latest[values[places[block]] >> shift] = np.arange(block.start, block.stop)
    return latest[latest >= 0]


class _Names:
    """What each node is called: its type's short name, unless two types share it; what code makes, by that code."""

    def __init__(self, occurrence: Occurrence, nodes: NDArray[np.int32]) -> None:
        self._nodes = nodes
        self._names = _type_names(occurrence, nodes)
        self._numbers = occurrence.kinds
        for kind in np.flatnonzero(tally(at(occurrence.kinds, nodes), len(occurrence.types))).tolist():
            own = occurrence.types[kind]
            if has_code(own) or _makes_classes(own):
                self._name_each(occurrence, nodes[at(occurrence.kinds, nodes) == kind], has_code(own))

    def __getitem__(self, node: int) -> str:
        return self._names[int(self._numbers[node])]

    def counts(self) -> dict[str, int]:
        """How many nodes have each name."""
        counts: dict[str, int] = {}
        for number, count in enumerate(tally(at(self._numbers, self._nodes), len(self._names)).tolist()):
            if count:
                counts[self._names[number]] = counts.get(self._names[number], 0) + count
        return counts

    def _name_each(self, occurrence: Occurrence, places: NDArray[np.int32], by_code: bool) -> None:
        """Name the nodes at ``places`` one by one; of those that run the same code one."""
        objects = list(map(occurrence.objects.__getitem__, places.tolist()))
        alike = addresses_of(list(map(code_of, objects)) if by_code else objects)
        _, first, numbers = np.unique(alike, return_index=True, return_inverse=True)
        if self._numbers is occurrence.kinds:
            self._numbers = occurrence.kinds.copy()
        self._numbers[places] = numbers + len(self._names)
        name_of = code_node_name if by_code else class_name
        self._names += [name_of(objects[place]) for place in first.tolist()]


def _type_names(occurrence: Occurrence, nodes: NDArray[np.int32]) -> list[str]:
    """A name for each type that ``nodes`` are of."""
    there = tally(at(occurrence.kinds, nodes), len(occurrence.types)).tolist()
    short = [
        short_type_name(own) if count else "" for own, count in zip(occurrence.types, there, strict=True)
    ]
    times = counted(short)
    return [
        safe_type_name(own) if name and times[name] > 1 else name
        for own, name in zip(occurrence.types, short, strict=True)
    ]


def is_class(obj: object) -> bool:
    """Whether ``obj`` is a class, whatever it says itself."""
    return _makes_classes(type(obj))


def _makes_classes(kind: type) -> bool:
    return any(base is type for base in mro_of(kind))


def type_counts(objects: Sequence[object]) -> tuple[tuple[str, int], ...]:
    """How many of ``objects`` have each type, by qualified name."""
    return counts_of(*types_of(objects))


def counts_of(types: list[type], kinds: NDArray[np.int32]) -> tuple[tuple[str, int], ...]:
    """How often each of ``types`` is among ``kinds``, by qualified name."""
    names: Counter[str] = Counter()
    counts = tally(kinds, len(types))
    for kind in np.flatnonzero(counts).tolist():
        names[safe_type_name(types[kind])] += int(counts[kind])
    return tuple(sorted(names.items()))


def _each_node_drawn(
    nodes: NDArray[np.int32], links: list[Link], names: _Names
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    order = {node: place for place, node in enumerate(_canonical_order(nodes.tolist(), links, names))}
    groups: dict[tuple[int, int, str], set[str]] = defaultdict(set)
    for link in links:
        label = link.label
        groups[order[link.source], order[link.target], pattern(label)].add(label)
    drawn = tuple(Node(names[node], 1) for node in order)
    edges = [
        Edge(drawn[source].type, common_label(labels), drawn[target].type, source, target)
        for (source, target, _), labels in groups.items()
    ]
    return drawn, tuple(sorted(edges, key=_by_place))


def _by_place(edge: Edge) -> tuple[int, int, str]:
    return edge.source_node, edge.target_node, edge.label


def _canonical_order(nodes: list[int], links: list[Link], names: _Names) -> list[int]:
    """The nodes in an order that does not depend on when they were made (colour refinement with names)."""
    colour = {node: names[node] for node in nodes}
    for _ in range(len(nodes)):
        seen: dict[int, tuple[Any, ...]] = {}
        for node in nodes:
            out = sorted((link.label, colour[link.target]) for link in links if link.source == node)
            back = sorted((link.label, colour[link.source]) for link in links if link.target == node)
            seen[node] = (colour[node], out, back)
        ranks = {repr(key): f"{names_rank:03d}" for names_rank, key in enumerate(sorted(seen.values()))}
        colour = {node: names[node] + ranks[repr(key)] for node, key in seen.items()}
    return sorted(nodes, key=lambda node: colour[node])


def _each_type_drawn(
    nodes: NDArray[np.int32], links: list[Link], names: _Names
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    counts = names.counts()
    place = {name: number for number, name in enumerate(sorted(counts))}
    groups: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for link in links:
        label = link.label
        groups[names[link.source], names[link.target], pattern(label)].add(label)
    edges = [
        Edge(source, common_label(labels), target, place[source], place[target])
        for (source, target, _), labels in groups.items()
    ]
    return tuple(Node(name, counts[name]) for name in place), tuple(sorted(edges, key=_by_place))
