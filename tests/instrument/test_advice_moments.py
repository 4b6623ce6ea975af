"""Advice where what is needed is seen at other moments than returns, and at the same moments on a slow machine.

Each program runs once more with the advised edge made weak: what was advised must not break it.
"""

import asyncio
import contextlib
import gc
import sys
import time
import weakref
from types import SimpleNamespace

import pytest

import garbology
from garbology.advice import sampling as looks
from garbology.advice.live_observer import LiveObserver
from garbology.advice.needs import Needs
from garbology.advice.small_window import SmallWindow
from garbology.interpreter.returns import CALLED, CLOSED, INSIDE, YIELDED, Returns

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")

LINES_ARE_TOLD = sys.version_info >= (3, 12)


class Weak:
    """An attribute that holds what it refers to weakly."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, obj, owner=None):
        return getattr(obj, self.name)()

    def __set__(self, obj, value):
        setattr(obj, self.name, weakref.ref(value) if value is not None else lambda: None)


def family(weak=None):
    """Classes whose instances hold each other; ``weak`` is the edge that is made weak."""

    class Parent:
        def __init__(self):
            self.name = "parent"
            self.child = family.Child(self)

        def use(self):
            return self.child.value

    class Child:
        def __init__(self, parent):
            self.parent = parent
            self.value = 1

        def use(self):
            return self.parent.name

    for owner, name in ((Parent, "child"), (Child, "parent")):
        if weak == (owner.__name__, "." + name):
            descriptor = Weak()
            descriptor.__set_name__(owner, name)
            setattr(owner, name, descriptor)
    family = SimpleNamespace(Parent=Parent, Child=Child)
    return family


def children(family, count=1):
    for _ in range(count):
        parent = family.Parent()
        yield parent.child


def nothing():
    pass


def name_of(child):
    return child.parent.name


def a_generator_that_is_dropped(family):
    child = next(children(family))
    return child.use()


def a_generator_that_is_dropped_before_a_line(family):
    child = next(children(family))
    name = child.parent.name
    del child
    return name


def a_generator_in_an_argument(family):
    return name_of(next(children(family)))


def a_generator_that_is_closed(family):
    generator = children(family)
    child = next(generator)
    generator.close()
    name_of(child)


def a_generator_that_goes_on(family):
    for child in children(family, 3):
        name_of(child)
    return name_of(child)


def a_variable_that_is_deleted(family):
    parent = family.Parent()
    child = parent.child
    del parent
    nothing()
    name = child.parent.name
    del child
    return name


def a_variable_that_is_set_anew(family):
    for _ in range(3):
        child = family.Parent().child
        name_of(child)
    child = None
    nothing()


@contextlib.contextmanager
def opened(family):
    parent = family.Parent()
    yield parent.child
    del parent


def a_context_that_has_ended(family):
    with opened(family) as child:
        nothing()
    name_of(child)
    del child


async def awaited(family):
    parent = family.Parent()
    await asyncio.sleep(0)
    return parent.child


def a_task(family):
    async def main():
        child = await awaited(family)
        await asyncio.sleep(0)
        return child.use()

    asyncio.run(main())


def an_async_generator(family):
    async def produced():
        parent = family.Parent()
        yield parent.child

    async def main():
        generator = produced()
        child = await generator.__anext__()
        await generator.aclose()
        del generator
        return child.use()

    asyncio.run(main())


def a_comprehension(family):
    kept = list(children(family, 3))
    return [name_of(child) for child in kept]


def a_deleted_variable_without_a_call(family):
    parent = family.Parent()
    child = parent.child
    del parent
    name = child.parent.name
    del child
    return name


def a_parent_that_is_kept(family):
    parent = family.Parent()
    name_of(parent.child)
    parent.use()


PROGRAMS = [
    a_generator_that_is_dropped,
    a_generator_in_an_argument,
    a_generator_that_is_closed,
    a_generator_that_goes_on,
    a_variable_that_is_deleted,
    a_variable_that_is_set_anew,
    a_context_that_has_ended,
    a_task,
    an_async_generator,
    a_comprehension,
]
IN_STATEMENTS = [a_generator_that_is_dropped_before_a_line, a_deleted_variable_without_a_call]


def advice_of(program, *, watched):
    given = family()
    if watched:
        with garbology.watch() as found:
            program(given)
    else:
        found = garbology.find_cycles(program, given)
    return next(shape.advice for shape in found.shapes if "Parent" in str(shape.edges))


def assert_following_it_breaks_nothing(program, advice):
    if advice.remedy != "weakref":
        return
    for edge in advice.edges:
        program(family(weak=(edge.source.rpartition(".")[2], edge.label)))


@pytest.mark.parametrize("watched", [False, True], ids=["find_cycles", "watch"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_alone_holds_its_target_between_returns_is_not_to_be_weak(program, watched):
    """What a statement drops, a generator that is dropped and a task that goes on leave the parent to the child."""
    with pytest.raises(AttributeError):
        program(family(weak=("Child", ".parent")))
    advice = advice_of(program, watched=watched)
    assert (advice.remedy, [edge.label for edge in advice.edges]) != ("weakref", [".parent"])
    assert_following_it_breaks_nothing(program, advice)


@pytest.mark.skipif(not LINES_ARE_TOLD, reason="a profile function is not told of lines")
@pytest.mark.parametrize("program", IN_STATEMENTS)
def test_an_empty_call_between_two_lines_changes_nothing(program):
    """Where no function is called between two statements, the line itself is a moment."""
    advice = advice_of(program, watched=False)
    assert (advice.remedy, [edge.label for edge in advice.edges]) != ("weakref", [".parent"])
    assert_following_it_breaks_nothing(program, advice)


@pytest.mark.parametrize("watched", [False, True], ids=["find_cycles", "watch"])
def test_a_way_back_is_weakened_as_before(watched):
    """Where the parent is held as long as the child is used, more looks forbid nothing."""
    advice = advice_of(a_parent_that_is_kept, watched=watched)
    assert (advice.remedy, [edge.label for edge in advice.edges]) == ("weakref", [".parent"])
    assert_following_it_breaks_nothing(a_parent_that_is_kept, advice)


class Artist:
    """Knows how to remove itself, by a method of the list that it is in."""

    def __init__(self, axes):
        self.axes = axes
        axes.children.append(self)
        self.remove_method = axes.children.remove

    def draw(self):
        """Be used."""
        return 1


class Axes:
    """Its list alone holds the artists."""

    def __init__(self):
        self.children = []

    def clear(self):
        """Begin anew, with another list."""
        self.children = []

    def draw(self):
        """Use them all."""
        return sum([artist.draw() for artist in self.children])


@pytest.mark.parametrize("artists", [1, 3])
@pytest.mark.parametrize("times", [1, 5])
def test_a_list_that_changes_its_owner_keeps_what_was_learned_of_it(artists, times):
    """In use it was Axes.children[], at the end it is Artist.remove_method.__self__[]: the same list."""

    def cleared_in_a_loop():
        axes = Axes()
        for _ in range(times):
            for _ in range(artists):
                Artist(axes)
            axes.draw()
            axes.clear()
        return axes

    for shape in garbology.find_cycles(cleared_in_a_loop).shapes:
        if any(edge.label.endswith("]") for edge in shape.advice.edges):
            assert "empty that list (`clear()`)" in shape.advice.reason
            assert "hold weakref" not in shape.advice.reason


def test_what_was_needed_in_one_container_says_nothing_of_another():
    """A list whose elements others hold is no less weak because some list holds its elements alone."""

    def program():
        owner = Owner()
        owner.use()
        pool = Pool()
        pool.use()

    class Owner:
        def __init__(self):
            self.kept = [Data() for _ in range(3)]

        def use(self):
            return [data.value for data in self.kept]

    class Data:
        value = 1

    class Pool:
        def __init__(self):
            self.one = Data()
            self.one.pool = self
            self.seen = [self.one]
            self.one.seen = self.seen

        def use(self):
            return self.one.value

    for shape in garbology.find_cycles(program).shapes:
        assert shape.advice.remedy != "none"


def test_an_address_that_is_used_again_is_no_need():
    """What stands where something needed stood when it was seen is younger than that look."""
    kept = [[SimpleNamespace()] for _ in range(3)]
    witness = LiveObserver(lambda most: kept[:])
    needs = witness._needs
    for container in kept:
        needs.add_element(container, gc.get_referents(container)[0])
    mark, younger = [], [SimpleNamespace()]
    witness._few.marks.append(mark)
    needs.add_element(younger, younger[0])
    objects = [each for container in kept for each in (container, container[0])] + [mark, younger, younger[0]]
    witness.take_out_notes(objects)
    elements = witness.needed_elements(objects, by_age=True)
    assert elements == {(id(container), id(container[0])) for container in kept}
    assert not [each for each in objects if each is mark]


def test_nothing_is_known_of_elements_where_ages_are_not_known():
    """After a collection the order of the heap says nothing; the instrument's own marks leave it all the same."""
    container = [SimpleNamespace()]
    mark = []
    witness = LiveObserver(lambda most: [])
    witness._needs.add_element(container, container[0])
    witness._few.marks.append(mark)
    objects = [container, container[0], mark]
    witness.take_out_notes(objects)
    assert witness.needed_elements(objects, by_age=False) == frozenset()
    assert len(objects) == 2


