"""References that the collector does not see: the one table of what C types keep to themselves, each with its name.

A type written in C need not take part in the collector (an exact `ndarray`, a `datetime` up to now), or shows it only
a part of what it holds (a scanner of a pattern shows the pattern, and not the string). Whatever leads through such an
object is never found by the collector, and a cycle through it is never freed (numpy issue 6581).

Most of it is read by attributes written in C that answer with what they hold. Where there is no such attribute, the
place in memory is found on a probe at first use (`layouts`). Of a C type that is not in the table,
`garbology.names.secrets` compares the words of its memory with objects that are known.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from garbology.names.classes import (
    COLLECTED_TYPE,
    HEAP_TYPE,
    flags_of,
    mro_of,
    namespace_of,
    qualified_name,
    safe_type_name,
)
from garbology.names.layouts import error_callback, object_at, places_of
from garbology.text.escaping import key_text

Labelled = Iterator[tuple[str, object]]
Reader = Callable[[Any], Labelled]

_get_base = np.ndarray.__dict__["base"].__get__
_get_dtype = np.ndarray.__dict__["dtype"].__get__
_get_flags = np.ndarray.__dict__["flags"].__get__
_get_metadata = np.dtype.__dict__["metadata"].__get__
_get_fields = np.dtype.__dict__["fields"].__get__
_get_subdtype = np.dtype.__dict__["subdtype"].__get__
_get_void_base = np.void.__dict__["base"].__get__
_get_void_dtype = np.void.__dict__["dtype"].__get__
_get_item_of_void = np.void.__dict__["__getitem__"]
_get_operands = np.nditer.__dict__["operands"].__get__
_get_iterators = np.broadcast.__dict__["iters"].__get__
_get_viewed = np.flatiter.__dict__["base"].__get__


def hides(kind: type) -> bool:
    """Whether instances hold what the collector is not shown, and the table knows what."""
    return any(True for _ in _readers(kind))


def hiding_base(kind: type) -> str:
    """The name of the type written in C that hides something of its instances; '' where there is none."""
    return next((safe_type_name(base) for base in mro_of(kind) if safe_type_name(base) in TABLE), "")


def hidden_referents(obj: object) -> list[tuple[str, object]]:
    """Return the references of an object that `gc.get_referents` leaves out, each with its label.

    An array that owns its memory holds its elements ('[i]', '[i, j]', "['field'][i]"); a view holds what it
    views ('.base') and no element. An array holds its dtype where that has metadata or a field with some. What has
    no name in Python is 'held inside TYPE'. No code of the program's runs.
    """
    found: list[tuple[str, object]] = []
    for read in _readers(type(obj)):
        found += _guarded(read(obj))
        if read is _of_dtype:
            found += _guarded(_named_metadata(obj))
    return found


def unseen_referents(obj: Any) -> list[object]:
    """What an object holds without showing it, as often as it does; no names, which take time in a large array."""
    return _unseen(obj, _readers(type(obj)))


def unseen_of_each(objects: Iterable[Any]) -> Iterator[list[object]]:
    """The :func:`unseen_referents` of each object; how a class is read is looked up once."""
    return (_unseen(obj, readers) for obj, readers in _with_readers(objects))


def holds_unseen(obj: object) -> bool:
    """Whether an object holds anything that the collector is not shown, or has room for it."""
    return _holds(obj, list(_readers(type(obj))))


def which_hold_unseen(objects: Iterable[object]) -> list[bool]:
    """What :func:`holds_unseen` says of each object; how a class is read is looked up once."""
    return [_holds(obj, readers) for obj, readers in _with_readers(objects)]


def _unseen(obj: Any, readers: Iterable[Reader]) -> list[object]:
    found: list[object] = []
    for read in readers:
        if read is _of_array:
            found += [referent for _, referent in _beside_elements(obj)]
            found += _elements(np.ndarray.view(obj, np.ndarray)) if _owns_elements(obj) else []
        else:
            found += [referent for _, referent in _guarded(read(obj))]
    return found


def _holds(obj: object, readers: list[Reader]) -> bool:
    if any(read is _of_array for read in readers) and _owns_elements(obj):
        return True
    return any(
        True for read in readers for _ in _guarded(_beside_elements(obj) if read is _of_array else read(obj))
    )


def _with_readers(objects: Iterable[Any]) -> Iterator[tuple[Any, list[Reader]]]:
    known: dict[int, list[Reader]] = {}  # by the class's address: the objects keep it alive meanwhile
    for obj in objects:
        kind = type(obj)
        readers = known.get(id(kind))
        if readers is None:
            readers = known[id(kind)] = list(_readers(kind))
        yield obj, readers


def _readers(kind: type) -> Iterator[Reader]:
    """How instances of a class are read, by the types written in C that it derives from."""
    for base in mro_of(kind):
        if (
            qualified_name(base) in _ENDINGS
        ):  # the module is asked for where it matters: this is asked of every class
            read = TABLE.get(safe_type_name(base))
            if read is not None:
                yield read


def _guarded(referents: Labelled) -> Labelled:
    """A class of the program's that calls itself like a C type, or an iterator that is closed, has nothing."""
    try:
        yield from referents
    except Exception:
        return


