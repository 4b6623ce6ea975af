"""Futures: what they call gets them as its argument; frames that an exception keeps hold them by their arguments."""

import asyncio
import concurrent.futures
import contextlib
import functools
import sys

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")
tells_arguments = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="up to 3.10 the advice is to clear the attribute that keeps the exception",
)


class Result:
    """Keeps an exception and raises it, as a future does, but in Python."""

    def __init__(self, error):
        self.error = error
        self.calls = []

    def get(self):
        raise self.error


def by_closure():
    future = concurrent.futures.Future()
    future.add_done_callback(lambda _: future.done())
    future.set_result(1)


def by_inner_function():
    future = concurrent.futures.Future()

    def copy(_):
        return future.done()

    future.add_done_callback(lambda done: copy(done))
    future.set_result(1)


def by_partial():
    future = concurrent.futures.Future()
    future.add_done_callback(functools.partial(isinstance, future))


async def in_a_loop():
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda _: future.done())


def by_another():
    """The callback's object keeps the future, and so do its methods."""
    future = concurrent.futures.Future()
    owner = Result(None)
    owner.future = future
    future.add_done_callback(lambda _: owner.future)


def run(callback):
    callback()


def call(future, handle):
    run(functools.partial(handle, future))


def handle(future):
    with contextlib.suppress(KeyError):
        future.result()


def caught_below():
    future = concurrent.futures.Future()
    future.set_exception(KeyError())
    call(future, handle)


def called_by_lambda():
    future = concurrent.futures.Future()
    future.set_exception(KeyError())
    (lambda f: handle(f))(future)


def advice_of(program):
    """The advice for its only shape."""
    (shape,) = garbology.find_cycles(program).shapes
    return shape.advice


@pytest.mark.parametrize("program", [by_closure, by_inner_function, by_partial, in_a_loop])
def test_a_callback_uses_its_argument(program):
    """A weak reference would serve as well; to cancel what is done would not."""
    advice = advice_of(program)
    assert advice.remedy == "capture"
    assert "passes itself to what it calls when it is done, so use that argument" in advice.reason
    assert advice.verified, advice.trial


def test_another_s_future_is_let_go_of():
    """The argument would be no help: the object keeps the future."""
    advice = advice_of(by_another)
    assert advice.remedy == "clear"
    assert "passes itself" not in advice.reason


@tells_arguments
@pytest.mark.parametrize("program", [caught_below, called_by_lambda])
def test_arguments_of_ended_functions_are_deleted(program):
    """Nobody can use a frame's variables once its function has ended, so no weak reference is spoken of."""
    advice = advice_of(program)
    assert advice.remedy == "clear"
    assert "weakref" not in advice.reason
    assert "frames keep Future that keeps the frames: " in advice.reason
    assert "`del future` in function handle (test_advice_futures.py:" in advice.reason
    assert advice.verified, advice.trial


@tells_arguments
def test_what_a_partial_in_a_variable_holds_is_told_by_the_variable():
    """It is the variable that a line can delete."""
    assert "`del callback` in function run (test_advice_futures.py:" in advice_of(caught_below).reason


@tells_arguments
def test_a_lambda_can_delete_nothing():
    """It has to become a function."""
    assert (
        "`f = None` in a function instead of function called_by_lambda" in advice_of(called_by_lambda).reason
    )
