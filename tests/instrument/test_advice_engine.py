"""Advice for gradients that remember how they were computed: parameter -> grad -> graph -> parameter.

The engine here has what such engines have in common: functions hold their inputs, results hold their function,
and a backward pass that is recorded stores a result in the parameter. Weak inputs would break every backward pass,
and a weak gradient would be gone at once, so what is left is to clear the gradient.
"""

import sys
import threading

import numpy as np
import pytest

import garbology
from autograd_core import Variable, sin
from garbology.advice import live_observer as witness
from garbology.advice.sampling import SamplingPolicy
from garbology.interpreter import returns

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")

SIZES = [3, 300, pytest.param(3000, marks=pytest.mark.slow)]


def step(operations):
    """Multiplications and sines of one parameter, and the gradient's graph."""
    parameter = result = Variable(np.array(0.5))
    for _ in range(operations):
        result = sin(result) * parameter
    result.backward(create_graph=True)


def products(operations):
    """Nothing but multiplications; only the gradient's graph has sums."""
    parameter = result = Variable(np.array(1.0))
    for _ in range(operations):
        result = result * parameter
    result.backward(create_graph=True)


def step_in_calls(operations):
    """The work is done some calls below what is watched."""
    step_within(operations)


def step_within(operations):
    step(operations)


def watched(program, operations):
    with garbology.watch() as found:
        program(operations)
    return found


def in_the_block(program, operations):
    """The block has the work in it, which leaves nothing when it ends."""
    with garbology.watch() as found:
        parameter = Variable(np.array(1.0))
        result = parameter * parameter
        for _ in range(operations):
            result = result * parameter
        result.backward(create_graph=True)
        del parameter, result
    return found


def assert_the_gradient_is_to_be_cleared(found):
    (shape,) = found.shapes
    assert [(edge.source, edge.label) for edge in shape.advice.edges] == [("Variable", ".grad")]
    assert shape.advice.remedy == "clear"
    return shape.advice


@pytest.mark.parametrize("operations", SIZES)
@pytest.mark.parametrize("program", [step, products, step_in_calls])
@pytest.mark.parametrize("find", [garbology.find_cycles, watched])
def test_the_gradient_is_to_be_cleared(find, program, operations):
    """However large the graph is, and however it is watched, the advice is the gradient, never a function's inputs."""
    assert_the_gradient_is_to_be_cleared(find(program, operations))


def test_another_thread_does_not_hide_what_the_block_has_made(monkeypatch):
    """Beside one the instrument makes other objects than alone, which were taken for the block's, and taken off."""
    made = []
    objects = SamplingPolicy._objects
    monkeypatch.setattr(SamplingPolicy, "_objects", lambda self: made.append(objects(self)) or made[-1])
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        found = watched(step, 3)
    finally:
        ended.set()
        thread.join()
    assert max(made) >= found.garbage


@pytest.mark.parametrize("operations", SIZES)
def test_a_block_that_has_the_work_in_it_gets_the_same_advice(operations):
    """No function of the program's returns after the backward pass but the pass itself."""
    assert_the_gradient_is_to_be_cleared(in_the_block(step, operations))


def test_the_advice_is_tried():
    """Without the gradient, all of the graph dies by reference counting alone."""
    assert assert_the_gradient_is_to_be_cleared(garbology.find_cycles(step, 3)).verified


@pytest.mark.parametrize("find", [garbology.find_cycles, watched])
def test_the_end_of_work_too_large_to_be_read_changes_nothing(find, monkeypatch):
    """What functions own is known from the beginning of the work, and an attribute that was set last is no way back."""
    monkeypatch.setattr("garbology.advice.sampling.MOST_OBJECTS_AT_END", 2_000)
    monkeypatch.setattr(witness, "MOST_OBJECTS_AT_END", 2_000)
    advice = assert_the_gradient_is_to_be_cleared(find(step, 300))
    assert "not watched to its end" in advice.reason


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring tells of each function once or twice")
def test_work_of_more_calls_than_are_told_of_changes_nothing(monkeypatch):
    """Where a profile function is taken off early, the advice is the same, with a word of caution."""
    monkeypatch.setattr(returns, "_MOST_EVENTS", 2_000)
    advice = assert_the_gradient_is_to_be_cleared(garbology.find_cycles(step, 300))
    assert "not watched to its end" in advice.reason


class Tensor:
    """Of an engine without slots, whose operations are classes of their own."""

    def __init__(self, function=None):
        self.function = function
        self.grad = None


class Operation:
    def __call__(self, *inputs):
        self.inputs = inputs
        return Tensor(self)


class Product(Operation):
    pass


class Sum(Operation):
    pass


def other_engine(operations):
    parameter = result = Tensor()
    for _ in range(operations):
        result = Product()(result, parameter)
    backward(result, parameter)


def backward(result, parameter):
    gradient = result
    while result.function:
        gradient = Sum()(Product()(gradient, parameter), gradient)
        result = result.function.inputs[0]
    parameter.grad = gradient


@pytest.mark.parametrize("operations", SIZES)
@pytest.mark.parametrize("find", [garbology.find_cycles, watched])
def test_an_engine_without_slots_gets_the_same_advice(find, operations):
    """The names of the engine's classes and how they store attributes make no difference."""
    (shape,) = find(other_engine, operations).shapes
    assert [(edge.source, edge.label) for edge in shape.advice.edges] == [("Tensor", ".grad")]
    assert shape.advice.remedy == "clear"


def test_a_function_that_refers_to_its_outputs_is_weakened_as_before():
    """In a cycle that the outputs close, the way back can be weak, and no gradient has a part in it."""

    class Recorded(Operation):
        def __call__(self, *inputs):
            result = super().__call__(*inputs)
            self.outputs = [result]
            return result

    def forward():
        result = Tensor()
        for _ in range(100):
            result = Recorded()(result)
        return result

    shape = garbology.find_cycles(forward).shapes[0]
    assert [(edge.source, edge.label) for edge in shape.advice.edges] == [("Recorded", ".outputs[0]")]
    assert (shape.advice.remedy, shape.advice.verified) == ("weakref", True)
