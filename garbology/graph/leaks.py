"""What not even the cyclic collector frees: cycles through object arrays, and objects that C code holds.

An array's elements and a dtype's metadata are references that the collector does not see, so a cycle through
one is never freed. With the arrays as nodes (:mod:`garbology.graph.expansion`) the rule of trial deletion holds
again: what becomes unreachable only now, and what hangs off it, is a leak. What the next collection would free
indirectly, because garbage holds the array, is none.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.graph.components import Components, cyclic_components
from garbology.graph.edges import safe_type_name, short_type_name
from garbology.graph.expansion import Expansion, expand, holds_unseen, is_array_type
from garbology.graph.folding import Folded, Link
from garbology.graph.holdings import holdings
from garbology.graph.naming.classes import mro_of
from garbology.graph.outside import Unheld, unheld_roots, without_held
from garbology.graph.reachability import held_from_outside, reachable_from
from garbology.graph.shapes import Edge, type_counts
from garbology.graph.snapshot import Snapshot, count_each

_MANY_SUSPECTS = 20_000  # from here on it is cheaper to look first who holds them
_MOST_PATHS = 256  # leaks of different types whose cycle is read
_OUTSIDE = "something outside Python"


@dataclass(frozen=True)
class Leak:
    """Objects that not even the cyclic collector frees: what holds them, and why it cannot see that.

    Attributes
    ----------
    objects : objects in all occurrences: of a cycle its members, else all that is held.
    bytes : bytes of all occurrences and of what hangs off them, each buffer once.
    holder : the type that holds without telling the collector: 'numpy.ndarray', 'something outside Python'.
    reason, remedy : one sentence each.
    count : how many times the leak occurs.
    types : how many objects of each type one occurrence has, by qualified name.
    edges : one cycle through the holder, in order: each edge's target is the next one's source. Empty where
        something outside Python is the holder.
    """

    objects: int
    bytes: int
    holder: str
    reason: str
    remedy: str = ""
    count: int = 1
    types: dict[str, int] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The edges as one line, ``C.arr -> ndarray[0] -> C``; empty where there are none."""
        return " -> ".join(_without_target(edge) for edge in self.edges) + "".join(
            f" -> {edge.target}" for edge in self.edges[-1:]
        )

    def to_dict(self) -> dict[str, Any]:
        """The leak as plain JSON types."""
        return {
            "count": self.count,
            "objects": self.objects,
            "bytes": self.bytes,
            "holder": self.holder,
            "types": dict(self.types),
            "path": self.path,
            "edges": [
                {"source_type": edge.source, "label": edge.label, "target_type": edge.target}
                for edge in self.edges
            ],
            "reason": self.reason,
            "remedy": self.remedy,
        }


def _without_target(edge: Edge) -> str:
    return str(edge).removesuffix(f" -> {edge.target}")


def find_leaks(snapshot: Snapshot, garbage: NDArray[np.bool_], *, judge_outside: bool) -> list[Leak]:
    """Leaks among the objects of a window that are not ``garbage`` (bool, shape (n,)), most bytes first.

    ``judge_outside`` also looks for objects that something outside Python holds: only where no C function that
    was called in the window is still running (see :mod:`garbology.graph.outside`).
    """
    suspects = ~garbage
    if not suspects.any():
        return []
    if int(suspects.sum()) > _MANY_SUSPECTS:
        suspects = without_held(snapshot, suspects)
    leaks, explained = _array_leaks(snapshot, suspects, garbage)
    if judge_outside:
        leaks += _outside_leaks(snapshot, unheld_roots(snapshot, suspects & ~explained))
    return sorted(leaks, key=lambda leak: (-leak.bytes, leak.holder, leak.path))


# --- cycles through arrays


def _array_leaks(
    snapshot: Snapshot, suspects: NDArray[np.bool_], garbage: NDArray[np.bool_]
) -> tuple[list[Leak], NDArray[np.bool_]]:
    """The leaks, and which objects of the window arrays account for: leaked, or freed with the garbage."""
    explained = np.zeros(len(snapshot), bool)
    expansion = expand(snapshot, suspects, garbage)
    if expansion is None:
        return [], explained
    graph = expansion.snapshot
    lost = ~reachable_from(graph, held_from_outside(graph))
    lost[: len(expansion.places)] &= ~garbage[expansion.places]
    explained[expansion.places[lost[: len(expansion.places)]]] = True
    cores = _with_an_array(cyclic_components(graph, lost), expansion)
    if not cores.count:
        return [], explained
    lost &= reachable_from(graph, cores.labels >= 0)
    return _folded_leaks(graph, cores, lost), explained


