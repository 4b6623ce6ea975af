"""A test that watches itself, under the plugin: what it watches is its own to judge, all else the plugin's."""

import pytest

from tests.plugin.conftest import message_of

pytest_plugins = ["pytester"]

WATCHES = """
import garbology

def leave():
    Parent()

@pytest.mark.no_cycles
def test_find():
    shape = garbology.find_cycles(leave).shapes[0]
    assert shape.advice.verified

@pytest.mark.no_cycles
def test_block():
    with garbology.watch() as found:
        leave()
    assert found.garbage and found.shapes[0].advice.verified

@pytest.mark.no_cycles
def test_assertion():
    with pytest.raises(AssertionError) as info:
        garbology.assert_no_cycles(leave)
    del info

@pytest.mark.no_cycles
def test_nested():
    with garbology.watch() as outer:
        leave()
        with garbology.watch() as inner:
            leave()
        leave()
    assert outer.garbage > inner.garbage
"""
BESIDE = """
import garbology

@pytest.mark.no_cycles
def test_before():
    Node()
    assert garbology.find_cycles(Parent).garbage

@pytest.mark.no_cycles
def test_after():
    assert garbology.find_cycles(Parent).garbage
    Node()
"""
COLLECTS = """
import garbology

@pytest.mark.no_cycles
def test_it():
    assert garbology.find_cycles(Parent).garbage
    gc.collect()
"""


def test_what_a_test_watches_is_its_own_to_judge(inner):
    """Cycles that it leaves on purpose in a window of its own, whose advice is proved there as without the plugin."""
    inner(WATCHES).assert_outcomes(passed=4)


@pytest.mark.parametrize("test", ["test_before", "test_after"])
def test_what_it_leaves_beside_that_is_not(inner, test):
    """The failure tells of that alone."""
    result = inner(BESIDE, "-k", test)
    result.assert_outcomes(failed=1)
    assert "Node.itself -> Node" in message_of(result, test)
    assert "Parent" not in message_of(result, test)


def test_where_that_cannot_be_told_it_is_said(inner):
    """A collection mixes what was made in the test's own windows with the rest."""
    result = inner(COLLECTS, "--garbology")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*windows inside it*"])
