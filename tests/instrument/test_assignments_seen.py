"""The lines that make an edge, where several could: those in functions that ran, and of the class that it is."""

import contextlib
import dataclasses
import functools
import importlib.util
import sys
import threading

import pytest

import garbology
from garbology.names.statements import ANY_NAME, statements_of

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Item:
    """Is given its attributes from outside."""


class Named:
    """Is told the names of its attributes."""

    def keep(self, name):
        """Keep itself under a name."""
        setattr(self, name, self)


class Updated:
    """Takes whatever it is given."""

    def __init__(self, **values):
        self.__dict__.update(values)
        vars(self)["me"] = self


class Prefixed:
    """Writes another name than it is asked for."""

    def __init__(self):
        self.me = self

    def __setattr__(self, name, value):
        object.__setattr__(self, "_" + name, value)


class Typed:
    """A descriptor that keeps its value in the object."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return getattr(instance, self.name)

    def __set__(self, instance, value):
        setattr(instance, self.name, value)


class Described:
    """Has such an attribute."""

    typed = Typed()

    def __init__(self):
        self.typed = self


class Asked:
    """Computes what it keeps when it is asked."""

    @functools.cached_property
    def view(self):
        """A view of itself."""
        return [self]


class remembered:
    """A cached property of another make."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __get__(self, instance, owner):
        value = instance.__dict__[self.wrapped.__name__] = self.wrapped(instance)
        return value


class Remembering:
    """Uses it."""

    @remembered
    def view(self):
        """A view of itself."""
        return [self]


@dataclasses.dataclass(frozen=True)
class Frozen:
    """Sets what it may not set otherwise."""

    me: object = None

    def __post_init__(self):
        object.__setattr__(self, "me", self)


class Spelled:
    """Names that look private are what they are where they are strings."""

    def __init__(self):
        object.__setattr__(self, "__named", self)
        self.__dict__["__kept"] = self
        self.__mangled = self


class SpelledInline(Spelled):
    """The same without a dictionary."""

    def __init__(self):
        object.__setattr__(self, "__named", self)


def with_itself(cls):
    """A decorator that gives a class its constructor."""

    def init(self):
        self.me = self

    cls.__init__ = init
    return cls


@with_itself
class Decorated:
    """Has no line of its own."""


def set_one(item):
    item.me = item  # 1


def set_two(item):
    item.me = item  # 2


def set_three(item):
    item.me = item  # 3


def set_four(item):
    item.me = item  # 4


def set_five(item):
    item.me = item  # 5


def set_six(item):
    item.me = item  # 6


def of_six():
    set_six(Item())


def local(which):
    if which:

        class Local:
            def __init__(self):
                self.me = [self]  # first

    else:

        class Local:
            def __init__(self):
                self.me = [self]  # second

    return Local


FIRST, SECOND = local(True), local(False)


def copied():
    item = Item()
    vars(item).update(zip(["me"], [item], strict=True))


def texts(program):
    """For each label the lines that make such edges, without their numbers; those of classes left out."""
    found = {}
    for shape in garbology.find_cycles(program).shapes:
        for edge in shape.edges:
            found.setdefault(edge.label, []).extend(line.partition(": ")[2] for line in edge.set_at)
    return found


KINDS = [
    (lambda: Named().keep("me"), ".me", ["setattr(self, name, self)"]),
    (
        lambda: (lambda items: items.append(Updated(items=items)))([]),
        ".items[0]",
        ["self.__dict__.update(values)"],
    ),
    (Updated, ".me", ['vars(self)["me"] = self']),
    (Prefixed, "._me", ['object.__setattr__(self, "_" + name, value)']),
    (Described, "._typed", ["setattr(instance, self.name, value)"]),
    (lambda: Asked().view and None, ".view[0]", ["def view(self):"]),
    (lambda: Remembering().view and None, ".view[0]", ["def view(self):"]),
    (Spelled, ".__named", ['object.__setattr__(self, "__named", self)']),
    (SpelledInline, ".__named", ['object.__setattr__(self, "__named", self)']),
    (Spelled, ".__kept", ['self.__dict__["__kept"] = self']),
    (Spelled, "._Spelled__mangled", ["self.__mangled = self"]),
    (Frozen, ".me", ['object.__setattr__(self, "me", self)']),
    (Decorated, ".me", ["self.me = self"]),
    (of_six, ".me", ["item.me = item"]),
    (copied, ".me", ['vars(item).update(zip(["me"], [item], strict=True))']),
]


