"""Why an object is alive: the shortest chain of named references that ends at it."""

from __future__ import annotations

import sys
import types
from collections.abc import Collection, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from garbology.alive.asking import Asking
from garbology.alive.path import Chains, node_name
from garbology.cycles.result import Edge
from garbology.cycles.upstream import Upstream, Upstreams, hidden_cycle
from garbology.interpreter import collector, exclusive
from garbology.interpreter.refcounts import is_immortal, reference_count
from garbology.interpreter.tracing import untraced
from garbology.leaks.reasons import hidden_name
from garbology.names.call_caches import PART
from garbology.names.classes import safe_type_name
from garbology.names.interactive import HiddenReferences
from garbology.names.sources import is_own_code
from garbology.snapshot.arrays import distinct
from garbology.snapshot.heap import heap_with_frames
from garbology.snapshot.roots import Root, held_by_c, named_roots, own_modules
from garbology.text.layout import wrap
from garbology.text.notebook import mime_bundle

SCHEMA_VERSION = 1
_HOLDERS = ("module", "frame", "context", "C")
_MOST_ALSO = 6
_MOST_FURTHER = 2  # references that a chain may have more than the nearest, to be compared with it
_MOST_COMPARED = 50  # roots among which the nearest is chosen
_SHOWN_AT_ENDS = 5
_IMMORTAL = "immortal: CPython never frees it"
_GARBAGE = "only a reference cycle holds it: the cyclic collector frees it when it next runs"
_LEAK = "only a cycle holds it, through {}, which the collector does not see: it is never freed"
_NOTHING = "nothing but the question: it dies when the question is answered"


