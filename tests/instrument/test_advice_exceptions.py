"""Advice for exceptions that are kept: what keeps them is let go of; a cut that `raise` undoes is not advised."""

import re
import sys
from contextlib import suppress
from functools import partial

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Failure(Exception):
    """Carries what failed."""

    def __init__(self, request):
        super().__init__("failed")
        self.request = request


class Request:
    """Keeps the failure that carries it."""

    def go(self):
        try:
            raise Failure(self)
        except Failure as error:
            self.error = error


class Queue:
    """Keeps an exception before it is raised."""

    error = None

    def fail(self, error):
        self.error = error

    def read(self):
        raise self.error


class Asking(Queue):
    """Raises it through a variable, as most futures do."""

    def read(self):
        error = self.error
        if error is not None:
            raise error


class Closing(Queue):
    """Lets go of it when it is closed."""

    def close(self):
        self.finish()

    def finish(self):
        self.error = None


class Jobs:
    """Collects what it has caught."""

    def __init__(self):
        self.errors = []

    def run(self):
        try:
            raise KeyError
        except KeyError as error:
            self.errors.append(error)


class Reraising:
    """Stores it, and raises it again."""

    def run(self):
        try:
            raise KeyError
        except KeyError as error:
            self.error = error
            raise


class Reporting:
    """Stores all three of `sys.exc_info()`."""

    def run(self):
        try:
            raise KeyError
        except KeyError:
            self.exc_info = sys.exc_info()


class Group:
    """A context manager that keeps what goes through its block, and raises it with others at the end."""

    def __init__(self):
        self.failures = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.failures.append(error)
        raise RuntimeError(len(self.failures))

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        self.__exit__(kind, error, traceback)


class Quiet:
    """One that only keeps it."""

    def __init__(self):
        self.failures = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.failures.append(error)
        return True


class Translating:
    """Raises one exception while it handles another."""

    def run(self):
        try:
            raise KeyError
        except KeyError:
            try:
                raise ValueError
            except ValueError as error:
                self.error = error


def read_from(kind):
    queue = kind()
    queue.fail(ValueError("gone"))
    with suppress(ValueError):
        queue.read()


def wrap():
    error = ValueError("no")
    fail(error, error)


def fail(error, cause):
    raise error


def raise_through_two_frames():
    with suppress(ValueError):
        wrap()


def raise_again():
    with suppress(KeyError):
        Reraising().run()


def kept_by_an_inner_function():
    saved = None

    def get():
        return saved

    try:
        raise KeyError
    except KeyError as error:
        saved = error
    return get() is None


def advice_of(program, *args):
    (shape,) = garbology.find_cycles(program, *args).shapes
    return shape.advice


def edges_of(advice):
    """The edges, without the function that a frame is of."""
    return [re.sub("^frame of .*? →", "frame →", str(edge)) for edge in advice.edges]


@pytest.mark.parametrize(
    ("program", "edges", "words"),
    [
        (lambda: Request().go(), ["Request.error -> Failure"], ["`self.error = None`"]),
        (lambda: read_from(Queue), ["Queue.error -> ValueError"], ["`self.error = None`", "`raise` puts"]),
        (
            lambda: read_from(Asking),
            ["Asking.error -> ValueError", "frame → local error -> ValueError"],
            ["`self.error = None`", "`del error`", "function Asking.read (test_advice_exceptions.py:"],
        ),
        (lambda: read_from(Closing), ["Closing.error -> ValueError"], ["call Closing.close()"]),
        (raise_again, ["Reraising.error -> KeyError"], ["`self.error = None`"]),
        (lambda: Reporting().run(), ["Reporting.exc_info[1] -> KeyError"], ["`self.exc_info = None`"]),
        (
            lambda: Translating().run(),
            ["Translating.error -> ValueError"],
            ["KeyError, which was being handled in function Translating.run (test_advice_exceptions.py:"],
        ),
        (kept_by_an_inner_function, ["frame → local saved -> KeyError"], ["`del saved`"]),
    ],
)
def test_what_keeps_an_exception_is_to_be_cleared(program, edges, words):
    """The attribute, the element or the variable is the edge; it is never weak, and the trial frees everything."""
    advice = advice_of(program)
    words = [word if sys.version_info >= (3, 11) else word.replace("Asking.read", "read") for word in words]
    words = [
        word if sys.version_info >= (3, 11) else word.replace("Translating.run", "run") for word in words
    ]
    assert set(edges) <= set(edges_of(advice))
    assert not any("__traceback__" in edge for edge in edges_of(advice))
    assert (advice.remedy, advice.verified) == ("clear", True)
    assert [word for word in words if word not in advice.reason] == []
    assert "weakref" not in advice.reason


def _in_a_group():
    with suppress(RuntimeError), Group() as group:
        assert group
        raise KeyError


async def _in_an_asynchronous_group():
    with suppress(RuntimeError):
        async with Group() as group:
            assert group
            raise KeyError


