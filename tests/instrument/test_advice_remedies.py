"""The remedy fits what holds the edge: who calls a callback, what a container is, where a class is made."""

import asyncio
import collections
import contextlib
import ctypes
import functools
import sys
import threading
import types
import weakref
from xml.parsers import expat

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")

ELSEWHERE = types.ModuleType("another_package.events")
exec(  # a holder from another package, which calls what it holds
    "class Bus:\n"
    "    def __init__(self): self.handlers = []\n"
    "    def on(self, handler): self.handlers.append(handler)\n",
    ELSEWHERE.__dict__,
)


class Owner:
    """Has a method to be called back."""

    def __init__(self):
        self.used = 0

    def called(self, *args):
        """Use the object."""
        self.used += 1


class Worker(threading.Thread):
    """Its own method is its target."""

    def __init__(self):
        super().__init__(target=self.work)

    def work(self):
        return self.name


class Registry:
    """Is told when what it knows dies."""

    def __init__(self, thing):
        self.refs = [weakref.ref(thing, self.forget)]

    def forget(self, ref):
        self.refs.remove(ref)


class Parser:
    """Gives C code a function that captures it."""

    def __init__(self):
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = lambda name, attributes: self.start(name)

    def start(self, name):
        self.name = name


class Deferred:
    """Calls its canceller once."""

    def __init__(self, canceller):
        self._canceller = canceller


def thread():
    owner = Owner()
    owner.thread = threading.Thread(target=owner.called)


def thread_arguments():
    owner = Owner()
    owner.thread = threading.Thread(target=print, args=(owner,))


def timer_handle():
    loop = asyncio.new_event_loop()
    owner = Owner()
    owner.handle = loop.call_later(100, owner.called)
    loop._scheduled.clear()
    loop.close()


def cached_method():
    owner = Owner()
    owner.other = Owner()
    owner.other.cached = functools.lru_cache(owner.called)


class OfOneCharacter:
    """Has a cache of a method of its own for each object."""

    def __init__(self, method):
        self.has = functools.lru_cache(maxsize=None)(getattr(self, method))

    def is_space(self):
        return self is None

    def is_in(self, texts):
        return self in texts


def partial_of_a_method():
    owner = Owner()
    owner.partial = functools.partial(owner.called, 1)


def partial_of_an_argument():
    owner = Owner()
    owner.partial = functools.partial(print, owner)


def handler_of_another_package():
    owner = Owner()
    owner.bus = ELSEWHERE.Bus()
    owner.bus.on(owner.called)


def exit_stack():
    owner = Owner()
    owner.stack = contextlib.ExitStack()
    owner.stack.callback(owner.called)


def canceller():
    owner = Owner()
    owner.deferred = Deferred(owner.called)


def captured_canceller():
    owner = Owner()
    owner.deferred = Deferred(lambda: owner.called())


def weak_reference_with_a_callback():
    Registry(THING)


THING = Owner()


def advice_of(program, *args):
    """The advice for the cycle that is not a class alone."""
    shapes = garbology.find_cycles(program, *args).shapes
    (shape,) = (shape for shape in shapes if not any("__mro__" in edge.label for edge in shape.edges))
    return shape.advice


def edges_of(advice):
    return [str(edge) for edge in advice.edges]


WRAPPER = "a function that captures weakref.ref(self) and calls the method if it is alive"


@pytest.mark.parametrize(
    ("program", "edge", "caller", "also"),
    [
        (thread, "Thread._target.__self__ -> Owner", "threading.Thread", "join the thread"),
        (Worker, "Worker._target.__self__ -> Worker", "threading.Thread", "join the thread"),
        (
            timer_handle,
            "TimerHandle._callback.__self__ -> Owner",
            "asyncio.events.Handle",
            "TimerHandle.cancel()",
        ),
        (cached_method, "method.__self__ -> Owner", "functools.lru_cache", ""),
        (partial_of_a_method, "Owner.partial.func.__self__ -> Owner", "functools.partial", ""),
        (handler_of_another_package, "Bus.handlers[0].__self__ -> Owner", "another_package.events.Bus", ""),
        (exit_stack, "method.__self__ -> Owner", "contextlib._BaseExitStack", "ExitStack.close()"),
        (
            weak_reference_with_a_callback,
            "ReferenceType → weakref callback.__self__ -> Registry",
            "the interpreter",
            "",
        ),
    ],
)
def test_what_another_calls_is_wrapped(program, edge, caller, also):
    """A weak method does nothing when it is called: only code that asks it first can hold one."""
    advice = advice_of(program)
    assert edges_of(advice) == [edge]
    assert advice.remedy == "weakref"
    assert f"which {caller} calls: give it {WRAPPER}" in advice.reason
    assert also in advice.reason
    assert "WeakMethod" not in advice.reason


