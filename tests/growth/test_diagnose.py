"""`garbology.diagnose`: four kinds of growth told apart, to the byte, on programs whose growth is known."""

import asyncio
import collections
import ctypes
import functools
import gc
import io
import json
import logging
import re
import sys
import threading
from pathlib import Path
from xml.etree.ElementTree import XMLParser

import numpy as np
import psutil
import pytest

import garbology
from garbology.growth import recording
from garbology.growth.blocks import blocks_of_each
from garbology.growth.census import _Reader, take_census
from garbology.growth.figures import add_waiting, believe_objects
from garbology.growth.gains import has_stopped, rises_again
from garbology.growth.holders import Holder
from garbology.growth.report import Report
from garbology.growth.trend import Slope
from garbology.interpreter import allocators

# Where malloc or mimalloc has each object, the rounding of each is estimated.
HAS_PYMALLOC = pytest.mark.skipif(not 0 < allocators.block_rules().above <= 512, reason="PYTHONMALLOC is set")
READS_ALLOCATORS = pytest.mark.skipif(allocators.read_allocated() is None, reason="no glibc 2.33 here")


class Session:
    def __init__(self, size):
        self.data = bytes(size)


class Node:
    def __init__(self):
        self.me = self
        self.data = bytes(3_000)


SESSIONS = {}
LOG = []
QUEUE = collections.deque()
TEXT = ""
COUNTER = iter(range(10**9))


@pytest.fixture(autouse=True)
def _empty():
    gc.collect()
    yield
    SESSIONS.clear()
    LOG.clear()
    QUEUE.clear()


def near(value, expected):
    """What is asked for: 5 % or 64 bytes."""
    return abs(value - expected) <= max(64, 0.05 * expected)


def leave_a_session():
    SESSIONS[f"user{next(COUNTER)}"] = Session(20_000)


@pytest.mark.slow
def test_what_is_held_is_named_with_its_holder():
    """The growth to 5 %, the place in the program, what it gains a call, where it is set; no key is told."""
    report = garbology.diagnose(leave_a_session)
    assert near(report.grows, 20_200)
    assert report.low <= report.grows <= report.high
    assert near(report.alive, 20_200)
    assert (report.calls, report.warmup, report.waiting, report.native, report.kept) == (50, 5, 0, 0, 0)
    (holder,) = report.holders
    assert holder.name == "tests.growth.test_diagnose.SESSIONS[str]"
    assert (holder.entries, holder.types, holder.kind) == (1, ["Session"], "module")
    assert near(holder.bytes, 20_200)
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if text.startswith("SESSIONS"))
    assert holder.where.endswith(f"test_diagnose.py:{line}")
    text = " ".join(str(report).split())
    assert "SESSIONS[str] gains 1 Session a call (dict in module tests.growth.test_diagnose" in text
    assert "user" not in json.dumps(report.to_dict())


@pytest.mark.slow
def test_keys_are_told_where_asked_for():
    """keys=True has the key of an entry."""
    report = garbology.diagnose(leave_a_session, calls=10, keys=True)
    assert "['user" in report.holders[0].name


def append_text():
    LOG.append("x" * (400 + next(COUNTER) % 2))


def extend_text():
    global TEXT
    TEXT += "y" * 1_000


def leave_in_deque():
    QUEUE.append([1.5 * next(COUNTER)])


ARRAYS = np.empty(1_000, object)


def leave_array():
    ARRAYS[next(COUNTER) % 1_000] = np.zeros(1_000)


UNTRACKED = {append_text: (450 + 16, "LOG[int]"), leave_in_deque: (64 + 32 + 8, "QUEUE[int]")}
UNTRACKED[leave_array] = (8_112, "ARRAYS")


@pytest.mark.slow
@pytest.mark.parametrize("works", [UNTRACKED, {extend_text: (1_000, "TEXT")}])
def test_what_the_collector_does_not_track_is_seen(works):
    """Texts, numbers, arrays: in a list, a variable, a deque, an array of objects."""
    report = garbology.diagnose(lambda: [work() for work in works] and None, calls=10)
    sizes = {f"tests.growth.test_diagnose.{name}": size for size, name in works.values()}
    assert near(report.grows, sum(sizes.values())), str(report)
    assert near(report.alive, sum(sizes.values())), str(report)
    assert {each.name for each in report.holders} == set(sizes)
    assert all(near(each.bytes, sizes[each.name]) for each in report.holders), str(report)
    assert report.waiting == report.native == 0


