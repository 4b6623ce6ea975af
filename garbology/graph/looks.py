"""At which moments of the work to look, so that little time is spent and most is seen."""

from __future__ import annotations

import gc
import time
import types
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from operator import is_
from pathlib import Path

_BUDGET_SECONDS = 0.010
_MOST_OBJECTS = 20_000  # of a window that is read while the work goes on
MOST_OBJECTS_AT_END = 200_000
_FEWEST_LOOKS = (
    8  # at functions that return something on a cycle, and at those on top, on however slow a machine
)
_MOST_IN_PASSING = 6  # at functions that return nothing cyclic
DEEP = 3  # calls below the watched function: what returns above is looked at whenever the window has grown
_PART_OF_THE_TIME = 0.1  # of the work, which looks at a growing window may take
_FEWEST_MADE = 500  # objects, before a window counts as growing
_MOST_STEPS = 64
_MOST_REFERENTS = 2_000
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement
_STANDARD_CODE = (str(Path(types.__file__).parent) + "/", "<frozen")
_flags_of = type.__dict__["__flags__"].__get__


class Looks:
    """At which moments to look, and how long that may take in all."""

    def __init__(self) -> None:
        self._on_cycles = 0
        self._on_top = 0
        self._in_passing = 0
        # Objects at the latest look at a grown window, by depth.
        self._made = [0] * DEEP + [_FEWEST_MADE]
        self._first_count = gc.get_count()[0]
        self._started = time.thread_time()
        self._spent_seconds = 0.0
        self._spent_on_growth_seconds = 0.0

    @contextmanager
    def at(self, code: types.CodeType, result: object, depth: int) -> Iterator[int]:
        """How many objects a window may have to be looked at when ``code`` returns ``result``; 0: do not look.

        ``depth`` is 0 where the watched function itself called it, on top: what it leaves is all that there is.
        """
        started = time.thread_time()
        has_grown = not _is_standard(code) and self._has_grown(started, depth)
        try:
            yield MOST_OBJECTS_AT_END if has_grown else self._most(code, result, depth)
        finally:
            seconds = time.thread_time() - started
            self._spent_seconds += seconds
            self._spent_on_growth_seconds += seconds * has_grown

    def _most(self, code: types.CodeType, result: object, depth: int) -> int:
        in_budget = self._spent_seconds - self._spent_on_growth_seconds < _BUDGET_SECONDS
        if (in_budget or self._on_cycles < _FEWEST_LOOKS) and is_on_a_cycle(result):
            self._on_cycles += 1
            return _MOST_OBJECTS
        if _is_standard(code):
            return 0
        if depth == 0 and self._on_top < _FEWEST_LOOKS:
            self._on_top += 1
            return _MOST_OBJECTS
        if in_budget and self._in_passing < _MOST_IN_PASSING:
            self._in_passing += 1
            return _MOST_OBJECTS
        return 0

    def _has_grown(self, now: float, depth: int) -> bool:
        """Whether the window is twice as large as at the latest such look: all of them cost little more than one."""
        made = gc.get_count()[0] - self._first_count
        worked = now - self._started - self._spent_seconds
        in_time = self._spent_on_growth_seconds < _BUDGET_SECONDS + _PART_OF_THE_TIME * worked
        if made < 2 * self._made[depth] or not (depth < DEEP or in_time):
            return False
        self._made[depth] = made
        return True


def _is_standard(code: types.CodeType) -> bool:
    """Whether a function is the standard library's: most of what it makes is none of the program's concern."""
    name = code.co_filename
    return name.startswith(_STANDARD_CODE) and "-packages" not in name


def is_made_by_the_program(kind: type) -> bool:
    """Whether a class was made by a class statement; no code of its metaclass runs."""
    return bool(_flags_of(kind) & _HEAP_TYPE)


def is_on_a_cycle(obj: object) -> bool:
    """Whether an instance of the program's refers to itself within a few steps: a cheap look before a thorough one."""
    if not is_made_by_the_program(type(obj)):
        return False
    seen = {id(obj)}
    pending = deque([obj])
    for _ in range(_MOST_STEPS):
        referents = gc.get_referents(pending.popleft()) if pending else []
        if any(map(is_, referents, repeat(obj))):
            return True
        for referent in referents if len(referents) < _MOST_REFERENTS else []:
            kind = type(referent)
            if id(referent) not in seen and gc.is_tracked(referent) and kind is not type:
                if kind is types.ModuleType or (kind is dict and len(referent) > _MOST_STEPS):
                    continue  # mostly a function's globals
                seen.add(id(referent))
                pending.append(referent)
    return False
