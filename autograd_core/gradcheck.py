"""Check what `backward` computes against central differences, to any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.arrays import Array
from autograd_core.config import no_grad, using_config
from autograd_core.core import Operand, Variable, as_variable
from autograd_core.higher_order import grad


def gradcheck(
    f: Callable[..., Any],
    *inputs: Operand,
    order: int = 1,
    step: float = 1e-6,
    relative_tolerance: float = 1e-5,
    absolute_tolerance: float = 1e-6,
) -> None:
    """Raise AssertionError unless f's gradients agree with central differences at `inputs`.

    f: takes as many Variables as there are inputs, returns a Variable of any shape or several of them.
    inputs: arrays, numbers or Variables; copied, and computed in float64. f must be smooth within `step`
        of each element.
    order: 2 checks the gradients of the gradients as well, 3 also theirs, and so on.

    The sum of all outputs, each element weighted with another number, stands for f. The message names the
    input, the index in it and both numbers.
    """
    arrays = [np.array(as_variable(x).data, dtype=np.float64) for x in inputs]
    for number, analytic in enumerate(_analytic_gradients(f, arrays)):
        array = arrays[number]
        for index in np.ndindex(array.shape):
            numeric = _central_difference(f, arrays, number, index, step)
            if abs(analytic[index] - numeric) <= absolute_tolerance + relative_tolerance * abs(numeric):
                continue
            raise AssertionError(
                f"input {number}, index {index}: backward gives {analytic[index]}, differences give {numeric}"
            )
    if order > 1:
        tolerances = {"relative_tolerance": relative_tolerance, "absolute_tolerance": absolute_tolerance}
        derived, seeds = _differentiated(f, arrays)
        gradcheck(derived, *arrays, *seeds, order=order - 1, step=step, **tolerances)


def _differentiated(f: Callable[..., Any], arrays: list[Array]) -> tuple[Callable[..., Any], list[Array]]:
    """The function that gives f's gradients, and what it takes after f's inputs: a weight for each output.

    A gradient depends on the weights as well as on the inputs, so that both are differentiated next.
    """
    with no_grad():
        outputs = _outputs(f, [Variable(array) for array in arrays])

    def gradients(*variables: Variable) -> tuple[Variable, ...]:
        inputs, weights = variables[: len(arrays)], variables[len(arrays) :]
        with using_config("enable_backprop", True):
            results = zip(weights, _outputs(f, list(inputs)), strict=True)
            total: Any = sum((weight * output).sum() for weight, output in results)
            return grad(total, inputs, create_graph=True)

    return gradients, [_weights(number, output) for number, output in enumerate(outputs)]


def _outputs(f: Callable[..., Any], variables: list[Variable]) -> tuple[Variable, ...]:
    result = f(*variables)
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def _weights(number: int, output: Variable) -> Array:
    """Fixed numbers of both signs: with equal weights, errors that cancel in a sum would not be seen."""
    return np.random.default_rng(number).uniform(-1, 1, output.shape)


def _analytic_gradients(f: Callable[..., Any], arrays: list[Array]) -> list[Array]:
    variables = [Variable(array.copy()) for array in arrays]
    for number, output in enumerate(_outputs(f, variables)):
        output.grad = np.asarray(_weights(number, output))
        output.backward(retain_grad=False)
    return [np.zeros_like(x.data) if x.grad is None else x.grad for x in variables]


def _central_difference(
    f: Callable[..., Any], arrays: list[Array], number: int, index: tuple[int, ...], step: float
) -> float:
    values = []
    for signed_step in (step, -step):
        moved = [array.copy() for array in arrays]
        moved[number][index] += signed_step
        with no_grad():
            outputs = _outputs(f, [Variable(array) for array in moved])
        values.append(sum(float(np.sum(_weights(i, y) * y.data)) for i, y in enumerate(outputs)))
    return (values[0] - values[1]) / (2 * step)
