"""Garbage that is half older than the window: the steady state of a loop.

What one call makes may be held by an object of the call before that nothing else holds any more: the list that was
replaced, the session that was closed. Then the window's objects look as if something outside held them, though the
next collection frees all of it. So where new objects are held by older ones, these are looked at as well: what the
new objects lead to, and, if that does not explain it, what refers to them. Trial deletion on both together then says
what is garbage. Some older objects left out make it say less, never more.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from garbology.advice.side_effects import SUSPENDABLE
from garbology.cycles.reachability import held_from_outside, reachable_from
from garbology.interpreter.contents import slots_are
from garbology.interpreter.contexts import ids_in_context
from garbology.interpreter.once import cached_property
from garbology.interpreter.thread_stacks import frames_of, running_frames
from garbology.interpreter.traversal import safe_referents
from garbology.names.classes import (
    HEAP_TYPE,
    flags_of,
    is_class,
    is_module,
    safe_type_name,
)
from garbology.names.nodes import code_of, has_code
from garbology.snapshot import known_holders
from garbology.snapshot import snapshot as snapshots
from garbology.snapshot.addresses import addresses_of
from garbology.snapshot.listing import referrers_of
from garbology.snapshot.snapshot import Snapshot

_MOST_OLDER = 5_000  # objects that are looked at beside those of the window
_MOST_NEW = 50_000  # of the window, for which that is done
_MOST_ROUNDS = (
    4 if sys.version_info >= (3, 11) else 6
)  # of asking who refers to something; each reads the heap
_MOST_ASKED = 8  # objects at a time
_LINKS = (
    list,
    dict,
    set,
    deque,
    types.FunctionType,
    types.MethodType,
    types.CellType,
    types.FrameType,
    *SUSPENDABLE,
)


def older_garbage(snapshot: Snapshot, garbage: NDArray[np.bool_]) -> list[object]:
    """Objects older than the window that are garbage together with some of it that is not ``garbage`` by itself.

    ``garbage`` is bool, shape (n,). What lives on in a variable of a running function is not asked about.
    """
    held = held_from_outside(snapshot) & ~garbage
    asked = held & _worth_asking(snapshot)
    asked &= ~_are_constants(snapshot, asked)
    if not asked.any():
        return []
    in_frames = snapshot.index.find(np.fromiter(_addresses_in_frames(), np.int64))
    known = np.zeros(len(snapshot), bool)
    known[in_frames[in_frames >= 0]] = True
    asked &= ~known
    left = reachable_from(snapshot, asked) & ~garbage & ~reachable_from(snapshot, known & held)
    if not (left & asked).any() or int(left.sum()) > _MOST_NEW:
        return []
    return _Search(snapshot, left).garbage()


def _worth_asking(snapshot: Snapshot) -> NDArray[np.bool_]:
    """What may be a link of a cycle: instances, containers and what runs; of anything else what leads further."""
    kinds = np.array([_may_be_a_link(kind) for kind in snapshot.types], bool)[snapshot.kinds]
    worth: NDArray[np.bool_] = (kinds | (np.diff(snapshot.starts) > 0)) & (snapshot.counts > 0)
    return worth


def _are_constants(snapshot: Snapshot, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of those ``asked`` about are the constants of code that is in the window: code that was made in it has new
    ones, and does not show them to the collector.
    """
    found = np.zeros(len(snapshot), bool)
    tuples = np.array([kind is tuple for kind in snapshot.types], bool)[snapshot.kinds]
    if (asked & tuples).any():
        with_code = np.array(list(map(has_code, snapshot.types)), bool)[snapshot.kinds]
        holders = compress(snapshot.objects, with_code.tolist())
        places = snapshot.index.find(addresses_of(list(_constants_of(map(code_of, holders)))))
        found[places[places >= 0]] = True
    return found


def _constants_of(codes: Iterable[types.CodeType]) -> Iterator[object]:
    """The constants of some code, and of the code among them."""
    pending = list({id(code): code for code in codes}.values())
    while pending:
        constants = pending.pop().co_consts
        yield constants
        pending += [each for each in constants if type(each) is types.CodeType]


def _may_be_a_link(kind: type) -> bool:
    made_by_class = bool(flags_of(kind) & HEAP_TYPE) and not safe_type_name(kind).startswith("garbology.")
    return made_by_class or any(kind is each for each in _LINKS)


def _addresses_in_frames() -> Iterable[int]:
    yield from ids_in_context()
    for running in running_frames():
        yield from (variable.target_id for variable in running.variables)
        yield from running.stack_ids
        if sys.version_info < (3, 11):
            yield from map(id, gc.get_referents(running.frame))


