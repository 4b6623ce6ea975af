"""What to do about an edge: the remedy's name, and what it means for this edge in words."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Sequence
from typing import Any

from garbology.advice import callbacks, tables
from garbology.advice.captures import maker_of
from garbology.advice.ctypes_objects import among_objects_of_ctypes, in_ctypes
from garbology.advice.cutting import closing_method
from garbology.advice.exceptions import of_exception
from garbology.advice.frames import in_frame
from garbology.advice.remedy import (
    Remedy,
    Surroundings,
    attribute_of,
    cleared_because,
    clearing_call,
    clearing_method_for,
    is_callable_made_here,
    is_plain_attribute,
    of_the_method,
)
from garbology.advice.running import fired, is_fired, passed_by_itself, running
from garbology.advice.sampling import is_made_by_the_program
from garbology.advice.setting import assignment, clearing, weak_slot
from garbology.cycles.folding import Link
from garbology.interpreter.contents import length_of
from garbology.names.attribute_code import (
    is_always_in_a_container_of_its_own,
    is_always_itself,
    is_set_later,
)
from garbology.names.call_caches import is_call_cache
from garbology.names.captured import attribute_read_alone
from garbology.names.classes import mro_of, qualified_name
from garbology.names.edges import short_type_name
from garbology.names.finalizers import found_in
from garbology.text.escaping import enumerated


def remedy_of(links: Sequence[Link], *, way_back: bool, around: Surroundings) -> Remedy:
    """The remedy for edges of one class; ``way_back`` is whether they lead from younger objects to older ones."""
    link = links[0]
    for find in (in_frame, of_exception, _closed_with, in_ctypes, passed_by_itself):
        remedy = find(link)
        if remedy is not None:
            return remedy
    remedy = (
        _cached_methods(links, around)
        or among_objects_of_ctypes(link, around)
        or _bound_method(link, around)
        or running(link)
        or (fired(link) if is_fired(link) else None)
    )
    if remedy is not None:
        return remedy
    if _is_the_object_itself(links):
        return Remedy(
            "property",
            lambda edge, target: f"{edge} is the object itself: make it a property that returns self",
        )
    if _is_in_a_container_of_its_own(links):
        return Remedy(
            "property",
            lambda edge, target: (
                f"{edge} is the object itself: make {link.label.partition('[')[0]} a property that makes it anew, "
                "for who reads it expects the object"
            ),
        )
    if all(map(_is_itself_among_others, links)):
        return Remedy(
            "property",
            lambda edge, target: (
                f"{edge} is the object itself: keep the others alone there, and make "
                f"{link.label.partition('[')[0]} a property that adds it, for who reads it expects the object"
            ),
        )
    if is_callable_made_here(link):
        return cleared_because(
            link, lambda edge, target: f"{edge} holds {target}, which nothing else may keep"
        )
    captured = _captured(links, around)
    if captured is not None:
        return captured
    can_be_weak = tables.takes_weak_references(link.steps[-1].referent)
    return _weak(link, way_back=way_back) if can_be_weak else _strong(link)


def _closed_with(link: Link) -> Remedy | None:
    if not is_closed_with(link):
        return None
    source = short_type_name(link.steps[0].holder)
    return Remedy(
        "close",
        lambda edge, target: (
            f"{source} is still open: close() it when it is done with, or hold it in contextlib.closing"
        ),
    )


def _bound_method(link: Link, around: Surroundings) -> Remedy | None:
    """A bound method that something holds, or several things."""
    holding = link
    if any(type(link.steps[0].holder) is kind for kind in (types.MethodType, types.MethodWrapperType)):
        holding = next(iter(around.holders_of(link.steps[0].holder)), link)
    found = callbacks.remedy_for_method(link, holding, attribute_of(holding))
    found = found or callbacks.remedy_for_argument(link, attribute_of(link))
    if found is None:
        return None
    name, sentence = found
    method = clearing_call(holding) or _let_go_of_the_caller(link, around)
    if is_fired(link):
        return fired(link, sentence)
    if name not in ("clear", "property") and not tables.takes_weak_references(link.steps[-1].referent):
        return _strong(link)
    return Remedy(name, lambda edge, target: f"{of_the_method(edge)} {sentence}{method}")


def _cached_methods(links: Sequence[Link], around: Surroundings) -> Remedy | None:
    """Methods that their own object has caches of: what the caches are there for needs no object."""
    names = dict.fromkeys(_cache_of_its_own(link, around) for link in links)
    if None in names:
        return None
    method, owner = links[0].steps[-1].holder, short_type_name(links[0].steps[-1].referent)
    are, caches, each = (
        ("is a functools.lru_cache of a method of its own object", "the cache", "it")
        if len(names) == 1
        else ("are functools.lru_cache of methods of their own object", "the caches", "each")
    )
    instead = (
        f"make {each} a functools.cached_property"
        if callbacks.is_given_nothing(method)
        else "cache a function of the module that is given what it needs in place of self"
    )
    said = f"{owner}{enumerated(list(filter(None, names)))} {are}: leave {caches} out, or {instead}"
    return Remedy("property", lambda edge, target: said)


def _cache_of_its_own(link: Link, around: Surroundings) -> str | None:
    """The attribute, as '.is_space', by which an object has a cache of one of its methods; None where it has none."""
    method, owner = link.steps[0].holder, link.steps[-1].referent
    if type(method) is not types.MethodType or link.label != ".__self__":
        return None
    caches = filter(is_call_cache, (each.steps[0].holder for each in around.holders_of(method)))
    held = (each for cache in caches for each in around.holders_of(cache) if each.steps[0].holder is owner)
    return next((each.label for each in held if is_plain_attribute(each)), None)


def _let_go_of_the_caller(link: Link, around: Surroundings) -> str:
    """What to do instead with an object written in C that calls a method of who holds it: a parser, a timer."""
    caller = link.steps[0].holder
    if not link.steps[0].label.startswith("held inside"):
        return ""
    holder = next((each for each in around.holders_of(caller) if is_plain_attribute(each)), None)
    if holder is None:
        return ""
    let_go = assignment(holder.steps[0].holder, holder.label[1:])
    return f", or let go of the {short_type_name(type(caller))} ({let_go}) when it is done with"


def _is_the_object_itself(links: Sequence[Link]) -> bool:
    """Whether an attribute is its own object wherever it is set: at another time it could be another one.

    It can become a property where its class is written in Python.
    """
    if not all(
        link.steps[0].holder is link.steps[-1].referent and is_plain_attribute(link) for link in links
    ):
        return False
    owner = type(links[0].steps[0].holder)
    return is_made_by_the_program(owner) and is_always_itself(owner, links[0].label[1:])


def _is_in_a_container_of_its_own(links: Sequence[Link]) -> bool:
    """Whether an attribute is a new list or tuple of the object alone, wherever it is set."""
    name, owner = attribute_of(links[0]), type(links[0].steps[0].holder)
    if name is None or not all(link.source == link.target and link.label == f".{name}[0]" for link in links):
        return False
    return is_made_by_the_program(owner) and is_always_in_a_container_of_its_own(owner, name)


def _is_itself_among_others(link: Link) -> bool:
    """Whether a list or tuple that an object of the program's has holds the object: `self.order = [self, *bases]`."""
    is_own = link.source == link.target and is_made_by_the_program(type(link.steps[0].holder))
    holder = link.steps[-1].holder
    is_element = any(type(holder) is kind for kind in (list, tuple)) and length_of(holder) > 1
    name, _, place = link.label.partition("[")
    return is_own and is_element and name == f".{attribute_of(link)}" and place[:-1].isdigit()


