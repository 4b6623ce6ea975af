"""Where a chain of references begins: modules, running functions, contexts, and what C code is known to hold."""

from __future__ import annotations

import atexit
import signal
import sys
import threading
import types
from contextvars import Context
from dataclasses import dataclass

from garbology.graph.heap import Heap
from garbology.graph.naming.frames import code_name, code_site
from garbology.graph.naming.interactive import attribute, is_module
from garbology.graph.naming.text import safe_text
from garbology.interpreter.thread_stacks import RunningFrame

_get_namespace = vars(types.ModuleType)["__dict__"].__get__
_MOST_ATEXIT_CALLBACKS = 10_000


@dataclass(frozen=True)
class Root:
    """What holds the first object of a chain.

    Attributes
    ----------
    kind : 'module', 'frame', 'context' or 'C'.
    name : how one reads it, such as 'module myapp' or 'function f (app.py:12)'.
    suffix : what follows the name of a local: the thread, where it is not the one that asks.
    is_object : whether that is the name of the chain's first object, and not of what holds that.
    """

    kind: str
    name: str
    suffix: str = ""
    is_object: bool = True


def named_roots(heap: Heap, frames: list[RunningFrame]) -> dict[int, Root]:
    """The roots among the objects of the heap, by place."""
    roots = {heap.place_of(obj): Root("C", name, is_object=False) for name, obj in _known_to_c()}
    roots |= _module_roots(heap)
    threads = _thread_names()
    here = threading.get_ident()
    for running in frames:
        suffix = "" if running.thread_id == here else f" in thread {threads.get(running.thread_id, '?')!r}"
        roots[heap.place_of(running.frame)] = Root("frame", frame_name(running.frame), suffix)
    roots.pop(-1, None)
    return roots


def _module_roots(heap: Heap) -> dict[int, Root]:
    names = [(name, module) for name, module in list(dict.items(sys.modules)) if type(name) is str]
    ids = [id(module) for _, module in names]
    ids += [id(_get_namespace(module)) if is_module(module) else 0 for _, module in names]
    roots: dict[int, Root] = {}
    for (name, _), place in zip(names * 2, heap.places_of(ids).tolist(), strict=True):
        roots.setdefault(place, Root("module", f"module {safe_text(name, limit=80)}"))
    return roots


def own_modules() -> list[types.ModuleType]:
    """The instrument's modules: what they import and define is not held for the program's sake."""
    return [
        module
        for name, module in list(dict.items(sys.modules))
        if type(name) is str and f"{name}.".startswith("garbology.") and type(module) is types.ModuleType
    ]


def _known_to_c() -> list[tuple[str, object]]:
    known: list[tuple[str, object]] = [
        ("sys.settrace", sys.gettrace()),
        ("sys.setprofile", sys.getprofile()),
    ]
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if type(handler) is not signal.Handlers:
            known.append((f"signal.signal, as the handler of number {int(number)}", handler))
    return [(name, obj) for name, obj in known if obj is not None]


def _thread_names() -> dict[int, str]:
    names = {}
    for ident, thread in list(threading._active.items()):  # type: ignore[attr-defined]
        name = attribute(thread, "_name")
        names[ident] = safe_text(name, limit=60) if type(name) is str else "?"
    return names


def frame_name(frame: types.FrameType) -> str:
    """'function f (app.py:12)', the line it is at."""
    return f"{code_name(frame.f_code)} ({code_site(frame.f_code, frame.f_lineno)})"


def held_by_c(obj: object, references: int, frames: list[RunningFrame]) -> Root:
    """The root of an object that has more references than the objects of the heap account for."""
    kind, text = (
        "C",
        f"held by C code: {references:,} reference{'s' * (references != 1)} that no Python object accounts for",
    )
    stack = next((running for running in frames if id(obj) in running.stack_ids), None)
    if type(obj) is Context:
        kind, text = "context", "the current context of a thread (contextvars)"
    elif stack is not None:
        kind, text = "frame", f"an unfinished expression, call or loop of {frame_name(stack.frame)}"
    elif _are_atexit_callbacks(obj):
        text = "atexit.register, as a callback or its arguments"
    elif atexit._ncallbacks() and (type(obj) is tuple or type(obj) is dict):
        text += " (arguments of atexit.register are held like this)"
    return Root(kind, text, is_object=False)


def _are_atexit_callbacks(obj: object) -> bool:
    """From 3.14 they are a list of tuples: function, arguments, keyword arguments."""
    count = atexit._ncallbacks()
    if type(obj) is not list or not 0 < count == len(obj) < _MOST_ATEXIT_CALLBACKS:
        return False
    return all(type(item) is tuple and len(item) == 3 and type(item[1]) is tuple for item in obj)
