"""Arithmetic: add, sub, mul, div, neg, pow, square.

Elementwise operations broadcast like NumPy; their rules may give gradients of the output's shape, which the
walk sums to the inputs' shapes (`Function.broadcasts`). A Python number takes the dtype of the Variable
beside it if that is floating, so it never changes a float32 graph to float64.
"""

# ruff: noqa: D102 - the methods are described by Function and Formula, each formula by its class

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_core.arrays import Array, number_like
from autograd_core.core import Constant, Function, Operand, Variable, apply, as_variable, operands
from autograd_core.ops.elementwise import Step, log
from autograd_core.ops.rules import BY_UFUNC, Formula, compute, operation

Add, add = operation(
    "add",
    np.add,
    lambda g, x, y: g,
    lambda g, x, y: g,
    doc="x0 + x1, broadcast.",
    linear=True,
    scalar=operator.add,
)
Sub, sub = operation(
    "sub",
    np.subtract,
    lambda g, x, y: g,
    lambda g, x, y: -g,
    doc="x0 - x1, broadcast.",
    linear=True,
    scalar=operator.sub,
)
Mul, mul = operation(
    "mul",
    np.multiply,
    lambda g, x, y: g * y,
    lambda g, x, y: g * x,
    doc="x0 * x1 element by element, broadcast.",
    scalar=operator.mul,
)
Div, div = operation(
    "div",
    np.true_divide,
    lambda g, x, y: g / y,
    lambda g, x, y: -(g / y) * (x / y),
    doc="x0 / x1, broadcast.",
    scalar=operator.truediv,
)
Neg, neg = operation("neg", np.negative, lambda g, x: -g, doc="Return -x.", linear=True)


class Pow(Formula):
    """y = x ** c for a constant number c."""

    __slots__ = ("c",)

    def __init__(self, c: Any) -> None:
        self.c = c

    def forward(self, x: Array) -> Any:
        return x ** number_like(self.c, x.dtype)

    def gradients(self, gy: Any, x: Any) -> Any:
        if self.c == 0:
            return compute(Step(np.zeros_like), x)  # not 0 * x ** -1, which is undefined at 0
        return self.c * compute(Pow(self.c - 1), x) * gy


class Power(Function):
    """y = x0 ** x1 for a variable exponent; where x0 is 0 and y does not depend on x1, its gradient is 0.

    The one operation with a formula for arrays and another for Variables. Where x1 is 0, so is the gradient of
    x0, whatever power of x0 stands beside it. Arrays take one that always exists; a gradient that is
    differentiated again needs the true one, for it depends on x1.
    """

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0**x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = (x.data for x in self.inputs)
        one = np.ones((), x1.dtype)
        gx0 = gy * x1 * x0 ** np.where(x1 == 0, one, x1 - one)
        if type(self.inputs[1]) is Constant:
            return gx0, None  # and no logarithm of a negative x0, which has a power all the same
        logarithm = np.log(np.where(_is_zero_power(x0, x1), np.ones((), x0.dtype), x0))
        return gx0, gy * x0**x1 * logarithm

    def derivative(self, gy: Variable) -> Any:
        x0, x1 = self.inputs
        is_one = apply(Step(lambda x0, x1: (x0 == 0) & (x1 == 0)), (x0, x1))
        gx0 = gy * x1 * x0 ** (x1 - 1 + is_one)
        if type(x1) is Constant:
            return gx0, None
        return gx0, gy * x0**x1 * log(x0 + apply(Step(_is_zero_power), (x0, x1)))


def _is_zero_power(x0: Array, x1: Array) -> Array:
    """Where x0 ** x1 stays as it is when x1 changes a little, though log(x0) is not finite."""
    result: Array = (x0 == 0) & (x1 >= 0)
    return result


def pow(x: Operand, c: Operand) -> Variable:
    """x ** c; c may be a number, an array or a Variable, and is differentiated too if it is a Variable."""
    if isinstance(x, Variable) and not isinstance(c, (Variable, np.ndarray)):
        return apply(Pow(c), (x,))
    return apply(Power(), operands(x, c))


def square(x: Operand) -> Variable:
    """x ** 2."""
    return pow(as_variable(x), 2)


BY_UFUNC.update({np.power: pow, np.square: square})
