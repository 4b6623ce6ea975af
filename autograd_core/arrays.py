"""Numbers and arrays on their way into and out of the graph: `as_array`, `number_like`, `sum_to_shape`."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Number: TypeAlias = "bool | int | float | complex | np.generic"
Shape: TypeAlias = tuple[int, ...]


def as_array(obj: Array | Number) -> Array:
    """Return `obj` itself if it is an ndarray, a 0-d ndarray if it is a number.

    Raises TypeError for anything else: a list or a string is more often a mistake than data.
    """
    if isinstance(obj, np.ndarray):
        return obj
    if isinstance(obj, (bool, int, float, complex, np.generic)):
        return np.asarray(obj)
    raise TypeError(f"{type(obj)} is not supported; give an ndarray, np.asarray(...) makes one, or a number")


def number_like(number: Array | Number, dtype: np.dtype[Any]) -> Array:
    """A Python number as a 0-d array of `dtype` if that can represent its kind, else as `as_array` makes it."""
    kind = type(number)
    if dtype.kind in ("fc" if kind is float else "fciu" if kind is int or kind is bool else ""):
        return np.array(number, dtype)
    if kind is complex and dtype.kind == "f":
        return np.array(number, np.result_type(dtype, np.complex64))
    return as_array(number)


def sum_to_shape(array: Array, shape: Shape) -> Array:
    """Sum `array` over the axes along which an array of `shape` was broadcast to `array.shape`.

    The result has exactly `shape`; it is `array` itself where nothing was broadcast.
    Raises ValueError if `shape` cannot be broadcast to `array.shape`.
    """
    if array.shape == shape:
        return array
    added = array.ndim - len(shape)
    kept = array.shape[max(added, 0) :]
    if added < 0 or any(size not in (1, whole) for size, whole in zip(shape, kept, strict=True)):
        raise ValueError(f"an array of shape {array.shape} cannot be summed to shape {shape}")
    stretched = [axis + added for axis, size in enumerate(shape) if size == 1]
    summed: Array = array.sum(axis=(*range(added), *stretched), keepdims=True)
    return summed.reshape(shape)