@pytest.mark.parametrize(
    ("method", "instead"),
    [
        ("is_space", "make it a functools.cached_property"),
        ("is_in", "cache a function of the module that is given what it needs in place of self"),
    ],
)
def test_a_cache_of_an_objects_own_method_is_left_out(method, instead):
    """For a cache that each object has, a function that captures a weak reference to the object helps nobody."""
    advice = advice_of(lambda: OfOneCharacter(method))
    assert edges_of(advice) == ["method.__self__ -> OfOneCharacter"]
    assert advice.remedy == "property"
    assert advice.reason == (
        "OfOneCharacter.has is a functools.lru_cache of a method of its own object: "
        f"leave the cache out, or {instead}"
    )


def test_caches_of_an_objects_own_methods_are_named_together():
    """Each is to go."""

    def work():
        owner = OfOneCharacter("is_space")
        owner.other = functools.lru_cache(owner.is_in)

    assert advice_of(work).reason.startswith(
        "OfOneCharacter.has and .other are functools.lru_cache of methods"
    )


@pytest.mark.parametrize(
    ("program", "caller"),
    [(partial_of_an_argument, "functools.partial"), (thread_arguments, "threading.Thread")],
)
def test_what_is_passed_on_is_not_replaced_by_a_weak_reference(program, caller):
    """The function would be called with the weak reference."""
    advice = advice_of(program)
    assert advice.remedy == "weakref"
    assert f"is passed on by {caller} to what it calls" in advice.reason


@pytest.mark.parametrize("program", [canceller, captured_canceller])
def test_a_callback_that_is_called_once_is_let_go_of(program):
    """It is the commonest fix: the canceller is cleared when the Deferred fires."""
    advice = advice_of(program)
    assert advice.remedy in ("clear", "weakref")
    assert "let go of it (`self._canceller = None`)" in advice.reason
    assert advice.verified


class Application:
    """Registers a method of its own with a method that takes any function."""

    def __init__(self):
        self.views = {}
        self.add("static", self.static)

    def add(self, name, view):
        self.views[name] = view

    def static(self):
        return self.views


def test_what_is_registered_like_any_function_is_wrapped():
    """The code that stores it does not know that it is a method, and calls it."""
    advice = advice_of(Application)
    assert edges_of(advice) == ["Application.views['static'].__self__ -> Application"]
    assert WRAPPER in advice.reason
    assert "WeakMethod" not in advice.reason


def test_a_closure_that_a_c_object_holds_is_a_candidate():
    """The variable is the program's, whatever holds the function."""
    advice = advice_of(Parser)
    assert edges_of(advice) == ["xmlparser → held inside pyexpat.xmlparser → closure variable self -> Parser"]
    assert (advice.remedy, advice.verified) == ("weakref", True)


# --- what is let go of


class Kid:
    """A node that can be unlinked."""

    def __init__(self, parent):
        self.parent = parent

    def unlink(self):
        self.parent = None


class Managed(Kid):
    """A node that is unlinked by its base class."""

    def __exit__(self, *exc_info):
        super().unlink()


class Unrelated(Kid):
    """Its method of that name does something else."""

    def unlink(self):
        self.parent = self.parent.copy()


class Document:
    """Owns its nodes."""

    def __init__(self, kind):
        self.kids = [kind(self)]


class Service:
    """Keeps its task."""

    def start(self, loop):
        self.task = loop.create_task(self.fail())

    async def fail(self):
        raise KeyError


