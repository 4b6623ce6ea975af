"""The objects of one cycle at a time: what it looks like, its named links, where it was made."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.coloring import Coloring
from garbology.cycles.components import Components, Cycles
from garbology.cycles.folding import Folded, Link
from garbology.cycles.keys import with_addresses_named
from garbology.cycles.occurrence import Occurrence, occurrence_in
from garbology.cycles.shapes import Description, describe, folded_of, read_links
from garbology.interpreter.allocation_sites import allocation_traceback
from garbology.names.sources import INSTRUMENT
from garbology.snapshot.arrays import at
from garbology.snapshot.snapshot import Snapshot

_MOST_TOLD_APART = 1_000  # occurrences read one by one where a sample of them differs
_SMALL = 64  # objects of a cycle that is kept as it was read
_MOST_KEPT = 512
_MOST_SITES = 5
_MOST_TRACED = 200


class Occurrences:
    """The objects of one component at a time."""

    def __init__(
        self, snapshot: Snapshot, components: Components, inside: Cycles, coloring: Coloring
    ) -> None:
        self._snapshot = snapshot
        self._inside = inside
        self._ends = np.cumsum(components.sizes)
        self._order = _by_component(inside.of(components.labels), components)
        self._colours = coloring.colours
        self._latest_read: tuple[int, Folded, list[Link]] | None = None
        self._latest: tuple[int, Occurrence] | None = None  # a cycle of a million is read once
        self._small: dict[int, tuple[Occurrence, Folded, list[Link]]] = {}

    def _places(self, component: int) -> NDArray[np.int32]:
        first = self._ends[component - 1] if component else 0
        return self._order[first : self._ends[component]]

    def members(self, component: int) -> NDArray[np.int32]:
        """Places of the component's objects in the snapshot, ascending."""
        places, members = self._places(component), self._inside.members
        return places if members is None else members[places]

    def one(self, component: int) -> Occurrence:
        """The component, object by object."""
        if component in self._small:
            return self._small[component][0]
        if self._latest is None or self._latest[0] != component:
            self._latest = None  # before the next takes as much
            occurrence = occurrence_in(self._snapshot, self._inside, self._places(component))
            self._latest = component, occurrence
        return self._latest[1]

    def read(self, component: int) -> tuple[Folded, list[Link]]:
        """Its nodes and the named links between them."""
        if component in self._small:
            return self._small[component][1:]
        if self._latest_read is None or self._latest_read[0] != component:
            self._latest_read = None
            occurrence = self.one(component)
            colours = at(self._colours, self._places(component))
            folded = folded_of(occurrence, colours)
            links = with_addresses_named(read_links(occurrence, folded, colours), occurrence.find)
            self._latest_read = component, folded, links
            if len(occurrence.objects) <= _SMALL and len(self._small) < _MOST_KEPT:
                self._small[component] = occurrence, folded, links
        return self._latest_read[1:]

    def describe(self, component: int) -> Description:
        """What the component looks like."""
        occurrence = self.one(component)
        folded, links = self.read(component)
        return describe(occurrence, folded.nodes, links)

    def described(
        self, components: NDArray[np.int64]
    ) -> Iterator[tuple[list[Description], NDArray[np.int64]]]:
        """Components that have one signature, with what they look like; all at once where some of them agree.

        A name can differ where no signature does: ``.left`` set alone and ``.right`` set alone stand at one place.
        """
        places = dict.fromkeys((0, len(components) // 2, len(components) - 1))
        sample = [self.describe(int(components[place])) for place in places]
        if len({description.key for description in sample}) == 1:
            yield sample, components
            return
        for component in components[:_MOST_TOLD_APART]:
            yield [self.describe(int(component))], np.array([component])
        if len(rest := components[_MOST_TOLD_APART:]):
            yield [self.describe(int(rest[0]))], rest

    def sites(self, component: int) -> list[str]:
        """Where the component's objects were made, most frequent first; empty unless tracemalloc traces."""
        if not tracemalloc.is_tracing():
            return []
        members = self.members(component)[:_MOST_TRACED]
        found: Counter[str] = Counter()
        for member in members.tolist():
            site = _site_of(self._snapshot.objects[member])
            if site:
                found[site] += 1
        return [site for site, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SITES]]


def _site_of(obj: object) -> str:
    """The innermost line that made an object, and is none of ours: the call of the watched function is one."""
    for frame in reversed(allocation_traceback(obj) or ()):
        if not frame.filename.startswith(INSTRUMENT):
            return f"{frame.filename}:{frame.lineno}"
    return ""


def _by_component(labels: NDArray[np.int32], components: Components) -> NDArray[np.int32]:
    """Places of the objects that have a label, those of each component in a row."""
    if components.count == 1:
        return np.flatnonzero(labels == 0).astype(np.int32)
    order = np.argsort(labels, kind="stable")
    return order[len(order) - int(components.sizes.sum()) :].astype(np.int32)
