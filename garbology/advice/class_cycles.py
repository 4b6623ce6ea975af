"""Classes on a cycle: each refers to itself, so advice says where it is made, and what need not wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from garbology.cycles.folding import Link
from garbology.names.classes import is_class, mro_of, safe_type_name
from garbology.names.finalizers import namespace_of
from garbology.names.nodes import class_name, is_made_in_a_call

_subclasses_of: Any = type.__dict__["__subclasses__"]
_MOST_NAMED = 3


def advice_for_classes(classes: Sequence[Any]) -> tuple[str, str]:
    """The remedy's name and the sentence: made in every call, replaced by a copy, or made by a module's own code."""
    local = [cls for cls in classes if is_made_in_a_call(cls)]
    if local:
        return (
            "hoist",
            f"a class always refers to itself: define {_names(local)} once, at module level, not in every call",
        )
    copies = [_others_like(cls) for cls in classes]
    if not all(copies):
        return "hoist", f"a class always refers to itself: make {_names(classes)} once and keep it"
    if all(map(_has_slots_instead, classes, copies)):
        return (
            "slots",
            f"a decorator made a copy of {_names(classes)} that has slots, and the first class waits: "
            "write __slots__ by hand, or leave it, for it happens once",
        )
    return (
        "hoist",
        f"another class has the name of {_names(classes)}: a decorator made a copy, or the code that makes it "
        "ran again; make it once and keep it",
    )


def is_a_constant(link: Link) -> bool:
    """Whether it leads from a class to an object of its own that the class is known by: a member of an Enum, a default.

    Without it the class is another.
    """
    cls: Any = link.steps[0].holder
    if not is_class(cls) or not any(base is cls for base in mro_of(type(link.steps[-1].referent))):
        return False
    is_enum = any(safe_type_name(base) == "enum.Enum" for base in mro_of(cls))
    return is_enum or (link.label.startswith(".") and link.label[1:].isidentifier())


def _has_slots_instead(cls: Any, others: Sequence[Any]) -> bool:
    """Whether a class without slots has a copy with them, as `dataclass(slots=True)` and attrs make it."""
    return "__slots__" not in namespace_of(cls) and any("__slots__" in namespace_of(each) for each in others)


def _others_like(cls: Any) -> list[Any]:
    """Other classes of the same module and qualified name, with the same first base."""
    name = safe_type_name(cls)
    bases = type.__dict__["__bases__"].__get__(cls)[:1]
    return [
        each
        for base in bases
        for each in _subclasses_of(base)
        if each is not cls and safe_type_name(each) == name
    ]


def _names(classes: Sequence[Any]) -> str:
    return ", ".join(sorted(set(map(class_name, classes)))[:_MOST_NAMED])