def slowed_down(look):
    def slow(self, *arguments):
        started = time.thread_time()
        look(self, *arguments)
        end = time.thread_time() + 9 * (time.thread_time() - started)
        while time.thread_time() < end:
            pass

    return slow


@pytest.mark.slow
@pytest.mark.parametrize("program", [*PROGRAMS, a_parent_that_is_kept])
def test_looks_ten_times_slower_change_no_advice(program, monkeypatch):
    """Looks are rationed by what they read and what has happened, never by the clock."""
    expected = advice_of(program, watched=False)
    monkeypatch.setattr(LiveObserver, "_look", slowed_down(LiveObserver._look))
    slow = advice_of(program, watched=False)
    assert (slow.remedy, slow.edges, slow.reason) == (expected.remedy, expected.edges, expected.reason)


def tree(depth):
    root = level = Branch(None)
    for _ in range(depth):
        level = Branch(level)
        for _ in range(20):
            Branch(level)
    return root.size()


class Branch:
    """A tree that knows the way up."""

    def __init__(self, parent):
        self.parent = parent
        self.branches = []
        if parent is not None:
            parent.branches.append(self)

    def size(self):
        """How many there are."""
        return 1 + sum([branch.size() for branch in self.branches])


@pytest.mark.slow
@pytest.mark.parametrize("depth", [2, 20, 80])
def test_a_large_tree_gets_the_same_advice_however_slow_the_looks(depth, monkeypatch):
    """Windows that are read with arrays as well as those that are not."""
    expected = garbology.find_cycles(tree, depth).shapes[0].advice
    monkeypatch.setattr(LiveObserver, "_look", slowed_down(LiveObserver._look))
    slow = garbology.find_cycles(tree, depth).shapes[0].advice
    assert [edge.label for edge in expected.edges] == [".parent"]
    assert (slow.remedy, slow.edges, slow.reason) == (expected.remedy, expected.edges, expected.reason)


