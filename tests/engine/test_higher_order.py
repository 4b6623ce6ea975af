"""Gradients of gradients: every operation to second order, what is stored, and what is refused."""

import operator

import numpy as np
import pytest

import autograd_core as ac
from autograd_core import (
    Config,
    Function,
    Variable,
    grad,
    gradcheck,
    no_grad,
    sin,
    square,
    tanh,
    using_config,
)

RANDOM = np.random.default_rng(11)
A = RANDOM.uniform(0.5, 2, (2, 3))
B = RANDOM.uniform(0.5, 2, (2, 3)) + 2.5
ROW = RANDOM.uniform(0.5, 2, (3,))
COLUMN = RANDOM.uniform(0.5, 2, (2, 1))
SCALAR = np.array(1.3)
MODES = ["strong", "weak", "none"]


def leaf(value=1.0):
    return Variable(np.array(value, dtype=float))


class SumAndProduct(Function):
    """Two outputs, with a derivative of its own."""

    def forward(self, x0, x1):
        return x0 + x1, x0 * x1

    def backward(self, gsum, gproduct):
        x0, x1 = self.inputs
        return gsum + gproduct * x1.data, gsum + gproduct * x0.data

    def derivative(self, gsum, gproduct):
        x0, x1 = self.inputs
        return gsum + gproduct * x1, gsum + gproduct * x0


class Cube(Function):
    """Its derivative alone."""

    def forward(self, x):
        return x**3

    def derivative(self, gy):
        return 3 * square(self.inputs[0]) * gy


class NumPyOnly(Function):
    """Its backward computes with arrays."""

    def forward(self, x):
        return np.sinh(x)

    def backward(self, gy):
        return gy * np.cosh(self.inputs[0].data)


UNARY = [ac.neg, square, ac.exp, ac.log, sin, ac.cos, tanh, ac.relu, Cube()]


@pytest.mark.parametrize("operation", UNARY)
@pytest.mark.parametrize("x", [A, SCALAR, np.zeros((0, 2))])
def test_unary(operation, x):
    """Elementwise operations of one input agree with differences to second order."""
    gradcheck(operation, x, order=2)


@pytest.mark.parametrize("operation", [ac.add, ac.sub, ac.mul, ac.div, ac.pow, ac.maximum])
@pytest.mark.parametrize("other", [B, ROW, COLUMN, SCALAR, B[np.newaxis], np.ones((1, 1)) * 3])
def test_binary_broadcasts(operation, other):
    """So do those of two, broadcast on either side."""
    gradcheck(operation, A + 0.01, other, order=2)
    gradcheck(operation, other, A + 0.01, order=2)


@pytest.mark.parametrize("c", [0, 1, 2, 3, 0.5, -1, -2.5, np.float64(3)])
def test_pow_with_a_constant(c):
    """Whole, broken and negative exponents, to third order."""
    gradcheck(lambda x: x**c, A, order=3, absolute_tolerance=1e-5)


@pytest.mark.parametrize("constant", [2.5, ROW, COLUMN])
@pytest.mark.parametrize(
    "operation", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
)
def test_beside_a_constant(operation, constant):
    """Numbers and arrays on either side are not differentiated, and the rest is right."""
    gradcheck(lambda x: operation(x, constant) * operation(constant, x), A, order=2)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("operation", [ac.sum, ac.mean])
def test_sum_and_mean(operation, axis, keepdims):
    """Sums and means over any axes, of something curved."""
    gradcheck(lambda x: tanh(operation(x * x, axis, keepdims)), RANDOM.normal(size=(2, 3, 2)), order=2)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((2, 2, 3), (3, 2)),
        ((1, 2, 3), (2, 3, 2)),
        ((3,), (2, 3, 2)),
        ((2, 2, 3), (3,)),
    ],
)
def test_matmul(first, second):
    """Vectors, matrices and stacks that broadcast."""
    gradcheck(operator.matmul, RANDOM.normal(size=first), RANDOM.normal(size=second), order=2)


