"""What not even the cyclic collector frees: cycles through references that it does not see, and what C code holds.

An array's elements, what a view looks at and a date's zone are references that the collector does not see, so a cycle
through one is never freed. With those as edges (:mod:`garbology.snapshot.expansion`) the rule of trial deletion holds
again: what becomes unreachable only now, and what hangs off it, is a leak. What the next collection would free
indirectly, because garbage holds what hides it, is none.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import Components, cyclic_components
from garbology.cycles.folding import Folded, Link
from garbology.cycles.reachability import held_from_outside, reachable_from
from garbology.cycles.result import Edge
from garbology.cycles.shapes import type_counts
from garbology.leaks.call_caches import kept_by_cached_calls
from garbology.leaks.external import has_module, unheld_roots, without_held
from garbology.leaks.held_by_c import judge
from garbology.leaks.leak import HeldByC, Leak, Leaks
from garbology.leaks.reasons import FoldedWithSecrets, hidden_step, is_hiding, reason_of
from garbology.names.nodes import node_name
from garbology.names.secrets import is_made_in_python
from garbology.sizes.retained import holdings
from garbology.snapshot.arrays import distinct
from garbology.snapshot.expansion import Expansion, expand
from garbology.snapshot.judging import Opening
from garbology.snapshot.snapshot import Snapshot, count_each

_MANY_SUSPECTS = 20_000  # from here on it is cheaper to look first who holds them
_MOST_PATHS = 256  # leaks of different types whose cycle is read
_IN_UNSEEN_TUPLES = "a tuple that C code keeps, or that another thread works with, holds objects of the block"


def find_leaks(snapshot: Snapshot, garbage: NDArray[np.bool_], *, opening: Opening | None) -> Leaks:
    """Leaks among the objects of a window that are not ``garbage`` (bool, shape (n,)), most bytes first.

    Also what C code holds, where ``opening`` says that this can be judged.
    """
    unjudged = "it was not asked for" if opening is None else opening.unjudged
    suspects = ~garbage
    if not suspects.any():
        return Leaks(unjudged=unjudged)
    if int(suspects.sum()) > _MANY_SUSPECTS:
        suspects = without_held(snapshot, suspects, {} if opening is None else opening.times)
    leaks, explained = _hidden_leaks(snapshot, suspects, garbage)
    held: list[HeldByC] = []
    if not unjudged and has_module(snapshot):
        unjudged = "a module was imported in the block, and extension modules keep what they like"
    if opening is not None and not unjudged:
        unheld = unheld_roots(snapshot, suspects & ~explained, opening.times)
        more, held = judge(snapshot, unheld, at_exit=opening.registered_at_exit())
        leaks += more
        unjudged = _IN_UNSEEN_TUPLES if unheld.in_unseen_tuples else ""
    held = [*kept_by_cached_calls(snapshot, suspects & ~explained), *held]
    leaks.sort(key=lambda leak: (-leak.bytes, leak.holder, leak.path))
    return Leaks(leaks, held, unjudged)


# --- cycles through what hides references


def _hidden_leaks(
    snapshot: Snapshot, suspects: NDArray[np.bool_], garbage: NDArray[np.bool_]
) -> tuple[list[Leak], NDArray[np.bool_]]:
    """The leaks, and which objects of the window hidden references account for: leaked, or freed with the garbage."""
    explained = np.zeros(len(snapshot), bool)
    expansion = expand(snapshot, suspects, garbage)
    if expansion is None:
        return [], explained
    graph = expansion.snapshot
    lost = ~reachable_from(graph, held_from_outside(graph))
    lost[: len(expansion.places)] &= ~garbage[expansion.places]
    explained[expansion.places[lost[: len(expansion.places)]]] = True
    cores = _with_what_hides(cyclic_components(graph, lost), expansion)
    if not cores.count:
        return [], explained
    lost &= reachable_from(graph, cores.labels >= 0)
    return _folded_leaks(graph, cores, lost), explained


def _with_what_hides(components: Components, expansion: Expansion) -> Components:
    """The components that have an array or the like in them: other cycles hang off those, or off the garbage."""
    inside = components.labels[expansion.hides]
    chosen = distinct(inside[inside >= 0])
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
        leaks.append(_hidden_leak(objects, dict(types), path, count=len(numbers), held_bytes=held))
    return leaks


def _hidden_leak(
    objects: Sequence[object], types: dict[str, int], path: list[Link], *, count: int, held_bytes: int
) -> Leak:
    holder, reason, remedy = reason_of(path, objects)
    return Leak(
        objects=count * len(objects),
        bytes=held_bytes,
        holder=holder,
        reason=reason,
        remedy=remedy,
        count=count,
        types=types,
        edges=_edges(path),
    )


def _path(objects: Sequence[object], in_degrees: NDArray[np.integer[Any]]) -> list[Link]:
    """The edges of a shortest cycle through a hidden reference, from something that hides nothing if there is any."""
    folded = FoldedWithSecrets(objects, in_degrees)
    hiding = [node for node in folded.nodes.tolist() if is_hiding(objects[node])]
    cycles = (_cycle(folded, start) for start in hiding)
    links = next((cycle for cycle in cycles if any(map(hidden_step, cycle))), [])
    turn = min(range(len(links)), key=lambda at: _rank_as_start(objects[links[at].source]), default=0)
    return links[turn:] + links[:turn]


def _rank_as_start(obj: object) -> tuple[bool, bool]:
    """A path is best read from an object of the program's that hides nothing."""
    return is_hiding(obj), not is_made_in_python(type(obj))


def _cycle(folded: Folded, start: int) -> list[Link]:
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
    return links if links and links[0].source == start else []


def _edges(path: Sequence[Link]) -> list[Edge]:
    names = [node_name(link.steps[0].holder) for link in path]
    return [
        Edge(name, link.label, following)
        for name, link, following in zip(names, path, names[1:] + names[:1], strict=True)
    ]
