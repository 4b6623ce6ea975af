"""One shape for what is one: cycles that differ in keys, indices, addresses or in how many like elements they have."""

import ctypes
import random
import xml.dom.minidom

import pytest

import garbology
from garbology.recorders.allocations import traced_allocations

pytestmark = pytest.mark.usefixtures("frozen_heap")


@pytest.fixture(autouse=True)
def no_collection():
    """An advice can only be tried while the garbage is there: the collector must not come in between."""
    with garbology.collector.paused():
        yield


class Parent:
    """Has a list of children."""

    def __init__(self, children=0):
        self.children = [Child(self) for _ in range(children)]


class Child:
    """Points back."""

    def __init__(self, parent):
        self.parent = parent


class Node:
    """Gets attributes as a test needs them."""


def families():
    for count in (3, 22, 3, 1):
        Parent(count)


def counted(found):
    """The occurrences and bytes of all entries are those of the finding."""
    return sum(shape.count for shape in found.shapes), sum(shape.bytes for shape in found.shapes)


def test_lists_of_different_length_are_one_shape_with_a_range():
    """A parent with 1, 3 and 22 children is one shape; the text says from how many to how many objects."""
    found = garbology.find_cycles(families)
    (shape,) = found.shapes
    assert (shape.count, shape.bytes) == (4, found.garbage_bytes)
    assert shape.objects_low < shape.objects_high
    assert shape.objects_low <= shape.objects <= shape.objects_high
    assert [edge.label for edge in shape.edges if edge.target == "Child"][0] == ".children[]"
    assert f"4 x a cycle of {shape.objects_low} to {shape.objects_high} objects" in str(found)


def test_the_size_of_equal_cycles_is_one_number():
    """Where all occurrences have as many objects there is no range."""
    found = garbology.find_cycles(lambda: [Parent(3) for _ in range(4)] and None)
    (shape,) = found.shapes
    assert shape.objects_low == shape.objects_high == shape.objects
    assert f"4 x a cycle of {shape.objects} objects" in str(found)
    plain = shape.to_dict()
    assert (plain["objects_low"], plain["objects_high"], plain["distinct"]) == (shape.objects,) * 2 + (1,)


class Cache:
    """Knows itself by its address."""

    def __init__(self):
        self.by_id = {id(self): self}


def test_a_key_that_is_an_address_is_told_as_id():
    """Twenty caches keyed by the address of what they hold are one shape, also where there is but one."""
    for count in (1, 20):
        found = garbology.find_cycles(lambda count=count: [Cache() for _ in range(count)] and None)
        (shape,) = found.shapes
        assert (shape.count, [edge.label for edge in shape.edges]) == (count, [".by_id[id]"])
        assert [edge.label for edge in shape.advice.edges] == [".by_id[id]"]
        assert shape.advice.verified


def test_ctypes_cast_is_one_shape():
    """`ctypes.cast` puts its argument into the argument's own `_objects`, by address (python/cpython#57045)."""
    buffer = ctypes.c_char * 1000

    def cast():
        for _ in range(20):
            ctypes.cast(buffer(), ctypes.c_void_p)

    (shape,) = garbology.find_cycles(cast).shapes
    assert (shape.count, [edge.label for edge in shape.edges]) == (20, ["._objects[id]"])


@pytest.mark.parametrize(
    "keys",
    [
        [f"item-{number}" for number in range(40)],
        [(number, "page") for number in range(40)],
        [10_000_000 + number for number in range(40)],
        ["websocket", "peer", "websocket"],
        [0.5 * number for number in range(5)],
    ],
    ids=["strings", "tuples", "numbers", "words", "floats"],
)
def test_keys_that_differ_are_left_out(keys):
    """Cycles that agree in all but a key are one shape, in its edges and in its advice."""

    def make():
        for key in keys:
            node, other = Node(), Node()
            node.table, other.owner = {key: other}, node

    found = garbology.find_cycles(make)
    (shape,) = found.shapes
    assert shape.count == len(keys)
    assert {edge.label for edge in shape.edges} == {".table[]", ".owner"}
    assert str(keys[0]) not in shape.advice.reason
    assert shape.advice.verified


