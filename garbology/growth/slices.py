"""Why the memory of a running program grows: slices of time in the place of calls, under its own collector.

A census is taken in growing distances, with a reading of the allocators, so that all together take a fixed share of the
time. A program begins with imports and with caches that fill, so growth is counted from a later
census: where the program has run twice as long as before the census that growth was counted from, the next one is to
take its place, and does so when the time has doubled again. So at least half of the time is judged.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter, thread_time
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.result import CycleShape
from garbology.find.explain import explain_garbage, judged
from garbology.find.familiar import Familiar
from garbology.growth.baseline import Baseline, Last, State
from garbology.growth.census import Census, take_census
from garbology.growth.figures import Precision, add_garbage, fill_in
from garbology.growth.holders import Holder
from garbology.growth.process import read_process
from garbology.growth.report import Report
from garbology.interpreter import collector, exclusive
from garbology.interpreter.allocators import CACHED_BYTES, Allocated, read_allocated
from garbology.names.classes import is_metaclass, safe_type_name
from garbology.snapshot.addresses import Index, addresses_of, among
from garbology.snapshot.arrays import ends_of
from garbology.snapshot.listing import closed, listing
from garbology.snapshot.roots import own_values
from garbology.snapshot.snapshot import Snapshot

_SHARE = 0.1  # of the time, for censuses
_DISTANCE = 1 / 8  # of the time so far, between two censuses
_FIRST_SECONDS = 1.0  # between the first two
_HALF_WAY = 1.5  # of the time until the next baseline takes over: then it has a state already
_FEWEST_STATES = 3  # by which growth is judged
# Objects come and go while a census reads them, and functions run.
_PRECISION = Precision(
    native_share=0.1,
    total_bytes=128 << 10,
    sure_total_bytes=128 << 10,
    native_total_bytes=128 << 10,
    holder_total_bytes=16 << 10,
    bounded_bytes=16 << 10,
    bounded_entries=1,
    surely=True,
)
# That fewer states rise one after the other is chance in more than one recording of twenty.
_FEWEST_TO_BE_SURE = 5
_BYTES_OF_FEW = 1 << 20
_HOLDER_BYTES_OF_FEW = 128 << 10
_OWN_BYTES = 400  # an object, at the peak of a census: what the allocators may keep of it
_CODE = ModuleType, FunctionType, MethodType, BuiltinFunctionType
_NO_ADDRESSES = np.empty(0, np.int64)
_SMALL_BYTES = 1_024  # of an array whose memory NumPy keeps for the next one of that size, 7 of each
_KEPT_OF_EACH = 7  # by glibc, too


class Slices:
    """Reads this process from :meth:`begin` on, where that is due when :meth:`look_when_due` is called.

    Parameters
    ----------
    keys : whether the report may tell keys of dictionaries, which are the program's data; else their types.
    clock : what tells the seconds.
    """

    def __init__(self, *, keys: bool = False, clock: Callable[[], float] = perf_counter) -> None:
        self._keys = keys
        self._clock = clock
        self._began = clock()
        self._baseline: Baseline | None = None
        self._next: Baseline | None = None  # takes over
        self._looks: list[_Look] = []
        self._next_look = 0.0
        self._looked_until = 0.0
        self._own_held = 0  # bytes that own work has had the allocators hold
        self._collected = _collected()
        self._known: dict[int, Holder] = {}  # by address, what was told of each

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return self._clock() - self._began

    def begin(self) -> None:
        """The first census."""
        fill_lists_of_freed()
        self._look()

    def look_when_due(self) -> None:
        """A census, if the time for it has come."""
        if self.seconds >= self._next_look:
            self._look()

    def report(self, ended: float | None = None) -> Report:
        """What is known now, or was when the program ended, after so many seconds; takes a census."""
        with exclusive.analysis(), collector.paused(), self._own_work():
            return self._reported(self.seconds if ended is None else ended, at_end=ended is not None)

    def _reported(self, now: float, *, at_end: bool) -> Report:
        self._forget_since(now)
        taken = self._take(now, last=True)
        baseline = self._baseline
        if at_end and baseline is not None and _lets_go(baseline.states):
            baseline.states.pop()
            self._looks.pop()
        if baseline is None or len(baseline.states) < _FEWEST_STATES:
            return Report(unit="second", calls=self._looks[-1].seconds, too_short=True, keys=self._keys)
        began = baseline.began
        report = Report(unit="second", warmup=began, calls=self._looks[-1].seconds - began, keys=self._keys)
        report.found.shapes = taken.shapes()
        states, rows = baseline.states, self._rows(began)
        precision = _precision(len(states), len(taken.compared.objects))
        known = self._known_of(baseline.addresses)
        fill_in(report, states, rows, taken.compared, keys=self._keys, precision=precision, known=known)
        self._known |= {int(baseline.addresses[place]): holder for place, holder in known.items()}
        keeps_up = _collected() - self._collected >= int(taken.garbage.sum())
        report.traced = report.traced_numpy = None  # the instrument's own, which stays, is in it
        add_garbage(report, states, precision.total_bytes, keeps_up=keeps_up)
        return report

    def _known_of(self, addresses: NDArray[np.int64]) -> dict[int, Holder]:
        """What was told of holders, by their places among ``addresses``."""
        places = Index.of(addresses).find(np.fromiter(self._known, np.int64, len(self._known)))
        return {
            place: each
            for place, each in zip(places.tolist(), self._known.values(), strict=True)
            if place >= 0
        }

    def _look(self) -> None:
        """A census; what it takes decides when the next one comes."""
        with exclusive.analysis(), collector.paused(), self._own_work():
            began = thread_time()
            self._take(self.seconds)
            took = thread_time() - began
        now = self._looked_until = self.seconds
        self._next_look = now + max(_FIRST_SECONDS, _DISTANCE * now, took / _SHARE)

    @contextmanager
    def _own_work(self) -> Iterator[None]:
        """What the allocators hold more after the block is what it took at its peak: it is not the program's."""
        before = read_allocated()
        yield
        after = read_allocated()
        if before and after:
            self._own_held += after.held - before.held

    def _forget_since(self, now: float) -> None:
        """What was taken after a program's end, or not quite before it, would say that it grows no more."""
        while len(self._looks) > 1 and max(self._looks[-1].seconds, self._looked_until) >= now:
            moment, self._looked_until = self._looks.pop().seconds, 0.0
            states = self._baseline.states if self._baseline else []
            if len(states) > 1 and states[-1].step == moment:
                states.pop()

    def _take(self, now: float, *, last: bool = False) -> _Taken:
        if self._next is not None and not last and now >= 2 * self._next.began:
            self._baseline, self._next = self._next, None
        process, told = read_process(), read_allocated()
        snapshot, garbage = judged(closed(listing()))
        objects = snapshot.objects
        baseline = self._baseline
        places = baseline.places_of(objects) if baseline else np.arange(len(objects), dtype=np.int32)
        census, own, waiting = _counted(snapshot, garbage, places)
        self._looks.append(self._figures(now, told, own, waiting))
        if baseline is None:
            baseline = self._baseline = Baseline(census, now, process, waiting)
        elif self._next is None and not last and now >= 2 * baseline.began + _FIRST_SECONDS:
            first, _, _ = _counted(snapshot, garbage, np.zeros(len(objects), np.int32))
            self._next = Baseline(first, now, process, waiting)
        elif self._next is not None and len(self._next.states) == 1 and now >= _HALF_WAY * self._next.began:
            further = self._next.places_of(objects)
            counted, _, _ = _counted(snapshot, garbage, further)
            self._next.add(self._next.compare(objects, counted, further), now, process, waiting)
        compared = baseline.compare(objects, census, places)
        if now > baseline.began:
            baseline.add(compared, now, process, waiting)
        return _Taken(compared, snapshot, garbage)

    def _figures(self, now: float, told: Allocated | None, own: int, waiting: int) -> _Look:
        if told is None:
            return _Look(now, np.nan, np.nan, np.nan, np.nan)
        kept = told.kept + waiting - self._own_held
        traced = np.nan if told.traced is None else told.traced
        return _Look(now, told.used - own - waiting, kept, told.c_used, traced)

    def _rows(self, began: float) -> NDArray[np.float64]:
        """What was read at each census from ``began`` on, as :class:`garbology.growth.readings.Readings` has it."""
        return np.array([look for look in self._looks if look.seconds >= began], float)


