"""The lists of all that the collector tracks, taken so that no other thread fails by it.

Another thread may be building a tuple: ``tuple(generator)``, a row while a converter runs. It has one reference then,
that of the C function which builds it. With a second one, that of our list, CPython refuses to resize or to fill the
tuple, and the program gets SystemError out of its own ``tuple()``. So where other threads exist, every tuple with one
reference is let go again before another thread can run: listing the heap and taking these tuples out of the list is
one call of C functions, in which the interpreter does not switch threads. A tuple that a visible object or a variable
of a running function refers to is complete, and is got back from there. Of the others the addresses are known, and
what they refer to.
"""

from __future__ import annotations

import gc
import operator
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, count, islice, repeat, starmap

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter import collector
from garbology.interpreter.subinterpreters import others_run
from garbology.interpreter.thread_stacks import objects_in_locals
from garbology.snapshot.addresses import addresses_of, among, place_of
from garbology.snapshot.snapshot import referents_in_chunks

_FEW_BEHIND = 300
_MOST_BEHIND = 1_000  # objects behind a mark that is searched for from the end


@dataclass
class Listing:
    """Objects that the collector tracks, in the order of its lists.

    Let it go soon: while it lives, it is a reference to each of the objects.

    Attributes
    ----------
    objects : the objects; None where a tuple was left out.
    left_out : for each tuple that was left out, by its address, its place in ``objects`` and the addresses of what it
        refers to. Empty where there is one thread.
    """

    objects: list[object] = field(default_factory=list)
    left_out: dict[int, tuple[int, list[int]]] = field(default_factory=dict)

    def addresses(self) -> NDArray[np.int64]:
        """The address of each object, those that were left out included: int64, shape (len(objects),)."""
        addresses = addresses_of(self.objects)
        for address, (place, _) in self.left_out.items():
            addresses[place] = address
        return addresses

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Drop all but the ``chosen`` ones (bool, shape (len(objects),))."""
        places = np.cumsum(chosen) - 1
        self.objects = list(compress(self.objects, chosen.tolist()))
        self.left_out = {
            address: (int(places[place]), held)
            for address, (place, held) in self.left_out.items()
            if chosen[place]
        }

    def drop_until(self, mark: object) -> bool:
        """Drop all that was made before ``mark``, and the mark; False where it is not there."""
        place = self._place_behind(mark)
        if place is None:
            return False
        if self.left_out:
            self.keep(np.arange(len(self.objects)) > place)
        else:
            del self.objects[: place + 1]
        return True

    def _place_behind(self, mark: object) -> int | None:
        """Where ``mark`` stands; that few objects were made since is the common case, and found out first."""
        latest = islice(reversed(self.objects), _FEW_BEHIND)
        behind = next(compress(count(), map(operator.is_, latest, repeat(mark))), None)
        return place_of(mark, self.objects) if behind is None else len(self.objects) - 1 - behind

    def drop_from(self, mark: object) -> None:
        """Drop ``mark`` and all that was made after it, which is little; nothing where it is not there."""
        objects, place = self.objects, len(self.objects) - 1
        fewest = max(place - _MOST_BEHIND, -1)
        while place > fewest and objects[place] is not mark:
            place -= 1
        if place == fewest:
            found = place_of(mark, objects)
            if found is None:
                return
            place = found
        if self.left_out:
            self.keep(np.arange(len(self.objects)) < place)
        else:
            del self.objects[place:]

    def put_back(self, tuples: Iterable[object]) -> None:
        """Take in tuples that were left out and have been found to be complete."""
        for found in tuples:
            place, _ = self.left_out.pop(id(found), (-1, []))
            if place >= 0:
                self.objects[place] = found

    def some(self, places: Sequence[int]) -> list[object]:
        """The objects at some places, with the tuples among them that the others refer to."""
        held = list(map(self.objects.__getitem__, places))
        if self.left_out:
            there = compress(held, map(operator.is_not, held, repeat(None)))
            self.put_back(tuples_held_by(there, self.left_out))
            held = list(map(self.objects.__getitem__, places))
        return held

    def there(self) -> Iterator[object]:
        """The objects without those that are left out."""
        return compress(self.objects, map(operator.is_not, self.objects, repeat(None)))

    def without_gaps(self) -> list[object]:
        """The objects without those that are left out, as a list; none of them is here afterwards."""
        objects = list(self.there()) if self.left_out else self.objects
        self.objects = []
        return objects


def listing(generations: Sequence[int] = ()) -> Listing:
    """What the collector tracks in some generations, the youngest of which is the first; in all of them without any.

    A tuple that a call makes would be in the list: ``generations`` are a constant, or a range.
    """
    if not others_run() or collector.kind() == "free-threaded":
        return Listing(_listed(generations))
    taken = _taken_at_once(generations or (0, 1, 2))
    taken.put_back(objects_in_locals(taken.left_out))
    return taken


def _listed(generations: Sequence[int]) -> list[object]:
    """The objects of some generations; nothing is made that would stand in the list."""
    if not generations:
        return gc.get_objects()
    objects = gc.get_objects(generations[0])
    for generation in generations[1:]:
        objects += gc.get_objects(generation)
    return objects


def closed(*listings: Listing) -> list[object]:
    """The objects of some listings in a row, and the tuples that were left out and one of the objects leads to."""
    left_out = list(chain.from_iterable(each.left_out for each in listings))
    if left_out:
        holders = chain.from_iterable(each.there() for each in listings)
        found = tuples_held_by(holders, left_out)
        for each in listings:
            each.put_back(found)
    objects = listings[0].without_gaps()
    for each in listings[1:]:
        objects += each.without_gaps()
    return objects


def tracked_addresses(*generations: int | None) -> NDArray[np.int64]:
    """The addresses of what the collector tracks, in some generations (None: all of them) or in all, one list after
    another, and no reference to any of it.
    """
    lists = starmap(gc.get_objects, [(each,) for each in generations] or [()])
    return np.fromiter(map(id, chain.from_iterable(lists)), np.int64)


def count_tracked() -> int:
    """How many objects are tracked."""
    return sum(map(len, starmap(gc.get_objects, [()])))


def referrers_of(objects: Sequence[object]) -> list[object]:
    """What refers to any of some objects; where other threads run, without tuples, one of which may be half-built."""
    if not others_run():
        return gc.get_referrers(*objects)
    found: list[object] = []
    stages = (
        map(found.extend, starmap(gc.get_referrers, [objects])),
        map(
            found.__setitem__,
            compress(count(), map(operator.is_, map(type, found), repeat(tuple))),
            repeat(None),
        ),
    )
    deque(chain.from_iterable(stages), maxlen=0)
    return list(compress(found, map(operator.is_not, found, repeat(None))))


def tuples_held_by(objects: Iterable[object], addresses: Iterable[int]) -> list[object]:
    """The tuples at some ``addresses`` that ``objects`` refer to, directly or through each other."""
    missing = np.sort(np.fromiter(addresses, np.int64))
    found: dict[int, object] = {}
    holders = list(objects) if len(missing) else []
    while holders:
        fresh: dict[int, object] = {}
        for referents in referents_in_chunks(holders):
            places = np.flatnonzero(among(referents.addresses, missing)).tolist()
            fresh.update((id(referents.objects[place]), referents.objects[place]) for place in places)
            del referents
        holders = [each for address, each in fresh.items() if address not in found]
        found.update(fresh)
    return list(found.values())


def _taken_at_once(generations: Sequence[int]) -> Listing:
    """The listing, by one call of C functions which lists, finds the tuples of one reference and takes them out.

    What this function makes itself lies behind ``begin`` in the youngest generation. It refers to the list, and has to
    be taken out of it.
    """
    begin: list[object] = []
    objects: list[object] = []
    ends: list[int] = []
    places: list[int] = []
    addresses: list[int] = []
    contents: list[list[int]] = []
    (first, *older) = [(generation,) for generation in generations]
    stages = (
        map(objects.extend, starmap(gc.get_objects, [first])),
        map(ends.append, map(len, repeat(objects, 1))),
        map(objects.extend, starmap(gc.get_objects, older)),
        *_leaving_out_lone_tuples(objects, places, addresses, contents),
    )
    deque(chain.from_iterable(stages), maxlen=0)
    own = end = ends[0]
    if first == (0,):
        own -= 1
        while objects[own] is not begin:
            own -= 1
        del objects[own:end]
    left_out = {
        address: (place if place < own else place - (end - own), held)
        for place, address, held in zip(places, addresses, contents, strict=True)
        if not own <= place < end
    }
    return Listing(objects, left_out)


def _leaving_out_lone_tuples(
    objects: list[object], places: list[int], addresses: list[int], contents: list[list[int]]
) -> Iterator[Iterator[object]]:
    """Steps that put None in the place of each tuple of one reference, after noting where it was and what it held."""
    tuples: list[int] = []
    yield map(tuples.append, compress(count(), map(operator.is_, map(type, objects), repeat(tuple))))
    counts = map(sys.getrefcount, map(objects.__getitem__, tuples))
    yield map(places.append, compress(tuples, map(operator.eq, counts, repeat(_COUNT_ALONE))))
    yield map(addresses.append, map(id, map(objects.__getitem__, places)))
    referents = map(gc.get_referents, map(objects.__getitem__, places))
    yield map(contents.append, map(list, map(map, repeat(id), referents)))
    yield map(objects.__setitem__, places, repeat(None))


def _count_alone() -> int:
    """What ``sys.getrefcount`` says, asked as above, of a tuple with one reference that is in ``objects`` as well."""
    holder = [(object(),)]
    objects: list[object] = [*holder]
    (seen,) = map(sys.getrefcount, map(objects.__getitem__, [0]))
    return seen


_COUNT_ALONE = _count_alone()
