"""What an object makes when it is asked for, and keeps: not the way back is weak, it is not kept."""

import functools

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class View:
    """Needs its owner, also where that is a temporary."""

    def __init__(self, owner):
        self._owner = owner

    def total(self):
        """Ask the owner."""
        return self._owner.value + 1


class Twice(View):
    """Has two ways back."""

    def __init__(self, owner):
        super().__init__(owner)
        self._origin = owner


class Accessor:
    """A descriptor that replaces itself, as pandas' does."""

    def __init__(self, name, kind):
        self.name = name
        self.kind = kind

    def __get__(self, owner, cls=None):
        made = self.kind(owner)
        object.__setattr__(owner, self.name, made)
        return made


class InCache(Accessor):
    """Keeps what it made in a dict of the owner's, as xarray's does."""

    def __get__(self, owner, cls=None):
        if self.name not in owner.kept:
            owner.kept[self.name] = self.kind(owner)
        return owner.kept[self.name]


class Base:
    """Has a value that a view asks for."""

    value = 1

    def __init__(self):
        self.kept = {}


class ByDescriptor(Base):
    view = Accessor("view", View)


class ByCachedProperty(Base):
    @functools.cached_property
    def view(self):
        return View(self)


class ByProperty(Base):
    _view = None

    @property
    def view(self):
        if self._view is None:
            self._view = View(self)
        return self._view


class ByCache(Base):
    view = InCache("view", View)


class ByMangledName(Base):
    __view = None

    @property
    def view(self):
        if self.__view is None:
            self.__view = View(self)
        return self.__view


class WithTwo(Base):
    view = Accessor("view", Twice)


class Counter(View):
    """Knows more than its owner does."""

    def total(self):
        """Count the questions."""
        self.questions = getattr(self, "questions", 0) + 1
        return super().total()


class Memory(View):
    """Fills what it has."""

    def __init__(self, owner):
        super().__init__(owner)
        self.totals = {}

    def total(self):
        """Remember the answer."""
        self.totals[self._owner.value] = super().total()
        return self.totals[self._owner.value]


class Delivered(View):
    """Has what others fill, as a channel's quality of service has."""

    def __init__(self, owner):
        super().__init__(owner)
        self.waiting = {}
        self.keep = self.waiting.setdefault

    def total(self):
        """Ask the owner, and let another keep it."""
        return self.keep(self._owner.value, 1)


class WithDelivered(Base):
    _view = None

    @property
    def view(self):
        if self._view is None:
            self._view = Delivered(self)
        return self._view


class WithCounter(Base):
    _view = None

    @property
    def view(self):
        if self._view is None:
            self._view = Counter(self)
        return self._view


class WithMemory(Base):
    @functools.cached_property
    def view(self):
        return Memory(self)


class Cells(Base):
    """Data by their place, some of which a property makes."""

    @property
    def view(self):
        if (1, 1) not in self.kept:
            self.kept[1, 1] = View(self)
        return self.kept[1, 1]


class Made(Base):
    """Makes its part at once, and so owns it."""

    def __init__(self):
        super().__init__()
        self.view = View(self)


class Kept(Base):
    """Keeps something whose way back is through another object."""

    @functools.cached_property
    def view(self):
        return [Holder(View(self))]


class Holder:
    """Holds a view."""

    def __init__(self, view):
        self.view = view


KINDS = [ByDescriptor, ByCachedProperty, ByProperty, ByCache, ByMangledName, WithTwo]


def advice_of(program):
    """The advice for its only shape, once it was found to work."""
    (shape,) = garbology.find_cycles(program).shapes
    assert shape.advice.verified, shape.advice.trial
    return shape.advice


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_of_a_temporary_is_not_to_be_kept(kind):
    """Nothing else holds the owner while the view is used, so its way back must stay."""
    advice = advice_of(lambda: kind().view.total())
    assert advice.remedy == "property"
    assert {edge.source for edge in advice.edges} == {kind.__name__}
    assert "make it each time instead of keeping it there" in advice.reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_of_a_variable_is_not_to_be_kept_either(kind):
    """The program may use a temporary next time; a weak way back is the second choice, where there is one."""

    def program():
        owner = kind()
        return owner.view.total()

    advice = advice_of(program)
    assert advice.remedy == "property"
    weak = "or hold weakref.ref(...) in View._owner where no View outlives its"
    assert (weak in advice.reason) is (kind is not WithTwo)


@pytest.mark.parametrize("kind", [Made, WithCounter, WithMemory, WithDelivered, Cells])
def test_a_part_that_has_data_or_is_made_at_once_is_its_owner_s(kind):
    """Another one would not be as good: its way back is to be weak."""

    def program():
        owner = kind()
        return owner.view.total()

    assert advice_of(program).remedy == "weakref"


def test_a_value_whose_parts_lead_back_is_no_view():
    """A cached list may be data that nothing makes again."""

    def program():
        owner = Kept()
        return owner.view[0].view.total()

    assert advice_of(program).remedy != "property"


def test_no_line_is_shown_that_does_not_set_it():
    """Where a program makes the owner is not where its view is kept."""
    (edge,) = advice_of(lambda: ByCachedProperty().view.total()).edges
    assert not any("ByCachedProperty()" in line for line in edge.set_at)
