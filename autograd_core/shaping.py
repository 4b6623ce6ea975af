"""Sums, matrix products, shapes and elements of arrays; written like the operations of operations.py."""

# ruff: noqa: D102 - forward, backward and derivative are described by Function, each formula by its class

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.arrays import Array, Shape
from autograd_core.broadcasting import sum_to_shape
from autograd_core.function import Function, apply
from autograd_core.operands import operands
from autograd_core.variable import Constant, Operand, Variable, as_variable

Axis = int | tuple[int, ...] | None


def _unsummed(gy: Any, x: Variable, axis: Axis, keepdims: bool) -> Any:
    """The gradient of a sum, an array or a Variable, with the summed axes put back in length 1."""
    if axis is None or keepdims:
        return gy
    summed = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return gy.reshape([1 if a in summed else size for a, size in enumerate(x.shape)])


class Sum(Function):
    """y = the sum of x over `axis`: one axis, a tuple of them, or None for all."""

    __slots__ = ("axis", "keepdims")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array) -> Any:
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy: Array) -> Any:
        (x,) = self.inputs
        return np.broadcast_to(_unsummed(gy, x, self.axis, self.keepdims), x.shape)

    def derivative(self, gy: Variable) -> Any:
        (x,) = self.inputs
        return broadcast_to(_unsummed(gy, x, self.axis, self.keepdims), x.shape)


def sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Sum of x over `axis`: one axis, a tuple of them, or None for all."""
    return apply(Sum(axis, keepdims), (as_variable(x),))  # type: ignore[no-any-return]


class Mean(Function):
    """y = the mean of x over `axis`: one axis, a tuple of them, or None for all."""

    __slots__ = ("axis", "keepdims")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array) -> Any:
        return x.mean(axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy: Array) -> Any:
        (x,) = self.inputs
        each = gy / gy.dtype.type(x.size / max(gy.size, 1))
        return np.broadcast_to(_unsummed(each, x, self.axis, self.keepdims), x.shape)

    def derivative(self, gy: Variable) -> Any:
        (x,) = self.inputs
        each = gy / (x.size / max(gy.size, 1))
        return broadcast_to(_unsummed(each, x, self.axis, self.keepdims), x.shape)


def mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Mean of x over `axis`: one axis, a tuple of them, or None for all."""
    return apply(Mean(axis, keepdims), (as_variable(x),))  # type: ignore[no-any-return]


class MatMul(Function):
    """y = x0 @ x1 with NumPy's rules: vectors, matrices, and stacks of matrices that broadcast."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 @ x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = self.inputs
        return self._products(gy, x0.data, x1.data)

    def derivative(self, gy: Variable) -> Any:
        return self._products(gy, *self.inputs)

    def _products(self, gy: Any, x0: Any, x1: Any) -> Any:
        """Both gradients, of arrays or of Variables: a vector counts as a matrix of one row or column."""
        rows = x0[np.newaxis, :] if x0.ndim == 1 else x0
        columns = x1[:, np.newaxis] if x1.ndim == 1 else x1
        gy = gy[..., np.newaxis] if x1.ndim == 1 else gy
        gy = gy[..., np.newaxis, :] if x0.ndim == 1 else gy
        gx0 = gx1 = None
        if type(self.inputs[0]) is not Constant:
            gx0 = gy @ _turned(columns)
            gx0 = gx0[..., 0, :] if x0.ndim == 1 else gx0
        if type(self.inputs[1]) is not Constant:
            gx1 = _turned(rows) @ gy
            gx1 = gx1[..., 0] if x1.ndim == 1 else gx1
        return gx0, gx1


def _turned(matrices: Any) -> Any:
    """Each matrix of a stack transposed."""
    axes = range(matrices.ndim)
    return matrices.transpose(*axes[:-2], axes[-1], axes[-2])


def matmul(x0: Variable | Array, x1: Variable | Array) -> Variable:
    """Matrix product x0 @ x1 with NumPy's rules for vectors and stacks of matrices."""
    return apply(MatMul(), operands(x0, x1))  # type: ignore[no-any-return]


