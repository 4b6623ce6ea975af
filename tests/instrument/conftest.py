"""What the instrument's tests share."""

import gc
import signal
import time

import pytest

import garbology
from tests.fresh import fresh_interpreters


@pytest.fixture(scope="module")
def frozen_heap():
    """What is there before a module's tests is in no collection and no list: pytest, its items, other modules.

    For tests of what is made in a window: each takes a quarter of the time. Not for tests of what holds it from
    outside, which is not seen where it is frozen: no leak is judged there (tests/test_architecture.py).
    """
    if garbology.collector.kind() == "free-threaded":
        yield  # the instrument freezes by itself there, which is tested
        return
    gc.collect()
    with garbology.collector.frozen():
        yield


@pytest.fixture
def quiet_heap():
    """No garbage at the beginning, and no collection but the test's own."""
    for _ in range(3):
        if not gc.collect():  # what is freed may leave more
            break
    with garbology.collector.paused():
        yield


@pytest.fixture(scope="session")
def fresh():
    """`fresh.run(code)`: how a program ends that has an interpreter, and a module `__main__`, of its own."""
    with fresh_interpreters() as interpreters:
        yield interpreters


@pytest.fixture
def wait_for_interruption():
    """A function that gives Ctrl-C five seconds to come, in the background jobs of a shell as well, which ignore it."""

    def wait():
        end = time.monotonic() + 5
        while time.monotonic() < end:
            time.sleep(0.01)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield wait
    signal.signal(signal.SIGINT, before)