class User:
    def __init__(self):
        self.log, self.seen = [], {}


USERS = {number: User() for number in range(200)}
GUESTS = {number: User() for number in range(100)}


def log_everybody():
    for each in USERS.values():
        each.log.append(object())
    for each in GUESTS.values():
        each.seen[next(COUNTER)] = "x" * 100


@READS_ALLOCATORS
@HAS_PYMALLOC
@pytest.mark.parametrize("kind", [dict, collections.Counter, collections.OrderedDict])
def test_texts_that_are_keys_belong_to_their_dictionary(kind):
    """A dictionary whose keys are all texts does not show them to the collector: no object seemed to have them."""
    SESSIONS["seen"] = seen = kind()

    def see():
        for _ in range(20):
            seen[f"{len(seen):0200}"] = True

    report = garbology.diagnose(see, calls=20)
    (holder,) = report.holders
    assert holder.bytes >= 20 * 256, report
    assert abs(report.unexplained) < 0.2 * report.grows, report
    del SESSIONS["seen"]


@pytest.mark.slow
def test_many_small_holders_that_are_held_alike_are_one_line():
    """Each gains less than what is named by itself; another table of the same class is told apart."""
    report = garbology.diagnose(log_everybody, calls=24)
    first, second = sorted(report.holders, key=lambda each: each.name)
    assert first.name.startswith("tests.growth.test_diagnose.GUESTS[int].seen")
    assert second.name.startswith("tests.growth.test_diagnose.USERS[int].log")
    assert (first.alike, second.alike, round(second.entries)) == (100, 200, 200)
    assert re.search(r"test_diagnose\.py:\d+$", first.where)
    assert first.bytes + second.bytes > 0.9 * report.alive
    assert "200 of them together" in str(report)


@pytest.mark.slow
def test_where_few_of_many_are_named_alike_none_is_named_for_all():
    """Lists of one size in different variables; each gains too little."""

    def work():
        for each in lists:
            each.append(object())

    names = {f"L{number}": [] for number in range(100)}
    lists = list(names.values())
    namespace = vars(sys.modules[__name__])
    namespace.update(names)
    try:
        report = garbology.diagnose(work, calls=24)
    finally:
        for name in names:
            del namespace[name]
    assert not [each for each in report.holders if each.alike > 1 and ".L" in each.name], str(report)


@pytest.mark.slow
def test_a_local_of_a_running_function_is_a_holder():
    """It is named by the variable and the function."""
    kept = []
    report = garbology.diagnose(lambda: kept.append({"a": [1, 2, 3]}), calls=10)
    (holder,) = report.holders
    assert holder.name == "local kept[int]"
    assert "test_a_local_of_a_running_function_is_a_holder" in holder.where
    assert near(holder.bytes, sys.getsizeof({"a": 1}) + sys.getsizeof([1, 2, 3]))
    assert near(report.grows, holder.bytes)


@pytest.mark.slow
def test_what_waits_for_the_collector_has_its_advice():
    """The bytes a call, the cycle, and which edge to weaken, where that is set; nothing is collected."""
    gc.disable()  # or it runs as soon as it may
    try:
        before = gc.get_stats()
        report = garbology.diagnose(lambda: Node() and None, calls=10)
        assert gc.get_stats() == before
    finally:
        gc.enable()
    each = garbology.find_cycles(lambda: Node() and None).garbage_bytes
    assert near(report.waiting, each)
    assert near(report.grows, each)
    assert abs(report.alive) < 64
    assert report.holders == []
    assert "waits for the collector: cycle Node.me -> Node (" in " ".join(str(report).split())
    assert "test_diagnose.py:" in str(report)


