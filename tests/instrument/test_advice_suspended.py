"""Advice for what is suspended: generators, coroutines and async generators that their own argument holds."""

import asyncio
import sys
import types
from contextlib import suppress

import pytest

import garbology
from garbology.interpreter.returns import Returns

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Node:
    """Holds what holds it."""

    def __init__(self):
        self.other = None


class Waiting:
    """Suspends whoever awaits it."""

    def __await__(self):
        yield


def numbers(node):
    yield 1
    yield node


def nothing(node):
    yield


def delegating(node):
    yield from numbers(node)


async def waiting(node):
    await Waiting()
    return node


async def waiting_inside(node):
    await waiting(node)


async def yielding(node):
    yield node


def make(suspendable):
    def program():
        node = Node()
        node.other = suspendable(node)
        advance(node.other)

    return program


def advance(suspended):
    with suppress(StopIteration):
        (suspended.asend(None) if type(suspended) is types.AsyncGeneratorType else suspended).send(None)


def advice_of(program, *, watched):
    if watched:
        with garbology.watch() as found:
            program()
    else:
        found = garbology.find_cycles(program)
    (shape,) = found.shapes
    return shape.advice


@pytest.mark.parametrize("watched", [False, True], ids=["find_cycles", "watch"])
@pytest.mark.parametrize(
    ("suspendable", "kind"),
    [(numbers, "generator"), (nothing, "generator"), (waiting, "coroutine"), (yielding, "async_generator")],
)
def test_what_is_suspended_is_to_be_closed(suspendable, kind, watched):
    """To yield is not to return: what a suspended function holds is not told from what a finished one leaves."""
    advice = advice_of(make(suspendable), watched=watched)
    source = kind.replace("_", " ") if sys.version_info >= (3, 11) else "frame of"
    where = f"{suspendable.__name__} (test_advice_suspended.py:{suspendable.__code__.co_firstlineno})"
    assert [str(edge) for edge in advice.edges] == [f"{source} {where} → local node -> Node"]
    assert advice.remedy == "close"
    assert f"function {suspendable.__name__} (test_advice_suspended.py:" in advice.reason


@pytest.mark.parametrize("suspendable", [delegating, waiting_inside])
def test_what_waits_for_something_else_is_closed_with_it(suspendable):
    """The trial closes the outer generator or coroutine, and the inner one has no handler to run."""
    assert advice_of(make(suspendable), watched=False).verified


def test_a_handler_in_what_is_waited_for_is_not_run():
    """The inner generator's finally block is the program's, so nothing is closed."""
    closed = []

    def careful(node):
        try:
            yield node
        finally:
            closed.append(node)

    def outer(node):
        yield from careful(node)

    advice = advice_of(make(outer), watched=False)
    assert advice.trial == "not tried: a suspended generator in it has a handler to run"
    assert closed == []


def test_an_async_generator_is_for_its_loop_to_close():
    """Whether its end runs code is not known here, so it is not tried, and that is said."""
    advice = advice_of(make(yielding), watched=False)
    assert advice.trial == "not tried: an async generator in it is for its event loop to close"


def awaited_failure(loop):
    async def main():
        future = loop.create_future()
        future.set_exception(KeyError())
        with suppress(KeyError):
            await future

    def program():
        loop.run_until_complete(main())

    return program


def asked_failure(loop):
    def program():
        future = loop.create_future()
        future.set_exception(KeyError())
        with suppress(KeyError):
            future.result()

    return program


@pytest.mark.parametrize("make", [awaited_failure, asked_failure])
def test_a_future_that_failed_is_to_be_let_go_of(make):
    """A function's own variable that keeps the exception that keeps the function is to be cleared at its end."""
    loop = asyncio.new_event_loop()
    advice = advice_of(make(loop), watched=False)
    loop.close()
    ((source, label, target),) = [(edge.source, edge.label, edge.target) for edge in advice.edges]
    assert (label, target) == ("local future", "Future")
    assert source.startswith("frame of ")
    assert "(test_advice_suspended.py:" in source
    assert advice.remedy == "clear"
    assert "`del future`" in advice.reason
    assert advice.verified or "weak reference to it has a callback" in advice.trial, advice.trial


def test_only_returns_are_told():
    """A generator, a coroutine and an async generator are told of once, when they end."""
    told = []
    returns = Returns(lambda frame, result: told.append(frame.f_code.co_name) or True)

    def run():
        list(delegating(None))
        for suspended in (waiting(None), yielding(None)):
            for _ in range(2):
                with suppress(StopAsyncIteration):
                    advance(suspended)

    returns.start()
    run()
    returns.stop()
    suspendable = ("numbers", "delegating", "waiting", "yielding")
    assert [name for name in told if name in suspendable] == list(suspendable)


def with_a_handler():
    try:
        yield 1
    finally:
        pass


async def job_with_a_handler():
    try:
        pass
    finally:
        pass


async def numbers_with_a_handler():
    try:
        yield 1
    finally:
        pass


def exhausted():
    generator = with_a_handler()
    list(generator)
    return generator


def closed():
    generator = with_a_handler()
    next(generator)
    generator.close()
    return generator


def never_begun():
    return with_a_handler()


def finished():
    coroutine = job_with_a_handler()
    with suppress(StopIteration):
        coroutine.send(None)
    return coroutine


def closed_before_it_began():
    coroutine = job_with_a_handler()
    coroutine.close()
    return coroutine


def exhausted_async():
    numbers = numbers_with_a_handler()
    for _ in range(2):
        with suppress(StopIteration, StopAsyncIteration):
            numbers.asend(None).send(None)
    return numbers


@pytest.mark.parametrize(
    "make",
    [exhausted, closed, never_begun, finished, closed_before_it_began, exhausted_async],
    ids=lambda f: f.__name__,
)
def test_what_has_ended_is_not_called_suspended(make):
    """Nothing of it would run, so the advice is tried."""

    def program():
        node = Node()
        node.other, node.ended = node, make()

    (shape,) = garbology.find_cycles(program).shapes
    assert shape.advice.verified, shape.advice.trial
    assert "tried" in shape.advice.trial


def test_what_has_not_ended_is_still_not_run():
    """A handler that would run keeps the advice from being tried, and is said to be there."""

    def program():
        node = Node()
        node.other, node.steps = node, with_a_handler()
        next(node.steps)

    (shape,) = garbology.find_cycles(program).shapes
    assert "has a handler to run" in shape.advice.trial
