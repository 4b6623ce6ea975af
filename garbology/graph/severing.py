"""Cutting one reference for real, without running the program's code.

Only what a program could cut itself: an attribute, an element of a container, a closure's cell, the locals of a
suspended generator or a finished frame, the traceback of an exception. Never through a method of the program's.
"""

from __future__ import annotations

import dis
import functools
import gc
import re
import sys
import types
import weakref
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from garbology.graph.edges import safe_type_name
from garbology.graph.expansion import is_array_type, unseen_referents
from garbology.graph.folding import Step
from garbology.graph.naming.classes import mro_of
from garbology.graph.snapshot import count_each, types_of

SUSPENDABLE = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_MOST_DYING = 100_000  # objects that are asked before they are killed
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
    spaces = (_namespace(base) for base in mro_of(type(obj)))
    method = next((space["close"] for space in spaces if "close" in space), None)
    return method if type(method) is types.MethodDescriptorType else None


def _attribute(step: Step) -> Cut | None:
    name = step.label[1:]
    if not step.label.startswith(".") or not name.isidentifier() or name == "__class__":
        return None
    if name == "__dict__":
        return functools.partial(dict.clear, step.referent) if type(step.referent) is dict else None
    found = [_namespace(base)[name] for base in mro_of(type(step.holder)) if name in _namespace(base)]
    for slot in found:
        if type(slot) is types.MemberDescriptorType and _content(slot, step.holder) is step.referent:
            return functools.partial(slot.__delete__, step.holder)
    if any(_has(type(descriptor), "__delete__") for descriptor in found):
        return None  # deleting would run a descriptor of the program's
    return functools.partial(object.__delattr__, step.holder, name)


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
    if runs_code_when_closed(holder):
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


def runs_code_when_closed(suspended: Any) -> bool:
    """Whether closing a generator or coroutine would run code of the program: a handler, or what it delegates to."""
    if type(suspended) is types.GeneratorType:
        return suspended.gi_yieldfrom is not None or handles_exceptions(suspended.gi_code)
    if type(suspended) is types.CoroutineType:
        if _was_never_awaited(suspended):
            return True  # its end is told by a warning, and the program may have its own way to show that
        return suspended.cr_await is not None or handles_exceptions(suspended.cr_code)
    return True  # an async generator is closed by its event loop


def _was_never_awaited(coroutine: Any) -> bool:
    if sys.version_info >= (3, 11):  # without its frame, which asking for would make
        return not (coroutine.cr_suspended or coroutine.cr_running)
    return coroutine.cr_frame is not None and coroutine.cr_frame.f_lasti < 0


def handles_exceptions(code: types.CodeType) -> bool:
    """Whether closing a generator of this code could run code of the program: an except, finally or with block.

    From 3.12 every generator has a handler of the interpreter's own, which is told by its first instruction.
    """
    listing = dis.Bytecode(code)
    if not hasattr(listing, "exception_entries"):
        return any(step.opname.startswith(("SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC")) for step in listing)
    first = {step.offset: step.opname for step in listing}
    own = ("CALL_INTRINSIC_1", "CLEANUP_THROW")
    return any(first.get(entry.target) not in own for entry in listing.exception_entries)


def why_not_to_be_killed(objects: Sequence[object]) -> str | None:
    """What of the program's would run if ``objects`` died: a finalizer, a weakref callback; None if nothing would.

    They take along what only they hold, and that is asked as well.
    """
    dying = _all_that_dies_with(objects)
    if dying is None:
        return "too much would die with it"
    for kind in types_of(dying)[0]:
        if not any(kind is known for known in SUSPENDABLE) and _has(kind, "__del__"):
            return "it has a finalizer"
    for obj in dying:
        if any(type(obj) is kind for kind in SUSPENDABLE) and runs_code_when_closed(obj):
            return "a suspended generator in it has a handler to run"
        if any(map(_has_callback, weakref.getweakrefs(obj))):
            return "a weak reference to it has a callback"
    return None


def _all_that_dies_with(objects: Sequence[object]) -> list[object] | None:
    """``objects``, what only they hold, what only that holds, and so on; None if that is too much to look at."""
    dying = list(objects)
    dead = set(map(id, objects))
    held: Counter[int] = Counter()
    last: Sequence[object] = objects
    while last and len(dying) <= _MOST_DYING:
        referents = _all_referents(last)
        held.update(map(id, referents))
        touched = list({id(obj): obj for obj in referents if id(obj) not in dead}.values())
        del referents  # or they would be held once more
        counts = count_each(touched).tolist()
        last = [obj for obj, count in zip(touched, counts, strict=True) if count <= held[id(obj)]]
        dead.update(map(id, last))
        dying += last
    return dying if len(dying) <= _MOST_DYING else None


def _all_referents(objects: Sequence[object]) -> list[object]:
    arrays = [obj for obj in objects if is_array_type(type(obj))]
    return [*gc.get_referents(*objects), *chain.from_iterable(map(unseen_referents, arrays))]


def _has_callback(reference: object) -> bool:
    """Whether a weak reference calls something when its object dies; a proxy's attributes would be its object's."""
    if any(type(reference) is kind for kind in weakref.ProxyTypes):
        return bool(gc.get_referents(reference))
    get: Any = weakref.ReferenceType.__dict__["__callback__"]
    return get.__get__(reference) is not None


def _namespace(cls: type) -> Any:
    return type.__dict__["__dict__"].__get__(cls)


def _has(cls: type, name: str) -> bool:
    return any(name in _namespace(base) for base in mro_of(cls))
