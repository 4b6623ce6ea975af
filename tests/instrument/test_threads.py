"""Several threads that watch at once: each finds its own, and none waits for ever."""

import os
import signal
import threading
import time

import pytest

import garbology
from garbology.interpreter import other_threads

pytestmark = pytest.mark.usefixtures("quiet_heap")

PATIENCE_SECONDS = 60


class Node:
    """Refers to itself."""

    def __init__(self):
        self.itself = self


def make(count):
    nodes = [Node() for _ in range(count)]
    return len(nodes)


def in_threads(number, work):
    results, started = [], threading.Barrier(number)

    def run():
        started.wait(PATIENCE_SECONDS)
        results.append(work())

    threads = [threading.Thread(target=run, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    return results


@pytest.mark.slow
def test_overlapping_analyses_do_not_hold_each_other_s_objects():
    """A window has the other threads' objects too, so no thread finds less than its own garbage."""
    each = 2_000

    def work():
        found = garbology.find_cycles(make, each)
        return sum(shape.count for shape in found.shapes if "Node" in str(shape.types))

    for _ in range(3):
        assert min(in_threads(2, work)) >= each


@pytest.mark.slow
def test_an_analysis_inside_the_watched_function_does_not_wait_for_itself():
    """A watched function may analyse in its own thread, and ask why something is alive."""

    def outer():
        kept = Node()
        inner = garbology.find_cycles(make, 3)
        assert garbology.why_alive(kept).edges is not None
        return inner.garbage

    (found,) = in_threads(1, lambda: garbology.find_cycles(outer))
    assert found.garbage


@pytest.mark.slow
def test_a_watched_function_may_wait_for_a_thread_that_analyses():
    """No lock is held while watched code runs."""
    found = garbology.find_cycles(
        lambda: in_threads(1, lambda: garbology.find_cycles(make, 2).garbage) and None
    )
    assert found.garbage


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_during_an_analysis_can_analyse():
    """Whoever analysed at the fork is not in the child, which has a lock of its own."""
    held, release = threading.Event(), threading.Event()

    def hold():
        with garbology.interpreter.exclusive.analysis():
            held.set()
            release.wait(PATIENCE_SECONDS)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    held.wait(PATIENCE_SECONDS)
    child = os.fork()
    if not child:
        signal.alarm(PATIENCE_SECONDS)
        os._exit(0 if garbology.find_cycles(make, 2).garbage else 1)
    release.set()
    thread.join(PATIENCE_SECONDS)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
def test_proofs_stay_out_of_other_windows():
    """Threads that watch and print what they find: each counts its own cycle, whatever the others try."""
    threads, rounds = 4, 80

    def work():
        short = 0
        for _ in range(rounds // threads):
            found = garbology.find_cycles(make, 1)
            short += sum(shape.count for shape in found.shapes if "Node" in str(shape.types)) < 1
            assert str(found)
        return short

    with garbology.collector.frozen():  # a small heap: the threads take turns more often
        for _ in range(2):
            assert sum(in_threads(threads, work)) == 0


@pytest.mark.slow
def test_a_proof_waits_for_no_window_that_cannot_end():
    """Inside an outer watch it is not made; that is said, and it is made when it is asked for afterwards."""
    with garbology.watch() as outer:
        advice = garbology.find_cycles(make, 1).shapes[0].advice
        assert not advice.verified
        assert "another watch was open" in advice.trial
    assert sum(shape.count for shape in outer.shapes if "Node" in str(shape.types)) == 1
    assert advice.verified


def test_a_proof_is_made_beside_a_window_that_began_later():
    """What is older than a window is not in it."""
    advice = garbology.find_cycles(make, 1).shapes[0].advice
    with garbology.watch():
        assert advice.verified


@pytest.mark.slow
def test_a_proof_waits_for_another_thread_s_window_and_not_for_ever():
    """A window that ends soon is waited for; one that does not is not, and the whole finding waits once."""
    inside, end = threading.Event(), threading.Event()

    def other():
        with garbology.watch():
            inside.set()
            end.wait(PATIENCE_SECONDS)

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    inside.wait(PATIENCE_SECONDS)
    advice = garbology.find_cycles(make, 1).shapes[0].advice
    assert not advice.verified
    end.set()
    assert garbology.find_cycles(make, 1).shapes[0].advice.verified
    thread.join(PATIENCE_SECONDS)
    assert advice.verified


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="threads have no clocks")
def test_a_thread_may_end_while_the_threads_are_asked_for_their_time(monkeypatch):
    """Its clock is gone then, and the program's watch hears nothing of that."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, args=(PATIENCE_SECONDS,))
    thread.start()
    clock = time.pthread_getcpuclockid(thread.ident)
    assert thread.ident in other_threads.processor_times()
    monkeypatch.setattr(time, "pthread_getcpuclockid", lambda ident: clock)
    end.set()
    thread.join()
    assert in_threads(1, other_threads.processor_times) == [{}]
