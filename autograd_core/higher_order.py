"""Gradients that remember how they were computed, so that they can be differentiated again.

The walk is that of backprop.py, but what flows are Variables: each Function is asked for its `derivative`, which
is written in operations, and so the way back is recorded like the way forward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from autograd_core.arrays import Array
from autograd_core.backprop import Siblings, by_generation, fitted, one_for_each_input, ones, start
from autograd_core.config import current_settings, using_config
from autograd_core.core import Constant, Function, Variable
from autograd_core.ops.shapes import cast, sum_to


def propagate_recorded(root: Variable, retain: bool) -> None:
    """Do what `Variable.backward(create_graph=True)` promises."""
    seed = root.grad if isinstance(root.grad, Variable) else Constant(start(root))
    if seed.shape != root.shape:
        raise ValueError(f"the grad to start from has shape {seed.shape}, the variable {root.shape}")
    root.grad = None
    leaves: list[tuple[Variable, Variable]] = []
    with using_config("enable_backprop", True):
        for variable, gradient in _walk(root, seed):
            if variable.creator is None:
                leaves.append((variable, gradient))  # type: ignore[arg-type] # a leaf's is never None
            elif not retain:
                variable.grad = None
            elif gradient is not None:
                variable.grad = gradient if variable.grad is None else variable.grad + gradient
        for leaf, found in leaves:
            leaf.grad = found if leaf.grad is None else leaf.grad + found


@overload
def grad(output: Variable, inputs: Variable, create_graph: bool = False) -> Any: ...
@overload
def grad(output: Variable, inputs: Sequence[Variable], create_graph: bool = False) -> tuple[Any, ...]: ...
def grad(output: Variable, inputs: Variable | Sequence[Variable], create_graph: bool = False) -> Any:
    """Return the gradient of the sum of output's elements with respect to `inputs`; store it nowhere.

    inputs: a Variable, then one gradient is returned, or a sequence of them, then a tuple. They may be leaves
        or intermediate; where `output` does not depend on one its gradient is zeros.
    create_graph: return Variables, which remember how they were computed, instead of ndarrays.

    No `grad` is read or changed, so even a gradient with a graph closes no reference cycle: it refers to the
    inputs, and the inputs do not refer to it.
    """
    wanted = [inputs] if isinstance(inputs, Variable) else list(inputs)
    found: dict[Variable, Variable] = {}
    with using_config("enable_backprop", create_graph):
        for variable, gradient in _walk(output, Constant(ones(output)), wanted):
            if gradient is not None:
                found[variable] = gradient
    gradients = [found[x] if x in found else Constant(np.zeros_like(x.data)) for x in wanted]
    results = [g if create_graph else np.array(g.data, order="C") for g in gradients]
    return results[0] if isinstance(inputs, Variable) else tuple(results)


def _walk(
    root: Variable, seed: Variable, wanted: Sequence[Variable] | None = None
) -> Iterator[tuple[Variable, Variable | None]]:
    """Each variable with its gradient, once that is complete, from the root to the leaves.

    wanted: skip the Functions that none of these went into.
    """
    siblings: Siblings = {}
    order = by_generation(root, siblings)
    useful = None if wanted is None else _leading_to(wanted, order)
    gradients = {root: seed}
    for output in reversed(order):
        function: Any = output.creator
        found: dict[int, Variable] = {}
        for each in [output, *siblings.pop(function, ())]:  # where one may be named again
            gradient = gradients.pop(each, None)
            yield each, gradient
            if gradient is not None:
                found[each.output_index or 0] = gradient
        if not found or (useful is not None and function not in useful):
            continue
        results = _inputs_gradients(function, _with_zeros(function, output, found))
        for variable, gradient in zip(function.inputs, results, strict=True):
            if gradient is not None and type(variable) is not Constant:
                gradients[variable] = gradients[variable] + gradient if variable in gradients else gradient
    yield from gradients.items()


def _leading_to(wanted: Sequence[Variable], order: list[Variable]) -> set[Function]:
    """The Functions that one of these variables went into, directly or by way of others."""
    targets, useful = set(wanted), set()
    for output in order:
        function: Any = output.creator
        if not targets.isdisjoint(function.inputs) or any(x.creator in useful for x in function.inputs):
            useful.add(function)
    return useful


def _with_zeros(function: Function, output: Variable, found: dict[int, Variable]) -> list[Variable]:
    """One gradient for each of a Function's outputs: zeros for those without."""
    if output.output_index is None:
        return [found[0]]
    layout = enumerate(function.output_layout())
    return [found[i] if i in found else Constant(np.zeros(shape, dtype)) for i, (shape, dtype) in layout]


def _inputs_gradients(function: Function, gradients: list[Variable]) -> list[Variable | None]:
    """What a Function makes of its outputs' gradients, each in its input's shape and dtype."""
    if not current_settings().enable_backprop:
        arrays = one_for_each_input(function, function.backward(*[g.data for g in gradients]))
        pairs = zip(function.inputs, arrays, strict=True)
        return [None if g is None else Constant(fitted(function, x, g)) for x, g in pairs]
    if not function.has_derivative:
        Function.derivative(function)  # which says what is missing
    results = one_for_each_input(function, function.derivative(*gradients))
    return [_fitted(function, x, g) for x, g in zip(function.inputs, results, strict=True)]


def _fitted(function: Function, variable: Variable, gradient: Variable | Array | None) -> Variable | None:
    """The gradient in the shape of the variable's data and, if that is floating, in its dtype."""
    if gradient is None:
        return None
    name = f"{type(function).__name__}.derivative"
    if not isinstance(gradient, Variable):
        raise TypeError(f"{name} returned {type(gradient)}, which remembers nothing; return Variables")
    if gradient.shape != variable.shape:
        if not function.broadcasts:
            raise ValueError(
                f"{name} returned a gradient of shape {gradient.shape} for an input of shape {variable.shape}"
            )
        gradient = sum_to(gradient, variable.shape)
    if gradient.dtype == variable.dtype or variable.dtype.kind not in "fc":
        return gradient
    return cast(gradient, variable.dtype)
