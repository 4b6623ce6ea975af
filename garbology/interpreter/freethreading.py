"""The second way to find garbage: let the collector say what it would free.

Free-threaded builds (PEP 703) defer and split reference counts, so counting says little there. The collector
itself knows: with `DEBUG_SAVEALL` it sets aside what it would free, and what is set aside is the garbage. This has
its price, which the first way does not pay:

- The finalizers and weakref callbacks of the garbage run; a cycle that its own finalizer breaks (a suspended
  generator's) is gone before it can be listed.
- It is one full collection, which `gc.get_stats()` counts; and what is older than the window is frozen
  (`gc.freeze`) while it is open, and old afterwards.
- Where the program has frozen objects itself, and in a window inside another, what is new is told by its address
  instead: a new object at the address of an old one that died meanwhile is missed there.
- Bytes go by counts, and may leave out what another thread counted. Leaks are not looked for.
- These builds list their objects by place in memory, not by age, so advice cannot prefer the pointer from the younger
  object to the older; and nothing is known of what was needed while the work was live, which the advice says.
- A proof needs exact counts of its own objects. Where functions or classes are among them, whose references are
  deferred, none is made.
"""

from __future__ import annotations

import gc
from typing import Literal

import numpy as np

from garbology.interpreter import collector
from garbology.interpreter.putting_back import switched, was_put_back

Method = Literal["reference counts", "collector"]

_forced: Method | None = None  # tests choose the way here


def method() -> Method:
    """The way that this interpreter allows: by 'reference counts' wherever they are exact."""
    if _forced is not None:
        return _forced
    return "collector" if collector.kind() == "free-threaded" else "reference counts"


class Window:
    """What is made after this was made: open it with nothing else between, and close it once."""

    def __init__(self) -> None:
        self._known = np.empty(0, np.int64)
        self._froze = not collector.program_has_frozen()
        self._switched = switched(self.abandon) if self._froze else None
        if self._froze:
            gc.freeze()
        else:
            objects = gc.get_objects()
            self._known = np.fromiter(map(id, objects), np.int64, len(objects))

    def abandon(self) -> None:
        """Put back what was switched, and read nothing; once it is closed, nothing is left to do."""
        number, self._switched = self._switched, None
        if number is not None:
            was_put_back(number)
            gc.unfreeze()

    def close(self) -> list[object]:
        """Have the collector name the garbage among what was made in the window.

        Nothing is freed. `gc.garbage`, the debug flags, the callbacks and the number of frozen objects are as
        before, and no callback is called.
        """
        try:
            objects = _set_aside()
        finally:
            self.abandon()
        known = set(self._known.tolist())
        return [obj for obj in objects if id(obj) not in known]


def _set_aside() -> list[object]:
    kept = len(gc.garbage)
    flags, callbacks = gc.get_debug(), gc.callbacks[:]
    gc.callbacks.clear()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
    finally:
        gc.set_debug(flags)
        gc.callbacks[:] = callbacks
    found = gc.garbage[kept:]
    del gc.garbage[kept:]
    return found
