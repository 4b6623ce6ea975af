"""The shapes that a monitor has met, with their estimates, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from garbology.cycles.result import CycleShape
from garbology.monitoring.estimates import Estimate
from garbology.monitoring.privacy import private
from garbology.monitoring.seen import SeenShape
from garbology.names.labels import pattern

MOST_SHAPES = 256

Key = frozenset[tuple[str, str, str]]


def key_of(shape: CycleShape) -> Key:
    """What is the same whenever a shape is met again."""
    return frozenset((edge.source, pattern(edge.label), edge.target) for edge in shape.edges)


@dataclass
class Entry:
    """One shape: as plain data, and what was found of it."""

    shape: dict[str, Any]
    collections: int = 0
    most_bytes: int = 0
    objects: Estimate = field(default_factory=Estimate)
    bytes: Estimate = field(default_factory=Estimate)
    cycles: Estimate = field(default_factory=Estimate)

    def add(self, shape: CycleShape, probability: float) -> None:
        """Found in a collection that was analysed with this ``probability``."""
        self.collections += 1
        self.most_bytes = max(self.most_bytes, shape.bytes)
        self.objects.add(shape.garbage, probability)
        self.bytes.add(shape.bytes, probability)
        self.cycles.add(shape.count, probability)

    def seen(self, explained: Estimate, exact: int) -> SeenShape:
        """In figures: ``explained`` is what the analysed collections freed, and ``exact`` what all of them did."""
        unseen = exact - explained.seen
        short = exact - explained.value
        low, high = self.objects.interval(self.objects.seen + unseen, short)
        bytes_each = self.bytes.value / self.objects.value if self.objects.value else 0.0
        bytes_low, bytes_high = self.bytes.interval(short=short * bytes_each)
        cycles_low, cycles_high = self.cycles.interval(self.cycles.seen + unseen, short)
        return SeenShape(
            min(self.objects.value, high), low, high,
            self.bytes.value, bytes_low, bytes_high,
            min(self.cycles.value, cycles_high), cycles_low, cycles_high,
            min(self.objects.value / explained.value, 1.0) if explained.value else 0.0,
            self.collections,
            self.most_bytes,
            self.shape,
        )  # fmt: skip


class Shelf:
    """Entries by key; where there are too many, the smaller half becomes a sum.

    Parameters
    ----------
    keys : whether keys of dictionaries may be told.

    Attributes
    ----------
    explained : objects that the analysed collections freed.
    rest : those of shapes that have no entry.
    """

    def __init__(self, *, keys: bool) -> None:
        self._keys = keys
        self._entries: dict[Key, Entry] = {}
        self.rest = Estimate()
        self.explained = Estimate()

    def is_new(self, shape: CycleShape) -> bool:
        """Whether it is met for the first time."""
        return key_of(shape) not in self._entries

    def add(self, shape: CycleShape, probability: float) -> None:
        """Found in a collection that was analysed with this ``probability``."""
        if shape.distinct > 1 or not shape.edges:
            self.rest.add(shape.garbage, probability)
            return
        key = key_of(shape)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= 2 * MOST_SHAPES:
                self._make_room()
            entry = self._entries[key] = Entry(
                private(shape.to_dict() | {"members": shape.members}, keys=self._keys)
            )
        entry.add(shape, probability)

    def _make_room(self) -> None:
        by_size = sorted(self._entries.items(), key=lambda item: -item[1].objects.value)
        for key, entry in by_size[MOST_SHAPES:]:
            self.rest.take(entry.objects)
            del self._entries[key]

    def entries(self) -> list[Entry]:
        """All of them, most objects first."""
        return sorted(self._entries.values(), key=lambda entry: -entry.objects.value)
