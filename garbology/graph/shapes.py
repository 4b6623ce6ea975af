"""Equal cycles folded into one shape: what it consists of, its named edges, how often it occurs."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from garbology.graph.addresses import types_of
from garbology.graph.arrays import at, blocks, tally
from garbology.graph.edges import safe_type_name, short_type_name
from garbology.graph.folding import Folded, Link
from garbology.graph.naming.classes import mro_of
from garbology.graph.occurrence import Occurrence

if TYPE_CHECKING:
    from garbology.graph.advice import Advice

_DRAWN_NODES = 6  # a cycle with more nodes is drawn with one node a type
_SAMPLED_NODES = 400  # nodes of one large cycle whose edges are named
_SAMPLED_LINKS = 4_000
_SAMPLED_REFERENCES = 32  # of one large container in it
_MANY_REFERENCES = 64
_NEARBY = 16_384

_INDEX = re.compile(r"""\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^]['"])+\]""")


@dataclass(frozen=True, order=True)
class Edge:
    """A reference inside a cycle: ``source`` and ``target`` are type names, ``label`` is how the one holds the other.

    Equal elements of a container are one edge whose label ends in ``[]``. ``source_node`` and ``target_node`` are
    places in the shape's ``nodes``.
    """

    source: str
    label: str
    target: str
    source_node: int = 0
    target_node: int = 0

    def __str__(self) -> str:
        return f"{joined(self.source, self.label)} -> {self.target}"


def joined(source: str, label: str) -> str:
    """An edge without its target, as one reads it: ``Child.parent``, ``frame → local node``."""
    return source + label if label[:1] in (".", "[") else f"{source} → {label}"


@dataclass(frozen=True, order=True)
class Node:
    """A node of a shape's drawing: ``objects`` objects of one type, the containers that they own left out."""

    type: str
    objects: int


@dataclass
class CycleShape:
    """Cycles that are equal, told once.

    Attributes
    ----------
    count : how many times the shape occurs.
    objects : objects that the collector tracks, in one occurrence.
    bytes : bytes of all occurrences and of what hangs off them, each buffer once.
    nodes, edges : the drawing, containers owned by one object folded into its edges.
    types : how many objects of each type one occurrence has, by qualified name.
    advice : which edge to weaken and whether that was tried; None where the shape was not read edge by edge.
    sites : where the objects were made, ``file.py:12``, most frequent first, if ``tracemalloc`` was tracing.
    """

    count: int
    objects: int
    bytes: int
    nodes: list[Node]
    edges: list[Edge]
    types: dict[str, int]
    sites: list[str] = field(default_factory=list)
    advice: Advice | None = None

    def add(self, components: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        """Count ``components`` as occurrences; ``sizes`` are the bytes of all components."""
        self.count += len(components)
        self.bytes += int(sizes[components].sum())

    def to_dict(self) -> dict[str, Any]:
        """The shape as plain JSON types."""
        return {
            "count": self.count,
            "objects": self.objects,
            "bytes": self.bytes,
            "types": dict(self.types),
            "nodes": [
                {"id": i, "type": node.type, "objects": node.objects} for i, node in enumerate(self.nodes)
            ],
            "edges": [
                {
                    "source": edge.source_node,
                    "target": edge.target_node,
                    "source_type": edge.source,
                    "target_type": edge.target,
                    "label": edge.label,
                    "weaken": self._is_advised(edge),
                }
                for edge in self.edges
            ],
            "sites": list(self.sites),
            "advice": self.advice.to_dict() if self.advice else None,
        }

    def _is_advised(self, edge: Edge) -> bool:
        advised = self.advice.edges if self.advice else []
        return any(
            edge.source.endswith(other.source)
            and pattern(edge.label) == pattern(other.label)
            and edge.target.endswith(other.target)
            for other in advised
        )


def pattern(label: str) -> str:
    """A label with every index and key taken out: ``.outputs[0]`` and ``.outputs[1]`` are both ``.outputs[]``."""
    return _INDEX.sub("[]", label)


@dataclass(frozen=True)
class Description:
    """What one occurrence looks like; two occurrences of one shape have equal descriptions."""

    objects: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    types: tuple[tuple[str, int], ...]


def describe(occurrence: Occurrence, nodes: NDArray[np.int32], links: list[Link]) -> Description:
    """Describe one occurrence of a cycle by its ``nodes`` (places in it) and the ``links`` between them."""
    names = _Names(occurrence, nodes)
    draw = _each_node_drawn if len(nodes) <= _DRAWN_NODES else _each_type_drawn
    drawn, edges = draw(nodes, links, names)
    return Description(len(occurrence.objects), drawn, edges, counts_of(occurrence.types, occurrence.kinds))


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
    """What each node is called: its type's short name, unless two types share it; a class by its own name."""

    def __init__(self, occurrence: Occurrence, nodes: NDArray[np.int32]) -> None:
        self._kinds = occurrence.kinds
        self._counts = tally(at(occurrence.kinds, nodes), len(occurrence.types))
        types = {kind: occurrence.types[kind] for kind in np.flatnonzero(self._counts).tolist()}
        short = {kind: short_type_name(own) for kind, own in types.items()}
        shared = {name for name, times in Counter(short.values()).items() if times > 1}
        self._names = {
            kind: safe_type_name(types[kind]) if name in shared else name for kind, name in short.items()
        }
        metaclasses = [kind for kind, own in types.items() if _makes_classes(own)]
        places = nodes[np.isin(occurrence.kinds[nodes], metaclasses)] if metaclasses else nodes[:0]
        self._classes = {
            place: f"class {short_type_name(occurrence.objects[place])}" for place in places.tolist()
        }

    def __getitem__(self, node: int) -> str:
        return self._classes.get(node) or self._names[int(self._kinds[node])]

    def counts(self) -> Counter[str]:
        """How many nodes have each name."""
        counts: Counter[str] = Counter(self._classes.values())
        for kind, name in self._names.items():
            counts[name] += int(self._counts[kind])
        for place in self._classes:
            counts[self._names[int(self._kinds[place])]] -= 1
        return +counts


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
    for kind, count in enumerate(tally(kinds, len(types)).tolist()):
        if count:
            names[safe_type_name(types[kind])] += count
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
        Edge(drawn[source].type, _one_label(labels, common), drawn[target].type, source, target)
        for (source, target, common), labels in groups.items()
    ]
    return drawn, tuple(sorted(edges, key=_by_place))


def _by_place(edge: Edge) -> tuple[int, int, str]:
    return edge.source_node, edge.target_node, edge.label


def _one_label(labels: set[str], common: str) -> str:
    return min(labels) if len(labels) == 1 else common


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
        Edge(source, _one_label(labels, common), target, place[source], place[target])
        for (source, target, common), labels in groups.items()
    ]
    return tuple(Node(name, counts[name]) for name in place), tuple(sorted(edges, key=_by_place))
