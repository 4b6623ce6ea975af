"""A chain of references as its reader knows it: names for the objects, labels for the edges, containers folded in."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from garbology.graph.edges import named_referents, short_type_name
from garbology.graph.folding import Step, is_foldable, joined_label
from garbology.graph.heap import Heap
from garbology.graph.naming.classes import is_class, mro_of, safe_type_name
from garbology.graph.naming.containers import key_label
from garbology.graph.naming.frames import CODE_OF, code_name, code_site
from garbology.graph.naming.interactive import Hidden, HiddenReferences, is_module
from garbology.graph.naming.text import safe_text
from garbology.graph.roots import Root, frame_name
from garbology.graph.shapes import Edge
from garbology.graph.snapshot import addresses_of
from garbology.interpreter.thread_stacks import RunningFrame

_get_function_name = types.FunctionType.__dict__["__qualname__"].__get__
_get_module_namespace = vars(types.ModuleType)["__dict__"].__get__
_MOST_LABELS = 20
_MOST_STEPS = 100  # named at either end of a longer chain


class Chains:
    """Names the references of one heap."""

    def __init__(
        self, heap: Heap, frames: Sequence[RunningFrame], roots: dict[int, Root], hidden: HiddenReferences
    ) -> None:
        self._heap = heap
        self._roots = roots
        self._hidden = hidden
        self._running = {id(running.frame): running.variables for running in frames}

    def label(self, source: int, target: int) -> str:
        """How one object holds the other; of several ways the one that its user gave a name."""
        labels = self._labels(source, target)
        return min(labels, key=lambda label: self._preference(source, label)) if labels else "reference"

    def hidden(self, source: int, label: str) -> Hidden | None:
        """What a reference is if it is an interactive interpreter's own."""
        return self._hidden.name(self._heap.objects[source], label)

    def all_hidden(self, holder: int, target: int) -> list[Hidden]:
        """All references of an interactive interpreter from one object to the other."""
        found = [self.hidden(holder, label) for label in self._labels(holder, target)]
        return [hidden for hidden in found if hidden is not None]

    def may_hide(self, holder: int) -> bool:
        """Whether an object belongs to an interactive interpreter."""
        return self._hidden.knows(self._heap.objects[holder])

    def hidden_along(self, path: Sequence[int]) -> list[Hidden]:
        """The hidden references on a path, each with what else of the interpreter holds the same on the way."""
        found: list[Hidden] = []
        for source, target in pairwise(path):
            hidden = self.hidden(source, self.label(source, target)) if self.may_hide(source) else None
            if hidden is not None:
                found.append(hidden)
                if target != path[-1]:
                    holders = [
                        holder for holder in self._heap.holders_of(target).tolist() if holder != source
                    ]
                    found += self.hidden_among(holders, target)
        return found

    def hidden_among(self, holders: Sequence[int], target: int) -> list[Hidden]:
        """All references of an interactive interpreter from these holders to an object."""
        known = [holder for holder in holders if self.may_hide(holder)]
        return [hidden for holder in known for hidden in self.all_hidden(holder, target)]

    def with_owner(self, path: list[int]) -> list[int]:
        """The path, from the object that owns the container it begins with."""
        path = list(path)
        while path[0] not in self._roots and _is_folded(self._heap.objects[path[0]]) and path[0] != path[-1]:
            owners = [owner for owner in self._heap.holders_of(path[0]).tolist() if owner not in path[:-1]]
            if not owners:
                break
            path.insert(0, next((owner for owner in owners if owner in self._roots), owners[0]))
        return path

    def holder_text(self, holder: int, place: int) -> str:
        """How an object is held by one of its holders: 'module app.cache[0]', 'local x of function f (app.py:3)'."""
        path = self.with_owner([holder, place])
        edge = next(self._folded(path))
        root = self._roots.get(path[0])
        if edge.label.startswith("local ") and root is not None:
            return f"{edge.label} of {edge.source}{root.suffix}"
        return f"{edge.source}{edge.label if edge.label[:1] in '.[' else ' → ' + edge.label}"

    def edges(self, path: Sequence[int]) -> tuple[list[Edge], int]:
        """The edges along a path of places; of a long one both ends, and how many references are left out."""
        if len(path) - 1 <= 2 * _MOST_STEPS:
            return list(self._folded(path)), 0
        head, tail = path[: _MOST_STEPS + 1], path[-_MOST_STEPS - 1 :]
        omitted = len(path) - 1 - 2 * _MOST_STEPS
        return [*self._folded(head), *self._folded(tail)], omitted

    def _source_name(self, place: int) -> str:
        root = self._roots.get(place)
        return root.name if root and root.is_object else node_name(self._heap.objects[place])

    def _preference(self, source: int, label: str) -> tuple[bool, bool, bool]:
        return self.hidden(source, label) is not None, label.startswith("['_"), label.startswith("key ")

    def _labels(self, source: int, target: int) -> list[str]:
        holder, referent = self._heap.objects[source], self._heap.objects[target]
        labels = [
            safe_text(v.label, limit=80)
            for v in self._running.get(id(holder), ())
            if v.target_id == id(referent)
        ]
        return labels or labels_between(holder, referent)

    def _folded(self, path: Sequence[int]) -> Iterator[Edge]:
        objects = self._heap.objects
        start, steps = 0, list[Step]()
        root = self._roots.get(path[0])
        if root is not None and root.kind == "module" and type(objects[path[0]]) is dict:
            steps.append(Step(root, ".__dict__", objects[path[0]], -1, 0))
        for at in range(len(path) - 1):
            label = self.label(path[at], path[at + 1])
            steps.append(Step(objects[path[at]], label, objects[path[at + 1]], path[at], 0))
            if at + 1 == len(path) - 1 or not _is_folded(objects[path[at + 1]]):
                label = joined_label(list(_plain(steps)))
                target = node_name(objects[path[at + 1]])
                yield Edge(self._source_name(path[start]), label, target, path[start], path[at + 1])
                start, steps = at + 1, []


