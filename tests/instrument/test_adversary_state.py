"""What the program sets for itself stays as it is, whatever it does while it is watched."""

import gc
import sys
import threading

import pytest

import garbology
from garbology.interpreter import returns
from garbology.interpreter.returns import Returns

needs_monitoring = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
TOOLS = range(6)


class Node:
    """Refers to another."""


def make_cycle() -> None:
    first, second = Node(), Node()
    first.next, second.next = second, first


def state() -> tuple[object, ...]:
    tools = [sys.monitoring.get_tool(tool) for tool in TOOLS] if sys.version_info >= (3, 12) else []
    return (
        *(gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks), gc.get_freeze_count()),
        *(list(gc.garbage), sys.getprofile(), sys.gettrace(), sys.getswitchinterval(), tools),
        sys.getrecursionlimit(),
    )


def watched_in_a_generator():
    with garbology.watch() as found:
        make_cycle()
        yield
    yield found


def test_a_profiler_set_inside_stays():
    """sys.setprofile() in the watched block holds after it."""

    def profile(*event):
        return None

    try:
        with garbology.watch():
            sys.setprofile(profile)
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)


@pytest.mark.slow
@needs_monitoring
def test_tools_freed_inside_do_no_harm():
    """A program that frees every monitoring tool is analysed all the same, and all tools stay free."""
    with garbology.watch() as found:
        make_cycle()
        for tool in TOOLS:
            if sys.monitoring.get_tool(tool):
                sys.monitoring.free_tool_id(tool)
    assert found.garbage >= 2
    assert [sys.monitoring.get_tool(tool) for tool in TOOLS] == [None] * len(TOOLS)


@pytest.mark.slow
@needs_monitoring
def test_a_tool_taken_over_inside_stays():
    """Who takes the identity of our tool keeps it."""
    with garbology.watch():
        (ours,) = (tool for tool in TOOLS if sys.monitoring.get_tool(tool) == "garbology")
        sys.monitoring.free_tool_id(ours)
        sys.monitoring.use_tool_id(ours, "the program's")
    try:
        assert sys.monitoring.get_tool(ours) == "the program's"
    finally:
        sys.monitoring.free_tool_id(ours)


def test_watches_that_overlap_leave_the_collector_on():
    """Of two watches the one that began first ends first, as with two tasks, and the collector is on at the end."""
    before = state()
    first, second = watched_in_a_generator(), watched_in_a_generator()
    next(first), next(second)
    one = next(first)
    assert not gc.isenabled()
    other = next(second)
    assert state() == before
    assert one.garbage >= 2
    assert other.garbage >= 2


def test_a_pause_ends_once():
    """Ending a pause again changes nothing that the program has set since."""
    pause = garbology.collector.Pause()
    pause.end()
    gc.disable()
    try:
        pause.end()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_watch_that_ends_in_another_thread():
    """The thread in which it began is left without a hook, and goes on."""
    before = state()
    watched = watched_in_a_generator()
    next(watched)
    found = []
    thread = threading.Thread(target=lambda: found.append(next(watched)))
    thread.start()
    thread.join()
    for _ in range(10):
        make_cycle()
    assert found[0].garbage >= 2
    assert state() == before


def test_an_inner_watch_does_not_end_the_outer_one():
    """Returns are told to the outer listener again when the inner one has stopped."""
    told = []
    outer = Returns(lambda frame, result: bool(told.append(("outer", result))) or True)
    inner = Returns(lambda frame, result: bool(told.append(("inner", result))) or True)

    def answer(number):
        return number

    outer.start()
    inner.start()
    answer(1)
    inner.stop()
    answer(2)
    outer.stop()
    answer(3)
    assert ("inner", 1) in told
    assert ("outer", 2) in told
    assert not {("inner", 2), ("outer", 3)} & set(told)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from 3.12 the interpreter passes it on itself")
