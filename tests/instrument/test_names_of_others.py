"""What the interpreter and libraries name in their own way: data and dictionaries of threads, classes that moved."""

import json
import sys
import threading
import types

import pytest

import garbology
from garbology.names.classes import source_file_of

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Data(threading.local):
    """Data of each thread."""


class Item:
    """Is in such data, or is set elsewhere."""


def test_an_attribute_of_thread_local_data_has_its_name():
    """Not the dictionaries behind it, in edge and advice."""

    def work():
        data, item = Data(), Item()
        data.item, item.data, data.items = item, data, [item]

    (shape,) = garbology.find_cycles(work).shapes
    assert {str(edge) for edge in shape.edges} == {
        "Data.item -> Item",
        "Data.items[0] -> Item",
        "Item.data -> Data",
    }
    assert "held inside" not in str(shape.advice.reason)
    assert shape.advice.verified


def test_the_dictionary_of_a_thread_is_not_told_of():
    """`repr` makes one, in which it notes what it is at; the interpreter holds it."""

    def work():
        thread = threading.Thread(target=lambda: repr([{}]))
        thread.start()
        thread.join()
        repr([{}])

    assert garbology.find_cycles(work).held_by_c == []


def test_a_class_that_says_it_is_from_elsewhere_keeps_its_file(tmp_path, monkeypatch):
    """A library shows a class under another of its modules: its own methods say where it is."""
    folder = tmp_path / "site-packages" / "shown"
    folder.mkdir(parents=True)
    inner, outer = folder / "inner.py", folder / "outer.py"
    inner.write_text("class Shown:\n    def method(self):\n        return 1\n")
    outer.write_text("")
    namespace = {"__name__": "shown.outer"}
    module = types.ModuleType("shown.outer")
    module.__file__ = str(outer)
    monkeypatch.setitem(sys.modules, "shown.outer", module)
    exec(compile(inner.read_text(), str(inner), "exec"), namespace)
    assert source_file_of(namespace["Shown"]) == str(inner)


def test_a_method_from_another_library_is_its_decorator_s(tmp_path):
    """As `attrs` gives a class its `__ne__`: the file is that of the class's module."""
    file = tmp_path / "site-packages" / "maker" / "make.py"
    namespace = {}
    exec(compile("def __ne__(self, other):\n    return self is not other\n", str(file), "exec"), namespace)

    class Made:
        """Has no method of its own."""

        __ne__ = namespace["__ne__"]

    assert source_file_of(Made) == __file__


def test_a_line_in_another_file_of_the_program_s_is_found(tmp_path, monkeypatch):
    """What ran is known by its file: the helper that sets the attribute has no class in the cycle."""
    helper = tmp_path / "helper_of_the_program.py"
    helper.write_text("def adopt(child, parent):\n    child.owned_by = parent\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import helper_of_the_program

    def work():
        parent, child = Item(), Item()
        parent.child = child
        helper_of_the_program.adopt(child, parent)

    (shape,) = garbology.find_cycles(work).shapes
    lines = {edge.label: edge.set_at for edge in shape.edges}
    assert lines[".owned_by"] == ["helper_of_the_program.py:2: child.owned_by = parent"]
    monkeypatch.delitem(sys.modules, "helper_of_the_program")


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="json breaks these cycles itself")
def test_many_functions_that_capture_each_other_are_forty_lines():
    """Nine edges of long names; where each is set is in its name already."""
    encoder = json.JSONEncoder(indent=1)
    found = garbology.find_cycles(lambda: list(encoder.iterencode({"a": [1]})) and None)
    text = str(found)
    assert len(found.shapes[0].advice.edges) == 9
    assert len(text.splitlines()) <= 40
    assert "set at" not in text
    assert "more: `found.shapes[0].advice.edges`" in text


class Keyed:
    """Puts a method of its own under a key that others use as well."""

    def __init__(self):
        self.handlers = {"a_key_of_many": self.handle}

    def handle(self):
        """Be called."""
        return self.handlers


def uses_that_key():
    return {"a_key_of_many": Item()}


def test_a_key_is_told_where_it_was_given():
    """Not where another function has the same one."""
    (shape,) = garbology.find_cycles(Keyed).shapes
    assert [line.partition(": ")[2] for line in shape.edges[0].set_at] == [
        'self.handlers = {"a_key_of_many": self.handle}'
    ]
