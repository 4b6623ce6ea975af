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
from garbology.graph.advice import Advice, advise
from garbology.graph.arrays import at
from garbology.graph.coloring import Coloring, color
from garbology.graph.components import Components, Cycles
from garbology.graph.edge_classes import EdgeClass, class_of_edge
from garbology.graph.elsewhere import Elsewhere
from garbology.graph.folding import Folded, Link
from garbology.graph.holdings import Holdings, holdings
from garbology.graph.leaks import Leak, find_leaks
from garbology.graph.occurrence import Occurrence, occurrence_in, occurrence_of, with_all_that_holds_it
from garbology.graph.proof import MOST_TRIED_OBJECTS, Proofs, Trial, trial_of
from garbology.graph.reachability import reachable_from, unreachable
from garbology.graph.shapes import CycleShape, Description, counts_of, describe, folded_of, read_links
from garbology.graph.snapshot import Snapshot

_MOST_DESCRIBED = 256  # distinct cycles that are read object by object; the cost of an explanation
_MOST_VARIANTS = 16  # of cycles that look alike and may differ in a name
_MOST_TOLD_APART = 1_000  # occurrences read one by one where a sample of them differs
_MOST_TRIED = 16  # occurrences looked at for one that nothing else holds
_MOST_HELD = 32  # shapes whose proof has to free other cycles first
_MOST_SITES = 5
_MOST_TRACED = 200
_NOT_WATCHED = "the work was not watched to its end, so ask first who may need this"


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
    needed: frozenset[EdgeClass] = frozenset(),
    *,
    saw_all: bool = True,
    all_garbage: bool = False,
    judge_outside: bool = False,
) -> Finding:
    """Find and explain the garbage among ``objects``, a list that the caller gives away.

    ``ending`` are objects that the caller lets go when it ends, and ``ending_counts`` their reference counts
    before the objects were made: what is held more often now, and by garbage alone, becomes garbage then.
    ``needed`` are edge classes that an advice must not weaken (see :mod:`garbology.graph.witness`).
    ``saw_all`` says that what was needed is known to the end of the work; where it is not, the advice says so.
    ``all_garbage`` says that the collector has found all of ``objects`` unreachable; they are not counted then.
    ``judge_outside`` also looks for objects that something outside Python holds.
    """
    snapshot = snapshots.take(objects)
    garbage = np.ones(len(snapshot), bool) if all_garbage else unreachable(snapshot)
    if not all_garbage:
        garbage = _without_dropped(snapshot, garbage)
    leaks = find_leaks(snapshot, garbage, judge_outside=judge_outside)
    if not garbage.any():
        return Finding(leaks=leaks)
    components = cycles.cyclic_components(snapshot, garbage)
    advisor = _Advisor(snapshot, garbage, needed, Elsewhere(snapshot, components, garbage), saw_all)
    weights = holdings(snapshot, garbage, components, ending, ending_counts)
    return Finding(
        garbage=int(garbage.sum()) + weights.dependents,
        garbage_bytes=weights.total_bytes,
        shapes=_shapes(snapshot, components, weights, advisor) if components.count else [],
        leaks=leaks,
    )


