"""The test functions have their published minima and gradients."""

import numpy as np
import pytest

from autograd_core import Variable, goldstein_price, gradcheck, matyas, sphere


@pytest.mark.parametrize("mode", ["strong", "weak", "none"])
@pytest.mark.parametrize(
    ("function", "gradient"),
    [(sphere, (2, 2)), (matyas, (0.04, 0.04)), (goldstein_price, (-5376, 8064))],
)
def test_gradients_at_one(function, gradient, mode):
    """At (1, 1) the gradients are those of the literature, in every mode."""
    from autograd_core import output_references

    x, y = Variable(np.array(1.0)), Variable(np.array(1.0))
    with output_references(mode):
        function(x, y).backward()
    np.testing.assert_allclose((x.grad, y.grad), gradient, rtol=1e-9)
    gradcheck(function, 1.0, 1.0, absolute_tolerance=1e-3)


@pytest.mark.parametrize(
    ("function", "place", "least"), [(sphere, (0, 0), 0), (matyas, (0, 0), 0), (goldstein_price, (0, -1), 3)]
)
def test_minima(function, place, least):
    """At their minima the values are the published ones, and arrays and numbers are accepted."""
    assert function(*map(float, place)).data == pytest.approx(least)
    assert function(np.full(2, float(place[0])), np.full(2, float(place[1]))).data == pytest.approx(least)
