"""A backward to experiment with, right and wrong, that drives the engine's own Functions.

Its arguments are the order, and how to add gradients up. An agenda holds the results whose Function is still to be
visited; `walk` takes one at a time from it. All agendas but `SortedOnce` are filled while the walk goes on,
whenever an input that has a Function is met.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from autograd_core import Variable

generation = attrgetter("generation")
Key = Callable[[Variable], int]


class Agenda(Protocol):
    """What is still to be visited, in some order."""

    def push(self, output: Variable) -> None:
        """Note a result whose Function is to be visited."""

    def pop(self) -> Variable:
        """Take the next one out."""

    def __len__(self) -> int: ...


class Stack:
    """The one met last is visited first: depth first."""

    def __init__(self) -> None:
        self._outputs: deque[Variable] = deque()

    def push(self, output: Variable) -> None:
        self._outputs.append(output)

    def pop(self) -> Variable:
        return self._outputs.pop()

    def __len__(self) -> int:
        return len(self._outputs)


class Queue(Stack):
    """The one met first is visited first: breadth first."""

    def pop(self) -> Variable:
        return self._outputs.popleft()


class SortedAtEveryPush:
    """The highest generation is visited first, kept so by sorting the whole list at every insertion."""

    def __init__(self, key: Key = generation) -> None:
        self._key = key
        self._outputs: list[Variable] = []

    def push(self, output: Variable) -> None:
        self._outputs.append(output)
        self._outputs.sort(key=self._key)

    def pop(self) -> Variable:
        return self._outputs.pop()

    def __len__(self) -> int:
        return len(self._outputs)


class Heap:
    """The highest generation is visited first, kept so by a heap, which orders as much as it must."""

    def __init__(self, key: Key = generation) -> None:
        self._key = key
        self._entries: list[tuple[int, int, Variable]] = []
        self._pushed = 0  # tells equal generations apart: Variables have no order

    def push(self, output: Variable) -> None:
        self._pushed += 1
        heappush(self._entries, (-self._key(output), self._pushed, output))

    def pop(self) -> Variable:
        return heappop(self._entries)[2]

    def __len__(self) -> int:
        return len(self._entries)


class SortedOnce:
    """The highest generation is visited first: the first push finds the whole graph and sorts it once."""

    def __init__(self, key: Key = generation) -> None:
        self._key = key
        self._sorted = False
        self._outputs: list[Variable] = []

    def push(self, output: Variable) -> None:
        if not self._sorted:
            self._sorted = True
            self._outputs = self._found_from(output)

    def _found_from(self, root: Variable) -> list[Variable]:
        found, met = [root], {root.creator}
        for output in found:  # which grows meanwhile
            for variable in _inputs(output):
                if variable.creator is not None and variable.creator not in met:
                    met.add(variable.creator)
                    found.append(variable)
        found.sort(key=self._key)
        return found

    def pop(self) -> Variable:
        return self._outputs.pop()

    def __len__(self) -> int:
        return len(self._outputs)


Accumulate = Callable[[Any, Any], Any]


def new_sum(held: Any, gradient: Any) -> Any:
    """Add up into a new array; what was there before is never written to. As the engine does."""
    return gradient if held is None else held + gradient


def copy_then_in_place(held: Any, gradient: Any) -> Any:
    """Copy the first gradient, and add the others to that copy, which has no other holder."""
    if held is None:
        return gradient.copy()
    held += gradient
    return held


def in_place(held: Any, gradient: Any) -> Any:
    """Keep the first gradient as it came, and add the others to it: WRONG, because it has other holders."""
    if held is None:
        return gradient
    held += gradient
    return held


@dataclass
class Walk:
    """The gradient of every Variable that a walk met, and the names of the results it visited, in order."""

    gradients: dict[Variable, Any] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)


def walk(root: Variable, agenda: Agenda, *, once: bool = True, accumulate: Accumulate = new_sum) -> Walk:
    """Go backward from `root` in the agenda's order, for Functions of one output and inputs of one shape.

    With `once`, a Function that was met already is not put on the agenda again. `accumulate` gets the
    gradient that a Variable has, or None, and the one that comes to it, and returns what it has now.
    """
    found = Walk({root: np.ones_like(root.data)})
    gradients, met = found.gradients, {root.creator}
    agenda.push(root)
    while agenda:
        output = agenda.pop()
        function: Any = output.creator
        found.visited.append(output.name or type(function).__name__)
        results = function.backward(gradients[output])
        results = results if isinstance(results, tuple) else (results,)
        for variable, gradient in zip(function.inputs, results, strict=True):
            gradients[variable] = accumulate(gradients.get(variable), gradient)
            if variable.creator is not None and not (once and variable.creator in met):
                met.add(variable.creator)
                agenda.push(variable)
    return found


def _inputs(output: Variable) -> tuple[Variable, ...]:
    return output.creator.inputs if output.creator else ()
