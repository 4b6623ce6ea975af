"""The walk from an output back to the leaves.

Functions are visited in the order of their generations, highest first, so a gradient is complete before it is
passed on. Finding them is one breadth-first pass and one sort: time linear in the graph, whatever its shape,
and no recursion, whatever its depth. The walk needs no link from a Function to its outputs: an output whose
gradient matters is an input of some Function visited before, and that is where the walk meets it.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
from numpy import asarray, float64, ndarray

from autograd_core.arrays import Array, as_array, sum_to_shape
from autograd_core.core import Constant, Function, Variable

# A 0-d gradient may be a NumPy scalar until it becomes a `grad`: scalars are added ten times as fast.
Gradient: TypeAlias = "Array | np.generic"
Gradients: TypeAlias = "dict[Variable, Gradient]"
Siblings: TypeAlias = "dict[Function, list[Variable]]"


_generation = attrgetter("generation")


def propagate(root: Variable, retain: bool) -> None:
    """Do what `Variable.backward` promises."""
    gradients: Gradients = {root: start(root)[()]}  # a scalar if it is 0-d
    root.grad = None
    siblings: Siblings = {}
    order = by_generation(root, siblings)
    _walk(order, siblings, gradients, retain)
    for leaf, gradient in gradients.items():
        leaf.grad = added(leaf.grad, gradient)


def _walk(order: list[Variable], siblings: Siblings, gradients: Gradients, retain: bool) -> None:
    """Pass the gradients of all outputs in `order` on to their inputs, from the last output to the first.

    `gradients` holds those that are not yet passed on; at the end, those of the leaves. Two variables may share
    one (a Function may give the same array to two inputs, or a view), so none is written to, and each is copied
    before it becomes a `grad`.
    This is the inner loop of the engine, in one piece because a call would cost a tenth of it: the rules of an
    operation are called from here, and `backward` only where there are none.
    """
    for output in reversed(order):
        function: Any = output.creator
        inputs = function.inputs
        rules = None
        if output.output_index is None:
            gradient = gradients.pop(output, None)
            output.grad = added(output.grad, gradient) if retain else None
            if gradient is None:
                continue
            rules = function._rules
            if rules is None:
                results = function.backward(gradient if type(gradient) is ndarray else asarray(gradient))
                if type(results) is not tuple or len(results) != len(inputs):
                    results = one_for_each_input(function, results)
            else:
                first, second, linear = rules
                # Of NumPy's scalars a formula costs a fifth of what it costs of 0-d arrays.
                scalar = type(gradient) is float64
                if not scalar and not linear and type(gradient) is not ndarray:
                    gradient = asarray(gradient)
                if second is None:
                    (x0,) = inputs
                    array0 = x0.data[()] if scalar else x0.data
                    results = (None if type(x0) is Constant else first(gradient, array0),)
                else:
                    x0, x1 = inputs
                    array0, array1 = x0.data, x1.data
                    if scalar and not linear:
                        array0, array1 = array0[()], array1[()]
                    results = (
                        None if type(x0) is Constant else first(gradient, array0, array1),
                        None if type(x1) is Constant else second(gradient, array0, array1),
                    )
        else:
            outputs = [output, *siblings.pop(function, ())]
            output_gradients = _output_gradients(function, outputs, gradients, retain)
            if output_gradients is None:
                continue
            results = one_for_each_input(function, function.backward(*output_gradients))
        index = 0  # counted by hand: zip costs a tenth of the loop, enumerate as much
        for variable in inputs:
            gradient = results[index]
            index += 1
            if rules is None and type(variable) is Constant:
                continue
            kind = type(gradient)
            earlier = None
            if variable in gradients:
                earlier = gradients[variable]
                if type(earlier) is kind and kind is not ndarray:  # a scalar that fits as the earlier one did
                    gradients[variable] = earlier + gradient
                    continue
            data = variable.data
            if kind is ndarray:
                if gradient.shape != data.shape or gradient.dtype is not data.dtype:
                    gradient = fitted(function, variable, gradient)
                if earlier is not None and not gradient.ndim:
                    gradient = gradient[()]
            elif gradient is None:
                continue
            elif kind is not data.dtype.type or data.ndim:
                gradient = fitted(function, variable, gradient)
            gradients[variable] = gradient if earlier is None else earlier + gradient


def one_for_each_input(function: Function, results: Any) -> tuple[Any, ...]:
    """What a Function's backward returned, as a tuple of the right length; raise ValueError otherwise."""
    gradients = tuple(results) if isinstance(results, (tuple, list)) else (results,)
    if len(gradients) != len(function.inputs):
        raise ValueError(
            f"{type(function).__name__}.backward returned {len(gradients)} gradient(s) "
            f"for {len(function.inputs)} input(s)"
        )
    return gradients


