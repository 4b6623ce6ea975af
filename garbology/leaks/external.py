"""Objects of a window that nothing visible holds: counts that exceed the references that can be found.

A surplus alone gives false positives: the interpreter, and extensions that run, hold objects in places that no Python
code can read. So a window is judged only where :mod:`garbology.snapshot.judging` says that no C function that was
given an object is still running; where nothing was imported, for extension modules keep what they like; and
modules, frames and contexts, which the interpreter holds itself, count as held.

Then the whole heap is asked, with all that C types keep to themselves (:mod:`garbology.names.hidden`) and, of
types that may keep more, their memory. All of this is done only for objects that no running frame holds, cheapest
question first: in a heap of 40,000 objects it takes 1 to 2 ms to learn who holds a few of them and what else these
hold; after two such questions, all that is left goes through one search of about 0.2 s.

What that means is for :mod:`garbology.leaks.held_by_c` to say.
"""

from __future__ import annotations

import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import all_reached, graph_of_pairs
from garbology.cycles.reachability import held_from_outside, reachable_from
from garbology.interpreter.contents import elements_of, slots_are, value_of
from garbology.interpreter.contexts import ids_in_context
from garbology.interpreter.other_threads import handled_by_threads, held_by_other_threads
from garbology.interpreter.refcounts import IMMORTAL_COUNT
from garbology.interpreter.thread_stacks import frames_of, running_local_ids
from garbology.interpreter.traversal import leave_out_dangerous, safe_referents
from garbology.names.classes import COLLECTED_TYPE, flags_of, is_module_type, mro_of, safe_type_name
from garbology.names.hidden import hides, which_hold_unseen
from garbology.names.secrets import has_secrets, secret_addresses
from garbology.snapshot import known_holders
from garbology.snapshot.arrays import among
from garbology.snapshot.expansion import referents_outside
from garbology.snapshot.judging import is_of_the_analysis
from garbology.snapshot.listing import listing, referrers_of
from garbology.snapshot.roots import known_to_c
from garbology.snapshot.snapshot import (
    Index,
    Snapshot,
    addresses_of,
    types_of,
)

Tell = Callable[[NDArray[np.int64]], None]  # is given addresses of what something holds

_MOST_ASKED = 8  # objects for which the heap is asked at a time
_MOST_QUESTIONS = 2
_NEVER_JUDGED = (types.ModuleType, types.FrameType, Context)
#: What the interpreter keeps for itself is made of, and what running C code holds for the moment.
_PLAIN = (tuple, dict, frozenset, weakref.ref, types.BuiltinMethodType, types.MethodWrapperType)
_OF_STATEMENTS = ("__exit__", "__aexit__")
_FILTER_LENGTH = 5  # of an entry of warnings.filters: action, message, category, module, line


@dataclass(frozen=True)
class Surplus:
    """Objects of a window that nothing visible holds.

    Attributes
    ----------
    roots : int64, shape (k,). Places of those whose count is above what the window explains.
    excess : int64, shape (k,). By how much.
    lost : bool, shape (n,). They, and all that only they lead to.
    in_unseen_tuples : whether others are held by a tuple alone that nothing visible holds: C code may keep it, or
        another thread may be working with it.
    """

    roots: NDArray[np.int64]
    excess: NDArray[np.int64]
    lost: NDArray[np.bool_]
    in_unseen_tuples: bool = False


def without_held(
    snapshot: Snapshot, suspects: NDArray[np.bool_], times: dict[int, float]
) -> NDArray[np.bool_]:
    """``suspects`` less what running frames, or a few objects outside the window, are quickly seen to hold."""
    roots = held_from_outside(snapshot) & suspects
    held = _held_by_frames(snapshot, roots, times)
    left = suspects & ~reachable_from(snapshot, held)
    return _without_referred_to(snapshot, roots, left)


def unheld_roots(snapshot: Snapshot, suspects: NDArray[np.bool_], times: dict[int, float]) -> Surplus:
    """Which of ``suspects`` (bool, shape (n,)) nothing visible holds.

    ``times`` are the processor times of other threads when the window was opened.
    """
    inside = np.bincount(snapshot.targets, minlength=len(snapshot))
    roots = held_from_outside(snapshot) & suspects
    judged = roots & _is_judged(snapshot) & (snapshot.counts > inside) & ~snapshot.unsettled
    left = suspects & ~reachable_from(snapshot, roots & ~judged)
    if (left & judged).any():
        seen = _held_by_frames(snapshot, judged, times) | _held_by_interpreter(snapshot, judged & left)
        left &= ~reachable_from(snapshot, seen)
    left = _without_plain(snapshot, judged, left)
    left = _without_known(snapshot, judged, left)
    left = _without_referred_to(snapshot, judged, left)
    left = _without_plain(snapshot, judged, left)
    in_unseen_tuples = False
    while (left & judged).any():
        held, unsure = _held_by_heap(snapshot, left & judged, left)
        left &= ~reachable_from(snapshot, held)
        in_unseen_tuples |= bool((left & unsure).any())
        left &= ~reachable_from(snapshot, unsure)
        if not (held | unsure).any():
            break
    places = np.flatnonzero(left & judged)
    return Surplus(places, (snapshot.counts - inside)[places], left, in_unseen_tuples)


