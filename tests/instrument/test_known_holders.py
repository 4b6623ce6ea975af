"""Modules that held something of earlier windows are asked before the heap is, and nothing is found otherwise."""

import sys
import types
from gc import get_referents

import pytest

import garbology
from garbology.find import crossing
from garbology.leaks import external
from garbology.snapshot import known_holders


class Kept:
    def __init__(self):
        self.itself = self
        self.text = []


class Many(list):
    """It says something else about itself."""

    def __len__(self):
        return 0


class Cache:
    """As those of parsers: what is in it is some steps behind the module."""

    def __init__(self):
        self.mapping = {}

    def add(self):
        self.mapping[len(self.mapping)] = [Kept()]


@pytest.fixture
def module(monkeypatch):
    """A module of this test's, and no other is known."""
    module = types.ModuleType("a_module_of_this_test")
    module.cache = Cache()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(known_holders, "_names", {})
    return module


@pytest.fixture
def questions(monkeypatch):
    """How often the heap was asked who refers to something."""
    asked = []
    for asking in (crossing, external):
        referrers_of = asking.referrers_of
        monkeypatch.setattr(
            asking,
            "referrers_of",
            lambda objects, ask=referrers_of: asked.append(len(objects)) or ask(objects),
        )
    return asked


def test_the_heap_is_asked_once_for_a_cache_of_a_module(module, questions):
    """The first window asks who holds what it left; later ones find it where that was."""

    def add_and_leave_a_cycle():
        module.cache.add()
        Kept()

    garbology.find_cycles(add_and_leave_a_cycle)
    first = len(questions)
    for _ in range(3):
        found = garbology.find_cycles(add_and_leave_a_cycle)
        assert [shape.count for shape in found.shapes] == [1]
        assert (found.leaks, found.held_by_c) == ([], [])
    assert first > 0
    assert len(questions) == first


def test_what_a_known_module_has_let_go_is_garbage(module):
    """That a module held something before says nothing of what it holds now."""
    cache = module.cache
    garbology.find_cycles(cache.add)
    with garbology.watch() as found:
        cache.add()
        cache.mapping.popitem()
    assert [shape.count for shape in found.shapes] == [1]
    old = cache.mapping

    def replace():
        """The objects of the earlier call become garbage with what is made here."""
        kept = Kept()
        kept.before, old[0][0].after = old[0], kept
        old.clear()

    assert garbology.find_cycles(replace).garbage > 2


def test_ways_end_at_what_is_wanted_and_lead_through_no_module(module):
    """Each step holds the next; a function's globals, or a class, would lead everywhere."""
    module.cache.add()
    kept = module.cache.mapping[0][0]
    module.function, module.kind = test_what_a_known_module_has_let_go_is_garbage, Kept
    known_holders.remember(module.__name__)
    ((first, *_, last),) = known_holders.paths_to({id(kept)})
    assert first is module.cache
    assert last is kept
    assert known_holders.paths_to({id(Cache.__dict__["add"]), id(known_holders.remember)}) == []


def test_a_container_of_very_many_entries_is_not_gone_through(module, monkeypatch):
    """It would take the time and the memory of the heap; what it holds is asked of the heap."""
    module.cache.add()
    kept = module.cache.mapping[0][0]
    module.many = Many([object() for _ in range(known_holders._MOST_ENTRIES + 1)])
    read = []
    monkeypatch.setattr(
        known_holders.gc, "get_referents", lambda *each: read.extend(each) or get_referents(*each)
    )
    known_holders.remember(module.__name__)
    assert len(known_holders.paths_to({id(kept), id(module.many[-1])})) == 1
    assert any(each is module.cache for each in read)
    assert not any(each is module.many for each in read)


def test_few_modules_are_known(module):
    """The latest, and none that is gone."""
    for number in range(100):
        known_holders.remember(f"no_module_{number}")
    assert len(known_holders._names) < 20
    assert known_holders.paths_to({id(module)}) == []
