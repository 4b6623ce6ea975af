"""Cards of shapes with many objects of one type."""

from xml.etree import ElementTree

import pytest

pytest.importorskip("altair")

from garbology.find.drawing import shape_dot
from garbology.reporting import pictures
from garbology.reporting.folding import folded
from tests.reporting import pages_for_tests as pages


def shape(types, edges, weak=()):
    """A shape of nodes with these types; edges are source, label, target."""
    return {
        **pages.shape(advice=False),
        "nodes": [{"id": place, "type": name, "objects": 1} for place, name in enumerate(types)],
        "edges": [
            {
                "source": source, "target": target, "source_type": types[source], "target_type": types[target],
                "label": label, "weaken": label in weak, "set_at": [f"net.py:{3 + target}"],
            }
            for source, label, target in edges
        ],
    }  # fmt: skip


NET = shape(
    ["Layer", "Layer", "Net", "Layer"],
    [
        (0, ".above", 1), (1, ".above", 3), (1, ".below", 0), (3, ".below", 1),
        *((2, f".layers[{place}]", layer) for place, layer in enumerate((0, 1, 3))),
        *((layer, ".net", 2) for layer in (0, 1, 3)),
    ],
    weak=(".net", ".below"),
)  # fmt: skip


def test_like_objects_are_one_node_with_their_number():
    """And what reads alike is one edge, that names all lines that set it."""
    found = folded(NET)
    assert [(node["type"], node["objects"]) for node in found["nodes"]] == [("Layer", 3), ("Net", 1)]
    assert [(edge["source"], edge["label"], edge["target"]) for edge in found["edges"]] == [
        (0, ".above", 0), (0, ".below", 0), (2, ".layers[]", 0), (0, ".net", 2),
    ]  # fmt: skip
    assert found["edges"][0]["set_at"] == ["net.py:4", "net.py:6"]
    assert {key: found[key] for key in ("count", "bytes", "types")} == {
        key: NET[key] for key in ("count", "bytes", "types")
    }


def test_a_title_names_each_type_once():
    """However many objects of it there are; of two that are the whole cycle it shows the way round."""
    assert pictures.card(NET).title == "Layer → Net"
    assert pictures.card(shape(["Node"] * 5, [(n, ".next", (n + 1) % 5) for n in range(5)])).title == "Node"
    assert pictures.card(shape(["Node"] * 2, [(0, ".next", 1), (1, ".next", 0)])).title == "Node → Node"


def test_references_of_an_object_to_itself_do_not_lie_on_each_other():
    """Those of one kind share a line above the node, those of the other kind one below."""
    loops = shape(["Node"], [(0, ".a", 0), (0, ".b", 0), (0, ".c", 0)], weak=(".b",))
    lines = [line for line in shape_dot(loops).splitlines() if "->" in line]
    assert ['" .a, .c "' in line for line in lines] == [True, False]
    assert ["tailport" in line for line in lines] == [False, True]


def test_a_long_name_fits_into_its_box():
    """A letter of 11 pixels is up to 7 wide in a reader's font."""
    name = "AServiceWithAVeryLongNameForWhatItDoes"
    markup = pictures.card(shape([name, "B"], [(0, ".b", 1), (1, ".a", 0)])).markup
    root = ElementTree.fromstring(markup)
    text = next(each for each in root.iter() if each.text and each.text.startswith("AService"))
    box = next(each for each in root.iter() if each.tag.endswith("path"))
    numbers = [
        float(each.split(",")[0].strip("MCLZ")) for each in box.get("d").replace("C", " ").split() if each
    ]
    assert max(numbers) - min(numbers) > 7 * len(text.text)


@pytest.mark.parametrize(("estimated", "said"), [(True, "about 100,000 times"), (False, "100,000 times")])
def test_an_estimate_is_called_about(estimated, said):
    """And what a run freed with a shape is not called held."""
    facts = dict(pictures.card({**pages.shape(), "estimated": estimated}).facts)
    assert facts["occurs"] == said
    assert facts["freed in all"].startswith("about") is estimated


def test_a_study_says_more_about_a_shape():
    """Its facts come first, as they are given; control characters are shown as escapes."""
    card = pictures.card({**pages.shape(), "about": [["bug", "a/b#1"], ["maintainers", "made it\x1b weak"]]})
    assert list(card.facts)[:2] == [("bug", "a/b#1"), ("maintainers", "made it\\x1b weak")]
