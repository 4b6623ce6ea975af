"""A class made in a window is judged like anything else: kept by C code, by something visible, or not at all."""

import abc
import collections
import dataclasses
import enum
import gc
import sqlite3
import threading
import typing

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")
KEPT = []


class Store(sqlite3.Connection):
    """A connection that is counted."""


def give_a_class_to_c_code():
    store = Store(":memory:")

    class Sum:
        """Keeps its connection."""

        connection = store

        def step(self, value):
            """Nothing."""

        def finalize(self):
            return 0

    store.create_aggregate("total_of", 1, Sum)


@pytest.mark.slow
def test_what_a_class_keeps_that_c_code_was_given_is_not_called_freed():
    """sqlite3 shows no aggregate to the collector: the connection, which the class holds, is never freed."""
    found = garbology.find_cycles(give_a_class_to_c_code)
    gc.collect()
    (store,) = (obj for obj in gc.get_objects() if type(obj) is Store)
    (leak,) = found.leaks
    assert "class give_a_class_to_c_code.<locals>.Sum" in leak.path
    assert "freed every" not in str(found)
    store.close()


def keep_a_class():
    KEPT.append(type("Made", (), {}))


def keep_an_abstract_one():
    class Made(metaclass=abc.ABCMeta):
        @abc.abstractmethod
        def method(self):
            """Is asked about once."""

    KEPT.append(isinstance(1, Made) or Made)


def keep_a_member():
    class Made(enum.Enum):
        """Has one member."""

        ONE = 1

    KEPT.append(Made.ONE)


def keep_a_record():
    @dataclasses.dataclass
    class Made:
        number: int = 1

    KEPT.append(Made())


def keep_an_alias():
    kind = typing.TypeVar("kind")

    class Made(typing.Generic[kind]):
        """Has a parameter."""

    KEPT.append(Made[int])


def keep_a_named_tuple():
    KEPT.append(collections.namedtuple("Made", "x y")(1, 2))


def keep_a_thread():
    class Made(threading.Thread):
        """Does nothing."""

    thread = Made()
    thread.start()
    thread.join()
    KEPT.append(thread)


@pytest.mark.slow
@pytest.mark.parametrize(
    "work",
    [
        *(keep_a_class, keep_an_abstract_one, keep_a_member, keep_a_record),
        *(keep_an_alias, keep_a_named_tuple, keep_a_thread),
    ],
)
def test_a_class_that_something_visible_keeps_is_no_leak(work):
    """Not through what the interpreter keeps of it, either."""
    work()
    found = garbology.find_cycles(work)
    KEPT.clear()
    assert (found.leaks, found.held_by_c) == ([], [])
