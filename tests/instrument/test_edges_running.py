"""Labels of what code that runs holds: frames, generators, coroutines, exceptions, tasks, threads."""

from __future__ import annotations

import asyncio
import gc
import sys
import types
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from garbology.interpreter.traversal import is_dangerous_to_traverse, safe_referents
from garbology.names.edges import named_referents
from tests.instrument.edge_checks import complete_edges, labels_of

TARGET = ["target"]
OTHER = ["other"]


def caught() -> BaseException:
    def fail(argument: Any, other: Any) -> None:
        local, shared = OTHER, TARGET
        unset = None
        del unset
        _ = [lambda: shared for _ in (1,)]
        raise ValueError(argument, local)

    try:
        fail(TARGET, 1)
    except ValueError as error:
        return error
    raise AssertionError("unreachable")


def failed_frame() -> types.FrameType:
    traceback = caught().__traceback__
    assert traceback is not None
    assert traceback.tb_next is not None
    return traceback.tb_next.tb_frame


def generate(argument: Any) -> Iterator[Any]:
    local, shared = OTHER, {"a": 1}
    yield lambda: shared
    yield [local, argument, (yield)]


def delegate(inner: Iterator[Any]) -> Iterator[Any]:
    yield from inner


@types.coroutine
def pause() -> Iterator[None]:
    yield


async def wait(argument: Any) -> None:
    await pause()


async def async_generate(argument: Any) -> AsyncIterator[int]:
    yield 1


def frame_edges(generator: Any) -> list[tuple[str, object]]:
    """Up to 3.10 a generator has a frame object, which holds its locals."""
    frames = [x for _, x in complete_edges(generator) if type(x) is types.FrameType]
    return complete_edges(frames[0]) if frames else complete_edges(generator)


def test_an_exception_holds_its_traceback_and_the_frames_hold_their_locals() -> None:
    """From the exception to a local of the function that raised it, every step has its name."""
    error = caught()
    traceback = error.__traceback__
    assert traceback is not None
    assert labels_of(error, traceback) == [".__traceback__"]
    assert labels_of(error, error.args) == [".args"]
    assert labels_of(traceback, traceback.tb_frame) == [".tb_frame"]
    assert labels_of(traceback, traceback.tb_next) == [".tb_next"]


def test_locals_of_a_frame_have_names() -> None:
    """Arguments, locals and shared variables of a finished function are found by name."""
    edges = complete_edges(failed_frame())
    assert ("local argument", TARGET) in edges
    assert ("local local", OTHER) in edges
    assert [x.cell_contents for label, x in edges if label == "local shared"] == [TARGET]
    assert "local unset" not in dict(edges)


def test_the_caller_of_a_frame_has_a_name() -> None:
    """A finished frame holds its caller."""
    frame = failed_frame()
    assert labels_of(frame, frame.f_back) == [".f_back"]


def test_reading_the_locals_leaves_no_dictionary_behind() -> None:
    """The locals are held as often after the names were asked for as before."""
    frame = failed_frame()
    before = sys.getrefcount(OTHER)
    named_referents(frame)
    assert sys.getrefcount(OTHER) == before


def test_a_class_body_holds_its_namespace() -> None:
    """The locals of a class body are a dictionary, and named so."""

    def build() -> None:
        class Broken:
            attribute = TARGET
            raise ValueError

    with pytest.raises(ValueError) as caught_error:  # noqa: PT011
        build()
    frame = caught_error.tb
    while frame.tb_next is not None:
        frame = frame.tb_next
    holder = frame.tb_frame
    assert ".f_locals" in dict(complete_edges(holder))
    del caught_error, frame, holder


@pytest.mark.parametrize("steps", [0, 1])
def test_locals_of_a_generator_have_names(steps: int) -> None:
    """A generator holds its arguments from the start, and its locals once it has run."""
    generator = generate(TARGET)
    inner = [next(generator) for _ in range(steps)]
    edges = frame_edges(generator)
    assert ("local argument", TARGET) in edges
    assert (("local local", OTHER) in edges) == bool(inner)
    shared = [x for label, x in edges if label == "local shared" and type(x) is types.CellType]
    assert len(shared) == 1 or not inner


def test_a_finished_generator_holds_no_locals() -> None:
    """What the generator dropped is not named from what is left in its memory."""
    generator = generate(TARGET)
    next(generator)
    generator.close()
    assert not [label for label, _ in complete_edges(generator) if label.startswith("local")]


