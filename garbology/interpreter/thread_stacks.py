"""What the functions that are running hold: frames of all threads, their locals and value stacks.

From 3.11 the locals of a running function are in its thread's stack, where the collector does not see them, and
up to 3.12 `frame.f_locals` would leave a second reference to each of them behind. So they are read in place:
a frame object points at the running frame, whose slots begin where they begin in a frame that has ended. As in
`memory_layout`, only ids are read. Where ctypes or the layout is missing, `f_locals` has to do.
"""

from __future__ import annotations

import _thread
import gc
import sys
import types
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from garbology.interpreter.contents import value_of
from garbology.interpreter.frame_layout import local_ids, local_names
from garbology.interpreter.memory_layout import VERSION, WORD, can_read_memory, words_at
from garbology.interpreter.stack_depth import slots_in_use
from garbology.interpreter.subinterpreters import reader_of_frames

try:
    import ctypes
except ImportError:  # pragma: no cover - builds without libffi, WebAssembly
    ctypes = None  # type: ignore[assignment]

_TAG_BITS = 7
_BORROWED = 1  # from 3.14, a slot with this bit set is no reference of its own
_MOST_SLOTS = 1 << 20
_HIGHEST_ADDRESS = 2**63 - 1
_WORDS_BEFORE = 2  # of a frame's first slot that tell where its value stack ends
_PROBED_SLOTS = 24
_OPTIMIZED = 1  # CO_OPTIMIZED: the locals are in slots, not in a dictionary


class Local(NamedTuple):
    """One reference of a running function: its label, the id of what it refers to, whether it counts as one."""

    label: str
    target_id: int
    counted: bool


@dataclass(frozen=True)
class RunningFrame:
    """A function that is running.

    Attributes
    ----------
    frame : its frame object.
    thread_id : the thread that runs it, as in `threading.get_ident()`.
    variables : what its locals refer to (the cell, where a variable is shared with an inner function). Empty up
        to 3.10, where the frame object itself refers to them.
    stack_ids : ids that its value stack has.
    """

    frame: types.FrameType
    thread_id: int
    variables: list[Local]
    stack_ids: frozenset[int]


def running_frames() -> list[RunningFrame]:
    """Return the running frames of all threads, innermost first, the instrument's own left out."""
    return [RunningFrame(frame, thread_id, *_slots(frame)) for thread_id, frame in _frames_by_thread()]


def _frames_by_thread() -> Iterator[tuple[int, types.FrameType]]:
    """The running frames of all threads, each with its thread, innermost first, the instrument's own left out."""
    known: dict[int, bool] = {}
    innermost = reader_of_frames()() or {_thread.get_ident(): sys._getframe()}
    while innermost:  # emptied, for this function's own frame is in it, and the two would be a cycle
        thread_id, frame = innermost.popitem()
        while frame is not None:
            if not _has_our_namespace(frame, known):
                yield thread_id, frame
            frame = frame.f_back  # type: ignore[assignment]


def counted_locals(frame: types.FrameType) -> list[tuple[str, int]]:
    """Return label ('local x') and id of each reference that the variables of a running function are."""
    if VERSION < (3, 11):
        return [(f"local {name}", address) for name, address in local_ids(frame, frame.f_code) or []]
    names = local_names(frame.f_code)
    read = _read(frame, len(names))
    variables = _from_f_locals(frame) if read is None else _variables(frame, names, read[0])
    return [(each.label, each.target_id) for each in variables if each.counted]


def running_local_ids(frame: types.FrameType) -> list[int] | None:
    """Return the id of each object that a local of a running frame refers to (of a shared variable, its cell), and
    that of its own trace function: a debugger makes one for each frame in which it goes from line to line.

    None where the frame's layout is not known.
    """
    if VERSION < (3, 11):
        return list(map(id, gc.get_referents(frame)))
    read = _read(frame, len(local_names(frame.f_code)))
    return None if read is None else [id(frame.f_trace), *(word & ~_TAG_BITS for word in read[0] if word)]


def objects_in_locals(addresses: Container[int]) -> list[object]:
    """Return those of the objects at some addresses that a variable of a running function refers to."""
    found: list[object] = []
    for _, frame in _frames_by_thread():
        if VERSION < (3, 11):
            found += gc.get_referents(frame)
        else:
            for name in _names_of(addresses, frame):
                found += _content_of_local(frame, name)
    return [obj for obj in found if id(obj) in addresses]


def _names_of(addresses: Container[int], frame: types.FrameType) -> list[str]:
    """The variables of a running function that refer to objects at some addresses."""
    names = local_names(frame.f_code)
    read = _read(frame, len(names))
    if read is None:
        return [name for name, value in frame.f_locals.items() if id(value) in addresses]
    return [name for name, word in zip(names, read[0], strict=False) if word & ~_TAG_BITS in addresses]


