"""The operations: each one's forward beside its backward, and the function that calls it.

Elementwise operations broadcast like NumPy; their backward may return gradients of the output's shape, which
the walk sums to the inputs' shapes (`Function.broadcasts`). A Python number takes the dtype of the Variable
beside it if that is floating, so it never changes a float32 graph to float64.
"""

# ruff: noqa: D102 - forward and backward are described by Function, each formula by its class

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.arrays import Array, Number, Shape, as_array
from autograd_core.broadcasting import sum_to_shape
from autograd_core.function import Function, apply
from autograd_core.variable import Constant, Operand, Variable, as_variable

_new = object.__new__
Axis = int | tuple[int, ...] | None


def _number_like(number: Array | Number, dtype: np.dtype[Any]) -> Array:
    """A Python number as a 0-d array of `dtype` if that can represent its kind, else as `as_array` makes it."""
    kind = type(number)
    if dtype.kind in ("fc" if kind is float else "fciu" if kind is int or kind is bool else ""):
        return np.array(number, dtype)
    if kind is complex and dtype.kind == "f":
        return np.array(number, np.result_type(dtype, np.complex64))
    return as_array(number)


def _operands(x0: Operand, x1: Operand) -> tuple[Variable, Variable]:
    """Both operands as Variables: beside a Variable a Constant, and a number in the other one's dtype."""
    if isinstance(x0, Variable):
        return x0, x1 if isinstance(x1, Variable) else _constant(x1, x0.data.dtype)
    if isinstance(x1, Variable):
        return _constant(x0, x1.data.dtype), x1
    if isinstance(x0, (np.ndarray, np.generic)):
        x0 = as_variable(x0)
        return x0, as_variable(_number_like(x1, x0.dtype))
    x1 = as_variable(x1)
    return as_variable(_number_like(x0, x1.dtype)), x1


def _constant(value: Array | Number, dtype: np.dtype[Any]) -> Constant:
    """A Constant as its __init__ would make it, without the call: every `x + 1` passes here."""
    constant = _new(Constant)
    constant.data = _number_like(value, dtype)
    constant.grad = constant.creator = constant.name = constant.output_index = None
    constant.generation = 0
    return constant


class Add(Function):
    """y = x0 + x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 + x1

    def backward(self, gy: Array) -> Any:
        return gy, gy


def add(x0: Operand, x1: Operand) -> Variable:
    """x0 + x1, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = _operands(x0, x1)
    return apply(Add(), (x0, x1))  # type: ignore[no-any-return]


class Sub(Function):
    """y = x0 - x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 - x1

    def backward(self, gy: Array) -> Any:
        return gy, -gy


def sub(x0: Operand, x1: Operand) -> Variable:
    """x0 - x1, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = _operands(x0, x1)
    return apply(Sub(), (x0, x1))  # type: ignore[no-any-return]


class Mul(Function):
    """y = x0 * x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 * x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = self.inputs
        return (
            None if type(x0) is Constant else gy * x1.data,
            None if type(x1) is Constant else gy * x0.data,
        )


def mul(x0: Operand, x1: Operand) -> Variable:
    """x0 * x1 element by element, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = _operands(x0, x1)
    return apply(Mul(), (x0, x1))  # type: ignore[no-any-return]


class Div(Function):
    """y = x0 / x1."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 / x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = (x.data for x in self.inputs)
        gx0 = gy / x1
        return gx0, None if type(self.inputs[1]) is Constant else -gx0 * (x0 / x1)


def div(x0: Operand, x1: Operand) -> Variable:
    """x0 / x1, broadcast."""
    if not isinstance(x0, Variable) or not isinstance(x1, Variable):
        x0, x1 = _operands(x0, x1)
    return apply(Div(), (x0, x1))  # type: ignore[no-any-return]


class Neg(Function):
    """y = -x."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return -x

    def backward(self, gy: Array) -> Any:
        return -gy


def neg(x: Operand) -> Variable:
    """Return -x."""
    return apply(Neg(), (as_variable(x),))  # type: ignore[no-any-return]


class Pow(Function):
    """y = x ** c for a constant number c."""

    __slots__ = ("c",)

    def __init__(self, c: Number) -> None:
        self.c = c

    def forward(self, x: Array) -> Any:
        return x ** _number_like(self.c, x.dtype)

    def backward(self, gy: Array) -> Any:
        x = self.inputs[0].data
        if self.c == 0:
            return np.zeros_like(x)  # not 0 * x ** -1, which is undefined at 0
        c = _number_like(self.c, x.dtype)
        return c * x ** (c - _number_like(1, c.dtype)) * gy


