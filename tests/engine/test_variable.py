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
