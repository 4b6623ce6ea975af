"""At which moments of the work to look, so that little work is spent and most is seen.

Looks are rationed by work, never by the clock: by objects read, moments of each function, and how far the window has
grown. A machine that is ten times slower looks at the same moments and gives the same advice.
"""

from __future__ import annotations

import gc
import types
from collections import deque
from itertools import repeat
from operator import is_
from pathlib import Path

SMALL = 1_000  # objects: up to here a look costs some microseconds for each, and no more
_SHARE_OF_REPEATED = (
    0.5  # of all that may be read: the first such moment of other functions comes before the second
)
# Objects that may be read, as long as nothing in the block is on a cycle: a share of its work.
_PART_OF_THE_WORK = 0.5  # for each object that it has made, and each moment that it has passed
_OF_A_PLACE = 60  # for each call, return and line that it has passed for the first time
_WHERE_CYCLIC = 5_000  # and for a block that has had something on a cycle: there may be something to advise
_OF_ONE_LOOK = 30  # what a look costs at least, in objects read
_OF_ONE_LARGE_LOOK = 2_000
_MOST_OBJECTS = 20_000  # of a window that is read while the work goes on
MOST_OBJECTS_AT_END = 200_000
_FEWEST_LOOKS = 8  # at functions that return something on a cycle, and at those on top, whatever was spent
_MOST_IN_LIBRARY = 6
_MOST_IN_PASSING = 6  # at functions that return nothing cyclic, while the window is large
DEEP = 3  # calls below the watched function: what returns above is looked at whenever the window has grown
_FEWEST_MADE = 500  # objects, before a window counts as growing
_FEWEST_MADE_ON_TOP = 16  # the same above, as long as nothing is on a cycle
_GROWTH_WHERE_DEEP = 4
_MOST_STEPS = 64
_MOST_REFERENTS = 2_000
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement
_STANDARD_CODE = (str(Path(types.__file__).parent) + "/", "<frozen")
_flags_of = type.__dict__["__flags__"].__get__


class SamplingPolicy:
    """At which moments to look, and how much may be read for that in all.

    Attributes
    ----------
    saw_cycle : whether something in the block is, or was, on a cycle. Most blocks have none, and looks cost these a
        share of their own work.
    """

    def __init__(self) -> None:
        self._on_cycles = 0
        self._on_top = 0
        self._in_passing = 0
        self._in_library = 0
        # Objects at the latest look at a grown window, by depth.
        self._made = [0] * DEEP + [_FEWEST_MADE]
        self._first_count = gc.get_count()[0]
        self._moments = 0
        self._places = 0
        self._read = 0
        self._is_free = False
        self.saw_cycle = False

    def begin(self) -> None:
        """The block begins: what was made to look at it is none of its work."""
        self._first_count = gc.get_count()[0]

    def made_by_us(self, objects: int) -> None:
        """What was to be a look has made so many objects, and kept them."""
        self._first_count += objects

    def have_seen(self, objects: int) -> None:
        """The window has so many: the collector's count goes on from there.

        By itself the count would soon be wrong: what a look lets go of lies in free lists of CPython's, out of which
        the block takes its objects uncounted.
        """
        self._first_count = gc.get_count()[0] - objects

    def at_return(self, code: types.CodeType, result: object, depth: int, *, is_first: bool = False) -> int:
        """How many objects a window may have to be looked at when ``code`` returns ``result``; 0: do not look.

        ``depth`` is 0 where the watched function itself called it, on top: what it leaves is all that there is.
        """
        self._passes(is_first)
        made = self._objects()
        standard = is_standard(code)
        self._is_free = not standard and self._has_grown(made, depth)
        if self._is_free:
            return MOST_OBJECTS_AT_END
        if not standard and made <= SMALL and self._can_afford(made, is_first):
            return _MOST_OBJECTS
        if standard:
            return self._of_the_library(result)
        if (self._on_cycles < _FEWEST_LOOKS or self._can_afford(made, is_first)) and is_on_a_cycle(result):
            self._on_cycles += 1
            return _MOST_OBJECTS
        if depth == 0 and self._on_top < _FEWEST_LOOKS and self.saw_cycle:
            self._on_top += 1
            return _MOST_OBJECTS
        if self._in_passing < _MOST_IN_PASSING and self._can_afford(made, is_first):
            self._in_passing += 1
            return _MOST_OBJECTS
        return 0

    def _of_the_library(self, result: object) -> int:
        """What a function of the standard library makes is the program's now and then: a copy."""
        self._is_free = self._in_library < _MOST_IN_LIBRARY and is_on_a_cycle(result)
        self._in_library += self._is_free
        return _MOST_OBJECTS if self._is_free else 0

    def in_passing(self, *, is_first: bool) -> int:
        """The same when a function is called, resumed, yields or is closed, or inside it: while the window is small."""
        self._passes(is_first)
        self._is_free = False
        made = self._objects()
        return SMALL if made <= SMALL and self._can_afford(made, is_first) else 0

    def spend(self, objects: int) -> None:
        """So many were read; looks at a window that has grown, and in the library, are few by themselves."""
        if not self._is_free:
            self._read += objects + (_OF_ONE_LOOK if objects <= SMALL else _OF_ONE_LARGE_LOOK)

    def _passes(self, is_first: bool) -> None:
        self._moments += 1
        self._places += is_first

    def _can_afford(self, made: int, is_first: bool) -> bool:
        """The first moments at a place come before further ones, for which less may be read."""
        cost = made + (_OF_ONE_LOOK if made <= SMALL else _OF_ONE_LARGE_LOOK)
        work = _PART_OF_THE_WORK * (made + self._moments)
        if self.saw_cycle:
            return self._read + cost <= (1 if is_first else _SHARE_OF_REPEATED) * (work + _WHERE_CYCLIC)
        return self._read + cost <= work + is_first * _OF_A_PLACE * self._places

    def _objects(self) -> int:
        """How many objects the window has, or a few more."""
        return max(0, gc.get_count()[0] - self._first_count)

    def _has_grown(self, made: int, depth: int) -> bool:
        """Whether the window is twice as large as at the latest such look: all of them cost little more than one."""
        if not self.saw_cycle and made < _FEWEST_MADE_ON_TOP:
            return False
        if made < (2 if depth < DEEP else _GROWTH_WHERE_DEEP) * self._made[depth]:
            return False
        self._made[depth] = made
        return True


def is_standard(code: types.CodeType) -> bool:
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
