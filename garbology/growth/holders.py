"""Names for what holds the objects that stay: `app.cache.SESSIONS[str] gains 1 Session a call`."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from garbology.alive.path import labels_between
from garbology.alive.question import Alive, Asked
from garbology.growth.attribution import heaviest
from garbology.growth.baseline import Last, State, growing_leaf
from garbology.growth.gains import rises_again
from garbology.interpreter.contents import items_of
from garbology.names.call_caches import INSIDE, is_call_cache
from garbology.names.classes import is_class, safe_type_name, short_type_name
from garbology.names.edges import named_referents
from garbology.names.globals import set_at
from garbology.names.hidden import hides, unseen_referents
from garbology.names.privacy import without_keys
from garbology.snapshot.arrays import counted, distinct

_BASES = type.__dict__["__bases__"].__get__
_REFERENT = weakref.ref.__call__
_MOST_ENTRIES = 1_000  # of a holder, of which the types are asked
_MOST_LATEST = 16  # of which the types are asked, where the collector tracks none
_FEW_STATES = 2  # in which one entry may be one a census
_MOST_REFERENTS = 10_000  # of a holder, among which the largest is looked for


@dataclass
class Holder:
    """What holds objects that the calls left: one place in the program.

    Attributes
    ----------
    name : 'app.cache.SESSIONS[str]': the way from a module, a running function or C code to the entries.
    bytes : that it gains a call, with everything below it; ``low`` and ``high`` are the ends of the 95 % interval. Of
        one that is bounded: what it gained until it stopped.
    entries : that it gains a call; 0 where that cannot be said.
    types : what the entries are, the commonest first.
    kind : of the root: 'module', 'frame', 'context', 'C', 'garbage' ...
    where : 'dict in module app.cache, cache.py:12'.
    chain : why the holder is alive: edges from the root to it, as text.
    bounded : whether it had stopped to grow before the last call.
    alike : how many objects that is together: each of a thousand sessions may have a list.
    """

    name: str
    bytes: float
    low: float
    high: float
    entries: float = 0.0
    types: list[str] = field(default_factory=list)
    kind: str = ""
    where: str = ""
    chain: list[str] = field(default_factory=list)
    bounded: bool = False
    alike: int = 1

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**vars(self), "types": list(self.types), "chain": list(self.chain)}


class _Gained(NamedTuple):
    """What one holder has that is new: how many entries, by which label it holds them, and their types.

    Where they came at once, and so it is not they that are gained again and again, ``at_once`` is the label of the one
    with most below it.
    """

    entries: int
    label: str
    types: list[str]
    at_once: str | None = None


class Names:
    """Names of holders; the heap is read once for all of them.

    Parameters
    ----------
    states : in which they gained.
    last : the census that has them; it is let go, for the heap needs as much memory once more.
    places : of the holders, in the first census.
    keys : whether names may have keys of dictionaries.
    known : what was told before of holders, by their places; of those that have died since it is told again.
    """

    __slots__ = ("_asked", "_gained", "_keys", "_known", "_numbers")  # no dictionary: see `Asked`

    def __init__(
        self,
        states: Sequence[State],
        last: Last,
        places: Sequence[int],
        *,
        keys: bool,
        known: dict[int, Holder] | None = None,
    ) -> None:
        self._keys = keys
        self._known = {} if known is None else known
        now = dict(zip(places, last.places_now(np.array(places, np.int32)).tolist(), strict=True))
        self._numbers = {place: number for number, place in enumerate(p for p in places if now[p] >= 0)}
        self._gained = {place: _gained(states, last, place, now[place]) for place in self._numbers}
        held = [last.objects[now[place]] for place in self._numbers]
        last.let_go()
        self._asked = Asked(held, (), {id(self)})  # not this object, or the heap that it has would hold it

    def describe(self, holder: Holder, place: int, calls: float) -> str:
        """Fill in the names of a ``holder``, which is at ``place`` in the first census, and its entries a call.

        The answer is its name without what it holds its entries by, which may be unknown.
        """
        if place not in self._numbers:  # it has died, or moved into what is new
            told = self._known.get(place) or Holder("an object that has died since", 0, 0, 0, kind="gone")
            holder.name, holder.kind, holder.where = told.name, told.kind, told.where
            holder.entries, holder.types, holder.chain = told.entries, list(told.types), list(told.chain)
            return holder.name
        obj, alive = self._asked.held[self._numbers[place]], self._asked.why(self._numbers[place])
        entries, label, holder.types, at_once = self._gained[place]
        if at_once is not None and not holder.bounded:
            entries, label = 0, at_once
        holder.entries = entries / calls
        holder.kind, holder.chain = alive.kind, [_private(str(edge), keys=self._keys) for edge in alive.edges]
        holder.name = _private(_name(obj, alive, label), keys=self._keys)
        holder.where = _where(obj, alive)
        self._known[place] = replace(holder, types=list(holder.types))
        return _private(_name(obj, alive, ""), keys=self._keys)


def _gained(states: Sequence[State], last: Last, place: int, now: int) -> _Gained:
    entries, obj, leaf = _entries(last, now), last.objects[now], growing_leaf(states, place)
    if leaf.is_most:  # what is new beside it is not what grows
        return _Gained(0, leaf.label, list(map(short_type_name, _labelled(obj, leaf.label))))
    label = _entry_label(obj, entries, leaf.label)
    gained = last.entries_gained(place, now)
    types = list(counted(map(short_type_name, entries or _latest(obj, gained) or _labelled(obj, label))))
    at_once = (
        _entry_label(obj, _heaviest(last, now), label) if _come_at_once(states, last, place, gained) else None
    )
    return _Gained(gained, label, types, at_once)


def _come_at_once(states: Sequence[State], last: Last, place: int, gained: int) -> bool:
    """Whether the entries that an object gained came between two censuses, and none at the others."""
    if last.first_lengths[place] < 0:
        return gained == 1 and len(states) > _FEW_STATES
    series = [int(state.entries[state.places == place].sum()) for state in states]
    return gained > 0 and not rises_again(np.array(series, float))


def _heaviest(last: Last, holder: int) -> list[object]:
    """Of the new objects to which a holder refers, the one with most bytes below it."""
    place = heaviest(last.census, last.attribution.before, holder)
    return [] if place is None else [last.objects[place]]


def _private(text: str, *, keys: bool) -> str:
    return text if keys else without_keys(text)


def _entries(last: Last, holder: int) -> list[object]:
    """Objects that are new and that the holder refers to."""
    targets = distinct(last.census.targets[last.census.sources == holder])[-_MOST_ENTRIES:]
    return [last.objects[target] for target in targets.tolist()]


def _entry_label(obj: object, entries: Sequence[object], leaf: str) -> str:
    """How the holder holds its entries; of what is not tracked, what grew most."""
    labels = labels_between(obj, entries[-1]) if entries else []
    if entries and not labels:
        labels = [label for label, array in _arrays_in(obj) if _holds(array, entries[-1])]
    return labels[0] if labels else leaf


def _holds(array: object, entry: object) -> bool:
    return any(each is entry for each in unseen_referents(array))


def _arrays_in(obj: object) -> list[tuple[str, object]]:
    """What an object refers to that is not tracked and hides what it holds."""
    referents = islice(named_referents(obj), _MOST_REFERENTS)
    return [(label, each) for label, each in referents if not gc.is_tracked(each) and hides(type(each))]


def _latest(obj: object, count: int) -> list[object]:
    """What a list or a dictionary was given last, where it was given something."""
    count = min(count, _MOST_LATEST)
    if count < 1:
        return []
    if type(obj) is dict:
        return [value for _, value in items_of(obj)[-count:]]
    return obj[-count:] if type(obj) is list else []


def _labelled(obj: object, label: str) -> list[object]:
    named = islice(named_referents(obj), _MOST_REFERENTS)
    return [referent for name, referent in named if name == label][-1:]


def _name(obj: object, alive: Alive, label: str) -> str:
    labels = [edge.label for edge in alive.edges]
    label = "" if label.startswith("held inside") else label
    subclasses = _subclasses_of(obj) if alive.kind == "C" else ""
    if subclasses:
        return subclasses
    if is_call_cache(obj):
        return f"{_joined([_root(alive), *labels])} (lru_cache)"
    root = _root(alive)
    if alive.kind == "frame" and labels[:1] and labels[0].startswith("local "):
        root = f"local {labels[0][6:]}"
        labels = labels[1:]
    if labels[-1:] == [".__dict__"] and alive.kind == "module":
        labels[-1:] = []
        label = f".{label[2:-2]}" if label.startswith("['") else label
    elif not label.startswith("."):
        label = f"[{label}]" if label == "set element" else label
    name, inside, _ = _joined([root, *labels, label]).partition(f" → {INSIDE}")
    return f"{name} (lru_cache)" if inside else name


def _subclasses_of(obj: object) -> str:
    """'app.Base.__subclasses__()' of CPython's dictionary of weak references to the classes that derive from one.

    Its keys are their addresses.
    """
    items = items_of(obj)[-_MOST_ENTRIES:] if type(obj) is dict else []
    weakly = [(key, _REFERENT(value)) for key, value in items if type(value) is weakref.ref]
    derived = [each for key, each in weakly if type(key) is int and key == id(each) and is_class(each)]
    bases = _BASES(derived[-1]) if derived else ()
    common = [base for base in bases if all(any(base is its for its in _BASES(each)) for each in derived)]
    return f"{safe_type_name(common[0])}.__subclasses__()" if common else ""


def _root(alive: Alive) -> str:
    if alive.kind == "C":
        return "C code" if alive.root.startswith("held by") else alive.root.partition(",")[0]
    return alive.root.removeprefix("module ")


def _joined(labels: list[str]) -> str:
    first, *others = ["[key]" if each.startswith("key ") else each for each in labels]
    return "".join([first, *(each if not each or each[0] in ".[" else f" → {each}" for each in others)])


def _where(obj: object, alive: Alive) -> str:
    kind = short_type_name(obj)
    if alive.kind == "module" and [edge.label for edge in alive.edges] == [".__dict__"]:
        return alive.root
    if alive.kind == "module" and alive.edges:
        line = set_at(alive.root.removeprefix("module "), alive.edges[0].label.partition("[")[0])
        return f"{kind} in {alive.root}{', ' + line if line else ''}"
    if alive.kind == "C" and _subclasses_of(obj):
        return "goes with the class"
    return f"{kind}, {alive.root}"
