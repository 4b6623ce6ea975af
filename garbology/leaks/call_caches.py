"""What of a window lives on only as the arguments of cached calls: `functools.lru_cache` on a method keeps each `self`.

The cache is visible and alive, so this is no leak, but rarely meant. Results are what a cache is for: they are not told
of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import cyclic_components
from garbology.cycles.reachability import held_from_outside, reachable_from
from garbology.cycles.result import Edge
from garbology.cycles.shapes import type_counts
from garbology.interpreter.contents import items_of
from garbology.interpreter.subinterpreters import others_run
from garbology.interpreter.traversal import safe_referents
from garbology.leaks.leak import HeldByC
from garbology.names.call_caches import (
    ARGUMENTS,
    cache_remedy,
    cached_function,
    call_cache_name,
    is_call_cache,
    is_of_the_program,
    table_of,
)
from garbology.names.classes import safe_type_name
from garbology.names.nodes import node_name
from garbology.names.secrets import is_made_in_python
from garbology.sizes.retained import holdings
from garbology.snapshot.listing import listing, referrers_of
from garbology.snapshot.snapshot import Snapshot, addresses_of, count_each

_MOST_ASKED = 64  # tuples that the heap is asked for


def kept_by_cached_calls(snapshot: Snapshot, suspects: NDArray[np.bool_]) -> list[HeldByC]:
    """One entry for each cache that keeps some of ``suspects`` (bool, shape (n,)) by arguments, most bytes first."""
    if not suspects.any():
        return []
    instances = _are_of(snapshot, list(map(_is_of_a_program, snapshot.types)))
    if not (instances & suspects).any():
        return []
    tables = _possible_tables(snapshot, _possible_arguments(snapshot, instances) & suspects)
    caches = _caches_in(referrers_of(tables)) if tables else {}
    if others_run() and (instances & suspects & held_from_outside(snapshot)).any():
        # A tuple that only a table has is in no list of the window then.
        caches.update(_caches_in(listing().there()))
    found = [_kept_by(snapshot, suspects, instances, cache) for cache in caches.values()]
    return sorted((each for each in found if each), key=lambda each: (-each.bytes, each.through))


def _caches_in(objects: Iterable[object]) -> dict[int, object]:
    """The caches of the program's functions by their ids; no list of all ``objects`` is made, it would hold itself."""
    return {id(each): each for each in objects if is_call_cache(each) and is_of_the_program(each)}


def _possible_arguments(snapshot: Snapshot, instances: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tuples with an object of a Python class in them: bool, shape (n,)."""
    tuples = _are_of(snapshot, [kind is tuple for kind in snapshot.types])
    leading = np.zeros(len(snapshot), bool)
    leading[snapshot.sources[instances[snapshot.targets]]] = True
    return tuples & leading


def _is_of_a_program(kind: type) -> bool:
    return is_made_in_python(kind) and not safe_type_name(kind).startswith("garbology.")


def _are_of(snapshot: Snapshot, chosen: list[bool]) -> NDArray[np.bool_]:
    are: NDArray[np.bool_] = np.array(chosen, bool)[snapshot.kinds]
    return are


def _possible_tables(snapshot: Snapshot, arguments: NDArray[np.bool_]) -> list[object]:
    """Dictionaries that hold ``arguments``: older ones, or that are in the window, for a dictionary is tracked only
    when something is put into it.
    """
    held = held_from_outside(snapshot)
    places = np.flatnonzero(arguments & held)[:_MOST_ASKED]
    asked = [snapshot.objects[place] for place in places.tolist()]
    tables = [each for each in referrers_of(asked) if type(each) is dict] if asked else []
    asked.clear()
    holding = np.zeros(len(snapshot), bool)
    holding[snapshot.sources[arguments[snapshot.targets]]] = True
    own = holding & held & _are_of(snapshot, [kind is dict for kind in snapshot.types])
    return [*tables, *(snapshot.objects[place] for place in np.flatnonzero(own)[:_MOST_ASKED].tolist())]


def _kept_by(
    snapshot: Snapshot, suspects: NDArray[np.bool_], instances: NDArray[np.bool_], cache: object
) -> HeldByC | None:
    """What a cache keeps by arguments, and nothing else does but its own results."""
    keys = [key for table in table_of(cache) for key, _ in items_of(table) if type(key) is tuple]
    others = held_from_outside(snapshot) & ~_only_held_by(snapshot, [cache, *table_of(cache), *keys])
    lost = suspects & ~reachable_from(snapshot, others)
    kept = _at(snapshot, [each for key in keys for each in safe_referents(key)]) & lost & instances
    if not kept.any():
        return None
    mine = reachable_from(snapshot, kept | _at(snapshot, keys)) & lost
    obj = snapshot.objects[int(np.flatnonzero(kept)[0])]
    size = holdings(snapshot, mine, cyclic_components(snapshot, mine), [], count_each([])).total_bytes
    name = call_cache_name(cache)
    return HeldByC(
        objects=int(mine.sum()),
        bytes=size,
        through=name,
        reason=f"{cached_function(cache)} caches its calls: {cache_remedy(cache, obj, ARGUMENTS)}",
        count=int(kept.sum()),
        types=dict(type_counts([obj])),
        edges=[Edge(name, ARGUMENTS, node_name(obj))],
        holder="a cache",
    )


def _at(snapshot: Snapshot, objects: Sequence[object]) -> NDArray[np.bool_]:
    """Which of the window's objects these are: bool, shape (n,)."""
    are = np.zeros(len(snapshot), bool)
    places = snapshot.index.find(addresses_of(objects))
    are[places[places >= 0]] = True
    return are


def _only_held_by(snapshot: Snapshot, parts: Sequence[object]) -> NDArray[np.bool_]:
    """What something outside the window holds, but nothing else than these: cache, table and arguments of calls."""
    references: dict[int, int] = defaultdict(int)
    for part, place in zip(parts, snapshot.index.find(addresses_of(parts)).tolist(), strict=True):
        if place < 0:
            for referent in safe_referents(part):
                references[id(referent)] += 1
    places = snapshot.index.find(np.fromiter(references, np.int64, len(references)))
    allowed = np.fromiter(references.values(), np.int64, len(references))
    inside = np.bincount(snapshot.targets, minlength=len(snapshot))
    own = np.zeros(len(snapshot), bool)
    own[places[places >= 0]] = (snapshot.counts - inside)[places[places >= 0]] <= allowed[places >= 0]
    return own
