"""sum_to_shape undoes broadcasting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd_core.arrays import sum_to_shape


@pytest.mark.slow
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 2), max_dims=4),
    seed=st.integers(0, 99),
)
def test_it_is_the_adjoint_of_broadcasting(shapes, seed):
    """For all x and y, <broadcast(x), y> equals <x, sum_to(y)>, and the shape is x's."""
    (shape,) = shapes.input_shapes
    random = np.random.default_rng(seed)
    x, y = random.normal(size=shape), random.normal(size=shapes.result_shape)
    summed = sum_to_shape(y, shape)
    assert summed.shape == shape
    np.testing.assert_allclose(np.sum(np.broadcast_to(x, y.shape) * y), np.sum(x * summed))


def test_nothing_is_copied_where_nothing_was_broadcast():
    """An array of the right shape comes back itself."""
    array = np.ones((2, 3))
    assert sum_to_shape(array, (2, 3)) is array