def _without_plain(
    snapshot: Snapshot, roots: NDArray[np.bool_], left: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """``left`` less tuples, dictionaries and the like that lead to nothing else: such the interpreter keeps for itself
    (constants, names, the subclasses of a class), and an attribute dictionary may be one that its owner does not show.
    """
    plain = np.array([any(kind is each for each in _PLAIN) for kind in snapshot.types], bool)[snapshot.kinds]
    if not (left & roots & plain).any():
        return left
    leading = _leading_to(snapshot, left & ~plain)
    return left & reachable_from(snapshot, roots & left & (leading | ~plain))


def _leading_to(snapshot: Snapshot, goals: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which objects lead to any of ``goals`` (bool, shape (n,)), the goals included."""
    return all_reached(graph_of_pairs(snapshot.targets, snapshot.sources, len(snapshot)), goals)


def _is_judged(snapshot: Snapshot) -> NDArray[np.bool_]:
    kinds = np.array([_is_judged_type(kind) for kind in snapshot.types], bool)
    judged: NDArray[np.bool_] = kinds[snapshot.kinds] & (snapshot.counts < IMMORTAL_COUNT)
    return judged


def _is_judged_type(kind: type) -> bool:
    ours = safe_type_name(kind).startswith("garbology.")
    return not ours and not _any_is(mro_of(kind), _NEVER_JUDGED)


def has_module(snapshot: Snapshot) -> bool:
    """Whether a module was imported in a window."""
    return any(map(is_module_type, snapshot.types))


# --- who holds them


def _held_by_frames(
    snapshot: Snapshot, roots: NDArray[np.bool_], times: dict[int, float]
) -> NDArray[np.bool_]:
    """The roots that this thread's context, a local of its running frames or a frame of another one refers to; all of
    them where frames are opaque.
    """
    held = np.zeros(len(snapshot), bool)
    for frame in frames_of(sys._getframe()):
        if not is_of_the_analysis(frame):
            ids = running_local_ids(frame)
            if ids is None:
                return roots
            places = snapshot.index.find(np.array(ids, np.int64))
            held[places[places >= 0]] = True
    others = [*ids_in_context(), *held_by_other_threads(times)]
    places = snapshot.index.find(np.array(others, np.int64))
    held[places[places >= 0]] = True
    return held & roots


def _held_by_interpreter(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that the interpreter is known to hold: trace functions, signal handlers, warning filters, the
    exceptions that threads are handling, and the dictionary of a thread, which is made when something is shown for
    the first time.
    """
    held = _warning_filters(snapshot, roots) | _of_statements(snapshot, roots)
    held |= _dictionaries_of_threads(snapshot, roots)
    places = snapshot.index.find(addresses_of([*(obj for _, obj in known_to_c()), *handled_by_threads()]))
    held[places[places >= 0]] = True
    return held & roots


def _dictionaries_of_threads(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that are what `PyThreadState_GetDict` gives: `repr` notes there what it is at."""
    held = np.zeros(len(snapshot), bool)
    dicts = np.array([kind is dict for kind in snapshot.types], bool)[snapshot.kinds]
    for place in np.flatnonzero(roots & dicts).tolist():
        held[place] = type(value_of(snapshot.objects[place], "Py_Repr")) is list
    return held


def _of_statements(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that are methods which a with statement will call, or with which a thread has begun."""
    held = np.zeros(len(snapshot), bool)
    methods = np.array([kind is types.MethodType for kind in snapshot.types], bool)[snapshot.kinds]
    for place in np.flatnonzero(roots & methods).tolist():
        method: Any = snapshot.objects[place]
        function = method.__func__
        held[place] = type(function) is types.FunctionType and (
            function.__code__.co_name in _OF_STATEMENTS
            or function is threading.Thread.__dict__.get("_bootstrap")
        )
    return held


def _warning_filters(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that are lists of warning filters: the interpreter keeps the one it used last, known to nobody."""
    held = np.zeros(len(snapshot), bool)
    for place in np.flatnonzero(roots).tolist():
        held[place] = _are_warning_filters(snapshot.objects[place])
    return held


def _are_warning_filters(obj: object) -> bool:
    filters = elements_of(obj) if type(obj) is list else []
    return bool(filters) and all(map(_is_warning_filter, filters))


def _is_warning_filter(obj: object) -> bool:
    parts = elements_of(obj) if type(obj) is tuple else []
    return len(parts) == _FILTER_LENGTH and type(parts[0]) is str and type(parts[-1]) is int


def _without_known(
    snapshot: Snapshot, roots: NDArray[np.bool_], left: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """``left`` less what modules lead to that held something of earlier windows."""
    asked = list(compress(snapshot.objects, (left & roots).tolist()))
    if not asked:
        return left
    ways = known_holders.paths_to(set(map(id, asked)))
    places = snapshot.index.find(addresses_of([way[-1] for way in ways]))
    held = np.zeros(len(snapshot), bool)
    held[places] = True
    return left & ~reachable_from(snapshot, held)


def _without_referred_to(
    snapshot: Snapshot, roots: NDArray[np.bool_], left: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """``left`` less what objects outside the window lead to, asking who holds a few of the roots."""
    running = set(map(id, frames_of(sys._getframe())))
    asked = np.zeros(len(snapshot), bool)
    for _ in range(_MOST_QUESTIONS):
        waiting = np.flatnonzero(left & roots & ~asked)
        if not len(waiting):
            break
        some = waiting[np.linspace(0, len(waiting) - 1, min(len(waiting), _MOST_ASKED)).astype(int)]
        asked[some] = True
        held = _held_by_referrers(snapshot, some.tolist(), running)
        left = left & ~reachable_from(snapshot, held & roots)
    return left


def _held_by_referrers(snapshot: Snapshot, asked: list[int], running: set[int]) -> NDArray[np.bool_]:
    """All that the objects outside the window hold which refer to any of those ``asked`` about; frames that run answer
    for themselves.
    """
    some = list(map(snapshot.objects.__getitem__, asked))
    referrers = referrers_of(some)
    outside = snapshot.index.find(addresses_of(referrers)) < 0
    ours = {id(snapshot.objects), id(some), *running}
    holders = [
        obj
        for obj in compress(referrers, outside.tolist())
        if id(obj) not in ours and not slots_are(obj, list(map(snapshot.objects.__getitem__, asked)))
    ]
    places = snapshot.index.find(addresses_of([obj for holder in holders for obj in safe_referents(holder)]))
    held = np.zeros(len(snapshot), bool)
    held[places[places >= 0]] = True
    return held


def _held_by_heap(
    snapshot: Snapshot, roots: NDArray[np.bool_], left: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The roots that any object but those ``left`` refers to, arrays and C types with secrets included; and those to
    which a tuple refers that nothing visible holds.
    """
    places = np.flatnonzero(roots)
    wanted = addresses_of([snapshot.objects[place] for place in places.tolist()])
    order = np.argsort(wanted)
    held, unsure = np.zeros(len(snapshot), bool), np.zeros(len(snapshot), bool)
    ours = [snapshot.objects, *frames_of(sys._getframe())]
    ours.append(ours)
    holders, unseen = _heap_without(snapshot, left, ours)
    # By address alone: neither what is left nor what we hold it with is asked again when the heap leads there.
    known = Index([*holders, *compress(snapshot.objects, left.tolist()), *ours])
    ours.clear()

    def note(among: NDArray[np.bool_], addresses: NDArray[np.int64]) -> None:
        found = np.searchsorted(wanted, addresses, sorter=order)
        found[found == len(wanted)] = 0
        among[places[order[found[wanted[order[found]] == addresses]]]] = True

    _tell_what_is_held(holders, known, unseen, partial(note, held), partial(note, unsure))
    return held, unsure


def _heap_without(
    snapshot: Snapshot, left: NDArray[np.bool_], ours: list[object]
) -> tuple[list[object], dict[int, list[int]]]:
    """The whole heap but what is ``left`` of the window, and but ``ours``; and by their addresses the tuples that
    another thread may be building, with the addresses of what they hold.
    """
    taken = listing()
    heap = taken.without_gaps()
    unseen = {address: held for address, (_, held) in taken.left_out.items()}
    heap.append(sys.modules)  # 3.12.1 begins with objects frozen by itself, which the collector does not list
    leave_out_dangerous(heap)
    addresses = addresses_of(heap)
    places = snapshot.index.find(addresses)
    asked = ((places < 0) | ~left[places]) & ~among(addresses, list(map(id, ours)))
    return list(compress(heap, asked.tolist())), unseen


def _tell_what_is_held(
    holders: Sequence[object], known: Index, unseen: dict[int, list[int]], tell: Tell, tell_unsure: Tell
) -> None:
    """Tell the addresses of all that ``holders`` and what they lead to beyond ``known`` refer to; and what ``unseen``
    tuples refer to.
    """
    seen: set[int] = set()
    while holders:
        _tell_secrets(holders, tell)
        fresh = referents_outside(known, holders, _may_hold, tell)
        holders = [obj for address, obj in fresh.items() if address not in seen]
        seen.update(fresh)
    tuples = np.fromiter(unseen, np.int64)
    for address in tuples[known.find(tuples) < 0].tolist():
        if address not in seen:
            tell_unsure(np.array(unseen[address], np.int64))


def _tell_secrets(holders: Sequence[object], tell: Tell) -> None:
    kinds, numbers = types_of(holders)
    for number, kind in enumerate(kinds):
        if has_secrets(kind):
            tell(secret_addresses([holders[place] for place in np.flatnonzero(numbers == number).tolist()]))


def _may_hold(kind: type, objects: Sequence[object]) -> Sequence[bool]:
    if flags_of(kind) & COLLECTED_TYPE or has_secrets(kind):
        return [True] * len(objects)
    return which_hold_unseen(objects) if hides(kind) else [False] * len(objects)


def _any_is(bases: Iterable[type], kinds: Iterable[type]) -> bool:
    return any(base is kind for base in bases for kind in kinds)
