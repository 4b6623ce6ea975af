"""Who owns a buffer, beyond what `sys.getsizeof` counts.

`sys.getsizeof` counts the data of a bytearray, an `array.array` and of an ndarray that owns its data, and
none of a view. Here is the rest: mapped files (their whole length, written or not), ctypes data, the
storage of a `torch.Tensor`, and what users register. A storage counts at the first of the given tensors
that share it, also if one that was not given shares it too: torch does not say who else holds a storage.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from garbology.names.classes import mro_of, namespace_of, safe_type_name

SizeFunction = Callable[[Any], "int | Mapping[int, int]"]

_registered: list[tuple[type, SizeFunction]] = []  # found by identity: a metaclass may define `__hash__`
_LARGEST_CTYPES_VALUE_INSIDE = 16  # bytes that a ctypes object keeps within itself


def register_size(cls: type, function: SizeFunction) -> None:
    """Have `function(obj)` say how many bytes an instance of `cls` holds beyond what `sys.getsizeof` knows.

    The function answers a number of bytes or, where objects may share a buffer, a dictionary from the
    buffer's address (any int that identifies it) to its bytes: each address counts once. It is the only
    user code that runs when objects are weighed. Where it raises or answers anything else, the object
    counts without it, which the notes of `garbology.sizes.sizes.bytes_of_each` say. Registering a class
    again replaces its function; subclasses inherit it.

    Raises
    ------
    TypeError : if `cls` is no class or `function` cannot be called.
    """
    if not isinstance(cls, type) or not callable(function):
        raise TypeError(f"register_size takes a class and a function, got {cls!r} and {function!r}")
    _registered[:] = [entry for entry in _registered if entry[0] is not cls]
    _registered.append((cls, function))


def size_function_of(cls: type) -> SizeFunction | None:
    """Return the function that knows the buffers of a class's instances; None where `sys.getsizeof` knows
    them all.
    """
    for base in mro_of(cls):
        for registered, function in _registered:
            if registered is base:
                return function
        known = _KNOWN.get(safe_type_name(base))
        if known is not None:
            return known
    return None


class Buffers:
    """The buffers counted so far, by address.

    Attributes
    ----------
    notes : what went wrong, by type name, one sentence each.
    """

    def __init__(self) -> None:
        self._counted: set[int] = set()
        self.notes: dict[str, str] = {}

    def new_bytes(self, obj: object, function: SizeFunction) -> int:
        """Bytes of the object's buffers that were not counted before; 0 where the function fails."""
        try:
            answer: object = function(obj)
        except Exception as error:
            return self._ignored(obj, f"raised {safe_type_name(error)}")
        sizes = {id(obj): answer} if type(answer) is int else answer
        if type(sizes) is not dict or not all(
            _is_size(key) and _is_size(value) for key, value in sizes.items()
        ):
            return self._ignored(obj, f"answered {safe_type_name(answer)}, not bytes or addresses with bytes")
        new = sizes.keys() - self._counted
        self._counted |= new
        return sum(sizes[address] for address in new)

    def _ignored(self, obj: object, reason: str) -> int:
        name = safe_type_name(obj)
        self.notes[name] = f"the size function of {name} {reason}: its buffers are not counted"
        return 0


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _mapped_bytes(obj: Any) -> int:
    try:
        length: int = sys.modules["mmap"].mmap.__len__(obj)
    except ValueError:  # closed
        return 0
    return length


def _ctypes_bytes(obj: Any) -> int:
    ctypes = sys.modules["_ctypes"]
    owns = next(
        value
        for base in mro_of(type(obj))
        for name, value in namespace_of(base)
        if name == "_b_needsfree_" and type(value) is types.MemberDescriptorType
    ).__get__(obj)
    size: int = ctypes.sizeof(obj)
    return size if owns and size > _LARGEST_CTYPES_VALUE_INSIDE else 0


def _storage_bytes(obj: Any) -> dict[int, int]:
    """`TensorBase`'s own method, with `__torch_function__` of subclasses switched off."""
    torch = sys.modules["torch"]
    with torch._C.DisableTorchFunctionSubclass():
        storage = torch._C.TensorBase.untyped_storage(obj)
        return {storage.data_ptr(): storage.nbytes()}


_KNOWN: dict[str, SizeFunction] = {
    "_ctypes._CData": _ctypes_bytes,
    "mmap.mmap": _mapped_bytes,
    "torch._C.TensorBase": _storage_bytes,
}