def _strong(link: Link) -> Remedy:
    """What takes no weak reference: clear it, or let its class take one."""
    slot = weak_slot(link.steps[-1].referent)
    how = f"{clearing(link)}, or {slot}" if slot else ""
    return cleared_because(
        link, lambda edge, target: f"{edge} holds {target}, which takes no weak reference", how
    )


def is_taken_out(link: Link) -> bool:
    """Whether a container holds what leads to it, which nothing of the program's owns: `items.append(iter(items))`."""
    last = link.steps[-1]
    is_emptied = any(type(last.holder) is kind for kind in (list, dict, set, deque))
    leads_back = link.source == link.target or not is_made_by_the_program(type(link.steps[0].holder))
    return is_emptied and leads_back and not any(step.label == ".__dict__" for step in link.steps)


def cleared(link: Link) -> Remedy:
    """An attribute that may be needed: let go of it at the end."""
    name = attribute_of(link)
    if is_taken_out(link):
        container = type(link.steps[-1].holder).__name__
        how = f"take it out of the {container}, or empty that, when it is done with"
        return cleared_because(link, lambda edge, target: f"{edge} may be needed", how)
    if name is None or is_plain_attribute(link):
        return cleared_because(link, lambda edge, target: f"{edge} closes the cycle and may be needed")
    return cleared_because(link, lambda edge, target: f"{of_the_method(edge)} may be needed")