def test_a_key_that_is_the_same_everywhere_is_told():
    """A fixed key stays in the edge's name."""

    def make():
        for _ in range(20):
            node, other = Node(), Node()
            node.table, other.owner = {"self": other}, node

    (shape,) = garbology.find_cycles(make).shapes
    assert {edge.label for edge in shape.edges} == {".table['self']", ".owner"}


@pytest.mark.parametrize("count", [3, 40])
def test_names_tell_shapes_apart(count):
    """`.left` alone and `.right` alone are two shapes, also among many of different size."""

    class Fresh:  # of which no instance has had attributes: where the first one stands, each first one does
        pass

    def make():
        for number in range(count):
            for name in ("left", "right"):
                parent, nodes = Fresh(), [Fresh() for _ in range(number + 1)]
                setattr(parent, name, nodes)
                for node in nodes:
                    node.up = parent

    found = garbology.find_cycles(make)
    assert sorted(shape.count for shape in found.shapes) == [count, count]
    assert {edge.label for shape in found.shapes for edge in shape.edges} == {".left[]", ".right[]", ".up"}


class Slotted:
    __slots__ = ("left", "right", "up")


class WithMoreSlots(Slotted):
    __slots__ = ("less", "more")


def through_attributes(kind, names):
    def make(number):
        parent, child = kind(), kind()
        setattr(parent, names[number % 2], child)
        child.up = parent

    return make


def functions(number):
    if number % 2:

        def first():
            return first
    else:

        def second():
            return second


def renamed(number):
    def function():
        return function

    function.__qualname__ = ("one.function", "other.function")[number % 2]


def generators(number):
    def first():
        own = yield
        yield own

    def second():
        own = yield
        yield own

    generator = (first, second)[number % 2]()
    next(generator)
    generator.send(generator)


def classes(number):
    type(("First", "Second")[number % 2], (), {})


