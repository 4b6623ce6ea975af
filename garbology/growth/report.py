"""What is said of a program whose memory grows: four kinds of growth, each with its figure and its holder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from garbology.cycles.cycle_text import verb_of
from garbology.cycles.result import CycleShape
from garbology.find.found import Found
from garbology.growth.holders import Holder
from garbology.growth.text import growth_lines, verdict_of
from garbology.names.privacy import private, without_keys
from garbology.text.escaping import edge_text, joined
from garbology.text.notebook import mime_bundle

SCHEMA = "garbology.growth"
SCHEMA_VERSION = 1
_NOT_PLAIN = ("found", "watched", "keys", "_stepper")


@dataclass
class Report:
    """Why memory grows. All figures are bytes a call (step, second), those of the whole run end in ``_bytes``.

    Attributes
    ----------
    calls, warmup : how many were measured, after how many of warm-up. ``settled`` is after how many of the measured
        ones the growth had become steady: the figures are of those after it.
    grows, low, high : what every further call leaves, and its 95 % interval.
    can_tell : the smallest growth that so many calls can tell from noise.
    alive : objects that something holds; :attr:`holders` says what.
    waiting : garbage that waits for the collector; :attr:`found` has the cycles.
    unheld : that part of ``alive`` to which no object leads that can be seen: held by C code, or a leaked reference.
    kept : freed, and kept by the allocators; ``kept_bytes`` is how much they kept in the end, ``kept_gained`` how much
        more than at first.
    native : handed out by `malloc` to C code, with the 95 % interval from ``native_low`` to ``native_high``. None where
        that cannot be read.
    traced : by how much more is allocated as tracemalloc counts it; ``traced_numpy`` is the part of it that NumPy's
        arrays have as data. None where it did not run.
    unexplained : the rest.
    allocated_at : lines on which C code's and unexplained memory is allocated: ``where``, ``source``, ``bytes`` a call.
        So many more ``calls`` found them, under tracemalloc. Empty where they do not account for it.
    holders : most bytes first; those that had stopped to grow are in ``bounded``.
    found : the finder's answer for the measured calls. Its advice was not watched, where ``watched`` has no such shape.
    watched : the finder's answer for the last call of the warm-up, which was watched; None without warm-up.
    beyond : by how much the process's anonymous memory grows beyond what the allocators hold; 0 unless it is megabytes.
    moments : at each look at the heap, the bytes of each kind since the first look; what no older object leads to is
        waiting there.
    trimmed_bytes : that the C library gave back when it was asked to; None where it was not.
    keys : whether labels have keys of dictionaries, which are the program's data; else their types.
    ended : whether the calls have ended; nothing is known before.
    too_short : whether a program ran too short a time to tell growth from its beginning.
    """

    calls: float = 0
    warmup: float = 0
    settled: float = 0
    grows: float = 0.0
    low: float = 0.0
    high: float = 0.0
    can_tell: float = 0.0
    alive: float = 0.0
    waiting: float = 0.0
    unheld: float = 0.0
    kept: float = 0.0
    native: float | None = 0.0
    native_low: float | None = 0.0
    native_high: float | None = 0.0
    traced: float | None = None
    traced_numpy: float | None = None
    unexplained: float = 0.0
    allocated_at: list[dict[str, Any]] = field(default_factory=list)
    beyond: float = 0.0
    kept_bytes: int = 0
    kept_gained: int = 0
    holders: list[Holder] = field(default_factory=list)
    bounded: list[Holder] = field(default_factory=list)
    found: Found = field(default_factory=Found)
    watched: Found | None = None
    trimmed_bytes: int | None = None
    moments: list[dict[str, float]] = field(default_factory=list)
    unit: str = "call"
    keys: bool = False
    ended: bool = True
    too_short: bool = False
    _stepper: Callable[[], None] | None = field(default=None, repr=False)

    def step(self) -> None:
        """One step of the block is done.

        Raises
        ------
        RuntimeError : the block has ended, or the report is of calls.
        """
        if self._stepper is None:
            raise RuntimeError("report.step() is for inside of `with garbology.diagnosing() as report:`")
        self._stepper()

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types, with a ``schema_version``."""
        shapes = [shape.to_dict() for shape in self._shapes()]
        return {**self._told(), "shapes": private(shapes, keys=self.keys, source=True)}

    def _told(self) -> dict[str, Any]:
        """The same without the shapes, for which a proof is tried."""
        plain = {name: value for name, value in vars(self).items() if name not in _NOT_PLAIN}
        told = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            **plain,
            "holders": [each.to_dict() for each in self.holders],
            "bounded": [each.to_dict() for each in self.bounded],
            "cycles": [self._cycle(shape) for shape in self._shapes() if shape.edges],
        }
        return {"verdict": verdict_of(told), **told}

    def _shapes(self) -> list[CycleShape]:
        """The cycles of the measured calls, each with the advice of the call that was watched where that had it."""
        watched = {shape.key: shape for shape in (self.watched.shapes if self.watched else [])}
        shapes = list(self.found.shapes)
        for shape in shapes:
            known = watched.get(shape.key)
            if known is not None and known.advice is not None:
                shape.edges, shape.advice = known.edges, known.advice
        return shapes

    def _cycle(self, shape: CycleShape) -> str:
        """'Session.request -> Request (weaken Session.request, set at web.py:40)'."""
        advice = shape.advice
        advised = advice.edges[0] if advice is not None and advice.edges else None
        edge = advised or shape.edges[0]
        text = edge_text(edge.source, edge.label, edge.target)
        if advice is not None and advised is not None:
            place = f", set at {advised.set_at[0].partition(': ')[0]}" if advised.set_at else ""
            text += f" ({verb_of(advice.remedy)} {joined(advised.source, advised.label)}{place})"
        return text if self.keys else without_keys(text)

    def __str__(self) -> str:
        return "\n".join(growth_lines(self._told()))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """For a notebook: the four kinds as tiles and bands, the holders, the cycles."""
        if not self.ended:
            return {"text/plain": str(self)}
        return mime_bundle("growth_cell", self._told(), str(self))

    def __repr__(self) -> str:
        return f"<Report: {verdict_of(self._told())}>"
