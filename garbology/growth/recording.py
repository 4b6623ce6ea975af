"""What is read while calls or steps go on: the allocators' figures at each, a census of the heap at some.

What the instrument keeps itself is taken off: the figures are read before and after each census. What is kept has a
bounded size, so that a program may take millions of steps.
"""

from __future__ import annotations

import gc
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from garbology.find.collected import Collections
from garbology.growth.baseline import Baseline, Last
from garbology.growth.census import Census, take_census
from garbology.growth.process import OwnWork, read_process
from garbology.growth.readings import Readings
from garbology.snapshot.addresses import addresses_of, among
from garbology.snapshot.listing import closed, listing
from garbology.snapshot.roots import own_values

_MOST_STATES = 16


class Recorder:
    """Records steps, from :meth:`start` to :meth:`finish`.

    Parameters
    ----------
    collections : of the window in which the steps are taken, which knows what is new; without one, what has an address
        that nothing had at first is new.
    every : steps between two censuses.
    """

    __slots__ = ("_baseline", "_collections", "_every", "_own_work", "_readings", "steps")

    def __init__(self, collections: Collections | None, every: int) -> None:
        self._collections = collections
        self._every = every
        self._readings = Readings()
        self._own_work = OwnWork()
        self._baseline: Baseline | None = None
        self.steps = 0

    @property
    def baseline(self) -> Baseline:
        """The first census and the states since."""
        assert self._baseline is not None, "it has started"
        return self._baseline

    @property
    def readings(self) -> NDArray[np.float64]:
        """See :attr:`Readings.rows`; the moments are numbers of steps."""
        return self._readings.rows

    def start(self) -> None:
        """The first census, and the reading from which growth is counted."""
        self._readings.settle()
        with self._readings.reserved():
            first = self._first_census()
            self._baseline = Baseline(first, 0, read_process())
        if self._collections:
            self._collections.apart = self._readings.apart()
        self._readings.read(0)

    def _first_census(self) -> Census:
        objects, ours = self._objects()
        return take_census(objects, np.zeros(len(objects), bool), ours)

    def step(self) -> None:
        """One more is done."""
        self.steps += 1
        self._readings.read(self.steps)
        if self.steps % self._every == 0:
            self._count()

    def finish(self) -> Last | None:
        """The last census; None where there was no step."""
        if self._collections:
            self._collections.apart = None
        if not self.steps:
            return None
        if self.baseline.states[-1].step == self.steps:
            self.baseline.states.pop()
        process = self._own_work.begin()
        self._readings.reserved().let_go()
        last = self._census()
        self.baseline.add(last, self.steps, process)
        self.baseline.close()
        return last

    def close(self) -> None:
        """Let go of what was kept from the allocators; nothing is recorded afterwards."""
        self._readings.reserved().let_go()

    def _count(self) -> None:
        with self._readings.apart():
            states = self.baseline.states
            if len(states) >= _MOST_STATES:
                del states[1::2]
                self._every *= 2
            process = self._own_work.begin()
            self.baseline.add(self._census(), self.steps, process)
            self._own_work.end()
            if self._collections is None:
                gc.collect()  # it empties free lists that the census has filled, as that of the next call would

    def _census(self) -> Last:
        made = self._made()
        objects, ours = self._objects()
        places = self.baseline.places_of(objects)
        places[among(addresses_of(objects), made)] = -1
        return self.baseline.compare(objects, take_census(objects, places < 0, ours), places)

    def _made(self) -> NDArray[np.int64]:
        """The addresses of what was made in the window, sorted; none where that is not known."""
        window, known = self._collections.window() if self._collections else ([], False)
        return np.sort(addresses_of(window)) if known else np.empty(0, np.int64)

    def _objects(self) -> tuple[list[object], NDArray[np.int64]]:
        """All that is tracked but for the instrument's own, whose addresses are the second (int64, sorted)."""
        objects = closed(listing())
        ours = np.sort(addresses_of([self, *self._kept(), *own_values()]))
        return list(compress(objects, (~among(addresses_of(objects), ours)).tobytes())), ours

    def _kept(self) -> list[object]:
        return [
            *self._readings.kept(),
            *self._own_work.kept(),
            *(self._baseline.kept() if self._baseline else ()),
            *(self._collections.kept() if self._collections else ()),
        ]