class Power(Function):
    """y = x0 ** x1 for a variable exponent; where x0 is 0 and y does not depend on x1, its gradient is 0."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0**x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = (x.data for x in self.inputs)
        one = np.ones((), x1.dtype)
        gx0 = gy * x1 * x0 ** np.where(x1 == 0, one, x1 - one)
        if type(self.inputs[1]) is Constant:
            return gx0, None  # and no logarithm of a negative x0, which has a power all the same
        logarithm = np.log(np.where((x0 == 0) & (x1 >= 0), np.ones((), x0.dtype), x0))
        return gx0, gy * x0**x1 * logarithm


def pow(x: Operand, c: Operand) -> Variable:
    """x ** c; c may be a number, an array or a Variable, and is differentiated too if it is a Variable."""
    if isinstance(x, Variable) and not isinstance(c, (Variable, np.ndarray)):
        return apply(Pow(c), (x,))  # type: ignore[no-any-return]
    return apply(Power(), _operands(x, c))  # type: ignore[no-any-return]


def square(x: Operand) -> Variable:
    """x ** 2."""
    return pow(as_variable(x), 2)


class Exp(Function):
    """y = e ** x."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.exp(x)

    def backward(self, gy: Array) -> Any:
        return gy * np.exp(self.inputs[0].data)


def exp(x: Operand) -> Variable:
    """e to the power of x."""
    return apply(Exp(), (as_variable(x),))  # type: ignore[no-any-return]


class Log(Function):
    """y = log(x), the natural logarithm."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.log(x)

    def backward(self, gy: Array) -> Any:
        return gy / self.inputs[0].data


def log(x: Operand) -> Variable:
    """Natural logarithm of x."""
    return apply(Log(), (as_variable(x),))  # type: ignore[no-any-return]


class Sin(Function):
    """y = sin(x), x in radians."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.sin(x)

    def backward(self, gy: Array) -> Any:
        return gy * np.cos(self.inputs[0].data)


def sin(x: Operand) -> Variable:
    """Sine of x in radians."""
    return apply(Sin(), (as_variable(x),))  # type: ignore[no-any-return]


class Cos(Function):
    """y = cos(x), x in radians."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.cos(x)

    def backward(self, gy: Array) -> Any:
        return gy * -np.sin(self.inputs[0].data)


def cos(x: Operand) -> Variable:
    """Cosine of x in radians."""
    return apply(Cos(), (as_variable(x),))  # type: ignore[no-any-return]


class Tanh(Function):
    """y = tanh(x)."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.tanh(x)

    def backward(self, gy: Array) -> Any:
        y = np.tanh(self.inputs[0].data)
        return gy * (np.ones_like(y) - y * y)


def tanh(x: Operand) -> Variable:
    """Hyperbolic tangent of x."""
    return apply(Tanh(), (as_variable(x),))  # type: ignore[no-any-return]


class ReLU(Function):
    """y = max(x, 0); the gradient at 0 is 0."""

    __slots__ = ()

    def forward(self, x: Array) -> Any:
        return np.maximum(x, x.dtype.type(0))

    def backward(self, gy: Array) -> Any:
        return gy * (self.inputs[0].data > 0)


def relu(x: Operand) -> Variable:
    """Return x where it is positive, else 0."""
    return apply(ReLU(), (as_variable(x),))  # type: ignore[no-any-return]


class Maximum(Function):
    """y = max(x0, x1) element by element; where both are equal, each gets half the gradient."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return np.maximum(x0, x1)

    def backward(self, gy: Array) -> Any:
        x0, x1 = (x.data for x in self.inputs)
        share = np.where(x0 == x1, 0.5, x0 > x1)
        return gy * share, gy * (1 - share)


def maximum(x0: Operand, x1: Operand) -> Variable:
    """Return the greater one of x0 and x1, element by element, broadcast."""
    return apply(Maximum(), _operands(x0, x1))  # type: ignore[no-any-return]


def _spread(gy: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """The gradient of a sum: repeated along the axes that were summed."""
    if axis is not None and not keepdims:
        gy = np.expand_dims(gy, tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))))
    return np.broadcast_to(gy, x.shape)


class Sum(Function):
    """y = the sum of x over `axis`: one axis, a tuple of them, or None for all."""

    __slots__ = ("axis", "keepdims")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array) -> Any:
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy: Array) -> Any:
        return _spread(gy, self.inputs[0].data, self.axis, self.keepdims)


def sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Sum of x over `axis`: one axis, a tuple of them, or None for all."""
    return apply(Sum(axis, keepdims), (as_variable(x),))  # type: ignore[no-any-return]


class Mean(Function):
    """y = the mean of x over `axis`: one axis, a tuple of them, or None for all."""

    __slots__ = ("axis", "keepdims")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array) -> Any:
        return x.mean(axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy: Array) -> Any:
        x = self.inputs[0].data
        return _spread(gy / gy.dtype.type(x.size / builtins.max(gy.size, 1)), x, self.axis, self.keepdims)


def mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """Mean of x over `axis`: one axis, a tuple of them, or None for all."""
    return apply(Mean(axis, keepdims), (as_variable(x),))  # type: ignore[no-any-return]