class Reshape(Function):
    """y = x in another shape."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return x.reshape(self.shape)

    def backward(self, gy: Array) -> Any:
        return gy.reshape(self.inputs[0].shape)

    derivative = backward


def reshape(x: Operand, *shape: int | Shape) -> Variable:
    """x in another shape, given as a tuple or as separate lengths; one of them may be -1."""
    return apply(Reshape(_unpacked(shape)), (as_variable(x),))  # type: ignore[no-any-return]


class Transpose(Function):
    """y = x with its axes reversed, or in the order of `axes`."""

    __slots__ = ("axes",)

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Any:
        return x.transpose(self.axes)

    def backward(self, gy: Array) -> Any:
        if self.axes is None:
            return gy.transpose()
        return gy.transpose(np.argsort([axis % gy.ndim for axis in self.axes]).tolist())

    derivative = backward


def transpose(x: Operand, *axes: int | Shape | None) -> Variable:
    """x with its axes reversed, or in the order given as a tuple or as separate numbers."""
    order = None if axes in ((), (None,)) else _unpacked(axes)
    return apply(Transpose(order), (as_variable(x),))  # type: ignore[no-any-return]


def _unpacked(numbers: tuple[Any, ...]) -> Shape:
    """The numbers of f(2, 3) as well as of f((2, 3))."""
    if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)):
        return tuple(numbers[0])
    return numbers


class BroadcastTo(Function):
    """y = x repeated to `shape`, a read-only view."""

    __slots__ = ("shape",)
    broadcasts = True

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return np.broadcast_to(x, self.shape)

    def backward(self, gy: Array) -> Any:
        return gy

    derivative = backward


def broadcast_to(x: Operand, shape: Shape) -> Variable:
    """x repeated to `shape`; the data is a read-only view."""
    return apply(BroadcastTo(shape), (as_variable(x),))  # type: ignore[no-any-return]


class SumTo(Function):
    """y = x summed to `shape`, the inverse of broadcasting."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return sum_to_shape(x, self.shape)

    def backward(self, gy: Array) -> Any:
        return np.broadcast_to(gy, self.inputs[0].shape)

    def derivative(self, gy: Variable) -> Any:
        return broadcast_to(gy, self.inputs[0].shape)


def sum_to(x: Operand, shape: Shape) -> Variable:
    """x summed over the axes along which an array of `shape` would be broadcast to x's shape."""
    return apply(SumTo(tuple(shape)), (as_variable(x),))  # type: ignore[no-any-return]


class GetItem(Function):
    """y = x[index]; an element that was taken several times gets the sum of the gradients."""

    __slots__ = ("index",)

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Array) -> Any:
        return x[self.index]

    def backward(self, gy: Array) -> Any:
        return _scattered(gy, self.index, self.inputs[0].shape)

    def derivative(self, gy: Variable) -> Any:
        return apply(Scatter(self.index, self.inputs[0].shape), (gy,))


class Scatter(Function):
    """y = zeros of `shape` with x added at `index`, the reverse of GetItem."""

    __slots__ = ("index", "shape")

    def __init__(self, index: Any, shape: Shape) -> None:
        self.index = index
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return _scattered(x, self.index, self.shape)

    def backward(self, gy: Array) -> Any:
        return gy[self.index]

    derivative = backward


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
    return apply(GetItem(index), (as_variable(x),))  # type: ignore[no-any-return]


class Cast(Function):
    """y = x in another dtype; the real part of a complex x if that is real."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def forward(self, x: Array) -> Any:
        return (x.real if x.dtype.kind == "c" and self.dtype.kind == "f" else x).astype(self.dtype)

    def backward(self, gy: Array) -> Any:
        return gy  # which the walk casts to the input's dtype

    derivative = backward


def cast(x: Variable, dtype: np.dtype[Any]) -> Variable:
    """x in another dtype: what the walk does to a gradient that is more or less precise than its variable."""
    return apply(Cast(dtype), (x,))  # type: ignore[no-any-return]
