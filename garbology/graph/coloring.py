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

from garbology.graph.components import Components
from garbology.graph.edges import safe_type_name
from garbology.graph.snapshot import Snapshot

_ROUNDS = 3
_U64 = np.uint64


@dataclass(frozen=True)
class Coloring:
    """Colours of the objects in cycles, and a hash of each component that goes by them.

    Attributes
    ----------
    members : int64, shape (k,). Places in the snapshot of the objects that are in cycles, ascending.
    colours : uint64, shape (k,). Objects whose surroundings look alike have the same colour.
    signatures : uint64, shape (components.count,). Independent of the order in which objects were made.
    """

    members: NDArray[np.int64]
    colours: NDArray[np.uint64]
    signatures: NDArray[np.uint64]


def color(snapshot: Snapshot, components: Components, *, ordered: bool) -> Coloring:
    """Colour the objects in cycles.

    ``ordered`` takes in dicts' keys and at which place among its source's referents each referent stands, which
    tells ``.left`` from ``.right`` mostly without reading a name; but two sets of the same elements may differ.
    """
    members = np.flatnonzero(components.labels >= 0)
    sources, targets, positions = components.edges(snapshot)
    place = np.full(len(snapshot), -1, np.int32)
    place[members] = np.arange(len(members), dtype=np.int32)
    ends = np.zeros(len(members) + 1, np.int64)
    np.cumsum(np.bincount(place[sources], minlength=len(members)), out=ends[1:])
    targets = place[targets]
    colours = _type_colours(snapshot.types)[snapshot.kinds[members]]
    if ordered:
        colours = _with_keys(snapshot, members, colours)
    salt = _mixed(np.arange(positions.max(initial=0) + 1, dtype=_U64))[positions] if ordered else _U64(0)
    for _ in range(_ROUNDS):
        total = np.zeros(len(targets) + 1, _U64)
        np.cumsum(_mixed(colours[targets] ^ salt), out=total[1:])
        colours = _mixed(colours + _mixed(total[ends[1:]] - total[ends[:-1]]))
    signatures = _mixed(components.sizes.astype(_U64))
    np.add.at(signatures, components.labels[members], colours)
    return Coloring(members, colours, signatures)


def _type_colours(types: list[type]) -> NDArray[np.uint64]:
    """A colour for each type by its name: a class made anew in every call is the same class here."""
    names = list(map(safe_type_name, types))
    numbers = {name: number for number, name in enumerate(sorted(set(names)), 1)}
    return _mixed(np.array([numbers[name] for name in names], _U64))


def _with_keys(
    snapshot: Snapshot, members: NDArray[np.int64], colours: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Take the keys of plain dicts into their colour, as far as they are plain strings."""
    kind = next((number for number, kind in enumerate(snapshot.types) if kind is dict), -1)
    places = np.flatnonzero(snapshot.kinds[members] == kind)
    if not len(places):
        return colours
    dicts: list[dict[object, object]] = [snapshot.objects[place] for place in members[places].tolist()]
    if set(map(id, map(type, chain.from_iterable(dicts)))) - {id(str)}:
        keys: Iterable[tuple[object, ...]] = (
            tuple(key for key in names if type(key) is str) for names in dicts
        )
    else:  # no key whose __hash__ is the program's own
        keys = map(tuple, dicts)
    hashes = np.fromiter(map(hash, keys), np.int64, len(dicts)).astype(_U64)
    colours = colours.copy()
    colours[places] = _mixed(colours[places] ^ hashes)
    return colours


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each value over all 64 (the finaliser of SplitMix64, Steele and others, 2014)."""
    values = (values + _U64(0x9E3779B97F4A7C15)).astype(_U64)
    values = (values ^ (values >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> _U64(27))) * _U64(0x94D049BB133111EB)
    answer: NDArray[np.uint64] = values ^ (values >> _U64(31))
    return answer
