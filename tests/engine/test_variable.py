"""A Variable's attributes, its form in print, and what it refuses."""

import numpy as np
import pytest

from autograd_core import Variable, add, as_array, as_variable, square


def test_it_shows_its_arrays_attributes():
    """Shape, ndim, size, dtype, len and name are the data's and what was given."""
    x = Variable(np.zeros((2, 3), np.float32), "weights")
    assert (x.shape, x.ndim, x.size, x.dtype, len(x), x.name) == ((2, 3), 2, 6, np.float32, 2, "weights")
    assert (x.grad, x.creator, x.generation) == (None, None, 0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "variable(None)"),
        (np.array(2.5), "variable(2.5)"),
        (np.array([1, 2, 3]), "variable([1 2 3])"),
        (np.array([[1, 2], [3, 4]]), "variable([[1 2]\n          [3 4]])"),
    ],
)
def test_repr(data, text):
    """A Variable is printed in DeZero's form, further lines aligned under the first."""
    assert repr(Variable(data)) == text


@pytest.mark.parametrize("data", [1.0, [1.0], "a", np.float64(1)])
def test_data_is_an_ndarray_or_none(data):
    """Anything else is a TypeError that names the type."""
    with pytest.raises(TypeError, match=type(data).__name__):
        Variable(data)


def test_a_0d_variable_has_no_length():
    """len() and iteration fail like those of a 0-d ndarray."""
    with pytest.raises(TypeError, match="unsized"):
        len(Variable(np.array(1.0)))
    with pytest.raises(TypeError, match="unsized"):
        iter(Variable(np.array(1.0)))


def test_iteration_gives_rows_in_the_graph():
    """Iterating gives one Variable a row, and gradients flow back through them."""
    x = Variable(np.array([1.0, 2.0, 3.0]))
    first, second, _ = x
    add(first, second).backward()
    assert x.grad.tolist() == [1, 1, 0]


def test_as_array_and_as_variable():
    """Numbers become 0-d arrays, arrays and Variables stay themselves, and the rest is a TypeError."""
    array = np.array([1.0])
    x = Variable(array)
    assert as_array(array) is array
    assert as_variable(x) is x
    assert as_variable(array).data is array
    for number in (1, 2.5, True, np.float32(3)):
        assert isinstance(as_array(number), np.ndarray)
        assert as_array(number).shape == ()
        assert as_variable(number).data == number
    for other in ("1", [1.0], None):
        with pytest.raises(TypeError, match=type(other).__name__):
            as_array(other)


def test_comparison_is_identity():
    """Equal data do not make equal Variables, and Variables are hashable."""
    x, y = Variable(np.array(1.0)), Variable(np.array(1.0))
    assert x != y
    assert len({x, y, x}) == 2


def test_generations_count_operations():
    """A leaf is of generation 0, a result one above the greatest of its creator's inputs."""
    x = Variable(np.array(1.0))
    a = square(x)
    y = add(square(a), x)
    assert (x.generation, a.generation, y.generation) == (0, 1, 3)
    assert (a.creator.generation, y.creator.generation) == (0, 2)


def test_subclasses_of_variable_are_operands():
    """A subclass with attributes of its own takes part like any Variable."""

    class Parameter(Variable):
        pass

    p = Parameter(np.array(3.0))
    p.frozen = False
    (p * 2.0).backward()
    assert p.grad == 2.0


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("kind", [float, int, bool, complex])
def test_one_element_becomes_a_python_number(kind, shape):
    """As of an array of one element, whatever its shape."""
    for number in (2.75, 0.0, -3.0):
        made = kind(Variable(np.full(shape, number)))
        assert (type(made), made) == (kind, kind(number))
    assert Variable(np.full(shape, 2.75)).item() == 2.75


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (float, TypeError),
        (int, TypeError),
        (complex, TypeError),
        (Variable.item, TypeError),
        (bool, ValueError),
    ],
)
def test_several_elements_or_none_are_no_number(asked, error):
    """The message has the shape and what to do; a Variable without data says that."""
    for shape in ((2,), (0,), (3, 4)):
        with pytest.raises(error, match=r"takes one element.*index it") as raised:
            asked(Variable(np.ones(shape)))
        assert str(shape) in str(raised.value)
    with pytest.raises(TypeError, match="without data"):
        asked(Variable(None))


def test_numpy_makes_an_array_of_the_data():
    """np.asarray(x) is the array that x holds, not one of objects; a dtype or a copy is made as of an array."""
    data = np.array([1.0, 2.0])
    x = Variable(data)
    assert np.asarray(x) is data
    assert np.asarray(x, np.float32).dtype == np.float32
    copied = np.array(x)
    copied[0] = 5.0
    assert data[0] == 1.0
    assert np.array([x, x]).tolist() == [[1.0, 2.0], [1.0, 2.0]]
    assert np.array([Variable(np.array(1.5)), 2]).dtype == np.float64
    with pytest.raises(ValueError, match="without a copy"):
        x.__array__(np.float32, copy=False)
    with pytest.raises(TypeError, match="without data"):
        np.asarray(Variable(None))


def test_a_list_is_refused_with_the_remedy():
    """By a Variable, by an operator and by an operation, as what it most often is: a mistake."""
    x = Variable(np.array(1.0))
    for attempt in (lambda: Variable([1.0]), lambda: x * [1.0], lambda: [1.0] - x, lambda: square([1.0])):
        with pytest.raises(TypeError, match=r"list.*np\.asarray"):
            attempt()
