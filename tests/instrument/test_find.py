"""The front door: what is found, and that finding it changes nothing."""

import contextlib
import ctypes
import gc
import json
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Parent:
    """Holds its child, which holds it."""

    def __init__(self):
        self.child = Child(self)


class Child:
    """Points back."""

    def __init__(self, parent):
        self.parent = parent


class Node:
    """Anything."""


def ring(length, cls=Node):
    nodes = [cls() for _ in range(length)]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        node.next = following


def rings(lengths):
    for length in lengths:
        ring(length)


def collector_state():
    return (
        gc.isenabled(),
        gc.get_threshold(),
        gc.get_debug(),
        list(gc.callbacks),
        gc.get_freeze_count(),
        len(gc.garbage),
    )


def test_a_parent_and_its_child_are_one_shape_with_named_edges():
    """Both edges of the cycle bear their attribute names."""
    found = garbology.find_cycles(Parent)
    (shape,) = found.shapes
    assert {(e.source, e.label, e.target) for e in shape.edges} == {
        ("Parent", ".child", "Child"),
        ("Child", ".parent", "Parent"),
    }
    assert found.garbage == shape.objects == gc.collect()


def test_nothing_is_found_where_counting_frees_all():
    """A tree without back pointers leaves no garbage, no shape and no leak."""
    found = garbology.find_cycles(lambda: [[object()], {"key": (1, 2)}])
    assert (found.garbage, found.garbage_bytes, found.shapes, found.leaks) == (0, 0, [], [])


def test_live_objects_are_not_garbage():
    """A cycle that a variable still holds is not found."""
    kept = []
    found = garbology.find_cycles(lambda: kept.append(Parent()))
    assert found.garbage == 0


def test_equal_cycles_are_one_shape_with_a_count():
    """Five thousand equal rings are told once."""
    found = garbology.find_cycles(rings, [3] * 5_000)
    (shape,) = found.shapes
    assert shape.count == 5_000
    assert shape.count * shape.objects == found.garbage == gc.collect()


def test_rings_of_different_length_are_different_shapes():
    """The shape of a cycle includes how many objects it has."""
    found = garbology.find_cycles(rings, [3, 4, 3])
    assert sorted(shape.count for shape in found.shapes) == [1, 2]


def test_cycles_that_differ_in_one_name_are_different_shapes():
    """Equal structure with another attribute is another shape."""

    def make():
        for name in ("left", "right", "left"):
            node = Node()
            setattr(node, name, node)

    found = garbology.find_cycles(make)
    assert {(shape.edges[0].label, shape.count) for shape in found.shapes} == {(".left", 2), (".right", 1)}


def test_a_shape_does_not_depend_on_the_order_of_making():
    """The same two-node cycle built the other way round is the same shape."""

    def make():
        for flip in (False, True):
            first, second = (Child(None), Node()) if flip else (Node(), Child(None))
            node, child = (second, first) if flip else (first, second)
            node.child, child.parent = child, node

    (shape,) = garbology.find_cycles(make).shapes
    assert shape.count == 2


def test_what_hangs_off_a_cycle_is_counted_in_its_bytes_once():
    """An array that two views and a list share adds its buffer once, and is no part of the shape."""

    def make():
        node = Node()
        array = np.zeros(100_000)
        node.views = [array, array[1:], array[:5]]
        node.itself = node

    found = garbology.find_cycles(make)
    (shape,) = found.shapes
    assert 800_000 <= found.garbage_bytes < 802_000
    assert shape.bytes == found.garbage_bytes
    assert {e.label for e in shape.edges} == {".itself"}


def in_an_array(*held):
    array = np.empty(len(held), object)
    array[:] = held
    return array


@pytest.mark.slow
@pytest.mark.parametrize(
    "view_of",
    [
        lambda data: np.frombuffer(data, np.uint8),
        lambda data: [np.frombuffer(memoryview(data), np.uint8), memoryview(data), data],
        lambda data: np.asarray(memoryview(data)),
        lambda data: np.ctypeslib.as_array((ctypes.c_uint8 * len(data)).from_buffer(data)),
        lambda data: in_an_array([data], None),
    ],
)
def test_a_buffer_that_an_array_hides_is_counted_once(view_of):
    """The memoryview behind an array, or a list in one, is new as well, and held where the collector cannot see."""

    def make():
        node = Node()
        node.itself = node
        node.view = view_of(bytearray(100_000))

    gc.collect()
    found = garbology.find_cycles(make)
    assert 100_000 <= found.garbage_bytes < 104_000
    assert found.garbage == gc.collect()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hold", "seen"), [(list, True), (lambda things: in_an_array(things, None), False)], ids=["list", "array"]
)
def test_what_is_older_and_dies_with_the_garbage_is_counted_as_the_collector_counts(hold, seen):
    """It counts with the new things that only it holds; not where an array hides it from the collector."""
    box = [[[]]]

    def make():
        node = Node()
        node.itself = node
        older = box.pop()
        older.append([1])
        node.held = hold([older])

    gc.collect()
    found = garbology.find_cycles(make)
    assert found.garbage == gc.collect()
    assert (found.garbage > 2) == seen