def _content_of_local(frame: types.FrameType, name: str) -> list[object]:
    """What a variable refers to now, in a list; its thread may have gone on since it was read last."""
    if VERSION >= (3, 13):
        return [frame.f_locals[name]] if name in frame.f_locals else []
    layout = _layout()
    if layout is None:
        return []
    place = layout[1] + local_names(frame.f_code).index(name)
    view = _object_view().from_address(id(frame))
    try:
        return [view.running.contents[place]]  # nothing in here lets another thread run
    except ValueError:  # it is not set any more
        return []


def held_ids(frame: types.FrameType) -> list[int]:
    """Return the id of each object that a running frame of any thread refers to, its value stack included.

    Up to 3.10 the value stack is not seen.
    """
    if VERSION < (3, 11):
        return list(map(id, gc.get_referents(frame)))
    variables, stack = _slots(frame)
    return [*(variable.target_id for variable in variables), *stack]


def stack_ids(frame: types.FrameType) -> frozenset[int]:
    """Return the ids on the value stack of a running frame: what it calls now, and with what. Empty up to 3.10."""
    return _slots(frame)[1]


def calls_from_c(frame: types.FrameType) -> bool | None:
    """Tell whether a running frame was called by a C function, and not by a function in Python (3.11 and newer).

    None where the layout is not known, and where it has no caller.
    """
    place = _place_of_caller()
    return None if place is None or frame.f_back is None else _is_called_by_c(frame, place)


def _is_called_by_c(frame: types.FrameType, place: int) -> bool:
    """In 3.11 a frame says that it begins a call; later ones have a frame of the interpreter's own before them."""
    view_type, first = _layout()  # type: ignore[misc]
    running = view_type.from_address(id(frame)).running.contents
    if VERSION < (3, 12):
        return bool(running[first - 1] >> 32 & 0xFF)
    caller = view_type.from_address(id(frame.f_back)).running
    return bool(running[place] != ctypes.addressof(caller.contents))


@cache
def _place_of_caller() -> int | None:
    """Which word of a running frame points at its caller's; None where a probe is not read right."""
    layout = _layout()
    if layout is None:
        return None
    try:
        found = _places_of_caller(layout)
        direct = [_is_called_by_c_here(place) for place in found]
        through_c = [next(map(_is_called_by_c_here, [place])) for place in found]
    except Exception:
        return None
    return found[0] if len(found) == 1 and (direct, through_c) == ([False], [True]) else None


def _is_called_by_c_here(place: int) -> bool:
    return _is_called_by_c(sys._getframe(), place)


def _places_of_caller(layout: tuple[Any, int]) -> list[int]:
    return _places_of_caller_of(sys._getframe(), layout)


def _places_of_caller_of(caller: types.FrameType, layout: tuple[Any, int]) -> list[int]:
    view_type, first = layout
    address = ctypes.addressof(view_type.from_address(id(caller)).running.contents)
    words = view_type.from_address(id(sys._getframe())).running.contents[:first]
    return [place for place, word in enumerate(words) if word & ~_TAG_BITS == address]


