"""The graph's two kinds of node, and how one more of each is made.

A Variable is an array that remembers which Function made it; a Function is one operation, between its inputs
and its outputs; `apply` runs a Function on Variables.
"""

# ruff: noqa: D102 - what Variable only declares here is described in operators.py and ops

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, cast
from weakref import ref

import numpy as np
import numpy.typing as npt
from numpy import asarray, float64, generic, ndarray

from autograd_core.arrays import Array, Number, Shape, as_array, number_like
from autograd_core.config import OutputReferences, current_settings, no_grad

Operand: TypeAlias = "Variable | Array | Number"

_new = object.__new__
_F = TypeVar("_F", bound="Function")
# One for the gradient of each input, the second None if there is one input; and whether they are linear.
Rules: TypeAlias = "tuple[Callable[..., Any], Callable[..., Any] | None, bool]"


class Variable:
    """An ndarray in a graph: its data, its gradient and the Function that made it.

    data: the ndarray, or None. The Variable holds it; nothing is copied.
    grad: the gradient, an ndarray of data's shape and, if data is floating, of its dtype; None until
        `backward` has reached it. It is never shared with another variable or with the caller.
        After `backward(create_graph=True)` it is a Variable, which remembers how it was computed.
        Of integers it is what NumPy makes of the formulas: an array of integers where they add and multiply,
        which overflows as those do, and of floats where they divide. Nothing is rounded.
    creator: the Function that made this variable; None for a leaf, one that no Function made.
    generation: 0 for a leaf, else one more than the greatest generation among the creator's inputs.
    name: how the variable is called in a picture.

    Who holds whom: a Variable holds its `creator` strongly, and the Function holds its `inputs` strongly,
    so a result keeps alive everything that it was computed from. Backwards, a Function refers to its
    outputs as `Config.output_references` said when it was called: weakly (the default) or not at all, and
    then a result dies, and with it whatever it alone kept alive, as soon as its last reference goes; or
    strongly, and then output -> creator -> output is a reference cycle that waits for the cyclic collector.
    """

    __slots__ = ("__weakref__", "creator", "data", "generation", "grad", "name", "output_index")

    data: Any  # an ndarray; None only where it was made without data
    grad: Any  # an ndarray, a Variable after backward(create_graph=True), or None
    creator: Function | None
    generation: int
    name: str | None
    output_index: int | None  # which of the creator's outputs; None if it is the only one

    def __init__(self, data: Array | None, name: str | None = None) -> None:
        """Hold `data`, which is not copied; raise TypeError unless it is an ndarray or None."""
        if data is not None and not isinstance(data, np.ndarray):
            raise TypeError(f"{type(data)} is not supported; give an ndarray, np.asarray(...) makes one")
        self.data = data
        self.grad = None
        self.creator = None
        self.generation = 0
        self.name = name
        self.output_index = None

    @property
    def shape(self) -> Shape:
        """The data's shape."""
        return self.data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The data's number of axes."""
        return self.data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The data's number of elements."""
        return self.data.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data's dtype."""
        return self.data.dtype  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Variable]:
        return map(self.__getitem__, range(len(self)))

    def __repr__(self) -> str:
        if self.data is None:
            return "variable(None)"
        return f"variable({self.data})".replace("\n", "\n" + " " * len("variable("))

    def cleargrad(self) -> None:
        """Forget the gradient, so that the next `backward` does not add to it."""
        self.grad = None

    if TYPE_CHECKING:  # put in place by operators.setup_variable
        # By which ndarray and NumPy scalars on the left leave the operator to the Variable on the right.
        def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any: ...
        def backward(self, retain_grad: bool | None = None, create_graph: bool = False) -> None: ...
        def __add__(self, other: Operand) -> Variable: ...
        def __radd__(self, other: Operand) -> Variable: ...
        def __sub__(self, other: Operand) -> Variable: ...
        def __rsub__(self, other: Operand) -> Variable: ...
        def __mul__(self, other: Operand) -> Variable: ...
        def __rmul__(self, other: Operand) -> Variable: ...
        def __truediv__(self, other: Operand) -> Variable: ...
        def __rtruediv__(self, other: Operand) -> Variable: ...
        def __pow__(self, other: Operand) -> Variable: ...
        def __rpow__(self, other: Operand) -> Variable: ...
        def __matmul__(self, other: Variable | Array) -> Variable: ...
        def __rmatmul__(self, other: Variable | Array) -> Variable: ...
        def __neg__(self) -> Variable: ...
        def __float__(self) -> float: ...
        def __int__(self) -> int: ...
        def __complex__(self) -> complex: ...
        def __bool__(self) -> bool: ...
        def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array: ...
        def item(self) -> Any: ...
        def __getitem__(self, index: Any) -> Variable: ...
        def reshape(self, *shape: int | Shape) -> Variable: ...
        def transpose(self, *axes: int | Shape | None) -> Variable: ...
        def sum(self, axis: int | Shape | None = None, keepdims: bool = False) -> Variable: ...
        def mean(self, axis: int | Shape | None = None, keepdims: bool = False) -> Variable: ...
        @property
        def T(self) -> Variable: ...  # noqa: N802


