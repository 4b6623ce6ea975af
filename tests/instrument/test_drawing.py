"""A shape as DOT and SVG."""

from xml.etree import ElementTree

import pytest

import garbology
from garbology.find.drawing import dot_to_svg, shape_dot

pytestmark = pytest.mark.usefixtures("frozen_heap")

HOSTILE = [
    "a&amp;b",
    "&lt;k&#65;",
    '<b>"quoted"</b>',
    "back\\slash\\N",
    "new\nline",
    "-->",
    "ünïcode 🐍",
    "{a|b}",
    "\ud800",
    "\uffff",
]


def shape(name):
    return {
        "nodes": [{"id": 0, "objects": 1, "type": name}, {"id": 1, "objects": 2, "type": "Child"}],
        "edges": [
            {"source": 0, "target": 1, "label": f"[{name!r}]", "weaken": False},
            {"source": 1, "target": 0, "label": ".parent", "weaken": True},
        ],
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are(name):
    """Whatever a type or a key is called, the picture is XML that shows those characters, no others."""
    svg = ElementTree.fromstring(dot_to_svg(shape_dot(shape(name))))
    texts = ["".join(each.itertext()).strip() for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    shown = name if name.isprintable() else name.encode("unicode_escape").decode()
    assert sorted(texts) == sorted([shown, "2 × Child", f"[{name!r}]", ".parent"])


def test_the_edge_to_weaken_stands_out():
    """It alone is dashed."""
    lines = [line for line in shape_dot(shape("Parent")).splitlines() if "dashed" in line]
    assert len(lines) == 1
    assert ".parent" in lines[0]


def test_the_label_of_a_loop_has_room():
    """An edge from an object to itself has its whole name in the picture, at 0.6 of the size a letter."""
    loop = {"source": 0, "target": 0, "label": "._backward → closure variable out", "weaken": True}
    node = {"id": 0, "objects": 1, "type": "Value"}
    svg = ElementTree.fromstring(dot_to_svg(shape_dot({"nodes": [node], "edges": [loop]})))
    assert float(svg.get("viewBox").split()[2]) > 0.6 * 11 * len(loop["label"])


class Parent:
    """Owns a child."""

    def __init__(self):
        self.child = Child(self)


class Child:
    """Points back."""

    def __init__(self, parent):
        self.parent = parent


def test_a_finding_draws_its_shapes():
    """SVG by default, DOT on demand, with the types, the edges' names and the one to weaken dashed."""
    found = garbology.find_cycles(Parent)
    (shape,) = found.shapes
    svg = ElementTree.fromstring(found.draw(shape))
    texts = ["".join(each.itertext()).strip() for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == sorted(["Parent", "Child", ".child", ".parent"])
    dot = found.draw(shape, format="dot")
    assert dot == shape_dot(shape.to_dict())
    assert [".parent" in line for line in dot.splitlines() if "dashed" in line] == [True]


def test_an_unknown_format_is_refused():
    """The message names the formats that there are."""
    found = garbology.find_cycles(Parent)
    with pytest.raises(ValueError, match="format is 'svg' or 'dot', got 'png'"):
        found.draw(found.shapes[0], format="png")


def test_without_a_shape_the_first_is_drawn():
    """It is the one that holds most."""
    found = garbology.find_cycles(Parent)
    assert found.draw(format="dot") == found.draw(found.shapes[0], format="dot")


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        (0, "got int: found.draw(found.shapes[0])"),
        (3, "found.draw(found.shapes[3])"),
        ("dot", "got str: found.draw("),
    ],
)
def test_what_is_no_shape_is_refused(shape, remedy):
    """The message has the call that was meant."""
    with pytest.raises(TypeError, match=r"draw takes one of found\.shapes") as raised:
        garbology.find_cycles(Parent).draw(shape)
    assert remedy in str(raised.value)


def test_of_nothing_there_is_no_picture():
    """An empty finding says so, and a format that cannot be compared is refused like any other."""
    with pytest.raises(ValueError, match="there is no shape to draw: no cycle was found"):
        garbology.find_cycles(int).draw()
    with pytest.raises(ValueError, match="format is 'svg' or 'dot', got None"):
        garbology.find_cycles(Parent).draw(format=None)
