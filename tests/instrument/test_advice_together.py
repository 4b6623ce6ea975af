"""Edges of which one has to stay: each alone may be weak, all of them would kill what the program uses.

The programs are those of a document whose parts lead back to it by one name in several classes, of a file whose
variables lead back to it by two names, and of a tree with an owner and a parent.
"""

import pytest

import garbology
from garbology.advice.together import Together

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Package:
    """Its parts are of two classes, and one of them knows the other."""

    def __init__(self):
        self.parts = [Main(self), Styles(self)]
        self.parts[0].styles = self.parts[1]

    def save(self):
        """Use the parts."""
        return len(self.parts)


class Part:
    """Leads back to the package."""

    def __init__(self, package):
        self.package = package


class Main(Part):
    """What the program keeps."""


class Styles(Part):
    """What the main part knows."""


class File:
    """Leads to its variables."""

    def __init__(self, size=1):
        self.variables = [Variable(self) for _ in range(size)]

    def read(self):
        """Use the file."""
        return len(self.variables)


class Variable:
    """Leads back by two names."""

    def __init__(self, parent):
        self.parent = self.root = parent

    def read(self):
        """Use the file by one of them."""
        return self.root.read()


def _advice(func, *args):
    (shape,) = garbology.find_cycles(func, *args).shapes
    return shape.advice


def _weakened(advice):
    return {(edge.source, edge.label) for edge in advice.edges} if advice.remedy == "weakref" else set()


def _main_part():
    return Package().parts[0]


def _variable(size=1):
    return File(size).variables[0]


def test_one_name_in_several_classes_is_needed_as_a_whole():
    """Where only the parts hold the package, it is not advised to make all of their references weak."""

    def work():
        part = _main_part()
        return part.package.save()

    advice = _advice(work)
    assert not {("Main", ".package"), ("Styles", ".package")} <= _weakened(advice)
    assert "Main.package and Styles.package has to stay" in advice.reason


@pytest.mark.parametrize("size", [1, 1_000])
def test_two_names_of_one_class_are_needed_together(size):
    """Where a variable alone holds its file, by two names, both of them are not weakened; in a large window neither."""

    def work():
        return _variable(size).read()

    advice = _advice(work)
    assert not {("Variable", ".parent"), ("Variable", ".root")} <= _weakened(advice)
    assert "Variable.parent and Variable.root has to stay" in advice.reason


def test_what_something_else_holds_may_be_weak_by_all_names():
    """A program that keeps the file itself gets the advice to make both ways back weak."""

    def work():
        file = File()
        return file.variables[0].read()

    assert _weakened(_advice(work)) == {("Variable", ".parent"), ("Variable", ".root")}


class _Candidate:
    def __init__(self, *keys):
        self._keys = set(keys)

    def keys(self):
        """As of a candidate edge."""
        return self._keys


def test_a_clause_is_broken_by_all_of_its_edges_alone():
    """Of the edges that led to an object any may go, but not all; what stands for one line of source counts once."""
    parent, root, other = ("V", ".parent", "F"), ("V", ".root", "F"), ("W", ".file", "F")
    together = Together()
    together.add([frozenset([parent, ("V", ".parent", "")]), frozenset([root])])
    chosen = [_Candidate(parent), _Candidate(other)]
    assert together.at_risk(chosen) == []
    chosen.append(_Candidate(root))
    assert together.at_risk(chosen) == [chosen[0], chosen[2]]


def test_an_edge_that_leads_to_something_alone_is_no_clause():
    """It is needed, which is known by other means."""
    together = Together()
    together.add([frozenset([("V", ".parent", "F")])])
    assert len(together) == 0
