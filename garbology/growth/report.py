"""What is said of a program whose memory grows: four kinds of growth, each with its figure and its holder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from garbology.find.drawing import verb_of
from garbology.find.found import Found
from garbology.growth.holders import Holder
from garbology.text.escaping import edge_text, joined
from garbology.text.layout import counted, human_bytes, paragraph, wrap

SCHEMA = "garbology.growth"
SCHEMA_VERSION = 1
_NOT_PLAIN = ("found", "watched", "_stepper")
_MOST_HOLDERS = 8
_MOST_SHAPES = 3
_COLUMN = 10  # of the figures
_NOT_PYTHONS = (
    "not Python's: C code allocated it and has not freed it, or leaked a reference to a large text or number; `memray "
    "run --native` shows which, line by line"
)
_UNHELD = (
    "alive: no object that can be seen holds it. C code does, or leaked a reference: a count that was raised and never "
    "lowered"
)
_ROUNDING = "unexplained: rounding of the allocators, and what is too small to tell from noise"
_UNEXPLAINED = (
    "unexplained: no object that the collector knows has it: parts of code objects, or texts and numbers to which a "
    "reference leaked"
)
_RESIZED = "counted above and not in what grows: memory that came at once, as of a table that was resized"
_LEAST_UNEXPLAINED_BYTES, _LEAST_UNEXPLAINED_SHARE = 64, 0.05
_LEAST_WAITING_BYTES = 16  # a call: less is what the last calls left
LEAST_KEPT_BYTES = 4 << 20  # a few arenas, by which the figure jumps
_BEYOND = (
    "of anonymous memory beside these: mapped past the allocators, or older blocks written for the first time"
)
_NOT_READ = (
    "the allocators cannot be read (that needs glibc 2.33 or newer, and tracemalloc not to run): memory of C code, and "
    "what is freed but kept, is not told"
)


@dataclass
class Report:
    """Why memory grows. All figures are bytes a call (or step), those of the whole run end in ``_bytes``.

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
    native : handed out by `malloc` to C code. None where that cannot be read, or tracemalloc runs.
    unexplained : the rest.
    holders : most bytes first; those that had stopped to grow are in ``bounded``.
    found : the finder's answer for the measured calls. Its advice was not watched, where ``watched`` has no such shape.
    watched : the finder's answer for the last call of the warm-up, which was watched; None without warm-up.
    beyond : by how much the process's anonymous memory grows beyond what the allocators hold; 0 unless it is megabytes.
    moments : at each look at the heap, the bytes of each kind since the first look; what no older object leads to is
        waiting there.
    trimmed_bytes : that the C library gave back when it was asked to; None where it was not.
    ended : whether the calls have ended; nothing is known before.
    """

    calls: int = 0
    warmup: int = 0
    settled: int = 0
    grows: float = 0.0
    low: float = 0.0
    high: float = 0.0
    can_tell: float = 0.0
    alive: float = 0.0
    waiting: float = 0.0
    unheld: float = 0.0
    kept: float = 0.0
    native: float | None = 0.0
    unexplained: float = 0.0
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
    ended: bool = True
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
        plain = {name: value for name, value in vars(self).items() if name not in _NOT_PLAIN}
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "verdict": _verdict(self),
            **plain,
            "holders": [each.to_dict() for each in self.holders],
            "bounded": [each.to_dict() for each in self.bounded],
            "shapes": [shape.to_dict() for shape in self._shapes()],
        }

    def _shapes(self) -> list[Any]:
        """The cycles of the measured calls, each with the advice of the call that was watched where that had it."""
        watched = {_key(shape): shape for shape in (self.watched.shapes if self.watched else [])}
        shapes = list(self.found.shapes)
        for shape in shapes:
            known = watched.get(_key(shape))
            if known is not None and known.advice is not None:
                shape.edges, shape.advice = known.edges, known.advice
        return shapes

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        return f"<Report: {_verdict(self)}>"


def _key(shape: Any) -> frozenset[tuple[str, str, str]]:
    return frozenset((edge.source, edge.label, edge.target) for edge in shape.edges)


def _verdict(report: Report) -> str:
    if not report.ended:
        return "the calls have not ended"
    unit = report.unit
    after = f" after {report.warmup:,} of warm-up" if report.warmup else ""
    measured = f"{counted(report.calls, unit)}{after}"
    if report.low <= 0:
        return f"no growth seen; {measured} can tell {human_bytes(report.can_tell)} a {unit}"
    interval = f"95 %: {human_bytes(report.low)} to {human_bytes(report.high)}"
    return f"grows by {human_bytes(report.grows)} a {unit} ({interval}; {measured})"


def _lines(report: Report) -> Iterator[str]:
    yield from wrap(_verdict(report))
    if not report.ended:
        return
    for size, text in _parts(report):
        yield from _figure(size, text)
    for holder in report.bounded[:_MOST_HOLDERS]:
        yield from _figure(None, f"bounded: {_bounded(holder)}")
    if report.kept_bytes and report.kept:
        yield from _figure(None, f"the allocators keep {human_bytes(report.kept_bytes)} that were freed")
    elif report.kept_gained >= LEAST_KEPT_BYTES:
        yield from _figure(None, f"bounded: what the allocators keep of freed memory grew by {_kept(report)}")
    if report.beyond:
        yield from _figure(report.beyond, _BEYOND)
    if report.trimmed_bytes is not None:
        yield from _figure(None, f"malloc_trim gave back {human_bytes(report.trimmed_bytes)}")
    if report.native is None:
        yield from paragraph(_NOT_READ, indent="  ")


def _figure(size: float | None, text: str) -> Iterator[str]:
    head = "" if size is None else human_bytes(size)
    lines = paragraph(text, indent=" " * (_COLUMN + 2), hanging="  ")
    lines[0] = f"{head:>{_COLUMN}}  {lines[0].lstrip()}"
    yield from lines


def _parts(report: Report) -> Iterator[tuple[float, str]]:
    shown = report.holders[:_MOST_HOLDERS]
    for holder in shown:
        yield holder.bytes, f"alive: {_gains(holder, report.unit)}"
    if report.unheld:
        yield report.unheld, _UNHELD
    rest = report.alive - report.unheld - sum(each.bytes for each in shown)
    if rest >= max(report.can_tell, 16):
        yield rest, "alive: held elsewhere"
    if report.waiting >= _LEAST_WAITING_BYTES:
        yield report.waiting, f"waits for the collector{_cycles(report)}"
    if report.kept:
        yield (
            report.kept,
            "freed, and kept by the allocators: objects that stay keep the arenas of those that went",
        )
    if report.native:
        yield report.native, _NOT_PYTHONS
    if report.low > 0:
        yield from _unexplained(report)


def _unexplained(report: Report) -> Iterator[tuple[float, str]]:
    much = max(_LEAST_UNEXPLAINED_BYTES, _LEAST_UNEXPLAINED_SHARE * report.grows)
    if report.unexplained >= 1:
        yield report.unexplained, _UNEXPLAINED if report.unexplained > much else _ROUNDING
    elif -report.unexplained > much:
        yield -report.unexplained, _RESIZED


def _kept(report: Report) -> str:
    return f"{human_bytes(report.kept_gained)} to {human_bytes(report.kept_bytes)}, then no more"


def _gains(holder: Holder, unit: str) -> str:
    where = f" ({holder.where})" if holder.where else ""
    count = holder.entries
    if count < 0.01:
        return f"{holder.name} grows{where}"
    number = f"{count:,.0f}" if count >= 0.95 and abs(count - round(count)) < 0.05 else f"{count:,.2g}"
    kind = holder.types[0] if len(holder.types) == 1 else "object" if number == "1" else "objects"
    return f"{holder.name} gains {number} {kind} a {unit}{where}"


def _bounded(holder: Holder) -> str:
    where = f" ({holder.where})" if holder.where else ""
    entries = (
        f"by {counted(round(holder.entries), 'entry').replace('entrys', 'entries')}, "
        if holder.entries
        else "by "
    )
    return f"{holder.name} grew {entries}{human_bytes(holder.bytes)}, then no more{where}"


def _cycles(report: Report) -> str:
    texts = []
    for shape in report._shapes()[:_MOST_SHAPES]:
        advice = shape.advice
        if advice is not None and advice.edges:
            edge = advice.edges[0]
            place = f", set at {edge.set_at[0].partition(': ')[0]}" if edge.set_at else ""
            what = joined(edge.source, edge.label)
            texts.append(f"cycle {_cycle(shape)} ({verb_of(advice.remedy)} {what}{place})")
        elif shape.edges:
            texts.append(f"cycle {_cycle(shape)}")
    return f": {'; '.join(texts)}" if texts else ""


def _cycle(shape: Any) -> str:
    edge = shape.advice.edges[0] if shape.advice and shape.advice.edges else shape.edges[0]
    return edge_text(edge.source, edge.label, edge.target)
