"""The shapes that a monitor has met, with their estimates, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from garbology.cycles.result import CycleShape
from garbology.monitoring.estimates import Estimate
from garbology.monitoring.seen import SeenShape
from garbology.names.privacy import private

MOST_SHAPES = 256

Key = frozenset[tuple[str, str, str]]


@dataclass
class Entry:
    """One shape: as plain data, and what was found of it."""

    shape: dict[str, Any]
    number: int = 0
    collections: int = 0
    most_bytes: int = 0
    objects: Estimate = field(default_factory=Estimate)
    bytes: Estimate = field(default_factory=Estimate)
    cycles: Estimate = field(default_factory=Estimate)

    def has_advice(self) -> bool:
        """Whether it was asked for; an analysis does so for a few shapes alone."""
        return self.shape["advice"] is not None

    def add(self, objects: int, size: int, cycles: int, probability: float) -> None:
        """Found in a collection that was analysed with this ``probability``: objects, bytes and cycles."""
        self.collections += 1
        self.most_bytes = max(self.most_bytes, size)
        self.objects.add(objects, probability)
        self.bytes.add(size, probability)
        self.cycles.add(cycles, probability)

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
            self.number,
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
        self._met = 0
        self.rest = Estimate()
        self.explained = Estimate()

    def wanting(self, most: float) -> Callable[[CycleShape], bool]:
        """Which shapes of one analysis are to have advice: those without it, ``most`` of them."""
        wanted: set[Key] = set()

        def wants(shape: CycleShape) -> bool:
            entry = self._entries.get(shape.key)
            if (entry is None or not entry.has_advice()) and len(wanted) < most:
                wanted.add(shape.key)
            return shape.key in wanted

        return wants

    def add(self, shapes: Iterable[CycleShape], probability: float) -> None:
        """Found in one collection, which was analysed with this ``probability``; what has one key is one value."""
        alike: dict[Key, list[CycleShape]] = {}
        for shape in shapes:
            if shape.distinct > 1 or not shape.edges:
                self.rest.add(shape.garbage, probability)
            else:
                alike.setdefault(shape.key, []).append(shape)
        for key, some in alike.items():
            objects, cycles = (sum(getattr(shape, name) for shape in some) for name in ("garbage", "count"))
            self._entry(key, some).add(objects, sum(shape.bytes for shape in some), cycles, probability)

    def _entry(self, key: Key, alike: list[CycleShape]) -> Entry:
        """That of some shapes of one key, with what is new of it: that it is there, or its advice."""
        entry = self._entries.get(key)
        advised = next((shape for shape in alike if shape.advice), None)
        if entry is not None and (advised is None or entry.has_advice()):
            return entry
        if entry is None and len(self._entries) >= 2 * MOST_SHAPES:
            self._make_room()
        shape = advised or alike[0]
        plain = private(shape.to_dict() | {"members": shape.members}, keys=self._keys)
        if entry is None:
            self._met += 1
            entry = self._entries[key] = Entry(plain, self._met)
        entry.shape = plain
        return entry

    def _make_room(self) -> None:
        by_size = sorted(self._entries.items(), key=lambda item: -item[1].objects.value)
        for key, entry in by_size[MOST_SHAPES:]:
            self.rest.take(entry.objects)
            del self._entries[key]

    def entries(self) -> list[Entry]:
        """All of them, most objects first."""
        return sorted(self._entries.values(), key=lambda entry: -entry.objects.value)