@pytest.mark.slow
@READS_ALLOCATORS
def test_what_c_code_allocates_is_not_pythons():
    """To the byte, less what the C library rounds."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    report = garbology.diagnose(lambda: libc.malloc(5_000) and None)
    assert near(report.native, 5_000)
    assert near(report.native_low, 5_000)
    assert near(report.native_high, 5_000)
    assert report.native_low <= report.native <= report.native_high
    assert near(report.grows, 5_000)
    assert abs(report.alive) < 64
    assert "not Python's (95 %: 5.0" in " ".join(str(report).split())


class Row:
    def __init__(self, number):
        self.values = [number * 1.5]
        self.key = (number + 1_000, str(number) * 3)


@HAS_PYMALLOC
@pytest.mark.slow
def test_what_small_objects_take_is_explained():
    """Allocators hand out blocks in steps of 16 bytes: an eighth of what such objects take was told as unexplained."""
    rows = []
    report = garbology.diagnose(lambda: rows.extend(map(Row, range(1_000, 1_010))), calls=50)
    assert report.grows > 3_000
    assert abs(report.unexplained) < 0.03 * report.grows


@HAS_PYMALLOC
@pytest.mark.slow
def test_small_arrays_are_not_told_as_c_codes():
    """NumPy has `malloc` hand out the data of each array, however small it is. Both kinds of entries are counted."""
    kept = []
    report = garbology.diagnose(lambda: kept.extend([np.zeros(37), bytes(700)]), calls=100)
    assert report.native == 0
    assert 37 * 8 + 700 < report.alive < 37 * 8 + 1_000
    assert "kept[int] gains 2 objects a call" in " ".join(str(report).split())


@HAS_PYMALLOC
@pytest.mark.slow
def test_the_blocks_of_garbage_wait():
    """What they are larger than its objects is no growth beside the garbage."""
    report = garbology.diagnose(lambda: [Node() for _ in range(10)], calls=50)
    assert near(report.waiting, report.grows)


@pytest.mark.slow
@READS_ALLOCATORS
@HAS_PYMALLOC
def test_a_mixture_adds_up():
    """Three kinds at once, each with its figure; what is left over is small."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p

    def work():
        leave_a_session()
        Node()
        libc.malloc(1_000)
        append_text()

    report = garbology.diagnose(work)
    waiting = garbology.find_cycles(lambda: Node() and None).garbage_bytes
    assert near(report.native, 1_000)
    assert near(report.waiting, waiting)
    assert near(report.alive, 20_200 + 466)
    assert near(report.grows, 1_000 + waiting + 20_200 + 466)
    assert abs(report.unexplained) <= 0.02 * report.grows
    parts = report.alive + report.waiting + report.native + report.kept + report.unexplained
    assert parts == pytest.approx(report.grows)
    assert [each.name.rpartition(".")[2] for each in report.holders] == ["SESSIONS[str]", "LOG[int]"]


@READS_ALLOCATORS
def test_lists_of_freed_blocks_are_put_back_where_they_were_taken(monkeypatch):
    """Whether that takes too long is asked once: work in between has the first answer after it take longer."""
    asked = []
    monkeypatch.setattr(allocators._Reader, "is_slow", lambda self: asked.append(self) or len(asked) > 1)
    reserves = allocators.Reserves()
    with reserves:
        aside = len(reserves._aside)
    assert aside > 0
    assert len(reserves._aside) == 0
    assert len(asked) == 1
    reserves.let_go()


@pytest.mark.slow
@READS_ALLOCATORS
@HAS_PYMALLOC
def test_one_object_in_forty_keeps_the_memory_of_the_others():
    """Each call is of another size: what it frees can serve no later one, and counts as growth of the process."""

    sizes = iter(range(24, 24 + 16 * 28, 16))

    def work():
        size = next(sizes)
        some = [bytes(size) for _ in range(20_000)]
        LOG.append(some[::40])

    before = psutil.Process().memory_info().rss
    report = garbology.diagnose(work, calls=18, warmup=2)
    grown = psutil.Process().memory_info().rss - before
    assert report.kept > 20 * report.alive > 0
    assert 0.5 < 20 * report.grows / grown < 2
    assert report.grows == pytest.approx(
        report.alive + report.waiting + report.kept + report.native + report.unexplained
    )
    text = " ".join(str(report).split())
    assert "freed, and kept by the allocators" in text


def nothing():
    return [object() for _ in range(200)]