def _precision(states: int, objects: int) -> Precision:
    """What is noise in a heap of so many objects, of which so many states are known."""
    precision = replace(_PRECISION, kept_bytes=_OWN_BYTES * objects)
    if states >= _FEWEST_TO_BE_SURE:
        return precision
    return replace(
        precision,
        total_bytes=_BYTES_OF_FEW,
        sure_total_bytes=_BYTES_OF_FEW,
        native_total_bytes=_BYTES_OF_FEW,
        holder_total_bytes=_HOLDER_BYTES_OF_FEW,
    )


def _lets_go(states: Sequence[State]) -> bool:
    """Whether a program has at its end less than half of what it had gained: its functions have returned.

    What they held grew while it ran.
    """
    first, *_, before, last = (state.live_bytes for state in states) if len(states) > 2 else (0, 0, 0)
    return last - first < (before - first) / 2


def _collected() -> int:
    """How many objects the collector has freed in all."""
    return sum(generation["collected"] for generation in gc.get_stats())


def fill_lists_of_freed() -> None:
    """Fill NumPy's lists of freed memory, and those that glibc has for this thread, in which it counts as handed out.

    Each census has arrays of other sizes, and so would fill some more of them: 20 to 40 kB a second, in a program whose
    memory does not grow. Full they take 3.6 MB; they are NumPy's, of which none can be emptied.
    """
    for size in range(1, _SMALL_BYTES):
        [np.empty(size, np.int8) for _ in range(_KEPT_OF_EACH)]
    for size in CACHED_BYTES:
        [np.empty(size, np.int8) for _ in range(2 * _KEPT_OF_EACH)]  # NumPy has one half already


