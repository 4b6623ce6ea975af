"""Advice for closures: a variable bears its name, however many functions share the cell that it is in."""

import types

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Fun:
    """As an optimiser wraps a function: closures that capture self, stored on self; all share one cell."""

    def __init__(self, f):
        def update():
            self.f = f(self.x)

        def grad():
            self.g = self.f - f(self.x + 1e-8)

        self.x = 1.0
        self.update, self.grad = update, grad


class Data:
    """Is kept by closures of its own."""


def square(x):
    return x * x


def use_fun():
    fun = Fun(square)
    fun.update()
    fun.grad()


def data_kept_by_closures():
    data = Data()

    def first():
        return data

    def second():
        return data

    data.first, data.second = first, second
    return first, second


def use_fun_beside_data():
    first, second = data_kept_by_closures()
    call(first)
    call(second)
    use_fun()


def call(function):
    return function()


def advice_of(program, *types):
    """The advice for the one cycle that has such types."""
    shapes = garbology.find_cycles(program).shapes
    (shape,) = (s for s in shapes if {edge.source for edge in s.edges} >= set(types))
    return shape.advice


FUN_EDGES = [f"Fun.{name} → closure variable self -> Fun" for name in ("grad", "update")]


@pytest.mark.parametrize("program", [use_fun, use_fun_beside_data])
def test_a_shared_cell_is_never_an_edge(program):
    """The variable is named, and what another cell of the window is needed for is no matter."""
    advice = advice_of(program, "Fun")
    assert {str(edge) for edge in advice.edges} <= set(FUN_EDGES)
    assert (advice.remedy, advice.verified) == ("property", True)


def test_no_cell_is_drawn():
    """A cycle through shared cells has functions and objects for nodes, and a large one, too."""

    def many():
        for _ in range(200):
            use_fun_beside_data()

    for shape in garbology.find_cycles(many).shapes:
        assert "cell" not in {node.type for node in shape.nodes}
        assert not any("cell" in edge.label for edge in shape.edges)


def test_a_variable_that_holds_containers_of_closures_ends():
    """Cells that hold lists of functions that share the cells are read once, not round and round."""

    class Owner:
        pass

    def program():
        owner, calls, more = Owner(), [], []

        def one():
            return calls, more, owner

        def two():
            return calls, more, one

        calls += [one, two]
        more += [two, [one]]
        owner.calls = calls

    (shape,) = garbology.find_cycles(program).shapes
    assert {"Owner", "function", "list"} >= {node.type.partition(" ")[0] for node in shape.nodes}


def test_cells_in_cells_are_nodes():
    """What no compiler makes is read all the same."""

    def program():
        one, two = types.CellType(), types.CellType()
        one.cell_contents, two.cell_contents = two, [one, two]
        one.cell_contents.cell_contents.append(one)

    (shape,) = garbology.find_cycles(program).shapes
    assert shape.objects == 3


class Many:
    """Makes more closures than one would list."""

    def __init__(self):
        self.one = lambda: self.use(1)
        self.two = lambda: self.use(2)
        self.three = lambda: self.use(3)
        self.four = lambda: self.use(4)

    def use(self, number):
        return number


def test_many_functions_that_share_a_variable_are_counted():
    """The variable is one, and the function that has it is named."""
    advice = advice_of(lambda: Many() and None, "Many")
    assert len(advice.edges) == 4
    assert advice.reason.startswith(
        "closure variable self of 4 functions made in Many.__init__ is captured: "
        "define methods of the class instead, or capture weakref.ref(self) and call it inside"
    )
    assert advice.verified


class Slotted:
    """Takes no weak references."""

    __slots__ = ("function",)

    def __init__(self):
        self.function = lambda: self.use()

    def use(self):
        return self


def test_a_method_needs_no_weak_reference():
    """It is said alone where a weak reference is impossible."""
    advice = advice_of(lambda: Slotted() and None, "Slotted")
    assert (advice.remedy, advice.verified) == ("property", True)
    assert advice.reason.endswith("is captured: define methods of the class instead")


class Calling:
    """Is given a function that captures it, or makes one for another."""

    def be_given(self):
        this = self
        self.function = lambda: this.use()

    def give(self, other):
        self.other = other
        other.function = lambda: self.use()

    def use(self):
        return self


@pytest.mark.parametrize("program", [lambda: Calling().be_given(), lambda: Calling().give(Calling())])
def test_a_method_in_place_of_a_function_is_no_help_elsewhere(program):
    """What another object keeps would be a bound method, which holds the object as well."""
    assert "define methods" not in advice_of(program, "Calling").reason
