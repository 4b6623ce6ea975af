"""Bytes of all that is alive at one moment, by which tracked object has them.

What the collector does not track (texts, numbers, arrays) belongs to one tracked object that leads to it, each once.
No object is kept: a census has addresses and numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain, compress
from types import CodeType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from garbology.growth.blocks import blocks_of_each
from garbology.interpreter.contents import keys_of_each
from garbology.interpreter.traversal import safe_referents
from garbology.names.classes import (
    COLLECTED_TYPE,
    DICT_TYPE,
    basicsize_of,
    flags_of,
    length_function_of,
    mro_of,
)
from garbology.names.hidden import hides, unseen_of_each
from garbology.sizes.sizes import bytes_of_each
from garbology.snapshot.addresses import among
from garbology.snapshot.arrays import blocks
from garbology.snapshot.snapshot import Index, Referents, addresses_of, referents_in_chunks, types_of

_DICTS_AT_ONCE = 4_096
_MOST_ROUNDS = 32  # each costs a millisecond, and a linked list of a million has as many
_MOST_BELOW = 4_000_000
_NEVER_CHANGE = (tuple.__len__, frozenset.__len__)
# The size of a BytesIO has its buffer in it, which newer versions refer to as an object of its own.
_STREAM_SHOWS_BYTES = any(type(each) is bytes for each in safe_referents(BytesIO(b"shared")))


@dataclass(frozen=True, slots=True)
class Census:
    """What each tracked object has. Object ``i`` is the ``i``-th of the list that was counted, oldest first.

    Attributes
    ----------
    addresses : int64, shape (n,).
    types : int64, shape (distinct,). The addresses of their types.
    kinds : int32, shape (n,). Which of ``types`` each has.
    bytes : int64, shape (n,). Of its own blocks, and of those of what is not tracked and belongs to it.
    parents : int32, shape (n,). The first that refers to it; -1 where none does.
    lengths : int32, shape (n,). Entries of a list, dictionary, set or deque; -1 of anything else.
    sources, targets : int32, shape (m,). References to the objects that are new.
    c_bytes : of all objects together, what `malloc` handed out for them.
    """

    addresses: NDArray[np.int64]
    types: NDArray[np.int64]
    kinds: NDArray[np.int32]
    bytes: NDArray[np.int64]
    parents: NDArray[np.int32]
    lengths: NDArray[np.int32]
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    c_bytes: int

    @property
    def total_bytes(self) -> int:
        """Of all objects."""
        return int(self.bytes.sum())


def take_census(objects: list[object], new: NDArray[np.bool_], left_out: NDArray[np.int64]) -> Census:
    """Count ``objects``, of which some are ``new`` (bool, shape (n,)); references to the others are not noted.

    What has one of the addresses ``left_out`` (int64, sorted) is not followed.
    """
    addresses = addresses_of(objects)
    ranks = _ranks(addresses, new)
    found = _Reader(addresses, new, left_out, ranks).read(objects)
    types, kinds = types_of(objects)
    sizes, in_c = _sizes_of(objects, types, kinds)
    in_c += found.leaves.add_to(sizes, ranks)
    return Census(
        addresses,
        addresses_of(types),
        kinds,
        sizes,
        found.parents,
        _lengths_of(objects, types, kinds),
        np.concatenate([np.empty(0, np.int32), *found.sources]),
        np.concatenate([np.empty(0, np.int32), *found.targets]),
        in_c,
    )


def _sizes_of(
    objects: list[object], types: list[type], kinds: NDArray[np.int32]
) -> tuple[NDArray[np.int64], int]:
    """The blocks of each object itself, in bytes (int64, shape (n,)), and of all what `malloc` handed out."""
    sizes = bytes_of_each(objects, kinds=(types, kinds))
    for number, kind in enumerate(types):
        if _STREAM_SHOWS_BYTES and any(base is BytesIO for base in mro_of(kind)):
            sizes[kinds == number] = basicsize_of(kind)
    in_c = 0
    for block in blocks(len(kinds)):
        sizes[block], handed_out = blocks_of_each(sizes[block], types, kinds[block])
        in_c += int(handed_out.sum())
    return sizes, in_c


def _ranks(addresses: NDArray[np.int64], new: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Which of several objects has what they share: the one that was there first, then the one with the lower address.

    So it is the same one in each census; the order of the collector's lists changes.
    """
    ranks = np.empty(len(addresses), np.int32)
    ranks[np.lexsort((addresses, new))] = np.arange(len(addresses), dtype=np.int32)
    return ranks


