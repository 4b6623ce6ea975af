"""Plans: the same numbers as define-by-run, in buffers that are shared, and what a plan cannot follow."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ac
import garbology
from autograd_core import Function, Plan, Variable, grad, matmul, mean, square, tanh

RANDOM = np.random.default_rng(5)
A = RANDOM.uniform(0.5, 2, (2, 3))
B = RANDOM.uniform(0.5, 2, (2, 3)) + 2.5
CUBE = RANDOM.normal(size=(2, 3, 4))


class SumAndProduct(Function):
    """Two outputs."""

    def forward(self, x0, x1):
        return x0 + x1, x0 * x1

    def derivative(self, gsum, gproduct):
        x0, x1 = self.inputs
        return gsum + gproduct * x1, gsum + gproduct * x0


def with_gradients(f):
    """f's outputs, and the gradients of their sum."""

    def all_of_it(*variables):
        result = f(*variables)
        outputs = result if isinstance(result, tuple) else (result,)
        total = sum(ac.sum(output) for output in outputs)
        return (*outputs, *grad(total, variables, create_graph=True))

    return all_of_it


def check(f, *arrays):
    """A plan made from other numbers gives what f gives, again and again."""
    plan = Plan(f, *[np.asarray(1.5 * array + 0.25, array.dtype) for array in arrays])
    for factor in (1.0, 0.5, 1.0):
        given = [np.asarray(factor * array, array.dtype) for array in arrays]
        expected = f(*[Variable(array) for array in given])
        results = plan.run(*given)
        for result, variable in zip(results, expected, strict=True):
            assert (result.shape, result.dtype) == (variable.shape, variable.dtype)
            np.testing.assert_allclose(result, variable.data, rtol=1e-12, atol=1e-14)
    return plan


OPERATIONS = {
    "add": (lambda x, y: x + y, A, B),
    "arithmetic": (lambda x, y: -(x - 2.0) * y / (x + 3.0) - 1 / y, A, B),
    "pow": (lambda x, y: x**2 + x**3 + y**1 + y**0.5 + x**0, A, B),
    "power": (lambda x, y: x**y, A, B),
    "exp and log": (lambda x, y: ac.exp(x) * ac.log(y), A, B),
    "sin, cos and tanh": (lambda x, y: ac.sin(x) * ac.cos(y) * tanh(x * y), A, B),
    "relu": (lambda x, y: ac.relu(x - 1.0) * y, A, B),
    "maximum": (lambda x, y: ac.maximum(x * 2.0, y), A, B),
    "broadcast": (lambda x, y: x * y + y, A, B[0]),
    "broadcast 0-d": (lambda x, y: x * y / y, A, np.array(1.5)),
    "matrices": (lambda x, y: tanh(x @ y.T) @ y, A, B),
    "vectors": (lambda x, y: x @ y[0] + x[0] @ y[1], A, B),
    "stacks": (lambda x, y: x @ y, CUBE, CUBE[0].T.copy()),
    "sums": (lambda x, y: x.sum() * y.mean(0) + (x * y).sum(1, True).sum(-1).mean(), A, B),
    "shapes": (lambda x, y: ac.sin(x.T).reshape(-1) * y.reshape(6) + ac.broadcast_to(x[0, 0], (6,)), A, B),
    "sum_to": (lambda x, y: ac.sum_to(x * x, (3, 1)) * y, CUBE, CUBE[0]),
    "elements": (lambda x, y: x[[0, 0, 1], [1, 1, 2]] * y[0] + x[:, 1].sum(), A, B),
    "several outputs": (lambda x, y: ac.mul(*SumAndProduct()(x, y)), A, B),
    "an output dropped": (lambda x, y: square(SumAndProduct()(x, y)[1]), A, B),
    "several results": (lambda x, y: (x + y, x, tanh(x + y), (x * y).T), A, B),
    "float32": (lambda x, y: tanh(x * 2) / (y + 1), A.astype(np.float32), B.astype(np.float32)),
    "two precisions": (lambda x, y: square(x * y), A.astype(np.float32), B),
    "empty": (lambda x, y: tanh(x) * y, np.zeros((0, 2)), np.zeros((0, 2))),
}


