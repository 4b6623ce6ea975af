"""Windows of some hundred objects that leave nothing to be explained, decided without arrays.

Most blocks leave nothing behind, or a few objects that are alive in a plain sight: in a variable of a running function,
in a module. For these all that :mod:`garbology.find.explain` would ask has a known answer: nothing is garbage, nothing
older is garbage with it, nothing leaks and nothing is held by C code alone. Here that is proved, with lists and
dictionaries, or nothing is said and the general way is gone:

- each object is reached from one that is held from outside, by counts, as :mod:`garbology.cycles.reachability` does;
- each is reached from a variable of a running function of this thread, or through older objects from a module's
  namespace: so it is alive, and what holds it is visible;
- none of them, and nothing that they lead to beside what the collector tracks, hides references from the collector.
"""

from __future__ import annotations

import gc
import operator
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

from garbology.advice.small_window import SmallWindow
from garbology.interpreter.contents import items_of
from garbology.interpreter.contexts import ids_in_context
from garbology.interpreter.thread_stacks import frames_of, running_local_ids
from garbology.leaks.leak import Leaks
from garbology.names.call_caches import CALL_CACHE
from garbology.names.classes import (
    COLLECTED_TYPE,
    HEAP_TYPE,
    flags_of,
    is_module_type,
    namespace_of_module,
)
from garbology.names.hidden import hides, holds_unseen
from garbology.names.secrets import has_secrets
from garbology.snapshot.judging import Opening, is_of_the_analysis

MOST_OBJECTS = 300
_MOST_MODULES = 50  # those that were imported last, beside those whose functions run
_MOST_STEPS = (
    4  # from a module's namespace: a registry, an instance in it, that one's dictionary, what it holds
)
_MOST_READ = 20_000  # references
_MOST_READ_NEARBY = 2_000  # behind the namespaces of functions that run

_hides: dict[int, tuple[bool, bool]] = {}  # of types that never die, by address


def leaks_if_all_is_alive(objects: list[object], opening: Opening | None) -> Leaks | None:
    """What is said of leaks where all ``objects``, which the caller holds in this list, are alive in plain sight.

    None where that is not certain; there may be garbage then.
    """
    unjudged = "it was not asked for" if opening is None else opening.unjudged
    if objects and not (len(objects) <= MOST_OBJECTS and _are_alive_in_plain_sight(objects)):
        return None
    return Leaks(unjudged=unjudged)


def _are_alive_in_plain_sight(objects: list[object]) -> bool:
    if any(is_module_type(kind) for kind in _distinct(map(type, objects))):
        return False
    window = _Window(objects)
    return window.is_held() and window.is_reached() and not _hide_anything(objects) and window.is_settled()


