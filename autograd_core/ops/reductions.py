"""Sums and means over axes: sum, mean."""

# ruff: noqa: D102 - the methods are described by Function and Formula, each formula by its class

from __future__ import annotations

from typing import Any

from autograd_core.arrays import Array
from autograd_core.core import Operand, Variable, apply, as_variable
from autograd_core.ops.rules import Formula, compute
from autograd_core.ops.shapes import BroadcastTo

Axis = int | tuple[int, ...] | None


def _unsummed(gy: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """The gradient of a sum in x's shape: the summed axes are put back in length 1 and stretched."""
    if axis is not None and not keepdims:
        summed = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
        gy = gy.reshape([1 if a in summed else size for a, size in enumerate(x.shape)])
    return compute(BroadcastTo(x.shape), gy)


class Sum(Formula):
    """y = the sum of x over `axis`: one axis, a tuple of them, or None for all."""

    __slots__ = ("axis", "keepdims")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array) -> Any:
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def gradients(self, gy: Any, x: Any) -> Any:
        return _unsummed(gy, x, self.axis, self.keepdims)


def sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Sum of x over `axis`: one axis, a tuple of them, or None for all."""
    return apply(Sum(axis, keepdims), (as_variable(x),))


class Mean(Formula):
    """y = the mean of x over `axis`: one axis, a tuple of them, or None for all."""

    __slots__ = ("axis", "keepdims")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array) -> Any:
        return x.mean(axis=self.axis, keepdims=self.keepdims)

    def gradients(self, gy: Any, x: Any) -> Any:
        each = gy / (x.size / max(gy.size, 1))
        return _unsummed(each, x, self.axis, self.keepdims)


def mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Mean of x over `axis`: one axis, a tuple of them, or None for all."""
    return apply(Mean(axis, keepdims), (as_variable(x),))
