"""Names that CPython keeps to itself, read from its structures: inline attributes.

From 3.11 the attributes of an instance lie beside the object, their names in keys that all instances of the
class share, and Python can only reach them by materialising `__dict__`, which changes the graph that is being
measured. So they are read, never written, through ctypes (`Include/internal/pycore_dict.h` and
`pycore_object.h` of each version have the structures).

Every offset is found on a probe at first use, and what is read back from probes is compared with what was put
in. Where that fails, or where there is no ctypes, every function answers None and the callers fall back. What
is returned are ids, to be compared with those of objects that the caller holds: no address is ever turned into
an object, but for the names, which the class keeps alive, and for references that an object is known to own.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    import ctypes
except ImportError:  # pragma: no cover - builds without libffi, WebAssembly
    ctypes = None  # type: ignore[assignment]

VERSION = sys.version_info[:2]
WORD = 8
_SHARED_KEYS_KIND = 2
_MOST_SHARED_KEYS = 30
_MOST_TOLD = 64  # slots and names of a class, a bit for each
_MANAGED_DICT = 1 << 4
_INLINE_VALUES = 1 << 2
_HEAP_TYPE = 1 << 9

_get_flags = type.__dict__["__flags__"].__get__
_get_basicsize = type.__dict__["__basicsize__"].__get__
_get_itemsize = type.__dict__["__itemsize__"].__get__
_get_dictoffset = type.__dict__["__dictoffset__"].__get__
_get_weakrefoffset = type.__dict__["__weakrefoffset__"].__get__
_get_namespace = type.__dict__["__dict__"].__get__
_get_mro = type.__dict__["__mro__"].__get__
# A class is a cycle: dropped probes would be garbage of the instrument's own among what is being looked at.
_probes_kept: list[object] = []
# The managed dictionary lies before the object; free-threaded builds have no collector header in between.
_DICT_POSITION = -1 if "t" in sys.abiflags else -3


def attribute_ids(obj: object) -> list[tuple[str, int]] | None:
    """Return name and id of each attribute that is stored inline, in the order of the class's shared keys.

    Empty where the attributes are in a dictionary or in slots; None where the layout is not known.
    """
    return _attribute_ids(obj) if _attributes_are_readable() else None


def instance_dict_id(obj: object) -> int | None:
    """Return the id of the `__dict__` that the object holds; 0 if there is none (yet), None if that is not
    known.
    """
    return _instance_dict_id(obj) if _attributes_are_readable() else None


def inline_values_bytes(cls: type, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of the inline values of instances of a class, which the caller holds: int64, shape (len(addresses),).

    `sys.getsizeof` omits them. Zero where the layout is not known. The capacity of the array is what the
    shared keys had room for when the object was made; up to 3.12 it is stored rounded and known to within 7
    words, from 3.13 to within two.
    """
    if not len(addresses) or not _attributes_are_readable():
        return np.zeros(len(addresses), np.int64)
    return _inline_values_bytes(cls, addresses)


def has_attributes_apart(cls: type, fewest: int = 2) -> bool:
    """Whether instances of a class differ in which of several slots, or of so many inline attributes, they have."""
    if not can_read_memory():
        return False
    return _slot_words(cls)[1] > 1 or (_attributes_are_readable() and _shared_names_used(cls) >= fewest)


def attributes_tell_places(cls: type) -> bool:
    """Whether :func:`attributes_there` says of each reference of an instance what it is, by its place among them.

    So it is where all that instances refer to are attributes of classes written in Python.
    """
    if not can_read_memory() or (VERSION >= (3, 11) and not _attributes_are_readable()):
        return False
    bases: tuple[type, ...] = _get_mro(cls)
    if not all(each is object or _get_flags(each) & _HEAP_TYPE for each in bases) or _get_itemsize(cls):
        return False
    slots = sum(_slots_in(each) for each in bases if each is not object)
    words = (_get_basicsize(cls) - _get_basicsize(object)) // WORD
    pointers = (_get_dictoffset(cls) > 0) + (_get_weakrefoffset(cls) > 0)
    if slots < 2 and (words - slots > pointers or (slots and _get_dictoffset(cls))):
        return False
    keys = _shared_keys(cls) if VERSION >= (3, 11) and _get_flags(cls) & _MANAGED_DICT else 0
    names = _shared_room(keys)[1] if keys else 0
    return names <= _MOST_SHARED_KEYS and words + names <= _MOST_TOLD


