"""What several studies of the engine share: a deep model of one array a layer, the way back, and a warm-up."""

from __future__ import annotations

import gc
from collections.abc import Callable

from autograd_core import Function, Variable, sin
from garbology.recorders import memory_usage, peak_memory, traced_allocations


def deep_model(inputs: Variable, depth: int) -> Variable:
    """`depth` layers in a row, each as wide as the inputs; a layer is one sine, one array of results."""
    hidden = inputs
    for _ in range(depth):
        hidden = sin(hidden)
    return hidden


def functions_behind(output: Variable) -> list[Function]:
    """The Functions on the way from a result to its first input, the last one first."""
    found = []
    while output.creator is not None:
        found.append(output.creator)
        output = output.creator.inputs[0]
    return found


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes that the work holds at once, by counting allocations."""
    with traced_allocations() as traced:
        work()
    return traced.peak_bytes


def warm_up(work: Callable[[], object]) -> None:
    """Do it once, small: what is imported or cached at first use belongs to the baseline, and to no peak."""
    with peak_memory(), traced_allocations():
        work()
        memory_usage()
    gc.collect()
