"""Cutting one reference for real, without running the program's code.

Only what a program could cut itself: an attribute, an element of a container, a closure's cell, the locals of a
suspended generator or a finished frame, the traceback of an exception. Never through a method of the program's.
"""

from __future__ import annotations

import functools
import re
import types
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from garbology.advice.side_effects import SUSPENDABLE, why_not_to_be_closed
from garbology.cycles.folding import Step
from garbology.names.classes import HEAP_TYPE, flags_of, mro_of
from garbology.names.edges import safe_type_name
from garbology.names.finalizers import found_in, namespace_of

_EXCEPTION_LINKS = (".__traceback__", ".__context__", ".__cause__")
# Others may call what they wrap: a text file closes its buffer, which can be of a class of the program's.
_CLOSED_WITHOUT_THE_PROGRAM = ("sqlite3.Connection",)
_INDEX = re.compile(r"\[(\d+)\]")
_KEY = re.compile(r"\['([^'\\]*)'\]")

Cut = Callable[[], object]


def cut_of(steps: Sequence[Step]) -> Cut | None:
    """How to cut a path of references: the last of its steps that can be cut; None where none can."""
    for step in reversed(steps):
        cut = _cut_of_step(step)
        if cut is not None:
            return cut
    return None


def _cut_of_step(step: Step) -> Cut | None:
    kind = type(step.holder)
    if step.label.startswith("held inside") and safe_type_name(kind) in _CLOSED_WITHOUT_THE_PROGRAM:
        method = closing_method(step.holder)
        return functools.partial(method, step.holder) if method else None
    for handled, make in _CUTS:
        if kind is handled:
            return make(step)
    bases = mro_of(kind)
    if any(base is BaseException for base in bases) and step.label in _EXCEPTION_LINKS:
        descriptor: Any = BaseException.__dict__[step.label[1:]]
        return functools.partial(descriptor.__set__, step.holder, None)
    if any(base is type for base in bases):
        return None
    return _attribute(step)


def closing_method(obj: object) -> Any:
    """The ``close`` of an object whose class has one written in C, not bound; None where it is the program's own."""
    if any(type(obj) is kind for kind in SUSPENDABLE):
        return None  # which are closed by their frame's locals
    method = found_in(type(obj), "close")
    return method if type(method) is types.MethodDescriptorType else None


def _attribute(step: Step) -> Cut | None:
    name = step.label[1:]
    if not step.label.startswith(".") or not name.isidentifier() or name == "__class__":
        return None
    if name == "__dict__":
        return functools.partial(dict.clear, step.referent) if type(step.referent) is dict else None
    found = [namespace_of(base)[name] for base in mro_of(type(step.holder)) if name in namespace_of(base)]
    for slot in found:
        if type(slot) is types.MemberDescriptorType and _content(slot, step.holder) is step.referent:
            return functools.partial(slot.__delete__, step.holder) if _is_of_python(slot) else None
    if any(found_in(type(descriptor), "__delete__") is not None for descriptor in found):
        return None  # deleting would run a descriptor of the program's
    return functools.partial(object.__delattr__, step.holder, name)


def _is_of_python(slot: types.MemberDescriptorType) -> bool:
    """Whether it is of ``__slots__``: what C code defines can mostly be read only."""
    return bool(flags_of(slot.__objclass__) & HEAP_TYPE)


def _content(slot: types.MemberDescriptorType, holder: object) -> object:
    try:
        return slot.__get__(holder)
    except AttributeError:
        return None


def _list_element(step: Step) -> Cut | None:
    match = _INDEX.fullmatch(step.label)
    holder: Any = step.holder
    return functools.partial(type(holder).__setitem__, holder, int(match[1]), None) if match else None


def _dict_value(step: Step) -> Cut | None:
    match = _KEY.fullmatch(step.label)
    holder: Any = step.holder
    return (
        functools.partial(dict.__setitem__, holder, match[1], None)
        if match
        else functools.partial(dict.clear, holder)
    )


def _set_element(step: Step) -> Cut | None:
    return functools.partial(set.clear, step.holder)  # type: ignore[arg-type]


def _cell_content(step: Step) -> Cut | None:
    descriptor: Any = types.CellType.__dict__["cell_contents"]
    return functools.partial(descriptor.__delete__, step.holder)


def _frame_local(step: Step) -> Cut | None:
    return functools.partial(types.FrameType.clear, step.holder) if step.label.startswith("local ") else None  # type: ignore[arg-type]


def _suspended_local(step: Step) -> Cut | None:
    holder: Any = step.holder
    if why_not_to_be_closed(holder):
        return None
    return functools.partial(type(holder).close, holder)


def _nothing(step: Step) -> Cut | None:
    return None


_CUTS: list[tuple[type, Callable[[Step], Cut | None]]] = [
    (list, _list_element),
    (deque, _list_element),
    (dict, _dict_value),
    (set, _set_element),
    (types.CellType, _cell_content),
    (types.FrameType, _frame_local),
    *((kind, _suspended_local) for kind in SUSPENDABLE),
    *(
        (kind, _nothing)
        for kind in (tuple, frozenset, types.MethodType, types.FunctionType, functools.partial)
    ),
    *((kind, _nothing) for kind in (types.TracebackType, types.BuiltinMethodType, type)),
]
