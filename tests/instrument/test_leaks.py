"""What not even the cyclic collector frees, and what must not be taken for it."""

import atexit
import contextlib
import ctypes
import datetime
import gc
import io
import json
import re
import sys
import threading
import time
import types
import warnings
import weakref

import numpy as np
import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Node:
    """Anything."""


class Array(np.ndarray):
    """A subclass: tracked by the collector, its elements still hidden."""


class Hostile:
    """Raises at every question."""

    def _refuse(self, *_):
        raise AssertionError("user code ran")

    __eq__ = __hash__ = __repr__ = __len__ = __bool__ = __sizeof__ = __getattr__ = __iter__ = _refuse


LEAKED = []  # what the tests leaked: weak references, to put an end to it


def node():
    made = Node()
    LEAKED.append(weakref.ref(made))
    return made


@pytest.fixture(autouse=True)
def no_leftovers():
    yield
    for reference in LEAKED:
        if (leaked := reference()) is not None:
            vars(leaked).clear()
    LEAKED.clear()


def held_by_c(obj):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))


# --- cycles through arrays


def element():
    it = node()
    it.arr = np.empty(1, object)
    it.arr[0] = it


def view():
    it = node()
    arr = np.empty((2, 2), object)
    arr[0, 1] = it
    it.part = arr[1:]


def nested():
    it = node()
    inner, outer = np.empty(2, object), np.empty(1, object)
    outer[0], inner[1], it.outer = inner, it, outer


def structured():
    it = node()
    it.table = np.zeros(2, [("number", "f8"), ("held", object)])
    it.table["held"][1] = it


def in_a_dict():
    it = node()
    it.arrays = {"weights": np.empty(1, object)}
    it.arrays["weights"][0] = it


def subclass():
    it = node()
    it.arr = np.empty(1, object).view(Array)
    it.arr.base[0] = it


def metadata():
    it = node()
    it.dtype = np.dtype("f8", metadata={"owner": it})


def array_with_metadata():
    it = node()
    it.arr = np.zeros(3, np.dtype("f8", metadata={"owner": it}))


def twice():
    it = node()
    it.arr = np.empty(2, object)
    it.arr[:] = it


CYCLES = {
    element: "Node.arr -> ndarray[0] -> Node",
    view: "Node.part -> ndarray.base -> ndarray[0, 1] -> Node",
    nested: "Node.outer -> ndarray[0] -> ndarray[1] -> Node",
    structured: "Node.table -> ndarray['held'][1] -> Node",
    in_a_dict: "Node.arrays['weights'] -> ndarray[0] -> Node",
    subclass: "Node.arr -> Array.base -> ndarray[0] -> Node",
    metadata: r"Node.dtype -> [\w.\[\]]*.metadata['owner'] -> Node",
    array_with_metadata: r"Node.arr -> ndarray.dtype -> [\w.\[\]]*.metadata['owner'] -> Node",
    twice: r"Node.arr -> ndarray[\d] -> Node",
}


@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_a_cycle_through_an_array_is_a_leak_with_named_edges(make):
    """The collector frees none of it, and the path through the array is told edge by edge."""
    found = garbology.find_cycles(make)
    (leak,) = found.leaks
    pattern = (
        re.escape(CYCLES[make]).replace(r"\[\\w\.\\\[\\\]\]\*", r"[\w.\[\]]*").replace(r"\[\\d\]", r"\[\d\]")
    )
    assert re.fullmatch(pattern, leak.path), leak.path
    assert found.garbage == 0
    gc.collect()
    assert LEAKED[0]() is not None
    assert leak.count == 1
    assert leak.objects == sum(leak.types.values()) >= 2
    assert leak.bytes > sys.getsizeof(np.empty(1, object))


def test_the_edges_of_a_leak_are_a_closed_path():
    """Each edge's target is the next one's source, and the last leads back to the first."""
    (leak,) = garbology.find_cycles(nested).leaks
    assert [edge.target for edge in leak.edges] == [edge.source for edge in leak.edges[1:] + leak.edges[:1]]


def test_an_array_that_holds_itself_through_a_subclass_is_a_leak():
    """A subclass instance is tracked, but its elements stay hidden on every NumPy."""

    def make():
        it = Array((1,), object)
        it[0] = it
        LEAKED_ARRAYS.append(weakref.ref(it))

    LEAKED_ARRAYS = []
    (leak,) = garbology.find_cycles(make).leaks
    assert leak.path == "Array[0] -> Array"
    gc.collect()
    LEAKED_ARRAYS[0]()[0] = None
    assert LEAKED_ARRAYS[0]() is None