def test_what_a_live_object_shares_with_the_garbage_is_not_counted():
    """An array that a variable still holds does not die with the cycle."""
    array = np.zeros(100_000)

    def make():
        node = Node()
        node.array, node.itself = array, node

    assert garbology.find_cycles(make).garbage_bytes < 2_000


def test_a_suspended_generator_s_cycle_is_found():
    """A generator held by its own argument is garbage although gc.collect() reports none of it."""

    def generate(node):
        yield node

    def make():
        node = Node()
        node.generator = generate(node)
        next(node.generator)

    found = garbology.find_cycles(make)
    assert found.garbage >= 2
    assert any("local node" in edge.label for shape in found.shapes for edge in shape.edges), str(found)


@pytest.mark.slow
def test_no_finalizer_and_no_weakref_callback_runs():
    """Analysis frees nothing: finalizers and callbacks run when the program collects, not before."""
    events = []

    class Loud:
        def __del__(self):
            events.append("del")

    def make():
        loud = Loud()
        loud.itself = loud
        weakref.finalize(loud, events.append, "finalize")

    found = garbology.find_cycles(make)
    assert found.garbage >= 1
    assert events == []
    gc.collect()
    assert sorted(events) == ["del", "finalize"]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_s_state_is_as_before(enabled):
    """Switch, thresholds, debug flags, callbacks, freeze count and gc.garbage are as they were."""
    (gc.enable if enabled else gc.disable)()
    before = collector_state()
    garbology.find_cycles(Parent)
    with pytest.raises(KeyError), garbology.watch():
        raise KeyError
    assert collector_state() == before


def test_an_exception_goes_through_and_the_finding_is_there():
    """The block's own exception leaves unchanged, and what was garbage by then is found."""
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught, garbology.watch() as found:
        Parent()
        raise error
    assert caught.value is error
    assert found.garbage == 2 + 2 * (sys.version_info < (3, 11))


def test_what_the_program_froze_stays_frozen():
    """Objects in the permanent generation are neither thawed nor in the way."""
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        assert garbology.find_cycles(Parent).garbage == gc.collect()
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()


def test_a_collection_inside_the_block_hides_nothing():
    """Where the watched code collects by itself, what it leaves afterwards is found all the same."""
    kept = []

    def make():
        kept.append(Parent())
        gc.collect()
        kept.clear()
        ring(4)

    found = garbology.find_cycles(make)
    assert found.garbage == gc.collect()
    assert len(found.shapes) == 2


def test_an_analysis_leaves_no_garbage_of_its_own():
    """The instrument under the instrument: nothing that only the collector could free."""
    garbology.find_cycles(Parent)
    gc.collect()

    def analyse():
        found = garbology.find_cycles(lambda: None)
        str(found), found.to_dict()

    with garbology.watch() as found:
        for _ in range(3):
            analyse()
    assert found.garbage == 0, str(found)


def test_a_finding_introduces_itself_in_one_line():
    """At a prompt and in a debugger it is the verdict alone; nothing is tried on the objects for it."""

    def make():
        alone = [None]
        alone[0] = alone

    found = garbology.find_cycles(make)
    assert repr(found).startswith("<Found: 1 object (")
    assert repr(found).endswith(" B) waits for the cyclic collector, in 1 cycle of 1 shape>")
    assert str(found).startswith(repr(found)[8:-1])
    assert repr(garbology.find_cycles(int)).startswith("<Found: no garbage")
    gc.collect()
    found = garbology.find_cycles(make)
    repr(found)
    assert gc.collect() == 1


@pytest.mark.parametrize(("length", "cut"), [(30, False), (66, True)])
def test_a_long_edge_takes_two_lines_before_it_is_cut(length, cut):
    """The names give way, not what to do about the edge, and no line is wider than a terminal."""
    owner = type("O" * length, (), {"__init__": lambda self: setattr(self, "child", child())})
    child = type("C" * length, (), {})

    def make():
        parent = owner()
        parent.child.parent = parent

    lines = str(garbology.find_cycles(make)).splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("  x "))
    held, target = lines[place : place + 2]
    assert max(map(len, lines)) <= 80
    assert held == "  x " + "C" * length + ".parent"
    assert target.startswith("        -> OOOO")
    assert target.endswith(("…" if cut else "O") + "   <- weaken this one")


