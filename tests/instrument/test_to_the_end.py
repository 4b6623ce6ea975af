"""Async functions and generator functions are run to their end, or refused with what to write instead."""

import asyncio
import contextlib
import functools
import gc
import types
import warnings

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Node:
    """Refers to itself."""

    def __init__(self):
        self.itself = self


async def work(count=1):
    for _ in range(count):
        Node()
    await asyncio.sleep(0)
    return Node()


async def generate():
    Node()
    yield 1
    await asyncio.sleep(0)
    yield Node()


def count_up():
    Node()
    yield 1
    Node()


@types.coroutine
def by_generator():
    Node()
    yield
    Node()


class Methods:
    """Each kind of method."""

    async def method(self):
        Node()
        await asyncio.sleep(0)
        Node()

    __call__ = method

    @staticmethod
    async def static():
        Node()
        await asyncio.sleep(0)
        Node()


class Awaitable:
    """What `await` runs."""

    def __await__(self):
        Node()
        yield from asyncio.sleep(0).__await__()
        Node()


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


async def beside():
    """Leaves a task, a timer, a thread and a generator behind."""
    loop = asyncio.get_running_loop()
    asyncio.create_task(asyncio.sleep(100))  # noqa: RUF006 - left behind
    loop.call_later(100, print)
    await loop.run_in_executor(None, int)
    await generate().__anext__()
    Node()


RUN = {
    "coroutine function": work,
    "asynchronous generator function": generate,
    "generator function": count_up,
    "generator that is awaited": by_generator,
    "method": Methods().method,
    "callable": Methods(),
    "static method": Methods.static,
    "static method itself": Methods.__dict__["static"],
    "partial": functools.partial(work, 1),
    "partial of partial": functools.partial(functools.partial(work), count=1),
    "wrapped": wrapped(work),
    "wrapped generator": wrapped(count_up),
    "returned": lambda: work(),
    "returned awaitable": lambda: Awaitable(),
    "with things beside": beside,
}


def nodes(found):
    return sum(shape.count for shape in found.shapes if f"{__name__}.Node" in shape.types)


@pytest.mark.slow
@pytest.mark.parametrize("function", RUN.values(), ids=RUN)
def test_a_function_is_run_to_its_end(function):
    """What it leaves before and after its first pause is found, and nothing of ours is beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = garbology.find_cycles(function)
    assert nodes(found) == 2
    assert len(found.shapes) == 1
    assert found.leaks == []
    with pytest.raises(AssertionError, match=r"Node\.itself"):
        garbology.assert_no_cycles(function)
    gc.collect()


async def quiet():
    await asyncio.sleep(0)
    return [1]


async def quiet_generator():
    yield 1


@pytest.mark.slow
@pytest.mark.parametrize("function", [quiet, quiet_generator, lambda: quiet(), wrapped(quiet_generator)])
def test_what_leaves_nothing_passes(function):
    """No loop of ours, and nothing of asyncio's, counts as the function's; and it leaves no garbage either."""
    assert garbology.assert_no_cycles(function) is None
    with garbology.watch() as found:
        garbology.find_cycles(function)
    assert found.garbage == 0, str(found)


@pytest.mark.slow
def test_a_running_loop_is_not_entered():
    """Inside a coroutine the remedy is named, and nothing is left that was never awaited."""

    async def inside():
        for function in (work, generate, lambda: work(), wrapped(generate)):
            with pytest.raises(TypeError, match=r"async with garbology\.watch\(\)"):
                garbology.find_cycles(function)
            with pytest.raises(TypeError, match=r"async with garbology\.watch\(\)"):
                garbology.assert_no_cycles(function)
        return nodes(garbology.find_cycles(count_up))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(inside()) == 2
        gc.collect()


def test_async_with():
    """A coroutine watches its own block, and asserts of it."""

    async def watched():
        async with garbology.watch() as found:
            await work()
        with pytest.raises(AssertionError, match=r"Node\.itself"):
            async with garbology.assert_no_cycles():
                await work()
        async with garbology.assert_no_cycles():
            await quiet()
        return found

    assert nodes(asyncio.run(watched())) == 2
    assert not gc.isenabled()


def test_async_with_lets_exceptions_through():
    """As the plain form does."""

    async def failing():
        with pytest.raises(KeyError):
            async with garbology.watch() as found:
                Node()
                raise KeyError
        return found

    assert nodes(asyncio.run(failing())) == 1


def test_what_is_under_way_or_held_is_left_alone():
    """A generator that has begun, or that the program keeps, is the program's to go on with."""
    kept = count_up()
    begun = []

    def begin():
        generator = count_up()
        begun.append(next(generator))
        return generator

    garbology.find_cycles(begin)
    garbology.find_cycles(lambda: kept)
    assert begun == [1]
    assert list(kept) == [1]
    gc.collect()


def test_a_future_is_completed_by_others():
    """An object that can be awaited and is nothing to run is not waited for."""
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        assert garbology.find_cycles(loop.create_future).garbage == 0
        assert garbology.find_cycles(Awaitable).garbage == 0


def test_an_exception_goes_through_and_the_loop_is_closed():
    """What the coroutine raises is raised, and no loop is left open."""

    async def fail():
        await asyncio.sleep(0)
        raise KeyError("mine")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KeyError, match="mine"):
            garbology.find_cycles(fail)
        gc.collect()


def test_the_thread_s_own_loop_is_left_alone():
    """Whatever event loop the program has set stays set, and open."""
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        asyncio.set_event_loop(loop)
        try:
            garbology.find_cycles(quiet)
            assert asyncio.get_event_loop() is loop
            assert not loop.is_closed()
        finally:
            asyncio.set_event_loop(None)


def test_a_finding_that_is_read_inside_its_block_says_so():
    """As text, as representation and as JSON; its numbers and shapes are still nothing."""
    with garbology.watch() as found:
        Node()
        said = [str(found), repr(found)]
        assert found.to_dict()["ended"] is False
        assert found.shapes == []
    assert all("the block has not ended" in each for each in said)
    assert found.to_dict()["ended"] is True
    assert "has not ended" not in str(found) + repr(found)
    assert garbology.Found().ended
