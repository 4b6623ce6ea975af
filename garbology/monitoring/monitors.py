"""`garbology.monitor`: every collection of a running program counted, a sample of them explained."""

from __future__ import annotations

import bisect
import math
import os
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Any

from garbology.find.explain import explain_garbage, judged
from garbology.find.familiar import Familiar
from garbology.interpreter import collector, exclusive
from garbology.interpreter.listening import Listener, Phase
from garbology.monitoring.budget import Budget
from garbology.monitoring.flushing import Flusher, Sink
from garbology.monitoring.seen import COLUMNS, PAUSE_BUCKETS_SECONDS, Generation, Seen
from garbology.monitoring.shelf import Shelf
from garbology.snapshot.listing import closed, listing

_REFUSED = {
    "incremental": "the incremental collector of CPython 3.14.0 to 3.14.4 frees parts of the heap that cannot be "
    "listed beforehand: collections are counted and not explained",
    "free-threaded": "reference counts are not exact on free-threaded builds: collections are counted and not "
    "explained",
}
#: One that has ended: start, pause, what the collector says, the probability of its analysis, what that found.
Collection = tuple[float, float, dict[str, int], float, "list[Any] | None"]

_ROW = len(COLUMNS)  # numbers of a collection in a record
_MOST_ADVISED = 4  # shapes in one analysis, some milliseconds each
_MOST_ROWS = 100_000  # that wait to be written
_MOST_WAITED_SECONDS = 1.0  # for one that counts: a handler of signals may read in the middle of it


class Monitor:
    """Counts every collection of this process and explains a random sample of them, from :meth:`start` to :meth:`stop`.

    The totals are the collector's own and exact. Of the collections that are analysed, just before they begin, each
    cycle is known, to the object; each counts with the inverse of the probability with which it was chosen, so the
    estimates are unbiased. With ``budget=1`` every collection is analysed, and nothing is estimated. Nothing is freed
    or tried, and no code of the program runs. Memory is bounded: 512 shapes.

    A process that is forked counts anew in the child, without the sink.

    Parameters
    ----------
    budget : share of the elapsed time that the analyses may take, above 0 and at most 1.
    sink : called about once a second, in a thread of its own, with what happened since, as plain JSON types
        (:mod:`garbology.monitoring.sinks` has some); once more at the end.
    interval_seconds : between two calls of the sink.
    keys : whether a recording may tell keys of dictionaries, which are the program's data; else their types.
    seed : of the random choice, for tests.

    Raises
    ------
    ValueError : ``budget`` or ``interval_seconds`` is out of range.

    Example::

        with garbology.monitor(budget=0.05) as seen:
            serve()
        print(seen)
    """

    def __init__(
        self,
        budget: float = 0.05,
        sink: Sink | None = None,
        *,
        interval_seconds: float = 1.0,
        keys: bool = False,
        seed: int | None = None,
    ) -> None:
        if not 0 < budget <= 1:
            raise ValueError(f"budget is a share of the elapsed time above 0 and at most 1, got {budget!r}")
        if not 0 < interval_seconds <= threading.TIMEOUT_MAX:
            raise ValueError(f"interval_seconds is above 0, got {interval_seconds!r}")
        self._settings = budget, keys, seed
        self._sink = sink
        self._interval_seconds = interval_seconds
        self._counter: _Counter | None = None
        self._flusher: Flusher | None = None

    def start(self) -> Live:
        """Begin to listen; what is answered shows what was seen so far, whenever it is read.

        Raises
        ------
        RuntimeError : it runs already.
        """
        if self._counter is not None:
            raise RuntimeError("this monitor runs already: stop() it first, or make another one")
        counter = self._counter = _Counter(*self._settings, keep_rows=self._sink is not None)
        if self._sink is not None:
            self._flusher = Flusher(self._sink, counter.record, self._interval_seconds)
            self._flusher.start()
        counter.start()
        return Live(counter)

    def stop(self) -> Seen:
        """Listen no more; what was seen.

        Raises
        ------
        RuntimeError : it does not run.
        """
        counter, self._counter = self._counter, None
        if counter is None:
            raise RuntimeError("this monitor does not run: start() it first")
        counter.stop()
        flusher, self._flusher = self._flusher, None
        if flusher is not None:
            flusher.finish()
        return counter.seen()

    def abandon(self) -> None:
        """Listen no more, and tell the sink nothing more."""
        counter, self._counter = self._counter, None
        flusher, self._flusher = self._flusher, None
        if counter is not None:
            counter.stop()
        if flusher is not None:
            flusher.abandon()

    def __enter__(self) -> Live:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class Live:
    """What a monitor has seen until now, read anew each time; after its end it stays as it is.

    It has all attributes of :class:`garbology.monitoring.seen.Seen`.
    """

    __slots__ = ("_counter",)

    def __init__(self, counter: _Counter) -> None:
        self._counter = counter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._counter.seen(), name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(Seen), *Seen.__dataclass_fields__})

    def __str__(self) -> str:
        return str(self._counter.seen())

    def __repr__(self) -> str:
        return repr(self._counter.seen())


