"""Looks at windows of some hundred objects: judged at once where something is on a cycle, else kept as numbers.

Most blocks leave no cycle, and nothing is advised of them: to judge what they need would be most of what a watch takes.
So as long as nothing in the window is on a cycle a look only reads it, counts and addresses. These are judged where a
cycle is found after all, at a later look or at the end: what holds its target before the cycle is closed is needed as
well. What has died until then is not named any more.
"""

from __future__ import annotations

import marshal
from typing import NamedTuple

import numpy as np

from garbology.advice.leaving import Holders, contents_of, let_go, with_variables
from garbology.advice.needs import Needs
from garbology.advice.small_window import GONE, Read, SmallWindow, read
from garbology.snapshot.addresses import addresses_of
from garbology.snapshot.arrays import among

_MOST_CHECKED = 64  # objects: whether there is a cycle among more is known at the end


class _Moment(NamedTuple):
    """What holds objects when a function ends, by addresses; the ``blocked`` objects, by places, are gone then."""

    result: int
    arguments: list[int]
    own: list[int]
    blocked: list[int]


class SmallLooks:
    """Takes in what is needed.

    Attributes
    ----------
    saw_cycle : whether something was on a cycle at a look; from then on each look is judged at once.
    marks : objects of the window, each younger than what was there at a look.
    """

    def __init__(self, needs: Needs) -> None:
        self.saw_cycle = False
        self.marks: list[list[object]] = []
        self._needs = needs
        self._kept: list[bytes] = []  # which the collector does not track: they are not in the window
        self._mark_of: list[int] = []

    def look(self, objects: list[object], leaving: Holders | None) -> int:
        """Look at the window's ``objects``; how many references they have."""
        found = read(objects)
        moment = None if leaving is None else self._moment_of(leaving, objects)
        window = None
        if not self.saw_cycle and len(objects) <= _MOST_CHECKED:
            window = SmallWindow(objects, found)
            self.saw_cycle = window.has_cycle()
        if self.saw_cycle:
            self.judge_kept(objects, dict(zip(found.addresses, range(len(objects)), strict=True)))
            self._needs.looks = len(self.marks)
            _learn(self._needs, window or SmallWindow(objects, found), moment)
        else:
            self._keep(found, moment)
        return len(found.referents)

    def _moment_of(self, leaving: Holders, objects: list[object]) -> _Moment:
        if leaving.frame is not None:
            code = leaving.frame.f_code
            self._needs.variables[id(code)] = code.co_varnames
        return _Moment(id(leaving.result), leaving.arguments, leaving.own, leaving.running(objects))

    def _keep(self, found: Read, moment: _Moment | None) -> None:
        self._kept.append(_packed(found, moment))
        self._mark_of.append(len(self.marks))
        self.marks.append([])

    def judge_kept(self, objects: list[object], ends: dict[int, int]) -> None:
        """Judge what was kept, by what is still there of it among the window's ``objects``, the oldest first.

        ``ends`` has the place of each mark among these, by its address: what is younger was not there.
        """
        if not self._kept:
            return
        kept = [_unpacked(packed) for packed in self._kept]
        places = _places_of({address for found, _ in kept for address in found.addresses}, objects)
        for (found, moment), mark in zip(kept, self._mark_of, strict=True):
            end = ends.get(id(self.marks[mark]), 0)
            there = [places.get(address, end) for address in found.addresses]
            window = SmallWindow([objects[place] if place < end else GONE for place in there], found)
            self._needs.looks = mark
            _learn(self._needs, window, moment)
        self._kept.clear()
        self._mark_of.clear()


def _places_of(addresses: set[int], objects: list[object]) -> dict[int, int]:
    """Places of what has one of some addresses; the objects may be many."""
    there = addresses_of(objects)
    found = np.flatnonzero(among(there, list(addresses)))
    return dict(zip(there[found].tolist(), found.tolist(), strict=True))


def _learn(needs: Needs, window: SmallWindow, moment: _Moment | None) -> None:
    """Take in what is needed at one moment, or, where a function ends, just before and just after."""
    if moment is None:
        needs.look(window, with_variables(window, window.held()))
        return
    held = window.held(moment.blocked)
    for address in moment.arguments:
        let_go(held, window, address)
    returned = window.index.get(moment.result)
    is_any_new = any(map(window.index.__contains__, moment.arguments + moment.own))
    for own in ([], moment.own) if is_any_new else ([],):  # else both moments are one
        for address in own:
            let_go(held, window, address)
        variables = [] if own else moment.arguments + moment.own
        roots = {*with_variables(window, held), *contents_of(window, map(window.index.get, variables))}
        roots.update([] if returned is None else [returned])
        needs.look(window, sorted(roots), moment.blocked)


def _packed(found: Read, moment: _Moment | None) -> bytes:
    return marshal.dumps((tuple(found), None if moment is None else tuple(moment)))


def _unpacked(packed: bytes) -> tuple[Read, _Moment | None]:
    found, moment = marshal.loads(packed)  # noqa: S302 - our own
    return Read(*found), None if moment is None else _Moment(*moment)