def test_found_holds_no_object_of_the_program():
    """When the program collects, everything goes although the finding is kept."""
    reference = []

    def make():
        parent = Parent()
        reference.append(weakref.ref(parent))

    found = garbology.find_cycles(make)
    gc.collect()
    assert found.garbage
    assert reference[0]() is None


@pytest.mark.slow
def test_a_linked_list_of_a_million_is_explained():
    """A cycle through a million objects is one shape, found without recursion."""
    found = garbology.find_cycles(ring, 1_000_000)
    (shape,) = found.shapes
    assert shape.count == 1
    assert {e.label for e in shape.edges} == {".next"}
    assert len(str(found).splitlines()) < 20


def test_a_kept_exception_takes_the_frame_of_the_call_along():
    """An exception that keeps itself keeps the frames below it as well: find_cycles() has one of them."""

    def fail(error):
        raise error

    def work():
        error = ValueError()
        with contextlib.suppress(ValueError):
            fail(error)

    found = garbology.find_cycles(work)
    assert found.garbage == gc.collect()


@pytest.mark.slow
def test_threads_that_go_on_allocating_are_never_garbage(eager_threads):
    """Objects in use by another thread are not reported while it makes and drops cycles of its own."""
    stop = threading.Event()
    kept = [Parent() for _ in range(100)]

    def work():
        while not stop.is_set():
            kept[0].child = Child(kept[0])
            kept.append(kept.pop(0))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(8):
            with garbology.watch() as found:
                local = [Parent() for _ in range(200)]
            names = {name for shape in found.shapes for name in shape.types}
            assert not names & {f"{__name__}.Parent", f"{__name__}.Child"}, str(found)
            local.clear()
    finally:
        stop.set()
        thread.join()


def test_the_plain_form_is_json_with_a_version():
    """to_dict() is what json.dumps takes, and says which version of itself it is."""
    plain = garbology.find_cycles(Parent).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["schema_version"] == 1
    assert plain["shapes"][0]["edges"][0]["label"].startswith(".")


@pytest.mark.slow
def test_the_text_fits_a_terminal():
    """However many shapes there are: at most about 40 lines of at most 100 columns."""
    found = garbology.find_cycles(rings, range(1, 60))
    lines = str(found).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert f"{found.garbage:,} objects" in lines[0]


def test_the_window_ends_where_the_block_ends():
    """What the analysis itself makes is not in it, so that a watch of nothing has nothing to look at."""
    seen = []
    take = garbology.find.explain.snapshots.take

    def taking(objects):
        seen.append([type(each).__module__ for each in objects])
        return take(objects)

    garbology.find.explain.snapshots.take = taking
    try:
        with garbology.watch():
            pass
    finally:
        garbology.find.explain.snapshots.take = take
    assert not [module for modules in seen for module in modules if module.startswith("garbology")]


IMPORTED = """
import gc
import sys
import garbology

class Node:
    pass

def work():
    one, other = Node(), Node()
    one.other, other.one = other, one

def ring():
    first = last = Node()
    for _ in range(2_000):
        one = Node()
        one.last = last
        last = one
    first.last = last

before = set(sys.modules)
assert "in 1 cycle of 1 shape" in str(garbology.find_cycles(ring))
found = garbology.find_cycles(work)
assert "in 1 cycle of 1 shape" in str(found)
kept = [Node()]
assert "kept" in str(garbology.why_alive(kept[0]))
assert "kept" in str(garbology.diagnose(lambda: kept.append(Node()), calls=8))
with garbology.monitor(budget=1.0) as seen:
    for _ in range(20):
        work()
    gc.collect()
assert "1 collection" in str(seen)
print(*sorted({name.partition(".")[0] for name in before} - sys.stdlib_module_names))
print("numpy.ma" in before)
print(*set(sys.modules) - before)
"""


@pytest.mark.slow
def test_the_import_brings_numpy_and_little_else():
    """What is imported is read in each list of the heap; and nothing is imported later, in the program's own time."""
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    brought, unneeded, later = done.stdout.split("\n")[:3]
    assert {each for each in brought.split() if not each.startswith("_")} <= {
        "garbology",
        "numpy",
        "coverage",
    }
    assert (unneeded, later) == ("False", "")