@pytest.mark.slow
def test_no_growth_is_told_with_what_could_be_seen():
    """Objects that come and go are none."""
    report = garbology.diagnose(nothing)
    assert str(report).startswith("no growth seen; 50 calls after 5 of warm-up can tell ")
    assert report.low <= 0
    assert (report.holders, report.bounded) == ([], [])


@functools.lru_cache(maxsize=40)
def cached(number):
    return [number] * 100


@pytest.mark.slow
def test_a_cache_that_fills_and_stops_is_bounded():
    """It grew by so many entries, then no more: no growth."""
    cached.cache_clear()
    report = garbology.diagnose(lambda: cached(next(COUNTER)) and None, calls=150)
    assert report.low <= 0, str(report)
    assert report.holders == []
    (holder,) = [each for each in report.bounded if "cached" in each.name]
    assert holder.name == "tests.growth.test_diagnose.cached (lru_cache)"
    assert "then no more" in str(report)


@functools.lru_cache(maxsize=40)
def cached_node(number):
    return Node()


@pytest.mark.slow
def test_a_full_cache_is_not_blamed_for_the_garbage_that_leaves_it():
    """What a call leaves is the same before and after: first the cache has it, then it waits for the collector."""
    cached_node.cache_clear()
    report = garbology.diagnose(lambda: cached_node(next(COUNTER)) and None, calls=150)
    assert report.holders == [], str(report)
    assert any("cached_node" in each.name for each in report.bounded), str(report)
    assert near(report.waiting, report.grows), str(report)
    assert abs(report.unexplained) < max(64, 0.05 * report.grows), str(report)


class Base:
    pass


@pytest.mark.slow
def test_the_list_of_subclasses_is_named_by_its_class():
    """CPython's own dictionary of them, of a class of the program as of `object`."""
    report = garbology.diagnose(lambda: LOG.append(type("Derived", (Base,), {})), calls=20)
    names = {each.name: each.where for each in report.holders}
    assert names.pop("tests.growth.test_diagnose.Base.__subclasses__()") == "goes with the class", str(report)
    assert set(names) == {"tests.growth.test_diagnose.LOG[int]"}, str(report)


@pytest.mark.slow
def test_a_cache_that_is_full_does_not_grow():
    """Each call leaves an entry and drops another: what the oldest calls left has died."""
    ring = {}

    def work():
        number = next(COUNTER)
        ring[number] = Session(2_000)
        ring.pop(number - 20, None)

    for _ in range(30):
        work()
    report = garbology.diagnose(work)
    assert report.low <= 0, str(report)
    assert report.holders == []


@pytest.mark.slow
def test_a_cache_and_a_leak_are_told_apart():
    """What the leak gains is not what the cache gained before it was full."""
    cached.cache_clear()

    def work():
        cached(next(COUNTER))
        LOG.append(bytes(500))

    report = garbology.diagnose(work, calls=150)
    assert near(report.grows, 550)
    assert [each.name.rpartition(".")[2] for each in report.holders] == ["LOG[int]"]
    assert any("cached" in each.name for each in report.bounded)


@pytest.mark.slow
def test_steps_of_a_loop_are_measured():
    """`diagnosing()` is the same for a block that marks its steps; the report is empty before its end."""
    with garbology.diagnosing(every=30) as report:
        for _ in range(60):
            leave_a_session()
            report.step()
        assert str(report) == "the calls have not ended"
    assert report.calls == 60
    assert near(report.grows, 20_200)
    assert "a step" in str(report)
    with pytest.raises(RuntimeError, match=r"inside of `with garbology.diagnosing"):
        report.step()


@pytest.mark.slow
def test_collect_has_nothing_wait():
    """What grows grows in spite of the collector."""

    def work():
        Node()
        LOG.append(bytes(1_000))

    report = garbology.diagnose(work, calls=10, collect=True)
    assert report.waiting == 0
    assert near(report.grows, 1_041)


@pytest.mark.slow
def test_asynchronous_functions_are_run_to_their_end():
    """As `find_cycles` does."""

    async def work():
        LOG.append(bytes(4_000))

    report = garbology.diagnose(work, calls=10)
    assert near(report.holders[0].bytes, 4_041)
    assert report.holders[0].name.endswith("LOG[int]")


