"""What the looks at a work have put into its window: the instrument's own notes, which are not judged.

Left in the window they look like objects that something outside holds, and the whole heap is asked what that is: three
times on 3.13, seven times on 3.10, and that was most of what a finding took.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from itertools import compress

from garbology.names.classes import safe_type_name
from garbology.snapshot.addresses import addresses_of
from garbology.snapshot.arrays import among

_CONTAINERS = (dict, frozenset, list, set, tuple)


def take_out(notes: object, objects: list[object]) -> None:
    """Take out of a window's ``objects`` the containers that ``notes``, which are older, lead to.

    Notes hold numbers, names and each other, and nothing of the program's.
    """
    left = ~among(addresses_of(objects), list(_addresses_behind(notes)))
    if not left.all():
        objects[:] = compress(objects, left.tolist())


def _addresses_behind(notes: object) -> Iterable[int]:
    found: dict[int, object] = {}
    fresh = {id(notes): notes}
    while fresh:
        found.update(fresh)
        referents = {id(obj): obj for obj in gc.get_referents(*fresh.values())}
        kinds = {id(kind): kind for kind in map(type, referents.values())}
        own = {address for address, kind in kinds.items() if _are_notes(kind)}
        behind = {address: obj for address, obj in referents.items() if id(type(obj)) in own}
        fresh = {address: obj for address, obj in behind.items() if address not in found}
    return found.keys()


def _are_notes(kind: type) -> bool:
    return any(kind is each for each in _CONTAINERS) or safe_type_name(kind).startswith("garbology.")