def _in_a_quiet_group():
    with Quiet() as group:
        assert group
        raise KeyError


def _in_jobs():
    jobs = Jobs()
    try:
        raise KeyError
    except KeyError as error:
        jobs.errors.append(error)


@pytest.mark.parametrize(
    ("program", "edge"),
    [
        (_in_a_group, "Group.failures[0] -> KeyError"),
        (_in_an_asynchronous_group, "Group.failures[0] -> KeyError"),
        (_in_a_quiet_group, "KeyError.__traceback__ -> traceback"),
        (_in_jobs, "frame → local jobs -> Jobs"),
    ],
)
def test_a_context_manager_lets_go_of_what_went_through_its_block(program, edge):
    """It knows when it has reported it. Of the function with the block only `del group` in a finally could be said."""
    advice = advice_of(program)
    assert edges_of(advice) == [edge]
    assert advice.remedy == "clear"


def test_what_was_caught_and_stored_needs_no_traceback():
    """Where nothing raises what was stored, its traceback is what is not needed."""
    advice = advice_of(lambda: Jobs().run())
    assert edges_of(advice) == ["KeyError.__traceback__ -> traceback"]
    assert "`error.with_traceback(None)`" in advice.reason
    assert advice.verified


def test_all_frames_that_keep_an_exception_are_named():
    """To clear one variable of two, or in one frame of two, frees nothing."""
    advice = advice_of(raise_through_two_frames)
    assert set(edges_of(advice)) == {f"frame → local {name} -> ValueError" for name in ("error", "cause")}
    for function, variables in ((wrap, "error"), (fail, "error, cause")):
        site = f"function {function.__name__} (test_advice_exceptions.py:{function.__code__.co_firstlineno})"
        assert f"`del {variables}` in {site}" in advice.reason
    assert (advice.remedy, advice.verified) == ("clear", True)


def test_the_except_clause_is_named_by_its_line():
    """The line is that of the clause, not of the function."""
    reason = advice_of(lambda: Translating().run()).reason
    assert f"(test_advice_exceptions.py:{Translating.run.__code__.co_firstlineno + 3})" in reason


def test_no_exception_is_ever_to_be_weak():
    """Whatever holds it, for it is dead when its except clause ends."""

    class Keeper:
        pass

    def program(store):
        keeper = Keeper()

        def run(keeper):
            try:
                raise Failure(keeper)
            except Failure as error:
                store(keeper, error)

        run(keeper)

    stores = [
        lambda keeper, error: setattr(keeper, "seen", {error}),
        lambda keeper, error: setattr(keeper, "by_name", {"a": error}),
        lambda keeper, error: setattr(keeper, "last", (1, [error])),
        lambda keeper, error: setattr(keeper, "get", lambda: error),
    ]
    for store in stores:
        shapes = garbology.find_cycles(program, store).shapes
        (advice,) = (shape.advice for shape in shapes if "Failure" in str(shape.edges))
        assert advice.remedy == "clear", advice
        assert advice.verified


def _gather(jobs):
    errors = []

    def run(job):
        try:
            job()
        except ValueError as error:
            errors.append(error)
            if jobs:
                run(jobs.pop())

    run(jobs.pop())
    raise errors[0]


def _no():
    raise ValueError("no")


def test_a_variable_that_inner_functions_share_is_a_variable_of_its_frame():
    """An inner function that calls itself, in a frame that an exception keeps: advice comes of it, and is tried."""

    def work():
        with suppress(ValueError):
            _gather([_no, _no])

    found = garbology.find_cycles(work)
    assert found.shapes
    assert all(shape.advice.edges for shape in found.shapes), str(found)
    assert "cell_contents" not in str(found)


def test_a_cause_is_kept_on_purpose():
    """`raise ... from error` keeps what was handled as the cause: to raise it after the clause would change nothing."""

    def connect():
        try:
            _no()
        except ValueError as error:
            wrapped = KeyError()
            raise wrapped from error

    def work():
        with suppress(KeyError):
            connect()

    (shape,) = garbology.find_cycles(work).shapes
    assert "del wrapped" in shape.advice.reason
    assert "raise after that clause" not in shape.advice.reason


def test_the_tuple_of_an_exception_in_a_variable_is_deleted():
    """`sys.exc_info()` in a local keeps the exception and its frames: the variable is what a program can delete."""

    def work():
        information = None
        try:
            _no()
        except ValueError:
            information = sys.exc_info()
        return information is None

    (shape,) = garbology.find_cycles(work).shapes
    assert "`del information` in a finally" in shape.advice.reason


def test_what_a_partial_holds_cannot_be_set_to_none():
    """Its arguments are for good: the advice is not to set them."""

    def work():
        error = ValueError()
        kept = partial(print, [error])
        error.kept = kept
        with suppress(ValueError):
            raise error

    reasons = " ".join(shape.advice.reason for shape in garbology.find_cycles(work).shapes)
    assert reasons
    assert "self.args" not in reasons