def labels_between(holder: object, referent: object) -> list[str]:
    """All labels of the edges from one object to another; large builtin containers are searched in C."""
    kind = type(holder)
    labels: list[str] = []
    if kind is list or kind is tuple:
        copied = list.copy(holder) if kind is list else holder  # type: ignore[arg-type]
        labels = [f"[{index}]" for index in _places_of(referent, copied)]  # type: ignore[arg-type]
    elif kind is dict:
        keys, values = _items(holder)
        labels = [
            f"[{key_label(keys[at])}]"
            for at in np.flatnonzero(addresses_of(values) == id(referent)).tolist()[:20]
        ]
    return labels or [label for label, item in named_referents(holder) if item is referent]


def _places_of(item: object, items: Sequence[object]) -> list[int]:
    places: list[int] = np.flatnonzero(addresses_of(items) == id(item)).tolist()
    return places[:_MOST_LABELS]


def _items(holder: Any) -> tuple[list[object], list[object]]:
    items = list(dict.items(holder))
    return [key for key, _ in items], [value for _, value in items]


def node_name(obj: object) -> str:
    """What an object is: its type, or the name that it has in the source."""
    kind = type(obj)
    if kind is types.FrameType:
        return f"frame of {frame_name(obj)}"  # type: ignore[arg-type]
    if kind is types.FunctionType:
        return (
            f"function {safe_text(str.__str__(_get_function_name(obj)).rpartition('<locals>.')[2], limit=80)}"
        )
    if is_module(obj):
        return _module_name(obj)
    if is_class(obj):
        return f"class {short_type_name(obj)}"
    name = safe_type_name(kind)
    if name in CODE_OF:
        code = CODE_OF[name](obj)
        where = code_site(code, code.co_firstlineno)
        return f"{name.replace('_', ' ')} {code_name(code).removeprefix('function ')} ({where})"
    return short_type_name(kind)


def _module_name(module: object) -> str:
    name = dict.get(_get_module_namespace(module), "__name__")
    return f"module {safe_text(name, limit=80)}" if type(name) is str else "module"


def _is_folded(obj: object) -> bool:
    return is_foldable(obj) or safe_type_name(type(obj)).startswith("hamt")


def _plain(steps: Sequence[Step]) -> Iterator[Step]:
    """Without what the reader does not know: cells of locals, nodes of contexts, tables of thread-local data."""
    in_thread_local = False
    for at, step in enumerate(steps):
        before = steps[at - 1].label if at else ""
        after = steps[at + 1] if at + 1 < len(steps) else None
        if step.label == ".cell_contents" and before.startswith("local "):
            continue
        if after is not None and step.label in ("context variables", "held inside hamt"):
            continue
        if any(safe_type_name(cls) == "_thread._local" for cls in mro_of(type(step.holder))):
            in_thread_local = True
        if in_thread_local and after is not None:
            continue
        if in_thread_local and step.label.startswith("['"):
            step = Step(
                step.holder, f".{step.label[2:-2]} (of one thread)", step.referent, step.place, step.position
            )
        yield step
