"""Bound methods that are held: a weak method where the program's own code asks it, a wrapper where another calls it."""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any

from garbology.advice.sampling import is_made_by_the_program
from garbology.advice.setting import assignment
from garbology.cycles.folding import Link
from garbology.names.attribute_code import (
    argument_count,
    instructions,
    is_read_by,
    is_set_from_itself_alone,
    names_both,
    storing_class,
)
from garbology.names.call_caches import is_call_cache
from garbology.names.classes import mro_of, safe_type_name
from garbology.names.edges import short_type_name
from garbology.names.finalizers import found_in, namespace_of
from garbology.names.handing_on import passing_class

WRAPPER = "give it a function that captures weakref.ref(self) and calls the method if it is alive"
_METHODS_IN_C = (types.BuiltinMethodType, types.MethodWrapperType)
_EMPTIED = (list, dict, set)
_CALLED_ONCE = ("cancel", "done", "finish", "complet", "once", "resolve", "waiter")
_MAY_BE_CALLED_ONCE = (*_CALLED_ONCE, "callback")  # a timer has one that it calls again and again
_ARGUMENTS = ("_args", "args", "_kwargs", "kwargs", "kwds", "argument")
_module_of_function: Any = types.FunctionType.__dict__["__module__"]


def remedy_for_method(link: Link, holding: Link, attribute: str | None) -> tuple[str, str] | None:
    """The remedy's name and the end of its sentence for a bound method; None where no bound method is held.

    ``holding`` is the link by which something else holds the method, and ``attribute`` that which it begins with.
    """
    container = container_of_method(link)
    if attribute and _is_c_method_of_its_owner(link, holding):
        return "property", f"is a method of its own object: make {attribute} a method of the class instead"
    if container is not None:
        return _remedy_for_method_of(container)
    if _is_method_in_c(link.steps[-1].holder) and link.steps[-1].label == ".__self__":
        return (
            "weakref",
            "is a method written in C, and holds its object: "
            "put a function there that captures weakref.ref(...) and calls the method if it is alive",
        )
    held = [place for place, step in enumerate(link.steps) if type(step.holder) is types.MethodType]
    if not held or link.steps[held[-1]].label != ".__self__":
        return None
    method: Any = link.steps[held[-1]].holder
    if held[-1] != len(link.steps) - 1:
        return None
    if (
        attribute
        and link.label == f".{attribute}.__self__"
        and _has_method(type(link.steps[0].holder), attribute)
    ):
        return (
            "weakref",
            f"is a bound method in place of the class's own {attribute}(), which others call: {WRAPPER}",
        )
    if attribute and _is_kept_by_its_own_object(link, attribute):
        name = _name_of(method)
        is_of_class = name and found_in(type(link.steps[0].holder), name) is method.__func__
        such = f" (`type(self).{name}`)" if is_of_class else ""
        return (
            "property",
            f"is a bound method of its own object: hold the function{such} and pass self where it is called",
        )
    caller = _who_calls(holding, attribute, type(link.steps[-1].referent), _name_of(method))
    unused = (
        ", or make it a staticmethod, for it never uses its object" if never_uses_its_object(method) else ""
    )
    if caller is None:
        return (
            "WeakMethod",
            "is a bound method and holds its object: "
            f"store weakref.WeakMethod(...) and call what it gives{unused}{let_go_once_called(holding, attribute)}",
        )
    return (
        "weakref",
        f"is a bound method, which {caller} calls: {WRAPPER}{unused}{_once_done(holding, attribute)}",
    )


def container_of_method(link: Link) -> type | None:
    """The list, dict or set whose method, such as `list.remove`, a link leads through to it or to an element of it."""
    *_, before, last = [None, *link.steps]
    for step, owner in ((last, last and last.referent), (before, last and last.holder)):
        if step is not None and step.label == ".__self__" and _is_method_in_c(step.holder):
            return next(
                (base for base in mro_of(type(owner)) if any(base is kind for kind in _EMPTIED)), None
            )
    return None


def _is_c_method_of_its_owner(link: Link, holding: Link) -> bool:
    """Whether it is one that the object has from a class written in C: `self.set = self.__setitem__`."""
    last = link.steps[-1]
    owner = holding.steps[0].holder
    is_own = _is_method_in_c(last.holder) and last.label == ".__self__" and last.referent is owner
    return is_own and is_made_by_the_program(type(owner))


def _is_method_in_c(obj: object) -> bool:
    return any(type(obj) is kind for kind in _METHODS_IN_C)


def _remedy_for_method_of(container: type) -> tuple[str, str]:
    """Empty the container: a weak reference to it is mostly not to be had, and its elements are its own."""
    name = container.__name__
    kept, owner = ("", "it") if container is set else (", which takes no weak reference", "its owner")
    return (
        "clear",
        f"is a method of a {name}{kept}: empty that {name} (`clear()`) where another takes its place or it is done "
        f"with, or put a function there that captures a weak reference to {owner}",
    )


def remedy_for_argument(link: Link, attribute: str | None) -> tuple[str, str] | None:
    """The same for what is kept to be passed on to a function: a weak reference there would reach the function."""
    partials = [
        step for step in link.steps if type(step.holder) is functools.partial and step.label != ".func"
    ]
    owner, target = type(link.steps[0].holder), type(link.steps[-1].referent)
    if partials:
        caller = "functools.partial"
    elif (
        attribute in _ARGUMENTS and is_made_by_the_program(owner) and package_of(owner) != package_of(target)
    ):
        caller = safe_type_name(owner)
    else:
        return _remedy_for_what_is_passed_on(link, attribute)
    return (
        "weakref",
        f"is passed on by {caller} to what it calls: let it call a function that captures weakref.ref(...) instead"
        f"{_once_done(link, attribute)}",
    )


