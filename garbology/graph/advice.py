"""Which edge to weaken: fewest first, never one that would kill an object too early."""

from __future__ import annotations

import dis
import functools
import inspect
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.graph.edges import short_type_name
from garbology.graph.folding import Link
from garbology.graph.naming.classes import mro_of
from garbology.graph.occurrence import Occurrence
from garbology.graph.severing import SUSPENDABLE, closing_method
from garbology.graph.shapes import Edge, is_class, pattern

_MOST_CANDIDATES = 12  # edges that are also tried in pairs
_MOST_GROUPS = 8  # of like edges that are also tried three at a time
_ALL_LINKS_KNOWN = 400  # objects of a cycle whose links are all named, not a sample of them
_CACHE_NAMES = ("cache", "registry", "registered", "instances", "lookup", "memo", "index", "pool", "by_")
# What no line of the program can weaken.
_FIXED = (
    *(".__class__", ".__mro__", ".__bases__", ".__objclass__", ".__globals__", ".__builtins__", ".__code__"),
    *(".f_back", ".f_globals", ".tb_frame", ".tb_next", ".gi_frame", ".cr_frame", ".ag_frame"),
    *("value stack", "held inside"),
)

# The source type's name, the label's pattern and the target type's name: what a line of source code decides.
# The target is part of it because one list can hold both what it owns and a way back.
EdgeClass = tuple[str, str, str]


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
    prove: Callable[[], bool] | None = field(default=None, repr=False, compare=False)
    _verified: bool | None = field(default=None, repr=False, compare=False)

    @property
    def verified(self) -> bool:
        """Whether it was tried: the edges were cut in one real occurrence, with the collector off, and all of it died.

        The trial is made when this is first asked, so that the finding itself changes nothing; its occurrence is
        gone afterwards. It is False where the trial failed, where it would have run a finalizer or a callback of
        the program's, and where the collector has freed the cycles in the meantime.
        """
        if self._verified is None:
            prove, self.prove = self.prove, None
            self._verified = prove is not None and prove()
        return self._verified

    def to_dict(self) -> dict[str, Any]:
        """The advice as plain JSON types."""
        return {
            "edges": [{"source": e.source, "label": e.label, "target": e.target} for e in self.edges],
            "remedy": self.remedy,
            "verified": self.verified,
            "reason": self.reason,
        }


@dataclass(eq=False)
class Candidate:
    """All links of one edge class, and the references in the occurrence that they end in."""

    key: EdgeClass
    links: list[Link]
    removed: NDArray[np.bool_]
    younger_to_older: bool


def advise(
    occurrence: Occurrence, links: Sequence[Link], needed: frozenset[EdgeClass]
) -> tuple[Advice, list[Link]]:
    """The advice for a cycle, and the links it means.

    Parameters
    ----------
    links : named edges between the nodes of the occurrence; of a large one, a sample of each kind.
    needed : edge classes that kept an object alive while the work was live: weakening them would kill it early.
    """
    classes = [obj for obj in _nodes(occurrence, links) if is_class(obj)]
    if classes:
        return _hoist(classes), []
    candidates = candidates_of(occurrence, links)
    safe = [c for c in candidates if c.key not in needed or _is_never_needed(c.links[0])]
    chosen = _fewest(occurrence, sorted(safe, key=_preference))
    if not chosen:
        return _nothing_safe(occurrence, candidates, needed), []
    remedies = [_remedy(c.links[0]) for c in chosen]
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
        sentences.append(_remedy(first.links[0])[1] + (f"; the same in {names}" if others else ""))
    return "; ".join(sentences)


def _nodes(occurrence: Occurrence, links: Iterable[Link]) -> list[object]:
    return [occurrence.objects[place] for place in {link.source for link in links}]


def class_of_edge(link: Link) -> EdgeClass:
    """The source type's name, the label without its indices, and the target type's name."""
    holder, referent = link.steps[0].holder, link.steps[-1].referent
    return short_type_name(holder), pattern(link.label), short_type_name(referent)


def candidates_of(occurrence: Occurrence, links: Sequence[Link]) -> list[Candidate]:
    """The links by edge class, those left out that no line of a program can weaken."""
    groups: dict[EdgeClass, list[Link]] = defaultdict(list)
    for link in links:
        if _can_be_weakened(link):
            groups[class_of_edge(link)].append(link)
    kinds = np.fromiter(map(id, map(type, occurrence.objects)), np.int64, len(occurrence.objects))
    found = []
    for key, members in groups.items():
        younger = sum(link.source > link.target for link in members)
        own = sum(link.source == link.target for link in members)
        found.append(
            Candidate(key, members, _removed(occurrence, kinds, members), 2 * younger + own > len(members))
        )
    return found


