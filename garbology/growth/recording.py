"""What is read while calls or steps go on: the allocators' figures at each, a census of the heap at some.

What the instrument keeps itself is taken off: the figures are read before and after each census. What is kept has a
bounded size, so that a program may take millions of steps.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from itertools import chain, compress
from types import FunctionType, ModuleType

import numpy as np
from numpy.typing import NDArray

from garbology.find.collected import Collections
from garbology.growth.attribution import Attribution, attribute
from garbology.growth.census import Census, take_census
from garbology.interpreter.allocators import Reserves, read_allocated
from garbology.interpreter.contents import items_of
from garbology.interpreter.traversal import safe_referents
from garbology.names.edges import named_referents
from garbology.names.hidden import hides, unseen_referents
from garbology.recorders.memory import anonymous_bytes
from garbology.sizes.sizes import held_bytes, object_bytes
from garbology.snapshot.addresses import addresses_of, among
from garbology.snapshot.listing import closed, listing
from garbology.snapshot.roots import own_modules

_MOST_READINGS = 1_024  # then every other one is dropped
_MOST_STATES = 16
_READINGS_TO_SETTLE = 100
_MOST_READ_OBJECTS = 8  # at a census, of which each referent is weighed
_MOST_READ_ENTRIES = 5_000
_FEWEST_COMPARED = 2
_COLUMNS = 4  # step, used, kept, c_used


@dataclass(frozen=True, slots=True)
class State:
    """A census and what has changed since the first one.

    Attributes
    ----------
    step : after how many steps.
    live_bytes : of all objects that are there, garbage included; ``c_bytes`` is what `malloc` handed out for them.
    beyond_bytes : anonymous memory of the process beyond what the allocators hold; 0 where that is not known.
    unheld_bytes : of new objects that no older one leads to: garbage, and what C code or a running function holds.
    places : int32. Which objects of the first census have more or less than then, and ``gained`` by how much.
    entries : int32. How many more entries than then those have that are containers; 0 of others.
    leaves : of those of them that gained most by what is not tracked: bytes of each such referent, by its label.
    """

    step: int
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


class Recorder:
    """Records steps, from :meth:`start` to :meth:`finish`.

    Parameters
    ----------
    collections : of the window in which the steps are taken, which knows what is new; without one, what has an address
        that nothing had at first is new.
    every : steps between two censuses.
    """

    __slots__ = (
        *("_after", "_before", "_collections", "_every", "_first", "_reserves"),
        *("_old", "_readings", "_stride", "_taken_off"),
        *("states", "steps"),
    )

    def __init__(self, collections: Collections | None, every: int) -> None:
        self._collections = collections
        self._every = every
        self._readings = np.zeros((_MOST_READINGS, _COLUMNS))
        self._stride = 1
        self._taken_off, self._before, self._after = np.zeros((3, _COLUMNS))
        self._reserves = Reserves()
        self.steps = 0
        self.states: list[State] = []  # the first is that of the first census

    @property
    def readings(self) -> NDArray[np.float64]:
        """A row for each step that was read: step, bytes in use, bytes kept by allocators, bytes in use of `malloc`."""
        return self._readings[: self.steps // self._stride + 1]

    def start(self) -> None:
        """The first census, and the reading from which growth is counted.

        What a reading makes fills CPython's free lists at first, as would be seen in the figures.
        """
        for _ in range(_READINGS_TO_SETTLE):
            self._figures(self._before)
        with self._reserves:
            self._count_first()
        if self._collections:
            self._collections.apart = _Apart(self)
        self._read()

    def _count_first(self) -> None:
        objects, ours = self._objects()
        first = self._first = take_census(objects, np.zeros(len(objects), bool), ours)
        self._old = np.sort(first.addresses)
        nothing = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32)
        self.states.append(State(0, first.total_bytes, first.c_bytes, 0, _beyond_allocators(), *nothing, {}))

    def step(self) -> None:
        """One more is done."""
        self.steps += 1
        if self.steps // self._stride >= _MOST_READINGS:
            self._thin_out()
        if self.steps % self._stride == 0:
            self._read()
        if self.steps % self._every == 0:
            self._count()

    def finish(self) -> Last | None:
        """The last census; None where there was no step."""
        if self._collections:
            self._collections.apart = None
        if not self.steps:
            return None
        if self.states[-1].step == self.steps:
            self.states.pop()
        self._reserves.let_go()
        beyond = _beyond_allocators()
        last = self._census()
        self.states.append(self._state_of(last, beyond))
        return last

    def close(self) -> None:
        """Let go of what was kept from the allocators; nothing is recorded afterwards."""
        self._reserves.let_go()

    def growing_leaf(self, place: int) -> str:
        """The label of what is not tracked and has grown most, of an object of the first census; empty if unknown."""
        seen = [state.leaves[place] for state in self.states if place in state.leaves]
        if len(seen) < _FEWEST_COMPARED:
            return ""
        grown = {label: size - seen[0].get(label, 0) for label, size in seen[-1].items()}
        label = max(grown, key=grown.__getitem__, default="")
        return label if grown.get(label, 0) > 0 else ""

    def _read(self) -> None:
        row = self._readings[self.steps // self._stride]
        self._figures(row)
        row -= self._taken_off

    def _figures(self, row: NDArray[np.float64]) -> None:
        """Write the figures of now into ``row``: what is made to read them is not to be there when they are read."""
        told = read_allocated()
        row[0] = self.steps
        row[1:] = (told.used, told.kept, told.c_used) if told else np.nan

    def _thin_out(self) -> None:
        kept = self._readings[::2].copy()
        self._readings[: len(kept)] = kept
        self._stride *= 2

    def _count(self) -> None:
        with _Apart(self):
            if len(self.states) >= _MOST_STATES:
                del self.states[1::2]
                self._every *= 2
            beyond = _beyond_allocators()
            self.states.append(self._state_of(self._census(), beyond))
            if self._collections is None:
                gc.collect()  # it empties free lists that the census has filled, as that of the next call would

    def _census(self) -> Last:
        made = self._made()
        objects, ours = self._objects()
        addresses = addresses_of(objects)
        new = among(addresses, made) | ~among(addresses, self._old)
        census = take_census(objects, new, ours)
        return Last(objects, census, attribute(self._first, census, new), self._first.lengths)

    def _made(self) -> NDArray[np.int64]:
        """The addresses of what was made in the window, sorted; none where that is not known."""
        window, known = self._collections.window() if self._collections else ([], False)
        return np.sort(addresses_of(window)) if known else np.empty(0, np.int64)

    def _objects(self) -> tuple[list[object], NDArray[np.int64]]:
        """All that is tracked but for the instrument's own, whose addresses are the second (int64, sorted)."""
        objects = closed(listing())
        ours = np.sort(addresses_of([self, self.states, *self.states, *self._kept(), *_own_values()]))
        return list(compress(objects, (~among(addresses_of(objects), ours)).tolist())), ours

    def _kept(self) -> list[object]:
        leaves = [state.leaves for state in self.states]
        return [
            *leaves,
            *(below for each in leaves for below in each.values()),
            *([self._first] if leaves else []),
            *self._reserves.kept(),
            *(self._collections.kept() if self._collections else ()),
        ]

    def _state_of(self, last: Last, beyond: int) -> State:
        gained = last.attribution.gained
        places = np.flatnonzero(gained).astype(np.int32)
        return State(
            self.steps,
            last.census.total_bytes,
            last.census.c_bytes,
            last.attribution.unheld,
            beyond,
            places,
            gained[places],
            last.entries_of_each()[places],
            self._leaves_of(last),
        )

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


class _Apart:
    """Own work: the memory that it leaves in use is taken off, and lists of freed blocks are as before."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        self._recorder._figures(self._recorder._before)
        self._recorder._reserves.__enter__()

    def __exit__(self, *error: object) -> None:
        recorder = self._recorder
        recorder._reserves.__exit__()
        recorder._figures(recorder._after)
        recorder._taken_off += recorder._after
        recorder._taken_off -= recorder._before


def _beyond_allocators() -> int:
    told, anonymous = read_allocated(), anonymous_bytes()
    return anonymous - told.python_held - told.c_held if told and anonymous else 0


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


def _own_values() -> list[object]:
    """What the instrument keeps in its modules: caches, tables. Its functions, classes and modules do not change."""
    items = chain.from_iterable(map(items_of, map(vars, own_modules())))
    return [
        value
        for name, value in items
        if not name.startswith("__") and not isinstance(value, (type, FunctionType, ModuleType))
    ]
