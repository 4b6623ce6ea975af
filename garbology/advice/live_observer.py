"""What was needed while the work was live: edges that an advice must not weaken.

At some moments of the work the window is read as the program then has it. An edge class is needed if, without it, an
object that a root still reached would not have been reached: then a weak reference there would have killed it
too early. That tells ``Function.outputs`` (the caller holds the output) from ``Variable.creator`` (nothing else
holds the Function).

Moments are calls and returns, yields, the closing of generators, and lines of the functions at work (before 3.12,
which does not tell of lines, calls of C functions): what a statement drops is seen at the next of them. Of a return two
moments are looked at: just before, when the function's own locals are still roots, and just after, when only its
result and what others hold are. Only the first moments of each function are looked at, and only as long as no more
objects are read than :mod:`garbology.advice.sampling` allows; an edge about which nothing was seen may be weakened.

What was needed in a container is remembered of the container and the element as well, as long as both live: a list
may have another owner at the end than in use.

Where nothing is on a cycle yet, what alone holds its target is needed, too: work that is too large to be read at its
end is known by its beginning then.

An edge class is tried as a whole: where a cycle has such an edge, those of other objects of the same class are left
out with it (:mod:`garbology.advice.ownership`).
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
import types
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from garbology.advice.candidates import Candidate, candidates_of
from garbology.advice.edge_classes import EdgeClass
from garbology.advice.leaving import Holders, counts_without
from garbology.advice.losses import Moment, shared_variables, would_lose
from garbology.advice.needs import Needs
from garbology.advice.own_objects import take_out
from garbology.advice.ownership import OwnershipIndex
from garbology.advice.sampling import (
    DEEP,
    MOST_OBJECTS_AT_END,
    SMALL,
    SamplingPolicy,
    is_made_by_the_program,
    is_standard,
)
from garbology.advice.small_looks import SmallLooks
from garbology.advice.together import Together
from garbology.advice.unseen import TELLS_OF_LINES, moments_within_lines, uses_after_a_drop
from garbology.cycles.components import Components, cyclic_components
from garbology.cycles.folding import Link
from garbology.cycles.occurrence import Occurrence, occurrence_of
from garbology.cycles.reachability import reachable_from
from garbology.cycles.shapes import folded_of, read_links
from garbology.interpreter import exclusive
from garbology.interpreter.executed import Executed, Ran
from garbology.interpreter.interruption import signal_of
from garbology.interpreter.other_threads import any_has_run, processor_times
from garbology.interpreter.putting_back import is_exiting
from garbology.interpreter.returns import CALLED, CLOSED, INSIDE, WITHIN, YIELDED, Returns
from garbology.interpreter.thread_stacks import frames_of
from garbology.interpreter.tracing import untraced
from garbology.names.sources import INSTRUMENT
from garbology.snapshot import snapshot as snapshots
from garbology.snapshot.addresses import addresses_of
from garbology.snapshot.arrays import among, first_of, packed, second_of
from garbology.snapshot.snapshot import Snapshot

_MOST_CYCLES = 8
_MOST_RETURNS = 8  # of one function: between the 4th and the 8th the window doubles, and is looked at
_RETURNED = "returned"
_EVENTS = (_RETURNED, CALLED, YIELDED, CLOSED, INSIDE, WITHIN)
_LINE_BITS = 32
_MOST_PASSED = {
    CALLED: 8,
    YIELDED: 8,
    CLOSED: 8,
    INSIDE: 3,
    WITHIN: 3,
}  # moments of one function, line or place in it
_REFERENTS_PER_OBJECT = 16  # cost as much to read as an object
_START_OF_THREAD = threading.Thread.start.__code__
_GOLDEN = 0x9E3779B1  # spreads small numbers over 32 bits


class LiveObserver:
    """Watches functions at work, from :meth:`start` to :meth:`stop`; what it knows grows meanwhile.

    ``window`` answers the tracked objects made since the watch began, or None where they are more than it is told to
    list at most; ``main`` is the code of the watched function, whose return is always looked at, and ``around`` the
    code that has the watched block in it. ``saw_all`` is whether no important moment was left out: the end of a very
    long or large piece of work may be.
    """

    def __init__(
        self,
        window: Callable[[int], list[object] | None],
        main: types.CodeType | None = None,
        around: types.CodeType | None = None,
    ) -> None:
        self.saw_all = False
        self._saw_calls = False
        self._dropped_unseen = False  # between two moments that were told of
        self._needs = Needs()
        self._has_looked = False
        self._few = SmallLooks(self._needs)
        self._ends: dict[int, int] = {}  # places of the looks' marks among the objects at the end
        self._window = window
        self._main = main
        self._around = around
        self._looks = SamplingPolicy()
        self._moments_of: dict[int, int] = {}
        self._begun: types.CodeType | None = None
        self._executed = Executed()
        self._times = processor_times()
        self._returns: Returns | None = None

    @property
    def needed(self) -> set[EdgeClass]:
        """Edge classes that were seen to be needed."""
        return self._needs.classes

    @property
    def together(self) -> Together:
        """Edge classes of which one must stay."""
        return self._needs.together

    @property
    def calls(self) -> Mapping[str, Ran]:
        """What ran, by file; empty where some of the functions that ran are not known.

        Before 3.12 nothing is told of another thread.
        """
        found = self._executed.by_file()
        begun = _START_OF_THREAD.co_firstlineno in found.get(_START_OF_THREAD.co_filename, Ran()).functions
        in_threads = sys.version_info < (3, 12) and (begun or any_has_run(self._times))
        return found if self._saw_calls and not in_threads else {}

    def start(self) -> None:
        """Begin to watch, unless somebody else (a profiler) does already."""
        self._returns = Returns(self._returned, self._passed, self._executed)
        self._returns.prepare()
        if self._main is None:  # what called a watched function does nothing while that works
            for frame in frames_of(sys._getframe()):
                if frame.f_code is self._around:
                    self._returns.note(frame)
                else:
                    self._executed.begins(frame.f_code)
        for code in (self._main, self._around):
            if code is not None and not is_standard(code):
                self._follow(code)
        self._returns.start()
        self.saw_all = self._returns.told_all
        self._looks.begin()

    def _follow(self, code: types.CodeType) -> None:
        if self._returns is not None:
            self._returns.follow(code, moments_within_lines)
        if not code.co_filename.startswith(INSTRUMENT) and (code is not self._around or TELLS_OF_LINES):
            self._dropped_unseen |= uses_after_a_drop(code)

    def stop(self) -> None:
        """Stop to watch, and put back what was changed."""
        if self._returns is not None:
            self._returns.stop()
            self._begun = None
            self.saw_all &= self._returns.told_all and not self._dropped_unseen
            self._saw_calls = self._returns.told_all and self._returns.told_every_call
            self._returns = None  # which holds us

    def take_out_notes(self, objects: list[object]) -> None:
        """Take what this watch put into the window out of its ``objects``, which are in the order they were made in."""
        if self._has_looked:
            take_out(self._needs, objects)
        marks = self._few.marks
        if not marks:
            return
        places = np.flatnonzero(among(addresses_of(objects), list(map(id, marks))))
        for before, place in enumerate(places.tolist()):
            self._ends[id(objects[place])] = place - before
        for place in places[::-1].tolist():
            del objects[place]

    def needed_elements(self, objects: list[object], *, by_age: bool) -> frozenset[tuple[int, int]]:
        """``id`` of each container and of what was needed in it, as far as both are among the window's ``objects``.

        These are in the order in which they were made (``by_age``), or nothing is known: something else may stand where
        a dead one stood. What was read and not judged is judged now.
        """
        if not by_age or not objects:
            return frozenset()
        self._few.judge_kept(objects, self._ends)
        elements = self._needs.known_elements()
        if not elements:
            return frozenset()
        addresses = addresses_of(objects)
        wanted = np.array([each for pair in elements for each in pair], np.int64)
        places = np.flatnonzero(among(addresses, wanted))
        place_of = dict(zip(addresses[places].tolist(), places.tolist(), strict=True))
        ends = [self._ends.get(id(mark), -1) for mark in self._few.marks]
        return frozenset(
            pair
            for pair, look in elements.items()
            if all(place_of.get(each, ends[look]) < ends[look] for each in pair)
        )

    def look_at_result(self, result: object) -> None:
        """Look at what the watched function returned, while only its result is held; this ends the watch."""
        self.stop()
        if is_made_by_the_program(type(result)):
            try:
                self._look_if_alone(Holders(result), MOST_OBJECTS_AT_END)
            except Exception as error:  # what cannot be read costs a hint, never the program
                if signal_of(error) is not None:
                    raise

    def _returned(self, frame: types.FrameType, result: object) -> bool:
        """A function returns; the answer is whether to look at its next return as well."""
        code = frame.f_code
        self._begun = None
        moments = self._count(_RETURNED, code)
        if moments > _MOST_RETURNS or code.co_filename.startswith(INSTRUMENT):
            return False
        most = self._looks.at_return(code, result, self._depth(frame), is_first=moments == 1)
        if most or code is self._main:
            most = MOST_OBJECTS_AT_END if code is self._main else most
            self._look_if_alone(Holders(result, frame), most)
        return moments < _MOST_RETURNS

    def _passed(self, event: str, frame: types.FrameType) -> bool:
        """A function is called, resumed, yields or is closed; whether to look at its next such moment as well."""
        code = frame.f_code
        place = {INSIDE: frame.f_lineno, WITHIN: frame.f_lasti}.get(event, 0)
        moments = self._count(event, code, place)
        if moments > _MOST_PASSED[event] or code.co_filename.startswith(INSTRUMENT) or is_standard(code):
            return False
        if event == CALLED and moments == 1:
            self._follow(code)
        begins, self._begun = event == INSIDE and self._begun is code, code if event == CALLED else None
        if begins:  # the first line, where all is as it was at the call
            return moments < _MOST_PASSED[event]
        most = self._looks.in_passing(is_first=moments == 1)
        if most:
            closed = Holders(None, frame) if event == CLOSED else None
            self._look_if_alone(closed, most)
        return moments < _MOST_PASSED[event]

    def _count(self, event: str, code: types.CodeType, place: int = 0) -> int:
        """How often this was told of; by a number, for a tuple would be one more object in the window."""
        key = (id(code) << _LINE_BITS | place) * len(_EVENTS) + _EVENTS.index(event)
        count = self._moments_of[key] = self._moments_of.get(key, 0) + 1
        return count

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

    @untraced
    def _look_if_alone(self, leaving: Holders | None, most: int) -> None:
        """Look, unless another thread analyses, for which a program that goes on does not wait, or the program ends."""
        analysis = exclusive.analysis()
        if not is_exiting() and analysis.acquire(blocking=False):
            before = gc.get_count()[0]
            seen = None
            try:
                if not is_exiting():  # it may have begun to, before the lock was ours
                    seen = self._look(leaving, most)
            finally:
                if seen is None:
                    self._looks.made_by_us(gc.get_count()[0] - before)
                else:
                    self._looks.have_seen(seen)
                analysis.release()

    def _look(self, leaving: Holders | None, most: int) -> int | None:
        """How many objects the window has; None where that is not known, or too many."""
        objects = self._window(most)
        if objects is None or len(objects) > most:
            if most >= MOST_OBJECTS_AT_END:
                self.saw_all = False
            return None
        if objects:
            self._look_at(objects, leaving)
        return len(objects)

    def _look_at(self, objects: list[object], leaving: Holders | None) -> None:
        self._has_looked = True
        known = len(self._needs.elements)
        self._needs.looks = len(self._few.marks)
        if len(objects) <= SMALL:
            self._look_at_few(objects, leaving)
        elif leaving is not None:
            self._look_at_many(objects, leaving)
        if len(self._needs.elements) > known:
            self._few.marks.append([])  # what is older than this in the window was there at this look

    def _look_at_few(self, objects: list[object], leaving: Holders | None) -> None:
        referents = self._few.look(objects, leaving)
        self._looks.spend(len(objects) + referents // _REFERENTS_PER_OBJECT)
        self._looks.saw_cycle = self._few.saw_cycle

    def _look_at_many(self, objects: list[object], leaving: Holders) -> None:
        self._looks.spend(len(objects))
        snapshot = snapshots.take(objects)
        held = snapshot.counts - np.bincount(snapshot.targets, minlength=len(snapshot))
        returned = snapshot.index.find(np.array([id(leaving.result)]))
        before = counts_without(held, snapshot, leaving.arguments)
        after = counts_without(before, snapshot, leaving.own)
        moments = []
        for counts, variables in ((before, leaving.arguments + leaving.own), (after, [])):
            roots = counts > 0
            roots[returned[returned >= 0]] = True
            roots[shared_variables(snapshot, snapshot.index.find(np.array(variables, np.int64)))] = True
            roots[shared_variables(snapshot, np.flatnonzero(roots))] = True
            if roots.any():
                moments.append((roots, reachable_from(snapshot, roots)))
        if moments:
            self._add_needed(snapshot, moments, returned)

    def _add_needed(self, snapshot: Snapshot, moments: list[Moment], returned: NDArray[np.int32]) -> None:
        reached = functools.reduce(np.logical_or, [reached for _, reached in moments])
        components = cyclic_components(snapshot, reached)
        self._looks.saw_cycle = self._few.saw_cycle = self._few.saw_cycle or components.count > 0
        elsewhere = OwnershipIndex(snapshot, components, reached)
        self._needs.classes |= elsewhere.owning(_kinds_of_the_program(snapshot, reached))
        first = [label for label in components.labels[returned[returned >= 0]].tolist() if label >= 0]
        for component in dict.fromkeys([*first, *_of_each_kind(snapshot, components)]):
            members = np.flatnonzero(components.labels == component)
            occurrence = occurrence_of(snapshot, members)
            spared = []
            for candidate in candidates_of(occurrence, _links_in(occurrence)):
                if candidate.key in self.needed:
                    continue
                kind = int(occurrence.kinds[candidate.links[0].source])
                sisters = elsewhere.edges_of(kind).get(candidate.key, [])
                removed = np.append(occurrence.edges[candidate.removed], np.array(sisters, np.int32))
                if any(map(would_lose(snapshot, removed), moments)):
                    self._needs.classes |= candidate.needed_keys()
                    for link in candidate.links:
                        self._needs.add_element(link.steps[-1].holder, link.steps[-1].referent)
                else:
                    spared.append(candidate)
            for moment in moments:
                self._add_together(snapshot, occurrence, spared, moment)

    def _add_together(
        self, snapshot: Snapshot, occurrence: Occurrence, spared: list[Candidate], moment: Moment
    ) -> None:
        """Remember which of the ``spared`` edges are all that led to something."""
        roots, reached = moment
        number = np.full(len(snapshot.targets), -1)
        for place, candidate in enumerate(spared):
            number[occurrence.edges[candidate.removed]] = place
        leads = reached[snapshot.sources] & (snapshot.sources != snapshot.targets)
        chosen = leads & (number >= 0)
        wanted = np.bincount(snapshot.targets[chosen], minlength=len(snapshot))
        alone = (
            (wanted > 0) & ~roots & (wanted == np.bincount(snapshot.targets[leads], minlength=len(snapshot)))
        )
        edges = np.flatnonzero(chosen & alone[snapshot.targets])
        pairs = packed(snapshot.targets[edges], number[edges])
        groups = np.split(second_of(pairs), np.flatnonzero(np.diff(first_of(pairs))) + 1)
        for group in {tuple(group.tolist()) for group in groups if len(group) > 1}:
            self._needs.together.add(frozenset(spared[place].needed_keys()) for place in group)


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


def _of_each_kind(snapshot: Snapshot, components: Components) -> list[int]:
    """One component of each kind, as far as that can be told by the types in it; only some kinds."""
    inside = components.labels >= 0
    weights = np.sqrt(snapshot.kinds[inside] + 2.0)
    totals = np.bincount(components.labels[inside], weights, components.count).round(6)
    found: list[int] = np.unique(totals, return_index=True)[1][:_MOST_CYCLES].tolist()
    return found