class Constant(Variable):
    """A number or an array beside a Variable in an operation: held and drawn like any leaf.

    `backward` computes no gradient of it: `grad` stays None.
    """

    __slots__ = ()


def as_variable(obj: Operand) -> Variable:
    """Return `obj` itself if it is a Variable, else a new leaf that holds it as an array."""
    return obj if isinstance(obj, Variable) else Variable(as_array(obj))


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


class OutputLink(NamedTuple):
    """What a Function keeps of each of several outputs it does not hold: enough for a gradient of zeros."""

    reference: ref[Variable] | None
    shape: Shape
    dtype: np.dtype[Any]


class _OutputsSlot:
    """The slot behind `Function.outputs`, which a property of the same name then shows as a tuple.

    A single weak output is stored bare, not in a tuple: 48 bytes less for each operation.
    """

    __slots__ = ("outputs",)


_slot: Any = _OutputsSlot.__dict__["outputs"]
_hold_outputs = _slot.__set__
_held_outputs = _slot.__get__


class Function(_OutputsSlot):
    """One operation: subclass it with `forward(*arrays)` and `backward(*gradients)`, and call an instance.

    forward: gets the inputs' arrays, returns an array, a number, or a tuple of them (several outputs).
    backward: gets one gradient for each output, returns one gradient for each input, or a tuple of them;
        None where there is none. It must not write to what it gets. An output that was dropped, or that the
        result does not depend on, contributes a gradient of zeros.
    derivative: the same as `backward`, of Variables and in operations on them, for
        `backward(create_graph=True)`. It needs the inputs themselves where `backward` needs their data. A
        class may define it alone, and then pays for it in `backward` too, or not at all, and then its
        gradients cannot be differentiated again.
    broadcasts: True if `forward` broadcasts its inputs: gradients may then have the output's shape, and are
        then summed to the inputs' shapes. Otherwise a gradient of another shape is an error.
    inputs: the Variables it was called with, a tuple.
    outputs: a tuple of Variables ('strong'), of weak references to them ('weak'), or empty ('none').
    generation: the greatest generation among the inputs.

    Who holds whom: a Function holds its `inputs` strongly, and is held by its outputs' `creator` alone: it
    dies with the last of them, unless it holds them itself. That is the switch `Config.output_references`:
    with 'weak' and 'none' reference counting frees a dropped graph at once; with 'strong' the outputs hold
    the Function, the Function holds the outputs, and both, and all they hold, wait for the cyclic collector.
    Inside `no_grad()` a Function holds nothing and nothing holds it.

    An instance that is called again works as a copy, so that the first result keeps its own inputs.
    """

    __slots__ = ("__weakref__", "inputs")

    inputs: tuple[Variable, ...]
    broadcasts = False
    _rules: Rules | None = None  # what backprop computes by in place of `backward`, see ops/rules.py
    _operator: Callable[[Any, Any], Any] | None = None  # what `forward` is of two of NumPy's scalars, faster
    has_derivative = False  # one of its own, or that its base class wrote for the same backward

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        owners = (base for base in cls.__mro__ if "derivative" in vars(base) or "backward" in vars(base))
        owner = next(owners)
        cls.has_derivative = owner is not Function and "derivative" in vars(owner)
        if "backward" in vars(cls) and "_rules" not in vars(cls):
            cls._rules = None  # those of its base class, which are of another backward

    def __call__(self, *inputs: Operand) -> Any:
        """Compute `forward` of the inputs; return a Variable, or a tuple of them if there are several."""
        function = self.__copy__() if hasattr(self, "inputs") else self
        return apply(function, tuple([as_variable(x) for x in inputs]))

    def forward(self, *arrays: Any) -> Any:
        """Compute the outputs' arrays from the inputs' arrays."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(*arrays)")

    def backward(self, *gradients: Any) -> Any:
        """Compute the inputs' gradients from the outputs' gradients; not overridden, `derivative` does it."""
        if type(self).derivative is Function.derivative:
            raise NotImplementedError(f"{type(self).__name__} has no backward(*gradients)")
        with no_grad():
            results = self.derivative(*[Variable(gradient) for gradient in gradients])
        several = isinstance(results, (tuple, list))
        arrays = [x.data if isinstance(x, Variable) else x for x in (results if several else [results])]
        return tuple(arrays) if several else arrays[0]

    def derivative(self, *gradients: Any) -> Any:
        """Compute Variables, the inputs' gradients, from Variables, the outputs' gradients."""
        name = type(self).__name__
        raise NotImplementedError(
            f"the gradients of {name} cannot be differentiated: {name}.backward computes with arrays, which "
            f"remember nothing. Give {name} a derivative(*gradients), written in operations on Variables, "
            f"or leave create_graph out"
        )

    @property
    def outputs(self) -> tuple[Any, ...]:
        """The outputs, as `Config.output_references` said when the Function was called."""
        held = _held_outputs(self) if hasattr(self, "inputs") else None
        if held is None:
            return ()
        if isinstance(held, ref):
            return (held,)
        if isinstance(held[0], OutputLink):
            return tuple(link.reference for link in held if link.reference is not None)
        return tuple(held)

    @property
    def generation(self) -> int:
        """The greatest generation among the inputs."""
        return max((x.generation for x in self.inputs), default=0)

    def output_layout(self) -> list[tuple[Shape, np.dtype[Any]]]:
        """Shape and dtype of each of several outputs, alive or not."""
        return [(output.shape, output.dtype) for output in _held_outputs(self)]

    def __copy__(self: _F) -> _F:
        """Return a Function with the same attributes that belongs to no operation yet."""
        twin = _new(type(self))
        if hasattr(self, "__dict__"):
            twin.__dict__.update(self.__dict__)
        for name in _slot_names(type(self)):
            if hasattr(self, name):
                setattr(twin, name, getattr(self, name))
        return twin


def _slot_names(cls: type) -> Iterator[str]:
    """The slots that subclasses of Function added."""
    for base in cls.__mro__[: cls.__mro__.index(Function)]:
        slots = base.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def apply(function: Function, inputs: tuple[Variable, ...]) -> Variable:
    """Run a Function that belongs to no operation yet on Variables, and record it if a graph is wanted.

    Returns its output. A Function of several outputs, which no operation of the engine is, gives a tuple of them.

    Every operation of every graph passes here: what looks unrolled was measured.
    """
    if len(inputs) == 2:
        x0, x1 = inputs
        array0, array1 = x0.data, x1.data
        array = None
        operator = function._operator
        if (
            operator is not None
            and type(array0) is ndarray is type(array1)
            and not (array0.ndim or array1.ndim)
        ):
            scalar0: Any = array0[()]
            scalar1: Any = array1[()]
            if type(scalar0) is float64 is type(scalar1):
                array = operator(scalar0, scalar1)
        if array is None:
            array = function.forward(array0, array1)
    else:
        array = function.forward(*[x.data for x in inputs])
    if isinstance(array, generic):
        array = asarray(array)
    elif isinstance(array, (tuple, list)):
        return _apply_to_several(function, inputs, array)
    elif not isinstance(array, ndarray):
        array = _output_array(function, array)
    output: Variable = _new(Variable)  # and what __init__ would set
    output.data = array
    output.grad = output.creator = output.name = output.output_index = None
    output.generation = 0
    settings = current_settings()
    if settings.enable_backprop:
        function.inputs = inputs
        output.creator = function
        if len(inputs) == 2:
            generation = x0.generation if x0.generation > x1.generation else x1.generation
        else:
            generation = function.generation
        output.generation = generation + 1
        kind = settings.output_references
        if kind == "weak":
            _hold_outputs(function, ref(output))
        else:
            _hold_outputs(function, (output,) if kind == "strong" else None)
    return output


def _output_array(function: Function, value: Array | Number) -> Array:
    try:
        return as_array(value)
    except TypeError as error:
        raise TypeError(f"{type(function).__name__}.forward: {error}") from None


def _apply_to_several(function: Function, inputs: tuple[Variable, ...], values: Sequence[Any]) -> Variable:
    """Finish `apply` for a Function that returned a tuple; one of length 1 is a single output."""
    if not values:
        raise ValueError(f"{type(function).__name__}.forward returned no output")
    outputs = tuple([Variable(_output_array(function, value)) for value in values])
    settings = current_settings()
    if settings.enable_backprop:
        function.inputs = inputs
        generation = function.generation + 1
        for index, output in enumerate(outputs):
            output.creator = function
            output.generation = generation
            output.output_index = index
        _hold_outputs(function, _references(outputs, settings.output_references))
    return cast("Variable", outputs) if len(outputs) > 1 else outputs[0]


def _references(outputs: tuple[Variable, ...], kind: OutputReferences) -> tuple[Any, ...]:
    if kind == "strong":
        return outputs
    return tuple(
        OutputLink(ref(output) if kind == "weak" else None, output.shape, output.dtype) for output in outputs
    )