# --- NumPy


def _of_array(array: Any) -> Labelled:
    yield from _beside_elements(array)
    if _owns_elements(array):
        yield from _named_elements(np.ndarray.view(array, np.ndarray), "")


def _beside_elements(array: Any) -> Labelled:
    dtype = _get_dtype(array)
    if _leads_on(dtype):
        yield ".dtype", dtype
    base = _get_base(array)
    if base is not None:
        yield ".base", base


def _owns_elements(array: Any) -> bool:
    return bool(_get_base(array) is None and _get_dtype(array).hasobject and _get_flags(array).owndata)


def _elements(array: Any) -> list[object]:
    if array.dtype.names is None:
        elements: list[object] = array.reshape(-1).tolist()
        return elements
    found: list[object] = []
    for name in array.dtype.names:
        if array.dtype.fields[name][0].hasobject:
            found += _elements(array[name])
    return found


def _named_elements(array: Any, prefix: str) -> Labelled:
    """Elements of an array of objects, or of the object fields of a structured one."""
    if array.dtype.names is not None:
        for name in array.dtype.names:
            if array.dtype.fields[name][0].hasobject:
                yield from _named_elements(array[name], f"{prefix}[{name!r}]")
        return
    indexes = product(*map(range, array.shape))
    for index, value in zip(indexes, array.reshape(-1).tolist(), strict=True):
        yield f"{prefix}[{', '.join(map(str, index))}]" if index else prefix, value


def _of_dtype(dtype: Any) -> Labelled:
    metadata = _get_metadata(dtype)
    if metadata is not None:
        yield from _behind_proxy(".metadata", metadata)
    fields = _get_fields(dtype)
    if fields is not None:
        yield from _behind_proxy(".fields", fields)
    subdtype = _get_subdtype(dtype)
    if subdtype is not None:
        yield ".base", subdtype[0]
    missing = type(dtype).__dict__.get("na_object") if safe_type_name(dtype) == _STRING_DTYPE else None
    if missing is not None:
        yield ".na_object", missing.__get__(dtype)


def _named_metadata(dtype: Any) -> Labelled:
    for key, value in (_get_metadata(dtype) or {}).items():
        yield f".metadata[{key_text(key) or '?'}]", value


def _behind_proxy(label: str, proxy: MappingProxyType[str, Any]) -> Labelled:
    """The dictionary behind a read-only view of it."""
    for referent in gc.get_referents(proxy):
        yield label, referent


def _leads_on(dtype: Any) -> bool:
    """Whether a dtype may lead to an object of the program's: by metadata, its own or of a field."""
    if _get_metadata(dtype) is not None or safe_type_name(dtype) == _STRING_DTYPE:
        return True
    fields, subdtype = _get_fields(dtype), _get_subdtype(dtype)
    if subdtype is not None:
        return _leads_on(subdtype[0])
    return fields is not None and any(_leads_on(field[0]) for field in fields.values())


