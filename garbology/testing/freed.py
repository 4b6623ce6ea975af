"""The fixture `assert_freed`: objects that must be freed when the test has ended."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from garbology import assertions
from garbology.names.sources import site
from garbology.testing.message import cut_to, fail_with

BLOCK = pytest.StashKey["_FreedByTest"]()


class _NotFreed(Exception):
    """It carries what is to be said out of the block, without the block's frames."""


class _FreedByTest(assertions.assert_freed):
    """The block is the test: its frame is gone at the end."""

    _what_ended = "the test"

    def __init__(self, verbose: int) -> None:
        super().__init__()
        self._verbose = verbose

    def _failure(self, message: str) -> BaseException:
        return _NotFreed(cut_to(message, self._verbose))

    def give(self, *objects: object) -> None:
        """Add objects, and note where."""
        caller = sys._getframe(1)
        place = f" given at {site(caller.f_code.co_filename, caller.f_lineno)}"
        del caller
        for obj in objects:
            self._add_inside(obj)
            self._watched[-1].name += place
            del obj


def freed_by(item: Any) -> Iterator[Callable[..., None]]:
    """Put a block around the body of a test, which is judged before any fixture is torn down."""
    block = item.stash[BLOCK] = _FreedByTest(item.config.get_verbosity())
    is_watched = "runtest" in vars(
        item
    )  # a watch runs it inside: to try an advice frees what is to be judged
    if not is_watched:
        item.runtest = functools.partial(run_body, item)
    try:
        yield block.give
    finally:
        del item.stash[BLOCK]
        if not is_watched:
            del item.runtest


def run_body(item: Any) -> None:
    """Run a test as pytest would, in its block where it has one."""
    __tracebackhide__ = True
    block = item.stash.get(BLOCK, None)
    if block is None:
        type(item).runtest(item)
        return
    text = ""
    try:
        with block:
            type(item).runtest(item)
    except _NotFreed as error:
        text = str(error)
    if text:
        fail_with(text)
