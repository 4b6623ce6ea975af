"""Which edge to weaken: fewest first, never one that would kill an object too early."""

from __future__ import annotations

import functools
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from garbology.graph.candidates import Candidate, candidates_of
from garbology.graph.edge_classes import EdgeClass, is_attribute
from garbology.graph.edges import short_type_name
from garbology.graph.folding import Link
from garbology.graph.occurrence import Occurrence
from garbology.graph.remedies import is_closed_with, is_exception, own_variable, remedy_of
from garbology.graph.shapes import Edge, is_class, joined

_MOST_CANDIDATES = 12  # edges that are also tried in pairs
_MOST_GROUPS = 8  # of like edges that are also tried three at a time
_MOST_GIVEN_UP = 64  # edges of which one after another is left out
_MOST_TOGETHER = 8  # edges of which each is needed; nobody judges more
_CACHE_NAMES = ("cache", "registry", "registered", "instances", "lookup", "memo", "index", "pool", "by_")
_CAUTION = "these {} go together, but judge each by itself: whoever keeps its source must keep its target too"

#: What comes of a trial that proves an advice.
ALL_FREED = "tried on one of them: all of it was freed"


@dataclass
class Advice:
    """What to change so that the cycle is freed at once.

    Attributes
    ----------
    edges : the edges to weaken or to cut; empty where nothing safe was found.
    remedy : 'weakref', 'WeakMethod', 'WeakValueDictionary', 'close', 'clear', 'hoist' or 'none'.
    reason : one sentence for the reader.
    """

    edges: list[Edge]
    remedy: str
    reason: str
    prove: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    outcome: str = field(default="", repr=False, compare=False)

    @property
    def trial(self) -> str:
        """What came of cutting the edges in one real occurrence, or why that was not tried; empty without edges.

        The trial is made when this is first asked, so that the finding itself changes nothing; the occurrence is
        gone afterwards. It is not made where it would run a finalizer or a callback of the program's.
        """
        if self.prove is not None:
            prove, self.prove = self.prove, None
            self.outcome = prove()
        return self.outcome

    @property
    def verified(self) -> bool:
        """Whether it was tried: the edges were cut in one real occurrence, with the collector off, and all of it died.

        Where it is False, :attr:`trial` says why.
        """
        return self.trial == ALL_FREED

    def to_dict(self) -> dict[str, Any]:
        """The advice as plain JSON types."""
        return {
            "edges": [{"source": e.source, "label": e.label, "target": e.target} for e in self.edges],
            "remedy": self.remedy,
            "verified": self.verified,
            "trial": self.trial,
            "reason": self.reason,
        }


def advise(
    occurrence: Occurrence, links: Sequence[Link], needed: frozenset[EdgeClass], *, saw_all: bool = True
) -> tuple[Advice, list[Link]]:
    """The advice for a cycle, and the links it means.

    Parameters
    ----------
    links : named edges between the nodes of the occurrence; of a large one, a sample of each kind.
    needed : edge classes that kept an object alive while the work was live: weakening them would kill it early.
    saw_all : whether ``needed`` is known to the end of the work; an attribute that was set last may own, else.
    """
    classes = [obj for obj in _nodes(occurrence, links) if is_class(obj)]
    if classes:
        return _hoist(classes), []
    candidates = candidates_of(occurrence, links)
    safe = [c for c in candidates if needed.isdisjoint(c.keys()) or _is_never_needed(c.links[0])]
    chosen = _fewest(occurrence, sorted(safe, key=_preference))
    closing = None if chosen and saw_all else _closing(occurrence, candidates)
    if closing is not None and chosen in ([], [closing]):
        return _clear(closing), closing.links
    if not chosen:
        return _nothing_safe(candidates, needed), []
    remedies = [remedy_of(c.links[0]) for c in chosen]
    edges = [_edge(candidate) for candidate in chosen]
    return Advice(edges, remedies[0][0], _reason(chosen)), [link for c in chosen for link in c.links]


def _reason(chosen: list[Candidate]) -> str:
    """A sentence for each label; the other types that have the same edge are only named."""
    alike: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in chosen:
        alike[candidate.key[1:]].append(candidate)
    sentences = []
    for first, *others in alike.values():
        names = ", ".join(other.key[0] for other in others)
        sentences.append(remedy_of(first.links[0])[1] + (f"; the same in {names}" if others else ""))
    if len(chosen) > 1:
        sentences.append(_CAUTION.format(len(chosen)))
    return "; ".join(sentences)


def _nodes(occurrence: Occurrence, links: Iterable[Link]) -> list[object]:
    return [occurrence.objects[place] for place in {link.source for link in links}]


def _is_never_needed(link: Link) -> bool:
    """An exception's frames, a function's reference to itself, and what is open still, are nobody's property."""
    last = link.steps[-1]
    if is_closed_with(link) or own_variable(link) is not None:
        return True
    if type(last.holder) is types.FrameType and is_exception(last.referent):
        return True
    itself = last.referent is link.steps[0].holder and type(last.referent) is types.FunctionType
    return itself or last.label == ".__traceback__"


