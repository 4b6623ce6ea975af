"""What fills at first, and what the instrument itself keeps, is no growth."""

import abc
import contextlib
import functools
import importlib
import linecache
import logging
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

import garbology
from garbology.interpreter import collector

NOISE_BYTES = 64  # a call; lists of freed frames, which 3.10 does not tell whole, fill in some hundred calls
NUMBERS = count()
LOGGER = logging.getLogger("tests.growth.bounded")
LOGGER.propagate = False
LOGGER.addHandler(logging.NullHandler())


@functools.singledispatch
def described(value):
    return type(value)


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self):
        raise NotImplementedError


KINDS = [type(f"Kind{number}", (), {}) for number in range(20)]


def dispatched(number):
    described(KINDS[number % 20]())


def asked_of_an_abstract_class(number):
    isinstance(KINDS[number % 20](), Shape)


def compiled(number):
    re.compile(f"a{{{number % 30}}}b")


def read_lines(number):
    linecache.getline(__file__, number % 10)


def logged(number):
    logging.getLogger(f"tests.growth.bounded.{number % 15}").debug("call %d", number)


def imported(number):
    name = ("colorsys", "this_is_no_module", "sched", "stringprep")[number % 4]
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


FIRST = []


def begun(number):
    if not FIRST:
        FIRST.append([bytes(1_000) for _ in range(100)])


POOL = ThreadPoolExecutor(max_workers=6)


def submitted(number):
    list(POOL.map(abs, range(4)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fills",
    [dispatched, asked_of_an_abstract_class, compiled, read_lines, logged, imported, begun, submitted],
)
def test_what_fills_and_stops_is_not_blamed(fills):
    """Caches of the standard library, an import, a first call, a pool of threads."""
    report = garbology.diagnose(lambda: fills(next(NUMBERS)), calls=150, warmup=0)
    assert report.low < NOISE_BYTES, str(report)
    assert report.holders == [], str(report)


def made_and_dropped():
    return [object()]


@pytest.mark.slow
def test_what_is_recorded_of_a_thousand_calls_is_no_growth():
    """The instrument's own is taken off, and does not grow."""
    report = garbology.diagnose(made_and_dropped, calls=1_000)
    assert report.calls == 1_000
    assert report.low <= 0, str(report)
    assert (report.holders, report.bounded) == ([], []), str(report)


@pytest.mark.slow
def test_a_thousand_questions_leave_nothing():
    """As tracemalloc counts what the instrument's lines have allocated; the collector is off."""
    own = tracemalloc.Filter(inclusive=True, filename_pattern=str(Path(garbology.__file__).parent / "*"))

    def ask(times):
        for _ in range(times):
            garbology.find_cycles(made_and_dropped)
        return sum(each.size for each in tracemalloc.take_snapshot().filter_traces([own]).traces)

    with collector.paused():
        tracemalloc.start()
        try:
            ask(1_000)  # what goes to a list of freed objects counts as there: these fill
            before = ask(100)
            assert ask(1_000) - before < 10_000
        finally:
            tracemalloc.stop()
