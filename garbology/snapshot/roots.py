"""Where a chain of references begins: modules, running functions, contexts, and what C code is known to hold."""

from __future__ import annotations

import atexit
import gc
import signal
import sys
import threading
import types
from contextvars import Context
from dataclasses import dataclass
from itertools import chain

from garbology.interpreter.contents import elements_of, items_of
from garbology.interpreter.thread_stacks import RunningFrame
from garbology.names.classes import is_module, namespace_of_module
from garbology.names.frames import code_name, code_site
from garbology.names.interactive import attribute
from garbology.names.registries import holders_of_callables, registry_of
from garbology.snapshot.heap import Heap
from garbology.text.escaping import safe_text

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
    roots = {heap.place_of(obj): Root("C", name, is_object=False) for name, obj in known_to_c()}
    roots |= _module_roots(heap)
    threads = _thread_names()
    here = threading.get_ident()
    for running in frames:
        suffix = "" if running.thread_id == here else f" in thread {threads.get(running.thread_id, '?')!r}"
        roots[heap.place_of(running.frame)] = Root("frame", frame_name(running.frame), suffix)
    roots.pop(-1, None)
    return roots


def _module_roots(heap: Heap) -> dict[int, Root]:
    names = [(name, module) for name, module in items_of(sys.modules) if type(name) is str]
    ids = [id(module) for _, module in names]
    ids += [id(namespace_of_module(module)) if is_module(module) else 0 for _, module in names]
    roots: dict[int, Root] = {}
    for (name, _), place in zip(names * 2, heap.places_of(ids).tolist(), strict=True):
        roots.setdefault(place, Root("module", f"module {safe_text(name, limit=80)}"))
    return roots


def own_modules() -> list[types.ModuleType]:
    """The instrument's modules: what they import and define is not held for the program's sake."""
    return [
        module
        for name, module in items_of(sys.modules)
        if type(name) is str and f"{name}.".startswith("garbology.") and type(module) is types.ModuleType
    ]


def own_values() -> list[object]:
    """What the instrument keeps in its modules: caches, tables. Its functions, classes and modules do not change."""
    items = chain.from_iterable(map(items_of, map(vars, own_modules())))
    return [
        value
        for name, value in items
        if not name.startswith("__")
        and not isinstance(value, (type, types.FunctionType, types.ModuleType))
        and value is not gc.callbacks
    ]


def known_to_c() -> list[tuple[str, object]]:
    """What the interpreter holds itself: trace functions, hooks of asynchronous generators, signal handlers."""
    hooks = sys.get_asyncgen_hooks()
    known: list[tuple[str, object]] = [
        ("sys.settrace", sys.gettrace()),
        ("sys.setprofile", sys.getprofile()),
        ("sys.set_asyncgen_hooks", hooks.firstiter),
        ("sys.set_asyncgen_hooks", hooks.finalizer),
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


def held_by_c(
    obj: object,
    references: int,
    frames: list[RunningFrame],
    unseen_tuple: int | None = None,
    caller: types.FrameType | None = None,
) -> Root:
    """The root of an object that has more references than the objects of the heap account for.

    ``unseen_tuple`` is the id of a tuple that holds it and that nothing visible holds (see :class:`Heap`). The stack
    of ``caller`` has, or had, the object as an argument.
    """
    kind, text = (
        "C",
        f"held by C code: {references:,} reference{'s' * (references != 1)} that no Python object accounts for",
    )
    having = (each for each in frames if id(obj) in each.stack_ids and each.frame is not caller)
    having_tuple = (each for each in frames if unseen_tuple in each.stack_ids)
    stack = next(chain(having, having_tuple), None)
    if type(obj) is Context:
        kind, text = "context", "the current context of a thread (contextvars)"
    elif stack is not None:
        kind, text = "frame", f"an unfinished expression, call or loop of {frame_name(stack.frame)}"
    elif _are_atexit_callbacks(obj):
        text = "atexit.register, as a callback or its arguments"
    elif registry_of(obj):
        text = registry_of(obj)
    else:
        alike = _held_alike(obj, in_tuple=unseen_tuple is not None)
        text += f" ({', '.join(alike)} are held like this)" if alike else ""
    return Root(kind, text, is_object=False)


def _held_alike(obj: object, *, in_tuple: bool) -> list[str]:
    """What else is held by C code alone."""
    found = holders_of_callables(obj)
    if atexit._ncallbacks() and (in_tuple or type(obj) is tuple or type(obj) is dict):
        return [*found, "arguments of atexit.register"]
    return [*found, "callbacks of atexit.register"] if atexit._ncallbacks() and found else found


def _are_atexit_callbacks(obj: object) -> bool:
    """From 3.14 they are a list of tuples: function, arguments, keyword arguments."""
    count = atexit._ncallbacks()
    if type(obj) is not list or not 0 < count == len(obj) < _MOST_ATEXIT_CALLBACKS:
        return False
    return all(map(_is_atexit_callback, elements_of(obj)))


def _is_atexit_callback(obj: object) -> bool:
    parts = elements_of(obj) if type(obj) is tuple else []
    return len(parts) == 3 and type(parts[1]) is tuple