def test_exceptions_go_through():
    """The collector and all else is as before."""

    def work():
        if next(COUNTER) >= 0:
            raise KeyError("boom")

    with pytest.raises(KeyError, match="boom"):
        garbology.diagnose(work)
    assert gc.isenabled()


@pytest.mark.slow
def test_an_interrupt_puts_everything_back(monkeypatch):
    """Also while the first look is taken: the collector runs on, and what was kept from allocators is free."""

    def interrupt(self):
        raise KeyboardInterrupt

    closed = []
    monkeypatch.setattr(recording.Recorder, "_first_census", interrupt)
    monkeypatch.setattr(recording.Recorder, "close", lambda self: closed.append(self.steps))
    with pytest.raises(KeyboardInterrupt):
        garbology.diagnose(nothing, calls=2, warmup=0)
    assert (closed, gc.isenabled()) == ([0], True)
    monkeypatch.undo()
    with garbology.diagnosing() as report:
        pass
    assert (report.calls, report.grows, report.ended) == (0, 0, True)


@pytest.mark.slow
def test_more_steps_than_are_kept():
    """Of a thousand steps and more every other one is kept, and the figures are the same."""
    with garbology.diagnosing(every=2_000) as report:
        for _ in range(2_500):
            LOG.append(bytes(1_000))
            report.step()
    assert report.calls == 2_500
    assert near(report.grows, 1_048)


def test_wrong_arguments_have_a_remedy():
    """Each names the value."""
    with pytest.raises(TypeError, match=r"diagnose\(work, 1, 2\) calls"):
        garbology.diagnose(5)
    with pytest.raises(ValueError, match="calls is at least 2, got 1"):
        garbology.diagnose(nothing, calls=1)
    with pytest.raises(ValueError, match="warmup is at least 0, got -1"):
        garbology.diagnose(nothing, warmup=-1)
    with pytest.raises(ValueError, match="every is at least 1, got 0"):
        garbology.diagnosing(every=0)


@pytest.mark.slow
def test_the_report_is_plain_data():
    """With a schema and its version, and no object of the program."""
    report = garbology.diagnose(leave_a_session, calls=10)
    told = json.loads(json.dumps(report.to_dict()))
    assert (told["schema"], told["schema_version"]) == ("garbology.growth", 1)
    assert told["holders"][0]["types"] == ["Session"]


@pytest.mark.slow
def test_collections_of_the_program_are_not_its_growth():
    """Where each call collects, what the instrument notes of it is told nowhere; what grows is known to a tenth."""

    def work():
        LOG.append(bytes(20_000))
        gc.collect()

    report = garbology.diagnose(work, calls=14)
    assert [each.name.rpartition(".")[2] for each in report.holders] == ["LOG[int]"], str(report)
    assert report.grows == pytest.approx(20_040, rel=0.1)
    assert near(report.alive, 20_040)
    assert not report.native


HELD = np.empty(20_000, object)
ONCE = {"filled": []}  # so that the collector tracks it


@pytest.mark.slow
def test_holders_that_cannot_be_seen_or_gained_once():
    """A leaked reference has no holder, an object array has its name, a class is listed, and one jump is no growth."""
    new_list = ctypes.pythonapi.PyList_New
    new_list.restype, new_list.argtypes = ctypes.c_void_p, [ctypes.c_ssize_t]
    calls = iter(range(1_000))

    def work():
        number = next(calls)
        new_list(1_000)
        HELD[number] = Session(1_000)
        type("Made", (), {})
        if number == 25:
            ONCE["it"] = Session(50_000)

    report = garbology.diagnose(work, calls=40)
    assert near(report.unheld, sys.getsizeof([None] * 1_000)), str(report)
    names = [each.name.rpartition("test_diagnose.")[2] for each in report.holders]
    assert names[0] == "HELD"
    assert set(names[1:]) <= {"object.__subclasses__()"}
    assert any(each.name.endswith(".ONCE[str]") for each in report.bounded)
    text = " ".join(str(report).split())
    assert "no object that can be seen holds it" in text
    assert "held elsewhere" not in text