@pytest.mark.parametrize("kind", [Kid, Managed])
def test_a_method_that_lets_go_of_the_edge_is_named(kind):
    """What the program has to end the object is the remedy that its author meant."""
    advice = advice_of(Document, kind)
    assert edges_of(advice) == [f"{kind.__name__}.parent -> Document"]
    assert (advice.remedy, advice.verified) == ("clear", True)
    assert f"{kind.__name__}.unlink() lets go of it" in advice.reason


def test_a_method_that_only_has_such_a_name_is_not():
    """Its code is read: it must store nothing there, delete it, or empty it."""
    advice = advice_of(Document, Unrelated)
    assert advice.remedy == "weakref"
    assert "unlink" not in advice.reason


def test_a_finished_task_is_let_go_of():
    """A task is not held weakly: asyncio itself does not keep it alive."""

    def program():
        loop = asyncio.new_event_loop()

        async def main():
            service = Service()
            service.start(loop)
            with contextlib.suppress(KeyError):
                await service.task

        loop.run_until_complete(main())
        loop.close()

    advice = advice_of(program)
    assert "Service.task -> Task" in edges_of(advice)
    assert advice.remedy == "clear"
    assert "weakref" not in advice.reason


# --- containers, and objects that hold themselves


class Node:
    def __init__(self):
        self.root = self


class Family:
    def __init__(self):
        self.clones = {self}


class Keys:
    def __init__(self):
        self.seen = {self: 1}


class Adapter:
    def __init__(self, extra):
        self.extra = extra


class Connection:
    def __init__(self):
        self.log = Adapter({"websocket": self})


class Cache:
    def __init__(self):
        self.by_number = {id(self): self}


class Named:
    """Two names that stand in the source."""

    def __init__(self):
        self.ends = {"left": self, "right": self}


class Table:
    """Names that come from outside."""

    def __init__(self):
        self.found = {}

    def add(self, name):
        self.found[name] = self


def table():
    found = Table()
    for name in ("a", "b"):
        found.add(name)


@pytest.mark.parametrize(
    ("program", "remedy", "words"),
    [
        (Node, "property", "make it a property"),
        (Family, "WeakSet", "weakref.WeakSet"),
        (Keys, "WeakKeyDictionary", "weakref.WeakKeyDictionary"),
        (Connection, "weakref", "weakref.proxy(...) at that key"),
        (Named, "weakref", "weakref.proxy(...) at that key"),
        (Cache, "WeakValueDictionary", "weakref.WeakValueDictionary"),
        (table, "WeakValueDictionary", "weakref.WeakValueDictionary"),
    ],
)
def test_the_remedy_is_that_of_the_container(program, remedy, words):
    """A set, a table, its keys, and a record of fixed names each have a weak form of their own."""
    advice = advice_of(program)
    assert (advice.remedy, advice.verified) == (remedy, True)
    assert words in advice.reason


def test_what_ctypes_cast_keeps_is_said():
    """The argument is put into its own table: nothing else points to anything."""
    kind = ctypes.c_char * 100
    reason = advice_of(lambda: ctypes.cast(kind(), ctypes.c_void_p) and None).reason
    assert "ctypes.cast() puts its argument into the argument's own _objects" in reason
    assert "byref()" in reason


# --- closures


class Bar:
    """Its closure reads one attribute."""

    def __init__(self, file, write=None):
        self.file = file
        self.count = 0
        self.write = lambda text: self.file.append(text)
        self.counted = lambda: self.count

    def step(self):
        self.count += 1


def one_attribute():
    del Bar([]).counted


def an_attribute_that_changes():
    del Bar([]).write


@pytest.mark.parametrize(
    ("program", "remedy"), [(one_attribute, "capture"), (an_attribute_that_changes, "property")]
)
def test_a_closure_that_reads_one_attribute_captures_that(program, remedy):
    """Unless the attribute changes after: then the closure would read the old one, and is to be a method."""
    advice = advice_of(program)
    assert (advice.remedy, advice.verified) == (remedy, True)
    assert ("capture self.file instead" in advice.reason) is (remedy == "capture")


def even_and_odd():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    return even


def three():
    def a(n):
        return n and (b(n - 1) or c(n - 1))

    def b(n):
        return n and (a(n - 1) or c(n - 1))

    def c(n):
        return n and (a(n - 1) or b(n - 1))

    return a