def attributes_there(cls: type, addresses: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Which slots and inline attributes some instances of a class have, as a number: uint64, shape (len(addresses),).

    The same number for the same set, of a class that :func:`has_attributes_apart`. Attributes in dictionaries are not
    in it.
    """
    first, count = _slot_words(cls)
    found = _bits(addresses + first, count)
    if _attributes_are_readable() and (names := _shared_names_used(cls)):
        values = _values_of_each(cls, addresses)
        there = np.flatnonzero(values)
        found[there] += _bits(values[there], names) << np.uint64(count % 64)
    return found


def _bits(addresses: NDArray[np.int64], count: int) -> NDArray[np.uint64]:
    """Which of ``count`` words from each address on are not NULL; of more than 64 two may share a bit."""
    if not count or not len(addresses):
        return np.zeros(len(addresses), np.uint64)
    start = int(addresses.min())
    memory = np.asarray(_Memory(start, (int(addresses.max()) - start) // WORD + count, WORD))
    words = memory[((addresses - start) // WORD)[:, None] + np.arange(count)]
    bits: NDArray[np.uint64] = (words != 0) @ (
        np.uint64(1) << np.arange(count, dtype=np.uint64) % np.uint64(64)
    )
    return bits


def can_read_memory() -> bool:
    """Tell whether there is ctypes, on a machine of 64-bit words."""
    return ctypes is not None and ctypes.sizeof(ctypes.c_void_p) == WORD


def words_at(address: int, count: int) -> list[int]:
    """Return the machine words at an address."""
    return memoryview(_bytes_at(address, count * WORD)).cast("P").tolist()


def words_of_each(objects: Sequence[object], count: int) -> NDArray[np.int64]:
    """The first machine words of each of some objects, as signed numbers: int64, shape (len(objects), count)."""
    read = map(_bytes_at, map(id, objects), repeat(count * WORD))
    return np.frombuffer(b"".join(read), np.int64).reshape(-1, count)


def objects_at_addresses(addresses: Sequence[int]) -> list[object]:
    """The objects at addresses that an object which is alive owns a reference to; NULL is left out."""
    return [ctypes.cast(address, ctypes.py_object).value for address in addresses if address]


def _byte(address: int) -> int:
    return _bytes_at(address, 1)[0]


def _bytes_at(address: int, count: int) -> bytes:
    try:
        return ctypes.string_at(address, count)
    except ctypes.ArgumentError as error:  # up to 3.11 that is what ctypes makes of a stack that is full
        raise RecursionError(f"the stack is too full to read an object's memory: {error}") from None


# --- attributes


def _attribute_ids(obj: object) -> list[tuple[str, int]]:
    start = _values_address(obj)
    if not start:
        return []
    names = _shared_names(type(obj))
    return [(name, word) for name, word in zip(names, words_at(start, len(names)), strict=True) if word]


def _values_address(obj: object) -> int:
    """Address of the first inline value, 0 where the object has none."""
    cls = type(obj)
    flags = _get_flags(cls)
    if VERSION < (3, 11) or not flags & _MANAGED_DICT:
        return 0
    if VERSION < (3, 12):
        return words_at(id(obj) - 4 * WORD, 1)[0]
    if VERSION < (3, 13):
        word = words_at(id(obj) - 3 * WORD, 1)[0]
        return word + 1 if word & 1 else 0
    header = id(obj) + _get_basicsize(cls)
    return header + WORD if flags & _INLINE_VALUES and _byte(header + 3) else 0


def _shared_names_used(cls: type) -> int:
    """How many names the class's shared keys have, 0 where instances have no values beside them."""
    if VERSION < (3, 11) or not _get_flags(cls) & _MANAGED_DICT:
        return 0
    keys = _shared_keys(cls)
    used = _shared_room(keys)[1] if keys else 0
    return used if used <= _MOST_SHARED_KEYS else 0


def _slot_words(cls: type) -> tuple[int, int]:
    """Where the words begin that Python classes have added to an instance, in bytes, and how many they are.

    None unless two of them or more are slots. Where instances have dictionaries or weak references, the pointers to
    these are among them.
    """
    bases: tuple[type, ...] = _get_mro(cls)
    first = max(_get_basicsize(each) for each in bases if not _get_flags(each) & _HEAP_TYPE)
    count = (_get_basicsize(cls) - first) // WORD
    if count < 2 or sum(_slots_in(each) for each in bases if _get_flags(each) & _HEAP_TYPE) < 2:
        return first, 0
    return first, count


def _slots_in(cls: type) -> int:
    namespace = list(_get_namespace(cls).values())
    return sum(type(value) is types.MemberDescriptorType for value in namespace)


def _values_of_each(cls: type, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
    """Address of the first inline value of each instance, 0 where it has none; the class has a managed dictionary."""
    if VERSION < (3, 12):
        return _gathered(addresses - 4 * WORD, WORD)
    if VERSION < (3, 13):
        words = _gathered(addresses - 3 * WORD, WORD)
        return np.where(words & 1, words + 1, 0)
    if not _get_flags(cls) & _INLINE_VALUES:
        return np.zeros(len(addresses), np.int64)
    headers = addresses + _get_basicsize(cls)
    return np.where(_gathered(headers + 3, 1), headers + WORD, 0)


def _instance_dict_id(obj: object) -> int:
    cls = type(obj)
    offset = _get_dictoffset(cls)
    if VERSION >= (3, 11) and _get_flags(cls) & _MANAGED_DICT:
        word = words_at(id(obj) + _DICT_POSITION * WORD, 1)[0]
        return 0 if word & 1 else word
    if offset < 0:  # behind the items of a tuple or an int
        items = abs(int.from_bytes(_bytes_at(id(obj) + 2 * WORD, WORD), sys.byteorder, signed=True))
        size = _get_basicsize(cls) + items * _get_itemsize(cls)
        offset += (size + WORD - 1) // WORD * WORD
    return words_at(id(obj) + offset, 1)[0] if offset > 0 else 0


def _shared_keys(cls: type) -> int:
    """Address of the class's shared keys, 0 where it has none."""
    keys = words_at(id(cls) + _shared_keys_word() * WORD, 1)[0]
    return keys if keys and _byte(keys + 10) == _SHARED_KEYS_KIND else 0


def _shared_room(keys: int) -> tuple[int, int]:
    """Unused and used entries."""
    usable, used = words_at(keys + 16, 2)
    return usable, used


def _shared_names(cls: type) -> list[str]:
    keys = _shared_keys(cls)
    if not keys:
        return []
    used = _shared_room(keys)[1]
    if used > _MOST_SHARED_KEYS:
        return []
    entries = keys + 32 + (1 << _byte(keys + 9))
    return [_object_at(entries + 2 * WORD * index) for index in range(used)]


def _object_at(address: int) -> Any:
    return ctypes.py_object.from_address(address).value


@cache
def _shared_keys_word() -> int:
    """Offset of `ht_cached_keys` in a class, in words: it follows `ht_name`, `ht_slots` and `ht_qualname`."""
    probe = type("GarbologyProbeName", (), {"__qualname__": "GarbologyProbeQualname"})
    _probes_kept.append(probe)
    name = type.__dict__["__name__"].__get__(probe)
    qualname = type.__dict__["__qualname__"].__get__(probe)
    words = words_at(id(probe), _get_basicsize(type) // WORD)
    found = [at for at, word in enumerate(words[:-3]) if word == id(name) and words[at + 2] == id(qualname)]
    if len(found) != 1:
        raise LookupError("the name of the probe class was not found in its memory")
    return found[0] + 3


def _inline_values_bytes(cls: type, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
    none = np.zeros(len(addresses), np.int64)
    keys = _shared_keys(cls) if VERSION >= (3, 11) and _get_flags(cls) & _MANAGED_DICT else 0
    if not keys:
        return none
    usable, used = _shared_room(keys)
    if VERSION >= (3, 13):
        if not _get_flags(cls) & _INLINE_VALUES:
            return none
        # While the keys have room to spare each new object takes one entry less than was allocated for it.
        room = _gathered(addresses + _get_basicsize(cls), 1) + (usable > 1)
        return _rounded(room) + (room + 1) * WORD
    values = _values_of_each(cls, addresses)
    present = values != 0
    prefix = _gathered(values[present] - 1, 1)
    room = np.clip(usable + used, prefix - WORD - 1, prefix - 2)
    none[present] = prefix + room * WORD
    return none


def _rounded(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return (counts + WORD - 1) // WORD * WORD


class _Memory:
    """A range of addresses as an array that copies nothing (NumPy's array interface)."""

    def __init__(self, start: int, count: int, width: int) -> None:
        self.__array_interface__ = {
            "data": (start, True),
            "shape": (count,),
            "typestr": f"={'u' if width == 1 else 'i'}{width}",
            "version": 3,
        }


def _gathered(addresses: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The byte (width 1) or aligned word (width 8) at each address: int64."""
    if not len(addresses):
        return addresses
    start = int(addresses.min())
    count = (int(addresses.max()) - start) // width + 1
    memory = np.asarray(_Memory(start, count, width))
    return memory[(addresses - start) // width].astype(np.int64)


# --- calibration


@cache
def _attributes_are_readable() -> bool:
    if not can_read_memory():
        return False
    try:
        probes = list(_attribute_probes())
        _probes_kept.extend(probes)
        return all(_reads_back(probe, expected) for probe, expected in probes)
    except Exception:
        return False


def _attribute_probes() -> Iterator[tuple[Any, dict[str, Any]]]:
    for base in (
        object,
        type("Base", (), {}),
        type("Slotted", (), {"__slots__": ("slot",)}),
        list,
        Exception,
    ):
        probe: Any = type("Probe", (type("Middle", (base,), {}),), {})()
        names = {f"attribute_{index}": object() for index in range(5)}
        for name, value in names.items():
            setattr(probe, name, value)
        del probe.attribute_2
        del names["attribute_2"]
        yield probe, names
    crowded: Any = type("Crowded", (), {})()
    many = {f"attribute_{index}": object() for index in range(40)}
    for name, value in many.items():
        setattr(crowded, name, value)
    yield crowded, many


def _reads_back(probe: Any, expected: dict[str, Any]) -> bool:
    inline = dict(_attribute_ids(probe))
    if inline and inline != {name: id(value) for name, value in expected.items()}:
        return False
    held = _instance_dict_id(probe)
    if bool(inline) == bool(held):  # fresh: either values or a dictionary
        return False
    namespace = probe.__dict__
    return _instance_dict_id(probe) == id(namespace) and (not held or held == id(namespace))