def test_what_a_stream_has_counts_once():
    """The size of a BytesIO has its buffer in it, which is an object of its own."""
    stream = io.BytesIO()
    stream.write(bytes(100_000))
    census = take_census([stream], np.zeros(1, bool), np.array([id(io.BytesIO)]))
    assert 100_000 < census.total_bytes < 130_000  # the buffer is a little larger than what is in it


@pytest.mark.parametrize("between", [0, 5_000])
def test_what_two_objects_share_belongs_to_the_same_one_in_every_census(between):
    """The collector's lists change their order, and no bytes may seem to move from one object to another."""
    shared = ("shared" * 1_000,)
    gc.collect()  # now it is not tracked, as the text that it has
    assert not gc.is_tracked(shared)
    objects = [[shared, shared[0]], *([] for _ in range(between)), [shared, shared[0]]]
    first, second = (
        take_census(each, np.zeros(len(each), bool), np.empty(0, np.int64))
        for each in (objects, objects[::-1])
    )
    of_first, of_second = (dict(zip(each.addresses, each.bytes, strict=True)) for each in (first, second))
    assert of_first == of_second


@pytest.mark.parametrize(
    ("series", "rises", "stopped"),
    [
        ([0, 0, 0, 9, 9, 9, 9], False, True),
        ([0, 1, 2, 3, 4, 5, 6], True, False),
        ([0, 4, 8, 8, 8, 8, 8], True, True),
        ([0, 3], True, False),
        ([0, 0, 0, 0, 0, 0, 9], False, False),
    ],
)
def test_what_jumps_once_does_not_grow(series, rises, stopped):
    """It has stopped where the last tenth of the steps shows no more of it."""
    steps, values = np.arange(len(series)) * 8.0, np.array(series, float)
    assert rises_again(values) == rises
    assert has_stopped(steps, values) == stopped


@pytest.mark.parametrize(
    ("unheld", "waiting", "told"),
    [(4_500, 4_200, (0, 0)), (4_500, 0, (4_500, 4_500)), (4_500, 600, (3_900, 3_900))],
)
def test_garbage_that_is_weighed_twice_is_not_alive(unheld, waiting, told):
    """What no holder leads to is garbage where the finder found nearly as much."""
    report = Report(calls=1, grows=unheld, alive=unheld, unheld=unheld)
    add_waiting(report, waiting)
    assert (report.alive, report.unheld) == told


@pytest.mark.parametrize(("low", "grows"), [(-5.0, 1_100.0), (100.0, 300.0)])
def test_live_objects_are_believed_where_allocators_tell_nothing(low, grows):
    """No report says that nothing grows and names what does."""
    report = Report(grows=300.0, low=low, high=900.0, holders=[Holder("LOG[int]", 1_100.0, 1_100.0, 1_100.0)])
    believe_objects(report, Slope(1_100.0, 1_000.0, 1_200.0))
    assert report.grows == grows
    assert "no growth" not in str(report)


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"unexplained": 30.0}, "30 B unexplained: rounding"),
        ({"unexplained": 400.0}, "400 B unexplained: no object that the collector knows has it"),
        ({"unexplained": -400.0}, "400 B counted above and not in what grows"),
        ({"kept_bytes": 9 << 20, "kept_gained": 8 << 20}, "grew by 8.39 MB to 9.44 MB, then no more"),
        ({"holders": [Holder("cache", 9.0, 9.0, 9.0, 1.0, ["int", "str"])]}, "cache gains 1 object a call"),
    ],
)
def test_each_figure_has_its_sentence(figures, text):
    """What is not known is not explained by something else."""
    report = Report(calls=50, grows=1_000.0, low=990.0, high=1_010.0, **figures)
    assert text in " ".join(str(report).split())


TASKS = set()
LOGGER = logging.getLogger("tests.growth.leaky")


class Service:
    @functools.cache  # noqa: B019 - the leak
    def answer(self, question):
        return [question]


def leak_as_programs_do():
    LOGGER.addHandler(logging.NullHandler())
    Service().answer(1)

    async def start():
        TASKS.add(asyncio.ensure_future(asyncio.sleep(0)))
        await asyncio.sleep(0)

    asyncio.run(start())