@pytest.mark.parametrize("constant_first", [False, True])
def test_matmul_beside_a_constant(constant_first):
    """A matrix that is no Variable gets no gradient."""
    operation = (lambda x: B.T @ tanh(x)) if constant_first else (lambda x: tanh(x) @ B.T)
    gradcheck(operation, A, order=2)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.reshape(4, -1),
        lambda x: x.T,
        lambda x: x.transpose(1, -1, 0),
        lambda x: ac.sum_to(x, (3, 1)),
        lambda x: ac.broadcast_to(x, (2, 2, 3, 2)),
        lambda x: x[:, 1],
        lambda x: x[[0, 0, 1], [1, 1, 2]],
        lambda x: x[np.arange(12).reshape(2, 3, 2) % 2 == 0],
    ],
)
def test_shapes_and_elements(operation):
    """Reshaping, transposing, broadcasting, summing to a shape and indexing, of something curved."""
    gradcheck(lambda x: sin(operation(x * x)), RANDOM.normal(size=(2, 3, 2)), order=2)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: ac.mul(*SumAndProduct()(x, y)),
        lambda x, y: sin(SumAndProduct()(tanh(x), y)[1]),
        lambda x, y: SumAndProduct()(x, y),
        lambda x, y: tanh(ac.matmul(x, y.T)).sum() ** 2,
        lambda x, y: ac.mean(square(ac.relu(x) @ y.T - 1.0)),
    ],
)
def test_several_outputs_and_layers(mode, f):
    """Several outputs, used, unused or dropped, and whole models, in every mode, to second order."""
    with using_config("output_references", mode):
        gradcheck(f, A, B, order=2)


def derivatives(f, at, orders):
    x = leaf(at)
    y = f(x)
    for _ in range(orders):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        yield y.data.item()
    x.cleargrad()


def test_a_polynomial_to_its_last_derivative():
    """x⁴ - 2x² at 2: 24, 44, 48, 24, 0."""
    assert list(derivatives(lambda x: x**4 - 2 * x**2, 2, 5)) == [24, 44, 48, 24, 0]


def test_newtons_method_finds_the_minimum():
    """With second derivatives x⁴ - 2x² from 2 is at its minimum 1 after few steps."""
    x = leaf(2)
    for _ in range(8):
        y = x**4 - 2 * x**2
        first = grad(y, x, create_graph=True)
        x.data = x.data - first.data / grad(first, x)
    assert abs(x.data - 1) < 1e-12


def test_sin_and_tanh_to_high_order():
    """Derivatives of sine go round in four; the fifth of tanh is the formula's."""
    s, c = np.sin(0.7), np.cos(0.7)
    np.testing.assert_allclose(list(derivatives(sin, 0.7, 8)), [c, -s, -c, s] * 2, rtol=1e-12)
    t = np.tanh(0.7)
    expected = [
        1 - t**2,
        2 * t**3 - 2 * t,
        -6 * t**4 + 8 * t**2 - 2,
        24 * t**5 - 40 * t**3 + 16 * t,
        -120 * t**6 + 240 * t**4 - 136 * t**2 + 16,
    ]
    np.testing.assert_allclose(list(derivatives(tanh, 0.7, 5)), expected, rtol=1e-10)


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
def test_gradients_are_variables_only_when_asked():
    """`grad` is an ndarray after backward(), a Variable in the graph after backward(create_graph=True)."""
    x = leaf(3)
    square(x).backward()
    assert type(x.grad) is np.ndarray
    x.cleargrad()
    square(x).backward(create_graph=True)
    assert type(x.grad) is Variable
    assert x.grad.creator is not None
    assert (x.grad.data, x.grad.dtype, x.grad.shape) == (6, float, ())


def test_gradients_add_up_over_both_kinds_of_backward():
    """A recorded gradient is added to in the graph; an ordinary backward leaves an ndarray, the sum."""
    x = leaf(3)
    square(x).backward()
    square(x).backward(create_graph=True)
    assert (type(x.grad), x.grad.data) == (Variable, 12)
    (x**3).backward(create_graph=True)
    assert grad(x.grad, x) == 2 + 18
    square(x).backward()
    assert (type(x.grad), x.grad) == (np.ndarray, 45)