class _Look(NamedTuple):
    """When a census was taken, and what the allocators had then, in bytes.

    Of what was in use the instrument's own is taken off, and what waited: that comes and goes with each collection, and
    says nothing of growth; it counts as kept. Between two censuses it is unknown. Of what is kept, that is taken off
    which the instrument's work has left there.
    """

    seconds: float
    used: float
    kept: float
    c_used: float
    traced: float


@dataclass(frozen=True)
class _Taken:
    """A census and what was judged of it; let it go soon, for it holds all objects."""

    compared: Last
    snapshot: Snapshot
    garbage: NDArray[np.bool_]

    def shapes(self) -> list[CycleShape]:
        """The cycles that wait, with advice."""
        return explain_garbage(self.snapshot, self.garbage, lambda shape: True, Familiar()).shapes


def _counted(
    snapshot: Snapshot, garbage: NDArray[np.bool_], places: NDArray[np.int32]
) -> tuple[Census, int, int]:
    """A census of what is neither the instrument's nor garbage, and how many bytes of these there are.

    ``places`` are -1 of what is new to a baseline. What several objects share belongs to one that is not new, so each
    baseline needs a census of its own.
    """
    census = take_census(snapshot.objects, places < 0, _NO_ADDRESSES)
    return census, _taken_out(census, _own(census, snapshot)), _taken_out(census, garbage)


def _own(census: Census, snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which are the instrument's: objects of its types, what its modules keep, and the containers below these.

    Code is not followed: what its modules import would be the instrument's, or not, as the collector's lists change.
    """
    types = snapshot.types
    ours = np.array([safe_type_name(kind).startswith("garbology.") for kind in types], bool)[snapshot.kinds]
    ours |= among(census.addresses, np.sort(addresses_of(own_values())))
    code = np.array([is_metaclass(kind) or any(kind is each for each in _CODE) for kind in types], bool)
    n = len(ours)
    up = np.append(np.where((census.parents < 0) | code[snapshot.kinds], n, census.parents), n)
    up[:n][ours] = np.flatnonzero(ours)
    own: NDArray[np.bool_] = np.append(ours, False)[ends_of(up)[:n]]
    return own


def _taken_out(census: Census, which: NDArray[np.bool_]) -> int:
    """The bytes of some objects, which have none in the census from then on."""
    size = int(census.bytes[which].sum())
    census.bytes[which] = 0
    return size
