"""gradcheck finds wrong gradients and says where."""

import numpy as np
import pytest

from autograd_core import Function, Variable, gradcheck, square


class WrongAtOne(Function):
    def forward(self, x0, x1):
        return x0 * x1

    def backward(self, gy):
        x0, x1 = (x.data for x in self.inputs)
        gx1 = gy * x0
        gx1[1, 0] *= 1.01
        return gy * x1, gx1


def test_a_wrong_gradient_is_named():
    """The message names input, index and both numbers."""
    with pytest.raises(
        AssertionError, match=r"input 1, index \(1, 0\): backward gives .*, differences give "
    ):
        gradcheck(lambda x, y: WrongAtOne()(x, y), np.ones((2, 2)), np.ones((2, 2)))


def test_a_missing_gradient_is_found():
    """None counts as a gradient of zeros."""

    class Forgets(Function):
        def forward(self, x):
            return x * 2

        def backward(self, gy):
            return None

    with pytest.raises(AssertionError, match="input 0"):
        gradcheck(Forgets(), 1.0)


def test_errors_that_cancel_are_found():
    """A backward that distributes a right total wrongly is found: the outputs are weighted differently."""

    class Swapped(Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, gy):
            return gy[::-1]

    with pytest.raises(AssertionError):
        gradcheck(Swapped(), np.ones(2))


def test_inputs_are_left_alone():
    """Arrays keep their values, Variables get no gradient, numbers and several outputs are fine."""
    array, x = np.ones(2), Variable(np.ones(2))
    gradcheck(lambda a, b, c: (square(a) * b, b * c), array, x, 2.0)
    assert array.tolist() == [1, 1]
    assert x.grad is None
