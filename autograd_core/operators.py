"""What makes a Variable as handy as an array: its operators, its methods and `backward`.

The graph in core.py knows neither the operations nor the walk; `setup_variable` ties them to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.arrays import Array
from autograd_core.backprop import propagate
from autograd_core.config import current_settings
from autograd_core.core import Variable
from autograd_core.higher_order import propagate_recorded
from autograd_core.ops.arithmetic import add, div, mul, neg, pow, sub
from autograd_core.ops.matmul import matmul
from autograd_core.ops.reductions import mean, sum
from autograd_core.ops.rules import BY_UFUNC
from autograd_core.ops.shapes import getitem, reshape, transpose


def backward(variable: Variable, retain_grad: bool | None = None, create_graph: bool = False) -> None:
    """Add the gradient of this variable to every leaf that it was computed from.

    The walk starts from `variable.grad`, or from ones where that is None. The gradients of this variable and
    of the intermediate ones are dropped as soon as they have been used, unless `retain_grad` is True;
    not given, `Config.retain_grad` decides. A retained gradient is added to like a leaf's.
    Leaves get theirs at the end: if a Function raises, no leaf's gradient has changed.

    create_graph: record how the gradients are computed, also inside `no_grad()`, so that they can be
        differentiated again: each is then a Variable, which others may share; write to none of them.
        Such a gradient remembers what it was computed from, and most often that is the leaf that holds
        it. Leaf -> grad -> creator -> ... -> leaf is a reference cycle, whatever
        `Config.output_references` says, until `cleargrad()` opens it or a `backward` without
        create_graph has put an ndarray in its place. `grad(output, inputs, create_graph=True)` returns
        gradients instead, and makes none.
    """
    if retain_grad is None:
        retain_grad = current_settings().retain_grad
    walk = propagate_recorded if create_graph else propagate
    walk(variable, retain_grad)


def called_by_numpy(variable: Variable, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """Answer NumPy, which asks when one of its functions is given a Variable: `np.exp(x)` is `exp(x)`.

    Raises TypeError for a function that is no operation, for `out` and other options, and for methods such as
    `np.add.reduce`. `array == x` compares identity, as `x == array` does.
    """
    if ufunc is np.equal or ufunc is np.not_equal:
        return (inputs[0] is inputs[1]) is (ufunc is np.equal)
    if method != "__call__" or options or ufunc not in BY_UFUNC:
        called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        known = ", ".join(sorted(each.__name__ for each in BY_UFUNC))
        raise TypeError(
            f"numpy.{called} of a Variable is no operation with a gradient; these are, without options: {known}"
        )
    return BY_UFUNC[ufunc](*inputs)


def as_ndarray(variable: Variable, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
    """What `np.asarray(x)` is of a Variable: its data, of which no gradient is known any more.

    Without `dtype` or `copy` it is the array that the Variable holds, as it would be of an array. Raises ValueError
    where `copy` is False and `dtype` needs a copy.
    """
    data: Array = _data_of(variable, "asarray")
    converted: Array = data if dtype is None else data.astype(dtype, copy=False)
    if copy is False and converted is not data:
        raise ValueError(f"data of dtype {data.dtype} are not of dtype {np.dtype(dtype)} without a copy")
    return converted.copy() if copy and converted is data else converted


def item(variable: Variable) -> Any:
    """The one element as a Python number; TypeError where there is another number of elements."""
    return _one_element(variable, "item", TypeError)


def truth(variable: Variable) -> bool:
    """Whether the one element is not zero; ValueError where there is another number of elements, as of an array."""
    return bool(_one_element(variable, "bool", ValueError))


def _converted_by(kind: Callable[[Any], Any]) -> Callable[[Variable], Any]:
    """`float`, `int` or `complex` of a Variable with one element."""
    return lambda variable: kind(_one_element(variable, kind.__name__, TypeError))


def _one_element(variable: Variable, asked: str, error: type[Exception]) -> Any:
    data = _data_of(variable, asked)
    if data.size == 1:
        return data.item()
    raise error(
        f"{asked}() of a variable takes one element and this one has {data.size} (shape {data.shape}): "
        "index it, reduce it with sum() or mean(), or use its data"
    )


def _data_of(variable: Variable, asked: str) -> Array:
    if variable.data is None:
        raise TypeError(f"{asked}() of a variable without data: give it an ndarray first (x.data = ...)")
    return variable.data  # type: ignore[no-any-return]


def _reflected(operation: Callable[[Any, Any], Variable]) -> Callable[[Any, Any], Variable]:
    """The operator for a Variable on the right: `2 - x` calls `x.__rsub__(2)`."""
    return lambda x0, x1: operation(x1, x0)


def setup_variable() -> None:
    """Give Variable its operators and methods; done once, when the package is imported."""
    methods: dict[str, Any] = {
        "backward": backward,
        "__array_ufunc__": called_by_numpy,
        "reshape": reshape,
        "transpose": transpose,
        "sum": sum,
        "mean": mean,
        "item": item,
        "__array__": as_ndarray,
        "__bool__": truth,
    }
    methods |= {f"__{kind.__name__}__": _converted_by(kind) for kind in (float, int, complex)}
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
