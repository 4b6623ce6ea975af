"""The proof of an advice: cut the edges in one real occurrence and see everything in it die, the collector off."""

from __future__ import annotations

import functools
import gc
import operator
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.graph import snapshot as snapshots
from garbology.graph.advice import EdgeClass, class_of_edge
from garbology.graph.folding import Folded
from garbology.graph.occurrence import Occurrence, with_all_that_holds_it
from garbology.graph.severing import Cut, cut_of, why_not_to_be_killed
from garbology.graph.snapshot import addresses_of
from garbology.interpreter import collector, exclusive

MOST_TRIED_OBJECTS = 20_000  # of an occurrence that is cut edge by edge


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

    def cuts(self, objects: list[object]) -> list[Cut]:
        """How to cut the edges among ``objects``, what is at the addresses now; empty where that must not be.

        The list ``objects`` is emptied.
        """
        if not self._is_there(objects):
            return []
        # What held it may be dead by now, and something else may stand where it stood: first without it.
        cuts = self._cuts_among(objects)
        objects.clear()  # or this list would hold them beside the next one
        if not cuts and len(self.holders):
            cuts = self._cuts_among(self._with_holders())
        return cuts

    def _with_holders(self) -> list[object]:
        """The occurrence and what holds it now; where a dead holder stood, something of ours may stand."""
        objects = _at(np.concatenate([self.addresses, self.holders]))
        taken = snapshots.take(objects)
        members = taken.index.find(self.addresses).astype(np.int64)
        holding = with_all_that_holds_it(taken, np.ones(len(taken), bool), members)
        return list(map(objects.__getitem__, holding.tolist()))

    def _cuts_among(self, objects: list[object]) -> list[Cut]:
        if why_not_to_be_killed(objects):
            return []
        taken = snapshots.take(objects)
        in_degrees = np.bincount(taken.targets, minlength=len(objects))
        if not np.array_equal(taken.counts, in_degrees):
            return []  # something else holds them
        folded = Folded(objects, in_degrees)
        links = [link for node in folded.nodes.tolist() for link in folded.links_from(node)]
        cuts = [cut_of(link.steps) for link in links if class_of_edge(link) in self.keys]
        return [] if None in cuts else [cut for cut in cuts if cut is not None]

    def _is_there(self, objects: list[object]) -> bool:
        if self.witness is not None and self.witness() is None:
            return False
        return np.array_equal(addresses_of(list(map(type, objects))), self.kinds)


def run_together(trials: Sequence[Trial]) -> list[bool]:
    """For each trial whether everything died; False where the occurrence is gone, in use, or not to be killed by us.

    The heap is listed twice, however many trials there are. Of what one of them needs, no other may hold anything.
    """
    with exclusive.analysis(), collector.paused():
        there = _at_each([trial.addresses for trial in trials])
        cuts = [trial.cuts(there.pop(0)) for trial in trials]
        mark: list[object] = []  # what is made after it may stand where one of the dead stood
        done = [bool(each) and _is_done(each) for each in cuts]
        del cuts
        return list(map(operator.and_, done, _died([trial.addresses for trial in trials], mark)))


def _is_done(cuts: list[Cut]) -> bool:
    """Make the cuts, and let go of what they hold."""
    try:
        while cuts:
            cuts.pop(0)()
    except Exception:
        cuts.clear()
        return False
    return True


class Proofs:
    """The trials of one finding, made together: a cycle that others hold is tried after those."""

    def __init__(self) -> None:
        self._trials: list[Trial] = []
        self._results: dict[int, bool] = {}

    def add(self, trial: Trial) -> Callable[[], bool]:
        """Take in a trial; what comes back makes all of them, once, and answers the result of this one."""
        self._trials.append(trial)
        return functools.partial(self._result, len(self._trials) - 1)

    def _result(self, number: int) -> bool:
        if self._trials:
            self._make_all()
        return self._results[number]

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
    heap = gc.get_objects()
    index = snapshots.Index(heap)
    found = []
    for addresses in several:
        places = index.find(addresses)
        # No comprehension: it would hold the list in a cell, and the list holds every cell.
        found.append(list(map(heap.__getitem__, places[places >= 0].tolist())))
    return found


def _died(several: Sequence[NDArray[np.int64]], mark: list[object]) -> list[bool]:
    """For each of ``several`` whether nothing older than ``mark`` is at any of the addresses."""
    made_since = _made_since(mark)
    index = snapshots.Index(gc.get_objects())
    return [bool((index.find(np.setdiff1d(addresses, made_since)) < 0).all()) for addresses in several]


def _made_since(mark: list[object]) -> NDArray[np.int64]:
    """Addresses of what was made after ``mark``; none where the collector does not list its objects by age."""
    if collector.kind() == "free-threaded":
        return np.empty(0, np.int64)
    young = addresses_of(gc.get_objects(generation=0))
    return young[np.append(np.flatnonzero(young == id(mark)), len(young))[0] :]


def trial_of(
    occurrence: Occurrence, keys: frozenset[EdgeClass], holders: Occurrence | None = None
) -> Trial | None:
    """The trial of cutting the edge classes ``keys``; None where too much would have to be cut, or nothing.

    ``holders`` is the occurrence with all garbage that holds it, where there is such.
    """
    outermost = holders or occurrence
    if not outermost.enclosed or len(outermost.objects) > MOST_TRIED_OBJECTS or not keys:
        return None
    addresses = addresses_of(occurrence.objects)
    kinds = addresses_of(list(map(type, occurrence.objects)))
    holding = np.setdiff1d(addresses_of(outermost.objects), addresses)
    return Trial(addresses, kinds, holding, keys, _weak_reference(occurrence.objects))


def _weak_reference(objects: Sequence[object]) -> weakref.ref[Any] | None:
    for obj in objects:
        with suppress(TypeError):
            return weakref.ref(obj)
    return None
