"""Several edges in as few sentences as say which is to be done what with."""

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Tree:
    """Knows its parent and its root."""

    def __init__(self, parent=None, root=None):
        self.parent, self.root, self.children = parent, root, []


class View:
    """Keeps methods of its own under several names."""

    def __init__(self):
        self.on_click = self.click
        self.on_key = self.key
        self.itself = lambda: self

    def click(self):
        """Be called."""
        return self.on_click

    def key(self):
        """Be called, too."""
        return self.on_key


def tree():
    root = Tree()
    for _ in range(3):
        root.children.append(Tree(root, root))


def functions():
    holder = Tree()

    def one():
        return two

    def two():
        return one

    def three():
        return four

    def four():
        return three

    holder.parent, holder.root = [one, three], holder
    one.holder = three.holder = holder


def advice_of(program):
    shapes = garbology.find_cycles(program).shapes
    return shapes[0].advice


def test_names_with_one_remedy_share_a_sentence():
    """It is said of each; the count is of the edges."""
    reason = advice_of(tree).reason
    assert reason.startswith(
        "each of Tree.parent and Tree.root is the way back: hold weakref.ref(...) there; these 2 go"
    )
    assert reason.count("weakref.ref") == 1


def test_methods_with_one_remedy_share_a_sentence():
    """By the attributes that hold them, and what differs has a sentence of its own."""
    reason = advice_of(View).reason
    one, other = "View.on_click", "View.on_key"
    assert any(f"each of {a} and {b} is a bound method" in reason for a, b in ((one, other), (other, one)))
    assert "View.itself → closure variable self is captured" in reason
    assert "these 3 go together" in reason


def test_functions_that_capture_each_other_are_told_by_their_groups():
    """Two pairs on one cycle are two sentences."""
    advice = advice_of(functions)
    assert (
        "one and two capture each other" in advice.reason or "two and one capture each other" in advice.reason
    )
    assert (
        "three and four capture each other" in advice.reason or "four and three capture each" in advice.reason
    )


def test_one_edge_is_said_as_before():
    """Nothing is put together."""
    reason = advice_of(lambda: Tree().children.append(5) or holder()).reason
    assert "each of" not in reason
    assert "go together" not in reason


def holder():
    node = Tree()
    node.children.append(Tree(node))


def test_the_last_edge_is_told_where_it_takes_no_more_room():
    """'... and 1 more edge' is a line as well."""
    text = str(garbology.find_cycles(spokes))
    assert "more edge" not in text
    assert all(f"Hub.{name} -> Spoke" in text for name in "abcdefgh")


class Hub:
    """Has spokes."""


class Spoke:
    """Knows its hub."""


def spokes():
    hub = Hub()
    for name in "abcdefgh":
        spoke = Spoke()
        setattr(hub, name, spoke)
        spoke.hub = hub