def _removed(occurrence: Occurrence, kinds: NDArray[np.int64], links: Sequence[Link]) -> NDArray[np.bool_]:
    """The references that ``links`` end in, and in a large cycle those of all paths like them: bool, shape (m,)."""
    strides = int(occurrence.positions.max(initial=0)) + 1
    ends = np.array([link.steps[-1].place * strides + link.steps[-1].position for link in links], np.int64)
    removed = np.isin(occurrence.sources * strides + occurrence.positions, ends)
    if len(occurrence.objects) <= _ALL_LINKS_KNOWN:
        return removed
    for path in set(map(_physical_path, links)):
        holders = kinds == path[0][0]
        for number, (_, position) in enumerate(path):
            chosen = holders[occurrence.sources]
            if position is not None:
                chosen &= occurrence.positions == position
            if number + 1 < len(path):
                holders = np.zeros(len(occurrence.objects), bool)
                holders[occurrence.targets[chosen]] = True
                holders &= kinds == path[number + 1][0]
        removed |= chosen
    return removed


def _physical_path(link: Link) -> tuple[tuple[int, int | None], ...]:
    """For each step the holder's type and the position of the reference; None for any element of a container."""
    path = []
    before = ""
    for step in link.steps:
        element = step.label.startswith("[") or _is_any(type(step.holder), (set, frozenset))
        named = before == ".__dict__" or (
            type(step.holder) is tuple and type(step.referent) is types.CellType
        )
        path.append((id(type(step.holder)), step.position if named or not element else None))
        before = step.label
    return tuple(path)


def _can_be_weakened(link: Link) -> bool:
    return _is_closed_with(link) or not any(step.label.startswith(_FIXED) for step in link.steps)


def _is_closed_with(link: Link) -> bool:
    """Whether it is a reference inside an object written in C that has a ``close()`` to let go of it."""
    last = link.steps[-1]
    return last.label.startswith("held inside") and closing_method(last.holder) is not None


def _is_never_needed(link: Link) -> bool:
    """An exception's frames, a function's reference to itself, and what is open still, are nobody's property."""
    last = link.steps[-1]
    if _is_closed_with(link):
        return True
    if type(last.holder) is types.FrameType and _is_exception(last.referent):
        return True
    itself = last.referent is link.steps[0].holder and type(last.referent) is types.FunctionType
    return itself or last.label == ".__traceback__"


def _preference(candidate: Candidate) -> tuple[int, EdgeClass]:
    """Smaller is better: what only clearing up can cut, lookups by name, then pointers back to what is older."""
    link = candidate.links[0]
    last = link.steps[-1]
    if type(last.holder) is types.FrameType and _is_exception(last.referent):
        return 0, candidate.key
    if link.label == ".__traceback__":
        return 1, candidate.key
    name = link.label.lower()
    if type(last.holder) is dict and any(word in name for word in _CACHE_NAMES):
        return 2, candidate.key
    if _is_closed_with(link):
        return 5, candidate.key
    return (3 if candidate.younger_to_older else 4), candidate.key


def _fewest(occurrence: Occurrence, candidates: list[Candidate]) -> list[Candidate]:
    """The fewest edges, at most two; failing these the fewest groups of like edges, at most three."""
    if not _open_every_cycle(occurrence, candidates):
        return []
    single = [(candidate,) for candidate in candidates]
    groups = _groups_of_like_edges(candidates)
    for choices, size in (
        (single, 1),
        (single[:_MOST_CANDIDATES], 2),
        (groups, 1),
        (groups[:_MOST_CANDIDATES], 2),
        (groups[:_MOST_GROUPS], 3),
    ):
        for chosen in combinations(choices, size):
            edges = list(dict.fromkeys(candidate for group in chosen for candidate in group))
            if _open_every_cycle(occurrence, edges):
                return edges
    return []


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


def _is_suspendable(frame: Any) -> bool:
    """Whether a frame is a generator's or coroutine's: up to 3.10 it is an object of its own."""
    return bool(
        frame.f_code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR)
    )


