"""Equal cycles get equal signatures, a million of them as fast as arrays go.

Colour refinement (Weisfeiler and Leman, 1968): a node's colour is its type; in every round it becomes a hash of
its own colour and of the colours of its referents. A component's signature is a hash of its nodes' colours.
The signature of cycles that differ only far apart may be equal, so what it groups is compared once more
by name, one occurrence of each group.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import Components, Cycles
from garbology.interpreter.contents import keys_of_each
from garbology.interpreter.memory_layout import attributes_there, has_attributes_apart
from garbology.names.classes import is_metaclass
from garbology.names.edges import safe_type_name
from garbology.names.nodes import code_names, code_of, has_code, qualified_class_name, statement_of
from garbology.snapshot.arrays import at, blocks, counted, distinct
from garbology.snapshot.snapshot import Snapshot, addresses_of, types_of

_ROUNDS = 3
_ROUNDS_FOR_LATER = 6  # a signature that others are compared with, in later snapshots and unread
_ROUNDS_ALONE = (
    1 if sys.version_info >= (3, 11) else 2
)  # before, what an instance refers to is two steps away
_BLOCK = 16_384
_LAST_SALT = (1 << 16) - 1  # positions further on share those of the first
_LONGEST_RING = 128  # objects of a cycle without branches that its length tells apart
_CONTAINERS = (list, tuple, set, frozenset, deque)  # where an element stands is no name
_Named = tuple[Callable[[type], bool], Callable[[list[Any]], NDArray[np.uint64]]]
_U64 = np.uint64
_ODD = _U64(0xD6E8FEB86659FD93)  # what is multiplied by it is not exchanged for what is added
_LOW = _U64(0xFFFFFFFF)


@dataclass(frozen=True)
class Coloring:
    """Colours of the objects in cycles, and a hash of each component that goes by them.

    Attributes
    ----------
    colours : uint32, shape (k,). One for each object in cycles, the same where surroundings look alike.
    signatures : uint64, shape (components.count,). Independent of the order in which objects were made.
    """

    colours: NDArray[np.uint32]
    signatures: NDArray[np.uint64]


def color(
    snapshot: Snapshot,
    components: Components,
    cycles: Cycles,
    *,
    ordered: bool,
    numbers: NDArray[np.uint64] | None = None,
) -> Coloring:
    """Colour the objects in ``cycles``.

    ``numbers`` tell the snapshot's types apart in the place of their names, and are the same in other snapshots: then
    the signatures of equal cycles are the same there, too.

    ``ordered`` takes in dicts' keys and at which place among its source's referents each referent stands, which
    tells ``.left`` from ``.right`` mostly without reading a name; but two sets of the same elements may differ.
    """
    labels, kinds = cycles.of(components.labels), cycles.of(snapshot.kinds)
    colours = at(_type_colours(snapshot.types) if numbers is None else _mixed(numbers.copy()), kinds)
    alone = components.count == 1 and numbers is None  # with nothing to be told apart from
    if ordered and not alone:
        _add_names(snapshot, cycles, kinds, labels >= 0, colours, fewest=2 if numbers is None else 1)
    places = min(int(cycles.positions.max(initial=0)), _LAST_SALT) + 1
    salts = _mixed(np.arange(places if ordered else 0, dtype=_U64))
    for _ in range(_ROUNDS_ALONE if alone else _ROUNDS if numbers is None else _ROUNDS_FOR_LATER):
        colours = _refined(colours, cycles, salts)
    signatures = _mixed(components.sizes.astype(_U64))
    for block in blocks(len(labels)):
        on_cycles = labels[block] >= 0
        np.add.at(signatures, labels[block][on_cycles], colours[block][on_cycles])
    colours >>= _U64(32)
    return Coloring(colours.astype(np.uint32), signatures)


def edge_sets(
    snapshot: Snapshot, components: Components, cycles: Cycles, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Two hashes of the set of edges of each ``chosen`` component, however often each edge occurs in it.

    An edge is the types of both ends. The first hash also takes in dicts' keys, where among its source's referents
    the target stands, if that is no sequence or set, and the length of a short ring: that tells most names apart.
    """
    number = np.full(components.count + 1, -1, np.int32)  # the last is that of the label -1
    number[chosen] = np.arange(len(chosen), dtype=np.int32)
    owners, kinds = at(number, cycles.of(components.labels)), cycles.of(snapshot.kinds)
    types = at(_type_colours(snapshot.types), kinds)
    keyed = types.copy()
    _add_names(snapshot, cycles, kinds, owners >= 0, keyed)
    has_places = np.array([all(kind is not each for each in _CONTAINERS) for kind in snapshot.types], bool)
    far: list[NDArray[np.uint64]] = []
    near: list[NDArray[np.uint64]] = []
    counts = np.zeros(len(chosen), np.int64)
    for own, sources, targets, positions in _edge_ends(cycles, owners):
        owned = own.astype(_U64) << _U64(32)
        far.append(owned | _low_hash(types[sources], types[targets]))
        places = (positions.astype(_U64) + _U64(1)) * has_places[kinds[sources]]
        near.append(owned | _low_hash(keyed[sources] + places, keyed[targets]))
        counts += np.bincount(own, minlength=len(chosen))
    sizes = components.sizes[chosen]
    is_ring = (counts == sizes) & (sizes <= _LONGEST_RING)
    lengths = _mixed(np.where(is_ring, sizes, 0).astype(_U64))
    return _sums_of_distinct(near, len(chosen)) + lengths, _sums_of_distinct(far, len(chosen))


