"""Slices of time: why the memory of a running program grows, told under its own collector."""

import gc
import json
import sys
import threading
import time

import numpy as np
import pytest

from garbology.find.explain import judged
from garbology.growth.baseline import Baseline, State
from garbology.growth.census import take_census
from garbology.growth.figures import add_garbage
from garbology.growth.report import Report
from garbology.growth.slices import Slices, _counted, _precision
from garbology.interpreter import allocators, collector
from garbology.monitoring import growing
from garbology.monitoring.growing import GrowthThread
from garbology.names import sources
from garbology.snapshot.listing import closed, listing

pytestmark = [
    pytest.mark.skipif(allocators.read_allocated() is None, reason="no glibc 2.33 here"),
    pytest.mark.skipif(collector.kind() != "generational", reason="garbage is known on this collector alone"),
]
# In an interpreter of its own, where little else is alive. The clock is the program's own, and looks are taken as it
# has them, however slow the machine is.
PROGRAM = """
import gc, json
from garbology.growth import slices

KEPT, CACHE, SIZE, PER_SLICE, SLICE_SECONDS = {}, {}, 20_000, 3, 0.25
now = 0.0
slices._SHARE, slices._FIRST_SECONDS, slices._DISTANCE = 1e9, 2.0, 0.1
growing = slices.Slices(clock=lambda: now)

class Session:
    def __init__(self):
        self.data = bytes(SIZE)

class Node:
    def __init__(self):
        self.me = self
        self.data = bytes(SIZE)

def leave():
    for _ in range(PER_SLICE):
        KEPT[f"user{len(KEPT)}"] = Session()

def waste():
    for _ in range(PER_SLICE):
        Node()

def run(work, seconds):
    global now
    for _ in range(int(seconds / SLICE_SECONDS)):
        work()
        now += SLICE_SECONDS
        growing.look_when_due()

growing.begin()
"""
EACH = 3 * (20_000 + 150) * 4  # bytes a second
LONG_SECONDS = 40  # in half of that, 128 kB that came once were 5 % now and then


@pytest.fixture
def told(fresh):
    """What is told of a program, with the text."""

    def ask(work):
        report = "report = growing.report()\nprint(json.dumps({**report.to_dict(), 'text': str(report)}))"
        done = fresh.run(f"{PROGRAM}\n{work}\n{report}")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        answer["text"] = " ".join(answer["text"].split())
        return answer

    return ask


def near(value, expected):
    return abs(value - expected) <= 0.05 * expected


@pytest.mark.slow
def test_what_is_held_is_told_a_second(told):
    """Its bytes, its entries, its holder; no key."""
    report = told(f"run(leave, {LONG_SECONDS})")
    assert near(report["grows"], EACH)
    assert near(report["alive"], EACH)
    assert report["low"] <= report["grows"] <= report["high"]
    (holder,) = report["holders"]
    assert holder["name"] == "__main__.KEPT[str]"
    assert near(holder["entries"], 12)
    assert report["waiting"] == report["kept"] == report["native"] == 0
    assert "KEPT[str] gains 12 Session a second" in report["text"]
    assert "user" not in json.dumps(report)


@pytest.mark.slow
def test_garbage_that_the_collector_keeps_up_with_is_no_growth(told):
    """What waits between two collections comes and goes."""
    report = told("run(lambda: (waste(), int(now * 4) % 7 or gc.collect()), 20)")
    assert report["waiting"] == 0
    assert report["text"].startswith("no growth seen"), report["text"]
    assert report["can_tell"] < 0.3 * EACH


@pytest.mark.slow
def test_garbage_that_nothing_collects_waits(told):
    """With its cycle; it is not called alive."""
    report = told(f"gc.disable()\nrun(waste, {LONG_SECONDS})")
    assert near(report["waiting"], EACH)
    assert near(report["grows"], EACH)
    assert abs(report["alive"]) < 0.05 * EACH
    assert "waits for the collector: cycle Node.me -> Node" in report["text"]


@pytest.mark.slow
def test_both_are_told_apart(told):
    """Live and waiting growth of one program."""
    report = told(f"gc.disable()\nrun(lambda: (leave(), waste()), {LONG_SECONDS})")
    assert near(report["alive"], EACH)
    assert near(report["waiting"], EACH)
    assert near(report["grows"], 2 * EACH)


@pytest.mark.slow
def test_memory_of_c_code_is_told(told):
    """What `malloc` handed out and no object has."""
    program = "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
    report = told(program + "run(lambda: [libc.malloc(20_150) for _ in range(PER_SLICE)], 20)")
    assert near(report["native"], EACH)
    assert near(report["grows"], EACH)
    assert report["holders"] == []


