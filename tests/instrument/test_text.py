"""A finding as text: edges in the order of the cycle, what to do about which, and how to see the rest."""

import random

import pytest

import garbology
from garbology.cycles.cycle_text import in_cycle_order, shape_lines

NAMES = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta", "Iota", "Kappa"]


def edge(source, label, target, *, weaken=False, set_at=()):
    return {
        "source": 0, "target": 0, "source_type": source, "target_type": target, "label": label,
        "weaken": weaken, "set_at": list(set_at),
    }  # fmt: skip


def shape(edges, remedy="weakref", reason="Beta.way_back is the way back", **others):
    advice = {"edges": [], "remedy": remedy, "verified": False, "trial": "", "reason": reason}
    return {
        "count": 1, "objects": 3, "objects_low": 3, "objects_high": 3, "bytes": 300, "distinct": 1, "sites": [],
        "edges": edges, "advice": advice, **others,
    }  # fmt: skip


def ring(length, advised=0):
    """Edges from each of some types to the next, and from the last to the first, in no order."""
    pairs = zip(NAMES[:length], [*NAMES[1:length], NAMES[0]], strict=True)
    edges = [edge(a, f".to_{b.lower()}", b, weaken=number == advised) for number, (a, b) in enumerate(pairs)]
    random.Random(length).shuffle(edges)
    return edges


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("advised", [0, -1])
def test_a_ring_is_read_round(length, advised):
    """From the edge to weaken, each edge begins where the one before ended, and the last ends where the first began."""
    ordered = in_cycle_order(ring(length, advised % length))
    assert len(ordered) == length
    assert ordered[0]["weaken"]
    for before, after in zip(ordered, [*ordered[1:], ordered[0]], strict=True):
        assert before["target_type"] == after["source_type"]


def test_what_is_beside_the_ring_follows_it():
    """Nothing is left out, nothing twice; what goes on from a named object comes before what does not."""
    edges = [
        *ring(3),
        edge("Beta", ".more", "Delta"),
        edge("Delta", ".back", "Alpha"),
        edge("Beta", ".to_gamma", "Gamma"),
        edge("Eta", ".me", "Eta"),
    ]
    ordered = [(each["source_type"], each["target_type"]) for each in in_cycle_order(edges)]
    assert ordered[:3] == [("Alpha", "Beta"), ("Beta", "Gamma"), ("Gamma", "Alpha")]
    assert ordered[3:5] == [("Beta", "Delta"), ("Delta", "Alpha")]
    assert ordered[5:] == [("Eta", "Eta")]


@pytest.mark.parametrize(
    ("remedy", "mark"),
    [
        ("weakref", "<- weaken this one"),
        ("WeakMethod", "<- weaken this one"),
        ("WeakSet", "<- weaken this one"),
        ("clear", "<- clear this one"),
        ("close", "<- close this one"),
        ("hoist", "<- hoist this one"),
        ("move", "<- move this one"),
        ("property", "<- replace this one"),
    ],
)
def test_the_mark_says_what_the_remedy_is(remedy, mark):
    """An edge that is to be cleared or closed is not to be weakened."""
    lines = shape_lines(shape(ring(2), remedy), "found.shapes[0]", 10)
    assert lines[2] == f"  x Alpha.to_beta -> Beta   {mark}"
    assert lines[3] == "    Beta.to_alpha -> Alpha"


def test_the_lines_of_source_stand_under_the_edge():
    """Those of the edges to change, at most two of each, and how many more there are."""
    places = ["shapes.py:17: self.parent = parent", "shapes.py:30: child.parent = self", "shapes.py:31: x"]
    edges = [edge("Alpha", ".b", "Beta", weaken=True, set_at=places), edge("Beta", ".a", "Alpha")]
    lines = shape_lines(shape(edges), "found.shapes[0]", 10)
    assert lines[2:7] == [
        "  x Alpha.b -> Beta   <- weaken this one",
        "      set at shapes.py:17: self.parent = parent",
        "             shapes.py:30: child.parent = self",
        "             or 1 more line: `edge.set_at`",
        "    Beta.a -> Alpha",
    ]


def test_a_line_that_is_one_of_several_is_called_so():
    """Which of them made the edge is not known: that is not said of the first."""
    places = ["shapes.py:17: self.parent = parent", "shapes.py:30: child.parent = self"]
    first = edge("Alpha", ".b", "Beta", weaken=True, set_at=places) | {"set_at_one_of": True}
    lines = shape_lines(shape([first, edge("Beta", ".a", "Alpha")]), "found.shapes[0]", 10)
    assert lines[3:5] == [
        "      set in one of shapes.py:17: self.parent = parent",
        "                    shapes.py:30: child.parent = self",
    ]


def test_more_edges_than_are_shown_say_how_to_see_them():
    """The shape's place in the finding, as one types it."""
    lines = shape_lines(shape(ring(10)), "found.shapes[2]", 6)
    assert lines[8] == "    ... and 4 more edges: `found.shapes[2].edges`"


def test_many_advised_edges_are_a_list():
    """More than four stand together, each once, with the line that sets those that follow each other."""
    where = ["tree.py:9: self._parent = parent"]
    edges = [edge(name, "._parent", "Root", weaken=True, set_at=where) for name in NAMES[:6]]
    edges += [edge("Root", f".{name.lower()}", name) for name in NAMES[:6]]
    reasons = "; ".join(f"sentence {number}" for number in range(6))
    lines = shape_lines(shape(edges, reason=reasons), "found.shapes[0]", 20)
    assert lines[2] == "  weaken each of these 6:"
    assert lines[3:5] == ["  x Alpha._parent -> Root", "      set at tree.py:9: self._parent = parent"]
    assert lines[5:10] == [f"  x {name}._parent -> Root" for name in NAMES[1:6]]
    assert lines[10] == "  the cycle:"
    assert lines[-6:] == [f"    - sentence {number}" for number in range(6)]


def test_no_line_is_wider_than_a_terminal_and_file_and_line_stay():
    """A long name gives way before the place where it is found."""
    long = f"function {'outer.<locals>.' * 5}inner (a_module.py:17)"
    lines = shape_lines(
        shape([edge(long, "closure variable inner", long, weaken=True)]), "found.shapes[0]", 9
    )
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("  x function outer.<locals>.outer")
    assert lines[2].endswith("… (a_module.py:17)")
    assert lines[3] == "        → closure variable inner"
    assert lines[4].startswith("        -> function outer.<locals>.outer")
    assert lines[4].endswith("… (a_module.py:17)")
    assert lines[5] == "        <- weaken this one"


def test_the_text_of_a_finding_stays_within_forty_lines():
    """However many edges are advised, and however long the reason is."""

    class Node:
        def __init__(self):
            for name in NAMES:
                setattr(self, name, self)

    lines = str(garbology.find_cycles(Node)).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    text = shape_lines(
        shape(ring(10), reason="; ".join(["a sentence of some length"] * 90)), "found.shapes[0]", 14
    )
    assert len(text) <= 36
    assert text[-1] == "    ... more: `found.shapes[0].advice.reason`"