def test_values_on_the_stack_are_named() -> None:
    """A generator that waits in the middle of an expression holds its operands."""
    generator = generate(TARGET)
    for _ in range(2):
        next(generator)
    held = [label for label, x in frame_edges(generator) if type(x) is list]
    assert held.count("value stack") in (0, 2)  # operands that are loaded already


def test_a_generator_holds_what_it_delegates_to() -> None:
    """`yield from` is named as Python names it, or up to 3.10 as what it is."""
    inner = iter(TARGET)
    generator = delegate(inner)
    next(generator)
    assert {label for label, x in frame_edges(generator) if x is inner} <= {
        "local inner",
        ".gi_yieldfrom",
        "value stack",
    }
    assert ("local inner", inner) in frame_edges(generator)


def test_a_coroutine_holds_its_arguments_and_what_it_awaits() -> None:
    """Locals by name, the awaited object as `.cr_await`."""
    coroutine = wait(TARGET)
    coroutine.send(None)
    edges = frame_edges(coroutine)
    assert ("local argument", TARGET) in edges
    assert [label for label, x in edges if type(x) is types.GeneratorType] in ([".cr_await"], ["value stack"])
    coroutine.close()


def test_a_generator_whose_frame_was_asked_for() -> None:
    """A frame object that somebody made with `gi_frame` is an edge with a name."""
    generator = generate(TARGET)
    next(generator)
    frame = generator.gi_frame  # type: ignore[attr-defined]
    assert labels_of(generator, frame) == [".gi_frame"]
    complete_edges(frame)


def test_tasks_futures_and_async_generators() -> None:
    """A task holds its coroutine, a future its result, an async generator its arguments."""

    async def main() -> None:
        task = asyncio.ensure_future(wait_forever(TARGET))
        await asyncio.sleep(0)
        assert labels_of(task, task.get_coro()) == ["._coro"]
        future = asyncio.get_running_loop().create_future()
        future.set_result(TARGET)
        assert labels_of(future, TARGET) == ["._result"]
        generator = async_generate(TARGET)
        await anext(generator)  # type: ignore[arg-type]
        assert ("local argument", TARGET) in frame_edges(generator)
        assert "value stack" not in dict(complete_edges(generator))
        await generator.aclose()  # type: ignore[attr-defined]
        task.cancel()

    asyncio.run(main())


async def wait_forever(argument: Any) -> None:
    await asyncio.get_running_loop().create_future()


def test_chained_exceptions() -> None:
    """Context and cause are told apart."""
    first, second, third = ValueError(), KeyError(), TypeError()
    second.__cause__ = first
    second.__context__ = third
    assert labels_of(second, first) == [".__cause__"]
    assert labels_of(second, third) == [".__context__"]


@pytest.mark.slow
def test_every_tracked_object_of_the_process_has_complete_edges() -> None:
    """On thousands of objects that nobody made for this test, nothing is missing, added or changed."""
    gc.collect()
    everything = [obj for obj in gc.get_objects() if not is_dangerous_to_traverse(obj)]
    unnamed = set()
    for obj in everything[:: max(1, len(everything) // 20_000)]:
        referents = gc.get_referents(obj)
        if len(referents) > 1000:  # the test's own lists among them
            continue
        edges = [(label, id(x)) for label, x in named_referents(obj)]
        if [address for _, address in edges][: len(referents)] != [id(x) for x in referents]:
            unnamed.add(type(obj).__name__)
        if not all(label for label, _ in edges):
            unnamed.add(type(obj).__name__)
    assert not unnamed


def test_the_free_list_of_asyncio_is_left_alone() -> None:
    """Naming what `_asyncio` holds does not resurrect the dead iterators that 3.12.0 to 3.12.5 show there."""

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 1)
        await future

    asyncio.run(main())
    module = sys.modules["_asyncio"]
    assert (".__dict__", vars(module)) in named_referents(module)
    assert "FutureIter" not in [type(referent).__name__ for referent in safe_referents(module)]


def test_a_generator_that_runs_can_look_at_itself() -> None:
    """A generator in the middle of its own code, and the one that delegates to it, have complete edges."""
    generators: list[Any] = []
    labels: list[str] = []

    def look() -> Iterator[int]:
        yield 0
        for generator in generators:
            labels.extend(label for label, _ in complete_edges(generator))
        yield 1

    generators.append(look())
    generators.append(delegate(generators[0]))
    assert list(generators[1]) == [0, 1]
    assert labels