@dataclass
class Alive:
    """Why an object is alive. It holds none of the objects it tells of.

    Attributes
    ----------
    type : the object's type, or its name if it is a class, a function or a module.
    kind : what the root is: 'module', 'frame', 'context', 'C', 'immortal', 'garbage' (the collector frees it), 'leak'
        (a cycle that the collector does not see holds it) or 'nothing'.
    root : the root in words, such as "module myapp", "local 'x' of function f (app.py:12)" or "held by C code: 1
        reference that no Python object accounts for".
    edges : the chain from the root to the object; containers on the way are part of their owner's edge. Of
        garbage, the cycle that holds it.
    omitted : references left out in the middle of ``edges``, where the chain is very long.
    others : objects, modules and functions that refer to the object directly, besides the end of the chain.
    also : some of those, in words; hidden references of an interactive interpreter first.
    unaccounted : references to the object that no Python object accounts for: C code, interned strings, keys of
        dictionaries whose keys are all strings, an expression that is not finished. 0 for immortal objects.
    remedy : how to let go of hidden references, and of what a cache of calls (`functools.lru_cache`) keeps; empty
        where there are none.
    """

    type: str
    kind: str
    root: str
    edges: list[Edge] = field(default_factory=list)
    omitted: int = 0
    others: int = 0
    also: list[str] = field(default_factory=list)
    unaccounted: int = 0
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types, with a ``schema_version``."""
        return {
            "schema": "garbology.alive.question",
            "schema_version": SCHEMA_VERSION,
            "type": self.type,
            "kind": self.kind,
            "root": self.root,
            "edges": [
                {"source_type": edge.source, "label": edge.label, "target_type": edge.target}
                for edge in self.edges
            ],
            "omitted": self.omitted,
            "others": self.others,
            "also": list(self.also),
            "unaccounted": self.unaccounted,
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        by = "held by " if self.kind in _HOLDERS and not self.root.startswith("held by ") else ""
        lines = [f"{self.type} is alive: {by}{self.root}", *self._edge_lines()]
        if self.others:
            rest = ", ..." if len(self.also) < self.others else ""
            noun = "holder" if self.others == 1 else "holders"
            lines.append(f"{self.others:,} other direct {noun}: {', '.join(self.also)}{rest}")
        if self.unaccounted and self.kind != "C":
            lines.append(f"no Python object accounts for {self.unaccounted:,} of its references")
        if self.remedy:
            lines.append(f"to let go: {self.remedy}")
        return "\n".join(wrapped for line in lines for wrapped in wrap(line, most_lines=3))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """For a notebook: the chain as a list, from the root to the object."""
        return mime_bundle("alive_cell", self.to_dict(), str(self))

    def _edge_lines(self) -> list[str]:
        lines = [f"    {edge}" for edge in self.edges]
        hidden = len(lines) - 2 * _SHOWN_AT_ENDS
        if self.omitted or hidden > 1:
            count = f"{self.omitted + max(hidden, 0):,}"
            lines[_SHOWN_AT_ENDS:-_SHOWN_AT_ENDS] = [f"    ... {count} more references ..."]
        return lines


def why_alive(obj: object) -> Alive:
    """Say what keeps an object alive: the shortest chain of named references from a root to it.

    Roots are modules, the locals of running functions in all threads, contexts, and references held by C code.
    The instrument's own references do not count. The variable of the caller by which one asks, be it a local or a name
    at module level, is the answer only if there is no other; so is, before that, a list that nothing but the caller has
    and that it goes through to ask for each.

    Nothing is collected and no user code runs. A heap of a million objects takes about a second and 60 to 100 bytes
    an object meanwhile. On free-threaded builds ``unaccounted`` is approximate.
    """
    held = [obj]
    del obj  # a caller may lend or give its reference; without ours both look the same
    return explain_alive(held, sys._getframe(1), _ASKING)


@untraced
def explain_alive(
    held: list[object],
    caller: types.FrameType | None = None,
    asking: int = 0,
    own: Sequence[list[object]] = (),
) -> Alive:
    """Say why the one object in ``held`` is alive.

    Parameters
    ----------
    held : a list of one object; the list itself does not count.
    caller : the function that asks; a local of it that refers to the object counts last.
    asking : further references to the object that exist because of the question.
    own : further lists of the instrument that hold objects and do not count.
    """
    if is_immortal(held[0]):
        return Alive(node_name(held[0]), "immortal", _IMMORTAL)
    with exclusive.analysis(), collector.paused():
        return _Question(Asked(held, own), 0, caller, asking).answer()


class Asked:
    """A heap in which several questions are asked: what :func:`explain_alive` answers for one object.

    Parameters
    ----------
    held : the objects; the list itself does not count.
    own : further lists of the instrument that hold objects and do not count.
    left_out : ids of objects that are not looked at.
    """

    # No dictionary, which would be in the heap and hold it.
    __slots__ = ("frames", "heap", "held", "hidden", "own", "own_modules", "upstreams")

    def __init__(
        self, held: list[object], own: Sequence[list[object]] = (), left_out: Collection[int] = ()
    ) -> None:
        self.held = held
        self.heap, self.frames = heap_with_frames(list(held), {id(self), *left_out})
        self.own = self.heap.places_of([id(held), *map(id, own)])
        self.own_modules = self.heap.places_of([id(vars(module)) for module in own_modules()])
        self.hidden = HiddenReferences()
        self.upstreams = Upstreams(self.heap)

    @untraced
    def why(self, number: int) -> Alive:
        """Why the object with this number is alive. To be called under the lock of analyses, the collector paused."""
        if is_immortal(self.held[number]):
            return Alive(node_name(self.held[number]), "immortal", _IMMORTAL)
        return _Question(self, number).answer()


class _Question:
    def __init__(
        self, asked: Asked, number: int, caller: types.FrameType | None = None, asking: int = 0
    ) -> None:
        heap, frames = asked.heap, asked.frames
        self._heap, self._frames = heap, frames
        self._caller = caller
        self._place = heap.place_of(asked.held[number])
        self._roots = named_roots(heap, frames)
        self._chains = Chains(heap, frames, self._roots, asked.hidden)
        self._upstreams = asked.upstreams
        self._own = asked.own
        self._own_modules = asked.own_modules
        missing = int(heap.unaccounted(np.array([self._place]))[0]) - asking
        self._unaccounted = max(missing, 0)

    def answer(self) -> Alive:
        heap, place, upstreams = self._heap, self._place, self._upstreams
        if type(heap.objects[place]) is types.FrameType and place in self._roots:
            return self._described("frame", f"a thread, which is running {self._roots[place].name}", [place])
        asking = Asking(heap, self._frames, self._caller, place)
        self._chains.asking = asking.namespace, asking.name
        modules = heap.come_from([*self._own.tolist(), *self._own_modules.tolist()])
        path = None
        if asking.gathered.any():
            path = self._from_a_root(upstreams.of(place, modules | asking.variable | asking.gathered))
        if path is None:
            upstream = upstreams.of(place, modules | asking.variable)
            path = self._from_a_root(upstream) or self._from_c(upstream)
        if path is None:  # a part of the instrument itself, or nothing else holds it
            own = heap.come_from(self._own.tolist())
            upstream = upstreams.of(place, own | asking.variable)
            path = self._from_a_root(upstream)
            if path is None and asking.variable.any():
                path = self._from_a_root(upstreams.of(place, own))
        return self._held(path) if path else self._unheld(upstream)

    def _held(self, path: list[int]) -> Alive:
        root = self._roots[path[0]]
        label = self._chains.label(path[0], path[1]) if len(path) > 1 else ""
        is_local = root.kind == "frame" and label.startswith("local ")
        text = f"local {label[6:]!r} of {root.name}" if is_local else root.name
        return self._described(root.kind, text + root.suffix, path)

    def _unheld(self, upstream: Upstream) -> Alive:
        leak = hidden_cycle(self._heap, upstream)
        if leak:
            return self._described("leak", _LEAK.format(self._hidden_name(leak)), leak)
        referents = self._heap.targets[self._heap.sources == self._place]
        path = upstream.cycle(referents)
        if len(path) == 1:
            return Alive(node_name(self._heap.objects[self._place]), "nothing", _NOTHING)
        return self._described("garbage", _GARBAGE, self._chains.with_owner(path))

    def _hidden_name(self, path: list[int]) -> str:
        """The first hidden reference of a path: 'datetime.datetime.tzinfo'."""
        heap = self._heap
        for source, target in pairwise(path):
            if (heap.hidden & (heap.sources == source) & (heap.targets == target)).any():
                return hidden_name(heap.objects[source], self._chains.label(source, target))
        return "a reference inside a C type"

    def _described(self, kind: str, root: str, path: list[int]) -> Alive:
        """The answer for a path of places, with the object's other holders."""
        edges, omitted = self._chains.edges(path)
        hidden = self._chains.hidden_along(path)
        holders = distinct(self._heap.holders_of(self._place)).tolist()
        known = {*self._own.tolist(), *self._own_modules.tolist(), *path[-2:-1]}
        others = sorted((each for each in holders if self._is_told(each, known)), key=self._is_library_frame)
        hidden_others = self._chains.hidden_among(others, self._place)
        remedies = dict.fromkeys(found.remedy for found in [*hidden, *hidden_others])
        remedies.update(dict.fromkeys(self._chains.kept_by_calls(path)))
        remedies.update(dict.fromkeys(self._chains.kept_by_its_own_entry(path)))
        also = [found.name for found in hidden_others]
        for holder in others:
            if len(also) >= _MOST_ALSO:
                break
            if not self._chains.all_hidden(holder, self._place):
                also.append(self._chains.holder_text(holder, self._place))
        return Alive(
            type=node_name(self._heap.objects[self._place]),
            kind=kind,
            root=" and ".join(dict.fromkeys(found.name for found in hidden)) or root,
            edges=edges,
            omitted=omitted,
            others=len(others),
            also=also,
            unaccounted=self._unaccounted,
            remedy="; ".join(remedies),
        )

    def _is_told(self, holder: int, known: set[int]) -> bool:
        """Whether a holder is worth a word: not the inner part of a cache that is a holder itself."""
        return holder not in known and safe_type_name(type(self._heap.objects[holder])) != PART

    def _from_a_root(self, upstream: Upstream) -> list[int] | None:
        """The nearest root's chain, as its reader counts: containers are part of an edge, and a class is a step."""
        paths: list[list[int]] = []
        for place in upstream.further():
            if place in self._roots or self._is_current_context(place):
                paths.append(upstream.path_from(place))
                if len(paths) == _MOST_COMPARED or len(paths[-1]) > len(paths[0]) + _MOST_FURTHER:
                    break
        nearest = [path for path in paths if len(path) == len(paths[0])]
        best = min(nearest, key=self._preference, default=None)
        if best is None or self._roots[best[0]].kind != "module":
            return best
        return min(paths, key=self._preference_of_modules)

    def _preference(self, path: Sequence[int]) -> tuple[bool, int, bool, bool, int]:
        """Of equally near ones a name that the user gave before a hidden one, and the home of the object's type."""
        kinds = ["module", "frame", "context", "C"]
        label = self._chains.label(path[0], path[1])
        root = self._roots[path[0]]
        private, home = _home(root, label, self._heap.objects[self._place])
        is_hidden = self._chains.hidden(path[0], label) is not None
        return is_hidden, kinds.index(root.kind), self._is_library_frame(path[0]), private, home

    def _preference_of_modules(
        self, path: Sequence[int]
    ) -> tuple[bool, int, tuple[bool, int, bool, bool, int], int]:
        is_module = self._roots[path[0]].kind == "module"
        return not is_module, self._chains.length(path), self._preference(path), len(path)

    def _is_library_frame(self, place: int) -> bool:
        """Whether it is a frame of the standard library's or of an installed package: the program's own come first."""
        obj = self._heap.objects[place]
        return type(obj) is types.FrameType and not is_own_code(obj.f_code.co_filename)

    def _is_current_context(self, place: int) -> bool:
        """A context that C code holds is the one that a thread runs in; it is a root from now on."""
        obj = self._heap.objects[place]
        if type(obj) is not Context or self._heap.unaccounted(np.array([place]))[0] <= 0:
            return False
        self._roots[place] = held_by_c(obj, 1, self._frames)
        return True

    def _from_c(self, upstream: Upstream) -> list[int] | None:
        """The chain from the nearest object that has more references than the heap accounts for."""
        if self._place in self._roots:
            return [self._place]  # a trace function, or the handler of a signal
        references = self._heap.unaccounted(upstream.order)
        references[0] = self._unaccounted
        held = np.flatnonzero(references > 0)
        if not len(held):
            return None
        place = int(upstream.order[held[0]])
        caller = self._caller if place == self._place else None
        obj = self._heap.objects[place]
        unseen = self._heap.unseen_tuples.get(id(obj))
        self._roots[place] = held_by_c(obj, int(references[held[0]]), self._frames, unseen, caller)
        return upstream.path_from(place)


def _home(root: Root, label: str, obj: object) -> tuple[bool, int]:
    """Whether a module's name, or the first name in it, is private; and less the nearer it is to the object's type."""
    if root.kind != "module":
        return False, 0
    module = root.name.removeprefix("module ")
    names = [*module.split("."), label.lstrip(".[\"'")]
    is_home = f"{safe_type_name(obj)}.".startswith(f"{module}.")
    return any(name.startswith("_") and name != "__main__" for name in names), -len(module) if is_home else 0


def _asking(obj: object) -> int:
    """What :func:`why_alive` sees of the caller's way to pass its argument: one reference more up to 3.10."""
    held = [obj]
    del obj
    count = reference_count(held[0])
    return 0 if count is None else count - 1


def _cost_of_asking() -> int:
    probe = object()
    return _asking(probe) - 1  # its one other reference is the local


_ASKING = _cost_of_asking()
