"""The engines that are compared, each behind the same two calls: build a graph from a number, and go backward."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

Build = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Engine:
    """`forward(build, value, operations)` is a graph, held as a program would hold it; `backward(graph)`.

    `step` makes a perceptron's training step, forward and backward, from its arrays; None where it cannot.
    """

    forward: Callable[[Build, Any, int], Any]
    backward: Callable[[Any], object]
    step: Callable[[list[Any]], Callable[[], object]] | None = None


def of_variables(variable: Callable[[Any], Any], step: Any = None, backward: Any = None) -> Engine:
    """An engine whose results have a method `backward`."""
    return Engine(
        lambda build, value, operations: build(variable(value), operations),
        backward or (lambda graph: graph.backward()),
        step,
    )


def ours(references: str) -> Engine:
    """autograd_core, whose functions refer to their outputs as it is said."""
    from autograd_core import Variable, matmul, mean, output_references, square, tanh

    def forward(build: Build, value: Any, operations: int) -> Any:
        with output_references(references):  # type: ignore[arg-type]
            return build(Variable(np.asarray(value)), operations)

    def step(arrays: list[Any]) -> Callable[[], object]:
        inputs, targets, *parameters = map(Variable, arrays)
        first, bias, second, bias_2 = parameters

        def once() -> None:
            with output_references(references):  # type: ignore[arg-type]
                hidden = tanh(matmul(inputs, first) + bias)
                mean(square(matmul(hidden, second) + bias_2 - targets)).backward()
            for parameter in parameters:
                parameter.cleargrad()

        return once

    return Engine(forward, lambda graph: graph.backward(), step)


def dezero() -> Engine:
    """DeZero's `core_simple`, loaded from its file; the perceptron is that of the whole package."""
    module = _dezero_core()
    return of_variables(lambda value: module.Variable(np.asarray(value)), _dezero_step)


def _dezero_core() -> ModuleType:
    package = importlib.util.find_spec("dezero")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "core_simple.py"
    spec = importlib.util.spec_from_file_location("dezero_core_simple", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.setup_variable()
    return module


def _dezero_step(arrays: list[Any]) -> Callable[[], object]:
    if not hasattr(np, "int"):  # NumPy took it away in 1.24; DeZero's release of 2020 names it at import
        vars(np)["int"] = int
    whole, functions = importlib.import_module("dezero"), importlib.import_module("dezero.functions")
    inputs, targets, *parameters = map(whole.Variable, arrays)
    first, bias, second, bias_2 = parameters

    def once() -> None:
        hidden = functions.tanh(functions.matmul(inputs, first) + bias)
        functions.mean_squared_error(functions.matmul(hidden, second) + bias_2, targets).backward()
        for parameter in parameters:
            parameter.cleargrad()

    return once


def torch() -> Engine:
    """PyTorch on one thread, in double precision as NumPy's."""
    library = importlib.import_module("torch")
    library.set_num_threads(1)

    def leaf(value: Any) -> Any:
        return library.tensor(value, dtype=library.float64, requires_grad=True)

    def backward(graph: Any) -> None:
        graph.backward(library.ones_like(graph))

    def step(arrays: list[Any]) -> Callable[[], object]:
        tensors = [library.tensor(each) for each in arrays]
        inputs, targets, *parameters = tensors
        first, bias, second, bias_2 = parameters
        for parameter in parameters:
            parameter.requires_grad_()

        def once() -> None:
            hidden = library.tanh(inputs @ first + bias)
            ((hidden @ second + bias_2 - targets) ** 2).mean().backward()
            for parameter in parameters:
                parameter.grad = None

        return once

    return of_variables(leaf, step, backward)


def hips_autograd() -> Engine:
    """HIPS autograd: what goes backward is made together with what goes forward."""
    library, core = importlib.import_module("autograd"), importlib.import_module("autograd.core")
    numpy = importlib.import_module("autograd.numpy")

    def forward(build: Build, value: Any, operations: int) -> Any:
        return core.make_vjp(lambda leaf: build(leaf, operations), np.asarray(value))

    def backward(graph: Any) -> None:
        vjp, end = graph
        vjp(np.ones_like(end))

    def step(arrays: list[Any]) -> Callable[[], object]:
        inputs, targets, *parameters = arrays

        def loss(first: Any, bias: Any, second: Any, bias_2: Any) -> Any:
            hidden = numpy.tanh(numpy.dot(inputs, first) + bias)
            return numpy.mean((numpy.dot(hidden, second) + bias_2 - targets) ** 2)

        gradients = library.grad(loss, (0, 1, 2, 3))
        return lambda: gradients(*parameters)

    return Engine(forward, backward, step)


def micrograd() -> Engine:
    """micrograd, which knows numbers only and walks its graph by recursion."""
    value_of = importlib.import_module("micrograd.engine").Value
    sys.setrecursionlimit(1_000_000)
    return of_variables(lambda value: value_of(float(value)))


class Operation:
    """One object for each operation: what it made, and of what."""

    __slots__ = ("data", "left", "right")

    def __init__(self, data: Any, left: Any, right: Any) -> None:
        self.data, self.left, self.right = data, left, right


def floor() -> Engine:
    """No engine: NumPy's calls for a chain of products, one object an operation, and the calls that go backward."""

    def forward(_: Build, value: Any, operations: int) -> list[Operation]:
        leaf = last = Operation(np.asarray(value), None, None)
        for _number in range(operations):
            last = Operation(last.data * leaf.data, last, leaf)
        return [last]

    def backward(graph: list[Operation]) -> Any:
        node = graph[0]
        gradient, total = np.ones_like(node.data), np.zeros_like(node.data)
        while node.left is not None:
            total = total + gradient * node.left.data
            gradient = gradient * node.right.data
            node = node.left
        return total + gradient

    return Engine(forward, backward)


WEAK, STRONG, NONE, FLOOR = "ours, weak", "ours, strong", "ours, none", "floor"
DEZERO, TORCH, HIPS, MICROGRAD = "DeZero", "torch", "HIPS autograd", "micrograd"
ENGINES: dict[str, Callable[[], Engine]] = {
    WEAK: lambda: ours("weak"),
    STRONG: lambda: ours("strong"),
    NONE: lambda: ours("none"),
    FLOOR: floor,
    DEZERO: dezero,
    TORCH: torch,
    HIPS: hips_autograd,
    MICROGRAD: micrograd,
}
NEEDS = {
    DEZERO: ("dezero", "matplotlib"),
    TORCH: ("torch",),
    HIPS: ("autograd",),
    MICROGRAD: ("micrograd",),
}
