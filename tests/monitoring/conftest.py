"""What tests of the monitor share."""

import gc

import pytest


@pytest.fixture
def quiet():
    """Nothing of earlier tests is left, and the heap of the test runner is not collected each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    assert gc.isenabled()
