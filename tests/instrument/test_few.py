"""What is decided at once of a small window is what the general way says of the same objects."""

import contextvars
import ctypes
import gc
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import garbology
from garbology.find import crossing, explain, few
from garbology.leaks import external
from garbology.leaks.leak import Leaks
from tests.instrument.test_exactness import MAKERS, Plain

KEPT: list[object] = []
REGISTRY = {"by name": Plain()}
CURRENT: contextvars.ContextVar[object] = contextvars.ContextVar("CURRENT", default=None)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """A collector that is paused, and nothing left of the window before."""
    gc.collect()
    with garbology.collector.paused():  # and not frozen: leaks are judged
        yield
    KEPT.clear()
    CURRENT.set(None)


class Said:
    """Both ways, of the same window: what would have been said at once, and then the general way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.leaks: list[Leaks | None] = []
        monkeypatch.setattr(explain, "leaks_if_all_is_alive", self._both)

    def _both(self, objects: list[object], opening: object) -> None:
        self.leaks.append(few.leaks_if_all_is_alive(objects, opening))

    def check(self, found: garbology.Found) -> bool:
        """Whether it was decided at once; what was said then is what was found."""
        (leaks,) = self.leaks
        if leaks is None:
            return False
        assert (found.garbage, found.garbage_bytes, found.shapes) == (0, 0, []), str(found)
        assert (found.leaks, found.held_by_c) == (leaks.found, leaks.held), str(found)
        assert (found.leaks_judged, found.leaks_unjudged_reason) == (not leaks.unjudged, leaks.unjudged)
        return True


def in_a_module(obj: object) -> None:
    KEPT.append(obj)


def in_an_older_instance(obj: object) -> None:
    REGISTRY["by name"].latest = obj


def in_a_context_variable(obj: object) -> None:
    CURRENT.set(obj)


def by_c_code(obj: object) -> None:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))


def in_an_array_of_its_own(obj: object) -> None:
    array = np.empty(2, object)
    array[:] = [obj, array]


def in_a_local_array(obj: object) -> object:
    array = np.empty(1, object)
    array[0] = obj
    return array


def nowhere(obj: object) -> None:
    pass


HOLDERS: dict[str, Callable[[object], object]] = {
    each.__name__: each
    for each in (
        in_a_module,
        in_an_older_instance,
        in_a_context_variable,
        in_an_array_of_its_own,
        in_a_local_array,
        nowhere,
    )
}


def build(kinds: list[str], edges: list[tuple[int, int]]) -> list[object]:
    made = [MAKERS[kind]() for kind in kinds]
    for source, target in edges:
        made[source % len(made)][1](made[target % len(made)][0])
    return [obj for obj, _ in made]


graphs = st.tuples(
    st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12),
    st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from([*HOLDERS, "local", "c", "older garbage"])), max_size=3
    ),
)


def older_ring() -> list[object]:
    ring: list[object] = []
    ring.append(ring)
    return ring


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs)
def test_both_ways_say_the_same_of_any_graph(graph):
    """Graphs of all kinds, kept by variables, modules, older objects, older garbage, arrays, C code, or dropped."""
    kinds, edges, kept = graph
    too_many = []
    ring = older_ring()
    with pytest.MonkeyPatch.context() as patch:
        said = Said(patch)
        with garbology.watch(looks=False) as found:
            made = build(kinds, edges)
            local = []
            for place, holder in kept:
                obj = made[place % len(made)]
                if holder == "local":
                    local.append(obj)
                elif holder == "older garbage":
                    ring.append(obj)
                elif holder == "c" and type(obj) is not type:
                    by_c_code(obj)
                    too_many.append(id(obj))
                elif holder != "c":
                    HOLDERS[holder](obj)
            obj = None
            del made, ring
    said.check(found)
    del local
    for address in too_many:
        ctypes.pythonapi.Py_DecRef(ctypes.c_void_p(address))
    KEPT.clear()
    CURRENT.set(None)
    vars(REGISTRY["by name"]).clear()
    gc.collect()


@pytest.mark.parametrize(
    "keep", [in_a_module, in_an_older_instance, None], ids=["module", "instance", "local"]
)
def test_what_is_alive_in_plain_sight_is_decided_at_once(keep, monkeypatch):
    """Some objects that a variable, a module or an instance in it holds need no look at the heap."""
    for budget in ("_MOST_READ_NEARBY", "_MOST_READ"):  # the other tests' modules have much
        monkeypatch.setattr(few, budget, 100_000_000)
    said = Said(monkeypatch)
    with garbology.watch(looks=False) as found:
        made = [Plain(), [Plain()], {"key": [1]}]
        made[0].other = made[1]
        if keep:
            keep(made)
            del made
    assert said.check(found)


AT_ONCE = """
import garbology
from garbology.find import explain, few