class _Counter(Listener):
    """Counts collections, in numbers alone where they are not analysed.

    What counts collections must not make objects to be collected.
    """

    def __init__(self, budget: float, keys: bool, seed: int | None, *, keep_rows: bool) -> None:
        super().__init__()
        self._settings = budget, keys, seed
        self._keep_rows = keep_rows
        self._refused = _REFUSED.get(collector.kind(), "")
        self._begin()

    def _begin(self) -> None:
        budget, keys, seed = self._settings
        self._pid = os.getpid()
        self.began_at = perf_counter()
        self._ended_at = 0.0
        self._budget = Budget(budget, seed, self.began_at)
        self._shelf = Shelf(keys=keys)
        self._familiar = Familiar()
        self._generations = [Generation(number) for number in range(3)]
        self._rows = array("d")
        self._started_at = -1.0
        self._probability = 0.0
        self._found: list[Any] | None = None
        self._analysed = self._unexplained = self._unexplained_objects = self._extra_objects = 0
        self._figures = threading.Lock()  # counted and read as a whole
        # They may end while the figures are read, also in the very thread that reads.
        self._uncounted: list[Collection] = []

    def stop(self) -> None:
        """Listen no more."""
        if not self._ended_at:
            self._ended_at = perf_counter()
        super().stop()

    def failed(self) -> None:
        """What cannot be read costs an explanation, never the program."""
        self._found, self._probability = None, 0.0
        self._started_at = perf_counter() if self._started_at < 0 else self._started_at

    def called(self, phase: Phase, info: dict[str, int]) -> None:
        """The collector starts, or has stopped."""
        if os.getpid() != self._pid:  # a fork: the child counts anew
            self._keep_rows = False
            self._begin()
        generation = info["generation"]
        if phase == "start":
            self._choose(generation, perf_counter())
            self._started_at = perf_counter()
        elif self._started_at >= 0:  # else it began before we did
            pause = perf_counter() - self._started_at
            self._uncounted.append((self._started_at, pause, info, self._probability, self._found))
            self._started_at, self._found = -1.0, None
            if self._figures.acquire(blocking=False):
                try:
                    self._count_all()
                finally:
                    self._figures.release()

    def _choose(self, generation: int, now: float) -> None:
        self._found = None
        self._probability = 0.0 if self._refused else self._budget.probability(generation, now)
        if self._probability and self._budget.wins(self._probability):
            self._analyse(generation, now)

    def _analyse(self, generation: int, now: float) -> None:
        analysis = exclusive.analysis()
        if sys.is_finalizing() or exclusive.is_analysing_here() or not analysis.acquire(blocking=False):
            self._probability = 0.0
            return
        try:
            objects = closed(listing(range(generation + 1)))
            wants = self._shelf.wanting(_MOST_ADVISED if self._settings[0] < 1 else math.inf)
            found = explain_garbage(*judged(objects), wants, self._familiar)
            self._found = list(found.shapes)
            objects.clear()
        finally:
            analysis.release()
            self._budget.spent(generation, perf_counter() - now)

    def _count_all(self) -> None:
        while self._uncounted:
            self._count(*self._uncounted.pop(0))

    def _count(
        self,
        started_at: float,
        pause: float,
        info: dict[str, int],
        probability: float,
        found: list[Any] | None,
    ) -> None:
        generation = info["generation"]
        total = self._generations[generation]
        total.collections += 1
        total.collected += info["collected"]
        total.uncollectable += info["uncollectable"]
        total.candidates += info.get("candidates", 0)
        total.pause_seconds += pause
        total.longest_pause_seconds = max(total.longest_pause_seconds, pause)
        total.pause_counts[bisect.bisect_left(PAUSE_BUCKETS_SECONDS, pause)] += 1
        if self._keep_rows and len(self._rows) < _ROW * _MOST_ROWS:
            self._rows.extend(
                (started_at - self.began_at, generation, pause, info["collected"], info["uncollectable"])
            )
        if found is not None:
            self._take(found, info["collected"], probability)
        elif not probability:
            self._unexplained += 1
            self._unexplained_objects += info["collected"]

    def _take(self, found: list[Any], collected: int, probability: float) -> None:
        self._analysed += 1
        extra = max(collected - sum(shape.garbage for shape in found), 0)
        self._extra_objects += extra
        self._shelf.explained.add(collected - extra, probability)
        self._shelf.add(found, probability)

    @contextmanager
    def _read(self) -> Iterator[None]:
        """All figures are of the same moment in the block."""
        is_ours = self._figures.acquire(timeout=_MOST_WAITED_SECONDS)
        try:
            if is_ours:
                self._count_all()
            yield
        finally:
            if is_ours:
                self._figures.release()

    def seen(self) -> Seen:
        """What was seen until now, as values of its own."""
        with self._read():
            return self._seen()

    def _seen(self) -> Seen:
        collected = sum(each.collected for each in self._generations)
        exact = collected - self._unexplained_objects - self._extra_objects
        return Seen(
            generations=[Generation(**each.to_dict()) for each in self._generations],
            shapes=[entry.seen(self._shelf.explained, exact) for entry in self._shelf.entries()],
            elapsed_seconds=(self._ended_at or perf_counter()) - self.began_at,
            analysis_seconds=self._budget.spent_seconds,
            analysed=self._analysed,
            analysed_objects=int(self._shelf.explained.seen),
            unexplained=self._unexplained,
            unexplained_objects=self._unexplained_objects,
            extra_objects=self._extra_objects,
            rest_objects=self._shelf.rest.value,
            refused=self._refused,
        )

    def record(self) -> dict[str, Any]:
        """What was seen, with the collections since the last record."""
        with self._read():
            rows, self._rows = self._rows, array("d")
            seen = self._seen()
        return {
            **seen.to_dict(),
            "pid": self._pid,
            "latest": {name: list(rows[place::_ROW]) for place, name in enumerate(COLUMNS)},
        }