def test_equal_leaks_are_told_once():
    """A thousand are one leak with a count; what each holds is in the bytes, once."""

    def make():
        for _ in range(1_000):
            element()
            LEAKED[-1]().arr[0].data = np.zeros(1_000)

    (leak,) = garbology.find_cycles(make).leaks
    assert leak.count == 1_000
    assert 8_000_000 <= leak.bytes < 9_000_000


def test_leaks_and_garbage_are_told_apart():
    """In one window the collector's own cycles are garbage, those through arrays leaks."""

    def make():
        element()
        it = Node()
        it.itself = it

    found = garbology.find_cycles(make)
    assert [shape.edges[0].label for shape in found.shapes] == [".itself"]
    assert [leak.path for leak in found.leaks] == ["Node.arr -> ndarray[0] -> Node"]


@pytest.mark.slow
def test_what_dies_with_the_garbage_is_no_leak():
    """An array that only garbage holds is freed with it, and so is what it holds."""
    alive = []

    def make():
        it, held = Node(), Node()
        it.itself, it.arr = it, np.empty(1, object)
        it.arr[0] = held
        alive.append(weakref.ref(held))

    assert garbology.find_cycles(make).leaks == []
    gc.collect()
    assert alive[0]() is None


@pytest.mark.slow
def test_what_an_array_of_a_live_object_holds_is_alive():
    """The array is new, its owner lives, and nobody else holds the element."""
    with garbology.watch() as found:
        owner = [[np.empty(1, object)]]
        owner[0][0][0] = Node()
        owner[0][0][0].deeper = np.empty(1, object)
        owner[0][0][0].deeper[0] = Node()
    assert owner
    assert found.leaks == []


def test_garbage_that_also_holds_the_array_hides_no_leak():
    """After the garbage is collected the cycle through the array is still there: a leak."""

    def make():
        element()
        it = Node()
        it.itself, it.arr = it, LEAKED[-1]().arr

    assert len(garbology.find_cycles(make).leaks) == 1
    gc.collect()
    assert LEAKED[0]() is not None


KEPT = []
MADE_BEFORE = np.empty(3, object)


def kept_by_a_list():
    element()
    KEPT.append(LEAKED[-1]())


def kept_by_an_older_array():
    element()
    MADE_BEFORE[0] = LEAKED[-1]()


def kept_by_an_older_array_alone():
    MADE_BEFORE[0] = Node()


def array_of_plain_values():
    it = Node()
    it.arr = np.array([1, "a", None, (1, 2)], object)


def array_without_a_cycle():
    arr = np.empty(1, object)
    arr[0] = Node()


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        kept_by_a_list,
        kept_by_an_older_array,
        kept_by_an_older_array_alone,
        array_of_plain_values,
        array_without_a_cycle,
    ],
    ids=lambda make: make.__name__,
)
def test_arrays_that_are_alive_or_freed_are_no_leaks(make):
    """What somebody still holds, and what counting frees, is not accused."""
    found = garbology.find_cycles(make)
    KEPT.clear()
    MADE_BEFORE[:] = None
    assert found.leaks == []


def test_a_leak_runs_no_code_of_the_program():
    """Hostile objects in a leaked array are never asked anything."""

    def make():
        it = node()
        it.hostile, it.arr = Hostile(), np.empty(2, object)
        it.arr[0], it.arr[1] = it, Hostile()

    (leak,) = garbology.find_cycles(make).leaks
    assert leak.path == "Node.arr -> ndarray[0] -> Node"


def test_the_text_and_the_plain_form_say_it_in_words():
    """Verdict, path, reason and remedy; the plain form is JSON."""
    found = garbology.find_cycles(element)
    plain = found.to_dict()["leaks"][0]
    assert json.loads(json.dumps(plain)) == plain
    assert plain["path"] == "Node.arr -> ndarray[0] -> Node"
    text = str(found)
    assert "cannot free" in text.splitlines()[0]
    assert "leak: 2 objects" in text or "leak: 3 objects" in text  # 3.10: the instance's dict is one more
    assert "1 x Node.arr -> ndarray[0] -> Node" in text
    assert "weakref.ref" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.slow
