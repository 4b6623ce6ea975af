"""Equal cycles get equal signatures, a million of them as fast as arrays go.

Colour refinement (Weisfeiler and Leman, 1968): a node's colour is its type; in every round it becomes a hash of
its own colour and of the colours of its referents. A component's signature is a hash of its nodes' colours.
The signature of cycles that differ only far apart may be equal, so what it groups is compared once more
by name, one occurrence of each group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from garbology.graph.components import Components, Cycles
from garbology.graph.edges import safe_type_name
from garbology.graph.snapshot import Snapshot

_ROUNDS = 3
_BLOCK = 16_384
_U64 = np.uint64


@dataclass(frozen=True)
class Coloring:
    """Colours of the objects in cycles, and a hash of each component that goes by them.

    Attributes
    ----------
    colours : uint64, shape (k,). One for each object in cycles, the same where surroundings look alike.
    signatures : uint64, shape (components.count,). Independent of the order in which objects were made.
    """

    colours: NDArray[np.uint64]
    signatures: NDArray[np.uint64]


def color(snapshot: Snapshot, components: Components, cycles: Cycles, *, ordered: bool) -> Coloring:
    """Colour the objects in ``cycles``.

    ``ordered`` takes in dicts' keys and at which place among its source's referents each referent stands, which
    tells ``.left`` from ``.right`` mostly without reading a name; but two sets of the same elements may differ.
    """
    members = cycles.members
    colours = _type_colours(snapshot.types)[snapshot.kinds[members]]
    alone = components.count == 1  # with nothing to be told apart from
    if ordered and not alone:
        _add_keys(snapshot, members, colours)
    salts = _mixed(np.arange(cycles.positions.max(initial=0) + 1 if ordered else 0, dtype=_U64))
    for _ in range(1 if alone else _ROUNDS):
        colours = _refined(colours, cycles, salts)
    signatures = _mixed(components.sizes.astype(_U64))
    np.add.at(signatures, components.labels[members], colours)
    return Coloring(colours, signatures)


def _refined(colours: NDArray[np.uint64], cycles: Cycles, salts: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The next round's colours, in blocks that stay in a processor's cache; ``salts`` are by position, or none."""
    refined = np.empty_like(colours)
    for first in range(0, len(colours), _BLOCK):
        last = min(first + _BLOCK, len(colours))
        begin, end = int(cycles.starts[first]), int(cycles.starts[last])
        terms = colours[cycles.targets[begin:end]]
        if len(salts):
            terms ^= salts[cycles.positions[begin:end]]
        totals = np.zeros(end - begin + 1, _U64)
        np.cumsum(_mixed(terms), out=totals[1:])
        refined[first:last] = _mixed(np.diff(totals[cycles.starts[first : last + 1] - begin]))
        refined[first:last] += colours[first:last]
        _mixed(refined[first:last])
    return refined


def _type_colours(types: list[type]) -> NDArray[np.uint64]:
    """A colour for each type by its name: a class made anew in every call is the same class here."""
    names = list(map(safe_type_name, types))
    numbers = {name: number for number, name in enumerate(sorted(set(names)), 1)}
    return _mixed(np.array([numbers[name] for name in names], _U64))


def _add_keys(snapshot: Snapshot, members: NDArray[np.int32], colours: NDArray[np.uint64]) -> None:
    """Take the keys of plain dicts into their colour, as far as they are plain strings."""
    kind = next((number for number, kind in enumerate(snapshot.types) if kind is dict), -1)
    places = np.flatnonzero(snapshot.kinds[members] == kind)
    for first in range(0, len(places), _BLOCK):
        some = places[first : first + _BLOCK]
        hashes = _hashes_of_keys([snapshot.objects[place] for place in members[some].tolist()])
        colours[some] = _mixed(colours[some] ^ hashes)


def _hashes_of_keys(dicts: list[dict[object, object]]) -> NDArray[np.uint64]:
    if set(map(id, map(type, chain.from_iterable(dicts)))) - {id(str)}:
        keys: Iterable[tuple[object, ...]] = (
            tuple(key for key in names if type(key) is str) for names in dicts
        )
    else:  # no key whose __hash__ is the program's own
        keys = map(tuple, dicts)
    return np.fromiter(map(hash, keys), np.int64, len(dicts)).astype(_U64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each value over all 64, in place (the finaliser of SplitMix64, Steele and others, 2014)."""
    values += _U64(0x9E3779B97F4A7C15)
    values ^= values >> _U64(30)
    values *= _U64(0xBF58476D1CE4E5B9)
    values ^= values >> _U64(27)
    values *= _U64(0x94D049BB133111EB)
    values ^= values >> _U64(31)
    return values
