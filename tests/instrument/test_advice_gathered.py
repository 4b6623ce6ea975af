"""Exceptions gathered in a list of a function's own: told by the variable, in one sentence with the statement."""

import asyncio
import contextlib
import types

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


def attempt(address):
    raise OSError(address)


def alone():
    errors = []
    for address in (1, 2):
        try:
            attempt(address)
        except OSError as error:
            errors.append(error)
    raise errors[0]


def captured():
    errors = []

    def one(address):
        try:
            attempt(address)
        except OSError as error:
            errors.append(error)

    one(1)
    one(2)
    raise errors[0]


def by_address():
    errors = {}

    def one(address):
        try:
            attempt(address)
        except OSError as error:
            errors[address] = error

    one(1)
    one(2)
    raise errors[2]


def given(errors, address):
    try:
        attempt(address)
    except OSError as error:
        errors.append(error)
        raise


def handed_to_another():
    errors = []
    for address in (1, 2):
        with contextlib.suppress(OSError):
            given(errors, address)
    raise OSError("all of them failed")


def given_a_list(errors, address):
    mine = []
    errors.append(mine)
    given(mine, address)


def lists_in_a_list():
    errors = []
    for address in (1, 2):
        with contextlib.suppress(OSError):
            given_a_list(errors, address)
    raise errors[0][0]


async def given_in_a_task(errors, address):
    try:
        attempt(address)
    except OSError as error:
        errors.append(error)


async def in_tasks():
    errors = []
    await asyncio.gather(*(given_in_a_task(errors, address) for address in (1, 2)))
    raise errors[0]


async def in_a_loop():
    with contextlib.suppress(OSError):
        await in_tasks()


def handed_back():
    errors = []

    def one(address):
        try:
            attempt(address)
        except OSError as error:
            errors.append(error)

    one(1)
    return errors, 1


def put_away(kept):
    errors = []
    kept.errors = errors

    def one(address):
        try:
            attempt(address)
        except OSError as error:
            errors.append(error)

    one(1)


def put_into(errors):
    def one(address):
        try:
            attempt(address)
        except OSError as error:
            errors.append(error)

    one(1)


class Pool:
    """Keeps the list itself."""

    def __init__(self):
        self.errors = []
        errors = self.errors

        def one(address):
            try:
                attempt(address)
            except OSError as error:
                errors.append(error)
                self.latest = self

        one(1)


def advice_of(program):
    """The advice for its only shape; the program may fail."""

    def run():
        with contextlib.suppress(OSError):
            program()

    (shape,) = garbology.find_cycles(run).shapes
    return shape.advice


@pytest.mark.parametrize(
    ("program", "statement"),
    [
        (alone, "end with `del errors` in a finally"),
        (captured, "end with `errors.clear()` in a finally"),
        (by_address, "end with `errors.clear()` in a finally"),
        (handed_to_another, "end with `errors.clear()` in a finally"),
        (lists_in_a_list, "end with `for each in errors: each.clear()` in a finally"),
    ],
)
def test_the_function_that_gathers_is_named_with_its_variable(program, statement):
    """One sentence: the variable, the function with its line, and how it is to end."""
    advice = advice_of(program)
    assert advice.remedy == "clear"
    assert f" of function {program.__name__} (test_advice_gathered.py:" in advice.reason
    assert advice.reason.startswith("errors")
    assert advice.reason.endswith(statement)
    assert ";" not in advice.reason
    assert advice.verified, advice.trial


def test_a_coroutine_that_gathers_is_named():
    """Its frame has no way to those of its tasks, but for the list."""
    (shape,) = garbology.find_cycles(in_a_loop).shapes
    advice = shape.advice
    assert "errors of function in_tasks (test_advice_gathered.py:" in advice.reason
    assert advice.reason.endswith("end with `errors.clear()` in a finally")


def test_the_maker_is_spoken_of_where_its_frame_is_not_there():
    """A frame on the cycle was given the list by a function that has ended."""

    def program():
        put_into([])

    assert "let the function that made it end with `errors.clear()` in a finally" in advice_of(program).reason


@pytest.mark.parametrize("program", [handed_back, Pool, lambda: put_away(types.SimpleNamespace())])
def test_what_is_handed_on_is_not_to_be_emptied(program):
    """A list that the caller gets, or an object keeps, is not the function's own."""
    for shape in garbology.find_cycles(program).shapes:
        assert "errors.clear()` in a finally" not in shape.advice.reason


def test_following_the_advice_leaves_nothing():
    """Emptied at the end, the list keeps nothing, whoever has it."""

    def followed():
        errors = []

        def one(address):
            try:
                attempt(address)
            except OSError as error:
                errors.append(error)

        try:
            one(1)
            raise errors[0]
        finally:
            errors.clear()

    def run():
        with contextlib.suppress(OSError):
            followed()

    assert not garbology.find_cycles(run).garbage