@pytest.mark.parametrize("count", [101, 1_001])
@pytest.mark.parametrize(
    "make",
    [
        through_attributes(Node, ("left", "right")),
        through_attributes(Slotted, ("left", "right")),
        through_attributes(WithMoreSlots, ("left", "right")),
        through_attributes(WithMoreSlots, ("less", "more")),
        *(functions, renamed, generators, classes),
    ],
    ids=["attributes", "slots", "inherited slots", "further slots", "functions", "renamed", "generators", "classes"],
)  # fmt: skip
def test_each_cycle_is_counted_with_its_own_name(make, count):
    """Where nothing but a name differs, which no reference shows: every second one is the other shape.

    The first, the middle and the last are of one name here; a few of many are not all of them.
    """
    found = garbology.find_cycles(lambda: [make(number) for number in range(count)] and None)
    assert sorted(shape.count for shape in found.shapes) == [count // 2, count // 2 + 1]


def random_tree(size, pick):
    nodes = [Node()]
    nodes[0].left = nodes[0].right = nodes[0].parent = None
    while len(nodes) < size:
        node, name = pick.choice(nodes), pick.choice(("left", "right"))
        if getattr(node, name) is None:
            child = Node()
            child.left = child.right = None
            child.parent = node
            setattr(node, name, child)
            nodes.append(child)
    return nodes[0]


@pytest.mark.slow
def test_trees_of_random_form_are_one_shape():
    """A hundred random trees of 15 to 115 nodes with the same names are one shape; the advice opens all of them."""
    pick = random.Random(7)

    def make():
        for size in range(15, 115):
            random_tree(size, pick)

    found = garbology.find_cycles(make)
    (shape,) = found.shapes
    assert shape.count == 100
    assert {edge.label for edge in shape.edges} == {".left", ".right", ".parent"}
    assert [edge.label for edge in shape.advice.edges] == [".parent"]
    assert shape.advice.verified


@pytest.mark.slow
def test_documents_of_different_size_are_few_shapes():
    """minidom documents of one kind, each of another size, are one shape."""

    def parse():
        for count in (2, 5, 9, 30):
            rows = "".join(f"<row n='{number}'><cell>text</cell></row>" for number in range(count))
            xml.dom.minidom.parseString(f"<table>{rows}</table>")

    found = garbology.find_cycles(parse)
    largest = max(found.shapes, key=lambda shape: shape.bytes)
    assert largest.count == 4
    assert largest.objects_high > 3 * largest.objects_low


def test_advice_holds_for_all_of_a_shape():
    """Where the occurrences differ, the advised edges open the smallest and the largest."""

    class Hub:
        pass

    class Part:
        pass

    def make():
        for count in (1, 2, 30):
            hub = Hub()
            hub.parts = [Part() for _ in range(count)]
            for part, following in zip(hub.parts, hub.parts[1:] + hub.parts[:1], strict=True):
                part.hub, part.following = hub, following

    for shape in garbology.find_cycles(make).shapes:
        labels = {edge.label for edge in shape.advice.edges}
        assert ".following" in labels or shape.advice.remedy == "none", labels


def heterogeneous(units, classes):
    for number in range(units):
        high, low = divmod(number, len(classes))
        places = (low, high % len(classes), (7 * high + low) % len(classes))
        first, second, third = (classes[place]() for place in places)
        first.next, second.next, third.next = second, third, first


@pytest.mark.slow
def test_more_shapes_than_are_described_are_counted():
    """Of a thousand shapes the heaviest are described; the last entry counts the rest, so that all sums are right."""
    classes = [type(f"Kind{number}", (), {}) for number in range(40)]
    found = garbology.find_cycles(heterogeneous, 1_000, classes)
    rest = found.shapes[-1]
    assert counted(found) == (1_000, found.garbage_bytes)
    assert rest.distinct > 100
    assert (rest.advice, rest.edges) == (None, [])
    assert all(shape.distinct == 1 and shape.advice for shape in found.shapes[:-1])
    distinct = sum(shape.distinct for shape in found.shapes)
    assert 900 < distinct <= 1_000
    text = str(found)
    assert f"in 1,000 cycles of {distinct:,} shapes" in " ".join(text.split())
    assert "more shapes, " in text
    assert text.count("`found.shapes`") == 1


@pytest.mark.slow
def test_what_is_rare_among_many_forms_is_told_apart():
    """Five trees that lean to the left, of different size, are found among hundreds of random ones."""
    pick = random.Random(11)

    def make():
        for size in range(5):
            for _ in range(80):
                random_tree(30 + size, pick)
            leaning = random_tree(1, pick)
            for _ in range(8 + size):
                child = Node()
                child.left = child.right = None
                child.parent, leaning.left = leaning, child
                leaning = child

    found = garbology.find_cycles(make)
    labels = {shape.count: {edge.label for edge in shape.edges} for shape in found.shapes}
    assert labels == {400: {".left", ".right", ".parent"}, 5: {".left", ".parent"}}


@pytest.mark.parametrize("frames", [1, 5])
def test_an_object_was_made_by_the_program_and_not_by_the_call_of_it(frames):
    """The innermost line of the program's; where only our call of a watched class was traced, none."""

    class Itself:
        def __init__(self):
            self.itself = self

    with traced_allocations(frames):
        (shape,) = garbology.find_cycles(Itself).shapes
        (called,) = garbology.find_cycles(lambda: Itself() and None).shapes
    assert not any("window.py" in site for site in shape.sites)
    assert {site.rpartition(":")[0] for site in called.sites} == {__file__}  # and on 3.10 its dictionary's


def make_one_of_two(first):
    if first:

        class Local:
            def __init__(self):
                self.me = self  # first

    else:

        class Local:
            def __init__(self):
                self.me = self  # second

    return Local


@pytest.mark.parametrize("together", [True, False])
def test_two_class_statements_of_one_name_are_two_shapes(together):
    """Each has its lines; what several calls make of one statement is one shape, for that is one thing to mend."""
    first, again, second = make_one_of_two(True), make_one_of_two(True), make_one_of_two(False)

    def work():
        first(), again()
        if together:
            second()

    shapes = garbology.find_cycles(work).shapes
    assert sorted(shape.count for shape in shapes) == ([1, 2] if together else [2])
    lines = {(shape.count, *(int(line.split(":")[1]) for line in shape.edges[0].set_at)) for shape in shapes}
    wanted = {(2, first.__init__.__code__.co_firstlineno + 1)}
    assert lines == wanted | ({(1, second.__init__.__code__.co_firstlineno + 1)} if together else set())