def _low_hash(sources: NDArray[np.uint64], targets: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of each pair of colours in the lower half of a number; ``sources`` is changed."""
    sources *= _ODD
    sources += targets
    hashes: NDArray[np.uint64] = _mixed(sources) & _LOW
    return hashes


def _edge_ends(
    cycles: Cycles, owners: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]]:
    """Owner, source, target and position of the references of the objects whose owner is not negative."""
    for block in blocks(len(owners)):
        starts = cycles.starts[block.start : block.stop + 1]
        within = slice(int(starts[0]), int(starts[-1]))
        own = np.repeat(owners[block], np.diff(starts))
        kept = own >= 0
        if cycles.inside is not None:
            kept &= cycles.inside[within]
        places = np.repeat(np.arange(block.start, block.stop), np.diff(starts))
        yield own[kept], places[kept], cycles.targets[within][kept], cycles.positions[within][kept]


def _sums_of_distinct(parts: list[NDArray[np.uint64]], count: int) -> NDArray[np.uint64]:
    """For each owner, in the upper half of the numbers, a sum over the distinct lower halves; ``parts`` are emptied."""
    numbers = np.concatenate([np.empty(0, _U64), *parts])
    parts.clear()
    numbers.sort()
    distinct = numbers[np.append(True, numbers[1:] != numbers[:-1])] if len(numbers) else numbers
    sums = np.zeros(count, _U64)
    terms = distinct & _LOW
    terms *= terms + _LOW  # no linear sum: different sets would share it
    np.add.at(sums, (distinct >> _U64(32)).astype(np.intp), terms)
    return sums


def _refined(colours: NDArray[np.uint64], cycles: Cycles, salts: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The next round's colours, in blocks that stay in a processor's cache; ``salts`` are by position, or none."""
    refined = np.empty_like(colours)
    for first in range(0, len(colours), _BLOCK):
        last = min(first + _BLOCK, len(colours))
        begin, end = int(cycles.starts[first]), int(cycles.starts[last])
        totals = np.zeros(end - begin + 1, _U64)
        for some in blocks(end - begin):  # one list may have all references there are
            terms = colours[cycles.targets[begin + some.start : begin + some.stop]]
            if len(salts):
                terms ^= salts[cycles.positions[begin + some.start : begin + some.stop] & _LAST_SALT]
            _mixed(terms)
            if cycles.inside is not None:
                terms *= cycles.inside[begin + some.start : begin + some.stop]
            within = totals[some.start + 1 : some.stop + 1]
            np.cumsum(terms, out=within)
            within += totals[some.start]
        refined[first:last] = _mixed(np.diff(totals[cycles.starts[first : last + 1] - begin]))
        refined[first:last] += colours[first:last]
        _mixed(refined[first:last])
    return refined


def _type_colours(types: list[type]) -> NDArray[np.uint64]:
    """A colour for each type by its name: a class made anew in every call is the same class here."""
    names = list(map(safe_type_name, types))
    times = counted(names)
    names = [
        name + statement_of(own) if times[name] > 1 else name for name, own in zip(names, types, strict=True)
    ]
    numbers = {name: number for number, name in enumerate(sorted(set(names)), 1)}
    return _mixed(np.array([numbers[name] for name in names], _U64))


def _add_names(
    snapshot: Snapshot,
    cycles: Cycles,
    kinds: NDArray[np.int32],
    wanted: NDArray[np.bool_],
    colours: NDArray[np.uint64],
    *,
    fewest: int = 2,
) -> None:
    """Take into the colour of each ``wanted`` object what tells it apart by name, and no reference does.

    Attributes are such names where a class has ``fewest`` of them or more.
    """
    there = set(distinct(kinds[wanted]).tolist())
    apart: _Named = (functools.partial(has_attributes_apart, fewest=fewest), _attributes)
    for of_kind, names_of in (*_NAMES, apart):
        chosen = np.array(
            [number in there and of_kind(kind) for number, kind in enumerate(snapshot.types)], bool
        )
        if not chosen.any():
            continue
        places = np.flatnonzero(at(chosen, kinds) & wanted)
        for first in range(0, len(places), _BLOCK):
            some = places[first : first + _BLOCK]
            members = some if cycles.members is None else cycles.members[some]
            names = names_of([snapshot.objects[place] for place in members.tolist()])
            colours[some] = _mixed(colours[some] * _ODD + names)  # a type's number is none of an attribute


def _attributes(objects: list[object]) -> NDArray[np.uint64]:
    """Which slots they have, and which attributes that are stored beside them."""
    addresses = addresses_of(objects)
    types, kinds = types_of(objects)
    names = np.zeros(len(objects), _U64)
    for number, kind in enumerate(types):
        own = kinds == number
        names[own] = _mixed(attributes_there(kind, addresses[own]))
    return names


def _codes(objects: list[object]) -> NDArray[np.uint64]:
    """The names and places of the code that they run, and what it takes from the functions around it."""
    variables = (code_of(each).co_freevars for each in objects)
    return _hashes(zip(code_names(objects), variables, strict=True), len(objects))


def _class_names(classes: list[object]) -> NDArray[np.uint64]:
    return _hashes(map(qualified_class_name, classes), len(classes))


def _hashes(values: Iterable[object], count: int) -> NDArray[np.uint64]:
    return np.fromiter(map(hash, values), np.int64, count).astype(_U64)


def _keys(dicts: list[Any]) -> NDArray[np.uint64]:
    """Their keys, as far as they are plain strings."""
    keys = keys_of_each(dicts)
    if set(map(id, map(type, chain.from_iterable(keys)))) - {
        id(str)
    }:  # else no __hash__ is the program's own
        keys = [tuple(key for key in names if type(key) is str) for names in keys]
    return _hashes(keys, len(dicts))


#: Which kinds of objects have such names, and what these are as numbers.
_NAMES: tuple[_Named, ...] = (
    (lambda kind: kind is dict, _keys),
    (has_code, _codes),
    (is_metaclass, _class_names),
)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each value over all 64, in place (the finaliser of SplitMix64, Steele and others, 2014)."""
    values += _U64(0x9E3779B97F4A7C15)
    values ^= values >> _U64(30)
    values *= _U64(0xBF58476D1CE4E5B9)
    values ^= values >> _U64(27)
    values *= _U64(0x94D049BB133111EB)
    values ^= values >> _U64(31)
    return values
