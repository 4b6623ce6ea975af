"""What tests of growth share."""

import pytest

from garbology.interpreter.allocation_tracing import is_stopped_safely
from tests.fresh import fresh as fresh


@pytest.fixture
def stops_tracing():
    """For tests that switch tracemalloc off again."""
    if not is_stopped_safely():
        pytest.skip("beside another thread, as in a worker of xdist, this CPython may crash of it")
