"""Which edges are needed at one moment, for windows of some hundred objects.

What :mod:`garbology.advice.live_observer` does with arrays costs a millisecond or two however few objects there are.
Here the window is lists and dictionaries of numbers, a physical class of edges (types and places among the referents)
stands for its name, and an edge is named only where it turns out to be needed, each physical class once.

An edge is needed if without the edges of its class something would not be reached that a root reaches. Where nothing
but edges of one class leads to an object that is no root, that is so at once; for the other classes it is tried.
"""

from __future__ import annotations

import types
from collections import defaultdict, deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from garbology.advice.edge_classes import EdgeClass, lines_of_source, with_bases
from garbology.advice.small_window import GONE, SmallWindow
from garbology.advice.together import MOST_EDGES, Together
from garbology.cycles.folding import FOLDABLE, Link, Step, is_foldable
from garbology.interpreter import memory_layout
from garbology.names.classes import HEAP_TYPE, flags_of
from garbology.names.edges import named_referents, named_referents_at

_MOST_OWNERS = 4  # of one container, and steps from an owner to it
_MOST_NAMED = 3  # edges of one class in one look: elements of a dictionary may have several names
_MOST_ELEMENTS = 2_000  # pairs of a container and what is needed in it
_ADDRESS_BITS = 64
_CELL = id(types.CellType)
_MOST_CLAUSES = 64  # of one look
_ELEMENTS_ALIKE = frozenset(map(id, (list, set, frozenset, deque, types.CellType)))

#: Types and places among referents, from the owner to the target of an edge.
PhysicalClass = tuple[int, ...]


