"""What stands beside a Variable in an operation, as a Variable: `operands`, `number_like`."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.arrays import Array, Number, as_array
from autograd_core.variable import Constant, Operand, Variable, as_variable

_new = object.__new__


def number_like(number: Array | Number, dtype: np.dtype[Any]) -> Array:
    """A Python number as a 0-d array of `dtype` if that can represent its kind, else as `as_array` makes it."""
    kind = type(number)
    if dtype.kind in ("fc" if kind is float else "fciu" if kind is int or kind is bool else ""):
        return np.array(number, dtype)
    if kind is complex and dtype.kind == "f":
        return np.array(number, np.result_type(dtype, np.complex64))
    return as_array(number)


def operands(x0: Operand, x1: Operand) -> tuple[Variable, Variable]:
    """Both operands as Variables: beside a Variable a Constant, and a number in the other one's dtype."""
    if isinstance(x0, Variable):
        return x0, x1 if isinstance(x1, Variable) else _constant(x1, x0.data.dtype)
    if isinstance(x1, Variable):
        return _constant(x0, x1.data.dtype), x1
    if isinstance(x0, (np.ndarray, np.generic)):
        x0 = as_variable(x0)
        return x0, as_variable(number_like(x1, x0.dtype))
    x1 = as_variable(x1)
    return as_variable(number_like(x0, x1.dtype)), x1


def _constant(value: Array | Number, dtype: np.dtype[Any]) -> Constant:
    """A Constant as its __init__ would make it, without the call: every `x + 1` passes here."""
    constant = _new(Constant)
    constant.data = number_like(value, dtype)
    constant.grad = constant.creator = constant.name = constant.output_index = None
    constant.generation = 0
    return constant
