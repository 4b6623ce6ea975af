"""The lines of source that make an edge."""

import dataclasses
import gc
import linecache
import subprocess
import sys
import threading
import warnings

import pytest

import garbology
from garbology.cycles.result import Edge
from garbology.names import statements
from garbology.names.sources import lines_of
from garbology.names.statements import statements_of

pytestmark = pytest.mark.usefixtures("frozen_heap")


class Parent:
    """Owns children and is known by them."""

    def __init__(self):
        self.children = []
        self.by_name = {}
        self.add(Child("first"))

    def add(self, child):
        """Take a child in."""
        self.children.append(child)
        self.by_name[child.name] = child
        child.parent = self


class Child:
    """Gets its parent from outside."""

    parent = None

    def __init__(self, name):
        self.name = name
        self.parent = None


class Base:
    """Sets what a subclass has."""

    def __init__(self):
        self.itself, self.other = self, None


class Derived(Base):
    """Sets nothing."""


class Private:
    """Has names that are mangled, and slots."""

    __slots__ = ("__me", "named")

    def __init__(self):
        self.__me = self
        object.__setattr__(self, "named", self)


class Dict:
    """Writes into its own namespace."""

    def __init__(self):
        self.__dict__["direct"] = self
        self.__dict__.update(updated=self)
        self.__dict__.update({"displayed": self})


@dataclasses.dataclass
class Record:
    """A field that only a generated method sets."""

    owner: list
    count: int = 0


def record():
    owner = []
    owner.append(Record(owner))


def closure():
    kept = Child("kept")

    def back():
        return kept

    kept.back = back


def bound_later():
    made = None

    def make():
        nonlocal made
        made = Child("made")

    def get():
        return made

    make()
    made.get = get


def default():
    kept = Child("kept")

    def back(kept=kept):
        return kept

    kept.back = back


def kept_exception():
    try:
        raise KeyError
    except KeyError as error:
        saved = error
    return saved is None


def suspended():
    def steps(holder):
        yield holder

    kept = Child("kept")
    kept.steps = steps(kept)
    next(kept.steps)


def nested_handlers():
    kept = Child("kept")
    try:
        try:
            raise KeyError
        except KeyError as first:
            first.kept = kept
            raise ValueError  # noqa: B904 - the context is what it is about
    except ValueError as second:
        kept.error = second


class Runner:
    """Is held by what the standard library calls."""

    def __init__(self):
        self.thread = threading.Thread(target=self.run)

    def run(self):
        """Do nothing."""


class Adapter:
    """Holds a record with fixed names."""

    def __init__(self, extra):
        self.extra = extra


class Connection:
    """Is in the record that it makes."""

    def __init__(self):
        self.log = Adapter({"websocket": self})


def texts(program):
    """For each edge the text of the lines that make it, without their numbers."""
    found = {}
    for shape in garbology.find_cycles(program).shapes:
        for edge in shape.edges:
            found[edge.label] = [line.partition(": ")[2] for line in edge.set_at]
    return found


KINDS = [
    (Parent, ".parent", ["child.parent = self"]),
    (Parent, ".children[0]", ["self.children.append(child)", "self.children = []"]),
    (Parent, ".by_name['first']", ["self.by_name[child.name] = child", "self.by_name = {}"]),
    (Derived, ".itself", ["self.itself, self.other = self, None"]),
    (Private, "._Private__me", ["self.__me = self"]),
    (Private, ".named", ['object.__setattr__(self, "named", self)']),
    (Dict, ".direct", ['self.__dict__["direct"] = self']),
    (Dict, ".updated", ["self.__dict__.update(updated=self)"]),
    (Dict, ".displayed", ['self.__dict__.update({"displayed": self})']),
    (bound_later, ".get → closure variable made", ['made = Child("made")']),
    (record, ".owner[0]", ["owner: list"]),
    (closure, ".back → closure variable kept", ['kept = Child("kept")']),
    (default, ".back.__defaults__[0]", ["def back(kept=kept):"]),
    (kept_exception, "local saved", ["saved = error"]),
    (suspended, "local holder", ["def steps(holder):"]),
    (nested_handlers, ".__context__", ["except KeyError as first:"]),
    (Connection, ".extra['websocket']", ["self.extra = extra", 'self.log = Adapter({"websocket": self})']),
]


