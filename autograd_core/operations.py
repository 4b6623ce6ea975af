"""Arithmetic: each operation's forward beside its backward, and the function that calls it.

Elementwise operations broadcast like NumPy; their backward may return gradients of the output's shape, which
the walk sums to the inputs' shapes (`Function.broadcasts`). A Python number takes the dtype of the Variable
beside it if that is floating, so it never changes a float32 graph to float64.

`backward` computes with arrays; `derivative` is the same formula in operations on Variables, for gradients
that are differentiated again. Where a formula reads the same for both, there is one.
"""

# ruff: noqa: D102 - forward, backward and derivative are described by Function, each formula by its class

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from autograd_core.arrays import Array, Number
from autograd_core.elementwise import log, step
from autograd_core.function import Function, apply
from autograd_core.operands import number_like, operands
from autograd_core.shaping import getitem, matmul, mean, reshape, sum, transpose
from autograd_core.variable import Constant, Operand, Variable, as_variable


class Add(Function):
    """y = x0 + x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 + x1

    def backward(self, gy: Array) -> Any:
        return gy, gy

    derivative = backward


def add(x0: Operand, x1: Operand) -> Variable:
    """x0 + x1, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = operands(x0, x1)
    return apply(Add(), (x0, x1))  # type: ignore[no-any-return]


class Sub(Function):
    """y = x0 - x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 - x1

    def backward(self, gy: Array) -> Any:
        return gy, -gy

    derivative = backward


def sub(x0: Operand, x1: Operand) -> Variable:
    """x0 - x1, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = operands(x0, x1)
    return apply(Sub(), (x0, x1))  # type: ignore[no-any-return]


class Mul(Function):
    """y = x0 * x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 * x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = self.inputs
        return (
            None if type(x0) is Constant else gy * x1.data,
            None if type(x1) is Constant else gy * x0.data,
        )

    def derivative(self, gy: Variable) -> Any:
        x0, x1 = self.inputs
        return (
            None if type(x0) is Constant else gy * x1,
            None if type(x1) is Constant else gy * x0,
        )


def mul(x0: Operand, x1: Operand) -> Variable:
    """x0 * x1 element by element, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = operands(x0, x1)
    return apply(Mul(), (x0, x1))  # type: ignore[no-any-return]


class Div(Function):
    """y = x0 / x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 / x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = (x.data for x in self.inputs)
        gx0 = gy / x1
        return gx0, None if type(self.inputs[1]) is Constant else -gx0 * (x0 / x1)

    def derivative(self, gy: Variable) -> Any:
        x0, x1 = self.inputs
        gx0 = gy / x1
        return gx0, None if type(x1) is Constant else -gx0 * (x0 / x1)


def div(x0: Operand, x1: Operand) -> Variable:
    """x0 / x1, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = operands(x0, x1)
    return apply(Div(), (x0, x1))  # type: ignore[no-any-return]


class Neg(Function):
    """y = -x."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return -x

    def backward(self, gy: Array) -> Any:
        return -gy

    derivative = backward


def neg(x: Operand) -> Variable:
    """Return -x."""
    return apply(Neg(), (as_variable(x),))  # type: ignore[no-any-return]


class Pow(Function):
    """y = x ** c for a constant number c."""

    __slots__ = ("c",)

    def __init__(self, c: Number) -> None:
        self.c = c

    def forward(self, x: Array) -> Any:
        return x ** number_like(self.c, x.dtype)

    def backward(self, gy: Array) -> Any:
        x = self.inputs[0].data
        if self.c == 0:
            return np.zeros_like(x)  # not 0 * x ** -1, which is undefined at 0
        c = number_like(self.c, x.dtype)
        return c * x ** (c - number_like(1, c.dtype)) * gy

    def derivative(self, gy: Variable) -> Any:
        (x,), c = self.inputs, cast("Any", self.c)
        if c == 0:
            return Constant(np.zeros_like(x.data))
        return c * x ** (c - 1) * gy


class Power(Function):
    """y = x0 ** x1 for a variable exponent; where x0 is 0 and y does not depend on x1, its gradient is 0."""

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
        is_one = step(lambda x0, x1: (x0 == 0) & (x1 == 0), x0, x1)
        gx0 = gy * x1 * x0 ** (x1 - 1 + is_one)
        if type(x1) is Constant:
            return gx0, None
        return gx0, gy * x0**x1 * log(x0 + step(_is_zero_power, x0, x1))


def _is_zero_power(x0: Array, x1: Array) -> Array:
    """Where x0 ** x1 stays as it is when x1 changes a little, though log(x0) is not finite."""
    result: Array = (x0 == 0) & (x1 >= 0)
    return result


def pow(x: Operand, c: Operand) -> Variable:
    """x ** c; c may be a number, an array or a Variable, and is differentiated too if it is a Variable."""
    if isinstance(x, Variable) and not isinstance(c, (Variable, np.ndarray)):
        return apply(Pow(c), (x,))  # type: ignore[no-any-return]
    return apply(Power(), operands(x, c))  # type: ignore[no-any-return]


def square(x: Operand) -> Variable:
    """x ** 2."""
    return pow(as_variable(x), 2)


def _reflected(operation: Callable[[Any, Any], Variable]) -> Callable[[Any, Any], Variable]:
    """The operator for a Variable on the right: `2 - x` calls `x.__rsub__(2)`."""
    return lambda x0, x1: operation(x1, x0)


def setup_variable() -> None:
    """Give Variable its operators and methods; done once, when the package is imported."""
    methods: dict[str, Any] = {"reshape": reshape, "transpose": transpose, "sum": sum, "mean": mean}
    methods |= {"__neg__": neg, "__getitem__": getitem, "T": property(transpose)}
    binary: dict[str, Callable[[Any, Any], Variable]] = {
        "add": add,
        "sub": sub,
        "mul": mul,
        "truediv": div,
        "pow": pow,
        "matmul": matmul,
    }
    for name, operation in binary.items():
        methods |= {f"__{name}__": operation, f"__r{name}__": _reflected(operation)}
    for name, method in methods.items():
        setattr(Variable, name, method)
