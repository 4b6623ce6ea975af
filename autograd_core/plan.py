"""Define-and-run: a function traced once, then run again and again in the same memory.

Define-by-run makes a graph of new objects and new arrays in every iteration. A `Plan` makes it once, from one
run of the function; what is left of it is a list of NumPy calls with their arrays already in place. Two results
share a buffer if one is no longer needed when the other is made: the lifetimes are known beforehand, so one
pass from the first operation to the last hands out the buffers and takes them back (linear scan, as compilers
give registers to variables: Poletto and Sarkar, 1999).

The backward pass needs nothing of its own: `grad(loss, parameters, create_graph=True)` inside the function
records it, and it is planned like the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from math import prod
from typing import Any, TypeAlias

import numpy as np

from autograd_core.arrays import Array, Shape
from autograd_core.config import using_config
from autograd_core.core import Function, Operand, Variable, as_variable
from autograd_core.ops.arithmetic import Pow, Power
from autograd_core.ops.elementwise import Maximum, ReLU
from autograd_core.ops.reductions import Mean, Sum
from autograd_core.ops.shapes import BroadcastTo, GetItem, Reshape, Transpose

Step: TypeAlias = Callable[[], Any]
Outputs: TypeAlias = "dict[Function, dict[int, Variable]]"  # those of each Function that are needed, by index


class Plan:
    """What `f` computes from arrays like `examples`, to be run many times without making a graph.

    f: takes as many Variables as there are examples; returns a Variable or several. It is called once. Its
        operations are recorded; Python's own `if`, `while` and `for` are not, nor is anything computed from
        `x.data` by other means: a plan repeats the branch that the examples took, whatever it is run on.
    inputs: the arrays that each run reads, a tuple. They may be written to.
    outputs: the arrays that each run writes, a tuple; the next run overwrites them.
    operations: how many NumPy calls a run makes (views cost none).
    buffer_bytes: what all results together occupy, outputs included and inputs not.
    unshared_bytes: what they would if each had a buffer of its own.

    Other Variables that f uses (parameters in a closure) are constants: their arrays are read where they are.
    """

    def __init__(self, f: Callable[..., Any], *examples: Operand) -> None:
        """Call f once, on copies of the examples."""
        placeholders = [Variable(np.array(as_variable(x).data, order="C")) for x in examples]
        with using_config("enable_backprop", True):
            result = f(*placeholders)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        for each in results:
            if not isinstance(each, Variable):
                raise TypeError(f"f returns Variables, got {type(each)}")
        self.inputs: tuple[Array, ...] = tuple([x.data for x in placeholders])
        buffers = _Buffers()
        self._steps, arrays = _planned(results, buffers)
        self.outputs: tuple[Array, ...] = tuple([arrays[x] for x in results])
        self.operations = len(self._steps)
        self.buffer_bytes = buffers.allocated_bytes
        self.unshared_bytes = buffers.requested_bytes

    def run(self, *arrays: Array) -> tuple[Array, ...]:
        """Copy `arrays` into the inputs, or leave those as they are if none is given; return the outputs."""
        if arrays:
            self._copy_in(arrays)
        for step in self._steps:
            step()
        return self.outputs

    def _copy_in(self, arrays: tuple[Array, ...]) -> None:
        if len(arrays) != len(self.inputs):
            raise ValueError(f"this plan takes {len(self.inputs)} array(s), got {len(arrays)}")
        for number, (own, given) in enumerate(zip(self.inputs, arrays, strict=True)):
            if given is own:
                continue
            if np.shape(given) != own.shape:
                raise ValueError(
                    f"input {number} of this plan has shape {own.shape}, got {np.shape(given)}; "
                    f"a plan is made for one shape"
                )
            np.copyto(own, given)


class _Buffers:
    """Memory handed out and taken back: a free buffer that fits, else a new one."""

    def __init__(self) -> None:
        self.requested_bytes = 0
        self.allocated_bytes = 0
        self._free: list[Array] = []

    def take(self, shape: Shape, dtype: np.dtype[Any]) -> tuple[Array, Array]:
        """A buffer and an array of this shape in it."""
        size = prod(shape) * dtype.itemsize
        self.requested_bytes += size
        # One more than twice as large is left for something larger.
        fitting = [i for i, free in enumerate(self._free) if size <= free.nbytes <= 2 * size]
        if fitting:
            buffer = self._free.pop(min(fitting, key=lambda i: self._free[i].nbytes))
        else:
            buffer = np.empty(size, np.uint8)
            self.allocated_bytes += size
        return buffer, buffer[:size].view(dtype).reshape(shape)

    def give_back(self, buffers: list[Array]) -> None:
        """Make these buffers free again."""
        self._free += buffers


def _planned(results: list[Variable], buffers: _Buffers) -> tuple[list[Step], dict[Variable, Array]]:
    """The calls that compute `results`, in order, and the array of each variable."""
    needed, arrays = _traced(results)
    dying, family = _lifetimes(needed, results)
    steps: list[Step] = []
    occupied: dict[Variable, list[Array]] = {}
    for function, outputs in needed.items():
        inputs = [arrays[x] for x in function.inputs]
        freed = [buffer for head in dying[function] for buffer in occupied.pop(head, ())]
        view = _view(function, inputs)
        if view is not None:
            arrays[outputs[0]] = view
            buffers.give_back(freed)
            continue
        kernel, *others = _kernel(function, inputs)
        before, after = (freed, []) if _may_write_to_its_input(kernel) else ([], freed)
        buffers.give_back(before)
        for output in outputs.values():
            buffer, arrays[output] = buffers.take(output.shape, output.dtype)
            occupied.setdefault(family[output], []).append(buffer)
        buffers.give_back(after)
        targets = {index: arrays[output] for index, output in outputs.items()}
        if kernel is None:
            steps.append(partial(_compute, copy(function), inputs, targets))
        else:
            steps.append(partial(kernel, *inputs, *others, out=targets[0]))
    return steps, arrays


def _traced(results: list[Variable]) -> tuple[Outputs, dict[Variable, Array]]:
    """The Functions that results come from, each after those it needs, and the arrays of the leaves."""
    needed: Outputs = {}
    arrays: dict[Variable, Array] = {}
    generations: dict[Function, int] = {}
    waiting = list(results)
    while waiting:
        variable = waiting.pop()
        function = variable.creator
        if function is None:
            arrays[variable] = variable.data
            continue
        if function not in needed:
            generations[function] = variable.generation
            waiting += function.inputs
        needed.setdefault(function, {})[variable.output_index or 0] = variable
    return {function: needed[function] for function in sorted(needed, key=generations.__getitem__)}, arrays


def _lifetimes(
    needed: Outputs, results: list[Variable]
) -> tuple[dict[Function, list[Variable]], dict[Variable, Variable]]:
    """Which families of variables die with each Function, and the family of each: its first member.

    A variable and the views of it are a family, for they share an array.
    """
    family: dict[Variable, Variable] = {}
    last_use: dict[Variable, Function | None] = {}
    for function, outputs in needed.items():
        for variable in function.inputs:
            last_use[family.setdefault(variable, variable)] = function
        for output in outputs.values():
            family[output] = family[function.inputs[0]] if type(function) in _VIEWS else output
    last_use |= dict.fromkeys([family.get(x, x) for x in results])  # which live on
    dying: dict[Function, list[Variable]] = {function: [] for function in needed}
    for head, last in last_use.items():
        if last is not None:
            dying[last].append(head)
    return dying, family


_VIEWS = (Reshape, Transpose, BroadcastTo, GetItem)

# Functions whose forward is Python code around NumPy's function; that of most operations is NumPy's itself.
_UFUNCS: dict[type[Function], np.ufunc] = {Power: np.power, Maximum: np.maximum}


def _view(function: Function, inputs: list[Array]) -> Array | None:
    """The result if it is a view of the input, and so needs no call when the plan runs."""
    if type(function) not in _VIEWS:
        return None
    result: Array = function.forward(*inputs)
    return result if np.may_share_memory(result, inputs[0]) else None


def _kernel(function: Any, inputs: list[Array]) -> tuple[Any, ...]:
    """What computes a Function into `out=`, and what it takes after the inputs; None if there is nothing."""
    kind = type(function)
    if kind is ReLU:
        return np.maximum, inputs[0].dtype.type(0)
    if kind is Pow and function.c in (1, 2):
        return (np.square if function.c == 2 else np.positive,)
    if kind is Sum or kind is Mean:
        total = np.sum if kind is Sum else np.mean
        return (partial(total, axis=function.axis, keepdims=function.keepdims),)
    return (kind.forward if isinstance(kind.forward, np.ufunc) else _UFUNCS.get(kind),)


def _may_write_to_its_input(kernel: Any) -> bool:
    """Whether each element of the result depends on the same element of the inputs alone."""
    return isinstance(kernel, np.ufunc) and kernel.signature is None


def _compute(function: Function, inputs: list[Array], outputs: dict[int, Array]) -> None:
    """Run a Function that cannot write into an array of the plan, and copy its results."""
    results = function.forward(*inputs)
    several = isinstance(results, (tuple, list))
    for index, output in outputs.items():
        output[...] = results[index] if several else results
