"""Where the program runs tracemalloc itself: what that knows is used, and what it takes is not the program's growth."""

import itertools
import json
import re
import sys
import tracemalloc

import numpy as np
import pytest

import garbology
from garbology.growth.process import read_process
from garbology.interpreter import allocators
from tests.growth.test_diagnose import HAS_PYMALLOC, READS_ALLOCATORS, near

pytestmark = [READS_ALLOCATORS, HAS_PYMALLOC]

# Each count of the heap takes three times as long while it is traced, and pytest's heap is large.
PROGRAM = """
import ctypes, itertools, json, tracemalloc
import garbology
import numpy as np

numbers, held = itertools.count(), {}
leak = ctypes.pythonapi.Py_IncRef
leak.restype, leak.argtypes = None, [ctypes.py_object]
libc = ctypes.CDLL(None)

def leave_nothing():
    [object() for _ in range(100)]

def hold_an_array():
    held[next(numbers)] = np.zeros(1_000)

def all_at_once():
    libc.malloc(5_000)
    leak(b"x" * next(numbers) + b"x" * 3_000)
    cycle = [bytes(2_000)]
    cycle.append(cycle)
    held[next(numbers)] = [number + 0.5 for number in range(100)]

tracemalloc.start(FRAMES)
told = {}
for work in WORKS:
    report = garbology.diagnose(globals()[work], calls=20)
    told[work] = {**vars(report), "text": " ".join(str(report).split())}
    assert (tracemalloc.is_tracing(), tracemalloc.get_traceback_limit()) == (True, FRAMES)
print(json.dumps(told, default=str))
"""
LINE = 1 + PROGRAM[: PROGRAM.index('leak(b"x"')].count("\n")
# What each leaves at a call: alive, waiting, C's, unexplained, traced, the part of it that is NumPy's.
EXPECTED = {
    "hold_an_array": (8_200, 0, 0, 0, 8_160, 8_000),
    "all_at_once": (4_200, 2_150, 5_008, 3_070, 8_600, 0),
}


@pytest.fixture(scope="module")
def diagnosed(fresh):
    """What was told of some works, in a program that keeps so many frames a trace."""

    def of(frames, works):
        program = PROGRAM.replace("FRAMES", str(frames)).replace("WORKS", repr(works))
        ended = fresh.run(program)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return of


@pytest.fixture(scope="module")
def told(diagnosed):
    """Of each work, with one frame a trace."""
    return diagnosed(1, ["leave_nothing", *EXPECTED])


def wrong_figures(report, work):
    """What is not as it is known to be: 5 % or 64 bytes off; what is the rest of others, by 2 % of the growth."""
    names = "alive", "waiting", "native", "unexplained", "traced", "traced_numpy"
    rounding = 0.02 * sum(EXPECTED[work][:4])
    wrong = [
        (name, report[name], known)
        for name, known in zip(names, EXPECTED[work], strict=True)
        if not (near(report[name], known) or abs(report[name] - known) <= rounding)
    ]
    return wrong if near(report["grows"], sum(EXPECTED[work][:4])) else [("grows", report["grows"]), *wrong]


@pytest.mark.slow
@pytest.mark.parametrize("work", EXPECTED)
def test_each_kind_is_told_to_its_bytes(told, work):
    """C's memory apart from a text that leaked, which without tracemalloc are one figure."""
    assert wrong_figures(told[work], work) == [], told[work]["text"]
    assert told[work]["low"] > 0


@pytest.mark.slow
def test_where_nothing_grows_nothing_is_told(told):
    """Neither what tracemalloc keeps nor what the instrument does."""
    report = told["leave_nothing"]
    assert report["low"] <= 0, report["text"]
    assert (report["alive"], report["waiting"], report["native"], report["kept"]) == (0, 0, 0, 0), report[
        "text"
    ]
    assert "tracemalloc" not in report["text"]


@pytest.mark.slow
def test_so_it_is_with_many_frames_a_trace(diagnosed):
    """What tracemalloc keeps of them is none of the program's growth."""
    report = diagnosed(6, ["all_at_once"])["all_at_once"]
    assert wrong_figures(report, "all_at_once") == [], report["text"]


@pytest.mark.slow
def test_the_line_of_a_leak_is_told(told):
    """It is known already where it was allocated: tracemalloc need not be started, and is not stopped."""
    (place,) = told["all_at_once"]["allocated_at"]
    assert (place["where"], place["calls"]) == (f"<string>:{LINE}", 20)
    assert (told["hold_an_array"]["allocated_at"], told["leave_nothing"]["allocated_at"]) == ([], [])


@pytest.mark.slow
def test_it_reads_as_what_tracemalloc_counts(told):
    """Beside the parts, with NumPy's; C's memory is no text that leaked."""
    assert re.search(
        r"tracemalloc counts \S+ kB more a call, 8.00 kB of it NumPy's arrays", told["hold_an_array"]["text"]
    )
    assert "C code allocated it and has not freed it; `memray" in told["all_at_once"]["text"]


@pytest.fixture
def tracing(stops_tracing):
    """tracemalloc runs in this process."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("tracing")
def test_the_parts_of_what_is_traced_add_up():
    """Each block is pymalloc's or `malloc`'s, and NumPy's data are a part of what was asked for."""
    for _ in range(3):  # the first one fills lists of what was freed
        before = read_process().traced
    held = [np.zeros(1_000, np.int8), bytes(10_000), *(object() for _ in range(10_000))]
    after = read_process().traced
    in_list = sys.getsizeof(held)
    assert abs(after.numpy - before.numpy - 1_000) <= 16
    assert abs(after.asked - before.asked - in_list - 171_000) <= 4_000
    assert abs(after.in_c - before.in_c - in_list - 11_000) <= 2_000
    assert abs(after.small - before.small - 160_000) <= 2_000
    assert abs(after.traces - before.traces - len(held)) <= 50


@pytest.mark.usefixtures("tracing")
def test_the_rules_of_the_allocators_are_known_all_the_same():
    """Though pymalloc says nothing while it runs: they are asked for once, perhaps then."""
    before = allocators.block_rules()
    allocators.block_rules.cache_clear()
    assert allocators.block_rules() == before


def test_where_it_does_not_run_nothing_is_said_of_it():
    """Neither in the figures nor in words."""
    held = []
    report = garbology.diagnose(lambda: held.append(np.zeros(1_000)), calls=4)
    assert report.low > 0
    assert (report.traced, report.traced_numpy) == (None, None)
    assert "tracemalloc" not in str(report)


@pytest.mark.slow
@pytest.mark.usefixtures("stops_tracing")
def test_a_program_that_begins_to_trace_meanwhile_is_told_by_its_objects():
    """The figures before and after are no series."""
    calls, held = itertools.count(), []

    def work():
        if next(calls) == 15:
            tracemalloc.start()
        held.append(np.zeros(1_000))

    try:
        report = garbology.diagnose(work, calls=15, warmup=2)
    finally:
        tracemalloc.stop()
    assert near(report.grows, 8_112), str(report)
    assert (report.native, report.traced, report.traced_numpy) == (None, None, None)
