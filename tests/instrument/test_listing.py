"""The heap is listed without holding what another thread is building, and nothing is lost by it."""

import atexit
import contextlib
import gc
import io
import pickle
import random
import sqlite3
import threading
import time
import weakref
import xml.etree.ElementTree as ElementTree

import pytest

import garbology
from garbology.snapshot import listing

pytestmark = pytest.mark.usefixtures("quiet_heap")

LONG_ENOUGH_SECONDS = 0.6


class Node:
    def __init__(self):
        self.me = self


class Convertible:
    pass


sqlite3.register_converter("convertible", lambda value: [Convertible() for _ in range(3)][0])


def build_tuples():
    for length in (3, 10, 11, 25, 2_000):
        assert len(tuple(number for number in range(length))) == length


def build_tuples_of_containers():
    assert len(tuple([number] for number in range(300))) == 300


def parse_xml():
    assert len(ElementTree.fromstring(f"<a>{'<b/>' * 50}</a>")) == 50


def sort():
    numbers = [random.random() for _ in range(2_000)]
    assert sorted(numbers, key=lambda number: -number)[0] == max(numbers)


def unpickle():
    assert pickle.load(io.BytesIO(pickle.dumps([(1, 2, [3]) for _ in range(50)])))[7] == (1, 2, [3])


def read_rows():
    base = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
    try:
        base.execute("create table t (a convertible, b convertible, c integer)")
        base.executemany("insert into t values (?, ?, ?)", [(1, 2, 3)] * 50)
        assert len(base.execute("select * from t").fetchall()) == 50
    finally:
        base.close()


def zip_and_enumerate():
    assert len([pair for pair in zip(range(500), (str(n) for n in range(500)), strict=True)]) == 500  # noqa: C416


def drop_nodes():
    for _ in range(300):
        Node()


def watch():
    str(garbology.find_cycles(drop_nodes))


KEPT = [Node()]


def ask_why():
    str(garbology.why_alive(KEPT[0]))


def assert_dropped():
    node = [[Node()]]
    with pytest.raises(AssertionError), garbology.assert_freed(node[0][0]):
        node.clear()


@pytest.fixture
def heap_for(ask):
    """For assertions what was there before is in no list, so that more is asked in the same time.

    Who holds an object is seen in the whole heap alone, and a watch judges leaks there alone.
    """
    with garbology.collector.frozen() if ask is assert_dropped else contextlib.nullcontext():
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("heap_for", "eager_threads")
@pytest.mark.parametrize("ask", [watch, ask_why, assert_dropped])
def test_no_other_thread_fails(ask):
    """Threads that build tuples, parse, sort, unpickle and read rows go on as if nothing looked at them."""
    works = (
        *(build_tuples, build_tuples_of_containers, parse_xml),
        *(sort, unpickle, read_rows, zip_and_enumerate),
    )
    failures, rounds, stop = [], [0] * len(works), threading.Event()

    def go_on(number, work):
        while not stop.is_set():
            try:
                work()
                rounds[number] += 1
            except BaseException as error:
                failures.append((work.__name__, repr(error)))

    threads = [
        threading.Thread(target=go_on, args=(number, work), daemon=True) for number, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    asked, started = 0, time.monotonic()
    while time.monotonic() - started < LONG_ENOUGH_SECONDS or not all(rounds):
        ask()
        asked += 1
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert asked
    assert all(rounds)


@pytest.fixture
def another_thread():
    """A second thread, which waits."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(60)


def test_tuples_come_back_from_what_holds_them(another_thread):
    """A tuple in a local variable, in a visible container or in another tuple stands in its place."""
    mark = []
    node = Node()
    in_a_variable = (node, [1])
    container = [(node, {"a": 1})]
    nested = ([5], ([6], [7]))
    listed = listing.listing(0)
    assert listed.drop_until(mark)
    found = list(map(id, listing.closed(listed)))
    del listed
    places = list(map(found.index, map(id, (node, in_a_variable, container[0], nested))))
    assert places == sorted(places)
    assert id(nested[1]) in found


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["one thread", "two threads"])
def test_a_listing_is_what_the_collector_lists(threads, request):
    """Of any generation, with tuples that something holds; what is left out is known by its address."""
    if threads == "two threads":
        request.getfixturevalue("another_thread")
    kept = [(Node(), number) for number in range(100)]
    for generations in ((), (0,), (0, 1), (0, 1, 2)):
        expected = set(listing.tracked_addresses(*generations).tolist())
        addresses = set(listing.listing(generations).addresses().tolist())
        assert len(expected ^ addresses) < 100
    assert {id(pair) for pair in kept} <= addresses
    assert abs(listing.count_tracked() - len(gc.get_objects())) < 100


@pytest.mark.slow
def test_a_cycle_of_tuples_is_found_beside_another_thread(another_thread):
    """Exactly as without: through tuples, tuples in tuples, and tuples that an older object holds."""

    def work():
        for _ in range(20):
            node = Node()
            node.pair = (node, (node, [node]))
        KEPT.append((Node(), (Node(),)))

    gc.collect()
    found = garbology.find_cycles(work)
    assert found.garbage == gc.collect() >= 20 * 4
    assert found.shapes[0].count == 20


def test_a_proof_is_made_beside_another_thread(another_thread):
    """With tuples in the occurrence."""

    def work():
        node = Node()
        node.pair = (node, node)
        node.me = None

    found = garbology.find_cycles(work)
    assert found.shapes[0].advice.trial.startswith("tried")


@pytest.mark.slow
def test_listing_leaves_no_garbage(another_thread):
    """The listing's own iterators refer to the list, and must not stand in it."""
    gc.collect()
    for _ in range(3):
        listing.closed(listing.listing(0))
        listing.listing().without_gaps()
        listing.referrers_of([KEPT[0]])
    assert gc.collect() == 0


@pytest.mark.slow
def test_what_only_an_unseen_tuple_holds_is_named_as_without_another_thread(another_thread):
    """The arguments that atexit keeps are a tuple of one reference, which is left out of the list."""
    node = Node()
    reference = weakref.ref(node)
    atexit.register(Node.__init__, node)
    try:
        del node
        alive = garbology.why_alive(reference())
    finally:
        atexit.unregister(Node.__init__)
    assert alive.kind == "C"
    assert "atexit.register" in alive.root