def _without_dropped(snapshot: Snapshot, garbage: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``garbage`` less what another thread let go since the objects were listed: their list alone held it."""
    if not (garbage & (snapshot.counts == 0)).any():
        return garbage
    on_cycles = cycles.cyclic_components(snapshot, garbage).labels >= 0
    return garbage & reachable_from(snapshot, on_cycles & garbage)


def _shapes(
    snapshot: Snapshot, components: Components, weights: Holdings, advisor: _Advisor
) -> list[CycleShape]:
    inside = cycles.cycles_in(snapshot, components)
    ordered = color(snapshot, components, inside, ordered=True)
    _, first, variants, counts = np.unique(
        ordered.signatures, return_index=True, return_inverse=True, return_counts=True
    )
    sizes = weights.component_bytes
    groups = _groups(snapshot, components, inside, first)
    members = np.split(np.argsort(variants, kind="stable"), np.cumsum(counts)[:-1])
    occurrences = _Occurrences(snapshot, components, inside, ordered)
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
                sites = occurrences.sites(int(alike[0]))
                advice = advisor.advise(occurrences, alike) if room else None
                shape = shapes[description] = _new_shape(description, sites, advice)
            shape.add(alike, sizes)
            known.append(shape)
    advisor.prepare_proofs()
    return sorted(shapes.values(), key=lambda shape: (-shape.bytes, -shape.count, shape.edges))


def _groups(
    snapshot: Snapshot, components: Components, inside: Cycles, first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number the variants (one component of each in ``first``) so that those equal but for an order agree.

    Few variants are all described and then compared by name, so no second colouring is needed for them.
    """
    if len(first) <= _MOST_VARIANTS:
        return np.arange(len(first))
    unordered = color(snapshot, components, inside, ordered=False)
    return np.unique(unordered.signatures[first], return_inverse=True)[1]


def _new_shape(description: Description, sites: list[str], advice: Advice | None) -> CycleShape:
    return CycleShape(
        count=0,
        objects=description.objects,
        bytes=0,
        nodes=list(description.nodes),
        edges=list(description.edges),
        types=dict(description.types),
        sites=sites,
        advice=advice,
    )


class _Advisor:
    """Advice for each shape, and the proof of it, which may need that of others.

    Parameters
    ----------
    needed : edge classes that an advice must not weaken.
    elsewhere : where further such edge classes are found.
    saw_all : whether ``needed`` is known to the end of the work.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        garbage: NDArray[np.bool_],
        needed: frozenset[EdgeClass],
        elsewhere: Elsewhere,
        saw_all: bool,
    ) -> None:
        self._snapshot = snapshot
        self._garbage = garbage
        self._needed = needed
        self._elsewhere = elsewhere
        self._saw_all = saw_all
        self._keys: frozenset[EdgeClass] = frozenset()
        self._held: list[tuple[Advice, NDArray[np.int32]]] = []
        self._proofs = Proofs()

    def advise(self, occurrences: _Occurrences, components: NDArray[np.int64]) -> Advice:
        """Advice for components that look alike, to be proved on one that nothing else holds, if there is one."""
        some = np.linspace(len(components) - 1, 0, min(len(components), _MOST_TRIED)).astype(int)
        for component in components[some].tolist():
            occurrence = occurrences.one(component)
            if occurrence.enclosed:
                break
        links = occurrences.read(component, occurrence)[1]
        kinds = {int(occurrence.kinds[link.source]) for link in links}
        needed = self._needed | self._elsewhere.owning(kinds)
        advice, advised = advise(occurrence, links, needed, saw_all=self._saw_all)
        if advised and not self._saw_all:
            advice.reason += f"; {_NOT_WATCHED}"
        keys = frozenset(map(class_of_edge, advised))
        self._keys |= keys
        if keys:
            self._propose(advice, trial_of(occurrence, keys))
            if not occurrence.enclosed and len(occurrence.objects) <= MOST_TRIED_OBJECTS:
                self._held.append((advice, occurrences.members(component)))
        return advice

    def prepare_proofs(self) -> None:
        """A cycle that other garbage holds dies only after that, by the advice for that."""
        for advice, members in self._held[:_MOST_HELD]:
            holders = with_all_that_holds_it(self._snapshot, self._garbage, members)
            occurrence, outermost = (occurrence_of(self._snapshot, each) for each in (members, holders))
            self._propose(advice, trial_of(occurrence, self._keys, outermost))

    def _propose(self, advice: Advice, trial: Trial | str) -> None:
        if isinstance(trial, str):
            advice.outcome = trial
        else:
            advice.prove = self._proofs.add(trial)


class _Occurrences:
    """The objects of one component at a time."""

    def __init__(
        self, snapshot: Snapshot, components: Components, inside: Cycles, coloring: Coloring
    ) -> None:
        self._snapshot = snapshot
        self._inside = inside
        self._ends = np.cumsum(components.sizes)
        self._order = _by_component(inside.of(components.labels), components)
        self._colours = coloring.colours
        self._latest_read: tuple[int, Folded, list[Link]] | None = None
        self._latest: tuple[int, Occurrence] | None = None  # a cycle of a million is read once

    def _places(self, component: int) -> NDArray[np.int32]:
        first = self._ends[component - 1] if component else 0
        return self._order[first : self._ends[component]]

    def members(self, component: int) -> NDArray[np.int32]:
        """Places of the component's objects in the snapshot, ascending."""
        places, members = self._places(component), self._inside.members
        return places if members is None else members[places]

    def one(self, component: int) -> Occurrence:
        """The component, object by object."""
        if self._latest is None or self._latest[0] != component:
            self._latest = None  # before the next takes as much
            occurrence = occurrence_in(self._snapshot, self._inside, self._places(component))
            self._latest = component, occurrence
        return self._latest[1]

    def read(self, component: int, occurrence: Occurrence) -> tuple[Folded, list[Link]]:
        """Its nodes and the named links between them."""
        if self._latest_read is None or self._latest_read[0] != component:
            self._latest_read = None
            colours = at(self._colours, self._places(component))
            folded = folded_of(occurrence, colours)
            self._latest_read = component, folded, read_links(occurrence, folded, colours)
        return self._latest_read[1:]

    def describe(self, component: int, *, named: bool) -> Description:
        """What the component looks like; without names of edges where that would cost too much."""
        occurrence = self.one(component)
        if not named:
            return Description(len(occurrence.objects), (), (), counts_of(occurrence.types, occurrence.kinds))
        folded, links = self.read(component, occurrence)
        return describe(occurrence, folded.nodes, links)

    def described(
        self, components: NDArray[np.int64], *, named: bool
    ) -> Iterator[tuple[Description, NDArray[np.int64]]]:
        """Components that have one signature, with what they look like; all at once where some of them agree.

        A name can differ where no signature does: ``.left`` set alone and ``.right`` set alone stand at one place.
        """
        places = {0, len(components) // 2, len(components) - 1}
        sample = {self.describe(int(components[place]), named=named) for place in places}
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
        members = self.members(component)[:_MOST_TRACED]
        found: Counter[str] = Counter()
        for member in members.tolist():
            trace = tracemalloc.get_object_traceback(self._snapshot.objects[member])
            if trace:
                found[f"{trace[-1].filename}:{trace[-1].lineno}"] += 1
        return [site for site, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SITES]]


def _by_component(labels: NDArray[np.int32], components: Components) -> NDArray[np.int32]:
    """Places of the objects that have a label, those of each component in a row."""
    if components.count == 1:
        return np.flatnonzero(labels == 0).astype(np.int32)
    order = np.argsort(labels, kind="stable")
    return order[len(order) - int(components.sizes.sum()) :].astype(np.int32)
