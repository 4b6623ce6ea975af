"""Operations as rules: what NumPy's functions make of Variables, subclasses, names and what errors show."""

import inspect
import operator
import pickle
import traceback
import warnings

import numpy as np
import pytest

import autograd_core as ac
from autograd_core import Function, Variable, grad, no_grad
from autograd_core.ops.rules import BY_UFUNC, operation

A = np.array([0.5, 1.5])
B = np.array([2.0, 3.0])


def of_numpy():
    return pytest.mark.parametrize("ufunc", BY_UFUNC, ids=lambda ufunc: ufunc.__name__)


def arguments(ufunc):
    shape = (2, 1) if ufunc is np.matmul else (2,)
    return [A.reshape(shape), B.reshape(shape).T][: ufunc.nin]


@of_numpy()
def test_numpys_functions_of_variables_are_operations(ufunc):
    """np.exp(x) and the like give what they give of arrays, and a Variable that is differentiated."""
    arrays = arguments(ufunc)
    result = ufunc(*map(Variable, arrays))
    assert type(result) is Variable
    np.testing.assert_array_equal(result.data, ufunc(*arrays))
    ac.gradcheck(ufunc, *arrays, order=2)


@of_numpy()
def test_beside_an_array(ufunc):
    """One Variable among arrays is enough, on either side."""
    if ufunc.nin == 2:
        first, second = arguments(ufunc)
        assert type(ufunc(Variable(first), second)) is type(ufunc(first, Variable(second))) is Variable


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.floor_divide(x, 2.0), "numpy.floor_divide of a Variable"),
        (lambda x: A // x, "numpy.floor_divide of a Variable"),
        (lambda x: operator.lt(A, x), "numpy.less of a Variable"),
        (lambda x: np.exp(x, out=A.copy()), "numpy.exp of a Variable"),
        (lambda x: np.add(x, 1.0, where=A > 1), "numpy.add of a Variable"),
        (lambda x: np.add.reduce(x), "numpy.add.reduce of a Variable"),
        (lambda x: np.multiply.outer(A, x), "numpy.multiply.outer of a Variable"),
    ],
)
def test_what_has_no_gradient_is_refused(call, name):
    """Other functions, options and methods are a TypeError that says what was called and lists what there is."""
    with pytest.raises(TypeError, match=rf"{name} is no operation .*: add, cos, .* tanh$"):
        call(Variable(A))


def test_an_array_is_not_added_to_in_place():
    """`array += variable` is an error, and the array stays as it was."""
    array = A.copy()
    with pytest.raises(TypeError, match=r"numpy\.add of a Variable"):
        array += Variable(B)
    assert array.tolist() == A.tolist()


def test_an_array_compares_with_a_variable_by_identity():
    """On either side and in containers: equal data do not make them equal."""
    x, number = Variable(A), Variable(np.array(0.5))
    for pair in ((A, x), (x, A), (np.float64(0.5), number)):
        assert operator.eq(*pair) is False
        assert operator.ne(*pair) is True
    assert x not in [A, B]


@pytest.mark.parametrize("operation", [ac.mul, ac.exp], ids=["mul", "exp"])
def test_a_subclass_that_overrides_backward_is_asked(operation):
    """The rules are those of the base class's backward, which a subclass may still call."""
    arrays = [np.array(0.5), np.array(3.0)][: len(inspect.signature(operation).parameters)]
    base = type(operation(*arrays).creator)

    class Doubled(base):
        def backward(self, gy):
            assert type(gy) is np.ndarray
            return tuple(2 * each for each in super().backward(gy))

    class Same(base):
        pass

    def gradients(call):
        inputs = [Variable(array) for array in arrays]
        (call(*inputs) * 3.0).backward()
        return np.array([x.grad for x in inputs])

    np.testing.assert_array_equal(gradients(Same()), gradients(operation))
    np.testing.assert_array_equal(gradients(Doubled()), 2 * gradients(operation))


@pytest.mark.parametrize("retain", [False, True])
def test_gradients_of_0d_chains_are_arrays_of_their_own(retain):
    """Whatever passed between the operations, a grad is a writable ndarray."""
    x, y = Variable(np.array(2.0)), Variable(np.array(3.0))
    z = -(x + y) - y
    z.backward(retain_grad=retain)
    for variable in (x, y, *((z,) if retain else ())):
        assert type(variable.grad) is np.ndarray
        variable.grad += 1
    assert (x.grad, y.grad) == (0, -1)


def test_backward_itself_gives_what_the_walk_uses():
    """`function.backward` and `derivative` can be called for one operation, and leave out what is constant."""
    x = Variable(A)
    y = x / 2.0
    gradient, constant = y.creator.backward(np.ones(2))
    assert (gradient.tolist(), constant) == ([0.5, 0.5], None)
    gradient, constant = y.creator.derivative(Variable(np.ones(2)))
    assert (gradient.data.tolist(), constant) == ([0.5, 0.5], None)


def test_a_constant_gets_no_gradient_in_a_gradients_graph():
    """The ones that a walk starts from are no leaf, whatever operation they went into."""
    x = Variable(A)
    first = grad(-ac.sin(x), x, create_graph=True)
    first.backward()
    leaves, waiting = [], [first]
    while waiting:
        variable = waiting.pop()
        if variable.creator is None:
            leaves.append(variable)
        else:
            waiting += variable.creator.inputs
    assert {id(leaf) for leaf in leaves if leaf.grad is not None} == {id(x)}


