"""What a monitor has seen: exact totals of the collector's, and shapes of cycles with estimates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from garbology.monitoring.wording import seen_lines, totals
from garbology.text.escaping import edge_text
from garbology.text.layout import counted, wrap

SCHEMA = "garbology.monitor"
SCHEMA_VERSION = 1
#: Upper ends of the histogram's buckets of pauses, in seconds; the last one has no end.
PAUSE_BUCKETS_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
#: What is told of each collection one by one, in a record's "latest".
COLUMNS = ("start_seconds", "generation", "pause_seconds", "collected", "uncollectable")
_MOST_SHAPES = 3
_EDGE_LINES = (14, 7)  # of the first shape, and of those after it


@dataclass
class Generation:
    """The collections of one generation, all of them.

    ``candidates`` is how many objects they looked at, 0 where the interpreter does not tell (before 3.15).
    ``pause_counts`` are how many pauses fell into each of :data:`PAUSE_BUCKETS_SECONDS`, and longer ones.
    """

    generation: int
    collections: int = 0
    collected: int = 0
    uncollectable: int = 0
    candidates: int = 0
    pause_seconds: float = 0.0
    longest_pause_seconds: float = 0.0
    pause_counts: list[int] = field(default_factory=lambda: [0] * (len(PAUSE_BUCKETS_SECONDS) + 1))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**vars(self), "pause_counts": list(self.pause_counts)}


@dataclass(frozen=True)
class SeenShape:
    """One shape of cycles, estimated from the collections that were analysed, each weighted by its probability.

    Attributes
    ----------
    objects, objects_low, objects_high : objects that the collector freed with cycles of this shape, those included that
        hung off them; the 95 % interval.
    bytes, bytes_low, bytes_high : their bytes, each buffer once, and what died with them.
    cycles, cycles_low, cycles_high : how many cycles.
    share : of the objects that the analysed collections freed, weighted likewise.
    collections : in how many of those that were analysed it was found.
    most_bytes : freed by one of these at most: so much waited at once.
    shape : the shape as plain data, as :meth:`garbology.find.found.Found.to_dict` has it: nodes, edges, advice, sites,
        members. Nothing was tried.
    number : by which it is known again in a later record: what is said of it may become more.
    """

    objects: float
    objects_low: float
    objects_high: float
    bytes: float
    bytes_low: float
    bytes_high: float
    cycles: float
    cycles_low: float
    cycles_high: float
    share: float
    collections: int
    most_bytes: int
    shape: dict[str, Any]
    number: int = 0

    @property
    def edges(self) -> list[str]:
        """'Job.owner -> Owner', each edge of the cycle."""
        return [
            edge_text(each["source_type"], each["label"], each["target_type"]) for each in self.shape["edges"]
        ]

    @property
    def advice(self) -> dict[str, Any] | None:
        """Which edge to weaken; None where that was not asked yet: an analysis asks it of a few shapes."""
        advice: dict[str, Any] | None = self.shape["advice"]
        return advice

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dict(vars(self))


@dataclass
class Seen:
    """What happened between the start of a monitor and now, or its end.

    Attributes
    ----------
    generations : exact totals of each generation.
    shapes : estimated, most objects first.
    elapsed_seconds, analysis_seconds : how long it has run, and how much of that the analyses took.
    analysed : how many collections were analysed, and ``analysed_objects`` what was found in these.
    unexplained : collections that the budget could never pay for, or that could not be read; they are in the totals
        and in no shape. ``unexplained_objects`` is what they freed.
    extra_objects : what the analysed collections freed beyond what was found: other threads dropped it while the
        analysis ran. CPython also counts each callback of a weak reference that it calls as an object.
    rest_objects : estimated objects of shapes that are not kept, because there are too many.
    refused : why nothing is analysed; empty where it is.
    """

    generations: list[Generation] = field(default_factory=lambda: [Generation(n) for n in range(3)])
    shapes: list[SeenShape] = field(default_factory=list)
    elapsed_seconds: float = 0.0
    analysis_seconds: float = 0.0
    analysed: int = 0
    analysed_objects: int = 0
    unexplained: int = 0
    unexplained_objects: int = 0
    extra_objects: int = 0
    rest_objects: float = 0.0
    refused: str = ""

    @property
    def collections(self) -> int:
        """How many collections there were."""
        return sum(each.collections for each in self.generations)

    @property
    def collected(self) -> int:
        """Objects that they freed, as CPython counts them."""
        return sum(each.collected for each in self.generations)

    @property
    def uncollectable(self) -> int:
        """Objects that they found and could not free."""
        return sum(each.uncollectable for each in self.generations)

    @property
    def pause_seconds(self) -> float:
        """The sum of all pauses, without the analyses."""
        return sum(each.pause_seconds for each in self.generations)

    @property
    def longest_pause_seconds(self) -> float:
        """The longest pause."""
        return max(each.longest_pause_seconds for each in self.generations)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types, with a ``schema_version``."""
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "collections": self.collections,
            "collected": self.collected,
            **vars(self),
            "generations": [each.to_dict() for each in self.generations],
            "shapes": [each.to_dict() for each in self.shapes],
        }

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        return f"<Seen: {_verdict(self)}>"


def _verdict(seen: Seen) -> str:
    return totals(seen.collections, seen.collected, seen.pause_seconds, seen.longest_pause_seconds)


def _lines(seen: Seen) -> list[str]:
    lines = wrap(_verdict(seen))
    if seen.refused:
        return [*lines, *wrap(seen.refused)]
    for number, each in enumerate(seen.shapes[:_MOST_SHAPES]):
        lines += ["", *seen_lines(vars(each), _EDGE_LINES[min(number, 1)])]
    if more := seen.shapes[_MOST_SHAPES:]:
        rest = sum(each.objects for each in more) + seen.rest_objects
        lines += ["", f"... and {counted(len(more), 'more shape')}, {rest:,.0f} objects: `seen.shapes`"]
    return [*lines, "", *wrap(_coverage(seen))]


def _coverage(seen: Seen) -> str:
    share = seen.analysis_seconds / seen.elapsed_seconds if seen.elapsed_seconds else 0.0
    text = f"{counted(seen.analysed, 'collection')} analysed, which took {share:.1%} of the time"
    if seen.unexplained:
        text += f"; {seen.unexplained:,} left unexplained, which freed {counted(seen.unexplained_objects, 'object')}"
    if seen.extra_objects:
        text += f"; {counted(seen.extra_objects, 'more object')} freed that came after the analysis"
    return text
