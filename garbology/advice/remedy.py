"""A remedy in words, and what is asked of an edge to find it."""

from __future__ import annotations

import functools
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field

from garbology.advice import callbacks
from garbology.advice.sampling import is_made_by_the_program, is_standard
from garbology.advice.setting import clearing
from garbology.cycles.folding import Link
from garbology.names.attribute_code import clearing_method
from garbology.names.edges import short_type_name

_PART_OF_METHOD = re.compile(r"\.__self__(\[[^]]*\]| → set element)?(?= of |$)")
Say = Callable[[str, str], str]


@dataclass
class Remedy:
    """The remedy's name, and the sentence for an edge (or several of one name) and its target."""

    name: str
    say: Say


@dataclass
class Surroundings:
    """What the advice for an edge depends on beside the edge itself.

    Attributes
    ----------
    is_inside : whether an object is on the cycle.
    holders_of : the edges that hold one.
    """

    is_inside: Callable[[object], bool] = field(repr=False)
    holders_of: Callable[[object], list[Link]] = field(repr=False)


def of_the_method(edge: str) -> str:
    """An edge without what comes after the method that is held: 'View.handler' of 'View.handler.__self__'."""
    return _PART_OF_METHOD.sub("", edge)


def cleared_because(link: Link, why: Say, how: str = "") -> Remedy:
    """Let go of it, by the method that does so or ``how``; ``why`` says first what it is."""
    method = clearing_method_for(link)
    if method is not None:
        ending = f"{short_type_name(link.steps[0].holder)}.{method}() lets go of it: call that at the end"
        return Remedy("clear", lambda edge, target: f"{why(edge, target)}; {ending}")
    return Remedy("clear", lambda edge, target: f"{why(edge, target)}: {how or clearing(link)}")


def attribute_of(link: Link) -> str | None:
    """The attribute of its owner that a path of references begins with; None where it begins otherwise."""
    first = link.steps[0].label
    if first == ".__dict__" and len(link.steps) > 1:
        first = f".{link.steps[1].label[2:-2]}"
    return first[1:] if first.startswith(".") and first[1:].isidentifier() else None


def is_callable_made_here(link: Link) -> bool:
    """Whether it is an inner function, a bound method or a partial: a weak reference to it is mostly dead at once."""
    referent = link.steps[-1].referent
    if type(referent) is types.FunctionType:
        return referent.__closure__ is not None
    return any(
        type(referent) is kind for kind in (types.MethodType, types.BuiltinMethodType, functools.partial)
    )


def is_plain_attribute(link: Link) -> bool:
    """Whether it is one of an object's own, and not something in a container or a function that it holds."""
    return link.label.startswith(".") and link.label[1:].isidentifier()


def clearing_method_for(link: Link) -> str | None:
    """The method of the owner's class that ends it and lets go of this edge; None where there is none."""
    name, owner = attribute_of(link), type(link.steps[0].holder)
    return clearing_method(owner, name) if name is not None and is_made_by_the_program(owner) else None


def clearing_call(link: Link) -> str:
    """', or call Queue.close(), which lets go of it', where there is such a method."""
    method = clearing_method_for(link)
    source = short_type_name(link.steps[0].holder)
    return f", or call {source}.{method}(), which lets go of it" if method is not None else ""


def is_library_code(code: types.CodeType) -> bool:
    """Whether a function is the standard library's or of an installed package."""
    return is_standard(code) or "-packages" in code.co_filename


def is_of_the_standard_library(obj: object) -> bool:
    """Whether an object is of a class that the standard library has: no line of the program's is in it."""
    kind = type(obj)
    return is_made_by_the_program(kind) and callbacks.package_of(kind) in sys.stdlib_module_names