def _captured(links: Sequence[Link], around: Surroundings) -> Remedy | None:
    """A variable of a closure: what is read of it alone in its place, methods for the functions, a weak reference."""
    last = links[0].steps[-1]
    if type(last.holder) is not types.CellType:
        return None
    variable = links[0].label.rpartition("closure variable ")[2]
    name = _only_attribute_read(links, variable)
    if name is not None and tables.attribute_leads_out(last.referent, name, around.is_inside):
        return Remedy(
            "capture",
            lambda edge, target: (
                f"{edge} is captured only to read {variable}.{name}: "
                f"capture {variable}.{name} instead (`{name} = {variable}.{name}` before the function)"
            ),
        )
    method, let_go = clearing_call(links[0]), callbacks.let_go_once_called(links[0], attribute_of(links[0]))
    can_be_weak = tables.takes_weak_references(last.referent)
    weak = f"capture weakref.ref({variable}) and call it inside"
    if all(map(_could_be_a_method, links)):  # a method works on when nobody else holds the object
        instead = f"define methods of the class instead{f', or {weak}' if can_be_weak else ''}"
        return Remedy("property", lambda edge, target: f"{edge} is captured: {instead}{method}{let_go}")
    if not can_be_weak:
        return None
    return Remedy("weakref", lambda edge, target: f"{edge} is captured: {weak}{method}{let_go}")


def _could_be_a_method(link: Link) -> bool:
    """Whether a method of the object made the function around `self`, for the object or another such function."""
    holder, owner = link.steps[0].holder, link.steps[-1].referent
    if type(holder) is not types.FunctionType and (holder is not owner or attribute_of(link) is None):
        return False
    cls, _, name = maker_of(link).partition(".<locals>")[0].rpartition(".")
    method = found_in(type(owner), name)
    if type(method) is not types.FunctionType or cls not in map(qualified_name, mro_of(type(owner))):
        return False
    return method.__code__.co_varnames[:1] == (link.label.rpartition("closure variable ")[2],)


def _only_attribute_read(links: Sequence[Link], variable: str) -> str | None:
    """The attribute of a variable that closures read, and nothing else, and that nothing sets later."""
    holders: list[Any] = [step.holder for link in links for step in link.steps]
    functions = [each for each in holders if type(each) is types.FunctionType]
    names = {attribute_read_alone(function, variable) for function in functions}
    name = names.pop() if len(names) == 1 else None
    owner = type(links[0].steps[-1].referent)
    if name is None or is_set_later(owner, name, functions[0].__globals__):
        return None
    return name


def _weak(link: Link, *, way_back: bool) -> Remedy:
    """A weak reference, in the shape that fits what holds it."""
    fitting = tables.container_remedy(link)
    if fitting is not None:
        name, sentence = fitting
        return Remedy(
            name, lambda edge, target: f"{edge} {sentence.format(target=target)}{clearing_call(link)}"
        )
    what = "is the way back" if way_back else "closes the cycle"
    method = clearing_method_for(link)
    if method is not None:
        source = short_type_name(link.steps[0].holder)
        return Remedy(
            "clear",
            lambda edge, target: (
                f"{edge} {what}, and {source}.{method}() lets go of it: "
                f"call it when the {source} is done with, or hold weakref.ref(...) there"
            ),
        )
    return Remedy("weakref", lambda edge, target: f"{edge} {what}: hold weakref.ref(...) there")


def is_closed_with(link: Link) -> bool:
    """Whether it is a reference inside an object written in C that has a ``close()`` to let go of it."""
    last = link.steps[-1]
    return last.label.startswith("held inside") and closing_method(last.holder) is not None
