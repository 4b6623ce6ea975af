"""One method that lets go of edges of several names is named, rather than a sentence for each of them."""

from xml.dom import minidom

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Branch:
    """Knows its parent and its root, and destroys what hangs on it."""

    def __init__(self, parent=None, root=None):
        self.parent = parent
        self.root = root
        self.children = []
        if parent is not None:
            parent.children.append(self)

    def destroy(self):
        """Let go of all that hangs on it, and of the ways back."""
        for child in self.children:
            child.destroy()
        self.parent = self.root = None
        self.children = []


class Leaf(Branch):
    """Another class of the same tree."""


class Trunk(Branch):
    """The one at the root."""


class Connection:
    """Has two parts that know it."""

    def __init__(self):
        self.reader = Reader(self)
        self.writer = Writer(self)

    def close(self):
        """Let go of both."""
        self.reader = self.writer = None


class Unclosed(Connection):
    """Its method lets go of one only."""

    def close(self):
        """Keep the writer."""
        self.reader = None


class Reader:
    """Knows its connection."""

    def __init__(self, connection):
        self.connection = connection


class Writer:
    """Knows it by another name."""

    def __init__(self, owner):
        self.owner = owner


class Chained:
    """A tree whose root is not in its own chain, as BeautifulSoup's is not."""

    following = None

    def __init__(self, parent=None):
        self.parent = parent
        self.previous = None
        self.contents = []
        self.current = self

    def add(self, part):
        """Hang a part on it, after what was made last."""
        self.contents.append(part)
        self.current = self

    def wipe(self):
        """Clear the attributes of all that follow."""
        part = self
        while part is not None:
            following = part.following
            part.__dict__.clear()
            part = following

    dispose = wipe


class Part(Chained):
    """What hangs on it."""

    def __init__(self, parent, previous=None):
        super().__init__(parent)
        del self.current
        self.previous = previous
        if previous is not None:
            previous.following = self
        parent.add(self)


def tree():
    trunk = Trunk()
    branch = Branch(trunk, trunk)
    Leaf(branch, trunk)
    Leaf(branch, trunk)


def forest():
    branch = Branch()
    Leaf(branch, branch)
    Branch(branch, branch)


def chain():
    root = Chained()
    first = Part(root)
    Part(first, Part(first, first))


def document():
    minidom.parseString('<a><b x="1">text</b><c/></a>').toxml()


def advice_of(program):
    """The advice for its only shape, once it was found to work."""
    (shape,) = garbology.find_cycles(program).shapes
    assert shape.advice.verified, shape.advice.trial
    return shape.advice


@pytest.mark.parametrize(
    ("program", "call", "says"),
    [
        (tree, "Trunk.destroy()", "with all that hangs on it: call it when the Trunk is done with"),
        (forest, "Branch.destroy()", "call it on the outermost Branch when that is done with"),
        (Connection, "Connection.close()", "lets go of .reader and .writer: call it when the Connection is"),
        (document, "Document.unlink()", "call it when the Document is done with"),
        (
            chain,
            "Part.dispose() and Chained.dispose()",
            "call it on each Part that the Chained holds, then on the Chained, when it is done with",
        ),
    ],
)
def test_one_call_lets_go_of_all(program, call, says):
    """The method is named that gets to every part, and what it lets go of opens every cycle."""
    advice = advice_of(program)
    assert (advice.remedy, advice.call) == ("clear", call)
    assert says in advice.reason
    assert ";" not in advice.reason


def test_following_the_advice_leaves_nothing():
    """What is said of a document, and of a root outside its own chain, is so."""

    def followed():
        minidom.parseString('<a><b x="1">text</b></a>').unlink()
        root = Chained()
        Part(root, Part(root))
        for part in list(root.contents):
            part.dispose()
        root.dispose()

    assert not garbology.find_cycles(followed).garbage


def test_a_method_that_leaves_a_cycle_closed_is_not_named():
    """It is the ways back then."""
    advice = advice_of(Unclosed)
    assert (advice.remedy, advice.call) == ("weakref", "")


def test_the_text_says_what_clears_many_edges():
    """The call stands above the edges, a few of which are shown."""
    text = str(garbology.find_cycles(document))
    assert "Document.unlink() clears these" in text
    assert "each of these" not in text
