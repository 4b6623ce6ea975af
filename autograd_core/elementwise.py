"""Functions of each element: exp, log, sin, cos, tanh, relu, maximum; written like those of operations.py."""

# ruff: noqa: D102 - forward, backward and derivative are described by Function, each formula by its class

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.arrays import Array
from autograd_core.function import Function, apply
from autograd_core.operands import operands
from autograd_core.variable import Operand, Variable, as_variable


class Exp(Function):
    """y = e ** x."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.exp(x)

    def backward(self, gy: Array) -> Any:
        return gy * np.exp(self.inputs[0].data)

    def derivative(self, gy: Variable) -> Any:
        return gy * exp(self.inputs[0])


def exp(x: Operand) -> Variable:
    """e to the power of x."""
    return apply(Exp(), (as_variable(x),))  # type: ignore[no-any-return]


class Log(Function):
    """y = log(x), the natural logarithm."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.log(x)

    def backward(self, gy: Array) -> Any:
        return gy / self.inputs[0].data

    def derivative(self, gy: Variable) -> Any:
        return gy / self.inputs[0]


def log(x: Operand) -> Variable:
    """Natural logarithm of x."""
    return apply(Log(), (as_variable(x),))  # type: ignore[no-any-return]


class Sin(Function):
    """y = sin(x), x in radians."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.sin(x)

    def backward(self, gy: Array) -> Any:
        return gy * np.cos(self.inputs[0].data)

    def derivative(self, gy: Variable) -> Any:
        return gy * cos(self.inputs[0])


def sin(x: Operand) -> Variable:
    """Sine of x in radians."""
    return apply(Sin(), (as_variable(x),))  # type: ignore[no-any-return]


class Cos(Function):
    """y = cos(x), x in radians."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.cos(x)

    def backward(self, gy: Array) -> Any:
        return gy * -np.sin(self.inputs[0].data)

    def derivative(self, gy: Variable) -> Any:
        return gy * -sin(self.inputs[0])


def cos(x: Operand) -> Variable:
    """Cosine of x in radians."""
    return apply(Cos(), (as_variable(x),))  # type: ignore[no-any-return]


class Tanh(Function):
    """y = tanh(x)."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.tanh(x)

    def backward(self, gy: Array) -> Any:
        y = np.tanh(self.inputs[0].data)
        return gy * (np.ones_like(y) - y * y)

    def derivative(self, gy: Variable) -> Any:
        y = tanh(self.inputs[0])
        return gy * (1 - y * y)


def tanh(x: Operand) -> Variable:
    """Hyperbolic tangent of x."""
    return apply(Tanh(), (as_variable(x),))  # type: ignore[no-any-return]


class ReLU(Function):
    """y = max(x, 0); the gradient at 0 is 0."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.maximum(x, x.dtype.type(0))

    def backward(self, gy: Array) -> Any:
        return gy * (self.inputs[0].data > 0)

    def derivative(self, gy: Variable) -> Any:
        return gy * step(lambda x: x > 0, self.inputs[0])


def relu(x: Operand) -> Variable:
    """Return x where it is positive, else 0."""
    return apply(ReLU(), (as_variable(x),))  # type: ignore[no-any-return]


class Maximum(Function):
    """y = max(x0, x1) element by element; where both are equal, each gets half the gradient."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return np.maximum(x0, x1)

    def backward(self, gy: Array) -> Any:
        share = _share(*[x.data for x in self.inputs])
        return gy * share, gy * (1 - share)

    def derivative(self, gy: Variable) -> Any:
        share = step(_share, *self.inputs)
        return gy * share, gy * (1 - share)


def _share(x0: Array, x1: Array) -> Array:
    """The part of the gradient that x0 gets of a maximum: all, none or half of it."""
    return np.where(x0 == x1, 0.5, x0 > x1).astype(np.result_type(x0, x1, np.float16))


def maximum(x0: Operand, x1: Operand) -> Variable:
    """Return the greater one of x0 and x1, element by element, broadcast."""
    return apply(Maximum(), operands(x0, x1))  # type: ignore[no-any-return]


class Step(Function):
    """y = what `of` gives for the inputs' arrays, where that jumps and is flat between: no gradient."""

    __slots__ = ("of",)

    def __init__(self, of: Callable[..., Array]) -> None:
        self.of = of

    def forward(self, *arrays: Array) -> Any:
        return self.of(*arrays)

    def backward(self, gy: Array) -> Any:
        return (None,) * len(self.inputs)

    derivative = backward


def step(of: Callable[..., Array], *inputs: Variable) -> Variable:
    """A mask or the like, computed from Variables so that whoever replays the graph computes it anew."""
    return apply(Step(of), inputs)  # type: ignore[no-any-return]
