"""What the instrument's tests share."""

import gc
import signal
import time
from pathlib import Path

import pytest

import garbology
from tests.fresh import fresh_interpreters

HERE = Path(__file__).parent
#: Files whose tests run under the plugin: what they make is cyclic on purpose, and what is garbology's is not to be.
#: Not those that have an advice proved, which is not done while another window is open, nor those that disturb the
#: analysis itself; nor those that read the whole heap, which would take half as long again.
WATCHED = ("addresses", "edges", "edges_running", "refcounts", "runtime", "sizes", "text", "traversal")


def pytest_collection_modifyitems(items):
    """The instrument leaves no cycles of its own where it reads and names."""
    watched = {f"test_{name}.py" for name in WATCHED}
    for item in items:
        if item.path.parent == HERE and item.path.name in watched:
            item.add_marker(pytest.mark.no_cycles(only=["garbology"]))


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