class Plain:
    pass

registry, said, decide = {"by name": Plain()}, [], few.leaks_if_all_is_alive
older = vars(registry["by name"])
older.clear()
explain.leaks_if_all_is_alive = lambda *arguments: said.append(decide(*arguments))
with garbology.watch(looks=False) as found:
    older["latest"] = [Plain(), [Plain()]]
print([leaks is not None for leaks in said], found.garbage)
"""


def test_what_an_instance_s_dictionary_holds_is_decided_at_once(fresh):
    """From 3.13 on an instance has one when it was asked for: a step more. In a heap that no other test has made."""
    done = fresh.run(AT_ONCE)
    assert (done.stdout, done.stderr) == ("[True] 0\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "keep", [by_c_code, in_an_array_of_its_own, None], ids=["C code", "array", "older garbage"]
)
def test_what_leaks_or_is_garbage_with_older_objects_is_left_to_the_general_way(keep, monkeypatch):
    """What only the heap can answer is asked of the heap."""
    said = Said(monkeypatch)
    ring = older_ring()
    with garbology.watch(looks=False) as found:
        obj = Plain()
        (keep or ring.append)(obj)
        address = id(obj)
        del obj, ring
    assert not said.check(found)
    assert bool(found.garbage) == (keep is None)
    assert bool(found.leaks) == (keep is not None)
    if keep is by_c_code:
        ctypes.pythonapi.Py_DecRef(ctypes.c_void_p(address))


def test_an_array_that_hides_a_cycle_is_seen_behind_what_is_alive(monkeypatch):
    """Where something alive leads to what hides references, the general way looks into it."""
    said = Said(monkeypatch)
    with garbology.watch(looks=False) as found:
        local = Plain()
        local.array = np.empty(1, object)
        local.array[0] = local
    assert not said.check(found)
    local.array[0] = None


def test_what_looks_have_learned_is_no_part_of_the_question(monkeypatch):
    """Where a cycle was there for a while, what the looks know of it is alive, and needs no look at the heap."""

    def work() -> Plain:
        first, second = Plain(), Plain()
        first.other, second.other = second, first
        check(first)
        del second.other
        return first

    def check(obj: Plain) -> bool:
        return obj.other.other is obj

    garbology.find_cycles(work)  # what is read of the source is kept for good
    said = Said(monkeypatch)
    with garbology.watch() as found:
        kept = work()
    assert said.check(found)
    assert kept.other


def test_an_array_of_numbers_hides_nothing(monkeypatch):
    """Arrays of numbers, strings and untracked tuples beside what is alive need no look at the heap."""
    said = Said(monkeypatch)
    with garbology.watch(looks=False) as found:
        local = Plain()
        local.array, local.name, local.pair = np.zeros(3), "name", (1, (2, 3))
    assert said.check(found)


@pytest.mark.parametrize("is_held", [True, False])
def test_both_ways_say_the_same_beside_another_thread(is_held, monkeypatch):
    """What a variable of another thread holds is not in plain sight, and is no garbage either."""
    said = Said(monkeypatch)
    begin, end = threading.Event(), threading.Event()
    box: list[object] = []

    def hold() -> None:
        begin.wait()
        kept = box.pop() if is_held else None
        ready.set()
        end.wait()
        del kept

    ready = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    with garbology.watch(looks=False) as found:
        box.append(Plain())
        begin.set()
        ready.wait()
    assert found.garbage == 0
    said.check(found)
    end.set()
    thread.join()


def test_an_exception_that_ends_the_block_is_judged_the_same(monkeypatch):
    """The exception and its frames are alive, and it is said why leaks are not judged."""
    said = Said(monkeypatch)
    with pytest.raises(ValueError, match="inside"), garbology.watch(looks=False) as found:
        local = [Plain()]
        raise ValueError("inside", local)
    said.check(found)
    assert found.garbage == 0
    assert "an exception ended the block" in found.leaks_unjudged_reason


def test_a_window_of_some_hundred_objects_takes_no_array(monkeypatch):
    """An empty block, one that leaves a little, and an empty one that is asserted, are judged without a snapshot."""
    taken = []
    monkeypatch.setattr(explain.snapshots, "take", lambda objects: taken.append(len(objects)) or 1 / 0)
    with garbology.watch(looks=False) as empty:
        pass
    with garbology.watch(looks=False) as little:
        local = [Plain() for _ in range(80)]
    with garbology.assert_no_cycles():
        pass
    assert (empty.ended, little.ended, taken) == (True, True, [])
    assert little.garbage == 0
    assert len(local) == 80


def test_an_object_that_is_used_while_it_is_judged_is_left_to_the_general_way(monkeypatch):
    """A count that another thread changes between reading and answer makes the answer uncertain."""
    said = Said(monkeypatch)
    taken = []
    hides = few._hide_anything

    def meanwhile(objects: list[object]) -> bool:
        taken.append(objects[-1])
        return hides(objects)

    monkeypatch.setattr(few, "_hide_anything", meanwhile)
    with garbology.watch(looks=False) as found:
        local = [Plain()]
    assert not said.check(found)
    assert found.garbage == 0
    assert local
    taken.clear()


def test_where_there_is_garbage_nothing_is_searched_for(monkeypatch):
    """What is held by the window alone is no reason to look through modules: that cost 50 ms a test with a cycle."""
    searched = []
    monkeypatch.setattr(few._Window, "is_reached", lambda self: searched.append(True))
    with garbology.watch(looks=False) as found:
        local, ring = Plain(), Plain()
        ring.other = ring
        del ring
    assert (bool(found.garbage), searched) == (True, [])
    assert local


def test_what_a_context_variable_has_is_alive_in_plain_sight(monkeypatch):
    """The context of this thread holds it, here one that has nothing else: a decimal context hides what it holds."""

    def work() -> bool:
        said = Said(monkeypatch)
        with garbology.watch(looks=False) as found:
            in_a_context_variable([Plain()])
        return said.check(found)

    assert contextvars.Context().run(work)


@pytest.mark.slow
@pytest.mark.parametrize("most_objects", [few.MOST_OBJECTS, -1], ids=["at once", "the general way"])
def test_who_holds_what_a_context_variable_has_is_not_asked(monkeypatch, most_objects):
    """No object shows what the context of a thread holds: tests that enter `np.errstate` asked the heap three times."""
    asked = []
    for module in (crossing, external):
        monkeypatch.setattr(module, "referrers_of", lambda objects: asked.append(list(objects)) or [])
    monkeypatch.setattr(few, "MOST_OBJECTS", most_objects)

    def work() -> None:
        with garbology.watch(looks=False) as found:
            in_a_context_variable(Plain())
        assert (found.garbage, found.leaks, found.held_by_c, asked) == (0, [], [], [])

    work()
    thread = threading.Thread(target=work)  # with a context of its own, which is not there yet
    thread.start()
    thread.join()
    assert asked == []
