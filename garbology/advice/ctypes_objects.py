"""What ctypes keeps for its objects."""

from __future__ import annotations

from garbology.advice import tables
from garbology.advice.remedy import Remedy, Surroundings
from garbology.cycles.folding import Link
from garbology.names.classes import mro_of, safe_type_name
from garbology.names.edges import short_type_name

_CTYPES_STEPS = 3  # from a dictionary inside another to the object that has it


def in_ctypes(link: Link) -> Remedy | None:
    """What a ctypes object keeps for a pointer, also where that is its own buffer."""
    last = link.steps[-1]
    if _is_of_ctypes(last.referent) and tables.has_its_address_for_key(last.holder, last.referent):
        return Remedy(
            "clear",
            lambda edge, target: (
                "ctypes.cast() puts its argument into the argument's own _objects: take "
                "ctypes.addressof() or byref() instead, and keep the buffer yourself as long as it is used"
            ),
        )
    if not any(step.label == "._objects" and _is_of_ctypes(step.holder) for step in link.steps):
        return None
    source = short_type_name(link.steps[0].holder)
    return Remedy(
        "clear",
        lambda edge, target: (
            f"ctypes keeps {target} in {edge} while {source} points to it: clear it when it is done with"
        ),
    )


def among_objects_of_ctypes(link: Link, around: Surroundings) -> Remedy | None:
    """An element of the dict in which a ctypes object keeps what it points to, or of one inside that."""
    owner = _ctypes_owner_of(link.steps[0].holder, around, _CTYPES_STEPS)
    if owner is None:
        return None
    source = short_type_name(owner)
    said = (
        f"ctypes keeps what a pointer of {source} leads to in {source}._objects: "
        "assign a null pointer (`POINTER(...)()`, for None leaves it there) when it is done with"
    )
    return Remedy("clear", lambda edge, target: said)


def _ctypes_owner_of(obj: object, around: Surroundings, most: int) -> object:
    if type(obj) is not dict or not most:
        return None
    for each in around.holders_of(obj):
        if any(step.label == "._objects" and _is_of_ctypes(step.holder) for step in each.steps):
            return each.steps[0].holder
        owner = _ctypes_owner_of(each.steps[0].holder, around, most - 1)
        if owner is not None:
            return owner
    return None


def _is_of_ctypes(obj: object) -> bool:
    return any(safe_type_name(base) == "_ctypes._CData" for base in mro_of(type(obj)))
