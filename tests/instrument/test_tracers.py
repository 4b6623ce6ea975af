"""Tracers, profilers and debuggers beside a watch see of the program what they see without one."""

import bdb
import gc
import importlib
import io
import json
import os
import pdb
import pstats
import re
import subprocess
import sys
import threading
import warnings
from collections import Counter
from contextlib import nullcontext

import pytest

import garbology

PATIENCE_SECONDS = 100


@pytest.fixture(autouse=True)
def no_callbacks_of_others():
    """`profile` fails by itself beside a callback in Python, of which hypothesis leaves one in the process.

    On 3.11 to 3.13 a collection may begin while a function is entered, before a profile function hears of it.
    """
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = callbacks


PROGRAM = """
import threading

class Node:
    def __init__(self):
        self.itself = self

def leaf(number):
    answer = number + 1
    return answer

def cycle():
    node = Node()
    leaf(1)
    return node

def count(number):
    for each in range(number):
        yield leaf(each)

def nested():
    with watch() as outer:
        inside = leaf(3)
        with watch():
            cycle()
        list(count(3))
    text = str(outer)
    return inside

def raising():
    try:
        with watch():
            leaf(1)
            raise KeyError(1)
    except KeyError:
        answer = leaf(5)
    return answer

def many():
    for number in range(4):
        with watch() as found:
            number = leaf(number)
            if number % 2:
                cycle()
        number += 1
    return str(found)

def suspended():
    with watch():
        answer = leaf(1)
        yield answer
        answer += 1
    yield answer

def in_a_thread():
    def work():
        before = leaf(1)
        with watch():
            cycle()
        leaf(before)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def main():
    nested()
    raising()
    many()
    in_a_thread()
    left = suspended()
    next(left)
    leaf(0)
    next(left)
    end = leaf(100)
    return end
"""
NAME = "/program under test.py"


def program(watch):
    """The functions of the program, with what it watches by."""
    namespace = {"watch": watch, "__name__": "program"}
    exec(compile(PROGRAM, NAME, "exec"), namespace)
    return namespace["main"]


def events_seen(run, install, uninstall):
    seen = Counter()

    def told(frame, event, argument):
        if frame.f_code.co_filename == NAME:
            seen[event, frame.f_code.co_name, frame.f_lineno if "c_" not in event else 0] += 1
        return told

    install(told)
    try:
        run()
    finally:
        uninstall()
    return seen


def traced(run):
    """Every event of a trace function, in all threads."""
    before = sys.gettrace()
    threading.settrace(None)

    def install(told):
        threading.settrace(told)
        sys.settrace(told)

    def uninstall():
        sys.settrace(before)
        threading.settrace(before)

    return events_seen(run, install, uninstall)


def profiled(run):
    """Every event of a profile function, in all threads."""

    def install(told):
        threading.setprofile(told)
        sys.setprofile(told)

    def uninstall():
        sys.setprofile(None)
        threading.setprofile(None)

    return events_seen(run, install, uninstall)


def called_by(name):
    """How often each function was called, says a profiler of the standard library."""

    def calls(run):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of profile, on 3.15
            made = importlib.import_module(name).Profile()
        made.runcall(run)
        stats = pstats.Stats(made).stats
        return {key: entry[0] for key, entry in stats.items() if key[0] == NAME and key[2] != "suspended"}

    return calls


def debugged(run):
    """Where pdb stops: at a breakpoint, at the line after it, at each visit."""
    commands = "\n".join(["c", "n"] * 60)
    printed = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO(commands), stdout=printed, nosigint=True, readrc=False)
    debugger.use_rawinput = False
    debugger.breaks[NAME] = [9]
    bdb.Breakpoint(NAME, 9)
    debugger.runcall(run)
    bdb.Breakpoint.clearBreakpoints()
    return re.findall(r"^(?:\(Pdb\) )?> .*\((\d+)\)(\w+)\(\)", printed.getvalue(), re.M)


def balanced(run):
    """Calls that a profile function was told of and returns that it was not, or the other way round."""
    stack, wrong = [], []

    def told(frame, event, argument):
        if event == "call":
            stack.append(frame.f_code)
        elif event == "return" and (not stack or stack.pop() is not frame.f_code):
            wrong.append(frame.f_code.co_name)

    sys.setprofile(told)
    try:
        run()
    finally:
        sys.setprofile(None)
    return [name for name in wrong if name != "told"]


SEERS = {
    "sys.settrace": traced,
    "sys.setprofile": profiled,
    "calls and returns": balanced,
    "cProfile": called_by("cProfile"),
    "profile": called_by("profile"),
    "pdb": debugged,
}


class Quiet(nullcontext):
    """A watch that watches nothing."""


@pytest.mark.slow
@pytest.mark.skipif(sys.gettrace() is not None, reason="this run is traced itself")
@pytest.mark.parametrize("see", SEERS.values(), ids=SEERS)
def test_what_is_seen_of_the_program_is_the_same(see):
    """The same events, the same lines, the same numbers of calls, outside of the instrument's own functions."""
    without = see(program(Quiet))
    assert see(program(garbology.watch)) == without
    assert without or see is balanced


class Stepping:
    """Traces by a bound method, of which each function that it goes through gets one of its own."""

    def told(self, frame, event, argument):
        return self.told


def test_the_trace_function_of_a_function_that_runs_is_no_finding():
    """A debugger that goes from line to line within the block leaves a bound method with the function's frame."""
    before = sys.gettrace()
    sys.settrace(Stepping().told)
    try:
        found = step_through()
    finally:
        sys.settrace(before)
    assert (found.garbage, found.leaks, found.held_by_c) == (0, [], [])


def step_through():
    with garbology.watch() as found:
        number = 1
        number += 1
    return found


START = """
from contextlib import nullcontext
import alone
alone.watch = nullcontext
alone.main()

import garbology, watched
watched.watch = garbology.watch
watched.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage_sees_every_line(tmp_path, core):
    """After a watch, inside it, in the branches, as without one: of two copies, in one process."""
    pytest.importorskip("coverage")
    for name in ("watched", "alone"):
        (tmp_path / f"{name}.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "start.py").write_text(START, encoding="utf-8")
    environment = {**os.environ, "COVERAGE_CORE": core, "COVERAGE_FILE": str(tmp_path / "data")}
    for command in (
        ["run", "--branch", "--include=*/watched.py,*/alone.py", "start.py"],
        ["json", "-q", "-o", "lines.json"],
    ):
        subprocess.run(
            [sys.executable, "-m", "coverage", *command],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
        )
    files = json.loads((tmp_path / "lines.json").read_text())["files"]
    seen = {name: (told["executed_lines"], told["executed_branches"]) for name, told in files.items()}
    assert seen["watched.py"] == seen["alone.py"]
    assert len(seen["watched.py"][0]) > 40
