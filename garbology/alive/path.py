"""A chain of references as its reader knows it: names for the objects, labels for the edges, containers folded in."""

from __future__ import annotations

import types
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from garbology.cycles.folding import Step, is_foldable, joined_label
from garbology.cycles.result import Edge
from garbology.interpreter.contents import items_of, slots_of, value_of
from garbology.interpreter.thread_stacks import RunningFrame
from garbology.interpreter.traversal import safe_referents
from garbology.names import nodes
from garbology.names.call_caches import (
    ARGUMENTS,
    INSIDE,
    RESULT,
    cache_remedy,
    call_cache_name,
    is_call_cache,
    role_in_cache,
)
from garbology.names.classes import is_class, is_module, mro_of, namespace_of_module, safe_type_name
from garbology.names.containers import key_label
from garbology.names.edges import named_referents, short_type_name
from garbology.names.interactive import Hidden, HiddenReferences
from garbology.names.secrets import has_secrets, secret_label
from garbology.snapshot.heap import Heap
from garbology.snapshot.roots import Root, frame_name
from garbology.snapshot.snapshot import addresses_of
from garbology.text.escaping import safe_text

_CONTAINERS = (dict, list, tuple, set, frozenset, types.CellType)
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
        self.asking: tuple[int, str | None] = (-1, None)  # a namespace and the name in it by which one asks
        self._running = {id(running.frame): running.variables for running in frames}

    def label(self, source: int, target: int) -> str:
        """How one object holds the other; of several ways the one that its user gave a name."""
        labels = self._labels(source, target)
        return (
            min(labels, key=lambda label: self._preference(source, label))
            if labels
            else self._secret_label(source, target)
        )

    def _secret_label(self, source: int, target: int) -> str:
        holder = self._heap.objects[source]
        return secret_label(holder, self._heap.objects[target]) if has_secrets(type(holder)) else "reference"

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
        """All references of an interactive interpreter from these holders to an object, by name.

        In the order of the heap one and the same session would say it otherwise tomorrow.
        """
        known = [holder for holder in holders if self.may_hide(holder)]
        found = [hidden for holder in known for hidden in self.all_hidden(holder, target)]
        return sorted(found, key=lambda hidden: hidden.name)

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

    def length(self, path: Sequence[int]) -> int:
        """How many steps a path of places has: what leads through a container alone is one."""
        kinds = [type(self._heap.objects[place]) for place in path[1:-1]]
        return 1 + sum(not any(kind is each for each in _CONTAINERS) for kind in kinds)

    def kept_by_calls(self, path: Sequence[int]) -> list[str]:
        """What to do about the caches of calls on a path."""
        objects = [self._heap.objects[place] for place in path]
        return [
            cache_remedy(cache, _first_instance(objects[at + 1 :]), _role_on_path(cache, objects[at + 1 :]))
            for at, cache in enumerate(objects[:-1])
            if is_call_cache(cache) and any(each is objects[at + 1] for each in safe_referents(cache))
        ]

    def kept_by_its_own_entry(self, path: Sequence[int]) -> list[str]:
        """What to do about a WeakKeyDictionary on a path, one of whose values leads to its own key."""
        objects = [self._heap.objects[place] for place in path]
        return [
            f"the value that this WeakKeyDictionary has for the {short_type_name(key)} leads to it, so the entry "
            "never goes: hold it in the value by weakref.ref"
            for at, table in enumerate(objects[:-1])
            if type(table) is dict and any(map(_is_keyed_weakly, objects[max(at - 2, 0) : at]))
            for reference, value in items_of(table)
            if value is objects[at + 1] and type(reference) is weakref.ref
            for key in [reference()]
            if any(key is each for each in objects[at + 1 :])
        ]

    def _source_name(self, place: int) -> str:
        root = self._roots.get(place)
        return root.name if root and root.is_object else node_name(self._heap.objects[place])

    def _preference(self, source: int, label: str) -> tuple[bool, bool, bool, bool]:
        asks = source == self.asking[0] and label == f"[{self.asking[1]!r}]"
        hidden = self.hidden(source, label) is not None
        return asks, hidden, label.startswith("['_"), label.startswith("key ")

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
                source, target = self._source_name(path[start]), node_name(objects[path[at + 1]])
                if source.startswith("module ") and target.startswith(f"function {label[1:]} ("):
                    target = f"function {label[1:]}"  # where that is, is said
                yield Edge(source, label, target, path[start], path[at + 1])
                start, steps = at + 1, []


def labels_between(holder: object, referent: object) -> list[str]:
    """All labels of the edges from one object to another; large builtin containers are searched in C."""
    kind = type(holder)
    labels: list[str] = []
    if kind is list or kind is tuple:
        labels = [f"[{index}]" for index in slots_of(holder, referent)[:_MOST_LABELS]]
    elif kind is dict:
        items = items_of(holder)
        places = np.flatnonzero(addresses_of([value for _, value in items]) == id(referent))
        labels = [f"[{key_label(items[place][0])}]" for place in places[:_MOST_LABELS].tolist()]
    return labels or [label for label, item in named_referents(holder) if item is referent]


def node_name(obj: object) -> str:
    """What an object is: its type, or the name that it has in the source."""
    if type(obj) is types.FrameType:
        return f"frame of {frame_name(obj)}"
    if is_module(obj):
        return _module_name(obj)
    if is_call_cache(obj):
        return call_cache_name(obj)
    if is_class(obj) and not nodes.is_made_in_a_call(obj):
        return f"class {short_type_name(obj)}"
    return nodes.node_name(obj)


def _module_name(module: object) -> str:
    name = value_of(namespace_of_module(module), "__name__")
    return f"module {safe_text(name, limit=80)}" if type(name) is str else "module"


def _is_folded(obj: object) -> bool:
    return is_foldable(obj) or safe_type_name(type(obj)).startswith("hamt")


def _is_keyed_weakly(obj: object) -> bool:
    return any(base is weakref.WeakKeyDictionary for base in mro_of(type(obj)))


def _role_on_path(cache: object, behind: Sequence[object]) -> str:
    """Whether a cache keeps what is ``behind`` it by arguments or by a result."""
    if type(behind[0]) is dict and len(behind) > 1:
        return ARGUMENTS if any(key is behind[1] for key, _ in items_of(behind[0])) else RESULT
    return role_in_cache(cache, behind[0])


def _first_instance(objects: Sequence[object]) -> object:
    """The first that is no container, or the last."""
    return next((obj for obj in objects if not any(type(obj) is kind for kind in _CONTAINERS)), objects[-1])


def _of_calls(steps: Sequence[Step]) -> Iterator[Step]:
    """With what a cache of calls holds named by its part in a call; the cache's table is not told of."""
    table: object = None
    for at, step in enumerate(steps):
        if is_call_cache(step.holder) and step.label == INSIDE:
            if type(step.referent) is not dict:
                step = replace(step, label=role_in_cache(step.holder, step.referent))
            elif at + 1 < len(steps):
                table = step.referent
                continue
        elif table is not None and step.holder is table:
            step = replace(step, label=ARGUMENTS if step.label.startswith("key ") else RESULT)
        yield step


def _plain(steps: Sequence[Step]) -> Iterator[Step]:
    """Without what the reader does not know: cells of locals, nodes of contexts, tables of thread-local data."""
    in_thread_local = False
    steps = list(_of_calls(steps))
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
