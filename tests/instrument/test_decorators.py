"""`@assert_no_cycles` above a function, and what tells it from a call."""

import asyncio
import contextlib
import dataclasses
import functools
import gc
import inspect
import sys
import threading

import pytest

import garbology
from garbology import assert_no_cycles
from garbology.advice.live_observer import LiveObserver
from garbology.find import explain
from garbology.interpreter.thread_stacks import frames_of

pytestmark = pytest.mark.usefixtures("quiet_heap")

FAILS = pytest.raises(AssertionError, match=r"Node\.itself -> .*Node")


class Node:
    """Refers to itself."""

    def __init__(self):
        self.itself = self


def wrapped(function):
    """Another decorator, with functools.wraps."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def wrapped_badly(function):
    """Another decorator, which says nothing of what it wraps."""
    return lambda *args, **kwargs: function(*args, **kwargs)


@assert_no_cycles
def bare(leak, answer=7):
    """What it does."""
    if leak:
        Node()
    return answer


@assert_no_cycles()
def with_parentheses(leak, answer=7):
    """What it does."""
    if leak:
        Node()
    return answer


@garbology.assert_no_cycles
@wrapped
def above_another(leak, answer=7):
    """What it does."""
    if leak:
        Node()
    return answer


@wrapped
@garbology.assert_no_cycles
@wrapped_badly
def between_others(leak, answer=7, *, unused={1: [2]}, more: int = 3):  # noqa: B006 - more to make
    """What it does."""
    if leak:
        Node()
    return answer


def _by_call(leak, answer=7):
    """What it does."""
    if leak:
        Node()
    return answer


by_call = assert_no_cycles()(_by_call)


class Methods:
    """Each kind of method."""

    @assert_no_cycles
    def method(self, leak, answer=7):
        if leak:
            Node()
        return answer

    @staticmethod
    @assert_no_cycles
    def static(leak, answer=7):
        if leak:
            Node()
        return answer

    @assert_no_cycles
    @staticmethod
    def above_static(leak, answer=7):
        if leak:
            Node()
        return answer

    @assert_no_cycles()
    @classmethod
    def above_class(cls, leak, answer=7):
        assert cls is Methods
        if leak:
            Node()
        return answer


DECORATED = {
    "bare": bare,
    "with parentheses": with_parentheses,
    "above another": above_another,
    "between others": between_others,
    "by call": by_call,
    "method": Methods().method,
    "static method": Methods.static,
    "above a static method": Methods().above_static,
    "above a class method": Methods.above_class,
}


@pytest.mark.slow
@pytest.mark.parametrize("decorated", DECORATED.values(), ids=DECORATED)
def test_every_call_is_checked(decorated):
    """The call that leaves a cycle fails, those before and after it answer as ever."""
    assert decorated(False) == 7
    with FAILS:
        decorated(True)
    assert decorated(False, answer=8) == 8
    assert gc.isenabled() is False
    gc.collect()


def test_a_decorated_function_keeps_its_name():
    """So a test runner finds it, and its fixtures."""
    assert bare.__name__ == "bare"
    assert bare.__doc__ == "What it does."
    assert list(inspect.signature(bare).parameters) == ["leak", "answer"]


def test_an_exception_of_the_function_goes_through():
    """Its own failure is reported, and nothing else."""

    @assert_no_cycles
    def fail():
        Node()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    gc.collect()


@pytest.mark.slow
def test_the_result_is_the_caller_s():
    """A cycle that is returned is alive; a recursion checks each of its calls."""

    @assert_no_cycles
    def make(depth):
        return [make(depth - 1)] if depth else Node()

    assert type(make(3)) is list
    gc.collect()


def run(coroutine):
    return asyncio.run(coroutine)


@pytest.mark.slow
def test_a_coroutine_function_is_checked_to_its_end():
    """It stays one, with and without parentheses, and through another decorator."""

    async def work(leak):
        await asyncio.sleep(0)
        if leak:
            Node()
        await asyncio.sleep(0)
        return 7

    @assert_no_cycles
    async def first(leak):
        return await work(leak)

    @assert_no_cycles()
    async def second(leak):
        return await work(leak)

    @assert_no_cycles
    @wrapped_badly
    async def third(leak):
        return await work(leak)

    assert inspect.iscoroutinefunction(first)
    for each in (first, second, third):
        assert run(each(False)) == 7
        with FAILS:
            run(each(True))
        gc.collect()


@pytest.mark.slow
def test_a_generator_function_is_checked_to_its_end():
    """What is sent into it arrives, and its result comes out."""

    @assert_no_cycles
    def echo(leak):
        got = yield 1
        if leak:
            Node()
        return got

    @assert_no_cycles
    @wrapped_badly
    def wrapped_echo(leak):
        yield from echo(leak)
        if leak:
            Node()

    def use(function, leak):
        generator = function(leak)
        assert next(generator) == 1
        with contextlib.suppress(StopIteration):
            generator.send(5)

    for each in (echo, wrapped_echo):
        use(each, False)
        with FAILS:
            use(each, True)
        gc.collect()


def test_what_cannot_be_decorated_is_refused():
    """A sentence with the remedy, where the function is made."""
    with pytest.raises(TypeError, match="async for"):

        @assert_no_cycles
        async def generate():
            yield 1

    for wrong in (5, property(lambda self: 1), Node):
        with pytest.raises(TypeError, match=r"above (a|each) `def`"):
            assert_no_cycles()(wrong)


def leave():
    Node()


@pytest.mark.slow
def test_a_call_is_no_decorator():
    """Whatever is called, and however: it is run now."""
    check = functools.partial(assert_no_cycles, leave)
    several = {
        "function": lambda: assert_no_cycles(leave),
        "lambda": lambda: assert_no_cycles(lambda: leave()),
        "lambda with a default": lambda: assert_no_cycles(lambda unused=[]: leave()),
        "wrapped": lambda: assert_no_cycles(wrapped(leave)),
        "wrapped lambda": lambda: assert_no_cycles(wrapped(lambda: leave())),
        "twice wrapped lambda": lambda: assert_no_cycles(wrapped(wrapped(lambda: leave()))),
        "method": lambda: assert_no_cycles(Methods().method.__func__, None, True),
        "partial": check,
        "partial called": lambda: check(),
        "partial made and called": lambda: functools.partial(assert_no_cycles, leave)(),
        "map": lambda: list(map(assert_no_cycles, [leave])),
        "star": lambda: assert_no_cycles(*[leave]),
        "decorated": lambda: assert_no_cycles(above_another.__wrapped__, True),
        "eval": lambda: eval("assert_no_cycles(leave)"),
        "exec": lambda: exec("def f(): leave()\nassert_no_cycles(f)", {**globals()}),
        "interactive": lambda: (
            exec(compile("def f(): leave()\n", "<stdin>", "single"), globals()),
            exec(compile("assert_no_cycles(f)", "<stdin>", "single"), globals()),
        ),
    }
    passed = []
    for name, call in several.items():
        try:
            call()
            passed.append(name)
        except AssertionError:
            pass
        gc.collect()
    globals().pop("f", None)
    assert passed == []


def test_a_decorator_in_exec_is_one():
    """There is no source to look at, and none is needed."""
    namespace = {**globals()}
    exec("@assert_no_cycles\ndef f():\n    leave()", namespace)
    with FAILS:
        namespace["f"]()


@pytest.mark.slow
@pytest.mark.skipif(sys.gettrace() is not None, reason="this run is traced itself")
def test_a_decorator_is_seen_under_a_tracer():
    """Bytecode that is instrumented reads the same."""
    made = []

    def trace(frame, event, argument):
        return trace

    def define():
        @assert_no_cycles
        def function():
            leave()

        made.append(function)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        define()
        with garbology.watch():
            define()
    finally:
        sys.settrace(before)
    for function in made:
        with pytest.raises(AssertionError):
            function()


@pytest.mark.slow
def test_decorated_functions_in_several_threads():
    """Each call has a block of its own."""
    failed = []

    def work():
        try:
            bare(True)
        except AssertionError:
            failed.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(failed) == 4


def above_a_class():
    @assert_no_cycles
    class Made:
        """Would be made, and None would stand under its name."""


def above_a_class_that_needs_arguments():
    @assert_no_cycles
    class Made:
        def __init__(self, needed):
            self.needed = needed


def above_another_decorator_of_a_class():
    @assert_no_cycles
    @dataclasses.dataclass
    class Made:
        number: int = 5


def above_a_class_with_bases():
    @assert_no_cycles
    class Made(Methods):
        """Has a keyword among its bases."""


def above_a_class_by_a_call():
    @assert_no_cycles()
    class Made:
        """Is no function."""


@pytest.mark.parametrize(
    "make",
    [
        above_a_class,
        above_a_class_that_needs_arguments,
        above_another_decorator_of_a_class,
        above_a_class_with_bases,
        above_a_class_by_a_call,
    ],
)
def test_above_a_class_it_is_refused(make):
    """Once its object was made and dropped, and None was left where the class should be."""
    with pytest.raises(TypeError, match=r"got the class \S*Made: write it above each `def`"):
        make()


def test_a_class_that_is_called_is_no_decorated_one():
    """The assertion makes an object, wherever the class was made."""

    class Cyclic:
        def __init__(self):
            self.itself = self

    class Straight:
        """Leaves nothing."""

    assert assert_no_cycles(Straight) is None
    with pytest.raises(AssertionError, match="wait"):
        assert_no_cycles(Cyclic)
    assert assert_no_cycles(type("Made", (), {})) is None


def test_bad_arguments_get_a_sentence():
    """What cannot be called, and the result of a call in the place of the function."""
    for wrong in (5, None, [leave], leave()):
        with pytest.raises(TypeError, match=r"needs something to call.*with garbology.assert_no_cycles"):
            assert_no_cycles(wrong)
        with pytest.raises(TypeError, match=r"needs something to call.*with garbology.watch"):
            garbology.find_cycles(wrong)
    for wrong in (leave, 5, None):
        with pytest.raises(TypeError, match=r"takes no .*find_cycles\(func\)"):
            garbology.watch(wrong)
    for wrong in (None, True, 5, int, (), "", ...):
        with pytest.raises(ValueError, match="never frees"):
            garbology.assert_freed(wrong)
        with pytest.raises(ValueError, match="never frees"), garbology.assert_freed() as freed:
            freed(wrong)
    with pytest.raises(RuntimeError, match="not open"):
        freed([])
    block = garbology.assert_freed([])
    with contextlib.suppress(AssertionError), block:
        pass
    with pytest.raises(RuntimeError, match="make a new one"):
        block.__enter__()


@pytest.mark.slow
def test_the_analysis_of_a_block_inside_is_not_looked_at(monkeypatch):
    """What it calls is no work of the program's: a recursion of four checked calls took 13 s, almost all of them so."""
    inside = []
    look = LiveObserver._look

    def noting(self, leaving, most):
        running = frames_of(sys._getframe())
        inside.append(any(frame.f_code is explain.explain.__code__ for frame in running))
        look(self, leaving, most)

    monkeypatch.setattr(LiveObserver, "_look", noting)

    def work():
        with garbology.watch() as found:
            Node()
        return found

    found = work()
    assert found.garbage
    assert set(inside) == {False}
    inside.clear()
    with garbology.watch():
        found = work()
    assert found.garbage
    assert set(inside) == {False}