def _preference(candidate: Candidate) -> tuple[int, EdgeClass]:
    """Smaller is better: what only clearing up can cut, lookups by name, then pointers back to what is older."""
    link = candidate.links[0]
    last = link.steps[-1]
    if type(last.holder) is types.FrameType and is_exception(last.referent):
        return 0, candidate.key
    if own_variable(link) is not None:
        return 1, candidate.key
    if link.label == ".__traceback__":
        return 2, candidate.key
    name = link.label.lower()
    if type(last.holder) is dict and any(word in name for word in _CACHE_NAMES):
        return 3, candidate.key
    if is_closed_with(link):
        return 6, candidate.key
    return (4 if candidate.younger_to_older else 5), candidate.key


def _fewest(occurrence: Occurrence, candidates: list[Candidate]) -> list[Candidate]:
    """The fewest edges, at most two; failing these the fewest groups of like edges, at most three; failing these
    some of which each is needed.
    """
    if not _open_every_cycle(occurrence, candidates):
        return []
    for candidate in candidates:
        if _open_every_cycle(occurrence, [candidate]):
            return [candidate]
    always = _indispensable(occurrence, candidates)
    single = [(candidate,) for candidate in candidates]
    groups = _groups_of_like_edges(candidates)
    for choices, size in (
        (single[:_MOST_CANDIDATES], 2),
        (groups, 1),
        (groups[:_MOST_CANDIDATES], 2),
        (groups[:_MOST_GROUPS], 3),
    ):
        for chosen in combinations(choices, size):
            edges = list(dict.fromkeys(candidate for group in chosen for candidate in group))
            if always.issubset(edges) and _open_every_cycle(occurrence, edges):
                return edges
    some = _without_the_superfluous(occurrence, candidates, always)
    return some if len(some) <= _MOST_TOGETHER else []


def _indispensable(occurrence: Occurrence, candidates: list[Candidate]) -> set[Candidate]:
    """Those without which all the others leave a cycle: in a large one a few questions save a hundred."""
    return {
        candidate
        for candidate in candidates[:_MOST_GIVEN_UP]
        if not _open_every_cycle(occurrence, [other for other in candidates if other is not candidate])
    }


def _without_the_superfluous(
    occurrence: Occurrence, candidates: list[Candidate], always: set[Candidate]
) -> list[Candidate]:
    """What is left of them when one after another is given up, the last first, as long as every cycle stays open."""
    left = candidates
    for candidate in reversed(candidates[:_MOST_GIVEN_UP]):
        fewer = [other for other in left if other is not candidate]
        if candidate not in always and _open_every_cycle(occurrence, fewer):
            left = fewer
    return left


def _open_every_cycle(occurrence: Occurrence, candidates: Sequence[Candidate]) -> bool:
    if not candidates:
        return False
    return occurrence.is_acyclic_without(functools.reduce(np.logical_or, [c.removed for c in candidates]))


def _groups_of_like_edges(candidates: list[Candidate]) -> list[tuple[Candidate, ...]]:
    """Edges that differ only in the source's type, or only in the target's: sister classes have one line for them."""
    groups: dict[tuple[object, ...], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        source, label, target = candidate.key
        groups["from", label, target, candidate.younger_to_older].append(candidate)
        groups["to", source, label, candidate.younger_to_older].append(candidate)
    distinct = dict.fromkeys(map(tuple, groups.values()))
    return sorted(distinct, key=lambda group: (_preference(group[0])[0], -len(group)))


def _edge(candidate: Candidate) -> Edge:
    labels = {link.label for link in candidate.links}
    link = candidate.links[0]
    label = labels.pop() if len(labels) == 1 else candidate.key[1]
    return Edge(candidate.key[0], label, short_type_name(link.steps[-1].referent))


def _hoist(classes: Sequence[object]) -> Advice:
    names = ", ".join(sorted(set(map(short_type_name, classes)))[:3])
    reason = f"a class always refers to itself: define {names} once, at module level, not in every call"
    return Advice([], "hoist", reason)


def _closing(occurrence: Occurrence, candidates: list[Candidate]) -> Candidate | None:
    """An attribute that was set last: it leads from older objects to younger ones, and every cycle has it."""
    for candidate in candidates:
        set_last = all(is_attribute(link) and link.source < link.target for link in candidate.links)
        if set_last and _open_every_cycle(occurrence, [candidate]):
            return candidate
    return None


def _clear(candidate: Candidate) -> Advice:
    edge = _edge(candidate)
    name = joined(edge.source, edge.label)
    return Advice(
        [edge], "clear", f"{name} closes the cycle and may be needed: clear it when it is done with"
    )


def _nothing_safe(candidates: list[Candidate], needed: frozenset[EdgeClass]) -> Advice:
    kept = sorted({joined(*c.key[:2]) for c in candidates if not needed.isdisjoint(c.keys())})
    if kept:
        reason = f"no safe edge: without {', '.join(kept[:3])} something would have died while it was in use"
    else:
        reason = "no safe edge: no few edges that a program can weaken would open every cycle"
    return Advice([], "none", reason)
