"""What collections do to a window while it is open: what they free of it, and how it is told from older objects then.

The collector of a window is paused, but its block may collect, or switch the collector on. What is freed so was
garbage, and is gone when the window is read. So the collector is listened to: when a collection starts, the window
is read, and what only this collection can free is counted. The number that a collection gives itself is another one.
It has older objects in it, and leaves out what finalizers free first.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import without_dropped
from garbology.cycles.reachability import unreachable
from garbology.interpreter import exclusive
from garbology.interpreter.listening import Listener, Phase
from garbology.snapshot import snapshot as snapshots
from garbology.snapshot.addresses import among
from garbology.snapshot.arrays import distinct
from garbology.snapshot.listing import Listing, closed, listing

_MOST_READ = 5_000_000  # objects, at all collections of one window; a program may collect at every allocation
_OLDEST = 2  # generation
_MOST_WAITED_SECONDS = 1.0  # for an analysis in another thread


class Collections(Listener):
    """Listens from :meth:`start` to :meth:`stop`.

    ``mark`` is an object that was made last before the window, and ``end`` the first that was made after it, which is
    the instrument's; None before there is one. ``by_counts`` is whether
    reference counts are exact here.

    Attributes
    ----------
    freed : objects that collections freed, older ones included.
    freed_of_window : those of them that were made in the window.
    generations : which of them were collected by those that freed something.
    apart : in which own work is done, where somebody measures what the block does.
    saw_all : whether ``freed_of_window`` is all; a collection while another thread analyses may not be looked at.
    """

    def __init__(self, *, by_counts: bool = True) -> None:
        super().__init__()
        self.freed = 0
        self.freed_of_window = 0
        self.generations: set[int] = set()
        self.apart: AbstractContextManager[None] | None = None
        self.saw_all = True
        self.mark: object = None
        self.end: object = None
        self._by_counts = by_counts
        self._happened = False
        self._known: list[NDArray[np.int64]] = []  # addresses of what is in the window, at each collection
        self._left_objects = _MOST_READ
        self._about_to_be_freed = 0

    def was_removed(self) -> None:
        """What the collector did since is not known."""
        self.saw_all = False

    def failed(self) -> None:
        """What cannot be read costs a number, never the program."""
        self.saw_all = False

    def called(self, phase: Phase, info: dict[str, int]) -> None:
        """The collector starts, or has stopped."""
        if phase == "start":
            self._about_to_be_freed = self._count(info["generation"])
        else:
            about, self._about_to_be_freed = self._about_to_be_freed, 0
            self.freed_of_window += about
            freed = max(about, info["collected"])
            self.freed += freed
            if freed:
                self.generations.add(info["generation"])

    def _count(self, generation: int) -> int:
        """How many objects of the window a collection of ``generation`` is about to free."""
        if not self._by_counts or self._left_objects <= 0:
            self._happened, self.saw_all = True, False
            return 0
        analysis = exclusive.analysis()
        if not analysis.acquire(timeout=_MOST_WAITED_SECONDS):
            self._happened, self.saw_all = True, False
            return 0
        try:
            with self.apart or nullcontext():
                return self._count_alone(generation)
        finally:
            analysis.release()

    def _count_alone(self, generation: int) -> int:
        young = self._young()
        self._happened = True
        if young is None:
            self.saw_all = False
            return 0
        addresses = young.addresses()
        objects = closed(self._older(generation) if generation else Listing(), young)
        self._known.append(addresses)
        self._left_objects -= len(objects)
        if not objects:
            return 0
        snapshot = snapshots.take(objects)
        return int(without_dropped(snapshot, unreachable(snapshot)).sum())

    def _young(self) -> Listing | None:
        """The youngest objects of the window; None where they cannot be told from older ones."""
        young = listing((0,))
        if self.end is not None:
            young.drop_from(self.end)
        if self._happened:
            return young  # a collection leaves none
        return young if young.drop_until(self.mark) else None

    def _older(self, generation: int) -> Listing:
        """What is in the window and was there at an earlier collection, of the older generations up to this one.

        What is where an object of the window was is in the window, too: it was made later.
        """
        if not self._known:
            return Listing()
        known = distinct(np.concatenate(self._known))
        self._known = [known]
        self._left_objects -= len(known)
        older = listing(range(1, generation + 1))
        older.keep(among(older.addresses(), known))
        if generation == _OLDEST:  # what is no longer there need not be known any more
            self._known = [np.sort(older.addresses())]
        return older

    @property
    def have_run(self) -> bool:
        """Whether there was any: the collector changes the order in which objects are listed."""
        return self._happened

    def kept(self) -> list[object]:
        """What is the instrument's own of it, and grows with each collection of the block's."""
        return [self, self._known, *self._known, self.generations]

    def window(self) -> tuple[list[object], bool]:
        """The tracked objects made since the mark, and True; all of the heap where old and new cannot be told apart."""
        if self.saw_all:
            young = self._young()
            if young is not None:
                return closed(self._older(2) if self._happened else Listing(), young), True
        return closed(listing()), False

    def made_inside(self, most: int) -> list[object] | None:
        """The objects made since the mark, while the block goes on; none before there is one, or after a collection.

        None where they are surely more than ``most``: then nothing but their list is made.
        """
        if self.mark is None or self._happened:
            return []
        young = self._young()
        if young is None:
            return []
        return None if len(young.objects) - len(young.left_out) > most else closed(young)
