"""What the instrument's tests share."""

import gc
import signal
import sys
import time
from pathlib import Path

import pytest

import garbology
from tests.fresh import fresh as fresh

HERE = Path(__file__).parent
#: The tests here run under the plugin: what they make is cyclic on purpose, what is garbology's is not to be, and what
#: a test watches itself is its own to judge. Files of which that is not asked, by the reason.
NOT_WATCHED = {
    "disturbs the analysis: without memory, under signals, in threads, with objects that are half built": (
        *(
            "adversary_hostile",
            "adversary_shutdown",
            "adversary_state",
            "components",
            "contents",
            "freethreading",
        ),
        *("interruption", "memory", "put_back", "recursion", "threads", "tracers"),
    ),
    "looks at frames, collections, looks or callbacks, of which a watch around the test has its own": (
        *("advice_moments", "assignments_seen", "collected", "few", "pauses", "sampler", "small_looks"),
        *("value_stacks", "without_looks"),
    ),
    "leaves much, or asks the whole heap again and again: it would take half as long again": (
        *(
            "advice",
            "advice_closures",
            "advice_endings",
            "advice_engine",
            "advice_exceptions",
            "advice_fitting",
        ),
        *(
            "advice_fixed",
            "advice_futures",
            "advice_gathered",
            "advice_memos",
            "advice_needed",
            "advice_remedies",
        ),
        *(
            "advice_reported",
            "advice_suspended",
            "advice_together",
            "assertions",
            "benchmarks",
            "crossing",
            "exactness",
            "find",
        ),
        *("held_by_c", "hidden", "large", "leaks", "listing", "to_the_end", "why_alive", "why_alive_asking"),
        *("why_alive_ipython", "why_alive_limits", "why_alive_roots"),
    ),
}


def pytest_collection_modifyitems(items):
    """A new file is watched, unless it says above why not."""
    left_out = {f"test_{name}.py" for names in NOT_WATCHED.values() for name in names}
    for item in items:
        if item.path.parent == HERE and item.path.name not in left_out:
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


@pytest.fixture
def eager_threads():
    """Threads take turns ten times as often. Each call in which NumPy lets go of the interpreter's lock would wait a
    turn of every busy thread for it, and a question has hundreds.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    yield
    sys.setswitchinterval(before)


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
