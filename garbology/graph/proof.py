"""The proof of an advice: cut the edges in one real occurrence and see everything in it die, the collector off."""

from __future__ import annotations

import functools
import gc
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
from garbology.graph.occurrence import Occurrence
from garbology.graph.severing import Cut, cut_of, why_not_to_be_killed
from garbology.graph.snapshot import addresses_of
from garbology.interpreter import collector

_MOST_OBJECTS = 20_000  # of an occurrence that is read edge by edge


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

    def run(self) -> bool:
        """Whether everything died; False where the occurrence is gone, in use, or not to be killed by us."""
        with collector.paused():
            cuts = self._cuts()
            if not cuts:
                return False
            mark: list[object] = []  # what is made after it may stand where one of the dead stood
            for cut in cuts:
                try:
                    cut()
                except Exception:
                    return False
            del cut, cuts
            return not len(_at(self.addresses, before=mark))

    def _cuts(self) -> list[Cut]:
        if not self._is_there():
            return []
        # What held it may be dead by now, and something else may stand where it stood: first without it.
        return self._cuts_among(_at(self.addresses)) or self._cuts_among(
            _at(np.concatenate([self.addresses, self.holders]))
        )

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

    def _is_there(self) -> bool:
        if self.witness is not None and self.witness() is None:
            return False
        found = _at(self.addresses)
        return np.array_equal(addresses_of(list(map(type, found))), self.kinds)


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
        trials = list(enumerate(self._trials))
        self._trials = []
        for each, trial in sorted(trials, key=_by_holders):
            self._results[each] = trial.run()
        return self._results[number]


def _by_holders(numbered: tuple[int, Trial]) -> int:
    return len(numbered[1].holders)


def _at(addresses: NDArray[np.int64], before: list[object] | None = None) -> list[object]:
    """The tracked objects at ``addresses`` as far as there are any, in that order; only older ones than ``before``."""
    heap = gc.get_objects()
    chosen = addresses
    if before is not None:
        young = addresses_of(gc.get_objects(generation=0))
        chosen = np.setdiff1d(addresses, young[np.flatnonzero(young == id(before))[0] :])
    places = snapshots.Index(heap).find(chosen)
    # No comprehension: it would hold the list in a cell, and the list holds every cell.
    return list(map(heap.__getitem__, places[places >= 0].tolist()))


def trial_of(
    occurrence: Occurrence, keys: frozenset[EdgeClass], holders: Occurrence | None = None
) -> Trial | None:
    """The trial of cutting the edge classes ``keys``; None where too much would have to be cut, or nothing.

    ``holders`` is the occurrence with all garbage that holds it, where there is such.
    """
    outermost = holders or occurrence
    if not outermost.enclosed or len(outermost.objects) > _MOST_OBJECTS or not keys:
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
