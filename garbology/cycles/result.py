"""What is said of a cycle: its shape, its nodes and edges, the advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from garbology.cycles.cycle_text import shape_lines
from garbology.names.assignments import Origin
from garbology.names.labels import pattern
from garbology.text.escaping import edge_text
from garbology.text.notebook import mime_bundle

#: What comes of a trial that proves an advice.
ALL_FREED = "tried on one of them: all of it was freed"
_EDGE_LINES = 14  # of a shape's text
ANOTHER_WATCH = "not tried: another watch was open that counts the same objects"


@dataclass(frozen=True, order=True)
class Edge:
    """A reference inside a cycle: ``source`` and ``target`` are type names, ``label`` is how the one holds the other.

    Equal elements of a container are one edge whose label ends in ``[]``. ``source_node`` and ``target_node`` are
    places in the shape's ``nodes``.
    """

    source: str
    label: str
    target: str
    source_node: int = 0
    target_node: int = 0
    origin: Origin | None = field(default=None, compare=False, repr=False)

    @property
    def set_at(self) -> list[str]:
        """The lines of source that make the reference: 'shapes.py:17: self.parent = parent'; [] without source."""
        return self.origin.lines() if self.origin else []

    @property
    def set_at_one_of(self) -> bool:
        """Whether one of several lines of :attr:`set_at` makes it: which of them is not known."""
        return bool(self.origin) and self.origin.is_one_of()  # type: ignore[union-attr]

    def __str__(self) -> str:
        return edge_text(self.source, self.label, self.target)


@dataclass(frozen=True, order=True)
class Node:
    """A node of a shape's drawing: ``objects`` objects of one type, the containers that they own left out."""

    type: str
    objects: int


@dataclass
class Advice:
    """What to change so that the cycle is freed at once.

    Attributes
    ----------
    edges : the edges to weaken or to cut; empty where nothing safe was found.
    remedy : what to do about the first of them (the reason says it of each).

        'weakref' : hold a weak reference; of a method that another calls, let a function capture one.
        'WeakMethod', 'WeakSet', 'WeakValueDictionary', 'WeakKeyDictionary' : the same, in the shape that fits.
        'clear' : let go of it when it is done with, by hand or with the method that is named.
        'close' : close what is open or suspended.
        'capture' : let a closure capture the one attribute that it reads instead of the object, or use its argument.
        'property' : compute it each time: the object itself, or what is made of it when it is asked for.
        'hoist' : define a function or class once, at module level.
        'slots' : a decorator copied a class: write ``__slots__`` by hand.
        'none' : no edge is advised; the reason says why.
    reason : one sentence for the reader.
    call : the one method that lets go of all of the edges ('Document.unlink()'), where there is such.
    remedies : the remedy of each edge, where they differ.
    """

    edges: list[Edge]
    remedy: str
    reason: str
    call: str = ""
    remedies: list[str] = field(default_factory=list, repr=False, compare=False)
    prove: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    outcome: str = field(default="", repr=False, compare=False)

    @property
    def trial(self) -> str:
        """What came of cutting the edges in one real occurrence, or why that was not tried; empty without edges.

        The trial is made when this is first asked, so that the finding itself changes nothing; the occurrence is
        gone afterwards. It is not made where it would run a finalizer or a callback of the program's, nor while
        another watch is open that began before this one ended; it is made when it is asked for after that.
        """
        if self.prove is not None:
            prove, self.prove = self.prove, None
            self.outcome = prove()
            if self.outcome == ANOTHER_WATCH:
                self.prove = prove
        return self.outcome

    @property
    def verified(self) -> bool:
        """Whether it was tried: the edges were cut in one real occurrence, with the collector off, and all of it died.

        Where it is False, :attr:`trial` says why.
        """
        return self.trial == ALL_FREED

    def _remedies(self) -> list[str]:
        return self.remedies or [self.remedy] * len(self.edges)

    def remedy_for(self, edge: Edge) -> str:
        """The remedy for an edge of the shape that is among those advised; empty for any other."""
        for other, remedy in zip(self.edges, self._remedies(), strict=True):
            is_alike = edge.source.endswith(other.source) and edge.target.endswith(other.target)
            if is_alike and pattern(edge.label) == pattern(other.label):
                return remedy
        return ""

    def to_dict(self) -> dict[str, Any]:
        """The advice as plain JSON types."""
        return {
            "edges": [
                {
                    "source": e.source,
                    "label": e.label,
                    "target": e.target,
                    "set_at": e.set_at,
                    "set_at_one_of": e.set_at_one_of,
                    "remedy": remedy,
                }
                for e, remedy in zip(self.edges, self._remedies(), strict=True)
            ],
            "remedy": self.remedy,
            "verified": self.verified,
            "trial": self.trial,
            "reason": self.reason,
            "call": self.call,
        }


