"""The graphs that studies build: a chain, a training of a perceptron, a wide graph, and small ones with branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import Function, Variable, add, grad, matmul, mean, square, tanh

OPERATIONS_IN_A_STEP = 8  # of the perceptron's training


class Total(Function):
    """The sum of any number of inputs of one shape."""

    __slots__ = ()

    def forward(self, *arrays: Any) -> Any:
        """Add them all up."""
        return np.sum(arrays, axis=0)

    def backward(self, gradient: Any) -> Any:
        """Give each input the whole gradient."""
        return (gradient,) * len(self.inputs)


def build_chain(operations: int) -> Variable:
    """Multiply by one again and again: each operation needs the one before."""
    result = factor = Variable(np.array(1.0))
    for _ in range(operations):
        result = result * factor
    return result


def build_wide(operations: int) -> Variable:
    """Square a number in many branches and sum them all at once."""
    number = Variable(np.array(1.0))
    total: Variable = Total()(*[square(number) for _ in range(operations - 1)])
    return total


def build_perceptron(operations: int) -> Variable:
    """Train a multilayer perceptron for as many steps as make up the operations; the last loss."""
    random = np.random.default_rng(0)

    def array(*shape: int) -> Variable:
        return Variable(random.standard_normal(shape, dtype=np.float32))

    inputs, targets = array(8, 16), array(8, 1)
    parameters = weight, bias, weight_2, bias_2 = array(16, 16), array(16), array(16, 1), array(1)
    for _ in range(max(1, operations // OPERATIONS_IN_A_STEP)):
        hidden = tanh(matmul(inputs, weight) + bias)
        loss = mean(square(matmul(hidden, weight_2) + bias_2 - targets))
        loss.backward()
        for parameter in parameters:
            parameter.data = parameter.data - 0.01 * parameter.grad
            parameter.cleargrad()
    return loss


BUILD: dict[str, Callable[[int], Variable]] = {
    "chain": build_chain,
    "perceptron": build_perceptron,
    "wide": build_wide,
}
# One graph that a training loop would drop at a time.
OPERATIONS_OF_A_GRAPH = {"chain": 100, "perceptron": OPERATIONS_IN_A_STEP, "wide": 100}


def without_branch(x: Variable) -> Variable:
    """(x²)²: nothing branches."""
    return _named(square(_squared(x)), "y")


def even(x: Variable) -> Variable:
    """a² + a² with a = x²: two branches of one length."""
    a = _squared(x)
    return _named(add(_named(square(a), "left"), _named(square(a), "right")), "y")


def uneven(x: Variable) -> Variable:
    """a + a² with a = x²: two branches, one of them longer."""
    a = _squared(x)
    return _named(add(a, _named(square(a), "a²")), "y")


def _squared(x: Variable) -> Variable:
    return _named(square(x), "a")


def _named(variable: Variable, name: str) -> Variable:
    variable.name = name
    return variable


# Small graphs of one number, whose results have names.
GRAPHS = {"no branch": without_branch, "even branches": even, "uneven branches": uneven}


# What becomes of the gradient of a second derivative, and ways to open the cycle that it makes.
KEPT, RETURNED = "stays in x.grad", "grad(y, x)"
OPENED: dict[str, Callable[[Variable, Variable], None]] = {
    "x.cleargrad()": lambda x, y: x.cleargrad(),
    "x.grad = None": lambda x, y: setattr(x, "grad", None),
    "y.backward()": lambda x, y: y.backward(),
}
WAYS = [KEPT, *OPENED, RETURNED]


def second_derivative(way: str, layers: int, width: int) -> tuple[Any, ...]:
    """The second derivative of a chain of layers, after everything that it was computed from."""
    x = Variable(np.linspace(-1, 1, width), "x")
    y = model(x, layers)
    if way == RETURNED:
        first = grad(y, x, create_graph=True)
    else:
        y.backward(create_graph=True)
        first = x.grad
    second = grad(first, x)
    if way in OPENED:
        OPENED[way](x, y)
    return x, y, first, second


def model(x: Variable, layers: int) -> Variable:
    """As many layers of two operations."""
    for _ in range(layers):
        x = tanh(x * 0.9)
    return x
