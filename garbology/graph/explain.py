"""From a window's objects to a finding: garbage, cycles, shapes, bytes."""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from garbology.graph import components as cycles
from garbology.graph import snapshot as snapshots
from garbology.graph.coloring import Coloring, color
from garbology.graph.components import Components
from garbology.graph.holdings import Holdings, holdings
from garbology.graph.leaks import Leak, find_leaks
from garbology.graph.reachability import unreachable
from garbology.graph.shapes import CycleShape, Description, describe, type_counts
from garbology.graph.snapshot import Snapshot

_MOST_DESCRIBED = 256  # distinct cycles that are read object by object; the cost of an explanation
_MOST_VARIANTS = 16  # of cycles that look alike and may differ in a name
_MOST_TOLD_APART = 1_000  # occurrences read one by one where a sample of them differs
_MOST_SITES = 5
_MOST_TRACED = 200


@dataclass
class Finding:
    """Numbers and names, none of the objects."""

    garbage: int = 0
    garbage_bytes: int = 0
    shapes: list[CycleShape] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)


def explain(
    objects: list[object],
    ending: list[object],
    ending_counts: NDArray[np.int64],
    *,
    all_garbage: bool = False,
    judge_outside: bool = False,
) -> Finding:
    """Find and explain the garbage among ``objects``, a list that the caller gives away.

    ``ending`` are objects that the caller lets go when it ends, and ``ending_counts`` their reference counts
    before the objects were made: what is held more often now, and by garbage alone, becomes garbage then.
    ``all_garbage`` says that the collector has found all of ``objects`` unreachable; they are not counted then.
    ``judge_outside`` also looks for objects that something outside Python holds.
    """
    snapshot = snapshots.take(objects)
    garbage = np.ones(len(snapshot), bool) if all_garbage else unreachable(snapshot)
    leaks = find_leaks(snapshot, garbage, judge_outside=judge_outside)
    if not garbage.any():
        return Finding(leaks=leaks)
    components = cycles.cyclic_components(snapshot, garbage)
    weights = holdings(snapshot, garbage, components, ending, ending_counts)
    return Finding(
        garbage=int(garbage.sum()) + weights.dependents,
        garbage_bytes=weights.total_bytes,
        shapes=_shapes(snapshot, components, weights) if components.count else [],
        leaks=leaks,
    )


def _shapes(snapshot: Snapshot, components: Components, weights: Holdings) -> list[CycleShape]:
    ordered = color(snapshot, components, ordered=True)
    _, first, variants, counts = np.unique(
        ordered.signatures, return_index=True, return_inverse=True, return_counts=True
    )
    sizes = weights.component_bytes
    groups = _groups(snapshot, components, ordered, first)
    members = np.split(np.argsort(variants, kind="stable"), np.cumsum(counts)[:-1])
    occurrences = _Occurrences(snapshot, components, ordered)
    shapes: dict[Description, CycleShape] = {}
    by_group: dict[int, list[CycleShape]] = defaultdict(list)
    heaviest = np.argsort(-np.bincount(variants, weights=sizes), kind="stable")
    for variant in heaviest.tolist():
        known = by_group[int(groups[variant])]
        room = len(shapes) < _MOST_DESCRIBED
        if known and not (room and len(known) < _MOST_VARIANTS):
            known[0].add(members[variant], sizes)
            continue
        for description, alike in occurrences.described(members[variant], named=room):
            shape = shapes.get(description)
            if shape is None:
                shape = shapes[description] = _new_shape(description, occurrences.sites(int(alike[0])))
            shape.add(alike, sizes)
            known.append(shape)
    return sorted(shapes.values(), key=lambda shape: (-shape.bytes, -shape.count, shape.edges))


def _groups(
    snapshot: Snapshot, components: Components, ordered: Coloring, first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number the variants (one component of each in ``first``) so that those equal but for an order agree.

    Few variants are all described and then compared by name, so no second colouring is needed for them.
    """
    if len(first) <= _MOST_VARIANTS:
        return np.arange(len(first))
    unordered = color(snapshot, components, ordered=False)
    return np.unique(unordered.signatures[first], return_inverse=True)[1]


def _new_shape(description: Description, sites: list[str]) -> CycleShape:
    return CycleShape(
        count=0,
        objects=description.objects,
        bytes=0,
        nodes=list(description.nodes),
        edges=list(description.edges),
        types=dict(description.types),
        sites=sites,
    )


class _Occurrences:
    """The objects of one component at a time."""

    def __init__(self, snapshot: Snapshot, components: Components, coloring: Coloring) -> None:
        self._objects = snapshot.objects
        self._colours = coloring.colours
        self._members = coloring.members
        labels = components.labels[coloring.members]
        self._order = np.argsort(labels, kind="stable")
        self._ends = np.cumsum(components.sizes)
        self._in_degrees = np.bincount(components.edges(snapshot)[1], minlength=len(snapshot))

    def _places(self, component: int) -> NDArray[np.int64]:
        first = self._ends[component - 1] if component else 0
        return self._order[first : self._ends[component]]

    def describe(self, component: int, *, named: bool) -> Description:
        """What the component looks like; without names of edges where that would cost too much."""
        places = self._places(component)
        members = self._members[places]
        objects = [self._objects[member] for member in members.tolist()]
        if not named:
            return Description(len(objects), (), (), type_counts(objects))
        return describe(objects, self._in_degrees[members], self._colours[places])

    def described(
        self, components: NDArray[np.int64], *, named: bool
    ) -> Iterator[tuple[Description, NDArray[np.int64]]]:
        """Components that have one signature, with what they look like; all at once where some of them agree.

        A name can differ where no signature does: ``.left`` set alone and ``.right`` set alone stand at one place.
        """
        sample = {
            self.describe(int(components[place]), named=named) for place in (0, len(components) // 2, -1)
        }
        if len(sample) == 1:
            yield sample.pop(), components
            return
        for component in components[:_MOST_TOLD_APART]:
            yield self.describe(int(component), named=named), np.array([component])
        if len(rest := components[_MOST_TOLD_APART:]):
            yield self.describe(int(rest[0]), named=named), rest

    def sites(self, component: int) -> list[str]:
        """Where the component's objects were made, most frequent first; empty unless tracemalloc traces."""
        if not tracemalloc.is_tracing():
            return []
        members = self._members[self._places(component)[:_MOST_TRACED]]
        found: Counter[str] = Counter()
        for member in members.tolist():
            trace = tracemalloc.get_object_traceback(self._objects[member])
            if trace:
                found[f"{trace[-1].filename}:{trace[-1].lineno}"] += 1
        return [site for site, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SITES]]
