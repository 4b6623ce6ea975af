"""A block may be watched without looks at its work: the same garbage, and an advice that says so."""

import gc
import sys

import garbology


class Node:
    """Holds others."""

    def __init__(self) -> None:
        self.children: list[Node] = []
        self.parent: Node | None = None

    def add(self) -> "Node":
        child = Node()
        child.parent = self
        self.children.append(child)
        return child


def family(children: int) -> None:
    parent = Node()
    for _ in range(children):
        parent.add()


def test_the_same_garbage_is_found_without_looks():
    """Garbage, bytes, shapes and leaks do not depend on whether the work was looked at."""
    findings = []
    family(100)  # the first instances of a class are larger
    for looks in (True, False):
        gc.collect()
        with garbology.watch(looks=looks) as found:
            family(3)
        described = found.to_dict()
        for shape in described["shapes"]:
            del shape["advice"]
        findings.append(described)
    assert findings[0] == findings[1]
    assert findings[0]["garbage"] > 4


def test_the_advice_says_that_the_work_was_not_watched():
    """Where nobody looked, an advice may be wrong about who needs what, and says so."""
    gc.collect()
    with garbology.watch(looks=False) as found:
        family(3)
    assert "the work was not watched to its end" in found.shapes[0].advice.reason
    with garbology.watch() as found:
        family(3)
    assert "not watched" not in found.shapes[0].advice.reason
    gc.collect()


def keeps_what_it_caught():
    try:
        raise LookupError
    except LookupError as caught:
        error = caught
    return error is None


def test_what_a_function_that_has_ended_keeps_is_needed_by_nobody():
    """Nobody has to be asked about a variable that nobody can read any more."""
    gc.collect()
    with garbology.watch(looks=False) as found:
        keeps_what_it_caught()
    (shape,) = found.shapes
    assert "`del error`" in shape.advice.reason
    assert "not watched" not in shape.advice.reason
    gc.collect()


def test_nothing_is_told_of_the_work_without_looks():
    """Neither a tool of sys.monitoring nor a profile function is there in the block."""
    with garbology.watch(looks=False):
        if sys.version_info >= (3, 12):
            tools = [sys.monitoring.get_tool(tool) for tool in range(6)]
        else:
            tools = [sys.getprofile()]
    assert "garbology" not in tools