@pytest.mark.parametrize(("program", "label", "lines"), KINDS)
def test_the_line_that_ran_is_named(program, label, lines):
    """Names that are computed, namespaces that are updated, generated methods; nothing that did not run."""
    assert texts(program)[label] == lines


def test_of_many_functions_the_one_that_ran():
    """Not the first few of the file."""
    (shape,) = garbology.find_cycles(of_six).shapes
    assert [int(line.split(":")[1]) for line in shape.edges[0].set_at] == [
        set_six.__code__.co_firstlineno + 1
    ]


@pytest.mark.parametrize("cls", [FIRST, SECOND])
@pytest.mark.parametrize("looks", [True, False])
def test_two_classes_of_one_name_share_no_line(cls, looks):
    """Where it is known what ran, and where it is not."""
    with garbology.watch(looks=looks) as found:
        cls()
    (shape,) = found.shapes
    lines = [int(line.split(":")[1]) for line in shape.edges[0].set_at]
    first, second = (each.__init__.__code__.co_firstlineno + 1 for each in (FIRST, SECOND))
    own, other = (first, second) if cls is FIRST else (second, first)
    assert lines[0] == own
    assert other not in lines
    assert len(lines) == 1 or not looks


def test_the_line_of_a_block_and_of_what_is_under_way():
    """What began before the block may set attributes in it: its own function, a suspended generator."""

    def steps():
        yield
        item = Item()
        item.me = item

    going = steps()
    next(going)
    with garbology.watch() as found:
        item = Item()
        item.other = item
        del item
        next(going, None)
    lines = {edge.label: edge.set_at[0].partition(": ")[2] for shape in found.shapes for edge in shape.edges}
    assert lines[".other"] == "item.other = item"
    assert lines[".me"] == "item.me = item"


def test_without_looks_nothing_is_left_out():
    """What ran is not known then: the lines that may set it are told."""
    with garbology.watch(looks=False) as found:
        of_six()
    (shape,) = found.shapes
    assert len(shape.edges[0].set_at) == 5


def test_what_a_watch_inside_another_sees_is_not_lost():
    """Before 3.12 the inner one is told of calls alone: what ran is not known to the outer one then."""
    with garbology.watch() as outer:
        with garbology.watch() as inner:
            of_six()
    line = f"test_assignments_seen.py:{set_six.__code__.co_firstlineno + 1}: item.me = item"
    assert [edge.set_at for shape in inner.shapes for edge in shape.edges] == [[line]]
    (lines,) = [edge.set_at for shape in outer.shapes for edge in shape.edges]
    assert lines == [line] if sys.version_info >= (3, 12) else lines


def test_what_another_thread_sets_is_found():
    """Its functions are told of from 3.12; before, nothing is left out where another thread ran."""

    def work():
        thread = threading.Thread(target=of_six)
        thread.start()
        thread.join()

    shapes = [shape for shape in garbology.find_cycles(work).shapes if shape.edges[0].source == "Item"]
    lines = [line for shape in shapes for line in shape.edges[0].set_at]
    if sys.version_info >= (3, 12):
        assert len(lines) == 1
    else:
        assert lines


def test_computed_names_are_read_from_the_source(tmp_path):
    """`setattr` and namespaces with a name that is not written out; a call with a star is none."""
    path = tmp_path / "any.py"
    path.write_text(
        "class A:\n"
        "    def f(self, name, values, x):\n"
        "        setattr(self, name, x)\n"
        "        self.__dict__[name] = x\n"
        "        vars(self).update(values, one=x)\n"
        "        setattr(*values)\n"
        "        super().__setattr__(name, x)\n"
        "        self.__dict__.update(**values)\n"
        "        x.update(values)\n"
    )
    statements = statements_of(str(path))
    assert [(each.line, each.owner) for each in statements.settings(ANY_NAME)] == [
        (line, "A") for line in (3, 4, 5, 7, 8)
    ]
    assert [each.line for each in statements.settings("one")] == [5]
    assert statements.scope_starts([1, 3, 9]) == [0, 2, 2]


class Handed:
    """Is handed to a thread by whom makes it: the line that calls the library is in the function that does."""

    def run(self):
        """Do nothing."""


