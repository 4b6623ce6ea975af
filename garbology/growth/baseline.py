"""A first census, and what has changed at each later one."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from garbology.growth.attribution import Attribution, attribute
from garbology.growth.census import Census
from garbology.interpreter.traversal import safe_referents
from garbology.names.edges import named_referents
from garbology.names.hidden import hides, unseen_referents
from garbology.sizes.sizes import held_bytes, object_bytes
from garbology.snapshot.addresses import among

_MOST_READ_OBJECTS = 8  # at a census, of which each referent is weighed
_MOST_READ_ENTRIES = 5_000
_FEWEST_COMPARED = 2
_NOTHING = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class State:
    """A census and what has changed since the first one.

    Attributes
    ----------
    step : after how many steps, or seconds.
    live_bytes : of all objects that are there, garbage included; ``c_bytes`` is what `malloc` handed out for them.
    beyond_bytes : anonymous memory of the process beyond what the allocators hold; 0 where that is not known.
    unheld_bytes : of new objects that no older one leads to: garbage, and what C code or a running function holds.
    places : int32. Which objects of the first census have more or less than then, and ``gained`` by how much.
    entries : int32. How many more entries than then those have that are containers; 0 of others.
    leaves : of those of them that gained most by what is not tracked: bytes of each such referent, by its label.
    """

    step: float
    live_bytes: int
    c_bytes: int
    unheld_bytes: int
    beyond_bytes: int
    places: NDArray[np.int32]
    gained: NDArray[np.int64]
    entries: NDArray[np.int32]
    leaves: dict[int, dict[str, int]]


@dataclass(frozen=True)
class Last:
    """The last census with the objects; let it go soon, for it holds them all."""

    objects: list[object]
    census: Census
    attribution: Attribution
    first_lengths: NDArray[np.int32]

    def entries_of_each(self) -> NDArray[np.int32]:
        """How many more entries each container of the first census has than then: int32, shape (n,); 0 of others."""
        entries = np.zeros(len(self.first_lengths), np.int32)
        old = np.flatnonzero(self.attribution.before >= 0)
        places = self.attribution.before[old]
        entries[places] = self.census.lengths[old] - self.first_lengths[places]
        return entries

    def entries_gained(self, place: int) -> int:
        """How many more entries the object at ``place`` of the first census has than then; of one that is no container,
        how many new objects it refers to.
        """
        now = self.attribution.place_now(place)
        if now < 0:
            return 0
        if self.first_lengths[place] >= 0:
            return int(self.census.lengths[now] - self.first_lengths[place])
        return len(np.unique(self.census.targets[self.census.sources == now]))


class Baseline:
    """The census from which growth is counted, and the states since; the first of them is its own."""

    __slots__ = ("_addresses", "_first", "states")

    def __init__(self, first: Census, step: float, beyond_bytes: int) -> None:
        self._first = first
        self._addresses = np.sort(first.addresses)
        self.states = [State(step, first.total_bytes, first.c_bytes, 0, beyond_bytes, *_NOTHING, {})]

    def is_new(self, addresses: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which addresses nothing had at first: bool, shape (n,)."""
        return ~among(addresses, self._addresses)

    def compare(self, objects: list[object], census: Census, new: NDArray[np.bool_]) -> Last:
        """What ``census``, of ``objects``, has more; ``new`` (bool, shape (n,)) says which of them are."""
        return Last(objects, census, attribute(self._first, census, new), self._first.lengths)

    def add(self, last: Last, step: float, beyond_bytes: int) -> None:
        """The state of a later census."""
        gained = last.attribution.gained
        places = np.flatnonzero(gained).astype(np.int32)
        self.states.append(
            State(
                step,
                last.census.total_bytes,
                last.census.c_bytes,
                last.attribution.unheld,
                beyond_bytes,
                places,
                gained[places],
                last.entries_of_each()[places],
                self._leaves_of(last),
            )
        )

    def growing_leaf(self, place: int) -> str:
        """The label of what is not tracked and has grown most, of an object of the first census; empty if unknown."""
        seen = [state.leaves[place] for state in self.states if place in state.leaves]
        if len(seen) < _FEWEST_COMPARED:
            return ""
        grown = {label: size - seen[0].get(label, 0) for label, size in seen[-1].items()}
        label = max(grown, key=grown.__getitem__, default="")
        return label if grown.get(label, 0) > 0 else ""

    def kept(self) -> list[object]:
        """What is the instrument's own of it."""
        leaves = [state.leaves for state in self.states]
        below = [each for of_state in leaves for each in of_state.values()]
        return [self, self.states, *self.states, *leaves, *below, self._first]

    def _leaves_of(self, last: Last) -> dict[int, dict[str, int]]:
        """Of the objects that gained most themselves, what they have that is not tracked."""
        before = last.attribution.before
        old = np.flatnonzero(before >= 0)
        own = last.census.bytes[old] - self._first.bytes[before[old]]
        most = old[np.argsort(-own)[:_MOST_READ_OBJECTS]].tolist()
        return {
            int(before[place]): leaf_bytes(last.objects[place])
            for place in most
            if last.census.bytes[place] > self._first.bytes[before[place]]
            and last.census.lengths[place] < _MOST_READ_ENTRIES
        }


def leaf_bytes(obj: object) -> dict[str, int]:
    """What an object has that is not tracked, with what that holds in turn: bytes by label."""
    return {
        label: object_bytes(referent) + _bytes_below(referent)
        for label, referent in named_referents(obj)
        if not gc.is_tracked(referent)
    }


def _bytes_below(leaf: object) -> int:
    below = [*safe_referents(leaf), *(unseen_referents(leaf) if hides(type(leaf)) else ())]
    return held_bytes(each for each in below if not gc.is_tracked(each))
