"""What an object makes when it is asked for and keeps: an accessor, a view, a cached property that holds its owner."""

from __future__ import annotations

import dis
import functools
import inspect
import itertools
import types
from collections import deque
from collections.abc import Sequence
from typing import Any

from garbology.advice.remedy import Remedy, attribute_of
from garbology.advice.sampling import is_made_by_the_program
from garbology.advice.tables import takes_weak_references
from garbology.cycles.folding import Link
from garbology.names.attribute_code import Steps, functions_in_use, functions_of, instructions
from garbology.names.classes import mro_of
from garbology.names.edges import named_referents, short_type_name
from garbology.names.finalizers import found_in, namespace_of

_OF_METHODS = (types.FunctionType, staticmethod, classmethod, types.MethodDescriptorType)


_CONSTRUCTORS = ("__init__", "__new__", "__setstate__", "__post_init__")
_TAKES_MORE = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_ADDING = ("append", "appendleft", "add", "update", "extend", "setdefault", "insert")


def ways_back(link: Link, links: Sequence[Link]) -> list[Link]:
    """The links that lead from what is kept straight to its owner, if it is kept because it was asked for once."""
    owner, kept = link.steps[0].holder, link.steps[-1].referent
    if owner is kept or not is_made_by_the_program(type(owner)) or not _is_made_when_asked_for(link):
        return []
    if not has_no_state(type(kept)) or _has_data(kept, owner):
        return []
    return [each for each in links if each.steps[0].holder is kept and each.steps[-1].referent is owner]


def hides_a_descriptor(link: Link) -> bool:
    """Whether an attribute keeps what a descriptor of the class gave: a weak reference there would be given instead."""
    name = attribute_of(link)
    owner = type(link.steps[0].holder)
    return name is not None and is_made_by_the_program(owner) and _is_computed(owner, name)


def _is_made_when_asked_for(link: Link) -> bool:
    owner, name = type(link.steps[0].holder), attribute_of(link)
    if name is None:
        return False
    if link.label == f".{name}":
        return _is_computed(owner, name) or _is_filled_by_a_property(owner, name, "STORE_ATTR")
    key = link.steps[-1].label
    if type(link.steps[-1].holder) is not dict or link.label != f".{name}{key}":
        return False
    if not key.startswith("['"):
        return False  # data, by what they are of
    return _is_computed(owner, key[2:-2]) or _is_filled_by_a_property(owner, name, "STORE_SUBSCR", key[2:-2])


def _is_computed(cls: type, name: str) -> bool:
    """Whether a class has a descriptor of that name that an attribute of an object comes before: a cached property."""
    for base in mro_of(cls):
        if name in namespace_of(base):
            kind = type(namespace_of(base)[name])
            if any(kind is each for each in _OF_METHODS) or not is_made_by_the_program(kind):
                return kind is functools.cached_property
            return found_in(kind, "__get__") is not None and found_in(kind, "__set__") is None
    return False


def _is_filled_by_a_property(cls: type, name: str, storing: str, key: str = "") -> bool:
    """Whether the getter of a property reads the attribute and fills it where there is nothing yet; or a method that
    is given nothing does, and returns it.
    """
    getters: list[Any] = [
        value.fget
        for base in mro_of(cls)
        for value in list(namespace_of(base).values())
        if type(value) is property
    ]
    codes = [each.__code__ for each in getters if type(each) is types.FunctionType]
    codes += [each.__code__ for _, each in functions_of(cls) if not key and _gives(each.__code__, name)]
    return any(_fills(code, name, storing) and (not key or key in _texts(code)) for code in codes)


def _gives(code: types.CodeType, name: str) -> bool:
    """Whether a method without arguments looks at an attribute first, and returns it in the end: `return self.name`."""
    if code.co_argcount != 1 or name not in code.co_names or code.co_flags & _TAKES_MORE:
        return False
    steps = instructions(code)
    first = next((step.opname for step in steps if step.argval == name), "")
    given = (
        step.argval == name and after.opname == "RETURN_VALUE" for step, after in itertools.pairwise(steps)
    )
    return first == "LOAD_ATTR" and any(given)


def _texts(code: types.CodeType) -> set[str]:
    return {each for each in code.co_consts if type(each) is str}


def _fills(code: types.CodeType, name: str, storing: str) -> bool:
    if name not in code.co_names:
        return False
    steps = instructions(code)
    reads = any(step.opname == "LOAD_ATTR" and step.argval == name for step in steps)
    stores = (step for step in steps if step.opname == storing)
    return reads and any(step.argval == name or storing == "STORE_SUBSCR" for step in stores)


def has_no_state(cls: type) -> bool:
    """Whether nothing but the constructors of a class sets or fills its objects' attributes: another is as good."""
    if not is_made_by_the_program(cls):
        return False
    return not any(
        _changes_itself(function.__code__)
        for name, function in functions_in_use(cls)
        if name not in _CONSTRUCTORS and not name.startswith("_init")
    )


def _has_data(kept: object, owner: object) -> bool:
    """Whether it holds a container of its own, to be filled: one that its owner does not have as well."""
    known = {id(value) for value in _values_of(owner)}
    return any(
        base is kind
        for value in _values_of(kept)
        if id(value) not in known
        for base in mro_of(type(value))
        for kind in (list, dict, set, deque)
    )


def _values_of(obj: object) -> list[object]:
    """The values of an object's attributes."""
    found = []
    for label, value in named_referents(obj):
        is_namespace = label == ".__dict__" and type(value) is dict
        found += [each for _, each in named_referents(value)] if is_namespace else [value]
    return found


def _changes_itself(code: types.CodeType) -> bool:
    steps = instructions(code)
    for before, step, after in zip(steps, steps[1:], [*steps[2:], steps[-1]], strict=False):
        if not _loads_itself(code, before):
            continue
        if step.opname in ("STORE_ATTR", "DELETE_ATTR"):
            return True
        if step.opname == "LOAD_ATTR" and after.argval in _ADDING:
            return True
    return _fills_its_own(code, steps)


def _fills_its_own(code: types.CodeType, steps: Steps) -> bool:
    """Whether a statement reads an attribute of its own object and sets an element: `self.known[key] = value`."""
    reads_its_own = False
    for before, step in itertools.pairwise(steps):
        if step.opname == "LOAD_ATTR" and _loads_itself(code, before):
            reads_its_own = True
        elif step.opname == "STORE_SUBSCR" and reads_its_own:
            return True
        elif step.opname.startswith(("STORE_", "POP_TOP", "RETURN_")):
            reads_its_own = False
    return False


def _loads_itself(code: types.CodeType, step: dis.Instruction) -> bool:
    names = step.argval if type(step.argval) is tuple else (step.argval,)
    return step.opname.startswith("LOAD_FAST") and names[-1:] == code.co_varnames[:1] and code.co_argcount > 0


def not_kept(way_back: Sequence[Link], *, may_be_weak: bool) -> Remedy:
    """The remedy for what is made when it is asked for: make it each time; or its only way back weak."""
    kept, owner = way_back[0].steps[0].holder, way_back[0].steps[-1].referent
    name, held = short_type_name(type(kept)), short_type_name(type(owner))
    otherwise = ""
    if may_be_weak and len(way_back) == 1 and takes_weak_references(owner):
        otherwise = (
            f", or hold weakref.ref(...) in {name}{way_back[0].label} where no {name} outlives its {held}"
        )
    return Remedy(
        "property",
        lambda edge, target: (
            f"{edge} is made when it is asked for, and holds its {held}: "
            f"make it each time instead of keeping it there{otherwise}"
        ),
    )