@pytest.mark.slow
def test_what_comes_at_once_is_no_growth(told):
    """As the interpreter's table of names, which is resized once; by its bytes it were 60 kB a second."""
    program = "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
    report = told(f"{program}run(lambda: 12 <= now < 12 + SLICE_SECONDS and libc.malloc(600_000), 20)")
    assert report["low"] <= 0
    assert report["text"].startswith("no growth seen"), report["text"]


@pytest.mark.slow
def test_a_program_s_beginning_is_no_growth(told):
    """What it makes at first, as by imports, is before the census that growth is counted from."""
    report = told("run(lambda: [leave() for _ in range(10)], 2)\nrun(lambda: None, 14)")
    assert report["warmup"] >= 2
    assert report["text"].startswith("no growth seen"), report["text"]


@pytest.mark.slow
def test_what_fills_and_stops_is_bounded(told):
    """Later than the beginning; how many entries it gained is told."""
    fill = "run(lambda: now < 9 and CACHE.setdefault(now, [bytes(SIZE)]), 9)"
    report = told(f"run(lambda: None, 5)\n{fill}")
    assert report["holders"] == []
    assert [each["name"] for each in report["bounded"]] == ["__main__.CACHE[float]"]


@pytest.mark.slow
def test_a_short_time_tells_nothing(told):
    """One sentence, no figures."""
    report = told("run(leave, 1)")
    assert report["too_short"]
    assert report["text"].endswith("too short a time to tell growth from a program's beginning")


LISTS = """
import threading
import numpy as np
from garbology.growth.slices import fill_lists_of_freed
from garbology.interpreter.allocators import read_allocated

def small_arrays():
    for size in range(1, 1_024):
        [np.empty(size, np.int8) for _ in range(3)]

def c_used_before_and_after():
    fill_lists_of_freed()
    read_allocated()
    before = read_allocated().c_used
    small_arrays()
    print(read_allocated().c_used - before)

c_used_before_and_after()
thread = threading.Thread(target=c_used_before_and_after)
thread.start()
thread.join()
"""


def test_lists_of_freed_memory_are_full_before_the_first_reading(fresh):
    """Small arrays of sizes that the process has not had yet leave nothing more in use, in each thread."""
    ended = fresh.run(LISTS)
    assert ended.stderr == ""
    assert [abs(int(gained)) < 2_048 for gained in ended.stdout.split()] == [True, True], ended.stdout


