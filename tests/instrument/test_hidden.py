"""The table of references that C types keep to themselves: read by leaks and by why_alive, and no holder is accused."""

import ctypes
import datetime
import decimal
import gc
import io
import re
import weakref

import numpy as np
import pytest

import garbology
from garbology.names import hidden
from garbology.names.hidden import hidden_referents, unseen_referents
from garbology.names.secrets import secret_addresses, secret_ids

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Zone(datetime.tzinfo):
    """A zone that may keep dates."""

    def utcoffset(self, when):
        """No offset."""
        return datetime.timedelta(0)


class Node:
    """Anything."""


class Text(str):
    """A string with attributes."""


class Table(np.ndarray):
    """An array with attributes: tracked, its base still hidden."""


class Buffer(bytearray):
    """A buffer with attributes."""


LEAKED = []


def remembered(obj):
    LEAKED.append(weakref.ref(obj))
    return obj


@pytest.fixture(autouse=True)
def no_leftovers():
    yield
    for reference in LEAKED:
        if (leaked := reference()) is not None:
            vars(leaked).clear()
    LEAKED.clear()


def date():
    zone = remembered(Zone())
    zone.epoch = datetime.datetime(2020, 1, 1, tzinfo=zone)


def date_of_a_class():
    zone = remembered(Zone())
    zone.epoch = type("Day", (datetime.datetime,), {})(2020, 1, 1, tzinfo=zone)


def time():
    zone = remembered(Zone())
    zone.noon = datetime.time(12, tzinfo=zone)


def row():
    rows = np.zeros(1, [("o", object)])
    node = remembered(Node())
    rows["o"][0], node.row = node, rows[0]


def copied_row():
    node = remembered(Node())
    node.row = np.array((node,), dtype=[("o", object)])[()]


def view():
    table = remembered(np.ndarray.__new__(Table, (10,)))
    table.column = table[2:5].view(np.ndarray)


def flat():
    table = remembered(np.ndarray.__new__(Table, (10,)))
    table.iterator = table.flat


def nditer():
    table = remembered(np.ndarray.__new__(Table, (10,)))
    table.iterator = np.nditer(table)


def broadcast():
    table = remembered(np.ndarray.__new__(Table, (10,)))
    table.pair = np.broadcast(table, 1)


def flags():
    table = remembered(np.ndarray.__new__(Table, (10,)))
    table.kept_flags = table.flags


def view_of_a_buffer():
    buffer = remembered(Buffer(8))
    buffer.numbers = np.frombuffer(buffer)


def memoryview_of_objects():
    node = remembered(Node())
    node.view = memoryview(np.array([node], object))


def scanner():
    text = remembered(Text("x"))
    text.scanner = re.compile("x").scanner(text)


def finditer():
    text = remembered(Text("x"))
    text.matches = re.finditer("x", text)


CYCLES = {
    date: ("Zone.epoch -> datetime.tzinfo -> Zone", "datetime.datetime"),
    date_of_a_class: (".*Zone.epoch -> Day.tzinfo -> Zone", ".*Day"),
    time: ("Zone.noon -> time.tzinfo -> Zone", "datetime.time"),
    row: (r"Node.row -> void.base -> ndarray\['o'\]\[0\] -> Node", "numpy.void"),
    copied_row: (r"Node.row -> void.*\['o'\].* -> Node", "numpy.void"),
    view: ("Table.column -> ndarray.base -> .*Table", "numpy.ndarray"),
    flat: ("Table.iterator -> flatiter.base -> Table", "numpy.flatiter"),
    nditer: (r"Table.iterator -> nditer.operands\[0\] -> Table", "numpy.nditer"),
    broadcast: (r"Table.pair -> broadcast.iters\[0\] -> flatiter.base -> Table", "numpy.broadcast"),
    flags: ("Table.kept_flags -> flagsobj → held inside .* -> Table", ".*flagsobj"),
    view_of_a_buffer: ("Buffer.numbers -> ndarray.base -> .*Buffer", "numpy.ndarray"),
    memoryview_of_objects: (r"Node.view -> memoryview.* -> ndarray\[0\] -> Node", "numpy.ndarray"),
    scanner: ("Text.scanner -> .*Scanner.string -> Text", ".*Scanner"),
    finditer: ("Text.matches -> .*Scanner.string -> Text", ".*Scanner"),
}


@pytest.mark.slow
@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_a_cycle_through_a_hidden_reference_is_a_leak_with_its_path(make):
    """The path is named edge by edge, the holder is the type that hides, and no Py_DECREF is missed."""
    found = garbology.find_cycles(make)
    path, holder = CYCLES[make]
    (leak,) = found.leaks
    assert re.fullmatch(path, leak.path), leak.path
    assert re.fullmatch(holder, leak.holder), leak.holder
    assert "Py_DECREF" not in leak.remedy
    assert "does not show" in leak.reason
    assert (leak.count, found.garbage) == (1, 0)
    gc.collect()
    assert LEAKED[0]() is not None