@pytest.mark.parametrize(("f", "x", "y"), OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation(f, x, y):
    """Results and gradients are those of define-by-run, whatever numbers the plan was made from."""
    check(with_gradients(f), x, y)


def perceptron(layers):
    def step(x, target, *parameters):
        hidden = x
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            hidden = tanh(matmul(hidden, weight) + bias)
        loss = mean(square(hidden - target))
        return (loss, *grad(loss, parameters, create_graph=True))

    arrays = [RANDOM.normal(size=(64, 32)) for _ in range(2)]
    for _ in range(layers):
        arrays += [RANDOM.normal(size=(32, 32)) / 8, RANDOM.normal(size=32)]
    return step, arrays


def test_training_in_place():
    """A perceptron trained by writing to a plan's inputs learns what define-by-run learns."""
    step, arrays = perceptron(2)
    plan = Plan(step, *arrays)
    parameters = [Variable(array) for array in arrays[2:]]
    losses = []
    for _ in range(20):
        loss, *gradients = plan.run()
        losses.append(loss.item())
        for array, gradient in zip(plan.inputs[2:], gradients, strict=True):
            array -= 0.1 * gradient
        expected, *expected_gradients = step(Variable(arrays[0]), Variable(arrays[1]), *parameters)
        np.testing.assert_allclose(losses[-1], expected.data, rtol=1e-12)
        for parameter, gradient in zip(parameters, expected_gradients, strict=True):
            parameter.data = parameter.data - 0.1 * gradient.data
    assert losses[-1] < 0.95 * losses[0]


def test_buffers_are_shared():
    """A chain needs as many buffers as it is wide, and a deep perceptron far less than one a result."""

    def chain(x):
        for _ in range(100):
            x = tanh(x * 0.5 + 1.0)
        return x

    plan = check(lambda x: (chain(x),), RANDOM.normal(size=1000))
    assert (plan.operations, plan.unshared_bytes, plan.buffer_bytes) == (300, 300 * 8000, 8000)
    step, arrays = perceptron(8)
    plan = check(step, *arrays)
    assert plan.buffer_bytes < plan.unshared_bytes / 2


def test_a_view_keeps_its_buffer():
    """A result is not overwritten while a view of it, or of a view, is still to be read or is an output."""

    def f(x):
        squared = x * x
        view = squared.reshape(6).reshape(3, 2).T
        other = tanh(ac.sin(x) * 2.0) + 1.0
        return ac.exp(other).sum() * view, (x + 1.0).T

    check(f, A)


def test_a_run_makes_no_arrays():
    """In define-by-run an iteration allocates all its results; a plan's run allocates none."""

    def f(x):
        for _ in range(50):
            x = tanh(x * 0.5 + x)
        return x

    plan = Plan(f, np.ones(10_000))
    plan.run()
    peaks = []
    for work in (plan.run, lambda: f(Variable(np.ones(10_000)))):
        gc.collect()
        tracemalloc.start()
        work()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 40_000  # half an array: what NumPy needs for itself
    assert peaks[1] > 100 * 80_000


def test_a_plan_keeps_nothing_of_the_trace():
    """The Variables of the traced run die when it is planned, those of user-written Functions as well."""
    places = []

    def f(x):
        y = square(SumAndProduct()(x, x)[1] * 2.0)
        places.extend(map(weakref.ref, (x, y, y.creator)))
        return y

    with garbology.collector.paused():
        plan = Plan(f, A)
        assert [place() for place in places] == [None] * 3
    np.testing.assert_allclose(plan.run(B)[0], (2 * B * B) ** 2)


def test_inputs_are_copied_in_or_left():
    """run(*arrays) copies; run() takes what is in the inputs; the example itself is never written to."""
    example = np.ones(2)
    plan = Plan(lambda x, y: x * 2.0 + y, example, 1.0)
    assert plan.run()[0].tolist() == [3, 3]
    assert plan.run(np.array([1.0, 2.0]), 10.0)[0].tolist() == [12, 14]
    plan.inputs[0][:] = 5
    assert plan.run()[0].tolist() == [20, 20]
    assert plan.run(plan.inputs[0], np.array(0.0))[0] is plan.outputs[0]
    assert example.tolist() == [1, 1]


def test_captured_variables_are_read_where_they_are():
    """A parameter in a closure is seen when its array is written to, and not when it is replaced."""
    w = Variable(np.array([3.0]))
    plan = Plan(lambda x: x * w, np.ones(1))
    w.data[...] = 4
    assert plan.run()[0] == 4
    w.data = np.array([5.0])
    assert plan.run()[0] == 4


def test_the_number_and_the_shapes_of_inputs_are_fixed():
    """Other inputs are refused, with both shapes in the error."""
    plan = Plan(lambda x: x * 2.0, np.ones(3))
    with pytest.raises(ValueError, match=r"input 0 of this plan has shape \(3,\), got \(4,\)"):
        plan.run(np.ones(4))
    with pytest.raises(ValueError, match=r"takes 1 array\(s\), got 2"):
        plan.run(np.ones(3), np.ones(3))


def test_what_is_no_variable_is_refused():
    """A function that returns something else is named."""
    with pytest.raises(TypeError, match=r"f returns Variables, got .*ndarray"):
        Plan(lambda x: x.data, np.ones(3))


def test_a_plan_is_traced_inside_no_grad_as_well():
    """no_grad() keeps no graph from being recorded where one is the purpose."""
    with ac.no_grad():
        plan = Plan(tanh, np.ones(1))
    assert plan.run(np.zeros(1))[0] == 0


def test_control_flow_is_not_followed():
    """The price: a branch and a loop that depend on data are repeated as they were traced."""

    def branch(x):
        return x * 10.0 if x.data.sum() > 0 else x * -1.0

    def halved(x):
        while np.abs(x.data).max() > 1:
            x = x * 0.5
        return x

    assert Plan(branch, np.ones(1)).run(np.array([-2.0]))[0] == -20
    assert branch(Variable(np.array([-2.0]))).data == 2
    assert Plan(halved, np.array([4.0])).run(np.array([64.0]))[0] == 16


@st.composite
def programs(draw):
    """A random program of elementwise operations, views and sums over earlier values."""
    numbers = st.integers(0, 10**6)
    steps = draw(st.lists(st.tuples(st.integers(0, 7), numbers, numbers), min_size=1, max_size=30))

    def run(x, y):
        values = [x, y]
        for operation, first, second in steps:
            a, b = values[first % len(values)], values[second % len(values)]
            values.append(
                [
                    lambda a, b: a + b,
                    lambda a, b: a - tanh(b),
                    lambda a, b: tanh(a * b),
                    lambda a, b: ac.sin(a),
                    lambda a, b: a.T,
                    lambda a, b: (a * 0.5).reshape(-1).reshape(3, 3),
                    lambda a, b: tanh(a @ b),
                    lambda a, b: ac.broadcast_to(a.mean(0), (3, 3)) + b[0],
                ][operation](a, b)
            )
        return tuple(values[-3:])

    return run


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(program=programs(), gradients=st.booleans())
def test_random_programs(program, gradients):
    """However results and views overlap in time, sharing buffers changes no number."""
    x, y = RANDOM.normal(size=(2, 3, 3))
    check(with_gradients(program) if gradients else program, x, y)
