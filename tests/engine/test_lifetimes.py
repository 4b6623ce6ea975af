"""What dies by reference counting alone, and what waits for the cyclic collector."""

import gc
import weakref

import numpy as np
import pytest

import garbology
from autograd_core import (
    Function,
    Variable,
    add,
    exp,
    grad,
    matmul,
    no_grad,
    output_references,
    square,
    tanh,
)

ACYCLIC = ["weak", "none"]


class Split(Function):
    def forward(self, x):
        return x * 1.0, x * 2.0

    def backward(self, g0, g1):
        return g0 + 2 * g1


class Boom(Exception):
    pass


class FailsForward(Function):
    def forward(self, x):
        raise Boom

    def backward(self, gy):
        return gy


class FailsBackward(Function):
    def forward(self, x):
        return x * 1.0

    def backward(self, gy):
        raise Boom


def graph(watch):
    """A branching graph with several outputs; `watch` is told of all its parts."""
    x, w = Variable(np.ones((2, 2))), Variable(np.ones((2, 2)))
    hidden = tanh(matmul(x, w))
    left, right = Split()(hidden)
    y = add(square(left), exp(right) * hidden).sum()
    for part in (x, w, hidden, left, right, y):
        watch(part)
        if part.creator is not None:
            watch(part.creator)
    return y


@pytest.mark.parametrize("mode", ACYCLIC)
def test_after_forward(mode):
    """A dropped graph is freed at once."""
    with output_references(mode), garbology.assert_freed() as freed:
        graph(freed)


@pytest.mark.parametrize("mode", ACYCLIC)
@pytest.mark.parametrize("retain", [False, True])
def test_after_backward(mode, retain):
    """So is one that ran backward, with gradients kept or not."""
    with output_references(mode), garbology.assert_freed() as freed:
        graph(freed).backward(retain_grad=retain)


@pytest.mark.parametrize("mode", ACYCLIC)
def test_after_an_exception_in_forward(mode):
    """A forward that raises leaves nothing once the exception is gone."""
    with output_references(mode), garbology.assert_freed() as freed:
        failing = FailsForward()
        freed(failing)
        with pytest.raises(Boom):
            failing(graph(freed))
        del failing


@pytest.mark.parametrize("mode", ACYCLIC)
def test_after_an_exception_in_backward(mode):
    """A backward that raises leaves nothing once the exception is gone."""
    with output_references(mode), garbology.assert_freed() as freed:
        y = FailsBackward()(graph(freed))
        freed(y)
        freed(y.creator)
        with pytest.raises(Boom):
            (y * 2.0).backward(retain_grad=True)
        del y


@pytest.mark.parametrize("mode", [*ACYCLIC, "strong"])
def test_inside_no_grad(mode):
    """Without a graph intermediate results die while the computation goes on, in every mode."""
    with output_references(mode), no_grad(), garbology.assert_freed() as freed:
        x = Variable(np.ones(2))
        hidden = tanh(x)
        freed(hidden)
        is_alive = weakref.ref(hidden)
        y = hidden * 2.0
        del hidden
        assert is_alive() is None
        freed(x)
        freed(y)
        del x, y


def test_after_an_exception_inside_no_grad():
    """The block's own machinery holds nothing of an exception that went through it."""
    with garbology.assert_freed() as freed:
        try:
            with no_grad(), output_references("strong"):
                x = Variable(np.ones(2))
                freed(x)
                FailsForward()(x)
        except Boom:
            del x


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
@pytest.mark.parametrize("backward", [False, True])
def test_strong_outputs_wait_for_the_collector(backward):
    """With strong outputs reference counting frees nothing that has a creator; gc.collect() frees all."""
    references = []
    with garbology.collector.paused():
        with output_references("strong"):
            y = graph(lambda part: references.append(weakref.ref(part)))
            if backward:
                y.backward()
            del y
        assert all(reference() is not None for reference in references)
        gc.collect()
        assert all(reference() is None for reference in references)


@pytest.mark.slow
@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
def test_assert_freed_sees_the_cycle():
    """The instrument reports the cycle that the strong mode makes."""
    with pytest.raises(AssertionError), output_references("strong"), garbology.assert_freed() as freed:
        graph(freed)
    gc.collect()


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
def test_the_cycle_is_named():
    """The instrument finds it and names its edges: Variable.creator and Function.outputs[0]."""

    def strong():
        with output_references("strong"):
            square(Variable(np.ones(2)))

    labels = {
        label for shape in garbology.find_cycles(strong).shapes for label in (e.label for e in shape.edges)
    }
    assert {".creator", ".outputs[0]"} <= labels


def test_a_result_keeps_what_it_was_computed_from():
    """The leaf's Function lives as long as its result, and not longer."""
    y = square(Variable(np.ones(2)))
    leaf, function = weakref.ref(y.creator.inputs[0]), weakref.ref(y.creator)
    assert leaf() is not None
    assert function() is not None
    del y
    assert (leaf(), function()) == (None, None)


def recorded_step(x):
    """A leaf's gradient with a graph, stored in the leaf."""
    (tanh(x) ** 3).backward(create_graph=True)


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
@pytest.mark.parametrize("mode", ACYCLIC)
def test_a_stored_gradient_with_a_graph_is_a_cycle(mode):
    """Leaf -> grad -> ... -> leaf waits for the collector, in every mode: the links to outputs do not matter."""
    x = Variable(np.ones(2))
    reference = weakref.ref(x)
    with output_references(mode), garbology.collector.paused():
        recorded_step(x)
        del x
        assert reference() is not None
        gc.collect()
        assert reference() is None


def clear(x):
    x.cleargrad()


def ordinary_backward(x):
    tanh(x).backward()


@pytest.mark.parametrize("mode", ACYCLIC)
@pytest.mark.parametrize("remedy", [clear, ordinary_backward])
def test_what_opens_the_cycle(mode, remedy):
    """With the gradient cleared, or replaced by an array, reference counting frees the graph."""
    with output_references(mode), garbology.assert_freed() as freed:
        x = Variable(np.ones(2))
        freed(x)
        recorded_step(x)
        freed(x.grad)
        remedy(x)
        del x


@pytest.mark.parametrize("mode", ACYCLIC)
def test_a_returned_gradient_closes_no_cycle(mode):
    """grad(create_graph=True) stores nothing, so nothing waits, to any order."""
    with output_references(mode), garbology.assert_freed() as freed:
        x = Variable(np.ones(2))
        freed(x)
        first = grad(tanh(x) ** 3, x, create_graph=True)
        second = grad(first, x, create_graph=True)
        freed(first)
        freed(second)
        del x, first, second
