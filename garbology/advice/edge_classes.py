"""What a line of source decides of an edge: the classes of what holds and of what is held, and the label."""

from __future__ import annotations

import types

from garbology.cycles.folding import Link, Step
from garbology.names.classes import mro_of
from garbology.names.edges import short_type_name
from garbology.names.finalizers import namespace_of
from garbology.names.labels import pattern
from garbology.names.nodes import node_name

# The source type's name, the label's pattern and the target type's name: what a line of source code decides.
# The target is part of it because one list can hold both what it owns and a way back.
EdgeClass = tuple[str, str, str]


def class_of_edge(link: Link) -> EdgeClass:
    """The source's name, the label without its indices, and the target's name: a type, or what the code is called."""
    holder, referent = link.steps[0].holder, link.steps[-1].referent
    return node_name(holder), pattern(link.label), node_name(referent)


def lines_of_source(link: Link) -> set[EdgeClass]:
    """The edge class, and others that the same line of source stands for.

    These are the parts that begin at a function, for others may hold the same function; an attribute, whatever it
    holds; and a slot, whichever subclass has inherited it.
    """
    inner = [place for place, step in enumerate(link.steps) if type(step.holder) is types.FunctionType]
    keys = {class_of_edge(Link(link.source, link.target, link.steps[place:])) for place in (0, *inner)}
    source, label, target = class_of_edge(link)
    sources = {source, *_definer_of_slot(link.steps[0])}
    targets = {target, ""} if is_attribute(link) else {target}
    return keys | {(each, label, held) for each in sources for held in targets}


def is_attribute(link: Link) -> bool:
    """Whether it is one of an object's own, and not something in a container or a function that it holds."""
    return link.label.startswith(".") and link.label[1:].isidentifier()


def _definer_of_slot(step: Step) -> list[str]:
    bases = mro_of(type(step.holder))
    slots = (
        base for base in bases if type(namespace_of(base).get(step.label[1:])) is types.MemberDescriptorType
    )
    return [short_type_name(base) for base in slots][:1]


def with_bases(keys: set[EdgeClass], target: object) -> set[EdgeClass]:
    """Edge classes, and those with a base class of the target's: it is one line of source that holds them all."""
    names = [short_type_name(base) for base in mro_of(type(target)) if base is not object]
    return keys | {(source, label, name) for source, label, held in keys if held for name in names}