def test_the_walk_starts_from_the_grad_that_is_set():
    """A seed may be an array or a Variable, which is then differentiated too."""
    x, seed = leaf([1.0, 2.0]), leaf([1.0, 10.0])
    y = square(x)
    y.grad = seed.data
    y.backward(create_graph=True)
    assert x.grad.data.tolist() == [2, 40]
    x.cleargrad()
    y.grad = seed
    y.backward(create_graph=True)
    assert grad(x.grad, seed).tolist() == [2, 4]
    y.grad = seed
    x.cleargrad()
    y.backward()
    assert x.grad.tolist() == [2, 40]
    y.grad = leaf(1)
    with pytest.raises(ValueError, match=r"shape \(\), the variable \(2,\)"):
        y.backward(create_graph=True)
    with pytest.raises(TypeError, match="variable\\(None\\)"):
        Variable(None).backward(create_graph=True)


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
@pytest.mark.parametrize("retain", [False, True])
def test_intermediate_gradients_are_dropped_or_kept(retain):
    """As without create_graph, and kept ones are Variables as well."""
    x = leaf(2)
    a = square(x)
    y = a * a
    y.backward(retain_grad=retain, create_graph=True)
    assert x.grad.data == 32
    if retain:
        assert (a.grad.data, y.grad.data, grad(a.grad, x)) == (8, 1, 8)
    else:
        assert (a.grad, y.grad) == (None, None)


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
def test_recording_inside_no_grad():
    """create_graph records although nothing else is recorded, and the setting comes back."""
    x = leaf(2)
    y = x**3
    with no_grad():
        y.backward(create_graph=True)
        assert not Config.enable_backprop
        assert grad(y, x, create_graph=True).creator is not None
    assert grad(x.grad, x) == 12


def test_float32_stays_float32():
    """Gradients have their variables' dtypes to any order, also in a graph of two precisions."""
    x, y = Variable(np.full(3, 0.5, np.float32)), leaf([1.0, 2.0, 3.0])
    for z in (tanh(x) * 2.0, ac.maximum(x, 1), x.mean() * x, x * y, (x * y) ** 2, ac.relu(x) * x):
        first = grad(z, x, create_graph=True)
        assert first.dtype == np.float32
        assert grad(first, x).dtype == np.float32
    product = square(x * y)
    mixed = grad(grad(product, x, create_graph=True), y)
    assert mixed.dtype == np.float64
    np.testing.assert_allclose(mixed, 4 * x.data * y.data)


def test_ties_and_zeros():
    """At relu's and maximum's corners, and at powers of zero, the second order is that of the formulas."""
    x, y = leaf([0.0, 0.0]), leaf([0.0, 1.0])
    first = grad(ac.relu(x) * ac.maximum(x, y), [x, y], create_graph=True)
    assert [g.data.tolist() for g in first] == [[0, 0], [0, 0]]
    c = leaf([0.0, 2.0])
    gx, gc = grad(x**c, [x, c], create_graph=True)
    assert (gx.data.tolist(), gc.data.tolist()) == ([0, 0], [0, 0])
    assert grad(gx, x)[1] == 2
    assert grad(grad(x**2, x, create_graph=True), x).tolist() == [2, 2]


def test_the_function_grad_returns_and_stores_nothing():
    """One gradient for a Variable, a tuple for a sequence; no grad is read, changed or dropped."""
    x, w = leaf([1.0, 2.0]), leaf(3)
    a = x * w
    y = square(a)
    for variable in (x, w, a, y):
        variable.grad = np.array(7.0)
    assert type(grad(y, x)) is np.ndarray
    gx, gw, ga = grad(y, (x, w, a))
    assert (gx.tolist(), gw, ga.tolist()) == ([18, 36], 30, [6, 12])
    assert grad(y, []) == ()
    with pytest.raises(TypeError, match="variable\\(None\\)"):
        grad(Variable(None), x)
    assert grad(y, y).tolist() == [1, 1]
    assert [v.grad for v in (x, w, a, y)] == [7, 7, 7, 7]


