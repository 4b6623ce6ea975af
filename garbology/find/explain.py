"""From a window's objects to a finding: garbage, cycles, shapes, bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from garbology.advice.advice import advise, opens_every_cycle
from garbology.advice.candidates import candidates_of
from garbology.advice.edge_classes import EdgeClass, class_of_edge
from garbology.advice.frames import is_of_an_ended_call
from garbology.advice.origins import Calls, with_origins
from garbology.advice.ownership import NeededElements, OwnershipIndex
from garbology.advice.proof import MOST_TRIED_OBJECTS, Proofs, Trial, trial_of
from garbology.advice.together import Together
from garbology.cycles import components as cycles
from garbology.cycles.coloring import color
from garbology.cycles.components import Components, without_dropped
from garbology.cycles.folding import Link
from garbology.cycles.grouping import Group, Grouping, grouped
from garbology.cycles.keys import generalised
from garbology.cycles.occurrence import occurrence_of, with_all_that_holds_it
from garbology.cycles.occurrences import Occurrences
from garbology.cycles.reachability import unreachable
from garbology.cycles.result import Advice, CycleShape
from garbology.cycles.shapes import Description, counts_of
from garbology.find.crossing import older_garbage
from garbology.find.familiar import Familiar
from garbology.find.few import leaks_if_all_is_alive
from garbology.leaks.leak import Leaks
from garbology.leaks.leaks import find_leaks
from garbology.names.members import members_of
from garbology.sizes.retained import RetainedSizes, holdings
from garbology.snapshot import snapshot as snapshots
from garbology.snapshot.arrays import tally
from garbology.snapshot.judging import Opening
from garbology.snapshot.snapshot import Snapshot

_MOST_TRIED = 16  # occurrences looked at for one that nothing else holds
_MOST_HELD = 32  # shapes whose proof has to free other cycles first
Wanted = Callable[[CycleShape], bool]
_Advised = tuple[int, Advice, list[Link]]  # the cycle that was read, and what it means
_NOT_WATCHED = "the work was not watched to its end, so ask first who may need this"


@dataclass
class Finding:
    """Numbers and names, none of the objects."""

    garbage: int = 0
    garbage_bytes: int = 0
    shapes: list[CycleShape] = field(default_factory=list)
    leaks: Leaks = field(default_factory=Leaks)


def explain(
    objects: list[object],
    ending: list[object],
    ending_counts: NDArray[np.int64],
    needed: Set[EdgeClass] = frozenset(),
    read_elements: Callable[[list[object]], frozenset[tuple[int, int]]] | None = None,
    *,
    together: Together | None = None,
    saw_all: bool = True,
    all_garbage: bool = False,
    opening: Opening | None = None,
    look_at_older: bool = False,
    read_calls: Callable[[], Calls] | None = None,
    wants_advice: Wanted | None = None,
) -> Finding:
    """Find and explain the garbage among ``objects``, a list that the caller gives away.

    ``ending`` are objects that the caller lets go when it ends, and ``ending_counts`` their reference counts
    before the objects were made: what is held more often now, and by garbage alone, becomes garbage then.
    ``needed`` are edge classes that an advice must not weaken (see :mod:`garbology.advice.live_observer`).
    ``read_elements`` is given ``objects`` where they may be garbage, and answers the addresses of containers, each with
    that of something that must not be weakened in it; it may add to ``needed`` and ``together``.
    ``together`` knows edges of which one must stay strong.
    ``saw_all`` says that what was needed is known to the end of the work; where it is not, the advice says so.
    ``all_garbage`` says that the collector has found all of ``objects`` unreachable; they are not counted then.
    ``opening`` knows whether it can be judged what C code holds; without it that is not asked.
    ``read_calls`` answers the functions that ran while ``objects`` were made.
    ``wants_advice`` is asked of each shape, as far as it is known without advice; by itself all have it.
    ``look_at_older`` also looks for garbage that is half older than ``objects`` (see :mod:`garbology.find.crossing`).
    """
    leaks = None if all_garbage else leaks_if_all_is_alive(objects, opening)
    if leaks is not None:
        return Finding(leaks=leaks)
    elements = frozenset() if read_elements is None else read_elements(objects)
    if all_garbage:
        snapshot = snapshots.take(objects)
        garbage = np.ones(len(snapshot), bool)
    else:
        snapshot, garbage = judged(objects)
    older = older_garbage(snapshot, garbage) if look_at_older else []
    if older:
        objects[:0] = older
        older.clear()
        read_calls = None  # they are not known of older objects
        snapshot, garbage = judged(objects)
    leaks = find_leaks(snapshot, garbage, opening=opening)
    if not garbage.any():
        return Finding(leaks=leaks)
    components = cycles.cyclic_components(snapshot, garbage)
    known = NeededElements(snapshot, components, elements)
    elsewhere = OwnershipIndex(snapshot, components, garbage)
    calls = {} if read_calls is None else read_calls()
    advisor = _Advisor(snapshot, garbage, needed, known, together, elsewhere, saw_all, calls)
    weights = holdings(snapshot, garbage, components, ending, ending_counts)
    return Finding(
        garbage=int(garbage.sum()) + weights.dependents,
        garbage_bytes=weights.total_bytes,
        shapes=_shapes(snapshot, components, weights, advisor, wants_advice) if components.count else [],
        leaks=leaks,
    )


def judged(objects: list[object]) -> tuple[Snapshot, NDArray[np.bool_]]:
    """A snapshot of ``objects``, which the caller gives away, and which of them only the collector can free."""
    snapshot = snapshots.take(objects)
    return snapshot, without_dropped(snapshot, unreachable(snapshot))


def explain_garbage(
    snapshot: Snapshot, garbage: NDArray[np.bool_], wants_advice: Wanted, familiar: Familiar
) -> Finding:
    """The ``garbage`` of all objects of some generations, with advice for the shapes that ``wants_advice``.

    Nothing is tried, nothing older is looked at, and nothing is said of what is alive. A shape that ``familiar`` knows
    is not read again, and has no advice.
    """
    if not garbage.any():
        return Finding()
    components = cycles.cyclic_components(snapshot, garbage)
    weights = holdings(snapshot, garbage, components, [], np.empty(0, np.int64))
    if not components.count:
        return Finding(int(garbage.sum()), weights.total_bytes)
    found = familiar.recognise(snapshot, components, weights, wants_advice)
    if found.others.count:
        known = NeededElements(snapshot, components, frozenset())
        elsewhere = OwnershipIndex(snapshot, components, garbage)
        advisor = _Advisor(snapshot, garbage, frozenset(), known, None, elsewhere, False, {})

        def learn(shape: CycleShape, read: list[int]) -> None:
            familiar.learn(shape, found.signatures[read])

        found.shapes += _shapes(snapshot, found.others, found.weights, advisor, wants_advice, learn)
    for shape in found.shapes:
        if shape.advice is not None:
            shape.advice.prove, shape.advice.outcome = None, ""
    return Finding(int(garbage.sum()), weights.total_bytes, found.shapes)


def _shapes(
    snapshot: Snapshot,
    components: Components,
    weights: RetainedSizes,
    advisor: _Advisor,
    wants_advice: Wanted | None = None,
    learn: Callable[[CycleShape, list[int]], None] | None = None,
) -> list[CycleShape]:
    inside = cycles.cycles_in(snapshot, components)
    ordered = color(snapshot, components, inside, ordered=True)
    occurrences = Occurrences(snapshot, components, inside, ordered)
    grouping = grouped(snapshot, components, inside, ordered.signatures, weights.component_bytes, occurrences)
    shapes = []
    for group in grouping.groups:
        first = int(group.members[0])
        shape = _counted(group.description, group.members, components, weights)
        shape.edges = group.edges()
        shape.sites = occurrences.sites(first)
        shape.members = _members(occurrences, first)
        if wants_advice is None or wants_advice(shape):
            shape.edges = with_origins(shape.edges, occurrences.read(first)[1], advisor.calls)
            shape.advice = advisor.advise(occurrences, _largest_first(group.members, components), group)
        if learn is not None:
            learn(shape, group.read)
        shapes.append(shape)
    advisor.prepare_proofs()
    shapes.sort(key=lambda shape: (-shape.bytes, -shape.count, shape.edges))
    return shapes + _rest(grouping, components, weights, occurrences)


def _counted(
    description: Description, members: NDArray[np.int64], components: Components, weights: RetainedSizes
) -> CycleShape:
    """A shape that occurs in ``members`` (components)."""
    objects = components.sizes[members]
    return CycleShape(
        count=len(members),
        objects=description.objects,
        bytes=int(weights.component_bytes[members].sum()),
        nodes=list(description.nodes),
        edges=list(description.edges),
        types=dict(description.types),
        objects_low=int(objects.min()),
        objects_high=int(objects.max()),
        garbage=int(weights.component_objects[members].sum()),
    )


def _rest(
    grouping: Grouping, components: Components, weights: RetainedSizes, occurrences: Occurrences
) -> list[CycleShape]:
    """One entry for all shapes that were not described, if there are such."""
    members = grouping.rest
    if not len(members):
        return []
    largest = occurrences.one(int(members[components.sizes[members].argmax()]))
    types = counts_of(largest.types, largest.kinds)
    shape = _counted(Description(len(largest.objects), (), (), types, {}, 0), members, components, weights)
    shape.distinct = grouping.distinct
    shape.members = _members(occurrences, int(members[components.sizes[members].argmax()]))
    return [shape]


def _members(occurrences: Occurrences, component: int) -> list[str]:
    """Whose one occurrence of a shape is."""
    occurrence = occurrences.one(component)
    there = np.flatnonzero(tally(occurrence.kinds, len(occurrence.types))).tolist()
    return members_of(occurrence.objects, [occurrence.types[kind] for kind in there])


def _largest_first(members: NDArray[np.int64], components: Components) -> NDArray[np.int64]:
    """Components, those first that have most objects but can still be tried, and of equal ones the youngest."""
    objects = components.sizes[members]
    return members[np.lexsort((-members, -objects, objects > MOST_TRIED_OBJECTS))]


class _Advisor:
    """Advice for each shape, and the proof of it, which may need that of others.

    Parameters
    ----------
    needed : edge classes that an advice must not weaken.
    elements : containers, with what must not be weakened in them.
    together : edges of which one must stay strong.
    elsewhere : where further such edge classes are found.
    saw_all : whether ``needed`` is known to the end of the work.
    calls : the functions that ran; empty where that is not known.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        garbage: NDArray[np.bool_],
        needed: Set[EdgeClass],
        elements: NeededElements,
        together: Together | None,
        elsewhere: OwnershipIndex,
        saw_all: bool,
        calls: Calls,
    ) -> None:
        self.calls = calls
        self._snapshot = snapshot
        self._garbage = garbage
        self._needed = needed
        self._together = together
        self._elements = elements
        self._elsewhere = elsewhere
        self._saw_all = saw_all
        self._needed_in_shape: set[EdgeClass] = set()
        self._keys: frozenset[EdgeClass] = frozenset()
        self._held: list[tuple[Advice, NDArray[np.int32]]] = []
        self._proofs = Proofs()

    def advise(self, occurrences: Occurrences, members: NDArray[np.int64], group: Group) -> Advice:
        """Advice for the components of one shape, to be proved on one that nothing else holds, if there is one."""
        some = np.linspace(0, len(members) - 1, min(len(members), _MOST_TRIED)).astype(int)
        for component in members[some].tolist():
            if occurrences.one(component).enclosed:
                break
        differing = group.differing.values()
        self._needed_in_shape = self._elements.classes_in(occurrences, members)
        advice, advised = self._advised(occurrences, component, differing)
        if advised and group.structures > 1:
            others = dict.fromkeys(members[[0, len(members) // 2, -1]].tolist())
            component, advice, advised = self._for_all(
                occurrences,
                (component, advice, advised),
                [each for each in others if each != component],
                differing,
            )
        if not self._saw_all and not all(map(is_of_an_ended_call, advised)):
            advice.reason += f"; {_NOT_WATCHED}"
        keys = frozenset(map(class_of_edge, advised))
        self._keys |= keys
        if keys:
            occurrence = occurrences.one(component)
            self._propose(advice, trial_of(occurrence, keys))
            if not occurrence.enclosed and len(occurrence.objects) <= MOST_TRIED_OBJECTS:
                self._held.append((advice, occurrences.members(component)))
        return advice

    def _advised(
        self, occurrences: Occurrences, component: int, differing: Collection[str]
    ) -> tuple[Advice, list[Link]]:
        """The advice for one cycle, and the links it means, keys left out that are ``differing``."""
        occurrence = occurrences.one(component)
        links = generalised(occurrences.read(component)[1], differing)
        kinds = {int(occurrence.kinds[link.source]) for link in links}
        needed = frozenset(self._needed) | self._needed_in_shape | self._elsewhere.owning(kinds)
        advice, advised = advise(occurrence, links, needed, self._together, saw_all=self._saw_all)
        advice.edges = with_origins(advice.edges, advised, self.calls)
        return advice, advised

    def _for_all(
        self,
        occurrences: Occurrences,
        first: _Advised,
        others: list[int],
        differing: Collection[str],
    ) -> _Advised:
        """The advice that opens the ``others`` as well, or the first where none does."""
        closed = [each for each in others if not _opens(occurrences, each, first[2])]
        for component in closed:
            advice, advised = self._advised(occurrences, component, differing)
            rest = [first[0], *(each for each in others if each != component)]
            if advised and all(_opens(occurrences, each, advised) for each in rest):
                return component, advice, advised
        if closed:
            first[1].reason += "; some of these cycles have further ways round"
        return first

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


def _opens(occurrences: Occurrences, component: int, advised: list[Link]) -> bool:
    """Whether no cycle is left in a component without the classes of the ``advised`` edges."""
    keys = frozenset(map(class_of_edge, advised))
    occurrence = occurrences.one(component)
    candidates = candidates_of(occurrence, occurrences.read(component)[1])
    return opens_every_cycle(occurrence, [each for each in candidates if each.key in keys])
