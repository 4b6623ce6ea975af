"""What a C type may hold beyond the table of `hidden`: seen in the words of its memory, or not to be seen at all.

Of a type that takes no part in the collector, or of an extension's that may tell it only a part, the words of an
instance are compared with the addresses of objects that are known: no address is turned into an object. What such a
type keeps behind a pointer of its own (callbacks in a list of the C library's) is *opaque*: nothing can be seen.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.memory_layout import WORD, can_read_memory, words_at, words_of_each
from garbology.names.attributes import members, plain_properties
from garbology.names.classes import COLLECTED_TYPE, HEAP_TYPE, flags_of, mro_of, safe_type_name
from garbology.names.hidden import TABLE

_get_basicsize = type.__dict__["__basicsize__"].__get__
_get_weakrefs_offset = type.__dict__["__weakrefoffset__"].__get__
_LARGEST_NUMBER = 0xFFFF  # of a word that is no address
_HEADER = 2  # words of an object before its own: count and type
_DEALLOC = 6  # which word of a type its `tp_dealloc` is
_ATOMS = (
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    range,
    type(None),
    type(NotImplemented),
    type(...),
    np.generic,
)
#: Nothing, or nothing of the program's: what NumPy and SciPy make when they are imported, some thousand of them.
_HOLD_NOTHING = frozenset(
    [
        "_thread.RLock",
        "_thread.lock",
        "datetime.date",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fortran",
        "numpy._ArrayFunctionDispatcher",
        "numpy._ArrayMethod",
    ]
)
#: Types that take part in the collector and show it all, by the module that has them.
_SHOW_ALL = frozenset(
    sys.stdlib_module_names | {"builtins", "coverage", "decimal", "numpy", "scipy", "psutil"}
)
_SHOW_A_PART = frozenset(["_io.BufferedRWPair", "_io.StringIO"])  # of those, the exceptions
#: Of those, what keeps references in memory of a C library.
_OPAQUE = frozenset(["_pickle.Pickler", "_tkinter.tkapp", "_tokenize.TokenizerIter", "sqlite3.Connection"])


def has_secrets(kind: type) -> bool:
    """Whether instances may refer to objects that neither the collector nor the table shows."""
    return any(_keeps_secrets(base) for base in _c_types(kind))


def is_opaque(obj: object) -> bool:
    """Whether an object may hold others in memory that cannot be looked into: it points at some."""
    return opaque_base(type(obj)) != "" and any(word > _LARGEST_NUMBER for word in secret_ids(obj))


def opaque_base(kind: type) -> str:
    """The name of the type written in C whose instances may keep objects in memory of their own; or ''."""
    return next((safe_type_name(base) for base in _c_types(kind) if _is_opaque(base)), "")


def secret_ids(obj: object) -> list[int]:
    """Words of an object's memory that may be the ids of what it holds, less what the collector is shown.

    References that are not the object's own, such as those to its weak references, are left out.
    """
    kind = type(obj)
    places = _places_of_secrets(kind)
    if not places:
        return []
    words = words_at(id(obj), places[-1] + 1)
    found = [words[place] for place in places if words[place]]
    for shown in map(id, gc.get_referents(obj)) if flags_of(kind) & COLLECTED_TYPE else ():
        if shown in found:
            found.remove(shown)
    return found


def _places_of_secrets(kind: type) -> list[int]:
    """Which words of an instance may be what it holds; none where memory cannot be read."""
    count = _get_basicsize(kind) // WORD
    if count <= _HEADER or not can_read_memory():
        return []
    first = 1 if flags_of(kind) & HEAP_TYPE else _HEADER
    weak = _get_weakrefs_offset(kind) // WORD
    return [place for place in range(first, count) if place != weak]


def secret_label(holder: object, referent: object) -> str:
    """What a reference in an object's memory is called: the C attribute that answers with it, or 'held inside TYPE'."""
    for base in _c_types(type(holder)):
        for label, address in (*members(holder, base), *plain_properties(holder, base)):
            if address == id(referent):
                return label
    return f"held inside {safe_type_name(holder)}"


def secret_addresses(objects: Sequence[object]) -> NDArray[np.int64]:
    """The :func:`secret_ids` of several objects of one type, in one array.

    There are some ten thousand pieces of code in a program, each of which keeps its constants to itself.
    """
    kind = type(next(iter(objects), None))
    if flags_of(kind) & COLLECTED_TYPE:  # what it shows is left out, of each
        words = [word for obj in objects for word in secret_ids(obj)]
        return np.array(words, np.uint64).astype(np.int64)
    places = _places_of_secrets(kind)
    if not places:
        return np.empty(0, np.int64)
    memory: NDArray[np.int64] = words_of_each(objects, places[-1] + 1)[:, places]
    found: NDArray[np.int64] = memory[memory != 0]
    return found


def _keeps_secrets(base: type) -> bool:
    name = safe_type_name(base)
    if name in _OPAQUE or name in _SHOW_A_PART:
        return True
    if name in TABLE or name in _HOLD_NOTHING or _adds_nothing(base):
        return False
    known = _module_of(name) in _SHOW_ALL
    if flags_of(base) & COLLECTED_TYPE:
        return not known
    return not (_is_any(base, _ATOMS) or (known and any(map(_is_understood, mro_of(base)))))


def _is_understood(base: type) -> bool:
    return _is_any(base, _ATOMS) or safe_type_name(base) in TABLE


def _is_opaque(base: type) -> bool:
    name = safe_type_name(base)
    if name in _OPAQUE:
        return True
    module = _module_of(name)
    return not (module in _SHOW_ALL or module.startswith("_cy") or name in TABLE or _adds_nothing(base))


def _adds_nothing(base: type) -> bool:
    """Whether a type has no memory beyond that of what it derives from."""
    return bool(_get_basicsize(base) == _get_basicsize(next(iter(mro_of(base)[1:]), object)))


def _module_of(type_name: str) -> str:
    return type_name.partition(".")[0] if "." in type_name else "builtins"


def _c_types(kind: type) -> Iterable[type]:
    """The types written in C that a class derives from, `object` left out."""
    return [base for base in mro_of(kind) if base is not object and not is_made_in_python(base)]


def is_made_in_python(kind: type) -> bool:
    """Whether a class statement made it: those are all freed by one function of the interpreter's."""
    if not flags_of(kind) & HEAP_TYPE:
        return False
    dealloc = _dealloc_of_python_classes()
    return dealloc == 0 or words_at(id(kind) + _DEALLOC * WORD, 1)[0] == dealloc


@cache
def _dealloc_of_python_classes() -> int:
    return words_at(id(_Probe) + _DEALLOC * WORD, 1)[0] if can_read_memory() else 0


class _Probe:
    """A class that is made in Python."""


def _is_any(kind: type, known: Iterable[type]) -> bool:
    return any(kind is each for each in known)  # `in` would ask the metaclass