class _Search:
    """Older objects around those of the window that are ``left`` (bool, shape (n,)) to be explained."""

    def __init__(self, snapshot: Snapshot, left: NDArray[np.bool_]) -> None:
        self._window = snapshot
        self._left = left
        self._older: dict[int, object] = {}
        self._alive: set[int] = set()  # addresses of what a module, a class or a running function holds
        self._running = {id(running.frame) for running in running_frames()}

    @cached_property
    def _namespaces(self) -> dict[int, str]:
        return known_holders.namespaces()

    def garbage(self) -> list[object]:
        """The older objects that are garbage with some of the window's, in the order in which they were found."""
        try:
            return self._garbage()
        finally:
            self._older.clear()  # or a search that found itself would keep them until the next collection

    def _garbage(self) -> list[object]:
        self._take_in_all_behind(compress(self._window.objects, self._left.tolist()))
        found, unexplained = self._judged()
        if unexplained and self._take_in_ways_to(unexplained):
            found.clear()
            found, unexplained = self._judged()
        for _ in range(_MOST_ROUNDS):
            if not unexplained or not self._take_in_holders(unexplained):
                break
            found.clear()  # or it would hold them once more
            found, unexplained = self._judged()
        return found

    def _take_in_all_behind(self, holders: Iterable[object]) -> None:
        """What some objects lead to, as far as the budget goes: no classes, modules or namespaces of modules."""
        pending = list(holders)
        while pending and len(self._older) < _MOST_OLDER:
            fresh: dict[int, object] = {}
            for referents in snapshots.referents_in_chunks(pending):
                self._add_older(fresh, referents.objects)
                del referents
            pending = list(fresh.values())

    def _add_older(self, fresh: dict[int, object], objects: Sequence[object]) -> None:
        outside = self._window.index.find(addresses_of(objects)) < 0
        tracked = list(filter(gc.is_tracked, compress(objects, outside.tolist())))
        for address, obj in dict(zip(map(id, tracked), tracked, strict=True)).items():  # each once
            if len(self._older) >= _MOST_OLDER:
                return
            if address not in self._older and not self._holds_the_program(obj):
                self._older[address] = fresh[address] = obj

    def _holds_the_program(self, obj: object) -> bool:
        kind = type(obj)
        if kind is dict:
            return id(obj) in self._namespaces
        return id(obj) in self._running or kind is types.CodeType or is_class(obj) or is_module(obj)

    def _judged(self) -> tuple[list[object], list[object]]:
        """The older garbage, if any of the window's objects is garbage with it; and what is held by something else."""
        older = list(self._older.values())
        new = list(compress(self._window.objects, self._left.tolist()))
        objects = older + new
        taken = snapshots.take(objects)
        # Beside this list's, three references are ours: two lists of the older objects, and two of the new ones.
        taken.counts[: len(older)] -= 2
        taken.counts[len(older) :] -= 2
        held = held_from_outside(taken)
        garbage = ~reachable_from(taken, held)
        found = list(compress(older, garbage[: len(older)].tolist())) if garbage[len(older) :].any() else []
        alive = np.array([id(obj) in self._alive for obj in objects], bool)
        unexplained = held & ~reachable_from(taken, alive & held)
        # Nothing else can be learned where all that is left of the window is alive.
        if not unexplained.any():
            return found, []
        return found, list(compress(objects, unexplained.tolist()))[::-1]

    def _take_in_ways_to(self, unexplained: list[object]) -> bool:
        """Take in what leads to ``unexplained`` objects from modules that held something before, if anything does."""
        ways = known_holders.paths_to(set(map(id, unexplained)))
        self._alive.update(id(way[0]) for way in ways)
        fresh: dict[int, object] = {}
        for way in ways:
            self._add_older(fresh, way)
        if ways:
            unexplained.clear()
        return bool(ways)

    def _take_in_holders(self, unexplained: list[object]) -> bool:
        """Ask the heap who refers to some of the ``unexplained`` objects; False where nothing new comes of it."""
        asked = unexplained[:_MOST_ASKED]
        ours = {id(unexplained), id(asked), id(self._window.objects), *map(id, frames_of(sys._getframe()))}
        ours.update((id(self._older), id(self._window.types)))  # which holds the classes of the window
        fresh: dict[int, object] = {}
        before = len(self._alive)
        for holder in referrers_of(asked):
            if id(holder) in ours or _is_own(holder) or slots_are(holder, asked):
                continue
            if self._holds_the_program(holder):
                self._alive.update(map(id, safe_referents(holder)))
                if id(holder) in self._namespaces:
                    known_holders.remember(self._namespaces[id(holder)])
            else:
                self._add_older(fresh, [holder])
        del asked[:]
        unexplained.clear()
        self._take_in_all_behind(fresh.values())
        return bool(fresh) or len(self._alive) > before


def _is_own(obj: object) -> bool:
    """Whether it is a part of this analysis."""
    return safe_type_name(type(obj)).startswith("garbology.")