def test_looks_are_fewer_where_there_is_little_work(monkeypatch):
    """What may be read grows with what the block makes and passes."""
    read = []
    monkeypatch.setattr(looks.SamplingPolicy, "spend", lambda self, objects: read.append(objects))

    def few():
        return [Branch(None)]

    with garbology.watch():
        pass
    nothing_made = sum(read)
    with garbology.watch():
        few()
    assert nothing_made < 20
    assert nothing_made < sum(read) < 300


def test_a_block_that_makes_nothing_is_not_read(monkeypatch):
    """What a look makes for itself, a tuple of arguments as well, is not in the window that it looks at."""
    read = []
    monkeypatch.setattr(
        LiveObserver, "_look_at_few", lambda self, objects, leaving: read.append(len(objects))
    )
    for _ in range(3):
        with garbology.watch() as found:
            pass
    assert found.garbage == 0
    assert read == []


def recorded(run, *arguments):
    told = []
    wanted = (run.__name__, "children", "closing", "nothing")

    def passed(event, frame):
        if frame.f_code.co_name in wanted and event != INSIDE:
            told.append((event, frame.f_code.co_name))
        return True

    returns = Returns(
        lambda frame, result: (
            told.append(("returned", frame.f_code.co_name)) or True
            if frame.f_code.co_name in wanted
            else True
        ),
        passed,
    )
    returns.start()
    run(*arguments)
    returns.stop()
    return [each for each in told if each[1] != "stop"]


def closing():
    try:
        yield 1
        yield 2
    finally:
        nothing()


def test_calls_yields_and_closings_are_told():
    """In the order in which they happen; that a generator lets its variables go is told from 3.12."""

    def run():
        generator = closing()
        next(generator)
        next(generator)
        generator.close()

    told = [
        (CALLED, "run"),
        (CALLED, "closing"),
        (YIELDED, "closing"),
        (CALLED, "closing"),
        (YIELDED, "closing"),
        *([] if LINES_ARE_TOLD else [(CALLED, "closing")]),
        (CALLED, "nothing"),
        ("returned", "nothing"),
        *([(CLOSED, "closing")] if LINES_ARE_TOLD else []),
        ("returned", "run"),
    ]
    assert recorded(run) == told


@pytest.mark.skipif(not LINES_ARE_TOLD, reason="a profile function is not told of lines")
def test_no_line_is_told_of_after_the_watch():
    """What was switched on in a function's code is switched off, and the tool's number is free."""
    monitoring = sys.monitoring
    garbology.find_cycles(a_generator_that_is_dropped, family())
    assert all(monitoring.get_tool(tool) is None for tool in (3, 4, 5))
    monitoring.use_tool_id(4, "test")
    try:
        codes = [program.__code__ for program in (a_generator_that_is_dropped, children)]
        assert [monitoring.get_local_events(4, code) for code in codes] == [0, 0]
        assert [monitoring.get_events(4)] == [0]
    finally:
        monitoring.free_tool_id(4)


def test_a_window_is_read_as_it_is():
    """References, positions and counts of a few objects, and what can be reached without some references."""
    end = ["end"]
    first, second = [end, end], [end]
    window = SmallWindow([first, second, end])
    assert [window.targets[edge] for edge in range(window.starts[0], window.starts[1])] == [2, 2]
    assert len(window.incoming[2]) == 3
    assert window.held()[2] >= 1
    assert list(window.reached([1])) == [0, 1, 1]
    assert list(window.reached([1], {2})) == [0, 1, 0]


def test_what_only_one_class_of_edges_leads_to_is_needed():
    """Both ways of a chain that begins at a root, and none where a root holds the target as well."""

    class Node:
        __slots__ = ("following",)

        def __init__(self, following=None):
            self.following = following

    last = Node()
    first = Node(last)
    for roots, expected in (([0], {("Node", ".following", "Node")}), ([0, 1], set())):
        needs = Needs()
        needs.look(SmallWindow([first, last]), roots)
        assert {key for key in needs.classes if key[2] == "Node"} == expected
