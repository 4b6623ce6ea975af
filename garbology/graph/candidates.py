"""The edges of a cycle that a line of the program can weaken, and the references that each of them stands for."""

from __future__ import annotations

import functools
import types
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from garbology.graph.arrays import blocks, put
from garbology.graph.edge_classes import EdgeClass, class_of_edge, lines_of_source, with_bases
from garbology.graph.folding import Link
from garbology.graph.occurrence import Occurrence
from garbology.graph.remedies import is_closed_with

# What no line of the program can weaken.
_FIXED = (
    *(".__class__", ".__mro__", ".__bases__", ".__objclass__", ".__globals__", ".__builtins__", ".__code__"),
    *(".f_back", ".f_globals", ".tb_frame", ".tb_next", ".gi_frame", ".cr_frame", ".ag_frame"),
    *("value stack", "held inside"),
)


@dataclass(eq=False)
class Candidate:
    """All links of one edge class, and the references in the occurrence that they end in."""

    key: EdgeClass
    links: list[Link]
    removed: NDArray[np.bool_]
    younger_to_older: bool

    def keys(self) -> set[EdgeClass]:
        """What stands for the same line of source: one that is needed speaks against all that have a key of it."""
        return lines_of_source(self.links[0])

    def needed_keys(self) -> set[EdgeClass]:
        """The keys that are needed where this one is: one line of source also holds a base class's objects."""
        return with_bases(self.keys(), self.links[0].steps[-1].referent)


def candidates_of(occurrence: Occurrence, links: Sequence[Link]) -> list[Candidate]:
    """The links by edge class, those left out that no line of a program can weaken."""
    groups: dict[EdgeClass, list[Link]] = defaultdict(list)
    for link in links:
        if _can_be_weakened(link):
            groups[class_of_edge(link)].append(link)
    found = []
    for key, members in groups.items():
        younger = sum(link.source > link.target for link in members)
        own = sum(link.source == link.target for link in members)
        found.append(Candidate(key, members, _removed(occurrence, members), 2 * younger + own > len(members)))
    return found


def _removed(occurrence: Occurrence, links: Sequence[Link]) -> NDArray[np.bool_]:
    """The references that ``links`` end in, and in a large cycle those of all paths like them: bool, shape (m,)."""
    if not occurrence.is_large:
        strides = int(occurrence.positions.max(initial=0)) + 1
        ends = np.array(
            [link.steps[-1].place * strides + link.steps[-1].position for link in links], np.int64
        )
        return np.isin(occurrence.sources.astype(np.int64) * strides + occurrence.positions, ends)
    removed = np.zeros(len(occurrence.targets), bool)
    for path in set(map(functools.partial(_physical_path, occurrence.kinds), links)):
        holders = occurrence.kinds == path[0][0]
        for step in path:
            chosen = _references_like(occurrence, holders, step)
            holders = np.zeros(len(occurrence.objects), bool)
            put(holders, occurrence.targets[chosen], True)
        removed |= chosen
    return removed


def _references_like(
    occurrence: Occurrence, holders: NDArray[np.bool_], step: tuple[int, int | None, int]
) -> NDArray[np.bool_]:
    """The references that some ``holders`` (bool, shape (n,)) have by one step of a path: bool, shape (m,)."""
    kind, position, following = step
    like = np.zeros(len(occurrence.targets), bool)
    for block in blocks(len(occurrence.objects)):
        own = holders[block] & (occurrence.kinds[block] == kind)
        if not own.any():
            continue
        starts = occurrence.starts[block.start : block.stop + 1]
        within = slice(int(starts[0]), int(starts[-1]))
        chosen = np.repeat(own, np.diff(starts))
        if position is not None:
            chosen &= occurrence.positions[within] == position
        chosen &= occurrence.kinds[occurrence.targets[within]] == following
        like[within] = chosen
    return like


def _physical_path(kinds: NDArray[np.int32], link: Link) -> tuple[tuple[int, int | None, int], ...]:
    """For each step the kind of the holder, the position of the reference and the kind of the referent; no position
    for any element of a container.
    """
    path = []
    before = ""
    following = [step.place for step in link.steps[1:]] + [link.target]
    for step, target in zip(link.steps, following, strict=True):
        element = step.label.startswith("[") or type(step.holder) is set or type(step.holder) is frozenset
        named = before == ".__dict__" or (
            type(step.holder) is tuple and type(step.referent) is types.CellType
        )
        position = step.position if named or not element else None
        path.append((int(kinds[step.place]), position, int(kinds[target])))
        before = step.label
    return tuple(path)


def _can_be_weakened(link: Link) -> bool:
    return is_closed_with(link) or not any(step.label.startswith(_FIXED) for step in link.steps)
