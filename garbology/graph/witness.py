"""What was needed while the work was live: edges that an advice must not weaken.

When a function returns, the window is read as the program then had it. An edge class is needed if, without it, an
object that a root still reached would not have been reached: then a weak reference there would have killed it
too early. That tells ``Function.outputs`` (the caller holds the output) from ``Variable.creator`` (nothing else
holds the Function).

Two moments of every return are looked at: just before, when the function's own locals are still roots, and just
after, when only its result and what others hold are. Only the first returns of each function are looked at, and
only for some milliseconds in all, or a part of the time that the work takes; an edge about which nothing was seen
may be weakened.

Where nothing is on a cycle yet, what alone holds its target is needed, too: work that is too large to be read at its
end is known by its beginning then.

An edge class is tried as a whole: where a cycle has such an edge, those of other objects of the same class are left
out with it (:mod:`garbology.graph.elsewhere`).
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from garbology.graph import snapshot as snapshots
from garbology.graph.candidates import candidates_of
from garbology.graph.components import Components, cyclic_components
from garbology.graph.edge_classes import EdgeClass
from garbology.graph.elsewhere import Elsewhere
from garbology.graph.folding import Link
from garbology.graph.looks import DEEP, MOST_OBJECTS_AT_END, Looks, is_made_by_the_program
from garbology.graph.occurrence import Occurrence, occurrence_of
from garbology.graph.reachability import reachable_from
from garbology.graph.shapes import folded_of, read_links
from garbology.graph.snapshot import Snapshot
from garbology.interpreter import exclusive
from garbology.interpreter.returns import Returns
from garbology.interpreter.thread_stacks import counted_locals
from garbology.interpreter.tracing import untraced

_MOST_CYCLES = 8
_MOST_RETURNS = 8  # of one function: between the 4th and the 8th the window doubles, and is looked at
_GOLDEN = 0x9E3779B1  # spreads small numbers over 32 bits
_OWN_CODE = str(Path(__file__).parent.parent)

# What holds objects from outside the window at one moment, and what can be reached from there: bool, shape (n,) each.
Moment = tuple[NDArray[np.bool_], NDArray[np.bool_]]


class Witness:
    """Watches functions return, from :meth:`start` to :meth:`stop`; ``needed`` grows meanwhile.

    ``window`` answers the tracked objects made since the watch began, ``main`` is the code of the watched function,
    whose return is always looked at, and ``around`` the code that has the watched block in it. ``saw_all`` is whether
    no important moment was left out: the end of a very long or large piece of work may be.
    """

    def __init__(
        self,
        window: Callable[[], list[object]],
        main: types.CodeType | None = None,
        around: types.CodeType | None = None,
    ) -> None:
        self.needed: set[EdgeClass] = set()
        self.saw_all = False
        self._window = window
        self._main = main
        self._around = around
        self._looks = Looks()
        self._returns_of: dict[int, int] = {}
        self._returns: Returns | None = None

    def start(self) -> None:
        """Begin to watch, unless somebody else (a profiler) does already."""
        self._returns = Returns(self._returned)
        self._returns.start()
        self.saw_all = self._returns.told_all

    def stop(self) -> None:
        """Stop to watch, and put back what was changed."""
        if self._returns is not None:
            self._returns.stop()
            self.saw_all &= self._returns.told_all
            self._returns = None  # which holds us

    def look_at_result(self, result: object) -> None:
        """Look at what the watched function returned, while only its result is held; this ends the watch."""
        self.stop()
        if is_made_by_the_program(type(result)):
            with suppress(Exception):  # what cannot be read costs a hint, never the program
                self._look_if_alone(result, [], [], MOST_OBJECTS_AT_END)

    def _returned(self, frame: types.FrameType, result: object) -> bool:
        """A function returns; the answer is whether to look at its next return as well."""
        code = frame.f_code
        returns = self._returns_of[id(code)] = self._returns_of.get(id(code), 0) + 1
        if returns > _MOST_RETURNS or code.co_filename.startswith(_OWN_CODE):
            return False
        with self._looks.at(code, result, self._depth(frame)) as most:
            if most or code is self._main:
                arguments, own = _references_of(frame)
                self._look_if_alone(
                    result, arguments, own, MOST_OBJECTS_AT_END if code is self._main else most
                )
        return returns < _MOST_RETURNS

    def _depth(self, frame: types.FrameType) -> int:
        """How many calls lie between the watched function, or the block, and this one; at most DEEP."""
        caller = frame.f_back
        for depth in range(DEEP):
            if caller is None:
                break
            if caller.f_code is self._main or caller.f_code is self._around:
                return depth
            caller = caller.f_back
        return DEEP

    def _look_if_alone(self, result: object, arguments: list[int], own: list[int], most: int) -> None:
        """Look, unless another thread analyses; a program that goes on does not wait for that."""
        analysis = exclusive.analysis()
        if analysis.acquire(blocking=False):
            try:
                with untraced():
                    self._look(result, arguments, own, most)
            finally:
                analysis.release()

    def _look(self, result: object, arguments: list[int], own: list[int], most: int) -> None:
        objects = self._window()
        if len(objects) > most >= MOST_OBJECTS_AT_END:
            self.saw_all = False
        if not 0 < len(objects) <= most:
            return
        snapshot = snapshots.take(objects)
        held = snapshot.counts - np.bincount(snapshot.targets, minlength=len(snapshot))
        returned = snapshot.index.find(np.array([id(result)]))
        before = _less(held, snapshot, arguments)
        after = _less(before, snapshot, own)
        moments = []
        for counts, variables in ((before, arguments + own), (after, [])):
            roots = counts > 0
            roots[returned[returned >= 0]] = True
            roots[_shared_variables(snapshot, variables)] = True
            if roots.any():
                moments.append((roots, reachable_from(snapshot, roots)))
        if moments:
            self._add_needed(snapshot, moments, returned)

    def _add_needed(self, snapshot: Snapshot, moments: list[Moment], returned: NDArray[np.int32]) -> None:
        reached = functools.reduce(np.logical_or, [reached for _, reached in moments])
        components = cyclic_components(snapshot, reached)
        elsewhere = Elsewhere(snapshot, components, reached)
        self.needed |= elsewhere.owning(_kinds_of_the_program(snapshot, reached))
        first = [label for label in components.labels[returned[returned >= 0]].tolist() if label >= 0]
        for component in dict.fromkeys([*first, *_of_each_kind(snapshot, components)]):
            members = np.flatnonzero(components.labels == component)
            occurrence = occurrence_of(snapshot, members)
            for candidate in candidates_of(occurrence, _links_in(occurrence)):
                if candidate.key in self.needed:
                    continue
                kind = int(occurrence.kinds[candidate.links[0].source])
                sisters = elsewhere.edges_of(kind).get(candidate.key, [])
                removed = np.append(occurrence.edges[candidate.removed], np.array(sisters, np.int32))
                if any(map(_would_lose(snapshot, removed), moments)):
                    self.needed |= candidate.needed_keys()


def _kinds_of_the_program(snapshot: Snapshot, chosen: NDArray[np.bool_]) -> list[int]:
    """The types made by class statements that some of the chosen objects have."""
    kinds = np.flatnonzero(np.bincount(snapshot.kinds[chosen])).tolist()
    return [kind for kind in kinds if is_made_by_the_program(snapshot.types[kind])]


def _links_in(occurrence: Occurrence) -> list[Link]:
    """Its named links; of a large occurrence some of each kind of object, as far as their references are as many."""
    in_degrees, out_degrees = occurrence.in_degrees(), np.diff(occurrence.starts)
    alike = (occurrence.kinds * 31 + in_degrees) * 31 + out_degrees
    colours = alike.astype(np.uint32) * np.uint32(_GOLDEN)
    return read_links(occurrence, folded_of(occurrence, colours), colours)


def _would_lose(snapshot: Snapshot, removed: NDArray[np.int32]) -> Callable[[Moment], bool]:
    """Whether at a moment something that was reached would not have been, with some references weak."""
    left = _without(snapshot, removed)
    return lambda moment: bool((moment[1] & ~reachable_from(left, moment[0])).any())


def _of_each_kind(snapshot: Snapshot, components: Components) -> list[int]:
    """One component of each kind, as far as that can be told by the types in it; only some kinds."""
    inside = components.labels >= 0
    weights = np.sqrt(snapshot.kinds[inside] + 2.0)
    totals = np.bincount(components.labels[inside], weights, components.count).round(6)
    found: list[int] = np.unique(totals, return_index=True)[1][:_MOST_CYCLES].tolist()
    return found


def _shared_variables(snapshot: Snapshot, addresses: list[int]) -> NDArray[np.int32]:
    """What is in those cells that are among ``addresses``: a variable shared with an inner function."""
    places = snapshot.index.find(np.array(addresses, np.int64))
    cells = [
        place for place in places.tolist() if place >= 0 and type(snapshot.objects[place]) is types.CellType
    ]
    contents: NDArray[np.int32] = snapshot.targets[np.isin(snapshot.sources, cells)]
    return contents


def _without(snapshot: Snapshot, edges: NDArray[np.int32]) -> Snapshot:
    """The snapshot with some references turned back to their own sources."""
    targets = snapshot.targets.copy()
    targets[edges] = snapshot.sources[edges]
    return replace(snapshot, targets=targets)


def _references_of(frame: types.FrameType) -> tuple[list[int], list[int]]:
    """Addresses of what a running function holds: as its arguments, and as its own variables."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)  # *args, **kwargs
    names = {f"local {name}" for name in code.co_varnames[:count]}
    found = counted_locals(frame)
    arguments = [address for label, address in found if label in names]
    return arguments, [address for label, address in found if label not in names]


def _less(held: NDArray[np.int64], snapshot: Snapshot, addresses: list[int]) -> NDArray[np.int64]:
    """``held`` less one for each of ``addresses``."""
    places = snapshot.index.find(np.array(addresses, np.int64))
    left: NDArray[np.int64] = held - np.bincount(places[places >= 0], minlength=len(held))
    return left
