"""Objects that `functools.lru_cache` keeps, and what the other helpers of functools keep."""

import functools
import gc
import re
import sys
import weakref

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Service:
    """Caches calls of its methods."""

    def __init__(self):
        self.data = bytearray(10_000)

    @functools.cache  # noqa: B019 - what is tested
    def unbounded(self, number):
        """Any result."""
        return number

    @functools.lru_cache(maxsize=2)  # noqa: B019
    def bounded(self):
        """A result that leads back."""
        return [self]

    @property
    @functools.cache  # noqa: B019
    def computed(self):
        """A property over a cache."""
        return 5

    @staticmethod
    @functools.cache
    def static(service):
        """The argument is kept all the same."""
        return service is None

    @classmethod
    @functools.cache
    def of_class(cls, service):
        """The class and the argument are kept."""
        return service is None

    partial = functools.partialmethod(unbounded, 3)

    @functools.cached_property
    def kept_in_itself(self):
        """Dies with the object."""
        return bytearray(10)

    @functools.singledispatchmethod
    def dispatched(self, number):
        """Finds a method by the type of its argument."""
        return number


@functools.cache
def looked_up(service):
    """A function that is given an object."""
    return service is None


@functools.cache
def made(key):
    """What it makes is what a cache is for."""
    return Service()


renamed = functools.cache(lambda service: service is None)
CACHES = [
    (
        lambda service: service.unbounded(1),
        "Service.unbounded",
        "`Service.unbounded.cache_clear()`",
        "every `self`",
    ),
    (lambda service: service.bounded(), "Service.bounded", "`Service.bounded.cache_clear()`", "every `self`"),
    (
        lambda service: service.computed,
        "Service.computed",
        "`Service.computed.fget.cache_clear()`",
        "every `self`",
    ),
    (
        lambda service: service.partial(),
        "Service.unbounded",
        "`Service.unbounded.cache_clear()`",
        "every `self`",
    ),
    (
        lambda service: service.static(service),
        "Service.static",
        "`Service.static.cache_clear()`",
        "instead of the Service",
    ),
    (
        lambda service: Service.of_class(service),
        "Service.of_class",
        "`Service.of_class.cache_clear()`",
        "instead of the",
    ),
    (looked_up, "looked_up", "`looked_up.cache_clear()`", "instead of the Service"),
    (renamed, "<lambda>", "the cache's `cache_clear()`", "instead of the Service"),
]


@pytest.fixture(autouse=True)
def empty_caches():
    """No test finds what another has cached."""
    yield
    for cache in (
        Service.unbounded,
        Service.bounded,
        Service.computed.fget,
        Service.static,
        Service.of_class,
    ):
        cache.cache_clear()
    for cache in (looked_up, made, renamed):
        cache.cache_clear()


def one_line(text):
    return " ".join(str(text).split())


@pytest.mark.slow
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize(("use", "name", "clear", "instead"), CACHES)
def test_what_a_cache_keeps_by_its_arguments_is_told(use, name, clear, instead, warm):
    """Whose cache it is and what to do about it, when it is used for the first time, and later."""
    if warm:
        use(Service())
    found = garbology.find_cycles(lambda: use(Service()) and None)
    assert (found.garbage, found.leaks) == (0, [])
    (held,) = found.held_by_c
    assert held.holder == "a cache"
    assert held.through.startswith(f"lru_cache of {name} (test_call_caches.py:")
    assert held.path == f"{held.through} → arguments of a cached call -> Service"
    assert held.bytes > 10_000
    assert clear in held.reason
    assert instead in held.reason
    assert re.match(
        r"no garbage, but \d objects? (is|are) still alive, held by a cache held by", one_line(found)
    )
    assert found.to_dict()["held_by_c"][0]["holder"] == "a cache"


@pytest.mark.slow
@pytest.mark.parametrize(("use", "name", "clear", "instead"), CACHES)
def test_why_alive_names_the_cached_function(use, name, clear, instead):
    """The chain leads through the function's cache, and the remedy says how to let go."""
    service = Service()
    use(service)
    alive = weakref.ref(service)
    del service
    text = one_line(garbology.why_alive(alive()))
    assert f"lru_cache of {name} (test_call_caches.py:" in text
    assert "arguments of a cached call" in text
    assert "held inside" not in text
    assert clear in text


def test_an_assertion_does_not_fail_for_a_cache():
    """What a cache keeps is visible and alive: no garbage, and no leak."""
    garbology.assert_no_cycles(lambda: Service().unbounded(1))


@pytest.mark.slow
def test_results_and_what_something_else_keeps_are_not_told():
    """A result is what the cache is for; what a list of the program's has as well is no surprise."""
    kept = []

    def work():
        kept.append(Service())
        kept[0].unbounded(1)
        made(1)

    assert garbology.find_cycles(work).held_by_c == []
    text = one_line(garbology.why_alive(made(1)))
    assert "result of a cached call" in text
    assert "`made.cache_clear()` lets go of all results" in text


def test_several_in_one_cache_are_counted():
    """One entry for each cache."""
    found = garbology.find_cycles(lambda: [Service().unbounded(number) for number in range(5)] and None)
    (held,) = found.held_by_c
    assert (held.count, held.types) == (5, {f"{__name__}.Service": 1})


def test_a_cached_property_keeps_nothing():
    """Its value is in the object, and dies with it."""
    found = garbology.find_cycles(lambda: Service().kept_in_itself and None)
    assert (found.garbage, found.held_by_c) == (0, [])


@pytest.mark.slow
def test_a_value_that_leads_to_its_weak_key_is_explained():
    """The entry of a WeakKeyDictionary never goes then; functools.singledispatchmethod made such ones in 3.13.0."""
    known = weakref.WeakKeyDictionary()
    service = Service()
    known[service] = [service]
    alive = weakref.ref(service)
    del service
    answer = garbology.why_alive(alive())
    assert "hold it in the value by weakref.ref" in answer.remedy
    assert answer.remedy.startswith("the value that this WeakKeyDictionary has for the Service leads to it")
    assert "lru_cache" not in str(answer)


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:3] != (3, 13, 0), reason="it has such a cache in this version alone")
def test_the_cache_of_dispatched_methods_is_explained():
    """It holds each object by a closure of its own."""
    service = Service()
    service.dispatched(1)
    alive = weakref.ref(service)
    del service
    assert "hold it in the value by weakref.ref" in garbology.why_alive(alive()).remedy


def test_nothing_of_the_program_runs_and_nothing_is_kept():
    """Arguments with traps for a hash and a comparison; the cache is as it was."""

    class Trap:
        armed = False

        def __hash__(self):
            assert not Trap.armed
            return 1

        def __eq__(self, other):
            assert not Trap.armed
            return self is other

    def work():
        looked_up(Trap())
        looked_up(Trap())
        Trap.armed = True

    found = garbology.find_cycles(work)
    Trap.armed = False
    assert [held.count for held in found.held_by_c] == [2]
    looked_up.cache_clear()
    assert gc.collect() == 0