def _which(
    types: list[type], kinds: NDArray[np.int32], is_meant: Callable[[type], object]
) -> NDArray[np.bool_]:
    """Of which objects the type is meant: bool, shape (n,). ``types[kinds[i]]`` is the type of object ``i``."""
    meant = np.array([bool(is_meant(kind)) for kind in types], bool)
    return meant[kinds] if len(kinds) else np.zeros(0, bool)


def _is_dict(kind: type) -> bool:
    return bool(flags_of(kind) & DICT_TYPE)


def _first_of_each(addresses: NDArray[np.int64], ranks: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each distinct address the place with the lowest rank: int64, shape (distinct,)."""
    order = np.lexsort((ranks, addresses))
    addresses = addresses[order]
    firsts: NDArray[np.int64] = order[
        np.append(np.ones(len(order[:1]), bool), addresses[1:] != addresses[:-1])
    ]
    return firsts


def _lengths_of(objects: list[object], types: list[type], kinds: NDArray[np.int32]) -> NDArray[np.int32]:
    """How many entries each has; no method of the program's is called."""
    lengths = np.full(len(objects), -1, np.int32)
    for number, kind in enumerate(types):
        length = length_function_of(kind)
        if length is not None and length not in _NEVER_CHANGE:
            which = kinds == number
            chosen = compress(objects, which.tobytes())
            lengths[which] = np.fromiter(map(length, chosen), np.int32, int(which.sum()))
    return lengths


@dataclass
class _References:
    """What a reader found: see :class:`Census`; sources and targets in parts."""

    parents: NDArray[np.int32]
    leaves: _Leaves
    sources: list[NDArray[np.int32]] = field(default_factory=list)
    targets: list[NDArray[np.int32]] = field(default_factory=list)


class _Reader:
    """Follows references, of what is not tracked as well."""

    def __init__(
        self,
        addresses: NDArray[np.int64],
        new: NDArray[np.bool_],
        left_out: NDArray[np.int64],
        ranks: NDArray[np.int32],
    ) -> None:
        self._index = Index.of(addresses)
        self._addresses = addresses
        self._left_out = left_out
        self._new = np.append(new, False)
        self._ranks = ranks
        self._seen = np.empty(0, np.int64)  # addresses of what was followed, sorted
        # What was found and may hold others, with its owners: a pair for each chunk.
        self._further: list[tuple[list[object], NDArray[np.int32]]] = []
        self._found = _References(np.full(len(addresses), -1, np.int32), _Leaves())

    def read(self, objects: list[object]) -> _References:
        """What all of the objects lead to."""
        holders, owners = objects, np.arange(len(objects), dtype=np.int32)
        for number in range(2 * _MOST_ROUNDS):
            self._further = []
            types, kinds = types_of(holders)
            self._add_unseen(holders, owners, _which(types, kinds, hides))
            self._add_keys(holders, owners, _which(types, kinds, _is_dict))
            done = 0
            for referents in referents_in_chunks(holders):
                chunk = owners[done : done + len(referents)]
                done += len(referents)
                for block in blocks(len(referents.addresses)):
                    self._take(referents, block, chunk[referents.owners(block)])
                del referents
            holders, owners = self._next_holders()
            if not holders:
                break
            if number == _MOST_ROUNDS:
                holders, owners = self._all_below(holders, owners)
        return self._found

    def _take(self, referents: Referents, block: slice, owners: NDArray[np.int32]) -> None:
        """Some entries of ``referents``; ``owners`` says to which tracked object each belongs (int32, shape (n,))."""
        addresses, objects = referents.addresses[block], referents.objects[block]
        places = self._index.find(addresses)
        self._note(owners[places >= 0], places[places >= 0])
        others = (places < 0) & ~among(addresses, self._left_out) & (addresses != referents.mark)
        entries = np.flatnonzero(others)
        first = _first_of_each(addresses[entries], self._ranks[owners[entries]])
        entries = np.sort(entries[first])
        self._add([objects[entry] for entry in entries.tolist()], owners[entries])

    def _next_holders(self) -> tuple[list[object], NDArray[np.int32]]:
        """What was found and not followed yet, each once, with the owner of the lowest rank (int32, shape (n,))."""
        found = list(chain.from_iterable(objects for objects, _ in self._further))
        owners = np.concatenate([np.empty(0, np.int32), *(each for _, each in self._further)])
        self._further = []
        addresses = addresses_of(found)
        order = _first_of_each(addresses, self._ranks[owners])
        order = np.sort(order[~among(addresses[order], self._seen)])
        self._seen = np.sort(np.append(self._seen, addresses[order]))
        return [found[place] for place in order.tolist()], owners[order]

    def _all_below(
        self, holders: list[object], owners: NDArray[np.int32]
    ) -> tuple[list[object], NDArray[np.int32]]:
        """Some holders with all that may hold others below them, one by one.

        In a list of nested tuples each round finds one; and a program may link new objects to the last as fast as they
        are followed.
        """
        known = {*self._addresses.tolist(), *self._left_out.tolist(), *self._seen.tolist()}
        found, found_owners = list(holders), owners.tolist()
        for holder, owner in zip(found, found_owners, strict=True):  # both grow meanwhile
            for each in safe_referents(holder):
                if flags_of(type(each)) & COLLECTED_TYPE and id(each) not in known:
                    known.add(id(each))
                    found.append(each)
                    found_owners.append(owner)
            if len(found) > _MOST_BELOW:
                break
        self._seen = np.sort(np.append(self._seen, addresses_of(found[len(holders) :])))
        return found, np.array(found_owners, np.int32)

    def _note(self, sources: NDArray[np.int32], targets: NDArray[np.int32]) -> None:
        parents = self._found.parents
        orphans = parents[targets] < 0
        # The last assignment stands where a target is there twice: the first reference is to be that.
        parents[targets[orphans][::-1]] = sources[orphans][::-1]
        known = self._new[targets]
        if known.any():
            self._found.sources.append(sources[known])
            self._found.targets.append(targets[known])

    def _add(self, leaves: list[object], owners: NDArray[np.int32]) -> None:
        types, kinds = types_of(leaves)
        self._found.leaves.add(leaves, owners, types, kinds)
        chosen = _which(types, kinds, lambda kind: flags_of(kind) & COLLECTED_TYPE or hides(kind))
        self._further.append((list(compress(leaves, chosen.tolist())), owners[chosen]))

    def _add_unseen(self, holders: list[object], owners: NDArray[np.int32], hide: NDArray[np.bool_]) -> None:
        """What arrays and other C types, which ``hide`` it, hold without the collector's knowledge."""
        chosen = np.flatnonzero(hide)
        each = list(unseen_of_each(holders[place] for place in chosen.tolist()))
        sources = np.repeat(owners[chosen], list(map(len, each)))
        unseen = list(chain.from_iterable(each))
        places = self._index.find(addresses_of(unseen))
        self._note(sources[places >= 0], places[places >= 0])
        self._add(list(compress(unseen, (places < 0).tolist())), sources[places < 0])

    def _add_keys(
        self, holders: list[object], owners: NDArray[np.int32], are_dicts: NDArray[np.bool_]
    ) -> None:
        """Texts that are keys: a dictionary whose keys are all texts does not show them to the collector."""
        chosen = np.flatnonzero(are_dicts)
        for first in range(0, len(chosen), _DICTS_AT_ONCE):
            places = chosen[first : first + _DICTS_AT_ONCE]
            each = keys_of_each([cast("dict[object, object]", holders[place]) for place in places.tolist()])
            sources = np.repeat(owners[places], list(map(len, each)))
            keys = list(chain.from_iterable(each))
            del each
            addresses = addresses_of(keys)
            entries = _first_of_each(addresses, self._ranks[sources])
            texts = [entry for entry in entries.tolist() if type(keys[entry]) is str]
            self._add([keys[entry] for entry in texts], sources[np.array(texts, np.int64)])


@dataclass
class _Leaves:
    """What is not tracked, as it is found: some of it often."""

    addresses: list[NDArray[np.int64]] = field(default_factory=list)
    owners: list[NDArray[np.int32]] = field(default_factory=list)
    sizes: list[NDArray[np.int64]] = field(default_factory=list)
    in_c: list[NDArray[np.int64]] = field(default_factory=list)

    def add(
        self, leaves: list[object], owners: NDArray[np.int32], types: list[type], kinds: NDArray[np.int32]
    ) -> None:
        sizes = bytes_of_each(leaves, kinds=(types, kinds))
        code = np.array([kind is CodeType for kind in types], bool)
        if code.any():
            sizes[code[kinds]] = 0  # the interpreter keeps caches in it, which come with its calls
        self.addresses.append(addresses_of(leaves))
        self.owners.append(owners)
        sizes, in_c = blocks_of_each(sizes, types, kinds)
        self.sizes.append(sizes)
        self.in_c.append(in_c)

    def add_to(self, sizes: NDArray[np.int64], ranks: NDArray[np.int32]) -> int:
        """Add each to the size of its owner, of several the one of lowest rank; what `malloc` handed out for all."""
        if not self.addresses:
            return 0
        owners = np.concatenate(self.owners)
        first = _first_of_each(np.concatenate(self.addresses), ranks[owners])
        np.add.at(sizes, owners[first], np.concatenate(self.sizes)[first])
        return int(np.concatenate(self.in_c)[first].sum())
