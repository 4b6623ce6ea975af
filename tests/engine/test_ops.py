"""Every operation against numerical differences, and dtypes, operands and in-place hazards."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ac
from autograd_core import Variable, gradcheck

RANDOM = np.random.default_rng(7)
A = RANDOM.uniform(0.5, 2, (2, 3))
B = RANDOM.uniform(0.5, 2, (2, 3)) + 2.5
ROW = RANDOM.uniform(0.5, 2, (3,))
COLUMN = RANDOM.uniform(0.5, 2, (2, 1))
SCALAR = np.array(1.3)
BINARY = [ac.add, ac.sub, ac.mul, ac.div, ac.pow, ac.maximum]
UNARY = [ac.neg, ac.square, ac.exp, ac.log, ac.sin, ac.cos, ac.tanh, ac.relu]


@pytest.mark.parametrize("operation", UNARY)
@pytest.mark.parametrize("x", [A, SCALAR, np.zeros((0, 2)), A[:, ::-1].T])
def test_unary(operation, x):
    """Elementwise operations of one input are differentiated right for any shape and layout."""
    gradcheck(operation, x)


@pytest.mark.parametrize("operation", [ac.neg, ac.square, ac.exp, ac.sin, ac.cos, ac.tanh, ac.relu])
def test_unary_below_zero(operation):
    """And for negative numbers, where the operation is defined there."""
    gradcheck(operation, -A)


@pytest.mark.parametrize("operation", BINARY)
@pytest.mark.parametrize("other", [B, ROW, COLUMN, SCALAR, B[np.newaxis], np.ones((1, 1)) * 3])
def test_binary_broadcasts(operation, other):
    """Broadcast on either side, each input's gradient has that input's shape and is right."""
    gradcheck(operation, A + 0.01, other)
    gradcheck(operation, other, A + 0.01)


SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)


@settings(max_examples=40, deadline=None)
@given(shapes=SHAPES, operation=st.sampled_from([ac.add, ac.mul, ac.div, ac.sub]))
def test_broadcast_gradients_have_the_inputs_shapes(shapes, operation):
    """Whatever shapes broadcast, gradients come back in the inputs' shapes and agree with differences."""
    first, second = (np.linspace(1, 2, int(np.prod(shape))).reshape(shape) for shape in shapes.input_shapes)
    x, y = Variable(first), Variable(second)
    z = operation(x, y)
    assert z.shape == shapes.result_shape
    z.backward()
    assert (x.grad.shape, y.grad.shape) == (x.shape, y.shape)
    gradcheck(operation, first, second)


@pytest.mark.parametrize("c", [0, 1, 2, 3, 0.5, -1, -2.5, 2.0, np.float64(3)])
def test_pow_with_a_constant(c):
    """X ** c is differentiated right for whole, broken and negative exponents."""
    gradcheck(lambda x: x**c, A)


def test_pow_at_zero():
    """At 0, x ** 0 and x ** 2 have gradient 0; where x0 is 0 the exponent's gradient is 0 too."""
    for c in (0, 2):
        x = Variable(np.zeros(2))
        (x**c).backward()
        assert x.grad.tolist() == [0, 0]
    x, c = Variable(np.zeros(2)), Variable(np.array([0.0, 2.0]))
    (x**c).backward()
    assert (x.grad.tolist(), c.grad.tolist()) == ([0, 0], [0, 0])


def test_pow_with_a_number_as_base():
    """2 ** x is differentiated with respect to x."""
    gradcheck(lambda x: 2**x, A)


def test_ties():
    """At 0 relu's gradient is 0; where maximum's inputs are equal, each gets half."""
    x = Variable(np.zeros(2))
    ac.relu(x).backward()
    assert x.grad.tolist() == [0, 0]
    x, y = Variable(np.ones(2)), Variable(np.ones(2))
    ac.maximum(x, y).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.5, 0.5], [0.5, 0.5])


