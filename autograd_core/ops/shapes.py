"""Shapes, elements and dtypes of arrays: reshape, transpose, broadcast_to, sum_to, getitem, cast."""

# ruff: noqa: D102 - the methods are described by Function and Formula, each formula by its class

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.arrays import Array, Shape, sum_to_shape
from autograd_core.core import Operand, Variable, apply, as_variable
from autograd_core.ops.rules import Formula, compute


class Reshape(Formula):
    """y = x in another shape."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return x.reshape(self.shape)

    def gradients(self, gy: Any, x: Any) -> Any:
        return gy.reshape(x.shape)


def reshape(x: Operand, *shape: int | Shape) -> Variable:
    """x in another shape, given as a tuple or as separate lengths; one of them may be -1."""
    return apply(Reshape(_unpacked(shape)), (as_variable(x),))


class Transpose(Formula):
    """y = x with its axes reversed, or in the order of `axes`."""

    __slots__ = ("axes",)

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Any:
        return x.transpose(self.axes)

    def gradients(self, gy: Any, x: Any) -> Any:
        if self.axes is None:
            return gy.transpose()
        return gy.transpose(np.argsort([axis % gy.ndim for axis in self.axes]).tolist())


def transpose(x: Operand, *axes: int | Shape | None) -> Variable:
    """x with its axes reversed, or in the order given as a tuple or as separate numbers."""
    order = None if axes in ((), (None,)) else _unpacked(axes)
    return apply(Transpose(order), (as_variable(x),))


def _unpacked(numbers: tuple[Any, ...]) -> Shape:
    """The numbers of f(2, 3) as well as of f((2, 3))."""
    if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)):
        return tuple(numbers[0])
    return numbers


class BroadcastTo(Formula):
    """y = x repeated to `shape`, a read-only view."""

    __slots__ = ("shape",)
    broadcasts = True

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return np.broadcast_to(x, self.shape)

    def gradients(self, gy: Any, x: Any) -> Any:
        return gy


def broadcast_to(x: Operand, shape: Shape) -> Variable:
    """x repeated to `shape`; the data is a read-only view."""
    return apply(BroadcastTo(shape), (as_variable(x),))


class SumTo(Formula):
    """y = x summed to `shape`, the inverse of broadcasting."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return sum_to_shape(x, self.shape)

    def gradients(self, gy: Any, x: Any) -> Any:
        return compute(BroadcastTo(x.shape), gy)


def sum_to(x: Operand, shape: Shape) -> Variable:
    """x summed over the axes along which an array of `shape` would be broadcast to x's shape."""
    return apply(SumTo(tuple(shape)), (as_variable(x),))


class GetItem(Formula):
    """y = x[index]; an element that was taken several times gets the sum of the gradients."""

    __slots__ = ("index",)

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Array) -> Any:
        return x[self.index]

    def gradients(self, gy: Any, x: Any) -> Any:
        return compute(Scatter(self.index, x.shape), gy)


class Scatter(Formula):
    """y = zeros of `shape` with x added at `index`, the reverse of GetItem."""

    __slots__ = ("index", "shape")

    def __init__(self, index: Any, shape: Shape) -> None:
        self.index = index
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return _scattered(x, self.index, self.shape)

    def gradients(self, gy: Any, x: Any) -> Any:
        return gy[self.index]


def _scattered(array: Array, index: Any, shape: Shape) -> Array:
    result = np.zeros(shape, array.dtype)
    if _may_repeat(index):
        np.add.at(result, index, array)
    else:
        result[index] = array
    return result


def _may_repeat(index: Any) -> bool:
    """Whether an index can take one element several times: only lists and arrays of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, (list, np.ndarray)) and np.asarray(part).dtype != bool for part in parts)


def getitem(x: Operand, index: Any) -> Variable:
    """x[index] with any index NumPy takes: numbers, slices, None, ..., masks, arrays of integers."""
    return apply(GetItem(index), (as_variable(x),))


class Cast(Formula):
    """y = x in another dtype; the real part of a complex x if that is real."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def forward(self, x: Array) -> Any:
        return (x.real if x.dtype.kind == "c" and self.dtype.kind == "f" else x).astype(self.dtype)

    def gradients(self, gy: Any, x: Any) -> Any:
        return gy  # which the walk casts to the input's dtype


def cast(x: Variable, dtype: np.dtype[Any]) -> Variable:
    """x in another dtype: what the walk does to a gradient that is more or less precise than its variable."""
    return apply(Cast(dtype), (x,))
