"""Which of the candidates to cut: the fewest names that leave no cycle, the better ones first."""

from __future__ import annotations

import functools
import types
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from garbology.advice.candidates import Candidate
from garbology.advice.frames import is_left_in_frame
from garbology.cycles.graphs import Graph, all_reached
from garbology.cycles.occurrence import Occurrence
from garbology.cycles.strong import strongly_connected
from garbology.names.classes import safe_type_name
from garbology.snapshot.arrays import among, distinct, tally
from garbology.text.escaping import joined

_MOST_CANDIDATES = 12  # edges that are also tried in pairs
_MOST_GROUPS = 8  # of like edges that are also tried three at a time
_MOST_GIVEN_UP = 64  # edges of which one after another is left out
_FEW_NAMES = 2
LEADING_ON = 6  # the rank of edges from older objects to younger ones, and of what is worse
MOST_NAMES = 8  # of edges of which each is needed; nobody judges more


class Choice:
    """The question which candidates open the cycles of an occurrence.

    Parameters
    ----------
    unbreakable : bool, shape (n,). Objects that stay on cycles whatever is cut: a class refers to itself.
    ranks : of each candidate; smaller is better.
    """

    def __init__(
        self,
        occurrence: Occurrence,
        ranks: Mapping[Candidate, int],
        unbreakable: NDArray[np.bool_] | None = None,
    ) -> None:
        self._occurrence = occurrence
        self._ranks = ranks
        self._unbreakable = unbreakable

    def opens(self, candidates: Sequence[Candidate]) -> bool:
        """Whether no cycle is left without these, but for those that nothing opens."""
        if not candidates:
            return False
        removed = functools.reduce(np.logical_or, [c.removed for c in candidates])
        if self._unbreakable is None:
            return self._occurrence.is_acyclic_without(removed)
        return not (on_cycles_without(self._occurrence, removed) & ~self._unbreakable).any()

    def fewest(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """The fewest edges, at most two; failing these the fewest groups of like edges, at most three; failing these
        some of which each is needed. Empty where all of them together do not open every cycle.

        Two names of edges that lead back are better than one edge that leads on: what an older object holds, it owns.
        """
        ordered = sorted(candidates, key=self._order)
        if not self.opens(ordered):
            return []
        leading_back = [candidate for candidate in ordered if self._ranks[candidate] < LEADING_ON]
        for part, most in ((leading_back, 2), (ordered, 3)):
            found = self._few_of(part, most)
            if found:
                return found
        return self._without_the_superfluous(ordered, self._indispensable(ordered))

    def names_of_few(self, candidates: Iterable[Candidate]) -> list[str]:
        """One or two names of edges that open the cycles, with their sources; none where it takes more."""
        names = sorted({joined(*candidate.key[:2]) for candidate in self.fewest(candidates)})
        return names if len(names) <= _FEW_NAMES else []

    def kinds_left(self, candidates: Iterable[Candidate]) -> list[str]:
        """The types of what is on cycles still without all the candidates."""
        removed = np.zeros(len(self._occurrence.targets), bool)
        for candidate in candidates:
            removed |= candidate.removed
        kinds = distinct(self._occurrence.kinds[on_cycles_without(self._occurrence, removed)])
        return sorted(safe_type_name(self._occurrence.types[kind]) for kind in kinds)

    def _few_of(self, ordered: list[Candidate], most: int) -> list[Candidate]:
        """One or two edges, or one or more groups of like edges, but ``most``; empty where these are too few."""
        if not self.opens(ordered):
            return []
        for unit in _units(ordered):
            if self.opens(unit):
                return unit
        always = self._indispensable(ordered)
        single = [(candidate,) for candidate in ordered]
        groups = self._groups_of_like_edges(ordered)
        choices: list[tuple[Sequence[tuple[Candidate, ...]], int]]
        choices = [(single[:_MOST_CANDIDATES], 2), (groups, 1), (groups[:_MOST_CANDIDATES], 2)]
        choices += [(groups[:_MOST_GROUPS], 3)] if most > 2 else []
        for some, size in choices:
            for chosen in combinations(some, size):
                edges = list(dict.fromkeys(candidate for group in chosen for candidate in group))
                if always.issubset(edges) and self.opens(edges):
                    return self._without_the_superfluous(edges, always)
        return []

    def _order(self, candidate: Candidate) -> tuple[int, bool, tuple[str, str, str]]:
        return self._ranks[candidate], not self.is_held_otherwise(candidate), candidate.key

    def is_held_otherwise(self, candidate: Candidate) -> bool:
        """Whether something on the cycle other than a frame's local and these edges holds all that they hold."""
        occurrence = self._occurrence
        if occurrence.is_large:
            return False
        frames = [kind for kind, own in enumerate(occurrence.types) if own is types.FrameType]
        kept = ~candidate.removed & ~among(occurrence.kinds[occurrence.sources], frames)
        held = tally(occurrence.targets[kept], len(occurrence.objects)) > 0
        return bool(held[occurrence.targets[candidate.removed]].all())

    def _indispensable(self, candidates: list[Candidate]) -> set[Candidate]:
        """Those without which all the others leave a cycle: in a large one a few questions save a hundred."""
        return {
            candidate
            for candidate in candidates[:_MOST_GIVEN_UP]
            if not self.opens([other for other in candidates if other is not candidate])
        }

    def _without_the_superfluous(
        self, candidates: list[Candidate], always: set[Candidate]
    ) -> list[Candidate]:
        """What is left when one name after another is given up, the last first, then one edge after another."""
        names: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            names[candidate.name].append(candidate)
        left = candidates
        single = [[candidate] for candidate in candidates[:_MOST_GIVEN_UP]]
        for group in [*reversed(names.values()), *reversed(single)]:
            fewer = [other for other in left if other not in group]
            if always.isdisjoint(group) and len(fewer) < len(left) and self.opens(fewer):
                left = fewer
        return left

    def _groups_of_like_edges(self, candidates: list[Candidate]) -> list[tuple[Candidate, ...]]:
        """Edges of one name, all of them or those from or to one type: sister classes have one line for them."""
        groups: dict[tuple[object, ...], list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            source, label, target = candidate.key
            younger = candidate.younger_to_older
            groups["to", source, label, younger].append(candidate)
            if candidate.name != label:
                groups["together", candidate.name, target].append(candidate)
                groups["together", candidate.name].append(candidate)
            if is_left_in_frame(candidate.links[0]):  # one exception keeps all its frames: `del` in each
                groups["left", target].append(candidate)
            if label.startswith("."):  # a variable of two functions is not one name
                groups["from", label, target, younger].append(candidate)
                groups["named", label, younger].append(candidate)
        distinct = dict.fromkeys(map(tuple, groups.values()))
        return sorted(distinct, key=lambda group: (self._ranks[group[0]], -len(group)))


def _units(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Each by itself; but what one tuple of an attribute holds is let go of together."""
    units: dict[object, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        together = all(type(link.steps[-1].holder) is tuple for link in candidate.links)
        units[candidate.key[:2] if together else candidate].append(candidate)
    return list(units.values())


def on_cycles_without(occurrence: Occurrence, removed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which objects are on cycles still once the ``removed`` references are gone: bool, shape (n,)."""
    count, labels = strongly_connected(_without(occurrence, removed))
    itself = np.zeros(len(occurrence.objects), bool)
    itself[occurrence.sources[(occurrence.sources == occurrence.targets) & ~removed]] = True
    sizes = np.bincount(labels, minlength=count)
    on_cycles: NDArray[np.bool_] = itself | (sizes[labels] > 1)
    return on_cycles


def reached_from(
    occurrence: Occurrence, places: NDArray[np.bool_], removed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which objects some of them (bool, shape (n,)) lead to without the ``removed`` references, themselves included."""
    return all_reached(_without(occurrence, removed), places)


def _without(occurrence: Occurrence, removed: NDArray[np.bool_]) -> Graph:
    """Its references, with one of the source to itself in the place of each of the ``removed``."""
    left = np.where(removed, occurrence.sources, occurrence.targets).astype(np.int32)
    return Graph(occurrence.starts, left)
