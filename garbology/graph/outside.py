"""Objects that something outside Python holds: a count above zero, and nobody to be seen who holds them.

The count alone accuses many who are innocent: the interpreter, and extensions that run, hold objects in places that
no Python code can read. So only such objects are judged of which it can be said:

- Everything in the window happened in one thread and inside the one function that opened and closed it, so no C
  function that was given an object is still running, and no frame holds an object but by its locals.
- Nothing was imported: extension modules keep what they like.
- It is an instance of a class, a list or a set: not callable (C code keeps callbacks by design), no class, module,
  frame, generator or exception (the interpreter holds those itself), no tuple or dictionary (code objects and
  compiled patterns hold them unseen).

Then the whole heap is asked, object arrays included, and of instances of C types which do not tell the collector
what they hold, their memory. All of this is done only for objects that no running frame holds, cheapest question
first: in a heap of 40,000 objects it takes 1 to 2 ms to learn who holds a few of them and what else these hold;
after two such questions, all that is left goes through one search of about 0.2 s.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from garbology.graph.expansion import (
    is_array_type,
    referents_outside,
    unseen_referents,
    unseen_referents_exist,
)
from garbology.graph.naming.classes import (
    COLLECTED_TYPE,
    HEAP_TYPE,
    flags_of,
    inherited_values,
    mro_of,
    safe_type_name,
)
from garbology.graph.reachability import held_from_outside, reachable_from
from garbology.graph.snapshot import (
    Index,
    Snapshot,
    addresses_of,
    referents_in_chunks,
    types_of,
)
from garbology.interpreter import collector
from garbology.interpreter.memory_layout import WORD, can_read_memory, words_at
from garbology.interpreter.refcounts import IMMORTAL_COUNT
from garbology.interpreter.thread_stacks import frames_of, running_local_ids
from garbology.interpreter.traversal import is_dangerous_to_traverse, safe_referents

_MOST_ASKED = 8  # objects for which the heap is asked at a time
_MOST_QUESTIONS = 2
_NEVER_JUDGED = (type, types.ModuleType, BaseException)
_FILTER_LENGTH = 5  # of an entry of warnings.filters: action, message, category, module, line
_HOLD_NOTHING = (str, bytes, bytearray, int, float, complex, type(None), types.CodeType, np.generic)
_CONTAINERS = (
    dict,
    frozenset,
    list,
    set,
    tuple,
    type,
    BaseException,
    types.CellType,
    types.ModuleType,
    weakref.ref,
)
_CALLABLES = (types.BuiltinFunctionType, types.FunctionType, types.MethodType, classmethod, staticmethod)
_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType, types.MethodDescriptorType, property)
_TELL_ALL = (*_CONTAINERS, *_CALLABLES, *_DESCRIPTORS, types.WrapperDescriptorType)
_get_basicsize = type.__dict__["__basicsize__"].__get__


@dataclass(frozen=True)
class Unheld:
    """Objects of a window that nothing visible holds.

    Attributes
    ----------
    roots : int64, shape (k,). Places of those whose count is above what the window explains.
    excess : int64, shape (k,). By how much.
    lost : bool, shape (n,). They, and all that only they lead to.
    """

    roots: NDArray[np.int64]
    excess: NDArray[np.int64]
    lost: NDArray[np.bool_]


def can_judge(entered: int, leaving: types.FrameType, error: BaseException | None) -> bool:
    """Whether a window that frame number ``entered`` opened and ``leaving`` closes allows a judgement at all.

    ``entered`` is the answer of :func:`window_frame` at the window's begin; ``error`` is what ended it.
    """
    frame = _user_frame(leaving)
    pausing = 0x20 | 0x80 | 0x200  # generators, coroutines, asynchronous generators (inspect.CO_...)
    return (
        error is None
        and frame is not None
        and id(frame) == entered
        and not frame.f_code.co_flags & pausing
        and len(sys._current_frames()) == 1
        and not _has_greenlets()
        and collector.kind() != "free-threaded"
        and not collector.program_has_frozen()
        and can_read_memory()
    )


def _has_greenlets() -> bool:
    """Whether there is a greenlet besides the thread's own: its C stack may hold what no frame shows."""
    module = sys.modules.get("greenlet")
    if type(module) is not types.ModuleType:
        return module is not None
    greenlet = id(vars(module).get("greenlet"))
    kinds, kind_of_each = types_of(gc.get_objects())
    are = [place for place, kind in enumerate(kinds) if greenlet in map(id, mro_of(kind))]
    return int(np.isin(kind_of_each, are).sum()) > 1