class _Window:
    """A window, and which of its objects are known to be alive."""

    def __init__(self, objects: list[object]) -> None:
        self._window = SmallWindow(objects)
        self._held = self._window.held()
        self._known: set[int] = set()
        self._roots: set[int] = set()  # what something outside holds: they lead to all

    def is_settled(self) -> bool:
        """Whether no other thread has used the objects since they were read, and their counts can be explained."""
        return (
            self._window.counts == list(map(sys.getrefcount, self._window.objects)) and min(self._held) >= 0
        )

    def is_held(self) -> bool:
        """Whether something outside the window holds all of it; else there is garbage, and no need to look further."""
        self._roots = {place for place, held in enumerate(self._held) if held > 0}
        return all(self._window.reached(self._roots))

    def is_reached(self) -> bool:
        """Whether all is reached from what running functions of this thread or modules hold."""
        reached = (self._reaches_all(found) for found in self._found())
        return any(reached)

    def _found(self) -> Iterator[Iterable[int | None]]:
        """Places of what is held, source by source; None for what is none of the window's."""
        places = self._window.index.get
        namespaces: dict[int, object] = {}
        for frame in frames_of(sys._getframe()):
            if not is_of_the_analysis(frame):
                ids = running_local_ids(frame)
                if ids is None:
                    return
                yield map(places, ids)
                namespaces[id(frame.f_globals)] = frame.f_globals
        yield map(places, ids_in_context())
        seen = {id(self._window.objects), *namespaces}
        yield from self._found_behind(namespaces, seen, _MOST_READ_NEARBY)
        for _, module in items_of(sys.modules)[-_MOST_MODULES:]:
            if type(module) is types.ModuleType:
                namespaces[id(namespace_of_module(module))] = namespace_of_module(module)
        yield from self._found_behind(namespaces, set(namespaces), _MOST_READ)

    def _found_behind(
        self, holders: dict[int, object], seen: set[int], most: int
    ) -> Iterator[Iterable[int | None]]:
        """The same of what some older objects lead to, a few steps away, while at most so many references are read."""
        read = 0
        for _ in range(_MOST_STEPS):
            referents = gc.get_referents(*holders.values())
            read += len(referents)
            yield map(self._window.index.get, map(id, referents))
            if read > most:
                break
            holders = self._that_lead_further(referents, seen)
            del referents

    def _that_lead_further(self, objects: list[object], seen: set[int]) -> dict[int, object]:
        """Those that are not ``seen`` yet; modules lead to everything, the window's own objects to what is known, and
        there is more to be said of what a cache of calls keeps.
        """
        fresh = {id(obj): obj for obj in objects if gc.is_tracked(obj)}
        for address in [*filter(fresh.__contains__, seen), *filter(fresh.__contains__, self._window.index)]:
            fresh.pop(address, None)
        seen.update(fresh)
        kinds = _distinct(map(type, fresh.values()))
        nowhere = {
            id(kind) for kind in kinds if kind is types.CodeType or kind is CALL_CACHE or is_module_type(kind)
        }
        return {address: obj for address, obj in fresh.items() if id(type(obj)) not in nowhere}

    def _reaches_all(self, places: Iterable[int | None]) -> bool:
        known = {place for place in places if place is not None and self._held[place] > 0}
        if known <= self._known:
            return False
        self._known |= known
        return self._known == self._roots or all(self._window.reached(self._known))


def _distinct(kinds: Iterable[type]) -> Iterable[type]:
    return {id(kind): kind for kind in kinds}.values()


# --- what hides references


def _hide_anything(objects: Sequence[object]) -> bool:
    """Whether some of the objects, or of what only they may lead to, hold what the collector is not shown.

    That is what is not tracked: things that take no part in the collection, and containers of such alone.
    """
    seen = set(map(id, objects))
    pending: Sequence[object] = objects
    while pending:
        if _some_hide(pending):
            return True
        referents = gc.get_referents(*pending)
        untracked = list(compress(referents, map(operator.not_, map(gc.is_tracked, referents))))
        del referents
        leading = {id(kind) for kind in _distinct(map(type, untracked)) if _may_lead_further(kind)}
        behind = {id(obj): obj for obj in untracked if id(type(obj)) in leading and id(obj) not in seen}
        seen.update(behind)
        pending = list(behind.values())
    return False


def _some_hide(objects: Sequence[object]) -> bool:
    """Each type is asked once, and instances only of those that may hold something."""
    knowing: set[int] = set()
    for kind in _distinct(map(type, objects)):
        knows, secret = _hiding(kind)
        if secret:
            return True
        if knows:
            knowing.add(id(kind))
    return bool(knowing) and any(holds_unseen(obj) for obj in objects if id(type(obj)) in knowing)


def _may_lead_further(kind: type) -> bool:
    """Of instances that are not tracked."""
    return bool(flags_of(kind) & COLLECTED_TYPE) or any(_hiding(kind))


def _hiding(kind: type) -> tuple[bool, bool]:
    """Whether instances hide something that the table knows, and whether they may hide more."""
    known = _hides.get(id(kind))
    if known is None:
        known = hides(kind), has_secrets(kind)
        if not flags_of(kind) & HEAP_TYPE:
            _hides[id(kind)] = known
    return known