def frames_of(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """A frame, its caller, that one's caller and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def own_frame_ids() -> set[int]:
    """Return the ids of the instrument's own frames in this thread, the caller's included.

    Whoever holds a frame when its function ends keeps its locals alive, so they must not be held.
    """
    ids = set()
    known: dict[int, bool] = {}
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if _has_our_namespace(frame, known):
            ids.add(id(frame))
        frame = frame.f_back
    return ids


def _has_our_namespace(frame: types.FrameType, known: dict[int, bool]) -> bool:
    """As :func:`_is_ours`; what is ``known`` by address, for many frames of a stack have one namespace, is added to."""
    namespace = id(frame.f_globals)
    if namespace not in known:
        known[namespace] = _is_ours(frame.f_globals)
    return known[namespace]


def _is_ours(namespace: dict[str, Any]) -> bool:
    """Whether it is the namespace of one of the instrument's modules, and not of one that calls itself so."""
    name = value_of(namespace, "__name__")
    if type(name) is not str or name.partition(".")[0] != "garbology":
        return False
    module = value_of(sys.modules, name)
    return type(module) is types.ModuleType and module.__dict__ is namespace


def _slots(frame: types.FrameType) -> tuple[list[Local], frozenset[int]]:
    if VERSION < (3, 11):
        return [], frozenset()
    code = frame.f_code
    names = local_names(code)
    read = _read(frame, len(names) + code.co_stacksize)
    if read is None:
        return list(_from_f_locals(frame)), frozenset()
    words, end = read
    if end is None:
        in_use = slots_in_use(code, frame.f_lasti)
        end = len(words) if in_use is None else len(names) + in_use
    stack = (word & ~_TAG_BITS for word in words[len(names) : end])
    in_stack = frozenset(word for word in stack if word <= _HIGHEST_ADDRESS)  # it may have numbers, too
    return list(_variables(frame, names, words)), in_stack


def _variables(frame: types.FrameType, names: Sequence[str], words: Sequence[int]) -> Iterator[Local]:
    """The variables of a frame with these first ``words``."""
    yield from _namespaces(frame)
    for name, word in zip(names, words, strict=False):
        if word:
            counted = VERSION < (3, 14) or not word & _BORROWED
            yield Local(f"local {name}", word & ~_TAG_BITS, counted)


def _namespaces(frame: types.FrameType) -> Iterator[Local]:
    yield Local(".f_globals", id(frame.f_globals), False)
    if not frame.f_code.co_flags & _OPTIMIZED and not frame.f_code.co_cellvars:
        yield Local(".f_locals", id(frame.f_locals), True)


def _from_f_locals(frame: types.FrameType) -> Iterator[Local]:
    yield from _namespaces(frame)
    if frame.f_code.co_flags & _OPTIMIZED:
        if VERSION < (3, 13):
            yield Local(".f_locals", id(frame.f_locals), True)
        for name, value in list(frame.f_locals.items()):
            yield Local(f"local {name}", id(value), True)


def _read(frame: types.FrameType, count: int) -> tuple[list[int], int | None] | None:
    """The first `count` slots of a running frame, and where its value stack ends; None if that is not known.

    Another thread may leave the function at any time, and its slots move then. The line that reads them asks
    for nothing but attributes and a slice of C types: the interpreter does not switch threads in between.
    """
    layout = _layout()
    if layout is None:
        return None
    view_type, first = layout
    view = view_type.from_address(id(frame))
    begin, end = first - _WORDS_BEFORE, first + count
    running = view.running.contents
    words: list[int] = running[begin:end]
    stack_end = _stack_end(words[:_WORDS_BEFORE], ctypes.addressof(running) + first * WORD)
    return words[_WORDS_BEFORE:], stack_end if 0 <= stack_end <= count else None


def _stack_end(before: list[int], first_slot: int) -> int:
    """How many slots are in use: a count in half a word before them; from 3.14 a pointer in the word before that.

    It is known while the function waits for another one in Python; up to 3.13 it is out of range while it calls one
    in C.
    """
    pointer, count = before
    return (pointer - first_slot) // WORD if VERSION >= (3, 14) else count & 0xFFFF_FFFF


@cache
def _layout() -> tuple[Any, int] | None:
    """A view of a frame object, and where in the running frame it points at the slots begin; None if unknown."""
    if not can_read_memory() or "t" in sys.abiflags:
        return None
    try:
        view_type = _view_of_slots(ctypes.c_size_t)
        firsts = {_first_slot(view_type, *(object() for _ in range(3))) for _ in range(2)}
    except Exception:
        return None
    return (view_type, firsts.pop()) if len(firsts) == 1 else None


@cache
def _object_view() -> Any:
    """A view of a frame object whose slots are read as objects."""
    return _view_of_slots(ctypes.py_object)


def prepare() -> None:
    """Make what is made at first use: classes of ctypes, which would be objects of the window that needs them first."""
    _layout()
    if can_read_memory():
        _object_view()


def _view_of_slots(kind: Any) -> Any:
    fields = [
        ("before", ctypes.c_size_t * _place_of_pointer()),
        ("running", ctypes.POINTER(kind * _MOST_SLOTS)),
    ]
    return type("FrameView", (ctypes.Structure,), {"_fields_": fields})


def _place_of_pointer() -> int:
    """Which word of a frame object points at the frame: in one that has ended, the first that points inside."""

    def fail() -> None:
        raise LookupError

    try:
        fail()
    except LookupError as error:
        # No name for the frame here: this function's own frame is its `f_back`, and the two would be a cycle.
        return _place_of_inner_pointer(error.__traceback__.tb_next.tb_frame)  # type: ignore[union-attr]
    raise AssertionError("the probe raises")


def _place_of_inner_pointer(ended: types.FrameType) -> int:
    start, size = id(ended), ended.__sizeof__()
    words = words_at(start, size // WORD)
    return next(place for place, word in enumerate(words) if start < word < start + size)


def _first_slot(view_type: Any, one: object, two: object, three: object) -> int:
    """Where the slots of this very function begin, the first of which is `view_type`."""
    words = view_type.from_address(id(sys._getframe())).running.contents[:_PROBED_SLOTS]
    words = [word & ~_TAG_BITS for word in words]
    expected = [id(view_type), id(one), id(two), id(three)]
    found = [at for at in range(len(words) - 3) if words[at : at + 4] == expected]
    if len(found) != 1:
        raise LookupError("the arguments of the probe were not found in its frame")
    return found[0]