@pytest.mark.parametrize(
    ("program", "label", "lines"), KINDS, ids=lambda value: getattr(value, "__name__", None)
)
def test_the_lines_that_make_an_edge_are_named(program, label, lines):
    """Attributes, slots, what is put into containers, closure variables, defaults, frames, except clauses."""
    if sys.version_info < (3, 11) and label == "local holder":
        pytest.skip("up to 3.10 a generator's locals are its frame's, which stands for it")
    assert texts(program)[label] == lines


def test_a_line_has_its_file_and_number():
    """As an editor and a terminal take it."""
    (shape,) = garbology.find_cycles(Derived).shapes
    (edge,) = shape.advice.edges
    line = Base.__init__.__code__.co_firstlineno + 1
    assert edge.set_at == [f"test_assignments.py:{line}: self.itself, self.other = self, None"]
    assert shape.to_dict()["advice"]["edges"][0]["set_at"] == edge.set_at
    assert [each["set_at"] for each in shape.to_dict()["edges"]] == [edge.set_at]


def test_the_program_s_line_comes_before_the_library_s():
    """Of what the standard library sets, the line that hands it over is the one to change."""
    lines = texts(Runner)["._target.__self__"]
    assert lines[0] == "self.thread = threading.Thread(target=self.run)"
    assert lines[1:] == ["self._target = target"]


def test_no_source_no_line():
    """Code without a file, and a file that is not there, leave the list empty."""
    namespace = {"__name__": "nowhere"}
    exec(compile("class Alone:\n    def __init__(self): self.me = self\n", "nowhere.py", "exec"), namespace)
    (shape,) = garbology.find_cycles(namespace["Alone"]).shapes
    assert shape.advice.edges[0].set_at == []


def test_a_cell_of_a_notebook_has_its_line():
    """Its text is where its shell put it, with no loader asked."""
    name, source = "<ipython-input-3-abc>", "class Cell:\n    def __init__(self):\n        self.me = self\n"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace = {"__name__": "notebook"}
    try:
        exec(compile(source, name, "exec"), namespace)
        (shape,) = garbology.find_cycles(namespace["Cell"]).shapes
        assert shape.advice.edges[0].set_at == [f"{name}:3: self.me = self"]
    finally:
        del linecache.cache[name]


def flat(value):
    """What a tuple of tuples is made of in the end."""
    return [part for each in value for part in flat(each)] if type(value) is tuple else [value]


def test_where_it_is_set_tells_no_edges_apart():
    """It takes no part in equality, order and hash, and the finding holds nothing of the program through it."""
    (shape,) = garbology.find_cycles(Derived).shapes
    (edge,) = shape.edges
    bare = Edge(edge.source, edge.label, edge.target)
    assert edge.set_at
    assert not bare.set_at
    assert (edge, hash(edge)) == (bare, hash(bare))
    assert not edge < bare
    for value in dataclasses.astuple(edge.origin):
        assert set(map(type, flat(value))) <= {str, int, bool}


def test_reading_a_file_runs_nothing_of_the_program(tmp_path):
    """No warning is shown for its escapes, an unknown codec is not asked for, and what is no Python has no lines."""
    warned = tmp_path / "warned.py"
    warned.write_text(
        'class A:\n    def f(self):\n        self.x = "\\d \\{y}" if (1if 2else 3) else 4\n', "utf-8"
    )
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert [each.line for each in statements_of(str(warned)).settings("x")] == [3]
    assert not shown
    coded = tmp_path / "coded.py"
    coded.write_bytes(b"# -*- coding: of-the-program -*-\nx = 1\n")
    assert lines_of(str(coded)) == ()
    broken = tmp_path / "broken.py"
    broken.write_text("class A(:\n", "utf-8")
    assert not statements_of(str(broken)).settings("x")
    deep = tmp_path / "deep.py"
    deep.write_text("x = " + "(" * 5000 + ")" * 5000 + "\n", "utf-8")
    assert not statements_of(str(deep)).settings("x")
    chain = tmp_path / "chain.py"
    chain.write_text("self.x = " + " + ".join(["a"] * 3000) + "\n", "utf-8")
    assert [each.line for each in statements_of(str(chain)).settings("x")] in ([1], [])


def test_a_file_that_has_changed_is_read_again(tmp_path):
    """What is kept of a file goes by when it was changed and by its size."""
    path = tmp_path / "changing.py"
    path.write_text("def f(a):\n    a.x = a\n", "utf-8")
    assert [each.line for each in statements_of(str(path)).settings("x")] == [2]
    path.write_text("\n\n\ndef f(a):\n    a.x = a\n", "utf-8")
    assert [each.line for each in statements_of(str(path)).settings("x")] == [5]


