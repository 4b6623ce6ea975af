"""What to do about an edge: the remedy's name, and what it means for this edge in words."""

from __future__ import annotations

import dis
import inspect
import types
from typing import Any

from garbology.graph.dying import SUSPENDABLE
from garbology.graph.edges import short_type_name
from garbology.graph.folding import Link
from garbology.graph.naming.classes import mro_of
from garbology.graph.severing import closing_method
from garbology.graph.shapes import joined


def remedy_of(link: Link) -> tuple[str, str]:
    """The remedy's name and what it means for this edge, in words."""
    last = link.steps[-1]
    source, target = short_type_name(link.steps[0].holder), short_type_name(last.referent)
    edge = joined(source, link.label)
    kind = type(last.holder)
    if kind is types.FrameType and is_exception(last.referent):
        name = last.label.removeprefix("local ")
        return (
            "clear",
            f"the frame keeps the exception that keeps the frame: end with `{name} = None` (or `del {name}`)",
        )
    if _is_any(kind, SUSPENDABLE) or (kind is types.FrameType and _is_suspendable(last.holder)):
        return "close", f"{edge} holds {target}: close() the suspended generator when it is done with"
    if kind is types.FrameType:
        return "clear", f"{edge} holds {target}: clear the variable when it is done with"
    if last.label == ".__traceback__":
        return "clear", f"{edge} keeps the frames it went through: keep `error.with_traceback(None)` instead"
    if is_closed_with(link):
        return (
            "close",
            f"{source} is still open: close() it when it is done with, or hold it in contextlib.closing",
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
    if kind is dict and last.label.startswith("[") and not _has_fixed_keys(link):
        return "WeakValueDictionary", f"{edge} only looks {target} up: make it a weakref.WeakValueDictionary"
    if kind is types.CellType:
        return "weakref", f"{edge} is captured by a closure: capture weakref.ref(...) and call it inside"
    return "weakref", f"{edge} is the way back: hold weakref.ref(...) there"


def is_closed_with(link: Link) -> bool:
    """Whether it is a reference inside an object written in C that has a ``close()`` to let go of it."""
    last = link.steps[-1]
    return last.label.startswith("held inside") and closing_method(last.holder) is not None


def _is_suspendable(frame: Any) -> bool:
    """Whether a frame is a generator's or coroutine's: up to 3.10 it is an object of its own."""
    return bool(
        frame.f_code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR)
    )


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


def _has_fixed_keys(link: Link) -> bool:
    """Whether a dict stands for names in the source, not for a table: attributes, keyword arguments."""
    if len(link.steps) < 2:
        return False
    by = link.steps[-2].label
    return by in (".__dict__", ".__kwdefaults__", ".keywords") or (
        by == ".cell_contents" and "kw" in link.label.lower()
    )


def _takes_weak_references(obj: object) -> bool:
    offset = type.__dict__["__weakrefoffset__"].__get__(type(obj))
    return bool(offset) or _is_any(type(obj), (types.FunctionType, set, types.GeneratorType))


def _is_any(kind: type, known: tuple[type, ...]) -> bool:
    return any(kind is each for each in known)  # `in` would ask the metaclass