@pytest.mark.parametrize(
    "function",
    [ac.add, ac.sub, ac.mul, ac.div, ac.neg, ac.exp, ac.log, ac.sin, ac.cos, ac.tanh, ac.matmul],
    ids=lambda function: function.__name__,
)
def test_operations_are_like_written_functions(function):
    """Each has its name, parameters, a sentence and a module, and so has its Function."""
    parameters = ["x0", "x1"] if function.__name__ in ("add", "sub", "mul", "div", "matmul") else ["x"]
    assert list(inspect.signature(function).parameters) == parameters
    arrays = [A] * len(parameters)
    kind = type(function(*arrays).creator)
    assert kind.__name__.lower() == function.__name__ == function.__code__.co_name
    assert function.__doc__
    assert kind.__doc__
    assert function.__module__ == kind.__module__
    assert pickle.loads(pickle.dumps(function)) is function
    assert pickle.loads(pickle.dumps(kind)) is kind


def test_a_traceback_names_the_operation():
    """The frames of an error in forward say which operation it was."""
    with pytest.raises(ValueError, match=r"\(2,\) \(3,\)") as caught:
        Variable(A) * np.ones(3)
    assert "mul" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


def test_a_warning_shows_the_rule():
    """A warning in the backward pass points to the line with the formula."""
    y = ac.div(Variable(np.ones(2)), Variable(B))
    y.creator.inputs[1].data = np.zeros(2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y.backward()
    lines = inspect.getsource(inspect.getmodule(ac.div)).splitlines()
    assert {lines[each.lineno - 1].strip()[:9] for each in caught} == {"lambda g,"}


@pytest.mark.no_cycles(ignore=["autograd_core", "*Arctan*"])  # the class that it makes is a cycle
def test_a_new_operation_is_one_declaration():
    """Its function, gradients to any order, NumPy's call, a plan and no_grad all work."""
    _, arctan = operation("arctan", np.arctan, lambda g, x: g / (1 + x * x), doc="Inverse tangent of x.")
    try:
        ac.gradcheck(arctan, A, order=3, absolute_tolerance=1e-5)
        ac.gradcheck(lambda x: np.arctan(x) * x, A)
        np.testing.assert_array_equal(ac.Plan(arctan, B).run(A)[0], np.arctan(A))
        with no_grad():
            assert arctan(Variable(A)).creator is None
        assert isinstance(arctan(A).creator, Function)
    finally:
        del BY_UFUNC[np.arctan]


SCALARS = [0.0, -0.0, 1.5, -2.5, 1e-320, 1e308, np.inf, -np.inf, np.nan]
OPERATORS = [(ac.add, np.add), (ac.sub, np.subtract), (ac.mul, np.multiply), (ac.div, np.true_divide)]


@pytest.mark.parametrize(("operation", "ufunc"), OPERATORS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.int64, np.int8, np.bool_])
def test_what_is_computed_of_scalars_is_what_numpy_computes_of_arrays(operation, ufunc, dtype):
    """0-d arrays of float64 take a shorter way: the same bits, in an array, as NumPy's function gives; others none."""
    numbers = np.array(SCALARS) if dtype in (np.float64, np.float32) else np.arange(1, 8)
    with np.errstate(all="ignore"):
        for x in numbers.astype(dtype):
            for y in numbers.astype(dtype):
                if ufunc is np.subtract and dtype is np.bool_:
                    continue  # which NumPy refuses
                result = operation(Variable(np.array(x)), Variable(np.array(y))).data
                expected = np.asarray(ufunc(np.array(x), np.array(y)))
                assert type(result) is np.ndarray
                assert (result.dtype, result.tobytes()) == (expected.dtype, expected.tobytes())


def test_a_scalar_s_gradients_are_those_of_an_array_of_one():
    """Of 0-d data the rules get NumPy's scalars, of data with one axis arrays: the gradients have the same bits."""
    formulas = [
        ac.mul,
        ac.div,
        lambda x, y: ac.tanh(x * y) / ac.exp(y),
        lambda x, y: ac.sin(x) * ac.cos(x / y) - ac.log(y) * x,
    ]
    for formula in formulas:
        gradients = []
        for shape in ((), (1,)):
            x, y = Variable(np.full(shape, 0.7)), Variable(np.full(shape, 1.9))
            formula(x, y).backward()
            assert (type(x.grad), x.grad.shape, x.grad.dtype) == (np.ndarray, shape, np.float64)
            gradients.append((x.grad.tobytes(), y.grad.tobytes()))
        assert gradients[0] == gradients[1]


def test_a_scalar_obeys_numpy_s_error_state():
    """A division by zero warns or raises as NumPy was told to, on the way forward and back."""
    x, zero = Variable(np.array(1.0)), Variable(np.array(0.0))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        y = x / zero
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        x / zero
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        y.backward()


def test_a_masked_scalar_stays_masked():
    """Data of a class derived from ndarray is computed by its own operators."""
    masked = np.ma.masked_array(2.0, mask=True)
    result = Variable(masked) * Variable(np.array(3.0))
    assert isinstance(result.data, np.ma.MaskedArray)
    assert result.data.mask