def _is_exception(obj: object) -> bool:
    return any(base is BaseException for base in mro_of(type(obj)))


def _remedy(link: Link) -> tuple[str, str]:
    """The remedy's name and what it means for this edge, in words."""
    last = link.steps[-1]
    source, target = short_type_name(link.steps[0].holder), short_type_name(last.referent)
    edge = f"{source}{link.label if link.label[:1] in '.[' else ' → ' + link.label}"
    kind = type(last.holder)
    if kind is types.FrameType and _is_exception(last.referent):
        name = last.label.removeprefix("local ")
        return (
            "clear",
            f"the frame keeps the exception that keeps the frame: end with `{name} = None` (or `del {name}`)",
        )
    if _is_any(kind, SUSPENDABLE) or (kind is types.FrameType and _is_suspendable(last.holder)):
        return "close", f"{edge} holds {target}: close() the suspended generator when it is done with"
    if kind is types.FrameType:
        return "clear", f"{edge} holds {target}: clear the variable when it is done with"
    if last.label == ".__traceback__":
        return "clear", f"{edge} keeps the frames it went through: keep `error.with_traceback(None)` instead"
    if _is_closed_with(link):
        return (
            "close",
            f"{source} is still open: close() it when it is done with, or hold it in contextlib.closing",
        )
    methods = [s.holder for s in link.steps if type(s.holder) is types.MethodType and s.label == ".__self__"]
    if methods and never_uses_its_object(methods[-1]):
        return (
            "hoist",
            f"{edge} is a bound method that never uses its object: make it a function or staticmethod",
        )
    if methods:
        return (
            "WeakMethod",
            f"{edge} is a bound method and holds its object: store weakref.WeakMethod(...) instead",
        )
    if last.referent is link.steps[0].holder and type(last.referent) is types.FunctionType:
        return "hoist", f"{edge} is the function itself: define it at module level, or pass it to itself"
    if not _takes_weak_references(last.referent):
        return "clear", f"{edge} holds {target}, which takes no weak reference: clear it when it is done with"
    if kind is dict and last.label.startswith("[") and not _is_instance_dict(link):
        return "WeakValueDictionary", f"{edge} only looks {target} up: make it a weakref.WeakValueDictionary"
    if kind is types.CellType:
        return "weakref", f"{edge} is captured by a closure: capture weakref.ref(...) and call it inside"
    return "weakref", f"{edge} is the way back: hold weakref.ref(...) there"


def never_uses_its_object(method: Any) -> bool:
    """Whether a bound method's function never reads its first argument; False where its code does not tell."""
    function = method.__func__
    if type(function) is not types.FunctionType or not function.__code__.co_argcount:
        return False
    code = function.__code__
    first = code.co_varnames[0]
    if first in code.co_cellvars or "__class__" in code.co_freevars:
        return False  # an inner function or super() reads it
    if {"locals", "vars", "dir", "eval", "exec"} & set(code.co_names):
        return False
    used = (step.argval for step in dis.get_instructions(code) if "_FAST" in step.opname)
    return not any(first in (names if type(names) is tuple else (names,)) for names in used)


def _is_instance_dict(link: Link) -> bool:
    return len(link.steps) > 1 and link.steps[-2].label == ".__dict__"


def _takes_weak_references(obj: object) -> bool:
    offset = type.__dict__["__weakrefoffset__"].__get__(type(obj))
    return bool(offset) or _is_any(type(obj), (types.FunctionType, set, types.GeneratorType))


def _is_any(kind: type, known: tuple[type, ...]) -> bool:
    return any(kind is each for each in known)  # `in` would ask the metaclass


def _hoist(classes: Sequence[object]) -> Advice:
    names = ", ".join(sorted(set(map(short_type_name, classes)))[:3])
    reason = f"a class always refers to itself: define {names} once, at module level, not in every call"
    return Advice([], "hoist", reason)


def _nothing_safe(
    occurrence: Occurrence, candidates: list[Candidate], needed: frozenset[EdgeClass]
) -> Advice:
    kept = sorted({f"{source}{label}" for source, label, _ in needed & {c.key for c in candidates}})
    if kept:
        reason = f"no safe edge: without {', '.join(kept[:3])} something would have died while it was in use"
    else:
        reason = "no safe edge: no one or two edges that a program can weaken would open every cycle"
    return Advice([], "none", reason)
