"""A shape as DOT and SVG."""

from xml.etree import ElementTree

import pytest

from garbology.graph.drawing import dot_to_svg, shape_dot

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