@pytest.mark.parametrize(
    ("states", "least_bytes"), [(3, 1 << 20), (4, 1 << 20), (5, 128 << 10), (40, 128 << 10)]
)
def test_garbage_that_rises_by_chance_is_no_growth(states, least_bytes):
    """It comes and goes with each collection; three figures in a row rise in every third recording."""
    assert _precision(states, 1_000).total_bytes == least_bytes
    for rise, keeps_up, steps, waits in [
        (least_bytes - 4_096, False, 3, False),
        (least_bytes + 4_096, False, 3, True),
        (10 * least_bytes, True, 3, False),
        (10 * least_bytes, True, 10, True),
    ]:
        report = Report(unit="second", calls=8)
        rising = [state(8 * step / (steps - 1), rise * step // (steps - 1)) for step in range(steps)]
        add_garbage(report, rising, least_bytes, keeps_up=keeps_up)
        assert (report.waiting > 0) is (report.grows > 0) is waits


def state(step, waiting):
    nothing = np.empty(0, np.int32)
    return State(step, 0, 0, 0, waiting, 0, nothing, nothing, nothing, {})


def test_an_address_that_something_else_has_now_is_new():
    """Only an object of the same type may be the one that was there."""

    class First:
        pass

    class Second:
        pass

    held = [First(), Second(), First()]
    nothing = np.zeros(len(held), bool)
    baseline = Baseline(take_census(list(held), nothing, np.empty(0, np.int64)), 0, 0)
    held[0].__class__ = Second
    assert baseline.places_of(held).tolist() == [-1, 1, 2]
    assert baseline.places_of([held[2], []]).tolist() == [2, -1]


@pytest.mark.slow
def test_what_the_instrument_keeps_in_its_modules_is_its_own():
    """Its cache of source lines grows with the first report, by 45 kB, and was told as held by C code."""
    kept = sources._kept
    sources.lines_of(__file__)
    assert kept
    (snapshot, garbage) = judged(closed(listing()))
    objects = snapshot.objects
    census, own_bytes, _ = _counted(snapshot, garbage, np.zeros(len(objects), np.int32))
    (place,) = (number for number, each in enumerate(objects) if each is kept)
    (shared,) = (number for number, each in enumerate(objects) if each is gc.callbacks)
    assert census.bytes[place] == 0
    assert own_bytes > sys.getsizeof(kept)
    assert census.bytes[shared] > 0  # what is the program's, too


def test_a_recorded_process_tells_now_and_then_and_at_its_end(monkeypatch):
    """One that is killed leaves what was told last; the thread ends."""
    told = []
    monkeypatch.setattr(growing, "_FIRST_TOLD_SECONDS", 0.0)
    monkeypatch.setattr(growing, "_POLL_SECONDS", 0.01)
    thread = GrowthThread(told.append, keys=False)
    thread.start()
    until = time.monotonic() + 60
    while not told and time.monotonic() < until:
        time.sleep(0.05)
    thread.finish(with_program=True)
    assert {each["schema"] for each in told} == {"garbology.growth"}
    assert len(told) > 1
    assert told[-1]["unit"] == "second"
    assert json.loads(json.dumps(told)) == told
    assert not [each for each in threading.enumerate() if each.name == "garbology.growth"]


def test_what_goes_wrong_is_told_and_ends_it(monkeypatch):
    """No exception reaches the program, neither in the thread nor at its end."""
    told = []
    thread = GrowthThread(told.append, keys=False)
    monkeypatch.setattr(Slices, "_take", lambda self, now, last=False: [][1])
    thread.start()
    thread.finish(with_program=True)
    assert told == [{"failed": "IndexError: list index out of range"}]


def test_on_another_collector_it_is_refused(monkeypatch):
    """In one sentence; nothing is read."""
    told = []
    monkeypatch.setattr(growing.collector, "kind", lambda: "free-threaded")
    thread = GrowthThread(told.append, keys=False)
    thread.start()
    thread.finish(with_program=False)
    assert [list(each) for each in told] == [["failed"]]
    assert "on this collector" in told[0]["failed"]


@pytest.mark.slow
def test_a_dictionary_of_texts_grows_and_not_what_is_new_beside_it(told):
    """A module gains names as it begins; what grows is a dictionary that the collector does not track."""
    report = told("""
TEXTS = {}
def fill():
    TEXTS[len(TEXTS)] = bytes(SIZE)

run(fill, 16)
NEW = [Session()]
run(fill, 8)
""")
    (holder,) = report["holders"]
    assert holder["name"].startswith("__main__.TEXTS"), report["text"]
    assert near(holder["bytes"], 4 * 20_033)
    assert "Session" not in report["text"]


@pytest.mark.slow
def test_a_time_with_many_digits_leaves_no_count_out(told):
    """What is alive is judged from the same counts as what grows: else the rest is told as unexplained."""
    report = told(
        "SLICE_SECONDS = 0.33376\nrun(leave, 12)\nPER_SLICE = 30\nrun(leave, 2)\nPER_SLICE = 3\nrun(leave, 2)"
    )
    assert abs(report["unexplained"]) < 0.05 * report["grows"], report["text"]


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False], ids=["told before", "never told"])
def test_what_a_program_lets_go_at_its_end_grew(told, named):
    """The locals of its main function have died when the last count is taken: nothing seemed to grow."""
    report = told(f"""
def main():
    items = []
    def fill():
        items.append(bytes(SIZE))
    run(fill, 20)
    if {named}:
        growing.report()
    run(fill, 8)

main()
now += 0.1
whole = growing.report
growing.report = lambda: whole(now)
""")
    (holder,) = report["holders"]
    assert holder["name"] == ("local items[int]" if named else "an object that has died since"), report[
        "text"
    ]
    assert near(report["grows"], 4 * 20_048)
    assert near(holder["bytes"], 4 * 20_048)
    assert abs(report["unexplained"]) < 0.05 * report["grows"], report["text"]


@pytest.mark.slow
def test_names_that_came_at_once_are_not_what_grows(told):
    """A program that begins has new names, of which one grows: the last was told, with an entry now and then."""
    report = told("""
def begin():
    global FIRST, LATER
    FIRST = Session()
    FIRST.kept = []
    LATER = Session()

SIZE = 400_000
begin()
run(lambda: FIRST.kept.append(Session()), 3.75)
""")
    (holder,) = report["holders"]
    assert holder["name"] == "__main__.FIRST", report["text"]
    assert holder["entries"] == 0
    assert "__main__.FIRST grows" in report["text"]
