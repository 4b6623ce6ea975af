"""The same computation in several engines of automatic differentiation, our own and other people's.

A number is multiplied by itself again and again, `x * x * x ...`, in a chain of so many operations; at x = 1 the
result is 1, and the derivative is the number of factors. All engines can do that, micrograd too, which knows
numbers only. Each engine is imported when it is measured, and not before.
"""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from garbology.study import Unavailable

if TYPE_CHECKING:
    from autograd_core.config import OutputReferences

WARM_UP = 3  # runs


@dataclass(frozen=True)
class Program:
    """One engine's forward and backward: `forward(operations)` returns a graph, whatever it is here.

    `backward(graph)` returns the derivative. Holding the graph is holding all that a program would hold of it.
    """

    forward: Callable[[int], Any]
    backward: Callable[[Any], float]

    def differentiate(self, operations: int) -> tuple[Any, float]:
        """Go forward and backward; the graph and the derivative."""
        graph = self.forward(operations)
        return graph, self.backward(graph)


@dataclass(frozen=True)
class Engine:
    """How to get an engine: its distribution, empty for ours, and what loads it and makes the program."""

    package: str
    load: Callable[[], Program]
    install: str = field(default="pip install 'garbology[frameworks]'")

    def program(self) -> Program:
        """Import it; Unavailable where that fails, with the command that helps."""
        try:
            return self.load()
        except Exception as error:  # an old release fails on a new NumPy in its own way
            if not self.package:
                raise
            raise Unavailable(f"{self._told(error)}: {self.install}") from None

    def warm(self, operations: int) -> Program:
        """The program, run until what is cached at first use is there."""
        program = self.program()
        for _ in range(WARM_UP):
            program.differentiate(operations)
        gc.collect()
        return program

    def release(self) -> str:
        """The version that is installed; empty for ours."""
        return version(self.package) if self.package else ""

    def _told(self, error: Exception) -> str:
        try:
            version(self.package)
        except PackageNotFoundError:
            return f"{self.package} is not installed"
        return f"{self.package} {version(self.package)} cannot be imported here ({error})"


def chain(leaf: Any, operations: int) -> Any:
    """Multiply by the leaf again and again."""
    result = leaf
    for _ in range(operations):
        result = result * leaf
    return result


def program_of(leaf: Callable[[], Any], gradient: Callable[[Any], float], **options: bool) -> Program:
    """The program of an engine whose results have a method `backward`, which takes the options."""

    def forward(operations: int) -> Any:
        number = leaf()
        return number, chain(number, operations)

    def backward(graph: Any) -> float:
        number, result = graph
        result.backward(**options)
        return gradient(number)

    return Program(forward, backward)


def load_ours(references: OutputReferences, **options: bool) -> Program:
    """autograd_core, whose functions refer to their outputs as it is said."""
    import numpy as np

    from autograd_core import Variable, output_references

    def gradient(number: Any) -> float:
        return float(number.grad.data if options else number.grad)

    plain = program_of(lambda: Variable(np.array(1.0)), gradient, **options)

    def forward(operations: int) -> Any:
        with output_references(references):
            return plain.forward(operations)

    def backward(graph: Any) -> float:
        with output_references(references):
            return plain.backward(graph)

    return Program(forward, backward)


def load_micrograd() -> Program:
    """A. Karpathy's micrograd: each result captures what goes backward through it, a closure."""
    value = importlib.import_module("micrograd.engine").Value
    return program_of(lambda: value(1.0), lambda number: float(number.grad))


def load_hips_autograd() -> Program:
    """HIPS autograd: differentiates a function; what it returns to go backward holds the graph."""
    make_vjp = importlib.import_module("autograd.core").make_vjp
    return Program(
        lambda operations: make_vjp(lambda number: chain(number, operations), 1.0),
        lambda graph: float(graph[0](1.0)),
    )


def load_dezero(**options: bool) -> Program:
    """DeZero, the engine of the book "Deep Learning from Scratch 3"."""
    import numpy as np

    if not hasattr(np, "int"):  # NumPy took it away in 1.24; DeZero's release of 2020 names it at import
        vars(np)["int"] = int
    variable = importlib.import_module("dezero").Variable
    return program_of(lambda: variable(np.array(1.0)), lambda number: float(number.grad.data), **options)


def load_chainer(**options: bool) -> Program:
    """Chainer, which was first to define by run."""
    import numpy as np

    variable = importlib.import_module("chainer").Variable
    return program_of(lambda: variable(np.array(1.0)), lambda number: float(number.grad), **options)


def load_tinygrad() -> Program:
    """tinygrad: forward and backward only record what is to be computed; asking for the number computes it.

    Its device is Python, which needs no compiler.
    """
    os.environ["DEV"] = "PYTHON"
    tensor = importlib.import_module("tinygrad").Tensor

    def backward(graph: Any) -> float:
        number, result = graph
        result.sum().backward()
        return float(number.grad.item())

    plain = program_of(lambda: tensor([1.0]), float)
    return Program(plain.forward, backward)


def load_torch(**options: bool) -> Program:
    """PyTorch, whose graph is of C++ objects."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return program_of(
        lambda: torch.tensor(1.0, requires_grad=True), lambda number: float(number.grad), **options
    )


TORCH = "pip install 'garbology[frameworks-torch]'"
CHAINER = (
    "on Python 3.10: pip install 'setuptools<81' wheel 'numpy<1.24'; pip install --no-build-isolation chainer"
)
WEAK, STRONG, AGAIN = "ours, weak", "ours, strong", "ours, again"
ENGINES = {
    WEAK: Engine("", lambda: load_ours("weak")),
    STRONG: Engine("", lambda: load_ours("strong")),
    "micrograd": Engine("micrograd", load_micrograd),
    "HIPS autograd": Engine("autograd", load_hips_autograd),
    "DeZero": Engine("dezero", load_dezero),
    "Chainer": Engine("chainer", load_chainer, CHAINER),
    "tinygrad": Engine("tinygrad", load_tinygrad),
    "torch": Engine("torch", load_torch, TORCH),
    # The gradient is recorded as well, so that it can be differentiated again.
    AGAIN: Engine("", lambda: load_ours("weak", create_graph=True)),
    "DeZero, again": Engine("dezero", lambda: load_dezero(create_graph=True)),
    "Chainer, again": Engine("chainer", lambda: load_chainer(enable_double_backprop=True), CHAINER),
    "torch, again": Engine("torch", lambda: load_torch(create_graph=True), TORCH),
}
