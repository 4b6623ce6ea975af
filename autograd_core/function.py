"""A Function: one operation in a graph, between its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar
from weakref import ref

import numpy as np
from numpy import asarray, generic, ndarray

from autograd_core.arrays import Array, Number, Shape, as_array
from autograd_core.config import OutputReferences, current_settings, no_grad
from autograd_core.variable import Operand, Variable, as_variable

_new = object.__new__
_F = TypeVar("_F", bound="Function")


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
        summed to the inputs' shapes for you. Otherwise a gradient of another shape is an error.
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
    has_derivative = False  # one of its own, or that its base class wrote for the same backward

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        owners = (base for base in cls.__mro__ if "derivative" in vars(base) or "backward" in vars(base))
        owner = next(owners)
        cls.has_derivative = owner is not Function and "derivative" in vars(owner)

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


def apply(function: Function, inputs: tuple[Variable, ...]) -> Any:
    """Run a Function that belongs to no operation yet on Variables, and record it if a graph is wanted.

    Every operation of every graph passes here: what looks unrolled was measured.
    """
    if len(inputs) == 2:
        x0, x1 = inputs
        array = function.forward(x0.data, x1.data)
    else:
        array = function.forward(*[x.data for x in inputs])
    if isinstance(array, generic):
        array = asarray(array)
    elif isinstance(array, (tuple, list)):
        return _apply_to_several(function, inputs, array)
    elif not isinstance(array, ndarray):
        array = _output_array(function, array)
    output = _new(Variable)  # and what __init__ would set
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


def _apply_to_several(function: Function, inputs: tuple[Variable, ...], values: Sequence[Any]) -> Any:
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
    return outputs if len(outputs) > 1 else outputs[0]


def _references(outputs: tuple[Variable, ...], kind: OutputReferences) -> tuple[Any, ...]:
    if kind == "strong":
        return outputs
    return tuple(
        OutputLink(ref(output) if kind == "weak" else None, output.shape, output.dtype) for output in outputs
    )
