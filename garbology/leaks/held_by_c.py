"""What a count without a visible holder means: a leak, or something that C code which is in use holds by right.

C code keeps callbacks by design, and an object written in C may hold others in memory that cannot be looked into. So:

- While such an object is in use outside the window, it may hold what nothing else holds: *held by C code*, no leak.
- Where all such objects are reachable from what is held alone, nothing can let go of it any more: a leak through that
  object. A connection that keeps a callback that captures the connection is one.
- Where there is no such object, a callable may be kept by the C code of a module by design: *held by C code*. Anything
  else is a leak: a reference too many.
"""

from __future__ import annotations

import types
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import cyclic_components
from garbology.cycles.folding import Step, is_foldable, joined_label
from garbology.cycles.graphs import Graph, breadth_first
from garbology.cycles.reachability import reachable_from
from garbology.cycles.result import Edge
from garbology.cycles.shapes import type_counts
from garbology.interpreter.traversal import safe_referents
from garbology.leaks.external import Surplus
from garbology.leaks.leak import HeldByC, Leak
from garbology.leaks.visible import any_is_in_use
from garbology.names.classes import COLLECTED_TYPE, flags_of, inherited_values, mro_of
from garbology.names.edges import named_referents
from garbology.names.nodes import node_name
from garbology.names.secrets import is_made_in_python, is_opaque, opaque_base
from garbology.sizes.retained import holdings
from garbology.snapshot.expansion import referents_outside
from garbology.snapshot.listing import listing
from garbology.snapshot.snapshot import Index, Snapshot, addresses_of, count_each, types_of

_OUTSIDE = "something outside Python"
_MOST_ASKED = 16  # objects written in C that are looked for among what is in use
_MISSING = "look for a missing Py_DECREF, or a cache or callback kept by the C code that was given it"


def judge(snapshot: Snapshot, unheld: Surplus, *, at_exit: bool = False) -> tuple[list[Leak], list[HeldByC]]:
    """What ``unheld`` means, one entry for each type, function or method that C code holds; most bytes first.

    ``at_exit`` says that callbacks were registered with atexit, which may hold any callable and its arguments.
    """
    if not len(unheld.roots):
        return [], []
    in_use = _opaque_in_use(snapshot, unheld.lost)
    leaks: list[Leak] = []
    held: list[HeldByC] = []
    told = np.zeros(len(snapshot), bool)
    for places, excess in _alike(snapshot, unheld):
        roots = np.zeros(len(snapshot), bool)
        roots[places] = True
        mine = reachable_from(snapshot, roots) & unheld.lost & ~told
        told |= mine
        held_bytes = holdings(
            snapshot, mine, cyclic_components(snapshot, mine), [], count_each([])
        ).total_bytes
        group = _Group(snapshot, places, mine, int(mine.sum()), held_bytes, _unseen_references(excess))
        if at_exit and not _accuses(type(group.root)):
            held.append(group.held("atexit.register"))
            continue
        lost = [] if in_use else _opaque_behind(snapshot, mine)
        if lost:
            leaks.append(group.leak_through(lost))
        elif in_use or not _accuses(type(group.root)):
            held.append(group.held(in_use))
        else:
            leaks.append(group.leak())
    return leaks, sorted(held, key=lambda each: (-each.bytes, each.through))


def _alike(snapshot: Snapshot, unheld: Surplus) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places and excess of the roots, by type, and functions and methods by their code."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at, place in enumerate(unheld.roots.tolist()):
        groups[int(snapshot.kinds[place]), _code_id(snapshot.objects[place])].append(at)
    return [(unheld.roots[entries], unheld.excess[entries]) for entries in groups.values()]


def _code_id(obj: Any) -> int:
    function = obj.__func__ if type(obj) is types.MethodType else obj
    return id(function.__code__) if type(function) is types.FunctionType else 0


def _accuses(kind: type) -> bool:
    """Whether a reference too many to such an object is a leak where no object written in C may hold it: not of a
    callable, which the C code of a module may keep, and not of what the interpreter itself holds.
    """
    if kind is list or kind is set:
        return True
    if not is_made_in_python(kind) or any(base is BaseException for base in mro_of(kind)):
        return False
    return next(inherited_values(kind, "__call__"), None) is None


