"""tracemalloc is switched off in a program that goes on: without a crash, or not at all."""

import _thread
import queue
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from garbology.interpreter import allocation_tracing, exclusive, other_threads
from garbology.interpreter.other_threads import processor_times
from garbology.recorders import allocations

# The threads of the pool call it themselves, and go on while one finds out what the others do.
POOL = """
import time, tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial
import numpy as np
from garbology.interpreter.allocation_tracing import stop_tracing

sort = partial((np.arange(16_384) % 7).argsort, kind="stable")
with ThreadPoolExecutor(2) as pool:
    for _ in range(15):
        tracemalloc.start()
        jobs = [pool.submit(sort) for _ in range(200)]
        time.sleep(0.003)
        stop_tracing()
        for each in jobs:
            each.result()
print(tracemalloc.is_tracing())
"""


def threads_in_c(before):
    """As it is found out before tracemalloc is switched off."""
    frames = other_threads._frames_of_others()
    return other_threads._in_c(frames, before, {each: each.f_lasti for each in frames.values()})


def in_a_pool(work):
    """Begins it in a thread that waits for work before and afterwards; answers with what waits for its end."""
    pool = ThreadPoolExecutor(1)
    pool.submit(work)
    return pool.shutdown


def in_a_thread(work):
    """The same in a thread that does nothing else."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread.join


def without_a_frame(work):
    """The same in a thread that calls no function in Python."""
    before = _thread._count()
    _thread.start_new_thread(work, ())

    def wait():
        while _thread._count() > before:
            time.sleep(0.01)

    return wait


pytestmark = pytest.mark.skipif(allocation_tracing.ctypes is None, reason="there is no ctypes")

# NumPy sorts without the GIL, and tells tracemalloc of its blocks. With a bare stop, 3.12.1 and 3.13.0 often die.
SORTS = """
import threading, tracemalloc
import numpy as np
from garbology.interpreter.allocation_tracing import stop_tracing

def trace(rounds):
    for number in range(rounds):
        tracemalloc.start()
        for _ in range(number % 40 * 500):
            pass
        off.append(stop_tracing())

off = []
tracer = threading.Thread(target=trace, args=[100])
tracer.start()
numbers = np.arange(16_384) % 7
while tracer.is_alive():
    numbers.argsort(kind="stable")
print(len(off), all(off), tracemalloc.is_tracing())
"""


@pytest.mark.slow
def test_a_program_that_sorts_meanwhile_goes_on(fresh):
    """Its only thread does it, between two sorts."""
    ended = fresh.run(SORTS)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "100 True False\n", "")


@pytest.mark.slow
def test_a_pool_that_sorts_meanwhile_goes_on(fresh):
    """Its threads run one C function after another."""
    ended = fresh.run(POOL)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "False\n", "")


@pytest.mark.parametrize("mended", [False, True])
def test_beside_a_thread_in_c_it_stays_on_where_cpython_would_crash(monkeypatch, mended):
    """For as long as there is patience; a CPython that does not crash needs none."""
    monkeypatch.setattr(allocation_tracing, "_is_mended", lambda: mended)
    monkeypatch.setattr(other_threads, "_in_c", lambda frames, before, places: {1})
    tracemalloc.start()
    try:
        assert allocation_tracing.stop_tracing(0.1) is mended
        assert tracemalloc.is_tracing() is not mended
    finally:
        tracemalloc.stop()


def test_a_thread_that_sorts_is_in_c_and_one_that_counts_is_not():
    """What decides: the instruction at which another thread was interrupted; 3.10 may interrupt it at any."""
    ends, numbers = [], np.arange(3_000_000)[::-1] % 1_000_003

    def sort():
        while not ends:
            numbers.argsort(kind="stable")

    def count():
        while not ends:
            pass

    seen = {}
    for work in (sort, count):
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.05)
        seen[work] = [thread.ident in threads_in_c({}) for _ in range(30) if not time.sleep(0.001)]
        ends.append(True)
        thread.join()
        ends.clear()
    assert sum(seen[sort]) > 20
    assert sys.version_info < (3, 11) or not any(seen[count])


@pytest.mark.parametrize("begin", [in_a_pool, in_a_thread, without_a_frame], ids=lambda each: each.__name__)
def test_a_c_function_that_a_thread_was_given_is_seen(begin):
    """The function of the standard library that calls it does not wait then."""
    numbers = np.random.default_rng(0).random(5_000_000)
    time.sleep(0.05)
    before = processor_times()
    assert not threads_in_c(before)
    end = begin(partial(numbers.argsort, kind="stable"))
    time.sleep(0.05)
    seen = threads_in_c(before)
    end()
    assert len(seen) == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="what a function calls is not seen")
@pytest.mark.parametrize("make", [queue.Queue, queue.SimpleQueue], ids=lambda each: each.__name__)
def test_a_thread_that_waits_is_in_no_c_function_that_works(make):
    """Whenever it has run."""
    jobs = make()
    thread = threading.Thread(target=lambda: jobs.get())
    thread.start()
    time.sleep(0.05)
    seen = threads_in_c({})
    jobs.put(None)
    thread.join()
    assert thread.ident not in seen


def test_beside_threads_that_wait_it_is_off_at_once():
    """The main thread waits for the one that asks."""
    tracemalloc.start()
    answers = []
    asker = threading.Thread(target=lambda: answers.append(allocation_tracing.stop_tracing(60)))
    asker.start()
    asker.join()
    assert answers == [True]
    assert not tracemalloc.is_tracing()


def test_a_call_that_is_late_leaves_the_program_s_own_tracing(monkeypatch):
    """What is asked of the main thread cannot be taken back."""
    monkeypatch.setattr(allocation_tracing, "_is_mended", lambda: False)
    tracemalloc.start()
    assert allocation_tracing.stop_tracing()
    tracemalloc.start()
    try:
        allocation_tracing._call()(None)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_block_that_was_traced_beside_such_a_thread_warns(monkeypatch):
    """The figures are there."""
    monkeypatch.setattr(allocations, "_switched_off", lambda: False)
    with (
        pytest.warns(RuntimeWarning, match="tracemalloc is still on"),
        allocations.traced_allocations() as traced,
    ):
        kept = bytes(1_000)
    assert traced.current_bytes >= len(kept)
    tracemalloc.stop()


def test_the_frames_of_an_analysis_are_not_looked_at(monkeypatch):
    """They would outlive their functions, with all objects that are listed: the collection would free none of them."""
    looked = []
    monkeypatch.setattr(allocation_tracing, "_is_mended", lambda: False)
    monkeypatch.setattr(
        allocation_tracing, "call_unless_in_c", lambda *_, **__: looked.append(is_under_way.is_set())
    )
    is_under_way, has_ended = threading.Event(), threading.Event()

    def analyse():
        with exclusive.analysis():
            is_under_way.set()
            has_ended.wait(60)
            is_under_way.clear()

    thread = threading.Thread(target=analyse)
    thread.start()
    is_under_way.wait(60)
    tracemalloc.start()
    try:
        assert not allocation_tracing.stop_tracing(0.2)
        assert looked == []
        has_ended.set()
        thread.join()
        assert not allocation_tracing.stop_tracing(0.2)
        assert looked
        assert not any(looked)
    finally:
        tracemalloc.stop()
