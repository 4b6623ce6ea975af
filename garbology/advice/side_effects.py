"""What of the program's would run if objects died: asked before a trial kills them."""

from __future__ import annotations

import dis
import gc
import sys
import types
import weakref
from collections.abc import Sequence
from itertools import chain
from typing import Any

from garbology.interpreter.bytecode import plain_code
from garbology.names.classes import mro_of
from garbology.names.edges import safe_type_name
from garbology.names.finalizers import found_in, is_idle, namespace_of
from garbology.names.hidden import hides, unseen_referents
from garbology.snapshot.arrays import counted
from garbology.snapshot.snapshot import count_each, types_of

SUSPENDABLE = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_MOST_DYING = 100_000  # objects that are asked before they are killed
_MOST_DELEGATES = 100


def why_not_to_be_killed(objects: Sequence[object]) -> str | None:
    """What of the program's would run if ``objects`` died: a finalizer, a weakref callback; None if nothing would.

    They take along what only they hold, and that is asked as well.
    """
    dying = _all_that_dies_with(objects)
    if dying is None:
        return f"more than {_MOST_DYING:,} objects would die with it"
    types_in_it, kinds = types_of(dying)
    for number, kind in enumerate(types_in_it):
        if _is_any(kind, SUSPENDABLE) or found_in(kind, "__del__") is None:
            continue
        if not all(is_idle(dying[place]) for place in (kinds == number).nonzero()[0].tolist()):
            return f"{safe_type_name(kind)} in it has a finalizer"
    for obj in dying:
        why_not = why_not_to_be_closed(obj) if _is_any(type(obj), SUSPENDABLE) else None
        if why_not:
            return why_not
        if any(map(_has_callback, weakref.getweakrefs(obj))):
            return "a weak reference to it has a callback"
    return None


def why_not_to_be_closed(suspended: Any) -> str | None:
    """What of the program's would run if a generator or coroutine was closed: a handler, in it or what it waits for."""
    for _ in range(_MOST_DELEGATES):
        if _has_ended(suspended):
            return None
        if type(suspended) is types.AsyncGeneratorType:
            return "an async generator in it is for its event loop to close"
        if type(suspended) is types.CoroutineType:
            if _was_never_awaited(suspended):  # the program may have its own way to show warnings
                return "a coroutine in it would warn that it was never awaited"
            code, delegate = suspended.cr_code, suspended.cr_await
        else:
            if _has_not_begun(suspended):
                return None
            code, delegate = suspended.gi_code, suspended.gi_yieldfrom
        if handles_exceptions(code):
            return f"a suspended {safe_type_name(type(suspended))} in it has a handler to run"
        if not _is_any(type(delegate), SUSPENDABLE):
            return (
                None
                if _closes_silently(delegate)
                else "what something suspended in it waits for would be closed"
            )
        suspended = delegate
    return "too much that is suspended waits for something else in it"


def _has_ended(suspended: Any) -> bool:
    """Whether a generator or coroutine ran to its end or was closed: nothing is left to run.

    Asked by its referents: ``gi_frame`` would make the frame of one that has not ended. In 3.12 and 3.13 what was
    closed before it began keeps its variables; the frame is asked for only of what would be called never awaited.
    """
    if (
        (3, 12) <= sys.version_info < (3, 14)
        and type(suspended) is types.CoroutineType
        and _was_never_awaited(suspended)
    ):
        return suspended.cr_frame is None
    goes_on_in = types.FunctionType if sys.version_info >= (3, 11) else types.FrameType
    return not any(type(referent) is goes_on_in for referent in gc.get_referents(suspended))


def _has_not_begun(generator: Any) -> bool:
    """Whether a generator that has not ended was never advanced: to close it runs nothing."""
    if sys.version_info >= (3, 11):
        return not (generator.gi_suspended or generator.gi_running)
    frames: list[Any] = [each for each in gc.get_referents(generator) if type(each) is types.FrameType]
    return bool(frames) and frames[0].f_lasti < 0


def _closes_silently(delegate: object) -> bool:
    """Whether no code of the program runs where what waits for ``delegate`` is closed: it has no ``close``."""
    kind = type(delegate)
    if safe_type_name(kind) == "_asyncio.FutureIter" and _is_written_in_c(kind, "close"):
        return True
    own = (namespace_of(base) for base in mro_of(kind) if base is not object)
    return not any(name in space for space in own for name in ("close", "__getattr__", "__getattribute__"))


def _was_never_awaited(coroutine: Any) -> bool:
    if sys.version_info >= (3, 11):  # without its frame, which asking for would make
        return not (coroutine.cr_suspended or coroutine.cr_running)
    return coroutine.cr_frame is not None and coroutine.cr_frame.f_lasti < 0


def handles_exceptions(code: types.CodeType) -> bool:
    """Whether closing a generator of this code could run code of the program: an except, finally or with block.

    From 3.12 every generator has a handler of the interpreter's own, which is told by its first instruction.
    """
    listing = dis.Bytecode(plain_code(code))
    if not hasattr(listing, "exception_entries"):
        return any(step.opname.startswith(("SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC")) for step in listing)
    first = {step.offset: step.opname for step in listing}
    own = ("CALL_INTRINSIC_1", "CLEANUP_THROW")
    return any(first.get(entry.target) not in own for entry in listing.exception_entries)


def _is_written_in_c(kind: type, method: str) -> bool:
    known = (types.MethodDescriptorType, types.WrapperDescriptorType)
    return _is_any(type(namespace_of(kind).get(method)), known)


def _all_that_dies_with(objects: Sequence[object]) -> list[object] | None:
    """``objects``, what only they hold, what only that holds, and so on; None if that is too much to look at."""
    dying = list(objects)
    dead = set(map(id, objects))
    held: dict[int, int] = {}
    last: Sequence[object] = objects
    while last and len(dying) <= _MOST_DYING:
        referents = _all_referents(last)
        for address, times in counted(map(id, referents)).items():
            held[address] = held.get(address, 0) + times
        touched = list({id(obj): obj for obj in referents if id(obj) not in dead}.values())
        del referents  # or they would be held once more
        counts = count_each(touched).tolist()
        last = [obj for obj, count in zip(touched, counts, strict=True) if count <= held[id(obj)]]
        dead.update(map(id, last))
        dying += last
    return dying if len(dying) <= _MOST_DYING else None


def _all_referents(objects: Sequence[object]) -> list[object]:
    hiding = [obj for obj in objects if hides(type(obj))]
    return [*gc.get_referents(*objects), *chain.from_iterable(map(unseen_referents, hiding))]


def _has_callback(reference: object) -> bool:
    """Whether a weak reference calls something when its object dies; a proxy's attributes would be its object's."""
    if _is_any(type(reference), weakref.ProxyTypes):
        return bool(gc.get_referents(reference))
    get: Any = weakref.ReferenceType.__dict__["__callback__"]
    return get.__get__(reference) is not None


def _is_any(kind: type, known: Sequence[type]) -> bool:
    return any(kind is each for each in known)  # `in` would ask the metaclass