def start(root: Variable) -> Array:
    """The gradient to start from: root's own, or ones."""
    default = ones(root)
    if root.grad is None:
        return default
    seed = as_array(_values(root.grad))
    if seed.shape != root.shape:
        raise ValueError(f"the grad to start from has shape {seed.shape}, the variable {root.shape}")
    return seed.astype(root.dtype, copy=False) if root.dtype.kind in "fc" else seed


def ones(root: Variable) -> Array:
    """The gradient of root with respect to itself."""
    if root.data is None:
        raise TypeError("there is no data to differentiate, got variable(None)")
    return np.ones_like(root.data, subok=False)


def by_generation(root: Variable, siblings: Siblings) -> list[Variable]:
    """One output of every Function between root and the leaves, lowest generation first.

    Where several outputs of one Function are met, `siblings` lists them.
    """
    if root.creator is None:
        return []
    order = [root]
    met = {root.creator}
    for output in order:  # which grows meanwhile
        creator: Any = output.creator
        for variable in creator.inputs:
            function = variable.creator
            if function is None:
                continue
            if function not in met:
                met.add(function)
                order.append(variable)
            elif variable.output_index is not None:
                siblings.setdefault(function, []).append(variable)
    order.sort(key=_generation)
    return order


def _output_gradients(
    function: Function, outputs: list[Variable], gradients: Gradients, retain: bool
) -> list[Array] | None:
    """One gradient for each of a Function's several outputs: zeros for those without; None if all are.

    `outputs` may name one output several times, as often as it was used.
    """
    found: dict[int | None, Array] = {}
    for output in outputs:
        gradient = gradients.pop(output, None)
        if gradient is not None:
            found[output.output_index] = as_array(gradient)
        if not retain:
            output.grad = None
        elif gradient is not None:
            output.grad = added(output.grad, gradient)
    if not found:
        return None
    layout = enumerate(function.output_layout())
    return [found[i] if i in found else np.zeros(shape, dtype) for i, (shape, dtype) in layout]


def fitted(function: Function, variable: Variable, gradient: Any) -> Array:
    """The gradient in the shape of the variable's data and, if that is floating, in its dtype."""
    data = variable.data
    try:
        gradient = as_array(gradient)
    except TypeError as error:
        raise TypeError(f"{type(function).__name__}.backward: {error}") from None
    if gradient.shape != data.shape:
        if not function.broadcasts:
            raise ValueError(
                f"{type(function).__name__}.backward returned a gradient of shape {gradient.shape} "
                f"for an input of shape {data.shape}"
            )
        gradient = sum_to_shape(gradient, data.shape)
    if gradient.dtype == data.dtype or data.dtype.kind not in "fc":
        return asarray(gradient)
    if gradient.dtype.kind == "c" and data.dtype.kind == "f":
        gradient = gradient.real
    return asarray(gradient.astype(data.dtype))


def added(grad: Array | Variable | None, gradient: Gradient | None) -> Array | Variable | None:
    """Return the sum, or a copy of `gradient`: a new array, which nothing else refers to."""
    if gradient is None:
        return grad
    return np.array(gradient, order="C") if grad is None else asarray(_values(grad) + gradient)


def _values(grad: Array | Variable) -> Any:
    """The array of a gradient: it is in a Variable where `backward(create_graph=True)` made it."""
    return grad.data if isinstance(grad, Variable) else grad