def encoder(text_of):
    """As json's is made, up to 3.14."""

    def encode_list(items):
        for item in items:
            yield from encode(item)

    def encode_dict(items):
        for key, value in items.items():
            yield text_of(key)
            yield from encode_list(value) if type(value) is list else encode(value)

    def encode(item):
        parts = encode_list(item) if type(item) is list else encode_dict(item) if type(item) is dict else ()
        yield from parts or [text_of(item)]

    return encode


def cached():
    @functools.lru_cache(None)
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(5)


def decorated():
    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    @logged
    def countdown(n):
        return n and countdown(n - 1)

    return countdown(2)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (even_and_odd, "even and odd capture each other: define them at module level"),
        (three, "a, b and c capture each other: define them at module level"),
        (lambda: even_and_odd()(4), "even and odd capture each other"),
        (lambda: list(encoder(str)([1, {"a": [2]}])), "`del encode, encode_dict, encode_list`"),
        (cached, "fib captures itself"),
        (decorated, "countdown captures itself"),
    ],
)
def test_functions_that_capture_each_other_are_hoisted(program, words):
    """They are never weak: whatever hands one of them out needs the other."""
    advice = advice_of(program)
    assert (advice.remedy, advice.verified) == ("hoist", True)
    assert words in advice.reason
    assert "weakref" not in advice.reason


# --- classes


def class_shape(program, *args):
    (shape,) = garbology.find_cycles(program, *args).shapes
    return shape


def with_instances():
    class Item:
        made = []  # noqa: RUF012

        def __init__(self):
            self.made.append(self)

    Item()
    Item()


def test_a_class_on_the_cycle_ends_no_advice():
    """What one edge frees at once is said, and that the class waits."""
    advice = class_shape(with_instances).advice
    assert advice.remedy == "hoist"
    assert [edge.label for edge in advice.edges] == [".made[]"]
    assert "frees its instances at once" in advice.reason
    assert "the class itself waits" in advice.reason


def run_module(source):
    exec(compile(source, "models.py", "exec"), {"__name__": "models"})