@dataclass
class CycleShape:
    """Cycles that are alike, described once.

    Cycles are alike when the same types hold each other by the same names, whatever the indices and keys, and however
    many like objects there are. Only a ring without branches is told apart by its length.

    Attributes
    ----------
    count : how many times the shape occurs.
    objects : objects that the collector tracks, in the occurrence that is drawn.
    bytes : bytes of all occurrences and of what hangs off them, each buffer once.
    garbage : objects of all occurrences and of what hangs off them, as far as it was made in the window.
    nodes, edges : the drawing, containers owned by one object folded into its edges. A key or an index that differs
        between occurrences is left out: ``.children[]``.
    types : how many objects of each type the occurrence that is drawn has, by qualified name.
    objects_low, objects_high : objects in the smallest and in the largest occurrence.
    distinct : 1. Where there are more shapes than are described, the last entry stands for all the others, without
        edges: ``distinct`` says how many shapes, ``count`` how many cycles; its ``types`` are those of the largest.
    advice : which edge to weaken and whether that was tried; None where the shape was not read edge by edge.
    sites : where the objects were made, ``file.py:12``, most frequent first, if ``tracemalloc`` was tracing.
    members : whose it is: the qualified names of its types and classes, and of the functions whose code is in it;
        built-in types are left out.
    """

    count: int
    objects: int
    bytes: int
    nodes: list[Node]
    edges: list[Edge]
    types: dict[str, int]
    sites: list[str] = field(default_factory=list)
    advice: Advice | None = None
    objects_low: int = 0
    objects_high: int = 0
    distinct: int = 1
    members: list[str] = field(default_factory=list)
    garbage: int = 0

    @property
    def key(self) -> frozenset[tuple[str, str, str]]:
        """What is the same whenever the shape is met again: its edges without indices and keys."""
        return frozenset((edge.source, pattern(edge.label), edge.target) for edge in self.edges)

    def to_dict(self) -> dict[str, Any]:
        """The shape as plain JSON types."""
        if self.advice is not None:
            self.advice.trial
        return {
            "count": self.count,
            "objects": self.objects,
            "objects_low": self.objects_low,
            "objects_high": self.objects_high,
            "distinct": self.distinct,
            "bytes": self.bytes,
            "garbage": self.garbage,
            "types": dict(self.types),
            "nodes": [
                {"id": i, "type": node.type, "objects": node.objects} for i, node in enumerate(self.nodes)
            ],
            "edges": [self._edge(edge) for edge in self.edges],
            "sites": list(self.sites),
            "advice": self.advice.to_dict() if self.advice else None,
        }

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """For a notebook: the shape's card."""
        return mime_bundle("shape_cell", self.to_dict(), str(self))

    def __str__(self) -> str:
        return "\n".join(shape_lines(self.to_dict(), "shape", _EDGE_LINES)).lstrip("\n")

    def _edge(self, edge: Edge) -> dict[str, Any]:
        remedy = self.advice.remedy_for(edge) if self.advice else ""
        return {
            "source": edge.source_node,
            "target": edge.target_node,
            "source_type": edge.source,
            "target_type": edge.target,
            "label": edge.label,
            "weaken": bool(remedy),
            "remedy": remedy,
            "set_at": edge.set_at if remedy else [],
            "set_at_one_of": bool(remedy) and edge.set_at_one_of,
        }
