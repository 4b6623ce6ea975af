"""The graph with what the collector does not look into: object arrays, views, dates with a zone and the like.

An ndarray has no `tp_traverse` and is not tracked, so what its elements hold looks as if somebody outside held
it (numpy issue 6581). Here those arrays, and whatever else keeps references to itself
(:mod:`garbology.names.hidden`), become nodes with reference counts of their own, together with the
containers that the collector stopped tracking because they hold nothing but arrays (`{'weights': array}`).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

import numpy as np
from numpy.typing import NDArray

from garbology.names.classes import COLLECTED_TYPE, flags_of
from garbology.names.hidden import hides, holds_unseen, unseen_of_each, unseen_referents, which_hold_unseen
from garbology.names.secrets import has_secrets, secret_addresses
from garbology.snapshot.snapshot import (
    Index,
    Snapshot,
    addresses_of,
    count_each,
    referents_in_chunks,
    types_of,
)


@dataclass(frozen=True)
class Expansion:
    """Objects of a window, and behind them what the collector cannot see.

    Attributes
    ----------
    snapshot : the window's objects at ``places``, then what hides references and the untracked containers behind them.
    places : int64. Where the first objects stand in the window's own snapshot.
    hides : bool, shape (n,). Which nodes refer to something that the collector is not shown.
    """

    snapshot: Snapshot
    places: NDArray[np.int64]
    hides: NDArray[np.bool_]


def expand(snapshot: Snapshot, suspects: NDArray[np.bool_], garbage: NDArray[np.bool_]) -> Expansion | None:
    """Make nodes of what hides references behind ``suspects`` and ``garbage`` (bool, shape (n,)).

    None where no suspect leads to anything of the kind; the garbage is then not read.
    """
    holders = list(compress(snapshot.objects, suspects.tolist()))
    if not any(map(_may_hide, chain(_hiding_among(holders), _behind(snapshot.index, holders)))):
        return None
    places = np.flatnonzero(suspects | garbage)
    holders = [snapshot.objects[place] for place in places.tolist()]
    behind = _behind(snapshot.index, holders)
    counts = np.concatenate([snapshot.counts[places], count_each(behind)])
    objects = holders + behind
    unsettled = np.concatenate([snapshot.unsettled[places], np.zeros(len(behind), bool)])
    types, kinds = types_of(objects)
    hiding = np.array([hides(kind) or has_secrets(kind) for kind in types], bool)[kinds]
    index = Index(objects)
    starts, targets = _edges(index, objects, np.flatnonzero(hiding))
    expanded = replace(
        snapshot,
        objects=objects,
        counts=counts,
        starts=starts,
        targets=targets,
        positions=np.zeros(len(targets), np.int32),
        unsettled=unsettled,
        index=index,
        types=types,
        kinds=kinds,
    )
    return Expansion(expanded, places, hiding)


def _may_hide(obj: object) -> bool:
    return has_secrets(type(obj)) or holds_unseen(obj)


def _hiding_among(objects: Sequence[object]) -> list[object]:
    return _of_types(objects, lambda kind: hides(kind) or has_secrets(kind))


def _known_to_hide(objects: Sequence[object]) -> list[object]:
    """Those of which the table knows what they hide: not the code of a program, of which there is much."""
    return _of_types(objects, hides)


def _of_types(objects: Sequence[object], choose: Callable[[type], bool]) -> list[object]:
    types, kinds = types_of(objects)
    chosen = np.array(list(map(choose, types)), bool)
    return list(compress(objects, chosen[kinds].tolist())) if chosen.any() else []


def _behind(index: Index, holders: Sequence[object]) -> list[object]:
    """What hides references, and untracked containers, that the holders lead to, not among those of ``index``."""
    found: dict[int, object] = {}
    while holders:
        fresh = list(referents_outside(index, holders, _may_lead_further).items())
        holders = [obj for address, obj in fresh if address not in found]
        found.update(fresh)
    return list(found.values())


def _may_lead_further(kind: type, objects: Sequence[object]) -> list[bool]:
    if flags_of(kind) & COLLECTED_TYPE:
        return [not gc.is_tracked(obj) for obj in objects]
    if has_secrets(kind):
        return [True] * len(objects)
    return which_hold_unseen(objects) if hides(kind) else [False] * len(objects)


def referents_outside(
    index: Index,
    holders: Sequence[object],
    choose: Callable[[type, Sequence[object]], Sequence[bool]],
    tell: Callable[[NDArray[np.int64]], None] = lambda addresses: None,
) -> dict[int, object]:
    """The chosen referents of ``holders``, by address, other than the objects of ``index``.

    ``choose`` is asked once for each type and answers for each of the given objects of that type. ``tell`` is given
    the addresses of all referents, chosen or not, as they are read.
    """
    found: dict[int, object] = {}
    for referents in referents_in_chunks(holders):
        tell(referents.addresses)
        outside = index.find(referents.addresses) < 0
        outside[referents.marks] = False
        _, first = np.unique(referents.addresses[outside], return_index=True)
        places = np.flatnonzero(outside)[first].tolist()
        _add_chosen(found, [referents.objects[place] for place in places], choose)
        del referents
    unseen = list(chain.from_iterable(unseen_of_each(_known_to_hide(holders))))
    if unseen:
        tell(addresses_of(unseen))
        outside = index.find(addresses_of(unseen)) < 0
        _add_chosen(found, list(compress(unseen, outside.tolist())), choose)
    return found


def _add_chosen(
    found: dict[int, object],
    objects: Sequence[object],
    choose: Callable[[type, Sequence[object]], Sequence[bool]],
) -> None:
    types, kinds = types_of(objects)
    for number, kind in enumerate(types):
        alike = [objects[place] for place in np.flatnonzero(kinds == number).tolist()]
        found.update((id(obj), obj) for obj in compress(alike, choose(kind, alike)))


def _edges(
    index: Index, objects: Sequence[object], hiding: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Starts and targets of the references between ``objects``; ``hiding`` are the places of what hides some."""
    sources: list[NDArray[np.int32]] = []
    targets: list[NDArray[np.int32]] = []
    done = 0
    for referents in referents_in_chunks(objects):
        found = index.find(referents.addresses)
        sources.append(referents.owners()[found >= 0] + done)
        targets.append(found[found >= 0])
        done += len(referents)
        del referents
    for place in hiding.tolist():
        found = index.find(_unseen_addresses(objects[place]))
        targets.append(found[found >= 0])
        sources.append(np.full(len(targets[-1]), place, np.int32))
    source = np.concatenate(sources)
    starts = np.zeros(len(objects) + 1, np.int32)
    np.cumsum(np.bincount(source, minlength=len(objects)), out=starts[1:])
    return starts, np.concatenate(targets)[np.argsort(source, kind="stable")]


def _unseen_addresses(holder: object) -> NDArray[np.int64]:
    known = addresses_of(unseen_referents(holder))
    return np.append(known, secret_addresses([holder])) if has_secrets(type(holder)) else known