def test_functions_frames_and_classes_say_where_they_are():
    """Qualified name, file and line, in edges and nodes; one function is one node whatever calls it."""

    def outer():
        def walk(tree):
            return [walk(each) for each in tree]

        return walk([])

    line = outer.__code__.co_firstlineno + 1
    found = garbology.find_cycles(lambda: [outer() for _ in range(50)] and None)
    (shape,) = found.shapes
    inside = "test_functions_frames_and_classes_say_where_they_are.<locals>.outer.<locals>.walk"
    assert shape.count == 50
    name = shape.edges[0].source
    assert name.startswith("function test_functions_frames_and")
    assert name.endswith(f".<locals>.walk (test_assignments.py:{line})")
    assert len(name) < len(inside) + 40
    assert shape.to_dict()["nodes"][0]["type"] == name
    assert name.replace("<", "&lt;") in found.draw(shape, format="dot").replace("<", "&lt;")


def test_a_class_made_in_a_call_says_where_it_is():
    """Its first line, decorators included, on every version."""

    def make():
        @type_of_decorator
        class Local:
            def method(self):
                """Be there."""

        return Local is None

    def type_of_decorator(cls):
        return cls

    (shape,) = garbology.find_cycles(make).shapes
    place = f"(test_assignments.py:{make.__code__.co_firstlineno + 1})"
    assert {node.type for node in shape.nodes if node.type.startswith("class ")} == {
        f"class test_a_class_made_in_a_call_says_where_it_is.<locals>.make.<locals>.Local {place}"
    }


def test_to_read_the_source_frees_nothing(monkeypatch):
    """The tree of a large file makes no collection run: what was found is there still when its advice is tried."""
    lines = "\n".join(f"def f{number}(a):\n    a.x{number} = [a, {{'k': a}}]" for number in range(3_000))
    monkeypatch.setitem(
        linecache.cache, "<ipython-input-9-x>", (len(lines), None, lines.splitlines(keepends=True), "")
    )
    gc.collect()
    found = garbology.find_cycles(Derived)
    origin = dataclasses.replace(found.shapes[0].edges[0].origin, files=("<ipython-input-9-x>",))
    before = gc.get_stats()[0]["collections"]
    statements._parsed.cache_clear()
    assert origin.lines()
    assert gc.get_stats()[0]["collections"] == before
    assert found.shapes[0].advice.verified


def test_a_name_that_is_a_trap_is_shown_and_not_asked():
    """Qualified names and file names may be of a class of the program's: their characters alone are read."""

    class Text(str):
        __slots__ = ()

        def _trap(self, *_):
            raise AssertionError("the name was asked")

        __eq__ = __hash__ = __str__ = __repr__ = __format__ = replace = rpartition = startswith = _trap

    def make():
        def again():
            return again

        again.__qualname__ = Text("outer.<locals>.again")
        again.__code__ = again.__code__.replace(co_filename=Text("/somewhere/trap.py"))
        return

    (shape,) = garbology.find_cycles(make).shapes
    line = make.__code__.co_firstlineno + 1
    assert {edge.source for edge in shape.edges} == {f"function outer.<locals>.again (trap.py:{line})"}
    assert [edge.set_at for edge in shape.advice.edges] == [[]]


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 13), reason="the text of python -c is kept from 3.13")
def test_a_program_given_as_text_has_its_own_lines():
    """The class of `python -c` is no library's, although it has no file."""
    program = """import garbology
class Parent:
    def __init__(self):
        self.child = Child(self)
class Child:
    def __init__(self, parent):
        self.parent = parent
print(garbology.find_cycles(Parent).shapes[0].advice.edges[0].set_at)"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "<string>:7: self.parent = parent" in done.stdout


@pytest.mark.skipif(not hasattr(linecache, "_interactive_cache"), reason="texts are kept by name")
def test_two_texts_of_one_name_are_no_source(monkeypatch):
    """Lines of what has no file are told where the name is that of one text alone."""
    monkeypatch.setattr(linecache, "_interactive_cache", {})
    for count, text in enumerate(["def one():\n    return 1", "def two():\n    return 2"]):
        linecache._register_code(compile(text, "<typed>", "exec"), text, "<typed>")
        assert lines_of("<typed>") == (() if count else ("def one():", "    return 1"))