class MatMul(Function):
    """y = x0 @ x1 with NumPy's rules: vectors, matrices, and stacks of matrices that broadcast."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0: Array, x1: Array) -> Any:
        return x0 @ x1

    def backward(self, gy: Array) -> Any:
        x0, x1 = (x.data for x in self.inputs)
        rows = x0[np.newaxis, :] if x0.ndim == 1 else x0
        columns = x1[:, np.newaxis] if x1.ndim == 1 else x1
        gy = np.expand_dims(gy, -1) if x1.ndim == 1 else gy
        gy = np.expand_dims(gy, -2) if x0.ndim == 1 else gy
        gx0 = gx1 = None
        if type(self.inputs[0]) is not Constant:
            gx0 = gy @ columns.swapaxes(-1, -2)
            gx0 = gx0[..., 0, :] if x0.ndim == 1 else gx0
        if type(self.inputs[1]) is not Constant:
            gx1 = rows.swapaxes(-1, -2) @ gy
            gx1 = gx1[..., 0] if x1.ndim == 1 else gx1
        return gx0, gx1


def matmul(x0: Variable | Array, x1: Variable | Array) -> Variable:
    """Matrix product x0 @ x1 with NumPy's rules for vectors and stacks of matrices."""
    return apply(MatMul(), _operands(x0, x1))  # type: ignore[no-any-return]


class Reshape(Function):
    """y = x in another shape."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return x.reshape(self.shape)

    def backward(self, gy: Array) -> Any:
        return gy.reshape(self.inputs[0].shape)


def reshape(x: Operand, *shape: int | Shape) -> Variable:
    """x in another shape, given as a tuple or as separate lengths; one of them may be -1."""
    return apply(Reshape(_unpacked(shape)), (as_variable(x),))  # type: ignore[no-any-return]


class Transpose(Function):
    """y = x with its axes reversed, or in the order of `axes`."""

    __slots__ = ("axes",)

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Any:
        return x.transpose(self.axes)

    def backward(self, gy: Array) -> Any:
        if self.axes is None:
            return gy.transpose()
        return gy.transpose(np.argsort([axis % gy.ndim for axis in self.axes]))


def transpose(x: Operand, *axes: int | Shape | None) -> Variable:
    """x with its axes reversed, or in the order given as a tuple or as separate numbers."""
    order = None if axes in ((), (None,)) else _unpacked(axes)
    return apply(Transpose(order), (as_variable(x),))  # type: ignore[no-any-return]


def _unpacked(numbers: tuple[Any, ...]) -> Shape:
    """The numbers of f(2, 3) as well as of f((2, 3))."""
    if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)):
        return tuple(numbers[0])
    return numbers


class BroadcastTo(Function):
    """y = x repeated to `shape`, a read-only view."""

    __slots__ = ("shape",)
    broadcasts = True

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return np.broadcast_to(x, self.shape)

    def backward(self, gy: Array) -> Any:
        return gy


def broadcast_to(x: Operand, shape: Shape) -> Variable:
    """x repeated to `shape`; the data is a read-only view."""
    return apply(BroadcastTo(shape), (as_variable(x),))  # type: ignore[no-any-return]


class SumTo(Function):
    """y = x summed to `shape`, the inverse of broadcasting."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Any:
        return sum_to_shape(x, self.shape)

    def backward(self, gy: Array) -> Any:
        return np.broadcast_to(gy, self.inputs[0].shape)


def sum_to(x: Operand, shape: Shape) -> Variable:
    """x summed over the axes along which an array of `shape` would be broadcast to x's shape."""
    return apply(SumTo(tuple(shape)), (as_variable(x),))  # type: ignore[no-any-return]


class GetItem(Function):
    """y = x[index]; an element that was taken several times gets the sum of the gradients."""

    __slots__ = ("index",)

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Array) -> Any:
        return x[self.index]

    def backward(self, gy: Array) -> Any:
        x = self.inputs[0].data
        gx = np.zeros(x.shape, gy.dtype)
        if _may_repeat(self.index):
            np.add.at(gx, self.index, gy)
        else:
            gx[self.index] = gy
        return gx


def _may_repeat(index: Any) -> bool:
    """Whether an index can take one element several times: only lists and arrays of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, (list, np.ndarray)) and np.asarray(part).dtype != bool for part in parts)


def getitem(x: Operand, index: Any) -> Variable:
    """X[index] with any index NumPy takes: numbers, slices, None, ..., masks, arrays of integers."""
    return apply(GetItem(index), (as_variable(x),))  # type: ignore[no-any-return]


def _reflected(operation: Callable[[Any, Any], Variable]) -> Callable[[Any, Any], Variable]:
    """The operator for a Variable on the right: `2 - x` calls `x.__rsub__(2)`."""
    return lambda x0, x1: operation(x1, x0)


def setup_variable() -> None:
    """Give Variable its operators and methods; done once, when the package is imported."""
    methods: dict[str, Any] = {"reshape": reshape, "transpose": transpose, "sum": sum, "mean": mean}
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
