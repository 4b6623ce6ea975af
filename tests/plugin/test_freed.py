"""The fixture assert_freed."""

import pytest

from tests.plugin.conftest import message_of

pytest_plugins = ["pytester"]


@pytest.mark.slow
def test_objects_must_be_freed_when_the_test_has_ended(inner):
    """What else holds one is told, and the line where it was given; a cycle holds it, too."""
    result = inner("""
kept = []

def test_freed(assert_freed):
    child = Child(1)
    assert_freed(child)

def test_kept(assert_freed):
    child = Child(1)
    kept.append(child)
    assert_freed(child)

def test_cycle(assert_freed):
    assert_freed(Parent())

def test_collected(assert_freed):
    assert_freed(Parent())
    gc.collect()

def test_no_weak_references(assert_freed):
    one, other = [], []
    kept.append(other)
    assert_freed(one, other)
""")
    result.assert_outcomes(failed=4, passed=1)
    text = message_of(result, "test_kept")
    assert "although the test ended: test_it.Child given at test_it.py:26" in text
    assert "module test_it.kept[0] -> Child" in text
    assert "hidden" not in text
    assert "garbology/" not in text
    assert "only a reference cycle holds it" in message_of(result, "test_cycle")
    assert "freed by a collection" in message_of(result, "test_collected")
    assert "1 of 2 objects" in message_of(result, "test_no_weak_references")


def test_the_test_s_own_failure_goes_first(inner):
    """Nothing is asserted of the objects then, and the collector is as before."""
    result = inner("""
def test_fails(assert_freed):
    assert_freed(Parent())
    assert 1 == 2

def test_after():
    assert gc.isenabled()
""")
    result.assert_outcomes(failed=1, passed=1)
    assert "assert 1 == 2" in message_of(result, "test_fails")


@pytest.mark.slow
def test_it_serves_beside_a_watch(inner):
    """To try an advice frees what it is tried on: the objects are judged before."""
    code = """
@pytest.mark.max_garbage(objects=100)
def test_both(assert_freed):
    assert_freed(Parent())

class TestIt:
    def test_method(self, assert_freed):
        self.child = Child(1)
        assert_freed(self.child)
"""
    result = inner(code)
    result.assert_outcomes(failed=2)
    inner(code, "--garbology").assert_outcomes(failed=2)


@pytest.mark.parametrize("wrong", ["None", "1", "int"])
def test_what_never_dies_is_refused(inner, wrong):
    """The error names what to give instead."""
    result = inner(f"def test_it(assert_freed):\n    assert_freed({wrong})\n")
    result.assert_outcomes(failed=1)
    assert "that CPython never frees" in message_of(result, "test_it")
