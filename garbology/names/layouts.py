"""Where in their memory C types keep what no attribute answers with: found on a probe at first use, and read there.

Only references that the object owns are here, so what is read is an object. Of a type whose probe does not show
exactly one place, nothing is read.
"""

from __future__ import annotations

import contextvars
import io
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from garbology.interpreter.memory_layout import WORD, can_read_memory, objects_at_addresses, words_at

_get_basicsize = type.__dict__["__basicsize__"].__get__
_MOST_WORDS = 64  # of a probe that are searched
_EXTENSION_OBJECT = b"numpy.ufunc.extobj"  # what NumPy 2 calls the capsule of np.seterrcall and np.errstate
_CAPSULE_POINTER, _CAPSULE_NAME = 2, 3


@cache
def places_of(type_name: str) -> tuple[tuple[str, int], ...]:
    """Label and word of each reference that instances of a C type (by its full name) own and show nowhere."""
    probe = _PROBES.get(type_name)
    if probe is None or not can_read_memory() or "t" in sys.abiflags:
        return ()
    try:
        obj, held = probe()
        words = words_at(id(obj), min(_get_basicsize(type(obj)) // WORD, _MOST_WORDS))
        found = [(label, words.index(id(each))) for label, each in held if words.count(id(each)) == 1]
    except Exception:
        return ()
    return tuple(found) if len(found) == len(held) else ()


def object_at(obj: object, place: int) -> list[object]:
    """The object in a word of ``obj``'s memory, in a list; an empty one where the word is NULL."""
    return objects_at_addresses(words_at(id(obj) + place * WORD, 1))


def error_callback(capsule: object) -> list[object]:
    """What a capsule of `np.seterrcall` holds, in a list; an empty one of any other capsule."""
    if not can_read_memory() or "t" in sys.abiflags:
        return []
    pointer, name = words_at(id(capsule) + _CAPSULE_POINTER * WORD, 2)
    if not name or not pointer or _text_at(name) != _EXTENSION_OBJECT:
        return []
    place = _place_of_callback()
    return [] if place is None else objects_at_addresses(words_at(pointer + place * WORD, 1))


def _text_at(address: int) -> bytes:
    import ctypes

    return ctypes.string_at(address)


@cache
def _place_of_callback() -> int | None:
    """Which word of NumPy's structure is the callback: asked in a context of its own, which is dropped."""
    probe = _ErrorCallback()
    context = contextvars.copy_context()
    context.run(np.seterrcall, probe)
    for value in context.values():
        if type(value).__name__ == "PyCapsule":
            pointer, name = words_at(id(value) + _CAPSULE_POINTER * WORD, 2)
            if name and _text_at(name) == _EXTENSION_OBJECT:
                words = words_at(pointer, 3)
                return words.index(id(probe)) if id(probe) in words else None
    return None


class _ErrorCallback:
    def write(self, text: str) -> None:
        """Nothing."""


_Probe = Callable[[], tuple[Any, Sequence[tuple[str, object]]]]


def _scanner() -> tuple[Any, Sequence[tuple[str, object]]]:
    text = "".join(["a text ", "of its own"])
    return re.compile("x").scanner(text), [(".string", text)]  # type: ignore[attr-defined]


def _newline_decoder() -> tuple[Any, Sequence[tuple[str, object]]]:
    decoder: Any = object()
    return io.IncrementalNewlineDecoder(decoder, True), [("", decoder)]


def _flags() -> tuple[Any, Sequence[tuple[str, object]]]:
    array = np.zeros(1)
    return array.flags, [("", array)]


def _profiler() -> tuple[Any, Sequence[tuple[str, object]]]:
    timer = object()
    return vars(sys.modules["_lsprof"])["Profiler"](timer), [("", timer)]


def _local_context() -> tuple[Any, Sequence[tuple[str, object]]]:
    """A manager of decimal holds the context that is the current one inside, and that to be put back."""
    return contextvars.copy_context().run(_entered_local_context)


def _entered_local_context() -> tuple[Any, Sequence[tuple[str, object]]]:
    decimal = sys.modules["decimal"]
    outer, manager = decimal.getcontext(), decimal.localcontext()
    inner = manager.__enter__()
    manager.__exit__(None, None, None)
    return manager, [("", inner), ("", outer)]


_PROBES: dict[str, _Probe] = {
    "_sre.SRE_Scanner": _scanner,
    "_io.IncrementalNewlineDecoder": _newline_decoder,
    "_lsprof.Profiler": _profiler,
    "decimal.ContextManager": _local_context,
    "numpy._core.multiarray.flagsobj": _flags,
    "numpy.core.multiarray.flagsobj": _flags,
}