def _with_an_array(components: Components, expansion: Expansion) -> Components:
    """The components that have an array or dtype in them: other cycles hang off those, or off the garbage."""
    inside = components.labels[expansion.hides]
    chosen = np.unique(inside[inside >= 0])
    renumbered = np.full(components.count + 1, -1, np.int32)
    renumbered[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Components(len(chosen), renumbered[components.labels], components.sizes[chosen])


def _folded_leaks(graph: Snapshot, cores: Components, lost: NDArray[np.bool_]) -> list[Leak]:
    """Leaks of equal types told once, by the path of the first."""
    bytes_of_core = holdings(graph, lost, cores, [], count_each([])).component_bytes
    in_degrees = np.bincount(graph.targets[cores.inside(graph)], minlength=len(graph))
    members = np.flatnonzero(cores.labels >= 0)
    members = members[np.argsort(cores.labels[members], kind="stable")]
    groups: dict[tuple[tuple[str, int], ...], list[int]] = defaultdict(list)
    parts = np.split(members, np.cumsum(cores.sizes)[:-1])
    for number, places in enumerate(parts):
        groups[type_counts([graph.objects[place] for place in places.tolist()])].append(number)
    leaks: list[Leak] = []
    for types, numbers in groups.items():
        places = parts[numbers[0]]
        objects = [graph.objects[place] for place in places.tolist()]
        path = _path(objects, in_degrees[places]) if len(leaks) < _MOST_PATHS else []
        held = int(bytes_of_core[numbers].sum())
        leaks.append(_array_leak(objects, dict(types), path, count=len(numbers), held_bytes=held))
    return leaks


def _array_leak(
    objects: Sequence[object], types: dict[str, int], path: list[Edge], *, count: int, held_bytes: int
) -> Leak:
    arrays = [
        obj for obj in objects if any(base is np.ndarray for base in mro_of(type(obj))) and holds_unseen(obj)
    ]
    holder = safe_type_name(arrays[0]) if arrays else "numpy.dtype"
    if any("metadata" in edge.label for edge in path) or not arrays:
        reason = "a cycle leads through the metadata of a dtype, which NumPy does not show to the collector"
        remedy = "keep in a dtype's metadata nothing that leads back to the array, or a weakref.ref to it"
    else:
        reason = "a cycle leads through the elements of an object array, which NumPy does not show to the collector"
        remedy = "put a weakref.ref into the array, use a list, or set the element to None when done"
    return Leak(
        objects=count * len(objects),
        bytes=held_bytes,
        holder=holder,
        reason=reason,
        remedy=remedy,
        count=count,
        types=types,
        edges=path,
    )


def _path(objects: Sequence[object], in_degrees: NDArray[np.integer[Any]]) -> list[Edge]:
    """The edges of a shortest cycle through an array, starting at something else if there is anything else."""
    folded = Folded(objects, in_degrees)
    start = next(node for node in folded.nodes.tolist() if is_array_type(type(objects[node])))
    came_by: dict[int, Link] = {}
    pending = deque([start])
    while pending and start not in came_by:
        for link in folded.links_from(pending.popleft()):
            if link.target not in came_by:
                came_by[link.target] = link
                pending.append(link.target)
    links: list[Link] = []
    node = start
    while node in came_by and not (links and node == start):
        links.insert(0, came_by[node])
        node = links[0].source
    turn = next((i for i, link in enumerate(links) if not is_array_type(type(objects[link.source]))), 0)
    names = [short_type_name(obj) for obj in (objects[link.source] for link in links)]
    edges = [
        Edge(name, link.label, following)
        for name, link, following in zip(names, links, names[1:] + names[:1], strict=True)
    ]
    return edges[turn:] + edges[:turn]


# --- held by something outside Python


def _outside_leaks(snapshot: Snapshot, unheld: Unheld) -> list[Leak]:
    """One leak for each type of object that nothing visible holds."""
    leaks = []
    told = np.zeros(len(snapshot), bool)
    kinds = snapshot.kinds[unheld.roots]
    for number in np.unique(kinds).tolist():
        roots = np.zeros(len(snapshot), bool)
        roots[unheld.roots[kinds == number]] = True
        mine = reachable_from(snapshot, roots) & unheld.lost & ~told
        told |= mine
        weights = holdings(snapshot, mine, cyclic_components(snapshot, mine), [], count_each([]))
        leaks.append(
            Leak(
                objects=int(mine.sum()),
                bytes=weights.total_bytes,
                holder=_OUTSIDE,
                reason=_unseen_references(unheld.excess[kinds == number]),
                remedy="look for a missing Py_DECREF, or a cache or callback kept by the C code that was given it",
                count=int(roots.sum()),
                types=dict(
                    type_counts([snapshot.objects[place] for place in np.flatnonzero(roots)[:1].tolist()])
                ),
            )
        )
    return leaks


def _unseen_references(excess: NDArray[np.int64]) -> str:
    """How many references to each object there are that nobody can be seen to hold."""
    least, most = int(excess.min()), int(excess.max())
    if most == 1:
        return "1 reference that no Python object accounts for"
    number = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{number} references that no Python object accounts for"
