"""A Variable: an array that remembers which Function made it."""

# ruff: noqa: D102 - what is only declared here is described in operations.py

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from autograd_core.arrays import Array, Number, Shape, as_array
from autograd_core.backprop import propagate
from autograd_core.config import current_settings

if TYPE_CHECKING:
    from autograd_core.function import Function

Operand: TypeAlias = "Variable | Array | Number"


class Variable:
    """An ndarray in a graph: its data, its gradient and the Function that made it.

    data: the ndarray, or None. The Variable holds it; nothing is copied.
    grad: the gradient, an ndarray of data's shape and, if data is floating, of its dtype; None until
        `backward` has reached it. It is never shared with another variable or with the caller.
        After `backward(create_graph=True)` it is a Variable, which remembers how it was computed.
    creator: the Function that made this variable; None for a leaf, one that you made yourself.
    generation: 0 for a leaf, else one more than the greatest generation among the creator's inputs.
    name: how the variable is called in a picture.

    Who holds whom: a Variable holds its `creator` strongly, and the Function holds its `inputs` strongly,
    so a result keeps alive everything that it was computed from. Backwards, a Function refers to its
    outputs as `Config.output_references` said when it was called: weakly (the default) or not at all, and
    then a result dies, and with it whatever it alone kept alive, as soon as its last reference goes; or
    strongly, and then output -> creator -> output is a reference cycle that waits for the cyclic collector.
    """

    __slots__ = ("__weakref__", "creator", "data", "generation", "grad", "name", "output_index")

    # ndarray and NumPy scalars on the left leave the operator to the Variable on the right.
    __array_ufunc__ = None
    __array_priority__ = 200

    data: Any  # an ndarray; None only where it was made without data
    grad: Any  # an ndarray, a Variable after backward(create_graph=True), or None
    creator: Function | None
    generation: int
    name: str | None
    output_index: int | None  # which of the creator's outputs; None if it is the only one

    def __init__(self, data: Array | None, name: str | None = None) -> None:
        """Hold `data`, which is not copied; raise TypeError unless it is an ndarray or None."""
        if data is not None and not isinstance(data, np.ndarray):
            raise TypeError(f"{type(data)} is not supported; give an ndarray, as_array(...) makes one")
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

    def backward(self, retain_grad: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradient of this variable to every leaf that it was computed from.

        The walk starts from `self.grad`, or from ones where that is None. The gradients of this variable and
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
        if create_graph:
            from autograd_core.higher_order import propagate_recorded  # here: that module imports this one

            propagate_recorded(self, retain_grad)
        else:
            propagate(self, retain_grad)

    if TYPE_CHECKING:  # put in place by operations.setup_variable

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
        def __getitem__(self, index: Any) -> Variable: ...
        def reshape(self, *shape: int | Shape) -> Variable: ...
        def transpose(self, *axes: int | Shape | None) -> Variable: ...
        def sum(self, axis: int | Shape | None = None, keepdims: bool = False) -> Variable: ...
        def mean(self, axis: int | Shape | None = None, keepdims: bool = False) -> Variable: ...
        @property
        def T(self) -> Variable: ...  # noqa: N802


class Constant(Variable):
    """A number or an array that stood beside a Variable in an operation: held and drawn like any leaf.

    Nobody asks for its gradient, so `backward` spends nothing on it: it stays None.
    """

    __slots__ = ()


def as_variable(obj: Operand) -> Variable:
    """Return `obj` itself if it is a Variable, else a new leaf that holds it as an array."""
    return obj if isinstance(obj, Variable) else Variable(as_array(obj))
