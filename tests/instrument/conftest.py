"""What the instrument's tests share."""

import gc

import pytest

import garbology


@pytest.fixture
def quiet_heap():
    """No garbage at the beginning, and no collection but the test's own."""
    gc.collect()
    with garbology.collector.paused():
        yield
    gc.collect()
