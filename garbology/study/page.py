"""What a study has to say, as plain data: `evaluate` fills a `StudyPage`, `garbology.reporting` draws it.

Nothing here measures and nothing here draws. Every value is a JSON type or one of the classes below, so that
a page can be compared, stored and drawn again without the study that it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

FindingStatus = Literal["holds", "does not hold", "not on this version", "not measured"]
Better = Literal["less", "more", ""]
FigureKind = Literal["line", "bars", "points", "dots"]  # dots: bars on a logarithmic axis, which has no zero
Scale = Literal["linear", "log", "symlog"]

NO_VERDICT = "No verdict: what it needs was not measured."  # in the place of one


@dataclass(frozen=True)
class Tile:
    """One number of the page's first screen; `low` and `high` bound its interval where it has one.

    `unit` is "bytes", "seconds", "objects", ... in the base unit: the page chooses kB or ms. With
    `atlas` the number is compared across runtimes as well, and `better` says which way ("" is neither).
    """

    label: str
    value: float | int | str | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    atlas: bool = False
    better: Better = "less"


@dataclass(frozen=True)
class AtlasRow:
    """One figure of a study across runtimes: a tile of the same label for each slug that has one."""

    label: str
    unit: str
    better: Better
    tiles: Mapping[str, Tile]


@dataclass(frozen=True)
class FindingResult:
    """Whether one claim holds on one runtime, and the evidence: what broke the claim.

    "not on this version" is a claim that was expected not to hold here, with the `reason` and a `reference`
    (an issue, a document). A claim that holds where it was expected not to is one that "does not hold".
    """

    name: str
    claim: str
    runtime: str  # a slug, as in RuntimeSummary
    status: FindingStatus
    evidence: str = ""
    reason: str = ""
    reference: str = ""
    unavailable: bool = False  # skipped: what it needs is not installed there


@dataclass(frozen=True)
class FigureSpec:
    """A figure before it is drawn: rows of plain values and which key goes where.

    Each row has the keys named by `x`, `y`, `color` and `facet`, plus `runtime` (a slug), `low`, `high` (the
    interval of `y`, None where there is none) and `samples` (how many samples the row's median is of).
    """

    name: str
    caption: str
    kind: FigureKind
    x: str
    y: str
    color: str | None = None
    facet: str | None = None
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    x_title: str | None = None
    y_title: str | None = None
    rows: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class RuntimeSummary:
    """One record file: the runtime it was measured on, and how to find its raw samples."""

    slug: str  # "cpython-3.11.7-generational"
    label: str  # "CPython 3.11.7"
    collector: str  # "generational", "incremental", "free-threaded"
    runtime: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    scale: str = "default"
    samples: int = 0
    started: str = ""  # ISO 8601, UTC
    record_file: str = ""  # a name relative to the page
    complete: bool = True
    parameters: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # the grid that was measured
    repetition: Mapping[str, Any] = field(default_factory=dict)  # repeats, seed, precision reached...
    reference: bool = False  # of the reference set, beside which a run is shown
    hardware: str = ""  # "AMD EPYC 7B13, 2 processors, 24 GiB, Linux 6.1.0", where the record says so


@dataclass(frozen=True)
class Reference:
    """The reference set that a run is compared with: its runtimes, and where its page is, relative to the run's.

    `tiles` (label -> tile) are those of its runtime `nearest` (a slug), the one most like the run's own.
    """

    runtimes: Sequence[RuntimeSummary]
    place: str
    nearest: str
    tiles: Mapping[str, Tile]


@dataclass(frozen=True)
class Table:
    """The medians for the terminal and the page, one row a case; every cell is text, to be shown as it is."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Part:
    """A question that several studies answer: the front page groups them by it, in the order of `place`."""

    title: str
    place: int


@dataclass(frozen=True)
class FrontChart:
    """What the front page shows first: one measured value of every runtime, on linear axes.

    `headline` and `explanation` may have in braces {worst} (the runtime with the highest value), {most} (that value),
    {rest} (the highest of all others), {newest}, {now} (the newest and its highest), {whole} (the end of the x axis).
    """

    headline: str
    explanation: str
    spec: FigureSpec


@dataclass(frozen=True)
class StudyPage:
    """Everything the report of one study shows, over all runtimes whose records were found."""

    name: str
    title: str
    docstring: str
    verdict: str = ""
    tiles: Sequence[Tile] = ()
    findings: Sequence[FindingResult] = ()
    figures: Sequence[FigureSpec] = ()
    pictures: Sequence[Mapping[str, Any]] = ()  # shape dicts, entries of found.to_dict()["shapes"]
    runtimes: Sequence[RuntimeSummary] = ()
    problems: Sequence[str] = ()  # crashed, timed out, damaged or newer records, incomplete runs
    unavailable: Sequence[str] = ()  # those of the problems that are no failure: what is not installed here
    command: str = ""
    table: Table = field(default_factory=lambda: Table((), ()))
    atlas: Sequence[AtlasRow] = ()
    reference: Reference | None = None
    lead: str = ""  # the slug of the runtime that verdict, tiles, pictures and table are of
    part: Part | None = None
    front_chart: FrontChart | None = None
    is_score: bool = False  # its verdict is a score, which the front page has below its chart
    front: str = ""  # the front page's place, relative to this page; "" where there is none
    address: str = ""  # of this page's folder on the web; "" where it has none
