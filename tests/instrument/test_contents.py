"""What containers of the program's hold is read through one door, and a half-built one ends nothing."""

import ast
import collections
import ctypes
import gc
from pathlib import Path

import pytest

import garbology
from garbology.interpreter import contents

PACKAGE = Path(garbology.__file__).parent
api = ctypes.pythonapi
api.PyList_New.restype, api.PyList_New.argtypes = ctypes.py_object, [ctypes.c_ssize_t]
api.PyTuple_New.restype, api.PyTuple_New.argtypes = ctypes.py_object, [ctypes.c_ssize_t]
api.PyList_SetItem.argtypes = [ctypes.py_object, ctypes.c_ssize_t, ctypes.py_object]
api.Py_IncRef.argtypes = [ctypes.py_object]


class Owner:
    pass


class List(list):
    pass


class Tuple(tuple):
    pass


class Deque(collections.deque):
    pass


Point = collections.namedtuple("Point", "x y")


def list_with_gaps(count: int, filled: dict[int, object], kind: type = list) -> list[object]:
    """A list whose other slots are empty, as C code makes it before it fills them."""
    made = api.PyList_New(count)
    for place, item in filled.items():
        api.Py_IncRef(item)
        api.PyList_SetItem(made, place, item)
    return made


@pytest.mark.parametrize("kind", [list, List, tuple, Tuple, collections.deque, Deque])
def test_elements_come_in_their_order_without_attributes(kind):
    """Of a subclass's instance, too, the elements alone are read, each at its place."""
    items = [Owner(), [], Owner()]
    made = kind(items)
    if kind.__module__ == __name__:
        made.attribute = Owner()
    assert [id(item) for item in contents.elements_of(made)] == list(map(id, items))
    assert contents.length_of(made) == 3
    if issubclass(kind, (list, tuple)):
        assert contents.slot_ids(made) == list(map(id, items))


def test_the_places_of_a_half_built_list_are_known():
    """Empty slots are 0, and the others keep their index."""
    item = Owner()
    made = list_with_gaps(4, {2: item})
    assert contents.slot_ids(made) == [0, 0, id(item), 0]
    assert contents.elements_of(made) == [item]
    assert contents.slot_ids(api.PyTuple_New(3)) == [0, 0, 0]


def test_a_name_is_looked_up_without_asking_a_key():
    """A key that compares by code of the program's is passed over."""

    class Key(str):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("asked")

        __hash__ = str.__hash__

    assert contents.value_of({Key("name"): 1}, "name") is None
    assert contents.value_of({Key("name"): 1, "other": 2}, "other") == 2
    assert contents.value_of({"name": 3}, "name") == 3
    assert contents.value_of({}, "name", "default") == "default"


def test_an_edge_through_a_half_built_list_is_named_by_its_index():
    """`Owner.items[1]`, although slot 0 is empty."""

    def work() -> None:
        owner = Owner()
        owner.items = list_with_gaps(2, {1: owner})

    found = garbology.find_cycles(work)
    assert [str(edge) for edge in found.shapes[0].edges] == ["Owner.items[1] -> Owner"]
    assert found.shapes[0].advice.verified