@pytest.mark.slow
@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_why_alive_does_not_promise_that_the_collector_frees_it(make):
    """It tells the same path, and says that it is never freed."""
    make()
    gc.collect()
    alive = garbology.why_alive(LEAKED[0]())
    assert alive.kind == "leak"
    assert "never freed" in str(alive)
    assert alive.edges[0].source == alive.edges[-1].target == type(LEAKED[0]()).__name__


KEPT = []


def kept(obj):
    KEPT.append(obj)


def kept_date():
    kept(datetime.datetime(2020, 1, 1, tzinfo=Zone()))


def kept_row():
    rows = np.zeros(1, [("o", object)])
    rows["o"][0] = Node()
    kept(rows[0])


def kept_flat():
    kept(np.array([Node()], object)[:].flat)


def kept_finditer():
    kept(re.finditer("x", Text("xx")))


def kept_match():
    kept(next(re.finditer("x", Text("xx"))))


def kept_scanner():
    kept(re.compile("x").scanner(Text("xx")))


def kept_error_callback():
    class Handler:
        def write(self, text):
            """Nothing."""

    np.seterrcall(Handler())


def kept_local_context():
    kept(decimal.localcontext(decimal.Context()))


def kept_context():
    kept(decimal.Context())


def kept_pair():
    kept(io.BufferedRWPair(io.BufferedReader(io.BytesIO()), io.BufferedWriter(io.BytesIO())))


def kept_newlines():
    kept(io.IncrementalNewlineDecoder(Node(), True))


def kept_by_reference():
    class Number(ctypes.Structure):
        _fields_ = [("number", ctypes.c_int)]

    kept(ctypes.byref(Number()))


def kept_memoryview():
    kept(memoryview(np.array([Node()], object)))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(kept_date, marks=pytest.mark.slow),
        kept_row,
        pytest.param(kept_flat, marks=pytest.mark.slow),
        pytest.param(kept_finditer, marks=pytest.mark.slow),
        kept_match,
        pytest.param(kept_scanner, marks=pytest.mark.slow),
        pytest.param(kept_error_callback, marks=pytest.mark.slow),
        kept_local_context,
        kept_context,
        kept_pair,
        kept_newlines,
        kept_by_reference,
        pytest.param(kept_memoryview, marks=pytest.mark.slow),
    ],
    ids=lambda make: make.__name__,
)
def test_what_a_live_holder_hides_is_no_leak(make):
    """A container of the program holds what hides it."""
    try:
        garbology.assert_no_cycles(make) if make is not kept_by_reference else None
        found = garbology.find_cycles(make)
    finally:
        KEPT.clear()
        np.seterrcall(None)
    assert found.leaks == [], str(found)


def test_the_table_agrees_with_the_counts():
    """Each hidden reference is one that the count counts: without the holder it is one less."""
    zone = Zone()
    when = datetime.datetime(2020, 1, 1, tzinfo=zone)
    before = garbology.reference_count(zone)
    assert [label for label, referent in hidden_referents(when) if referent is zone] == [".tzinfo"]
    assert [referent for referent in unseen_referents(when) if referent is zone] == [zone]
    del when
    assert garbology.reference_count(zone) == before - 1


def test_weak_references_are_no_secrets():
    """The list of an object's weak references is in its memory, and not held by it."""
    flags = np.zeros(1).flags
    assert all(type(each) is int for each in secret_ids(flags))
    text = io.StringIO()
    reference = weakref.ref(text)
    assert id(reference) not in secret_ids(text)


def test_what_several_objects_hold_unseen_is_what_each_holds():
    """They are read in one go, as the ten thousand pieces of code of a program are."""
    codes = [each.__code__ for each in (kept_by_reference, lambda: 1.5, lambda each: each)]
    kept = weakref.ref(codes[0])
    sets = [{number} for number in range(3)]
    streams = [io.StringIO(), io.StringIO("text")]
    for objects in (codes, [re.compile("a").scanner("b")] * 2, streams, sets, [object()], []):
        each = np.array([word for obj in objects for word in secret_ids(obj)], np.uint64).astype(np.int64)
        assert secret_addresses(objects).tolist() == each.tolist()
    assert id(codes[0].co_consts) in secret_addresses(codes)
    assert id(kept) not in secret_addresses(codes)


def test_how_a_class_is_read_is_looked_up_once(monkeypatch):
    """Of many objects of few classes; what is said of each is what is said of it alone."""
    several = [np.array([Node()], object), np.zeros(2)[:1], datetime.time(1, tzinfo=Zone()), Node()] * 3
    alone = [list(map(id, unseen_referents(each))) for each in several]
    holding = [hidden.holds_unseen(each) for each in several]
    asked = []
    readers = hidden._readers
    monkeypatch.setattr(hidden, "_readers", lambda kind: asked.append(kind) or readers(kind))
    assert [list(map(id, each)) for each in hidden.unseen_of_each(several)] == alone
    assert hidden.which_hold_unseen(several) == holding
    assert asked == [np.ndarray, datetime.time, Node] * 2
