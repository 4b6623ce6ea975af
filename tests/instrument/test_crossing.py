"""Garbage that is half older than the window, as every step of a loop leaves it."""

import collections
import gc
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import garbology
from garbology.find import crossing
from garbology.leaks import external

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Box:
    def __init__(self):
        self.items = []


class Item:
    pass


class Session:
    def __init__(self, before=None):
        self.before = before
        self.children = []


BOX = Box()
CACHE = []


def replace_the_list():
    """The item holds a method of the list of the step before, and that list the item."""
    item = Item()
    BOX.items.append(item)
    item.remove = BOX.items.remove
    BOX.items = []


def replace_the_session():
    """The session of the step before, which refers to itself, gets a child and is dropped."""
    session = BOX.items
    if type(session) is Session:
        child = Item()
        session.children.append(child)
        session.me = session
    BOX.items = Session()


def link_backwards():
    """New and old refer to each other, and both are dropped."""
    session = Session()
    if type(BOX.items) is Session:
        BOX.items.before = session
        session.before = BOX.items
        BOX.items = Item()
    else:
        BOX.items = session


@pytest.mark.slow
@pytest.mark.parametrize("work", [replace_the_list, replace_the_session, link_backwards])
def test_every_step_of_a_loop_is_found(work):
    """On the tenth call as on the second, exactly what the collector then frees."""
    BOX.items = [] if work is replace_the_list else Session()
    found_any = 0
    for _ in range(10):
        gc.collect()
        found = garbology.find_cycles(work)
        assert found.garbage == gc.collect(), str(found)
        found_any += found.garbage > 0
    assert found_any >= 5
    BOX.items = []


@pytest.mark.slow
def test_the_assertion_fails_on_the_tenth_call_as_on_the_first():
    """A warmed-up loop is no excuse."""
    BOX.items = []
    for _ in range(10):
        with pytest.raises(AssertionError, match="wait for the cyclic collector"):
            garbology.assert_no_cycles(replace_the_list)
    BOX.items = []


def replace_the_pool():
    """A registry with a list and a dictionary, which the new object knows."""
    item = Item()
    item.pool = {"all": BOX.items, id(item): item}
    BOX.items.append(item)
    BOX.items = []


def replace_the_deque():
    """The latest items are in a deque, which each of them knows."""
    item = Item()
    item.queue = BOX.items
    BOX.items.append(item)
    BOX.items = collections.deque(maxlen=2)


def replace_what_is_subscribed_to():
    """A closure over the new object in the list of an old one."""
    item = Item()
    item.session = BOX.items
    BOX.items.children.append(lambda: item)
    BOX.items = Session()


def put_the_old_below_a_new_one():
    """The object of the step before becomes a child, and both are dropped."""
    root = Session()
    root.children.append(BOX.items)
    BOX.items.before = root
    BOX.items = Session()


def drop_a_ring_with_a_new_child():
    """Two hundred older objects, one of which gets a child."""
    ring = [Session() for _ in range(200)]
    for session, following in zip(ring, ring[1:] + ring[:1], strict=True):
        session.before = following
    item = Item()
    item.session = BOX.items
    BOX.items.children.append(item)
    BOX.items = ring[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "first"),
    [
        (replace_the_pool, list),
        (replace_the_deque, collections.deque),
        (replace_what_is_subscribed_to, Session),
        (put_the_old_below_a_new_one, Session),
        (drop_a_ring_with_a_new_child, Session),
    ],
)
def test_the_tenth_step_is_found_as_the_second(work, first):
    """Whatever is replaced: all of it is counted, and the assertion fails each time."""
    BOX.items = first()
    work()
    for steps_between in (0, 8):
        for _ in range(steps_between):
            work()
        gc.collect()
        found = garbology.find_cycles(work)
        assert found.garbage == gc.collect() > 0, str(found)
        with pytest.raises(AssertionError, match="wait for the cyclic collector"):
            garbology.assert_no_cycles(work)
    BOX.items = []


def test_what_older_objects_keep_alive_is_no_garbage():
    """A cache, a registry, an attribute of something alive: new objects there are not accused."""

    def work():
        item = Item()
        item.session = Session(item)
        CACHE.append(item)
        BOX.last = {"item": [item]}

    for _ in range(3):
        garbology.assert_no_cycles(work)
    CACHE.clear()
    del BOX.last


