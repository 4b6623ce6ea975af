"""What no object holds has a line that allocates it: a leaked reference, memory that C code keeps."""

import ctypes
import itertools
import tracemalloc

import pytest

import garbology
from garbology.growth import allocated
from tests.growth.test_diagnose import HAS_PYMALLOC, READS_ALLOCATORS

NUMBERS = itertools.count()
CACHE = {}

leak = ctypes.pythonapi.Py_IncRef
leak.restype, leak.argtypes = None, [ctypes.py_object]
libc = ctypes.CDLL(None)

pytestmark = [READS_ALLOCATORS, HAS_PYMALLOC]


def leak_texts():
    for _ in range(30):
        leak(f"a text {next(NUMBERS):040}")


def leak_a_large_text():
    leak(b"x" * next(NUMBERS) + b"x" * 3_000)


def leak_a_list():
    leak([next(NUMBERS), None] * 100)


def keep():
    CACHE[next(NUMBERS)] = [[], {}]


def allocate():
    libc.malloc(5_000)


def all_at_once():
    """What is kept has a holder, and what C code allocates itself is not seen."""
    keep()
    allocate()
    leak_texts()


LEAKS = {
    leak_a_large_text: 'leak(b"x" * next(NUMBERS) + b"x" * 3_000)',
    leak_a_list: "leak([next(NUMBERS), None] * 100)",
    all_at_once: 'leak(f"a text {next(NUMBERS):040}")',
}


@pytest.fixture(autouse=True)
def traced_by_nobody(stops_tracing):
    """What is held goes with the test, and tracemalloc is off as before."""
    assert not tracemalloc.is_tracing()
    yield
    CACHE.clear()
    assert not tracemalloc.is_tracing()


@pytest.mark.slow
@pytest.mark.parametrize("work", LEAKS, ids=lambda work: work.__name__)
def test_the_line_that_allocates_it_is_told(work):
    """With its text, and only that line."""
    report = garbology.diagnose(work, calls=20)
    (place,) = report.allocated_at
    assert place["source"] == LEAKS[work]
    assert place["where"].startswith("test_allocated.py:")
    parts = [report.native, report.unexplained, report.unheld]
    assert min(abs(place["bytes"] - part) / part for part in parts if part > 0) < 1 / 3
    assert f"allocated at {place['where']}: {place['source']}" in " ".join(str(report).split())
    assert report.to_dict()["allocated_at"] == [place]


@pytest.mark.slow
def test_what_has_a_holder_is_not_looked_for():
    """Then not a call more is made."""
    before = next(NUMBERS)
    report = garbology.diagnose(keep, calls=20, warmup=2)
    assert report.holders
    assert report.allocated_at == []
    assert next(NUMBERS) == before + 1 + 22


@pytest.mark.slow
def test_what_tracemalloc_does_not_see_has_no_line():
    """C code that calls `malloc`: no other line is taken for it."""
    report = garbology.diagnose(allocate, calls=20)
    assert report.native >= 5_000
    assert report.allocated_at == []


def test_looking_for_it_leaves_no_garbage():
    """What it listed goes with it, although the collector is paused."""
    allocated.allocated_at(leak_texts, [1_000], 20)
    assert (
        garbology.find_cycles(lambda: allocated.allocated_at(leak_texts, [1_000], 20) and None).garbage == 0
    )


def test_a_call_that_fails_costs_the_line_alone():
    """Who has no more to give was asked often enough: what was measured is told."""
    given = iter(range(16))

    def work():
        next(given)
        leak_texts()

    report = garbology.diagnose(work, calls=10, warmup=2)
    assert report.low > 0
    assert report.allocated_at == []
    assert list(given) == []


@pytest.mark.parametrize(("calls", "more"), [(50, 20), (2, 4)])
def test_no_more_calls_are_made_than_were_measured(calls, more):
    """Each may take long; but two at a time are needed."""
    made = []
    allocated.allocated_at(lambda: made.append(leak_texts()), [1_000], calls)
    assert len(made) == more