@pytest.mark.slow
@READS_ALLOCATORS
def test_leaks_of_ordinary_programs_are_named():
    """A handler for each request, tasks that nothing discards, a cache of calls on a method: each with its holder."""
    report = garbology.diagnose(leak_as_programs_do, calls=30)
    names = [each.name for each in report.holders]
    for name in ("LOGGER.handlers[int]", "TASKS[key]", "Service.answer (lru_cache)"):
        assert any(name in each for each in names), str(report)
    TASKS.clear()
    LOGGER.handlers.clear()
    Service.answer.cache_clear()


OF_MANY_SIZES = """
import ctypes, json
import xml.etree.ElementTree as ET
import garbology

leak = ctypes.pythonapi.Py_IncRef
leak.restype, leak.argtypes = None, [ctypes.py_object]

def in_json():
    json.loads(json.dumps({"a": list(range(300)), "b": ["q" * 50] * 30}))

def in_xml():
    ET.fromstring("<a>" + "<b c='1'/>" * 50 + "</a>")

def leak_a_list():
    leak([])

for work in (in_json, in_xml, in_json, in_xml, leak_a_list):
    report = garbology.diagnose(work, calls=30)
    print(report.low > 0, report.grows if report.low > 0 else report.native + report.waiting)
"""


@pytest.mark.slow
def test_lists_of_freed_blocks_that_the_program_fills_are_no_growth(fresh):
    """Texts of many sizes fill them, by 5 to 17 kB in thirty calls; a list that leaks is told, of 64 bytes a call."""
    ended = fresh.run(OF_MANY_SIZES)
    assert ended.stderr == ""
    *works, leaking = ended.stdout.splitlines()
    assert works == ["False 0.0"] * 4
    grows, bytes_a_call = leaking.split()
    assert grows == "True"
    assert near(float(bytes_a_call), 64)


@READS_ALLOCATORS
def test_names_that_python_keeps_of_what_was_asked_for_are_no_growth():
    """A parser of XML asks its target for eight attributes by new texts: 50 parsers leave nothing, not 19 kB."""
    used = []
    for _ in range(60):
        XMLParser()
        used.append(allocators.read_allocated().used)
    assert used[-1] - used[9] < 4_000  # the numbers themselves take 2 kB


def test_what_gains_too_little_to_be_told_from_noise_is_told_as_that():
    """A verdict of no growth and a line on what gains do not contradict each other."""
    kept = []
    text = " ".join(str(garbology.diagnose(lambda: kept.append(object()), calls=8)).split())
    assert text.startswith("no growth seen; 8 calls")
    assert "kept[int] gains 1 object a call" in text
    assert "too little to be told from noise: more calls (calls=...) tell" in text


@READS_ALLOCATORS
@HAS_PYMALLOC
@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock], ids=["lock", "rlock"])
def test_what_locks_have_from_c_is_their_holders(kind):
    """Their size does not tell it, so it was told to be C code's."""
    sizes, kinds = np.array([sys.getsizeof(kind())]), np.zeros(1, np.int32)
    (both,), (in_c,) = blocks_of_each(sizes, [type(kind())], kinds)
    extra = allocators.block_rules().extra
    assert both - in_c == allocators.block_bytes(sizes[0] + extra)
    assert in_c == (allocators.chunk_bytes(32 + extra) if sys.version_info < (3, 14) else 0)
    report = garbology.diagnose(lambda: LOG.append([kind() for _ in range(20)]), calls=20)
    assert report.native == 0, report


def test_a_chain_made_after_the_objects_were_listed_ends(monkeypatch):
    """Each round of a census found one object of it, and a program may link more meanwhile: that never ended."""
    rounds = []
    next_holders = _Reader._next_holders
    monkeypatch.setattr(_Reader, "_next_holders", lambda self: rounds.append(1) or next_holders(self))

    class Link:
        __slots__ = ("next",)

    objects = [first := [None]]
    link = first[0] = Link()
    for _ in range(20_000):
        link.next = Link()
        link = link.next
    link.next = None
    census = take_census(objects, np.zeros(1, bool), np.empty(0, np.int64))
    assert len(rounds) <= 64
    assert census.total_bytes >= 20_000 * sys.getsizeof(link)
    while first[0] is not None:  # one by one: no deep recursion
        first[0] = first[0].next