@pytest.mark.slow
def test_what_a_local_variable_of_a_caller_keeps_is_no_garbage():
    """Old and new refer to each other, and a running function holds the old one."""
    session = Session()

    def work():
        item = Item()
        item.session = session
        session.children.append(item)

    for _ in range(3):
        found = garbology.find_cycles(work)
        assert found.garbage == 0
    assert len(session.children) == 3


def test_a_large_live_graph_is_left_unread():
    """Where more hangs behind than is looked at, nothing is said of it, and nothing that is alive is accused."""
    first = Session()
    session = first
    for _ in range(8_000):
        session.before = Session()
        session = session.before
    session.before = first

    def work():
        item = Item()
        item.session = first
        first.children.append(item)

    assert garbology.find_cycles(work).garbage == 0


@pytest.fixture
def nothing_else():
    """What there is before is in no collection and no list."""
    gc.collect()
    with garbology.collector.frozen() if garbology.collector.kind() != "free-threaded" else nullcontext():
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_else")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    older=st.integers(1, 6),
    newer=st.integers(1, 6),
    before=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10),
    edges=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
    kept=st.lists(st.integers(0, 11), max_size=2),
)
def test_what_is_found_is_what_the_collector_frees(older, newer, before, edges, kept):
    """Of any graph that old and new objects form when the old ones are let go: all of it, or what is new alone."""
    old = [Session() for _ in range(older)]
    for source, target in before:
        old[source % older].children.append(old[target % older])
    holder = [old]
    del old
    keep = []

    def work():
        everything = holder.pop() + [Session() for _ in range(newer)]
        for source, target in edges:
            everything[source % len(everything)].children.append(everything[target % len(everything)])
        keep.extend(everything[place % len(everything)] for place in kept)

    gc.collect()
    found = garbology.find_cycles(work)
    collected = gc.collect()
    assert found.garbage <= collected
    new_ones = sum(shape.types.get(f"{__name__}.Session", 0) for shape in found.shapes)
    assert bool(found.garbage) == bool(new_ones)


@pytest.mark.slow
def test_looking_at_older_objects_leaves_no_garbage():
    """The search holds nothing afterwards."""
    BOX.items = []
    replace_the_list()
    gc.collect()
    found = garbology.find_cycles(replace_the_list)
    assert gc.collect() == found.garbage
    assert gc.collect() == 0


def keep_an_instance_of_a_new_class():
    """Nothing is garbage; older objects are asked who holds the class."""

    class Made:
        pass

    CACHE.append(Made())


@pytest.mark.slow
def test_the_search_does_not_find_itself():
    """The classes of the window are held by the search, too: it keeps neither itself nor what it looked at."""
    gc.collect()
    found = garbology.find_cycles(keep_an_instance_of_a_new_class)
    waiting = gc.collect()
    CACHE.clear()
    gc.collect()
    assert (found.garbage, waiting) == (0, 0)


def test_numbers_on_a_value_stack_are_no_addresses(monkeypatch):
    """What lies on the stack of a running function may be any word, larger than an address can be."""
    from garbology.interpreter import thread_stacks

    read = thread_stacks._read

    def with_a_number(frame, count):
        found = read(frame, count)
        return found and ([*found[0], 2**64 - 8], len(found[0]) + 1)

    monkeypatch.setattr(thread_stacks, "_read", with_a_number)
    stacks = [running.stack_ids for running in thread_stacks.running_frames()]
    assert stacks
    assert all(0 <= word < 2**63 for stack in stacks for word in stack)


def test_what_was_dropped_of_older_objects_is_not_called_freed():
    """A cycle that an earlier call made is none of this window's, and no sentence speaks of it."""
    box = Item()

    def replace():
        box.last = Item()
        box.last.itself = box.last

    replace()
    text = " ".join(str(garbology.find_cycles(replace)).split())
    assert "freed every tracked object made and dropped here" in text
    assert gc.collect() > 0


def test_the_notes_of_a_look_are_not_asked_about(monkeypatch):
    """What the instrument learns while the work goes on is in no window: the whole heap was asked who holds it, several
    times in each finding.
    """
    asked = []
    for module in (crossing, external):
        monkeypatch.setattr(module, "referrers_of", lambda objects: asked.append(list(objects)) or [])

    def work():
        session = Session()
        for _ in range(3):
            session.children.append(Session(session))

    for _ in range(2):  # what the interpreter keeps of a code is made by the first look
        asked.clear()
        found = garbology.find_cycles(work)
    assert found.garbage
    assert asked == []
