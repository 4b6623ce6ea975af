"""Models to train and to plan: a perceptron, trained in both ways, and models that decide by their data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core import Plan, Variable, grad, matmul, mean, relu, square, tanh
from experiments._clock import timed

WIDTH, RATE = 16, 0.1


def perceptron(layers: int, batch: int) -> tuple[list[Any], list[Any]]:
    """Inputs and targets, and the parameters of a multilayer perceptron: weight and bias of each layer."""
    random = np.random.default_rng(0)
    data = [random.standard_normal((batch, WIDTH)) for _ in range(2)]
    parameters = []
    for _ in range(layers):
        parameters += [random.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH), np.zeros(WIDTH)]
    return data, parameters


def loss_of(inputs: Variable, targets: Variable, parameters: Sequence[Variable]) -> Variable:
    """The mean squared error of the perceptron."""
    hidden = inputs
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        hidden = tanh(matmul(hidden, weight) + bias)
    return mean(square(hidden - targets))


class ByRun:
    """Training that makes a graph in every iteration."""

    def __init__(self, data: list[Any], parameters: list[Any]) -> None:
        self.data = [Variable(array) for array in data]
        self.parameters = [Variable(array) for array in parameters]

    def gradients(self) -> Variable:
        """Put a gradient into every parameter; return the loss, which holds the graph."""
        loss = loss_of(self.data[0], self.data[1], self.parameters)
        loss.backward()
        return loss

    def iterate(self) -> float:
        """One iteration; the loss before it."""
        loss = float(self.gradients().data)
        for parameter in self.parameters:
            parameter.data -= RATE * parameter.grad
            parameter.cleargrad()
        return loss


class Planned:
    """Training by a plan, which is made here."""

    def __init__(self, data: list[Any], parameters: list[Any]) -> None:
        self.plan, self.making_seconds = timed(lambda: Plan(loss_and_gradients, *data, *parameters))
        self.parameters = self.plan.inputs[len(data) :]

    def gradients(self) -> tuple[Any, ...]:
        """Run the plan; return its outputs, the loss and the gradients."""
        return self.plan.run()

    def iterate(self) -> float:
        """One iteration; the loss before it."""
        loss, *gradients = self.gradients()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter -= RATE * gradient
        return float(loss)


def loss_and_gradients(inputs: Variable, targets: Variable, *parameters: Variable) -> tuple[Any, ...]:
    """What the plan repeats: the loss, and its gradient for each parameter."""
    loss = loss_of(inputs, targets, parameters)
    return loss, *grad(loss, parameters, create_graph=True)


def branch(x: Variable) -> Variable:
    """Decides in Python which operation to record."""
    return x * 2.0 if x.data.sum() > 0 else -x


def loop(x: Variable) -> Variable:
    """Decides in Python how many operations to record."""
    while np.abs(x.data).max() > 1:
        x = x * 0.5
    return x


def operations(x: Variable) -> Variable:
    """The same as the branch, decided element by element by operations that are always recorded."""
    return relu(x) * 2.0 + relu(-x)


MODELS: dict[str, Callable[[Variable], Variable]]
MODELS = {"a branch": branch, "a loop": loop, "operations": operations}
