"""The proof of an advice: cut the edges in one real occurrence and see everything in it die, the collector off."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.advice.candidates import is_made_for_a_class
from garbology.advice.cutting import Cut, cut_of
from garbology.advice.edge_classes import EdgeClass, class_of_edge
from garbology.advice.side_effects import why_not_to_be_killed
from garbology.cycles.components import cyclic_components
from garbology.cycles.folding import Folded, Link, is_foldable
from garbology.cycles.occurrence import Occurrence, occurrence_of, with_all_that_holds_it
from garbology.cycles.result import ALL_FREED, ANOTHER_WATCH
from garbology.interpreter import collector, exclusive
from garbology.interpreter.refcounts import OwnReference
from garbology.interpreter.tracing import untraced
from garbology.names.nodes import has_code, node_name
from garbology.snapshot import snapshot as snapshots
from garbology.snapshot.arrays import among, counted, distinct
from garbology.snapshot.listing import listing, tracked_addresses
from garbology.snapshot.snapshot import addresses_of

MOST_TRIED_OBJECTS = 20_000  # of an occurrence that is cut edge by edge
HELD = "not tried: something else holds it"
_MOST_NAMED_HOLDERS = 2
_MOST_WAITED_SECONDS = 0.5  # for the windows of other threads


@dataclass
class Trial:
    """What is needed to find one occurrence again: addresses, no reference to any of its objects.

    Attributes
    ----------
    addresses, kinds : int64, shape (n,). ``id`` of each object and of its type.
    holders : int64. ``id`` of other garbage that holds the occurrence and has to go first, as far as it is there.
    keys : the edge classes to cut, in the holders as well.
    witness : a weak reference to one of the objects, None where none of them takes one. Once they are gone,
        others of the same types may stand where they stood.
    """

    addresses: NDArray[np.int64] = field(repr=False)
    kinds: NDArray[np.int64] = field(repr=False)
    holders: NDArray[np.int64] = field(repr=False)
    keys: frozenset[EdgeClass]
    witness: weakref.ref[Any] | None = field(default=None, repr=False)

    def cuts(self, objects: list[object]) -> list[Cut] | str:
        """How to cut the edges among ``objects``, what is at the addresses now, or why they are not cut.

        The list ``objects`` is emptied.
        """
        if not self._is_there(objects):
            return "it has been freed in the meantime"
        # What held it may be dead by now, and something else may stand where it stood: first without it.
        cuts = self._cuts_among(objects)
        objects.clear()  # or this list would hold them beside the next one
        if type(cuts) is str and len(self.holders):
            cuts = self._cuts_among(self._with_holders())
        return cuts

    def _with_holders(self) -> list[object]:
        """The occurrence and what holds it now; where a dead holder stood, something of ours may stand."""
        objects = _at(np.concatenate([self.addresses, self.holders]))
        taken = snapshots.take(objects)
        members = taken.index.find(self.addresses).astype(np.int64)
        holding = with_all_that_holds_it(taken, np.ones(len(taken), bool), members)
        return list(map(objects.__getitem__, holding.tolist()))

    def _cuts_among(self, objects: list[object]) -> list[Cut] | str:
        why_not = why_not_to_be_killed(objects)
        if why_not:
            return why_not
        taken = snapshots.take(objects)
        if not np.array_equal(taken.counts, np.bincount(taken.targets, minlength=len(objects))):
            return HELD.removeprefix("not tried: ")
        sources = {source for source, _, _ in self.keys}
        links = [link for link in _links_of_cycles(taken, sources) if class_of_edge(link) in self.keys]
        cuts = [cut for cut in (cut_of(link.steps) for link in links) if cut is not None]
        if not links or len(cuts) < len(links):
            return "only code of the program's own can cut it"
        return cuts

    def _is_there(self, objects: list[object]) -> bool:
        if self.witness is not None and self.witness() is None:
            return False
        return np.array_equal(addresses_of(list(map(type, objects))), self.kinds)


def _links_of_cycles(taken: snapshots.Snapshot, sources: Container[str]) -> Iterator[Link]:
    """The named links of each cycle, folded by itself as the finding did: what folds depends on who else holds it.

    Of objects whose name is not among ``sources`` none is asked for: to name what one object holds takes longest.
    """
    components = cyclic_components(taken, np.ones(len(taken), bool))
    order = np.argsort(components.labels, kind="stable")
    order = order[len(order) - int(components.sizes.sum()) :]
    for members in np.split(order, np.cumsum(components.sizes)[:-1]) if components.count else ():
        occurrence = occurrence_of(taken, members)
        folded = Folded(
            occurrence.objects,
            occurrence.in_degrees(),
            occurrence.types,
            occurrence.kinds,
            _places_of(occurrence.objects),
        )
        for node in folded.nodes.tolist():
            if node_name(occurrence.objects[node]) in sources:
                yield from folded.links_from(node)


def _places_of(objects: Sequence[object]) -> Callable[[NDArray[np.int64]], NDArray[np.int32]]:
    """From addresses to places in ``objects``, -1 where there is none: one at a time that is a dictionary's work."""
    places = dict(zip(addresses_of(objects).tolist(), range(len(objects)), strict=True))

    def find(addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        return np.array([places.get(address, -1) for address in addresses.tolist()], np.int32)

    return find


@untraced
def run_together(trials: Sequence[Trial]) -> list[str]:
    """For each trial what came of it, :data:`ALL_FREED` or why not all of it was.

    The heap is listed twice, however many trials there are. Of what one of them needs, no other may hold anything.
    """
    with exclusive.analysis(), collector.paused():
        there = _at_each([trial.addresses for trial in trials])
        cuts = [trial.cuts(there.pop(0)) for trial in trials]
        mark: list[object] = []  # what is made after it may stand where one of the dead stood
        outcomes = list(map(_make, cuts))
        del cuts
        counts = [len(trial.addresses) for trial in trials]
        left = _left([trial.addresses for trial in trials] + [trial.holders for trial in trials], mark)
        holders = map(_names_of, left[len(trials) :])
        return list(map(_outcome, outcomes, map(len, left), holders, counts))


def _make(cuts: list[Cut] | str) -> str:
    """Make the cuts, and let go of what they hold; if they are not to be made, say why."""
    if isinstance(cuts, str):
        return f"not tried: {cuts}"
    while cuts:
        with suppress(Exception):  # what two edges go through is cut by the first
            cuts.pop(0)()
    return ""


def _outcome(untried: str, left: int, holders: str, count: int) -> str:
    if untried or not left:
        return untried or ALL_FREED
    why = f", held by another cycle that stays closed ({holders})" if holders else ""
    return f"tried on one of them: {left:,} of {count:,} objects were left{why}"


def _names_of(addresses: NDArray[np.int64]) -> str:
    """What is at the addresses: a few names, most frequent first, containers only where there is nothing else."""
    if not len(addresses):
        return ""  # the heap is listed for each trial otherwise
    objects = _at(addresses)
    telling = [each for each in objects if not is_foldable(each) and not is_made_for_a_class(each)]
    names = counted(map(node_name, telling or [each for each in objects if has_code(type(each))] or objects))
    return ", ".join(sorted(names, key=lambda name: -names[name])[:_MOST_NAMED_HOLDERS])


class Proofs:
    """The trials of one finding, made together: a cycle that others hold is tried after those.

    None is made while another window is open that was opened before this finding was made. That window contains
    what is tried, and would not count it any more.
    """

    def __init__(self) -> None:
        self._made = exclusive.moment()
        self._patience_seconds = _MOST_WAITED_SECONDS
        self._trials: list[Trial] = []
        self._results: dict[int, str] = {}

    def add(self, trial: Trial) -> Callable[[], str]:
        """Take in a trial; what comes back makes all of them, once, and answers the outcome of this one.

        The answer is :data:`ANOTHER_WATCH` where none could be made yet; it may be asked again then.
        """
        self._trials.append(trial)
        return functools.partial(self._result, len(self._trials) - 1)

    def _result(self, number: int) -> str:
        if self._trials:
            if not self._is_alone():
                return ANOTHER_WATCH
            self._make_all()
        return self._results[number]

    def _is_alone(self) -> bool:
        alone = exclusive.wait_for_windows(self._made, self._patience_seconds)
        self._patience_seconds = 0.0  # a hundred shapes wait once
        return alone

    def _make_all(self) -> None:
        trials = dict(enumerate(self._trials))
        self._trials = []
        free = [each for each, trial in trials.items() if not len(trial.holders)]
        self._results.update(zip(free, run_together([trials.pop(each) for each in free]), strict=True))
        for each, trial in sorted(trials.items(), key=_by_holders):
            (self._results[each],) = run_together([trial])


def _by_holders(numbered: tuple[int, Trial]) -> int:
    return len(numbered[1].holders)


def _at(addresses: NDArray[np.int64]) -> list[object]:
    """The tracked objects at ``addresses`` as far as there are any, in that order."""
    return _at_each([addresses])[0]


def _at_each(several: Sequence[NDArray[np.int64]]) -> list[list[object]]:
    heap = listing()
    index = snapshots.Index.of(heap.addresses())
    found = []
    for places in map(index.find, several):
        # No comprehension: it would hold the listing in a cell, and the listing holds every cell.
        found.append(heap.some(places[places >= 0].tolist()))
    return found


def _left(several: Sequence[NDArray[np.int64]], mark: list[object]) -> list[NDArray[np.int64]]:
    """For each of ``several`` at which of the addresses something older than ``mark`` is."""
    made_since, everything = _made_since_and_all(mark)
    index = snapshots.Index.of(everything)
    older = [distinct(addresses[~among(addresses, made_since)]) for addresses in several]
    return [addresses[index.find(addresses) >= 0] for addresses in older]


def _made_since_and_all(mark: list[object]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Addresses of what was made after ``mark`` and of all there is; nothing counts as made since where the collector
    does not list its objects by age.

    Both lists are made by the same objects in one go: what is made for a second one alone would be in no first one.
    """
    if collector.kind() == "free-threaded":
        return np.empty(0, np.int64), tracked_addresses()
    both = tracked_addresses(0, None)
    end = int(np.flatnonzero(both == both[0])[-1])  # the list of all begins with the youngest, too
    young, everything = both[:end], both[end:]
    return young[np.append(np.flatnonzero(young == id(mark)), end)[0] :], everything


def trial_of(
    occurrence: Occurrence, keys: frozenset[EdgeClass], holders: Occurrence | None = None
) -> Trial | str:
    """The trial of cutting the edge classes ``keys``, or why there is none.

    ``holders`` is the occurrence with all garbage that holds it, where there is such.
    """
    outermost = holders or occurrence
    if len(outermost.objects) > MOST_TRIED_OBJECTS:
        what = "it" if holders is None else "with what holds it, it"
        return f"not tried: {what} has {len(outermost.objects):,} objects, more than are cut one by one"
    if not outermost.enclosed:
        return HELD
    addresses = addresses_of(occurrence.objects)
    kinds = addresses_of(list(map(type, occurrence.objects)))
    all_addresses = addresses_of(outermost.objects)
    holding = distinct(all_addresses[~among(all_addresses, addresses)])
    return Trial(addresses, kinds, holding, keys, _weak_reference(occurrence.objects))


def _weak_reference(objects: Sequence[object]) -> weakref.ref[Any] | None:
    for obj in objects:
        with suppress(TypeError):
            return OwnReference(obj)
    return None