@dataclass
class Needs:
    """What was seen to be needed, from look to look.

    Attributes
    ----------
    classes : edge classes.
    elements : ``id`` of a container and of something needed in it, as one number (a tuple would be one more object
        in the window), and how many looks had found such. A list or dictionary that changes its owner keeps what was
        learned of it.
    together : edge classes of which one must stay.
    variables : names that were asked of code, by its address: from 3.12 the interpreter makes and keeps a tuple then.
    """

    classes: set[EdgeClass] = field(default_factory=set)
    elements: dict[int, int] = field(default_factory=dict)
    together: Together = field(default_factory=Together)
    looks: int = 0
    variables: dict[int, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _named: dict[int, frozenset[EdgeClass]] = field(default_factory=dict, repr=False)

    def add_element(self, holder: object, target: object) -> None:
        """Remember what is needed in a container, whoever owns that."""
        if is_foldable(holder) and len(self.elements) < _MOST_ELEMENTS:
            self.elements.setdefault(id(holder) << _ADDRESS_BITS | id(target), self.looks)

    def known_elements(self) -> dict[tuple[int, int], int]:
        """``id`` of each container and of what is needed in it, and how many looks had found such."""
        mask = (1 << _ADDRESS_BITS) - 1
        return {(pair >> _ADDRESS_BITS, pair & mask): looks for pair, looks in self.elements.items()}

    def look(self, window: SmallWindow, roots: Sequence[int], blocked: Iterable[int] = ()) -> None:
        """Take in what is needed at a moment when ``roots`` hold objects and the ``blocked`` ones are gone."""
        _Look(window, self, roots, blocked).learn()


class _Look:
    """One moment of a window."""

    def __init__(
        self, window: SmallWindow, needs: Needs, roots: Sequence[int], blocked: Iterable[int]
    ) -> None:
        self._window = window
        self._needs = needs
        self._roots = roots
        self._gone = {
            edge for place in blocked for edge in range(window.starts[place], window.starts[place + 1])
        }
        self._reached = window.reached(roots, self._gone)
        self._paths: dict[int, list[tuple[int, ...]]] = {}
        self._edges: dict[PhysicalClass, list[int]] = defaultdict(list)
        self._path_of: dict[tuple[PhysicalClass, int], tuple[int, ...]] = {}
        self._clauses: dict[frozenset[frozenset[PhysicalClass]], None] = {}

    def learn(self) -> None:
        """Name what is needed."""
        alone, others = self._classify()
        for key, edges in alone.items():
            self._add(key, edges)
        for key in others:
            if key not in alone:
                edges = self._edges[key]
                left = self._window.reached(self._roots, self._gone.union(edges))
                lost = [edge for edge in edges if not left[self._window.targets[edge]]]
                if lost:
                    alone[key] = lost
                    self._add(key, lost)
        self._add_clauses(alone)

    def _add_clauses(self, needed: Container[PhysicalClass]) -> None:
        """Remember which edges can be spared one by one only: all that lead to an object, none of them needed."""
        clauses = [
            clause for clause in self._clauses if not any(key in needed for each in clause for key in each)
        ]
        for clause in clauses[:_MOST_CLAUSES]:
            edges = [self._classes_of(keys) for keys in clause]
            if all(edges):
                self._needs.together.add(edges)

    def _classes_of(self, keys: Iterable[PhysicalClass]) -> frozenset[EdgeClass]:
        """What the edge is called, whoever owns it; nothing where one that no advice can weaken holds as well."""
        named: set[EdgeClass] = set()
        for key in keys:
            if key[1] < 0:
                named |= self._name(key, self._edges[key][0])
        return frozenset(named)

    def _classify(self) -> tuple[dict[PhysicalClass, list[int]], dict[PhysicalClass, None]]:
        """Classes that alone lead to something, with the edges that do; and those that lead to it with others."""
        window, reached = self._window, self._reached
        is_root = bytearray(len(reached))
        for root in self._roots:
            is_root[root] = 1
        alone: dict[PhysicalClass, list[int]] = defaultdict(list)
        others: dict[PhysicalClass, None] = {}
        for place, incoming in enumerate(window.incoming):
            if is_root[place] or not reached[place] or self._is_part(place):
                continue
            keys: list[list[PhysicalClass]] = []
            leading: dict[PhysicalClass, list[int]] = defaultdict(list)
            for edge in incoming:
                if reached[window.sources[edge]] and window.sources[edge] != place and edge not in self._gone:
                    keys.append(self._keys_of(edge))
                    for key in keys[-1]:
                        leading[key].append(edge)
            if not keys:
                continue
            common = set(keys[0]).intersection(*keys[1:])
            for key in common:
                alone[key] += leading[key]
            if not common:
                distinct = frozenset(map(frozenset, keys))
                if len(distinct) <= MOST_EDGES:
                    self._clauses[distinct] = None
                others.update(dict.fromkeys(key for each in keys for key in each))
        return alone, others

    def _is_part(self, place: int) -> bool:
        """Whether an object is a part of its owner's edges, and never the end of one."""
        kind = self._window.kinds[place]
        return kind == _CELL or (len(self._window.incoming[place]) == 1 and kind in FOLDABLE)

    def _keys_of(self, edge: int) -> list[PhysicalClass]:
        keys = []
        for path in self._paths_to(self._window.sources[edge]):
            key = self._key(path, edge)
            keys.append(key)
            self._edges[key].append(edge)
            self._path_of[key, edge] = path
        return keys

    def _paths_to(self, place: int, depth: int = 0) -> list[tuple[int, ...]]:
        """The edges from each owner of a container to it; of anything else, and where there is no owner, none."""
        known = self._paths.get(place)
        if known is not None:
            return known
        window = self._window
        found: list[tuple[int, ...]] = []
        if depth < _MOST_OWNERS and window.kinds[place] in FOLDABLE:
            for edge in self._holding(place):
                found += [(*path, edge) for path in self._paths_to(window.sources[edge], depth + 1)]
        found = found[:_MOST_OWNERS] or [()]
        if depth == 0:
            self._paths[place] = found
        return found

    def _holding(self, place: int) -> list[int]:
        """The references to a container; to a variable of a suspended function, that function's alone."""
        window = self._window
        edges = [
            edge
            for edge in window.incoming[place]
            if self._reached[window.sources[edge]] and edge not in self._gone
        ]
        if window.kinds[place] == _CELL:
            suspended = [edge for edge in edges if window.kinds[window.sources[edge]] not in FOLDABLE]
            return suspended or edges
        return edges

    def _key(self, path: tuple[int, ...], edge: int) -> PhysicalClass:
        window = self._window
        owner = window.sources[path[0]] if path else window.sources[edge]
        # A container without an owner stands for itself alone: its type is no name.
        key = [window.kinds[owner], owner if self._is_anonymous(owner) else -1]
        for step in (*path, edge):
            key += (self._position(step), window.kinds[window.targets[step]])
        return tuple(key)

    def _is_anonymous(self, place: int) -> bool:
        kind = self._window.kinds[place]
        return kind in FOLDABLE and kind != id(types.FunctionType)

    def _position(self, edge: int) -> int:
        """The place among the referents where that tells one name from another; -1 for an element like others."""
        window = self._window
        source, target = window.sources[edge], window.targets[edge]
        kind = window.kinds[source]
        if kind in _ELEMENTS_ALIKE:
            return -1
        if kind == id(tuple) and window.kinds[target] != _CELL:
            return -1
        if kind == id(dict) and not self._is_namespace(source):
            return -1
        return window.positions[edge]

    def _is_namespace(self, place: int) -> bool:
        window = self._window
        address = id(window.objects[place])
        owners = [window.objects[window.sources[edge]] for edge in window.incoming[place]]
        return any(
            flags_of(type(owner)) & HEAP_TYPE and memory_layout.instance_dict_id(owner) == address
            for owner in owners
        )

    def _add(self, key: PhysicalClass, edges: list[int]) -> None:
        window, needs = self._window, self._needs
        for edge in edges:
            holder, target = window.objects[window.sources[edge]], window.objects[window.targets[edge]]
            if target is not GONE:
                needs.add_element(holder, target)
        owner = key[1]
        if owner >= 0 or not self._counts_as_owner(key, edges[0]):
            return
        distinct = len(edges) if -1 in key[2::2] else 1
        for edge in edges[: min(distinct, _MOST_NAMED)]:
            needs.classes |= self._name(key, edge)

    def _counts_as_owner(self, key: PhysicalClass, edge: int) -> bool:
        """Whether the owner is the program's or the edge is on a cycle: what a library's function keeps is its own."""
        window = self._window
        path = self._path_of[key, edge]
        owner = window.sources[path[0]] if path else window.sources[edge]
        if flags_of(type(window.objects[owner])) & HEAP_TYPE:
            return True
        return bool(window.reached([window.targets[edge]])[owner])

    def _name(self, key: PhysicalClass, edge: int) -> frozenset[EdgeClass]:
        window, known = self._window, self._needs._named
        path = (*self._path_of[key, edge], edge)
        sources = [window.sources[step] for step in path]
        stable = hash((*key, window.starts[sources[0] + 1] - window.starts[sources[0]]))
        if stable in known:
            return known[stable]
        steps = [self._step(step) for step in path]
        named = [step for step in steps if step is not None]
        if len(named) < len(steps):
            return frozenset()
        link = Link(sources[0], window.targets[edge], tuple(named))
        classes = frozenset(with_bases(lines_of_source(link), named[-1].referent))
        if self._is_stable(path):
            known[stable] = classes
        return classes

    def _is_stable(self, path: tuple[int, ...]) -> bool:
        """Whether what stands for these types will always: those of the window may die, and functions have names."""
        window = self._window
        places = [window.sources[path[0]], *(window.targets[step] for step in path)]
        kinds = {window.kinds[place] for place in places}
        return id(types.FunctionType) not in kinds and not any(kind in window.index for kind in kinds)

    def _step(self, edge: int) -> Step | None:
        window = self._window
        source, position = window.sources[edge], window.positions[edge]
        holder, target = window.objects[source], window.objects[window.targets[edge]]
        ((label, referent),) = named_referents_at(holder, [position])
        if referent is not target:  # read before, it may stand elsewhere now
            label = next((name for name, other in named_referents(holder) if other is target), "")
        return Step(holder, label, target, source, position) if label and target is not GONE else None
