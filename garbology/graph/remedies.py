"""What to do about an edge: the remedy's name, and what it means for this edge in words."""

from __future__ import annotations

import dis
import inspect
import opcode
import sys
import types
from typing import Any

from garbology.graph.dying import SUSPENDABLE
from garbology.graph.edges import short_type_name
from garbology.graph.folding import Link
from garbology.graph.naming.classes import mro_of, safe_type_name
from garbology.graph.naming.frames import made_by
from garbology.graph.severing import closing_method
from garbology.graph.shapes import joined

_SUSPENDABLE_FLAGS = (
    (types.GeneratorType, inspect.CO_GENERATOR),
    (types.CoroutineType, inspect.CO_COROUTINE),
    (types.AsyncGeneratorType, inspect.CO_ASYNC_GENERATOR),
)


def remedy_of(link: Link) -> tuple[str, str]:
    """The remedy's name and what it means for this edge, in words."""
    last = link.steps[-1]
    source, target = short_type_name(link.steps[0].holder), short_type_name(last.referent)
    edge = joined(source, link.label)
    kind = type(last.holder)
    name = own_variable(link)
    if name is not None or (kind is types.FrameType and is_exception(last.referent)):
        name = last.label.removeprefix("local ")
        what = "the exception" if is_exception(last.referent) else target
        return (
            "clear",
            f"the frame of {made_by(last.holder)} keeps {what} that keeps the frame: "
            f"end with `{name} = None` (or `del {name}`)",
        )
    suspended = _suspended_kind(last.holder)
    if suspended is not None:
        close = "aclose()" if suspended is types.AsyncGeneratorType else "close()"
        return (
            "close",
            f"{edge} holds {target}: {close} the suspended {suspended.__name__} of {made_by(last.holder)} "
            "when it is done with",
        )
    if kind is types.FrameType:
        return (
            "clear",
            f"{edge} of {made_by(last.holder)} holds {target}: clear the variable when it is done with",
        )
    if last.label == ".__traceback__":
        return "clear", f"{edge} keeps the frames it went through: keep `error.with_traceback(None)` instead"
    if is_closed_with(link):
        return (
            "close",
            f"{source} is still open: close() it when it is done with, or hold it in contextlib.closing",
        )
    if any(step.label == "._objects" and _is_of_ctypes(step.holder) for step in link.steps):
        return (
            "clear",
            f"ctypes keeps {target} in {edge} while {source} points to it: clear it when it is done with",
        )
    methods = [s.holder for s in link.steps if type(s.holder) is types.MethodType and s.label == ".__self__"]
    if methods:
        unused = never_uses_its_object(methods[-1])
        other_way = ", or make it a staticmethod, for it never uses its object" if unused else ""
        return (
            "WeakMethod",
            f"{edge} is a bound method and holds its object: store weakref.WeakMethod(...) instead{other_way}",
        )
    if last.referent is link.steps[0].holder and type(last.referent) is types.FunctionType:
        return "hoist", f"{edge} is the function itself: define it at module level, or pass it to itself"
    if not _takes_weak_references(last.referent):
        return "clear", f"{edge} holds {target}, which takes no weak reference: clear it when it is done with"
    if kind is dict and last.label.startswith("[") and not _has_fixed_keys(link) and _all_weak(last.holder):
        return "WeakValueDictionary", f"{edge} only looks {target} up: make it a weakref.WeakValueDictionary"
    if kind is types.CellType:
        return "weakref", f"{edge} is captured by a closure: capture weakref.ref(...) and call it inside"
    return "weakref", f"{edge} is the way back: hold weakref.ref(...) there"


def is_closed_with(link: Link) -> bool:
    """Whether it is a reference inside an object written in C that has a ``close()`` to let go of it."""
    last = link.steps[-1]
    return last.label.startswith("held inside") and closing_method(last.holder) is not None


def own_variable(link: Link) -> str | None:
    """The name of the variable that it is, where a function that has ended made it itself: no argument."""
    frame: Any = link.steps[-1].holder
    if type(frame) is not types.FrameType or _suspended_kind(frame) is not None:
        return None
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    name = link.steps[-1].label.removeprefix("local ")
    return None if name in code.co_varnames[:count] or name == link.steps[-1].label else name


def _suspended_kind(holder: Any) -> type | None:
    """What is suspended, if ``holder`` is such or its frame: up to 3.10 the frame holds the variables."""
    if type(holder) is types.FrameType:
        return _suspended_frame_kind(holder) if sys.version_info < (3, 11) else None
    return next((kind for kind in SUSPENDABLE if type(holder) is kind), None)


def _suspended_frame_kind(frame: types.FrameType) -> type | None:
    """What a frame was suspended as, by its latest instruction; None if it has ended."""
    code, latest = frame.f_code, frame.f_lasti
    kind = next((kind for kind, flag in _SUSPENDABLE_FLAGS if code.co_flags & flag), None)
    if kind is None or latest < 0 or code.co_code[latest] == opcode.opmap["YIELD_VALUE"]:
        return kind
    following = code.co_code[latest + 2 : latest + 3]  # YIELD_FROM is done again when it goes on
    return kind if following == bytes([opcode.opmap.get("YIELD_FROM", 0)]) else None


def is_exception(obj: object) -> bool:
    """Whether ``obj`` is an exception, whatever it says itself."""
    return any(base is BaseException for base in mro_of(type(obj)))


def never_uses_its_object(method: Any) -> bool:
    """Whether a bound method's function never reads its first argument; False where its code does not tell."""
    function = method.__func__
    if type(function) is not types.FunctionType or not function.__code__.co_argcount:
        return False
    code = function.__code__
    first = code.co_varnames[0]
    if first in code.co_cellvars or "__class__" in code.co_freevars:
        return False  # an inner function or super() reads it
    if {"locals", "vars", "dir", "eval", "exec"} & set(code.co_names):
        return False
    used = (step.argval for step in dis.get_instructions(code) if "_FAST" in step.opname)
    return not any(first in (names if type(names) is tuple else (names,)) for names in used)


def _is_of_ctypes(obj: object) -> bool:
    return any(safe_type_name(base) == "_ctypes._CData" for base in mro_of(type(obj)))


def _has_fixed_keys(link: Link) -> bool:
    """Whether a dict stands for names in the source, not for a table: attributes, keyword arguments."""
    if len(link.steps) < 2:
        return False
    by = link.steps[-2].label
    return by in (".__dict__", ".__kwdefaults__", ".keywords") or (
        by == ".cell_contents" and "kw" in link.label.lower()
    )


def _all_weak(table: Any) -> bool:
    """Whether every value of a dict takes weak references: a record of several things is no table of one kind."""
    some_of_each = {id(type(value)): value for value in list(table.values())}
    return all(map(_takes_weak_references, some_of_each.values()))


def _takes_weak_references(obj: object) -> bool:
    offset = type.__dict__["__weakrefoffset__"].__get__(type(obj))
    return bool(offset) or _is_any(type(obj), (types.FunctionType, set, types.GeneratorType))


def _is_any(kind: type, known: tuple[type, ...]) -> bool:
    return any(kind is each for each in known)  # `in` would ask the metaclass
