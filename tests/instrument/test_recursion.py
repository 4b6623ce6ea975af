"""Near the end of the stack: what an analysis cannot do there it says as any function does."""

import sys

import pytest

import garbology
from garbology.interpreter import memory_layout

pytestmark = pytest.mark.usefixtures("quiet_heap")

DEEPEST, STEP = 120, 3  # frames from the end of the stack


class Node:
    """Refers to itself."""

    def __init__(self):
        self.itself = self


def make():
    Node()


def at_depth(frames, work):
    return at_depth(frames - 1, work) if frames else work()


def frames_left():
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return sys.getrecursionlimit() - count


@pytest.mark.slow
def test_an_analysis_near_the_end_of_the_stack_works_or_raises_a_recursion_error():
    """Nothing but RecursionError leaves find_cycles, and the next analysis is right again."""
    garbology.find_cycles(make)
    left = frames_left()
    outcomes = set()
    for depth in range(left - DEEPEST, left - 1, STEP):
        try:
            outcomes.add(at_depth(depth, lambda: garbology.find_cycles(make)).garbage > 0)
        except RecursionError:
            outcomes.add("full")
    assert outcomes <= {True, "full"}
    assert garbology.find_cycles(make).garbage > 0


@pytest.mark.skipif(not memory_layout.can_read_memory(), reason="needs ctypes")
def test_a_full_stack_is_not_told_as_a_wrong_argument(monkeypatch):
    """What ctypes makes of it up to 3.11 does not reach the program."""

    def string_at(address, size):
        raise memory_layout.ctypes.ArgumentError(
            "argument 2: RecursionError: maximum recursion depth exceeded"
        )

    monkeypatch.setattr(memory_layout.ctypes, "string_at", string_at)
    with pytest.raises(RecursionError, match="the stack is too full"):
        memory_layout.words_at(id(make), 1)


@pytest.mark.slow
def test_a_local_far_up_the_stack_is_found():
    """However many functions are running, the one whose local it is gets named."""
    wanted = Node()
    answer = at_depth(min(600, frames_left() - 200), lambda: garbology.why_alive(wanted))
    assert (answer.kind, "wanted" in answer.root) == ("frame", True)
