"""Functions of each element: exp, log, sin, cos, tanh, relu, maximum."""

# ruff: noqa: D102 - the methods are described by Function and Formula, each formula by its class

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.arrays import Array
from autograd_core.core import Function, Operand, Variable, apply, as_variable, operands
from autograd_core.ops.rules import BY_UFUNC, Formula, compute, operation

Exp, exp = operation("exp", np.exp, lambda g, x: g * np.exp(x), doc="e to the power of x.")
Log, log = operation("log", np.log, lambda g, x: g / x, doc="Natural logarithm of x.")
Sin, sin = operation("sin", np.sin, lambda g, x: g * np.cos(x), doc="Sine of x in radians.")
Cos, cos = operation("cos", np.cos, lambda g, x: g * -np.sin(x), doc="Cosine of x in radians.")


def _through_tanh(g: Any, x: Any) -> Any:
    y = np.tanh(x)
    return g * (1 - y * y)


Tanh, tanh = operation("tanh", np.tanh, _through_tanh, doc="Hyperbolic tangent of x.")


class Step(Function):
    """y = of(*inputs), a function that is constant between its jumps: its gradient is zero and not computed.

    For instance a mask. As a Function it is computed again where a graph is run again (`Plan`).
    """

    __slots__ = ("of",)

    def __init__(self, of: Callable[..., Array]) -> None:
        self.of = of

    def forward(self, *arrays: Array) -> Any:
        return self.of(*arrays)

    def backward(self, gy: Array) -> Any:
        return (None,) * len(self.inputs)

    derivative = backward


class ReLU(Formula):
    """y = max(x, 0); the gradient at 0 is 0."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.maximum(x, x.dtype.type(0))

    def gradients(self, gy: Any, x: Any) -> Any:
        return gy * compute(Step(_is_positive), x)


def _is_positive(x: Array) -> Array:
    return x > 0


def relu(x: Operand) -> Variable:
    """Return x where it is positive, else 0."""
    return apply(ReLU(), (as_variable(x),))


class Maximum(Formula):
    """y = max(x0, x1) element by element; where both are equal, each gets half the gradient."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return np.maximum(x0, x1)

    def gradients(self, gy: Any, x0: Any, x1: Any) -> Any:
        share = compute(Step(_share), x0, x1)
        return gy * share, gy * (1 - share)


def _share(x0: Array, x1: Array) -> Array:
    """The part of the gradient that x0 gets of a maximum: all, none or half of it."""
    return np.where(x0 == x1, 0.5, x0 > x1).astype(np.result_type(x0, x1, np.float16))


def maximum(x0: Operand, x1: Operand) -> Variable:
    """Return the greater one of x0 and x1, element by element, broadcast."""
    return apply(Maximum(), operands(x0, x1))


BY_UFUNC[np.maximum] = maximum