COPIED = """
import dataclasses
@dataclasses.dataclass(slots=True)
class Point:
    x: int
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a slot of the copy keeps the first class alive")
def test_a_class_that_its_decorator_replaced_is_called_that():
    """It stands at module level already."""
    namespace = {"__name__": "models"}
    advice = class_shape(exec, compile(COPIED, "models.py", "exec"), namespace).advice
    assert advice.remedy == "slots"
    assert "a decorator made a copy of class Point" in advice.reason
    assert "__slots__ by hand" in advice.reason
    assert namespace


@pytest.mark.parametrize(
    "program",
    [
        functools.partial(run_module, "class A:\n    pass\n"),
        lambda: collections.namedtuple("A", "x y") and None,
    ],
)
def test_a_class_of_a_module_is_not_made_in_every_call(program):
    """Only a class statement inside a function is."""
    advice = class_shape(program).advice
    assert "make class A" in advice.reason
    assert "in every call" not in advice.reason


# --- many edges, and none


class Child:
    def __init__(self, parent, root):
        self._parent, self._root = parent, root
        self.children = []


class Root:
    _parent = None

    def __init__(self, kinds):
        self.children, last = [], self
        for kind in kinds:
            child = kind(last, self)
            last.children.append(child)
            last = child


def test_edges_of_one_name_count_once():
    """Two names over nine classes are two edges to think of, with one sentence each that lists the classes."""
    kinds = [type(f"Kind{number}", (Child,), {}) for number in range(9)]
    advice = advice_of(Root, kinds)
    assert {edge.label for edge in advice.edges} == {"._parent", "._root"}
    assert len(advice.edges) == 18
    assert advice.verified
    assert advice.reason.count("weakref.ref") == 2
    assert all(f"Kind{number}" in advice.reason for number in range(9))
    assert "these 2 go together" in advice.reason


def test_one_name_with_two_targets_is_said_once():
    """The parent of an item is a tree or an item; the line of source is one."""

    class Item:
        def __init__(self, parent, depth=1):
            self.parent = parent
            self.kids = [Item(self, 0)] if depth else []

    class Tree:
        def __init__(self):
            self.kids = [Item(self)]

    advice = advice_of(Tree)
    assert len(advice.edges) == 2
    assert advice.reason.count("Item.parent") == 1


class Bundle:
    """Ten attributes each of which is a list with the bundle in it."""

    def __init__(self):
        for number in range(10):
            setattr(self, f"list{number}", [self])


def test_too_many_names_is_not_something_that_would_have_died():
    """The reason for 'none' is the reason."""
    advice = advice_of(Bundle)
    assert advice.remedy == "none"
    assert "edges of 10 names would have to go together" in advice.reason
    assert "died" not in advice.reason


def test_advice_for_one_edge_says_what_a_trial_cannot_prove():
    """That nothing needs the target is not known from cutting the edge in what was dropped."""
    advice = advice_of(Document, Unrelated)
    assert "keep the Document elsewhere while it is needed" in advice.reason
    assert advice.verified


class Rooted:
    """A root that is its own root, and items that all lead back."""

    def __init__(self, depth=2, root=None):
        self.root = root or self
        self.items = [Rooted(0, self.root) for _ in range(depth)]


class Leaf:
    def __init__(self, top):
        self.top = top


class Top:
    def __init__(self):
        self.top = self
        self.leaves = [Leaf(self), Twig(self)]


class Twig(Leaf):
    pass


def test_an_attribute_that_is_the_object_itself_only_sometimes_is_no_property():
    """A root is its own root, the others have another: one line of source stands for both."""
    assert advice_of(Rooted).remedy == "weakref"


class Tree:
    """While it is built its current node is another one; at the end it is the tree."""

    def __init__(self):
        self.stack = []
        self.enter(self)

    def enter(self, node):
        self.stack.append(node)
        self.current = self.stack[-1]

    def reset(self):
        self.stack = []
        self.enter(self)


class Parsed:
    """Its base lets go of its way back, its own method only empties it."""

    def __init__(self, top):
        self.top = top
        self.content = []

    def extract(self):
        self.top = None

    def clear(self):
        for each in self.content:
            each.extract()


class Pages:
    def __init__(self):
        self.parsed = Parsed(self)


class Twofold:
    def __init__(self):
        self.child = Half(self)


class Unlinked:
    def unlink(self):
        self.parent = None


class Half(Unlinked):
    def __init__(self, parent):
        self.parent = parent
        self.others = []

    def unlink(self):
        for other in self.others:
            other.unlink()
        Unlinked.unlink(self)


class Soup:
    """Lets go of all that it has."""

    def __init__(self):
        self.tag = Tag(self)


class Tag:
    def __init__(self, parent):
        self.parent = parent

    def decompose(self):
        self.__dict__.clear()


def test_an_attribute_that_was_another_object_is_no_property():
    """The code that sets it tells: a current node is the tree itself only in the end. And reset() begins anew."""
    reason = advice_of(Tree).reason
    assert "property" not in reason
    assert "reset()" not in reason


@pytest.mark.parametrize(
    ("program", "method"),
    [(Pages, None), (Twofold, "Half.unlink()"), (Soup, "Tag.decompose()")],
)
def test_a_method_that_lets_go_does_so_of_its_own_object(program, method):
    """What it calls of other objects does not count; what a base class has, and the clearing of all attributes, do."""
    reason = advice_of(program).reason
    if method is None:
        assert "lets go of it" not in reason
    else:
        assert f"{method} lets go of it" in reason or f"{method}, which lets go of it" in reason


def test_the_remedy_is_that_of_most_edges():
    """Where they differ, the reason says it of each."""
    advice = advice_of(Top)
    assert advice.remedy == "weakref"
    assert "make it a property" in advice.reason


@pytest.mark.parametrize("names", [("one",), tuple(f"function{number}" for number in range(12))])
def test_a_namespace_that_was_dropped_is_to_be_cleared(names):
    """What `exec` fills holds its functions, and each of them holds it, by one name or by many."""
    source = "\n".join(f"def {name}():\n    pass" for name in names)
    advice = advice_of(lambda: exec(source, {"__name__": "filled"}))
    assert advice.remedy == "clear"
    assert "`namespace.clear()`" in advice.reason
