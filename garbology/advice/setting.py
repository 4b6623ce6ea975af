"""What a program may do to let go of an attribute: not every object lets its attributes be set."""

from __future__ import annotations

import sys
import types
from typing import Any

from garbology.cycles.folding import Link
from garbology.names.classes import inherited_values, mro_of, safe_type_name
from garbology.names.edges import short_type_name
from garbology.names.secrets import is_made_in_python

_OF_ATTRS = "_frozen_setattrs"
_get_itemsize = type.__dict__["__itemsize__"].__get__


def is_frozen(cls: type) -> bool:
    """Whether it is a frozen dataclass or attrs class, whose objects raise where an attribute is set."""
    parameters: Any = next(inherited_values(cls, "__dataclass_params__"), None)
    if safe_type_name(parameters) == "dataclasses._DataclassParams" and parameters.frozen is True:
        return True
    setter = next(inherited_values(cls, "__setattr__"), None)
    return type(setter) is types.FunctionType and setter.__code__.co_name == _OF_ATTRS


def assignment(owner: object, name: str) -> str:
    """The statement by which an object lets go of an attribute."""
    if is_frozen(type(owner)):
        return f"`object.__setattr__(self, '{name}', None)` ({short_type_name(owner)} is frozen)"
    return f"`self.{name} = None`"


def clearing(link: Link) -> str:
    """How a program lets go of what an edge holds, when it is done with."""
    last = link.steps[-1]
    if any(base is tuple for base in mro_of(type(last.holder))):
        kind = short_type_name(last.holder)
        return f"let go of the {kind} when it is done with, for it cannot be changed"
    if is_frozen(type(last.holder)) and last.label[:1] == ".":
        return f"when it is done with, {assignment(last.holder, last.label[1:])}"
    return "clear it when it is done with"


def weak_slot(obj: object) -> str:
    """How the class of something that takes no weak reference could let it; empty where it could not."""
    cls = type(obj)
    if not is_made_in_python(cls) or _get_itemsize(cls):
        return ""
    name = short_type_name(obj)
    if any(True for _ in inherited_values(cls, "__dataclass_fields__")):
        made = (
            "dataclass(slots=True, weakref_slot=True)"
            if sys.version_info >= (3, 11)
            else "dataclass without slots"
        )
        return f"make {name} a {made} and hold weakref.ref(...) there"
    return f"add '__weakref__' to the __slots__ of {name} and hold weakref.ref(...) there"