def test_what_calls_the_watched_function_sets_nothing_while_that_works():
    """A call of the library in the function that stands still meanwhile is not the one that made the edge."""
    earlier = threading.Thread(target=print)

    def work():
        handed = Handed()
        handed.thread = threading.Thread(target=handed.run)

    (shape,) = garbology.find_cycles(work).shapes
    lines = {line.split(": ", 1)[1] for edge in shape.edges for line in edge.set_at}
    assert earlier.name
    assert not any("target=print" in line for line in lines)
    with garbology.watch() as found:
        handed = Handed()
        handed.thread = threading.Thread(target=handed.run)
        del handed
    advised = [line for shape in found.shapes for edge in shape.advice.edges for line in edge.set_at]
    assert any("threading.Thread(target=handed.run)" in line for line in advised)


def choose(item, which):
    """Set it in one of two branches."""
    if which:
        item.me = [item]  # taken
    else:
        item.me = (item,)  # not taken


def several_lines(item):
    """Statements of several lines, a loop, a handler, what is resumed in the middle of a line."""
    item.long = (
        item,
        [item],
    )
    for item.each in [[item]]:  # noqa: B020 - the attribute is what it is about
        pass
    try:
        raise KeyError
    except KeyError:
        item.handled = [item]
    resumed = resuming(item)
    next(resumed)
    with contextlib.suppress(StopIteration):
        resumed.send([item])


def resuming(item):
    """Set what it is sent."""
    item.sent = yield


LINES = {".me[0]": "item.me = [item]", ".long[0]": "item.long = ("}
LINES |= {".each[0]": "for item.each in [[item]]:"}
LINES |= {".handled[0]": "item.handled = [item]", ".sent[0]": "item.sent = yield"}


def test_a_branch_that_did_not_run_is_not_named():
    """From 3.12, where lines are told of; before, a line is said to be one of those that may have set it."""

    def work():
        item = Item()
        choose(item, True)
        several_lines(item)

    found = garbology.find_cycles(work)
    edges = {edge.label: edge for shape in found.shapes for edge in shape.edges}
    lines = {label: [line.partition(": ")[2] for line in edge.set_at] for label, edge in edges.items()}
    for label, line in LINES.items():
        assert line in lines[label]
    one_of = {label for label, edge in edges.items() if edge.set_at_one_of}
    if sys.version_info >= (3, 12):
        assert lines[".me[0]"] == ["item.me = [item]"]
        assert not one_of
    else:
        assert lines[".me[0]"] == ["item.me = [item]", "item.me = (item,)"]
        assert one_of == {".me[0]"}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no lines are told of")
def test_the_lines_of_a_block_are_those_in_it():
    """What the function around a block did before and after is not what made its objects."""
    early = Item()
    early.me = [early]
    with garbology.watch() as found:
        item = Item()
        item.me = [item]
        del item
    early.me = [None]
    (shape,) = found.shapes
    (edge,) = shape.advice.edges
    assert [line.partition(": ")[2] for line in edge.set_at] == ["item.me = [item]"]
    assert not edge.set_at_one_of


def test_what_sets_it_to_a_constant_does_not_make_the_container():
    """`self.items = None` comes before `self.items = []`, and holds nothing."""

    class Late:
        def __init__(self):
            self.items = None
            self.fill()

        def fill(self):
            self.items = []
            vars(self)["items"].append(self)

    assert texts(Late)[".items[0]"][-1:] == ["self.items = []"]
    assert "self.items = None" not in texts(Late)[".items[0]"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no lines are told of")
def test_nothing_is_left_in_the_program_s_functions():
    """Events of lines are taken off again, and no function is kept."""
    with garbology.watch() as found:
        choose(Item(), True)
    codes = [choose.__code__, sys._getframe().f_code]
    tools = [tool for tool in range(6) if sys.monitoring.get_tool(tool) == "garbology"]
    assert found.shapes
    assert not tools
    for tool in (3, 4, 5):
        sys.monitoring.use_tool_id(tool, "probe")
        events = [sys.monitoring.get_local_events(tool, code) for code in codes]
        sys.monitoring.free_tool_id(tool)
        assert events == [0, 0]


LIBRARY = """
class Base:
    def __init__(self, session):
        self.session = session

class Session(Base):
    def __init__(self, name):
        super().__init__(self)
"""


def test_who_makes_an_object_does_not_give_it_to_itself(tmp_path):
    """A library's class is made with arguments, of which none can be the object (authlib's sessions)."""
    file = tmp_path / "site-packages" / "sessions.py"
    file.parent.mkdir()
    file.write_text(LIBRARY)
    spec = importlib.util.spec_from_file_location("sessions", file)
    sessions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sessions)
    (shape,) = garbology.find_cycles(lambda: sessions.Session("a name") and None).shapes
    assert [line.partition(": ")[2] for line in shape.edges[0].set_at] == ["self.session = session"]