def _remedy_for_what_is_passed_on(link: Link, attribute: str | None) -> tuple[str, str] | None:
    """What the owner's own code calls something with (`self.function(*self.args)`): it would pass on what is there."""
    owner = type(link.steps[0].holder)
    holders = [type(step.holder) for step in link.steps[1:]]
    in_containers = all(any(kind is each for each in (tuple, list, dict)) for kind in holders)
    if attribute is None or link.label == f".{attribute}" or not in_containers:
        return None
    passing = passing_class(owner, attribute) if is_made_by_the_program(owner) else None
    if passing is None:
        return None
    return (
        "clear",
        f"is passed on by {safe_type_name(passing)} to what it calls, where a weak reference would arrive in its "
        "place: let go of it when nothing is called with it any more",
    )


def is_called_once(attribute: str | None) -> bool:
    """Whether an attribute's name says that what it holds is called once: a canceller, what is called when done."""
    return _has_word(attribute, _CALLED_ONCE)


def _has_word(attribute: str | None, words: tuple[str, ...]) -> bool:
    return attribute is not None and any(word in attribute.lower() for word in words)


def is_called(obj: object) -> bool:
    """Whether it is a function, a method, or an object of a class of the program's that says what a call does."""
    kind = type(obj)
    if kind is types.FunctionType or kind is types.MethodType:
        return True
    return is_made_by_the_program(kind) and type(found_in(kind, "__call__")) is types.FunctionType


def let_go_once_called(link: Link, attribute: str | None) -> str:
    """What to do instead with a callback that is called once."""
    is_alone = attribute is not None and link.label.startswith((f".{attribute}.__self__", f".{attribute} → "))
    if not is_alone or link.source == link.target or not _has_word(attribute, _MAY_BE_CALLED_ONCE):
        return ""
    let_go = assignment(link.steps[0].holder, attribute or "")
    return f", or let go of it ({let_go}) once it was called for the last time"


def _once_done(link: Link, attribute: str | None) -> str:
    owner = link.steps[0].holder
    if any(safe_type_name(base) == "threading.Thread" for base in mro_of(type(owner))):
        return ", or join the thread and let go of it (`= None`) when it is done"
    return let_go_once_called(link, attribute)


def _who_calls(link: Link, attribute: str | None, own: type, method: str) -> str | None:
    """Who calls the method that is held here; None where the code that stores it names it and so can ask it first."""
    holders = [step.holder for step in link.steps]
    if any(type(each) is weakref.ReferenceType for each in holders):
        return "the interpreter"
    wrapped = next((each for each in holders if _wraps_what_it_calls(each)), None)
    if wrapped is not None:
        return safe_type_name(type(wrapped)).replace("._lru_cache_wrapper", ".lru_cache")
    owner = holders[0]
    if type(owner) is types.FunctionType:
        return (
            None
            if _package(_module_of_function.__get__(owner)) == package_of(own)
            else "another package's function"
        )
    if not is_made_by_the_program(type(owner)):
        return f"a {short_type_name(owner)}, or what holds it,"
    storing = (storing_class(type(owner), attribute) if attribute else None) or type(owner)
    if package_of(storing) != package_of(own):
        return safe_type_name(storing)
    named = attribute is not None and any(
        names_both(kind, attribute, method) for kind in (type(owner), own) if is_made_by_the_program(kind)
    )
    if named or attribute is None:
        return None
    reads = is_made_by_the_program(type(owner)) and is_read_by(type(owner), attribute)
    return short_type_name(owner) if reads else f"what uses the {short_type_name(owner)}"


def _is_kept_by_its_own_object(link: Link, attribute: str) -> bool:
    """Whether a private attribute holds one of its object's own methods, and never what another has given."""
    owner = link.steps[0].holder
    is_own = link.label == f".{attribute}.__self__" and owner is link.steps[-1].referent
    is_private = attribute.startswith("_") and is_made_by_the_program(type(owner))
    return is_own and is_private and is_set_from_itself_alone(type(owner), attribute)


def _has_method(kind: type, name: str) -> bool:
    return is_made_by_the_program(kind) and type(found_in(kind, name)) is types.FunctionType


def _name_of(method: Any) -> str:
    function = method.__func__
    return function.__code__.co_name if type(function) is types.FunctionType else ""


def _wraps_what_it_calls(obj: object) -> bool:
    return type(obj) is functools.partial or is_call_cache(obj)


def package_of(cls: type) -> str:
    """The first part of the name of the module that a class is from."""
    return _package(namespace_of(cls).get("__module__"))


def _package(module: object) -> str:
    return module.partition(".")[0] if type(module) is str else ""


def is_given_nothing(method: Any) -> bool:
    """Whether a bound method's function takes its object alone."""
    function = method.__func__
    if type(function) is not types.FunctionType:
        return False
    return bool(function.__code__.co_argcount == argument_count(function.__code__) == 1)


def never_uses_its_object(method: Any) -> bool:
    """Whether a bound method's function never reads its first argument; False where its code does not tell."""
    function = method.__func__
    if type(function) is not types.FunctionType or not function.__code__.co_argcount:
        return False
    code = function.__code__
    first = code.co_varnames[0]
    if first in code.co_cellvars or "__class__" in code.co_freevars:
        return False  # an inner function or super() reads it
    if {"locals", "vars", "dir", "eval", "exec"} & set(code.co_names):
        return False
    used = (step.argval for step in instructions(code) if "_FAST" in step.opname)
    return not any(first in (names if type(names) is tuple else (names,)) for names in used)