def test_many_live_objects_are_not_read_a_second_time():
    """Where a running frame or an older list holds it all, looking for arrays costs next to nothing."""

    def seconds(make):
        best = []
        for _ in range(3):
            begin = time.perf_counter()
            with garbology.watch():
                made = make()
            best.append(time.perf_counter() - begin)
            made.clear()
        return min(best)

    def live():
        return [[] for _ in range(50_000)]

    def dropped():
        made = live()
        made.append(made)
        return []

    assert seconds(live) < 2 * seconds(dropped) + 0.05


# --- held by something outside Python


@pytest.mark.slow
def test_a_reference_too_many_is_a_leak():
    """An object whose count says it is held, and that nobody holds, is held by something outside Python."""

    def make():
        for _ in range(3):
            it = node()
            it.child = Node()
            it.child.data = np.zeros(10_000)
            held_by_c(it)

    found = garbology.find_cycles(make)
    (leak,) = found.leaks
    assert (leak.count, leak.holder) == (3, "something outside Python")
    assert leak.types == {f"{__name__}.Node": 1}
    assert leak.reason == "1 reference that no Python object accounts for"
    assert 240_000 <= leak.bytes < 250_000
    assert f"3 x {__name__}.Node" in str(found)
    assert found.to_dict()["leaks"][0]["edges"] == []


@pytest.mark.slow
def test_it_is_found_in_a_with_block_and_counted():
    """Two references too many, in a block whose variable is gone at its end."""
    with garbology.watch() as found:
        it = [node()]
        held_by_c(it)
        held_by_c(it)
        del it
    (leak,) = found.leaks
    assert leak.reason == "2 references that no Python object accounts for"
    assert "list" in leak.types


@pytest.mark.parametrize("suspended", [pytest.param(False, marks=pytest.mark.slow), True])
def test_greenlets_forbid_the_judgement_only_where_there_are_any(suspended):
    """The C stack of a suspended greenlet may hold what nobody sees; that greenlet was imported says nothing."""
    greenlet = pytest.importorskip("greenlet")
    other = greenlet.greenlet(greenlet.getcurrent().switch)
    if suspended:
        other.switch()
    else:
        del other

    def make():
        held_by_c(node())

    assert len(garbology.find_cycles(make).leaks) == (not suspended)
    if suspended:
        other.switch()


ONLY_IMPORTED = """
import greenlet
import garbology
from garbology.snapshot import judging

def listed():
    raise AssertionError("all objects were listed")

judging.listing = listed
found = garbology.find_cycles(list)
assert found.leaks_judged, found.leaks_unjudged_reason
"""


def test_no_greenlet_is_looked_for_where_no_thread_has_asked_for_any(fresh):
    """SQLAlchemy and Playwright import the library: each question would list the heap."""
    pytest.importorskip("greenlet", "2")
    assert fresh.run(ONLY_IMPORTED).stderr == ""


class Slotted:
    """No dictionary."""

    __slots__ = ("other",)


def registered_at_exit():
    atexit.register(lambda: None)
    atexit.register(Node().__init__)


def stored_on_an_older_object():
    KEPT.append(Node())


def in_a_module():
    garbology.left_by_a_test = Node()


def in_a_class_attribute():
    Node.left_by_a_test = [Slotted()]


def in_a_tuple_of_a_code_object():
    exec("def left_by_a_test(): return (1, 'a', frozenset({1, 2}))", globals())


def behind_a_date():
    zone = type("Zone", (datetime.tzinfo,), {})()
    KEPT.append(datetime.datetime(2020, 1, 1, tzinfo=zone))


def behind_a_date_of_a_class_of_its_own():
    zone = type("Zone", (datetime.tzinfo,), {})()
    KEPT.append(type("Date", (datetime.datetime,), {})(2020, 1, 1, tzinfo=zone))


def text_in_memory():
    KEPT.append(io.StringIO())  # up to 3.11 it has a list of what was written


def used_warning_filters():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("the interpreter keeps the filters it looked at last", stacklevel=1)


def in_thread_local_storage():
    LOCAL.value = Node()


LOCAL = threading.local()
VARIABLE = __import__("contextvars").ContextVar("VARIABLE")


def in_a_context_variable():
    VARIABLE.set(Node())


def compiled_pattern():
    KEPT.append(re.compile(f"(?P<name>a)|(?P<other>{id(KEPT)})"))