def window_frame(entering: types.FrameType) -> int:
    """The identity of the function that opens a window, for as long as it runs."""
    return id(_user_frame(entering))


def _user_frame(frame: types.FrameType | None) -> types.FrameType | None:
    return next((caller for caller in frames_of(frame) if not _is_own(caller)), None)


def _is_own(frame: types.FrameType, package: str = "garbology") -> bool:
    name = frame.f_globals.get("__name__")
    return type(name) is str and f"{name}.".startswith(f"{package}.")


def without_held(snapshot: Snapshot, suspects: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``suspects`` less what running frames, or a few objects outside the window, are quickly seen to hold."""
    roots = held_from_outside(snapshot) & suspects
    held = _held_by_frames(snapshot, roots)
    left = suspects & ~reachable_from(snapshot, held)
    return _without_referred_to(snapshot, roots, left)


def unheld_roots(snapshot: Snapshot, suspects: NDArray[np.bool_]) -> Unheld:
    """Which of ``suspects`` (bool, shape (n,)) nothing visible holds."""
    inside = np.bincount(snapshot.targets, minlength=len(snapshot))
    roots = held_from_outside(snapshot) & suspects
    judged = roots & _is_judged(snapshot) & (snapshot.counts > inside) & ~snapshot.unsettled
    if _has_module(snapshot):
        judged[:] = False
    left = suspects & ~reachable_from(snapshot, roots & ~judged)
    if (left & judged).any():
        seen = _held_by_frames(snapshot, judged) | _warning_filters(snapshot, judged & left)
        left &= ~reachable_from(snapshot, seen)
    left = _without_referred_to(snapshot, judged, left)
    while (left & judged).any():
        held = _held_by_heap(snapshot, left & judged, left)
        if not held.any():
            break
        left &= ~reachable_from(snapshot, held)
    places = np.flatnonzero(left & judged)
    return Unheld(places, (snapshot.counts - inside)[places], left)


def _is_judged(snapshot: Snapshot) -> NDArray[np.bool_]:
    kinds = np.array([_is_judged_type(kind) for kind in snapshot.types], bool)
    judged: NDArray[np.bool_] = kinds[snapshot.kinds] & (snapshot.counts < IMMORTAL_COUNT)
    return judged


def _is_judged_type(kind: type) -> bool:
    if kind is list or kind is set:
        return True
    if not flags_of(kind) & HEAP_TYPE or next(inherited_values(kind, "__call__"), None) is not None:
        return False
    ours = safe_type_name(kind).startswith("garbology.")
    return not ours and not _any_is(mro_of(kind), _NEVER_JUDGED)


def _has_module(snapshot: Snapshot) -> bool:
    return any(base is types.ModuleType for kind in snapshot.types for base in mro_of(kind))


# --- who holds them


def _held_by_frames(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that a local of a running frame of this thread refers to; all of them where frames are opaque."""
    held = np.zeros(len(snapshot), bool)
    for frame in frames_of(sys._getframe()):
        if not _is_own(frame, "garbology.graph"):
            ids = running_local_ids(frame)
            if ids is None:
                return roots
            places = snapshot.index.find(np.array(ids, np.int64))
            held[places[places >= 0]] = True
    return held & roots


def _warning_filters(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that are lists of warning filters: the interpreter keeps the one it used last, known to nobody."""
    held = np.zeros(len(snapshot), bool)
    for place in np.flatnonzero(roots).tolist():
        held[place] = _are_warning_filters(snapshot.objects[place])
    return held


def _are_warning_filters(obj: object) -> bool:
    return (
        type(obj) is list
        and len(obj) > 0
        and all(type(item) is tuple and len(item) == _FILTER_LENGTH for item in obj)
        and all(type(item[0]) is str and type(item[-1]) is int for item in obj)
    )


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
    referrers = gc.get_referrers(*map(snapshot.objects.__getitem__, asked))
    outside = snapshot.index.find(addresses_of(referrers)) < 0
    ours = {id(snapshot.objects), *running}
    holders = [
        obj
        for obj in compress(referrers, outside.tolist())
        if id(obj) not in ours and not _is_question(obj, snapshot, asked)
    ]
    places = snapshot.index.find(addresses_of([obj for holder in holders for obj in safe_referents(holder)]))
    held = np.zeros(len(snapshot), bool)
    held[places[places >= 0]] = True
    return held


def _is_question(holder: object, snapshot: Snapshot, asked: list[int]) -> bool:
    """Whether it is the tuple of arguments by which the heap was asked."""
    return (
        type(holder) is tuple
        and len(holder) == len(asked)
        and all(item is snapshot.objects[place] for item, place in zip(holder, asked, strict=True))
    )


def _held_by_heap(snapshot: Snapshot, roots: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The roots that any object but those ``left`` refers to, arrays and C types with secrets included."""
    places = np.flatnonzero(roots)
    wanted = addresses_of([snapshot.objects[place] for place in places.tolist()])
    order = np.argsort(wanted)
    held = np.zeros(len(snapshot), bool)
    ours = [snapshot.objects, *frames_of(sys._getframe())]
    ours.append(ours)
    holders = _heap_without(snapshot, left, ours)
    # By address alone: neither what is left nor what we hold it with is asked again when the heap leads there.
    known = Index([*holders, *compress(snapshot.objects, left.tolist()), *ours])
    ours.clear()
    for addresses in _addresses_held(holders, known):
        found = np.searchsorted(wanted, addresses, sorter=order)
        found[found == len(wanted)] = 0
        held[places[order[found[wanted[order[found]] == addresses]]]] = True
    return held


def _heap_without(snapshot: Snapshot, left: NDArray[np.bool_], ours: list[object]) -> list[object]:
    """The whole heap but what is ``left`` of the window, and but ``ours``."""
    heap = gc.get_objects()
    heap.append(sys.modules)  # 3.12.1 begins with objects frozen by itself, which the collector does not list
    left_out = set(map(id, ours))
    places = snapshot.index.find(addresses_of(heap))
    asked = (places < 0) | ~left[places]
    return [
        obj
        for obj in compress(heap, asked.tolist())
        if id(obj) not in left_out and not is_dangerous_to_traverse(obj)
    ]


def _addresses_held(holders: Sequence[object], known: Index) -> Iterator[NDArray[np.int64]]:
    """Addresses of all that ``holders``, and what they lead to beyond ``known``, refer to."""
    seen: set[int] = set()
    while holders:
        for referents in referents_in_chunks(holders):
            yield referents.addresses
            del referents
        yield from _addresses_in_secret(holders)
        fresh = referents_outside(known, holders, _may_hold)
        holders = [obj for address, obj in fresh.items() if address not in seen]
        seen.update(fresh)


def _addresses_in_secret(holders: Sequence[object]) -> Iterator[NDArray[np.int64]]:
    kinds, numbers = types_of(holders)
    for number, kind in enumerate(kinds):
        if is_array_type(kind):
            for place in np.flatnonzero(numbers == number).tolist():
                yield addresses_of(unseen_referents(holders[place]))
        elif _has_secrets(kind):
            words = _get_basicsize(kind) // WORD
            for place in np.flatnonzero(numbers == number).tolist():
                yield np.array(words_at(id(holders[place]), words), np.uint64).astype(np.int64)


def _may_hold(kind: type, objects: Sequence[object]) -> Sequence[bool]:
    if is_array_type(kind):
        return [unseen_referents_exist(obj) for obj in objects]
    return [bool(flags_of(kind) & COLLECTED_TYPE) or _has_secrets(kind)] * len(objects)


def _has_secrets(kind: type) -> bool:
    """Whether instances may refer to objects and not tell the collector: it cannot ask them, or they tell not all."""
    if not flags_of(kind) & COLLECTED_TYPE:
        return not _any_is(mro_of(kind), _HOLD_NOTHING)
    static = [base for base in mro_of(kind) if base is not object and not flags_of(base) & HEAP_TYPE]
    return not all(_any_is(mro_of(base), _HOLD_NOTHING + _TELL_ALL) for base in static)


def _any_is(bases: Iterable[type], kinds: Iterable[type]) -> bool:
    return any(base is kind for base in bases for kind in kinds)
