"""What a window had, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from garbology.cycles.result import CycleShape
from garbology.find.drawing import dot_to_svg, shape_dot
from garbology.find.text import collected_text, found_text, unknown, verdict
from garbology.interpreter import freethreading
from garbology.leaks.leak import HeldByC, Leak
from garbology.text.notebook import mime_bundle

SCHEMA_VERSION = 1


@dataclass
class Found:
    """What a watched block left for the cyclic collector. It holds none of the objects it tells of.

    ``gc.collect()`` may return another number than ``garbage``: it adds one for each weak reference whose callback ran,
    and leaves out what finalizers freed first.

    Attributes
    ----------
    garbage : objects that only the cyclic collector can free.
    garbage_bytes : bytes that they hold and that die with them, each buffer (ndarray, bytearray...) once.
    shapes : the cycles among them, equal ones told once, most bytes first.
    leaks : what not even the collector frees, and why.
    leaks_judged : whether it could be judged what is held by C code; cycles through hidden references are found anyhow.
    leaks_unjudged_reason : why not; empty where it was judged.
    held_by_c : what is still alive because C code holds it, and may let go of it: no leak. Also what a cache of calls
        (`functools.lru_cache`) keeps as their arguments.
    method : 'reference counts', or 'collector' where counts are not exact (free-threaded builds): the collector
        was then asked what it would free, at the price that :mod:`garbology.interpreter.freethreading` tells.
    collected_inside : objects that collections inside the block freed: they are gone, and in none of the others.
    collected_new : those of them that were made inside the block; None where that is not known.
    collected_generations : which generations these collections collected.
    ended : whether the block has ended and was analysed; nothing is known before.
    """

    garbage: int = 0
    garbage_bytes: int = 0
    shapes: list[CycleShape] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    leaks_judged: bool = False
    leaks_unjudged_reason: str = "the block has not ended"
    held_by_c: list[HeldByC] = field(default_factory=list)
    method: freethreading.Method = "reference counts"
    collected_inside: int = 0
    collected_new: int | None = 0
    collected_generations: list[int] = field(default_factory=list)
    ended: bool = True

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types, with a ``schema_version``."""
        return {
            "schema": "garbology.found",
            "schema_version": SCHEMA_VERSION,
            "ended": self.ended,
            "method": self.method,
            "garbage": self.garbage,
            "garbage_bytes": self.garbage_bytes,
            "collected_inside": self.collected_inside,
            "collected_new": self.collected_new,
            "collected_generations": list(self.collected_generations),
            "shapes": [shape.to_dict() for shape in self.shapes],
            "leaks": [leak.to_dict() for leak in self.leaks],
            "leaks_judged": self.leaks_judged,
            "leaks_unjudged_reason": self.leaks_unjudged_reason,
            "held_by_c": [held.to_dict() for held in self.held_by_c],
        }

    def draw(self, shape: CycleShape | None = None, format: Literal["svg", "dot"] = "svg") -> str:
        """The picture of one of the ``shapes``, by itself the first: nodes with type and count, named edges, the one
        that the advice is about dashed.

        'dot' is what Graphviz, xdot and ``objgraph`` read, 'svg' is drawn from it.

        Raises
        ------
        TypeError : something else than a shape.
        ValueError : another ``format``, or there is no shape to draw.
        garbology.find.drawing.GraphvizMissing : SVG is asked for, and there is nothing to draw it with.
        """
        if format not in ("svg", "dot"):
            raise ValueError(f"format is 'svg' or 'dot', got {format!r}")
        dot = shape_dot(self._to_be_drawn(shape).to_dict())
        return dot if format == "dot" else dot_to_svg(dot)

    def _to_be_drawn(self, shape: object) -> CycleShape:
        if shape is None and not self.shapes:
            why = "no cycle was found" if self.ended else unknown(self.leaks_unjudged_reason)
            raise ValueError(f"there is no shape to draw: {why}")
        chosen = self.shapes[0] if shape is None else shape
        if not isinstance(chosen, CycleShape):
            meant = f"found.shapes[{chosen}]" if type(chosen) is int else "found.shapes[0]"
            raise TypeError(
                f"draw takes one of found.shapes, got {type(chosen).__name__}: found.draw({meant})"
            )
        if not chosen.nodes:
            raise ValueError(
                "this entry stands for shapes that were only counted: draw one of those before it"
            )
        return chosen

    def __repr__(self) -> str:
        if not self.ended:
            return f"<Found: {unknown(self.leaks_unjudged_reason)}>"
        occurrences = [shape.count for shape in self.shapes]
        shapes = sum(shape.distinct for shape in self.shapes)
        text = verdict(
            self.garbage, self.garbage_bytes, occurrences, len(self.leaks), shapes,
            held=sum(held.objects for held in self.held_by_c), judged=self.leaks_judged,
            holders=[held.holder for held in self.held_by_c],
        )  # fmt: skip
        collected = collected_text(self.collected_inside, self.collected_new, self.collected_generations)
        if collected:
            text = f"{text}; {collected}" if self.garbage or self.leaks else collected
        return f"<Found: {text}>"

    def __str__(self) -> str:
        return found_text(self.to_dict())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """For a notebook: the verdict and a card for each of the heaviest shapes."""
        return mime_bundle("found_cell", self.to_dict(), str(self))
