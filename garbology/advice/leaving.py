"""What a function that is about to return holds, and what the window keeps without it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from garbology.advice.small_window import SmallWindow
from garbology.interpreter.once import cached_property
from garbology.interpreter.thread_stacks import counted_locals
from garbology.snapshot.snapshot import Snapshot

_CAN_BE_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_SUSPENDABLE: dict[int, tuple[Callable[[object], object], ...]] = {
    id(kind): tuple(kind.__dict__[prefix + name].__get__ for name in ("_code", "_running", "_frame"))
    for kind, prefix in (
        (types.GeneratorType, "gi"),
        (types.CoroutineType, "cr"),
        (types.AsyncGeneratorType, "ag"),
    )
}


class Holders:
    """What holds objects at a moment when a function ends: its result, its arguments and its own variables.

    Let it go with that moment.
    """

    def __init__(self, result: object, frame: types.FrameType | None = None) -> None:
        self.result = result
        self.frame = frame

    @cached_property
    def _references(self) -> tuple[list[int], list[int]]:
        return ([], []) if self.frame is None else references_of(self.frame)

    @property
    def arguments(self) -> list[int]:
        """Addresses of what the arguments refer to."""
        return self._references[0]

    @property
    def own(self) -> list[int]:
        """Addresses of what its own variables refer to."""
        return self._references[1]

    def running(self, objects: list[object]) -> list[int]:
        """Places of the generator or coroutine that runs, and of its frame: these show the collector its variables."""
        if self.frame is None or not self.frame.f_code.co_flags & _CAN_BE_SUSPENDED:
            return []
        found = []
        for place, obj in enumerate(objects):
            if obj is self.frame or self._is_run_by(obj):
                found.append(place)
        return found

    def _is_run_by(self, obj: object) -> bool:
        """Whether this generator runs in our frame; one that does not run is not asked: its frame would be made."""
        getters = _SUSPENDABLE.get(id(type(obj)))
        if getters is None or self.frame is None:
            return False
        get_code, is_running, get_frame = getters
        return get_code(obj) is self.frame.f_code and bool(is_running(obj)) and get_frame(obj) is self.frame


def with_variables(window: SmallWindow, held: list[int]) -> list[int]:
    """What is held from outside, and what the variables of running functions hold that inner functions share."""
    roots = [place for place, count in enumerate(held) if count > 0]
    return sorted({*roots, *contents_of(window, roots)})


def contents_of(window: SmallWindow, places: Iterable[int | None]) -> list[int]:
    """What is in those cells that are among ``places``: a variable shared with an inner function."""
    cells = [place for place in places if place is not None and window.kinds[place] == id(types.CellType)]
    return [
        target for cell in cells for target in window.targets[window.starts[cell] : window.starts[cell + 1]]
    ]


def let_go(held: list[int], window: SmallWindow, address: int) -> None:
    """Count one reference less to the object at an address, if the window has it."""
    place = window.index.get(address)
    if place is not None:
        held[place] -= 1


def references_of(frame: types.FrameType) -> tuple[list[int], list[int]]:
    """Addresses of what a running function holds: as its arguments, and as its own variables."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)  # *args, **kwargs
    names = {f"local {name}" for name in code.co_varnames[:count]}
    found = counted_locals(frame)
    arguments = [address for label, address in found if label in names]
    return arguments, [address for label, address in found if label not in names]


def counts_without(held: NDArray[np.int64], snapshot: Snapshot, addresses: list[int]) -> NDArray[np.int64]:
    """``held`` less one for each of ``addresses``."""
    places = snapshot.index.find(np.array(addresses, np.int64))
    left: NDArray[np.int64] = held - np.bincount(places[places >= 0], minlength=len(held))
    return left