@pytest.mark.parametrize("axis", [None, 0, 1, -1, np.int64(1), (0, 2), (-1, 0), (0, 1, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sum_and_mean(axis, keepdims):
    """Sums and means over any axes have NumPy's values and right gradients."""
    array = RANDOM.normal(size=(2, 3, 4))
    for name in ("sum", "mean"):
        y = getattr(Variable(array), name)(axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(y.data, getattr(array, name)(axis=axis, keepdims=keepdims))
        gradcheck(lambda x, name=name: getattr(ac, name)(x, axis, keepdims), array)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((4, 1, 2, 3), (5, 3, 2)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (3,)),
    ],
)
def test_matmul(first, second):
    """Vectors, matrices and stacks that broadcast are multiplied and differentiated as NumPy's @."""
    x, y = RANDOM.normal(size=first), RANDOM.normal(size=second)
    np.testing.assert_allclose(ac.matmul(x, y).data, x @ y)
    gradcheck(operator.matmul, x, y)


def test_shapes():
    """reshape, transpose, T, broadcast_to and sum_to have NumPy's values and right gradients."""
    array = RANDOM.normal(size=(2, 3, 4))
    x = Variable(array)
    assert x.reshape(4, -1).shape == x.reshape((4, 6)).shape == ac.reshape(x, (4, 6)).shape == (4, 6)
    assert x.T.shape == x.transpose().shape == x.transpose(None).shape == (4, 3, 2)
    assert x.transpose(1, -1, 0).shape == ac.transpose(x, (1, -1, 0)).shape == (3, 4, 2)
    assert ac.sum_to(x, (3, 1)).shape == (3, 1)
    np.testing.assert_allclose(ac.sum_to(x, (3, 1)).data, array.sum(axis=(0, 2))[:, np.newaxis])
    assert ac.sum_to(x, (2, 3, 4)).shape == (2, 3, 4)
    for operation in (
        lambda x: x.reshape(4, -1),
        lambda x: x.T,
        lambda x: x.transpose(1, -1, 0),
        lambda x: ac.sum_to(x, (3, 1)),
        lambda x: ac.broadcast_to(x, (5, 2, 3, 4)),
    ):
        gradcheck(operation, array)
    gradcheck(lambda x: ac.broadcast_to(x, (2, 3)), COLUMN)
    for shape in ((2,), (2, 3, 4, 1), (2, 2, 4)):
        with pytest.raises(ValueError, match="cannot be summed"):
            ac.sum_to(x, shape)


@pytest.mark.parametrize(
    "index",
    [
        1,
        -1,
        slice(None, None, 2),
        (slice(None), 1),
        (..., -1),
        None,
        (1, 2),
        [0, 0, 1],
        np.array([[1, 1], [0, 1]]),
        ([0, 1, 1], [2, 2, 2]),
        (slice(None), [1, 1]),
        A > 1,
        (np.array([True, False]), 1),
        [True, False],
    ],
)
def test_getitem(index):
    """Any index gives NumPy's elements; those taken several times get the sum of the gradients."""
    np.testing.assert_array_equal(Variable(A)[index].data, A[index])
    gradcheck(lambda x: x[index], A)


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
OPERANDS = [2, 2.5, True, np.float64(1.5), np.float32(2), np.int64(3), SCALAR, ROW, Variable(ROW)]


@pytest.mark.parametrize("operation", OPERATORS)
@pytest.mark.parametrize(
    "other", OPERANDS, ids=lambda x: f"{type(x).__name__}{np.shape(getattr(x, 'data', x))}"
)
def test_operands_on_either_side(operation, other):
    """Variables, arrays, Python and NumPy numbers work on both sides and give what NumPy gives."""
    x = Variable(A.copy())
    plain = other.data if isinstance(other, Variable) else other
    for result, expected in (
        (operation(x, other), operation(A, plain)),
        (operation(other, x), operation(plain, A)),
    ):
        assert type(result) is Variable
        np.testing.assert_allclose(result.data, expected)
    gradcheck(lambda x: operation(x, other) + operation(other, x), A)


def test_matmul_operator_with_arrays():
    """Ndarray @ Variable and Variable @ ndarray give Variables."""
    assert (A @ Variable(A.T)).shape == (2, 2)
    assert (Variable(A) @ A.T).shape == (2, 2)


@pytest.mark.parametrize("other", ["1", [1.0], None])
def test_other_operands_are_a_type_error(other):
    """What is neither Variable, array nor number is refused by type."""
    with pytest.raises(TypeError, match=type(other).__name__):
        Variable(A) + other
    with pytest.raises(TypeError, match=type(other).__name__):
        other * Variable(A)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_python_numbers_never_change_the_dtype(dtype, shape):
    """A float32 graph stays float32 beside ints, floats and bools, 0-d or not, forward and backward."""
    x = Variable(np.full(shape, 0.5, dtype))
    results = [
        *(f(x, n) for f in OPERATORS for n in (2, 2.5, True)),
        *(f(n, x) for f in OPERATORS for n in (2, 2.5, True)),
        *(f(x) for f in UNARY),
        *(ac.maximum(x, 1), ac.maximum(0.1, x), x.sum(), x.mean(), x.reshape(-1), x[...]),
    ]
    for y in results:
        assert y.dtype == dtype, y.creator
        assert type(y.data) is np.ndarray
        x.cleargrad()
        y.backward(retain_grad=True)
        assert (x.grad.dtype, y.grad.dtype) == (dtype, dtype), y.creator
        assert type(x.grad) is np.ndarray


def test_gradients_have_their_datas_dtype():
    """In a graph of two precisions each leaf's gradient has its own; a seed of another one is cast."""
    x, y = Variable(np.ones(3, np.float32)), Variable(np.ones(3))
    z = x * y
    z.grad = np.ones(3, np.float32)
    z.backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


def test_gradients_of_integers_are_not_rounded():
    """Integer data keep whatever dtype the derivative has."""
    x = Variable(np.array([2, 3]))
    (x * x).backward()
    assert x.grad.tolist() == [4, 6]
    x.cleargrad()
    (x * 0.5).backward()
    assert x.grad.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "operation", [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]
)
def test_in_place_operators_make_new_variables(operation):
    """`x += y` leaves the old Variable and its array as they were."""
    x = old = Variable(np.array([2.0, 3.0]))
    x = operation(x, 2.0)
    assert x is not old
    assert old.data.tolist() == [2, 3]
    x.backward()
    assert old.grad is not None


def test_0d_results_stay_ndarrays():
    """NumPy's scalars do not get into the graph."""
    x = Variable(np.array(2.0))
    for y in (x + x, x * 2, -x, x**2, ac.sin(x), ac.sum(x), Variable(A)[0, 0], ac.matmul(ROW, ROW)):
        assert type(y.data) is np.ndarray
        assert y.shape == ()


def test_operations_take_arrays():
    """The functions accept arrays and numbers where a Variable is expected."""
    assert ac.add(1, 2).data == 3
    assert ac.exp(0.0).data == 1
    assert ac.sum(A).shape == ()


@pytest.mark.parametrize("operation", [*OPERATORS, ac.maximum])
@pytest.mark.parametrize("other", [2.0, np.array([2.0, 3.0]), np.array([[2.0], [3.0]])])
def test_no_gradient_is_kept_for_a_constant(operation, other):
    """What stood beside a Variable keeps no gradient, and the Variable's own is that beside a Variable."""
    data = np.array([1.5, 2.5])
    for arrange in (lambda x, c: (x, c), lambda x, c: (c, x)):
        x, beside = Variable(data), Variable(data)
        y = operation(*arrange(x, other))
        y.backward()
        operation(*arrange(beside, ac.as_variable(other))).backward()
        assert x.grad.tolist() == beside.grad.tolist()
        assert [v.grad for v in y.creator.inputs if v is not x] == [None] * (len(y.creator.inputs) - 1)


def test_a_matrix_beside_a_variable_is_a_constant():
    """Both matrix products with an array are differentiated with respect to the Variable alone."""
    for operation in (lambda x: x @ B.T, lambda x: B.T @ x):
        gradcheck(operation, A)
        x = Variable(A)
        y = operation(x)
        y.backward()
        assert [v.grad is None for v in y.creator.inputs] == [v is not x for v in y.creator.inputs]


def test_a_negative_base_has_a_power_that_is_a_whole_constant():
    """No logarithm of the base is taken for the gradient of a constant exponent: no warning, no nan."""
    x = Variable(np.array([-2.0, 3.0]))
    (x ** np.array([2.0, 3.0])).backward()
    assert x.grad.tolist() == [-4, 27]