class _Maker:
    """``with garbology.monitor(budget=0.05) as seen:`` watches a block; :meth:`start` and :meth:`stop` a process.

    See :class:`garbology.monitoring.monitors.Monitor` for what it does and its parameters.
    """

    def __init__(self) -> None:
        self._running: Monitor | None = None

    def __call__(
        self,
        budget: float = 0.05,
        sink: Callable[[dict[str, Any]], object] | None = None,
        *,
        interval_seconds: float = 1.0,
        keys: bool = False,
        seed: int | None = None,
    ) -> Monitor:
        """A monitor that has not begun: for ``with``, or for its own ``start()`` and ``stop()``."""
        return Monitor(budget, sink, interval_seconds=interval_seconds, keys=keys, seed=seed)

    def start(self, budget: float = 0.05, sink: Sink | None = None, **settings: Any) -> Live:
        """Watch this process from now on; the arguments are those of a monitor.

        Raises
        ------
        RuntimeError : it is watched already.
        """
        if self._running is not None:
            raise RuntimeError("this process is watched already: garbology.monitor.stop() ends it")
        monitor = Monitor(budget, sink, **settings)
        live = monitor.start()
        self._running = monitor
        return live

    def stop(self) -> Seen:
        """End what :meth:`start` began; what was seen.

        Raises
        ------
        RuntimeError : nothing was started.
        """
        running, self._running = self._running, None
        if running is None:
            raise RuntimeError("this process is not watched: garbology.monitor.start() begins it")
        return running.stop()


monitor = _Maker()