def test_an_interruption_while_listening_reaches_the_program(monkeypatch, wait_for_interruption):
    """Ctrl-C in the middle of the profile function comes again after it."""

    def interrupted(self, frame, event, result):
        raise KeyboardInterrupt

    monkeypatch.setattr(Returns, "profiled", interrupted)
    with pytest.raises(KeyboardInterrupt), garbology.watch():
        make_cycle()
        wait_for_interruption()
    assert sys.getprofile() is None
    assert returns._listening.stack == []


def deep(frames, act):
    return deep(frames - 1, act) if frames else act()


@pytest.mark.slow
def test_a_recursion_limit_nearly_reached_leaves_all_as_it_was():
    """Wherever the stack ends, in entering, watching or analysing, everything is put back."""

    def watch_something():
        with garbology.watch():
            make_cycle()

    before, limit = state(), sys.getrecursionlimit()
    room, frame = 0, sys._getframe()
    while frame is not None:
        room, frame = room + 1, frame.f_back
    for frames in range(100, 200):
        sys.setrecursionlimit(room + 200)
        try:
            deep(frames, watch_something)
        except Exception:  # RecursionError, and what ctypes makes of it
            pass
        finally:
            sys.setrecursionlimit(limit)
        assert state() == before, frames


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_analysis_that_is_cut_short_leaves_all_as_it_was(monkeypatch, error):
    """An interruption goes through, the collector is on again, and no garbage is left behind."""

    def interrupted(*arguments, **options):
        raise error

    before = state()
    with monkeypatch.context() as patch:
        patch.setattr(garbology.find.explain, "explain", interrupted)
        with pytest.raises(error):
            garbology.find_cycles(make_cycle)
    assert state() == before


@pytest.mark.parametrize(
    "act",
    [
        gc.collect,
        gc.enable,
        gc.disable,
        lambda: gc.collect(0),
        lambda: (gc.enable(), [make_cycle() for _ in range(5_000)]),
        lambda: sys.settrace(None),
        lambda: sys.setprofile(None),
        lambda: gc.set_threshold(1) or gc.enable() or [[] for _ in range(100)],
    ],
)
def test_settings_that_the_program_changes(act):
    """The program may use the collector inside; a cycle that it makes afterwards is found."""
    threshold = gc.get_threshold()
    try:
        with garbology.watch() as found:
            act()
            gc.disable()
            make_cycle()
    finally:
        gc.set_threshold(*threshold)
    assert gc.isenabled()
    assert found.garbage >= 2
    assert any(f"{__name__}.Node" in shape.types for shape in found.shapes), str(found)


def test_what_the_program_freezes_stays_frozen():
    """Objects frozen inside are no longer the collector's, so none of them is called its garbage."""
    before = gc.get_freeze_count()
    try:
        with garbology.watch() as found:
            make_cycle()
            gc.freeze()
            frozen = gc.get_freeze_count()
        assert frozen > before
        assert gc.get_freeze_count() >= frozen - 100  # those that have died since
        assert not any(f"{__name__}.Node" in shape.types for shape in found.shapes)
    finally:
        gc.unfreeze()
        gc.collect()


def test_a_tracer_inside_sees_no_harm():
    """A trace function of the program's, called for every line of the analysis as well, changes no result."""
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        lines += 1
        return trace

    before = sys.gettrace()
    try:
        with garbology.watch() as found:
            make_cycle()
            sys.settrace(trace)
            make_cycle()
    finally:
        sys.settrace(before)
    assert lines
    assert sum(shape.types.get(f"{__name__}.Node", 0) * shape.count for shape in found.shapes) == 4, str(
        found
    )


def test_a_program_that_exhausts_its_stack(capfd):
    """A RecursionError inside is the program's own affair: nothing is printed, and its cycle is found."""

    def recurse():
        return recurse()

    with garbology.watch() as found:
        make_cycle()
        with pytest.raises(RecursionError):
            recurse()
    assert found.garbage >= 2
    assert capfd.readouterr().err == ""
