"""How an operation is declared: one rule for the gradient of each input, which serves arrays and Variables.

    Mul, mul = operation("mul", np.multiply, lambda g, x, y: g * y, lambda g, x, y: g * x)

A rule gets the output's gradient and the inputs, and is written in NumPy's notation. The walk and `backward` give
it arrays. `derivative`, for gradients that are differentiated again, gives it Variables: their operators are
operations, and NumPy's functions call the operations for them (`Variable.__array_ufunc__`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, overload

import numpy as np

from autograd_core.arrays import Array
from autograd_core.core import Constant, Function, Operand, Variable, apply, as_variable, operands

Method: TypeAlias = Callable[[Any, Any], Any]


class Unary(Protocol):
    """An operation of one input, as it is called."""

    def __call__(self, x: Operand) -> Variable: ...  # noqa: D102


class Binary(Protocol):
    """An operation of two inputs, as it is called."""

    def __call__(self, x0: Operand, x1: Operand) -> Variable: ...  # noqa: D102


# The operation that NumPy's own function becomes when it is given a Variable.
BY_UFUNC: dict[np.ufunc, Callable[..., Variable]] = {}


@overload
def operation(
    name: str, ufunc: np.ufunc, rule: Callable[[Any, Any], Any], /, *, doc: str, linear: bool = False
) -> tuple[type[Function], Unary]: ...
@overload
def operation(
    name: str,
    ufunc: np.ufunc,
    first: Callable[[Any, Any, Any], Any],
    second: Callable[[Any, Any, Any], Any],
    /,
    *,
    doc: str,
    linear: bool = False,
    kind: str = "",
    scalar: Callable[[Any, Any], Any] | None = None,
) -> tuple[type[Function], Binary]: ...
def operation(
    name: str,
    ufunc: np.ufunc,
    /,
    *rules: Callable[..., Any],
    doc: str,
    linear: bool = False,
    kind: str = "",
    scalar: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """Make the Function that computes `ufunc`, and the function that calls it.

    rules: for each input, its gradient from the output's gradient and the inputs. Operations of two inputs
        broadcast; no rule is asked for the gradient of a Constant.
    doc: what the function computes, in a sentence.
    linear: the rules look at the output's gradient alone. One that is 0-d may then be a NumPy scalar, which is
        negated ten times as fast as an array.
    scalar: the operator that computes the same of two NumPy scalars, in half the time that `ufunc` needs for 0-d
        arrays of float64.
    kind: the name of the Function; `name` with a capital where it is not given.
    """
    kind, module = kind or name.capitalize(), rules[0].__module__
    first, second = (*rules, None)[:2]
    members = {"__slots__": (), "__module__": module, "__doc__": doc, "broadcasts": second is not None}
    members |= {"forward": ufunc, "_rules": (first, second, linear), "_operator": scalar}
    for method in _gradients_of_two(*rules) if second else _gradients_of_one(*rules):
        members[method.__name__] = _named(method, method.__name__, f"{kind}.{method.__name__}", module)
    function = type(kind, (Function,), members)
    call = _named(_call_of_two(function) if second else _call_of_one(function), name, name, module)
    call.__doc__ = doc
    BY_UFUNC[ufunc] = call
    return function, call


def _gradients_of_one(rule: Callable[..., Any]) -> tuple[Method, Method]:
    """`backward` and `derivative` of one input."""

    def backward(self: Function, gy: Array) -> Any:
        return (rule(gy, self.inputs[0].data),)

    def derivative(self: Function, gy: Variable) -> Any:
        return (rule(gy, self.inputs[0]),)

    return backward, derivative


def _gradients_of_two(first: Callable[..., Any], second: Callable[..., Any]) -> tuple[Method, Method]:
    """`backward` and `derivative` of two inputs."""

    def backward(self: Function, gy: Array) -> Any:
        x0, x1 = self.inputs
        array0, array1 = x0.data, x1.data
        return (
            None if type(x0) is Constant else first(gy, array0, array1),
            None if type(x1) is Constant else second(gy, array0, array1),
        )

    def derivative(self: Function, gy: Variable) -> Any:
        x0, x1 = self.inputs
        return (
            None if type(x0) is Constant else first(gy, x0, x1),
            None if type(x1) is Constant else second(gy, x0, x1),
        )

    return backward, derivative


def _call_of_one(function: type[Function]) -> Callable[..., Variable]:
    def call(x: Operand) -> Variable:
        return apply(function(), (as_variable(x),))

    return call


def _call_of_two(function: type[Function]) -> Callable[..., Variable]:
    def call(x0: Operand, x1: Operand) -> Variable:
        if not isinstance(x0, Variable) or not isinstance(x1, Variable):
            x0, x1 = operands(x0, x1)
        return apply(function(), (x0, x1))

    return call


def _named(function: Any, name: str, qualified: str, module: str) -> Any:
    """The function under the name that tracebacks and profilers show, which is that of its code."""
    names = {"co_name": name} | ({"co_qualname": qualified} if sys.version_info >= (3, 11) else {})
    function.__code__ = function.__code__.replace(**names)
    function.__name__, function.__qualname__, function.__module__ = name, qualified, module
    return function


class Formula(Function):
    """A Function with settings of its own, and one formula for the gradients of arrays and of Variables."""

    __slots__ = ()

    def gradients(self, gy: Any, *inputs: Any) -> Any:
        """Compute what `backward` returns, from the output's gradient and the inputs."""
        raise NotImplementedError

    def backward(self, gy: Array) -> Any:
        """Compute it of arrays."""
        inputs = self.inputs
        if len(inputs) == 1:
            return self.gradients(gy, inputs[0].data)
        return self.gradients(gy, *[x.data for x in inputs])

    def derivative(self, gy: Variable) -> Any:
        """Compute it of Variables."""
        return self.gradients(gy, *self.inputs)


def compute(function: Function, *inputs: Any) -> Any:
    """Apply a Function to Variables, or its forward alone to arrays: for rules, which may be given either."""
    return apply(function, inputs) if isinstance(inputs[0], Variable) else function.forward(*inputs)
