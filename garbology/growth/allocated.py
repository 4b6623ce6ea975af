"""Where memory is allocated that no object has: some more calls, under tracemalloc.

A reference that C code leaks leaves no holder that could be named. What it leads to was allocated on some line, which
can be found: by what stays allocated there at each call, less the objects to which another one leads.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, combinations, compress
from typing import Any

from garbology.interpreter import collector, exclusive
from garbology.interpreter.allocation_sites import allocation_traceback, traced
from garbology.interpreter.allocation_tracing import is_stopped_safely, stop_tracing
from garbology.names.sources import INSTRUMENT, line_at, site
from garbology.sizes.sizes import bytes_of_each
from garbology.snapshot.listing import closed, listing
from garbology.snapshot.snapshot import referents_in_chunks

_MOST_CALLS, _FEWEST_CALLS = 10, 2  # before a first look, in which caches fill, and again before a second one
_MOST_PLACES = 3
_LEAST_SHARE = 0.2  # of what is looked for, for a line to be told
_MOST_OFF = 1 / 3  # by which the lines may miss it: the figures are of other calls, and not rounded to blocks
_NOT_THE_PROGRAMS = INSTRUMENT, tracemalloc.__file__  # what these allocate, while it is traced

Place = tuple[str, int]
"""A file and a line."""


def allocated_at(call: Callable[[], object], parts: Sequence[float], calls: int) -> list[dict[str, Any]]:
    """The lines that allocate ``parts`` of the growth, in bytes a call: ``where``, ``source``, ``bytes``, ``calls``.

    So many ``calls`` were made to find them: no more than were measured, but for four. Empty where the lines do not add
    up to one or more of the parts, as where C code calls `malloc` itself; where a call fails; and where tracemalloc
    does not run and could not be switched off again without harm.
    """
    if not tracemalloc.is_tracing() and not is_stopped_safely():
        return []
    each = max(min(_MOST_CALLS, calls // 2), _FEWEST_CALLS)
    try:
        left = _left(call, each)
    except Exception:  # what was measured is told all the same
        return []
    for wanted in sorted({sum(some) for some in _subsets(parts)}, reverse=True):
        chosen = [
            (place, size) for place, size in left.most_common(_MOST_PLACES) if size >= _LEAST_SHARE * wanted
        ]
        if abs(sum(size for _, size in chosen) - wanted) <= _MOST_OFF * wanted:
            return [
                {"where": site(*place), "source": line_at(*place), "bytes": float(size), "calls": 2 * each}
                for place, size in chosen
            ]
    return []


def _subsets(parts: Sequence[float]) -> Iterator[tuple[float, ...]]:
    return chain.from_iterable(combinations(parts, count) for count in range(1, len(parts) + 1))


def _left(call: Callable[[], object], calls: int) -> Counter[Place]:
    """Bytes a call that stay allocated on each line, and to which no object leads."""
    with collector.paused(), _tracing():
        first, last = _after(call, calls), _after(call, calls)
    gained: Counter[Place] = Counter()
    for place, (count, size) in last.items():
        if count - first[place][0] >= calls:
            gained[place] = (size - first[place][1]) // calls
    return gained


@contextmanager
def _tracing() -> Iterator[None]:
    """Where the program traces already, it goes on doing so."""
    if tracemalloc.is_tracing():
        yield
        return
    tracemalloc.start()
    try:
        yield
    finally:
        stop_tracing()


def _after(call: Callable[[], object], calls: int) -> defaultdict[Place, tuple[int, int]]:
    """What is left on each line of the program's after some calls: how many blocks, and their bytes."""
    for _ in range(calls):
        call()
    statistics = tracemalloc.take_snapshot().statistics("lineno")
    counts, sizes = _known()
    left: defaultdict[Place, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for statistic in statistics:
        place = statistic.traceback[0].filename, statistic.traceback[0].lineno
        if not place[0].startswith(_NOT_THE_PROGRAMS):
            left[place] = statistic.count - counts[place], statistic.size - sizes[place]
    return left


def _known() -> tuple[Counter[Place], Counter[Place]]:
    """How many objects were allocated on each line, and their bytes: those to which another object leads."""
    counts: Counter[Place] = Counter()
    sizes: Counter[Place] = Counter()
    with exclusive.analysis():
        objects, places = _traced_objects()
        for place, size in zip(places, bytes_of_each(objects).tolist(), strict=True):
            counts[place] += 1
            sizes[place] += size
        objects.clear()
    return counts, sizes


def _traced_objects() -> tuple[list[object], list[Place]]:
    """Those that were allocated meanwhile and to which another one leads, with the line of each."""
    holders: Sequence[object] = closed(listing())
    listed = set(map(id, compress(holders, traced(holders))))
    known: dict[int, object] = {}
    places: dict[int, Place] = {}
    while holders:
        new: list[object] = []
        for referents in referents_in_chunks(holders):
            distinct = dict(zip(referents.addresses.tolist(), referents.objects, strict=True))
            for obj in compress(distinct.values(), traced(distinct.values())):
                place = _place_of(obj)
                if place is not None and id(obj) not in known:
                    known[id(obj)], places[id(obj)] = obj, place
                    new.append(obj)
            del referents, distinct
        holders = [obj for obj in new if id(obj) not in listed]
    return list(known.values()), list(places.values())


def _place_of(obj: object) -> Place | None:
    """Where an object was allocated; None for what was there before, and for our own, which may hold these lists."""
    traceback = allocation_traceback(obj)
    if not traceback or traceback[-1].filename.startswith(_NOT_THE_PROGRAMS):
        return None
    return traceback[-1].filename, traceback[-1].lineno