PROGRAMS = {
    "a half-built list that C code keeps": """
def work():
    api.Py_IncRef(api.PyList_New(4))
""",
    "a half-built tuple that C code keeps": """
def work():
    api.Py_IncRef(api.PyTuple_New(4))
""",
    "a half-built list in a cycle": """
def work():
    owner = Owner(); owner.items = half(owner, 3); owner.more = {"a": owner.items}
""",
    "a large half-built list in a cycle": """
def work():
    owner = Owner(); owner.items = half(owner, 10_000)
    for place in range(0, 9_000, 2):
        put(owner.items, place, Owner()); gc.get_referents(owner.items)[0].owner = owner
""",
    "half-built lists that are alive": """
KEPT = []
def work():
    KEPT.append(half(Owner(), 3)); print(str(garbology.why_alive(gc.get_referents(KEPT[0])[0]))[:5])
""",
    "an object that dies in time beside a half-built list": """
KEPT = []
def work():
    owner = Owner(); KEPT.append(half(owner, 3))
    try:
        with garbology.assert_freed(owner):
            del owner
    except AssertionError as error:
        print(str(error)[:5])
""",
    "an XML tree that is not finished": """
import xml.etree.ElementTree as ET
class Target(ET.TreeBuilder):
    pass
def work():
    target = Target(); target.parser = parser = ET.XMLParser(target=target); parser.feed("<a><b>")
""",
    "an XML parser that is alive": """
import xml.etree.ElementTree as ET
KEPT = []
def work():
    parser = ET.XMLParser(); parser.feed("<a><b/></a>"); KEPT.append(parser)
    print(str(garbology.why_alive(parser))[:5])
""",
    "a database row while a converter runs": """
import sqlite3
def convert(value):
    me = Owner(); me.me = me
    with garbology.watch() as inside:
        you = Owner(); you.you = you; del you
    str(inside), str(garbology.why_alive(me))
    return me
sqlite3.register_converter("owner", convert)
def work():
    base = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
    base.execute("create table t (a owner, b owner)"); base.execute("insert into t values (1, 2)")
    rows = base.execute("select * from t").fetchall(); base.close(); return rows
""",
    "a tuple whose generator is watched": """
def each():
    for number in range(20):
        with garbology.watch() as inside:
            you = Owner(); you.you = you; del you
        str(inside); yield Owner()
def work():
    return tuple(each())
""",
}

START = """
import ctypes, gc, garbology
api = ctypes.pythonapi
api.PyList_New.restype, api.PyList_New.argtypes = ctypes.py_object, [ctypes.c_ssize_t]
api.PyTuple_New.restype, api.PyTuple_New.argtypes = ctypes.py_object, [ctypes.c_ssize_t]
api.PyList_SetItem.argtypes = [ctypes.py_object, ctypes.c_ssize_t, ctypes.py_object]
api.Py_IncRef.argtypes = [ctypes.py_object]
class Owner:
    pass
def put(items, place, item):
    api.Py_IncRef(item); api.PyList_SetItem(items, place, item)
def half(item, count):
    items = api.PyList_New(count); put(items, 1, item); return items
"""
END = """
for _ in range(2):
    found = garbology.find_cycles(work); str(found); found.to_dict(); repr(found)
print("survived")
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_with_half_built_containers_survives(fresh, name):
    """The interpreter goes on, whatever is asked while the containers are half-built."""
    ended = fresh.run(START + PROGRAMS[name] + END)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.endswith("survived\n")


_DOORS = {"interpreter/contents.py", "snapshot/listing.py"}
_FREE_THREADED = (
    "interpreter/freethreading.py"  # where tuples are built otherwise, and the collector is asked
)
_OTHERS = ("study", "reporting", "recorders", "measuring", "cli")
_READS = {
    "gc.get_objects", "gc.get_referrers",
    "list.copy", "list.__iter__", "list.__getitem__", "tuple.__iter__", "tuple.__getitem__", "dict.copy",
    "dict.items", "dict.values", "dict.keys", "dict.get", "collections.deque.__iter__", "deque.__iter__",
}  # fmt: skip


@pytest.mark.slow
def test_no_other_code_reads_containers():
    """Unbound methods of the container types, by which a program's container would be read, and the heap's own lists
    stand in the two doors alone.
    """
    used = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if place in (*_DOORS, _FREE_THREADED) or place.split("/")[0] in _OTHERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in _READS:
                used.append(f"{place}:{node.lineno}: {ast.unparse(node)}")
    assert not used


def test_nothing_is_left_behind():
    """Reading a container leaves no garbage of the instrument's own."""
    gc.collect()
    with garbology.collector.paused():
        contents.elements_of(List([1, []]))
        contents.slot_ids(list_with_gaps(3, {1: []}))
        assert gc.collect() == 0