def test_grad_of_what_does_not_matter_is_zero():
    """A Variable that the output does not depend on gets zeros of its shape."""
    x, other = leaf([1.0, 2.0]), leaf([[1.0]])
    assert grad(square(x), other).tolist() == [[0]]
    recorded = grad(square(x), other, create_graph=True)
    assert (recorded.data.tolist(), recorded.creator) == ([[0]], None)


def test_grads_arrays_are_its_own():
    """Writing to a returned ndarray changes no other."""
    x, y = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    gx, gy = grad(x + y, (x, y))
    gx += 1
    assert gy.tolist() == [1, 1]


def test_grad_asks_only_the_functions_on_the_way():
    """A Function that the inputs did not go into is not asked for its derivative."""
    x, w = leaf(1), leaf(2)
    y = square(x) * NumPyOnly()(w)
    second = grad(grad(y, x, create_graph=True), x)
    np.testing.assert_allclose(second, 2 * np.sinh(2))
    with pytest.raises(NotImplementedError, match="NumPyOnly"):
        grad(y, w, create_graph=True)


@pytest.mark.parametrize("call", [lambda y, x: y.backward(create_graph=True), lambda y, x: grad(y, x, True)])
def test_a_backward_of_arrays_cannot_be_recorded(call):
    """The error names the Function and the remedy, and no gradient has changed."""
    x = leaf(1)
    y = NumPyOnly()(x) * x
    with pytest.raises(NotImplementedError, match=r"NumPyOnly.backward .* Give NumPyOnly a derivative"):
        call(y, x)
    assert x.grad is None
    np.testing.assert_allclose(grad(y, x), np.cosh(1) + np.sinh(1))


def test_an_inherited_derivative_is_not_used_for_another_backward():
    """A subclass that overrides backward alone is refused: its base's derivative is of something else."""

    class Doubled(Cube):
        def backward(self, gy):
            return 2 * super().backward(gy)

    x = leaf(2)
    Doubled()(x).backward()
    assert x.grad == 24
    with pytest.raises(NotImplementedError, match="Doubled"):
        Doubled()(x).backward(create_graph=True)


def test_a_derivative_alone_is_enough():
    """backward() uses it, records nothing, and keeps to arrays."""
    x = leaf(2)
    Cube()(x).backward()
    assert (type(x.grad), x.grad) == (np.ndarray, 12)
    total, product = SumAndProduct()(x, x)
    assert [g.item() for g in Function.backward(total.creator, np.array(1.0), np.array(10.0))] == [21, 21]
    assert product.grad is None


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda gy: gy.data, TypeError, r"Wrong.derivative returned .*ndarray.* return Variables"),
        (lambda gy: gy.sum(), ValueError, r"Wrong.derivative .* shape \(\) for an input of shape \(3,\)"),
        (lambda gy: (gy, gy), ValueError, r"Wrong.* returned 2 gradient\(s\) for 1 input\(s\)"),
    ],
)
def test_wrong_derivatives_are_named(returned, error, message):
    """What a derivative may not return is an error that names the Function."""

    class Wrong(Function):
        def forward(self, x):
            return x + 0.0

        def derivative(self, gy):
            return returned(gy)

    x = leaf([1.0, 2.0, 3.0])
    with pytest.raises(error, match=message):
        Wrong()(x).backward(create_graph=True)
    assert x.grad is None


def test_no_gradient_is_none():
    """An input whose derivative is None gets none."""

    class First(Function):
        def forward(self, x0, x1):
            return x0 * 1.0

        def derivative(self, gy):
            return gy, None

    x0, x1 = leaf(1), leaf(2)
    First()(x0, square(x1)).backward(create_graph=True)
    assert (x0.grad.data, x1.grad) == (1, None)


def test_gradcheck_sees_a_wrong_second_derivative():
    """A derivative that is right to first order and wrong to second is found out by order=2 alone."""

    class Wrong(Cube):
        def derivative(self, gy):
            return Variable(3 * self.inputs[0].data ** 2) * gy

    gradcheck(Wrong(), A)
    with pytest.raises(AssertionError, match=r"input 0, index \(0, 0\): backward gives 0.0"):
        gradcheck(Wrong(), A, order=2)