def suspended_generator():
    def generate():
        held = Node()
        yield held

    generator = generate()
    next(generator)
    KEPT.append(generator)


def kept_exception():
    try:
        raise ValueError([Node()])
    except ValueError as error:
        KEPT.append(error)


def as_trace_function():
    held = Node()
    KEPT.append(lambda: held)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(registered_at_exit, marks=pytest.mark.slow),
        stored_on_an_older_object,
        in_a_module,
        in_a_class_attribute,
        in_a_tuple_of_a_code_object,
        behind_a_date,
        behind_a_date_of_a_class_of_its_own,
        text_in_memory,
        used_warning_filters,
        in_thread_local_storage,
        in_a_context_variable,
        compiled_pattern,
        suspended_generator,
        kept_exception,
        as_trace_function,
        lambda: types.SimpleNamespace(a=[Node()]),
    ],
    ids=lambda make: make.__name__,
)
def test_who_is_held_in_a_place_that_is_hard_to_see_is_not_accused(make):
    """Modules, classes, callbacks, contexts, code objects, C types with a reference inside: all hold."""
    found = garbology.find_cycles(make)
    KEPT.clear()
    for holder in (garbology, Node):
        if "left_by_a_test" in vars(holder):
            del holder.left_by_a_test
    LOCAL.__dict__.clear()
    assert found.leaks == [], str(found)


def test_a_variable_of_the_watching_function_holds():
    """Locals of running frames are seen, also those that an inner function shares."""
    shared = Node()
    with garbology.watch() as found:
        mine, shared = Node(), [Node()]
    assert (lambda: shared)() is shared
    assert mine is not None
    assert found.leaks == []


def test_iterators_of_running_loops_hold():
    """What the value stack of a running frame holds was there before the block, or is gone at its end."""
    for it in [[Node()] for _ in range(2)]:
        with garbology.watch() as found:
            inner = [(element, it) for element in [Node()]]
        assert found.leaks == [], str(found)
        inner.clear()


def test_where_it_cannot_be_known_nobody_is_accused():
    """In a generator C code may still be running that was given an object: nothing is judged, and that is said."""

    @contextlib.contextmanager
    def watched(answers):
        with garbology.watch() as found:
            yield
        answers.append(found)

    answers = []
    with watched(answers):
        leave()
    assert answers[0].leaks == []
    assert not answers[0].leaks_judged
    assert "generator" in answers[0].leaks_unjudged_reason
    assert "not judged" in str(answers[0])
    assert "freed every" not in str(answers[0])


def leave():
    held_by_c(node())


def test_an_exception_in_flight_is_no_leak():
    """The exception that ends the block, its traceback and its frames are held by the interpreter."""

    def fail():
        held = [Node()]
        raise ValueError(held)

    with pytest.raises(ValueError, match="Node"), garbology.watch() as found:
        fail()
    assert found.leaks == []


def test_objects_that_the_program_froze_are_not_searched():
    """A frozen holder is in no list of the collector's, so nobody is accused."""
    gc.freeze()
    try:
        found = garbology.find_cycles(stored_on_an_older_object)
    finally:
        gc.unfreeze()
        KEPT.clear()
    assert found.leaks == []


# --- sizes that the program registers


def test_registered_sizes_are_in_the_garbage_s_bytes():
    """garbology.register_size is public, and what it says is in found.garbage_bytes; each address counts once."""

    class Image:
        def __init__(self):
            self.itself = self

    garbology.register_size(Image, lambda image: {1: 1_000_000})
    found = garbology.find_cycles(lambda: [Image() for _ in range(3)] and None)
    assert 1_000_000 <= found.garbage_bytes < 1_010_000


def test_a_registered_size_that_fails_spoils_nothing():
    """A function that raises leaves the finding as it would be without it."""

    class Image:
        def __init__(self):
            self.itself = self

    def fail(image):
        raise RuntimeError

    plain = garbology.find_cycles(Image)
    garbology.register_size(Image, fail)
    assert garbology.find_cycles(Image).garbage == plain.garbage


def test_a_tensor_s_storage_is_counted_once():
    """Two tensors that share a storage in one cycle: 4 MB, not 8."""
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def make():
        it = Node()
        it.tensor = torch.zeros(1_000_000)
        it.view, it.itself = it.tensor[1:], it

    assert 4_000_000 <= garbology.find_cycles(make).garbage_bytes < 4_010_000
