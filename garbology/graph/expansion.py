"""The graph with what the collector does not look into: object arrays, and dtypes with metadata.

An ndarray has no `tp_traverse` and is not tracked, so what its elements hold looks as if somebody outside held
it (numpy issue 6581). Here those arrays become nodes with reference counts of their own, together with the
containers that the collector stopped tracking because they hold nothing but arrays (`{'weights': array}`).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.graph.naming.classes import COLLECTED_TYPE, flags_of, mro_of
from garbology.graph.snapshot import Index, Snapshot, addresses_of, count_each, referents_in_chunks, types_of

_get_base = np.ndarray.__dict__["base"].__get__
_get_dtype = np.ndarray.__dict__["dtype"].__get__
_get_flags = np.ndarray.__dict__["flags"].__get__
_get_metadata = np.dtype.__dict__["metadata"].__get__


@dataclass(frozen=True)
class Expansion:
    """Objects of a window, and behind them what the collector cannot see.

    Attributes
    ----------
    snapshot : the window's objects at ``places``, then the arrays, dtypes and untracked containers behind them.
    places : int64. Where the first objects stand in the window's own snapshot.
    hides : bool, shape (n,). Which nodes are arrays or dtypes.
    """

    snapshot: Snapshot
    places: NDArray[np.int64]
    hides: NDArray[np.bool_]


def expand(snapshot: Snapshot, suspects: NDArray[np.bool_], garbage: NDArray[np.bool_]) -> Expansion | None:
    """Make nodes of the arrays behind ``suspects`` and ``garbage`` (bool, shape (n,)).

    None where no suspect leads to an array of objects or to metadata of a dtype; the garbage is then not read.
    """
    holders = list(compress(snapshot.objects, suspects.tolist()))
    if not any(map(holds_unseen, chain(_arrays_among(holders), _behind(snapshot.index, holders)))):
        return None
    places = np.flatnonzero(suspects | garbage)
    holders = [snapshot.objects[place] for place in places.tolist()]
    behind = _behind(snapshot.index, holders)
    counts = np.concatenate([snapshot.counts[places], count_each(behind)])
    objects = holders + behind
    unsettled = np.concatenate([snapshot.unsettled[places], np.zeros(len(behind), bool)])
    types, kinds = types_of(objects)
    hides = np.array([is_array_type(kind) for kind in types], bool)[kinds]
    index = Index(objects)
    starts, targets = _edges(index, objects, np.flatnonzero(hides))
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
    return Expansion(expanded, places, hides)


def is_array_type(kind: type) -> bool:
    """Whether instances are NumPy arrays or dtypes, of a subclass too."""
    return any(base is np.ndarray or base is np.dtype for base in mro_of(kind))


def holds_unseen(obj: Any) -> bool:
    """Whether an array has room for objects, or an array or a dtype has metadata; False of anything else."""
    if not is_array_type(type(obj)):
        return False
    dtype = _get_dtype(obj) if any(base is np.ndarray for base in mro_of(type(obj))) else obj
    return bool(dtype.hasobject) or _get_metadata(dtype) is not None


def unseen_referents(obj: Any) -> list[object]:
    """What an array or dtype holds without telling the collector, as often as it holds it.

    An array that owns its memory holds its elements, a view what it views, both their dtype if that has metadata;
    such a dtype holds the dictionary of its metadata.
    """
    if not any(base is np.ndarray for base in mro_of(type(obj))):
        metadata = _get_metadata(obj)
        return (
            [] if metadata is None else gc.get_referents(metadata)
        )  # the dictionary behind the read-only proxy
    dtype = _get_dtype(obj)
    held: list[object] = [] if _get_metadata(dtype) is None else [dtype]
    base = _get_base(obj)
    if base is not None:
        held.append(base)
    elif dtype.hasobject and _get_flags(obj).owndata:
        held.extend(_elements(np.ndarray.view(obj, np.ndarray)))
    return held


def _elements(array: Any) -> list[object]:
    if array.dtype.names is None:
        elements: list[object] = array.reshape(-1).tolist()
        return elements
    fields = (array[name] for name in array.dtype.names if array.dtype.fields[name][0].hasobject)
    return list(chain.from_iterable(map(_elements, fields)))


def _arrays_among(objects: Sequence[object]) -> list[object]:
    types, kinds = types_of(objects)
    chosen = np.array([is_array_type(kind) for kind in types], bool)
    return list(compress(objects, chosen[kinds].tolist())) if chosen.any() else []


def _behind(index: Index, holders: Sequence[object]) -> list[object]:
    """Arrays, dtypes and untracked containers that the holders lead to, other than the objects of ``index``."""
    found: dict[int, object] = {}
    while holders:
        fresh = list(referents_outside(index, holders, _may_lead_to_an_array).items())
        holders = [obj for address, obj in fresh if address not in found]
        found.update(fresh)
    return list(found.values())


def _may_lead_to_an_array(kind: type, objects: Sequence[object]) -> list[bool]:
    if is_array_type(kind):
        return [bool(unseen_referents_exist(obj)) for obj in objects]
    if flags_of(kind) & COLLECTED_TYPE:
        return [not gc.is_tracked(obj) for obj in objects]
    return [False] * len(objects)


def unseen_referents_exist(obj: Any) -> bool:
    """Whether an array or dtype holds anything that matters here: objects, metadata, or what it views."""
    views = any(base is np.ndarray for base in mro_of(type(obj))) and _get_base(obj) is not None
    return views or holds_unseen(obj)


def referents_outside(
    index: Index, holders: Sequence[object], choose: Callable[[type, Sequence[object]], Sequence[bool]]
) -> dict[int, object]:
    """The chosen referents of ``holders``, by address, other than the objects of ``index``.

    ``choose`` is asked once for each type and answers for each of the given objects of that type.
    """
    found: dict[int, object] = {}
    for referents in referents_in_chunks(holders):
        outside = index.find(referents.addresses) < 0
        outside[referents.marks] = False
        _, first = np.unique(referents.addresses[outside], return_index=True)
        places = np.flatnonzero(outside)[first].tolist()
        _add_chosen(found, [referents.objects[place] for place in places], choose)
        del referents
    unseen = list(chain.from_iterable(map(unseen_referents, _arrays_among(holders))))
    if unseen:
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
    index: Index, objects: Sequence[object], arrays: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Starts and targets of the references between ``objects``; ``arrays`` are the places of arrays and dtypes."""
    sources: list[NDArray[np.int64]] = []
    targets: list[NDArray[np.int32]] = []
    done = 0
    for referents in referents_in_chunks(objects):
        found = index.find(referents.addresses)
        sources.append(referents.owners()[found >= 0] + done)
        targets.append(found[found >= 0])
        done += len(referents)
        del referents
    for place in arrays.tolist():
        found = index.find(addresses_of(unseen_referents(objects[place])))
        targets.append(found[found >= 0])
        sources.append(np.full(len(targets[-1]), place))
    source = np.concatenate(sources)
    starts = np.zeros(len(objects) + 1, np.int32)
    np.cumsum(np.bincount(source, minlength=len(objects)), out=starts[1:])
    return starts, np.concatenate(targets)[np.argsort(source, kind="stable")]