@dataclass(frozen=True)
class _Group:
    """Objects alike that nothing visible holds, with all that they lead to."""

    snapshot: Snapshot
    places: NDArray[np.int64]
    mine: NDArray[np.bool_]
    objects: int
    bytes: int
    references: str

    @property
    def root(self) -> object:
        return self.snapshot.objects[int(self.places[0])]

    @property
    def types(self) -> dict[str, int]:
        return dict(type_counts([self.root]))

    def leak(self) -> Leak:
        return Leak(
            objects=self.objects,
            bytes=self.bytes,
            holder=_OUTSIDE,
            reason=self.references,
            remedy=_MISSING,
            count=len(self.places),
            types=self.types,
        )

    def leak_through(self, lost: Sequence[tuple[int, object]]) -> Leak:
        """A leak through an object written in C, the nearest of those ``lost``, that may be what holds it."""
        path = min((self._path_to(place, opaque) for place, opaque in lost), key=len)
        root, base, name = held_name(path[0]), opaque_base(type(path[-1])), held_name(path[-1])
        if len(path) == 1:
            reason = f"{self.references}, unless the {base} holds itself unseen"
            return replace(
                self.leak(), reason=reason, remedy=f"{_MISSING}, or what the {base} holds by itself"
            )
        if _is_callable(path[0]):
            reason = f"{root}, which C code holds (a registered callback), keeps {name}"
        else:
            reason = f"{self.references}, but {name} may hold it unseen"
        label = "callback kept by C code" if _is_callable(path[0]) else "held by C code"
        return Leak(
            objects=self.objects,
            bytes=self.bytes,
            holder=base,
            reason=f"{reason}, and nothing that is in use holds that {base}",
            remedy=f"close the {base}, or unregister the callback, when it is done with",
            count=len(self.places),
            types=self.types,
            edges=[Edge(name, label, root), *named_path(path)],
        )

    def held(self, in_use: str) -> HeldByC:
        return HeldByC(
            objects=self.objects,
            bytes=self.bytes,
            through=held_name(self.root),
            reason=f"{self.references}; {in_use} may hold it" if in_use else self.references,
            count=len(self.places),
            types=self.types,
            edges=named_path(self._path_to_the_first_instance()),
        )

    def _path_to(self, place: int, opaque: object) -> list[object]:
        """Objects from a root to ``opaque``, which is at ``place`` or held by what is there."""
        before = self._search()[1]
        path = [place]
        while int(before[path[0]]) >= 0:
            path.insert(0, int(before[path[0]]))
        found = [self.snapshot.objects[each] for each in path]
        return found if found[-1] is opaque else [*found, opaque]

    def _path_to_the_first_instance(self) -> list[object]:
        order = self._search()[0]
        roots = set(self.places.tolist())
        for place in order.tolist():
            if place not in roots and self.mine[place]:
                obj = self.snapshot.objects[place]
                if is_made_in_python(type(obj)):
                    return self._path_to(place, obj)
        return [self.root]

    def _search(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """From the roots on: the order in which objects are reached, and by which other."""
        return breadth_first(Graph(self.snapshot.starts, self.snapshot.targets), np.sort(self.places))


def _is_callable(obj: object) -> bool:
    return next(inherited_values(type(obj), "__call__"), None) is not None


def _unseen_references(excess: NDArray[np.int64]) -> str:
    """How many references to each object there are whose holder cannot be found."""
    least, most = int(excess.min()), int(excess.max())
    if most == 1:
        return "1 reference that no Python object accounts for"
    number = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{number} references that no Python object accounts for"


# --- objects written in C that may hold others unseen


def _opaque_behind(snapshot: Snapshot, mine: NDArray[np.bool_]) -> list[tuple[int, object]]:
    """Those among what is held, or held by it: the place of the object or of its holder, and the object."""
    found: list[tuple[int, object]] = []
    for place in np.flatnonzero(mine).tolist():
        obj = snapshot.objects[place]
        if opaque_base(type(obj)) and is_opaque(obj):
            found.append((place, obj))
        elif is_made_in_python(type(obj)) or type(obj) is dict:
            found += [(place, each) for each in safe_referents(obj) if _is_untracked_opaque(each)]
    return found


def _is_untracked_opaque(obj: object) -> bool:
    return not flags_of(type(obj)) & COLLECTED_TYPE and opaque_base(type(obj)) != "" and is_opaque(obj)


def _opaque_in_use(snapshot: Snapshot, lost: NDArray[np.bool_]) -> str:
    """The type of such an object that the program still reaches; empty where there is none."""
    heap = listing().without_gaps()
    behind = referents_outside(Index(heap), heap, _untracked_opaque).values()
    types_of_heap, kinds = types_of(heap)
    opaque = np.array([opaque_base(kind) != "" for kind in types_of_heap], bool)[kinds]
    places = snapshot.index.find(addresses_of(heap))
    opaque &= (places < 0) | ~lost[places]
    candidates = [obj for obj in (*compress(heap, opaque.tolist()), *behind) if is_opaque(obj)]
    heap.clear()
    by_type: dict[str, list[object]] = {}
    for obj in candidates:
        by_type.setdefault(opaque_base(type(obj)), []).append(obj)
    return next((name for name, alike in by_type.items() if any_is_in_use(alike[:_MOST_ASKED])), "")


def _untracked_opaque(kind: type, objects: Sequence[object]) -> list[bool]:
    return [not flags_of(kind) & COLLECTED_TYPE and opaque_base(kind) != ""] * len(objects)


# --- names


def held_name(obj: Any) -> str:
    """What C code holds: 'bound method Parser.fail', 'function <lambda> (app.py:12)', 'Parser'."""
    if type(obj) is types.MethodType:
        return f"bound method {node_name(obj.__func__).removeprefix('function ')}"
    return node_name(obj)


def named_path(objects: Sequence[object]) -> list[Edge]:
    """The edges along a path of objects, owned containers and functions on the way folded into their owner's."""
    edges: list[Edge] = []
    start, steps = objects[0], list[Step]()
    for holder, referent in pairwise(objects):
        steps.append(Step(holder, _label(holder, referent), referent, -1, 0))
        if referent is objects[-1] or not is_foldable(referent):
            edges.append(Edge(held_name(start), joined_label(steps), held_name(referent)))
            start, steps = referent, []
    return edges


def _label(holder: object, referent: object) -> str:
    labels = [label for label, each in named_referents(holder) if each is referent]
    return labels[0] if labels and labels[0] else "reference"