def _of_void(scalar: Any) -> Labelled:
    """An element of a structured array: it views the array whose row it is, or has a copy of its fields."""
    base, dtype = _get_void_base(scalar), _get_void_dtype(scalar)
    if _leads_on(dtype):
        yield ".dtype", dtype
    if base is not None:
        yield ".base", base
    elif dtype.hasobject:
        yield from _named_elements(_get_item_of_void(scalar, ...), "")


def _of_flat(iterator: Any) -> Labelled:
    yield ".base", _get_viewed(iterator)


def _of_nditer(iterator: Any) -> Labelled:
    for number, operand in enumerate(_get_operands(iterator)):
        yield f".operands[{number}]", operand


def _of_broadcast(broadcast: Any) -> Labelled:
    for number, iterator in enumerate(_get_iterators(broadcast)):
        yield f".iters[{number}]", iterator


# --- the standard library


def _of_attributes(*names: str) -> Callable[[Any], Labelled]:
    """Attributes written in C that answer with what is held, where the collector is not shown that."""

    def read(obj: Any) -> Labelled:
        shown = _ids_of_shown(obj)
        for name in names:
            value = _c_attribute(obj, name)
            if value is not None and id(value) not in shown:
                yield f".{name}", value

    return read


def _c_attribute(obj: object, name: str) -> Any:
    """An attribute by the descriptor of a type written in C; the program's classes are not asked."""
    for base in mro_of(type(obj)):
        if safe_type_name(base) in TABLE:
            descriptor = dict(namespace_of(base)).get(name)
            if descriptor is not None and not flags_of(type(descriptor)) & HEAP_TYPE:
                return type(descriptor).__get__(descriptor, obj, base)
    return None


def _ids_of_shown(obj: object) -> list[int]:
    return list(map(id, gc.get_referents(obj))) if flags_of(type(obj)) & COLLECTED_TYPE else []


def _of_decimal_context(context: Any) -> Labelled:
    """Up to 3.12 a context takes no part in the collector; its attributes are made by its own `__getattribute__`."""
    if not flags_of(type(context)) & COLLECTED_TYPE:
        ask = dict(namespace_of(vars(sys.modules["_decimal"])["Context"]))["__getattribute__"]
        yield ".flags", ask(context, "flags")
        yield ".traps", ask(context, "traps")


def _of_capsule(capsule: object) -> Labelled:
    for callback in error_callback(capsule):
        yield "callback of np.seterrcall", callback


def _at_places(obj: object) -> Labelled:
    """What has no attribute at all: read where a probe has it."""
    for base in mro_of(type(obj)):
        name = safe_type_name(base)
        places = places_of(name)
        shown = _ids_of_shown(obj) if places else []
        for label, place in places:
            for held in object_at(obj, place):
                if id(held) not in shown:
                    yield label or f"held inside {name}", held


_STRING_DTYPE = "numpy.dtypes.StringDType"
TABLE: dict[str, Callable[[Any], Labelled]] = {
    "CArgObject": _of_attributes("_obj"),
    "_ctypes.CArgObject": _of_attributes("_obj"),
    "PyCapsule": _of_capsule,
    "_io.IncrementalNewlineDecoder": _at_places,
    "_lsprof.Profiler": _at_places,
    "_sre.SRE_Scanner": _at_places,
    "_ssl._SSLSocket": _of_attributes("context"),
    "datetime.datetime": _of_attributes("tzinfo"),
    "datetime.time": _of_attributes("tzinfo"),
    "decimal.Context": _of_decimal_context,
    "decimal.ContextManager": _at_places,
    "numpy._core.multiarray.flagsobj": _at_places,
    "numpy.broadcast": _of_broadcast,
    "numpy.core.multiarray.flagsobj": _at_places,
    "numpy.dtype": _of_dtype,
    "numpy.flatiter": _of_flat,
    "numpy.ndarray": _of_array,
    "numpy.nditer": _of_nditer,
    "numpy.void": _of_void,
    "pyexpat.xmlparser": _of_attributes("intern"),
}
#: Of those names all that may be without the module.
_ENDINGS = frozenset(
    ".".join(parts[first:]) for parts in (name.split(".") for name in TABLE) for first in range(len(parts))
)
