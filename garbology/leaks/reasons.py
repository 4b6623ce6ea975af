"""Why the collector does not free a cycle through a hidden reference, and what to do about it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from garbology.cycles.folding import Folded, Link, Step
from garbology.interpreter.traversal import safe_referents
from garbology.names.classes import safe_type_name
from garbology.names.hidden import hiding_base, holds_unseen
from garbology.names.secrets import has_secrets, secret_ids, secret_label

_ELEMENTS = (
    "the elements of an object array, which NumPy does not show to the collector",
    "put a weakref.ref into the array, use a list, or set the element to None when done",
)
_METADATA = (
    "the metadata of a dtype, which NumPy does not show to the collector",
    "keep in a dtype's metadata nothing that leads back to the array, or a weakref.ref to it",
)
_ROW = (
    "an element of a structured array (numpy.void), which NumPy does not show to the collector",
    "keep the number of the row, or its plain values, instead of the row itself",
)
_KNOWN: dict[str, tuple[str, str]] = {
    "numpy.ndarray.base": (
        "the base of a view (ndarray.base), which NumPy does not show to the collector",
        "keep a copy (`view.copy()`), make the view when it is asked for, or hold the owner by a weakref.ref",
    ),
    "datetime.datetime.tzinfo": (
        "the tzinfo of a datetime, which the datetime module does not show to the collector",
        "keep the datetime without its zone (`replace(tzinfo=None)`) where the zone itself holds it",
    ),
    "datetime.time.tzinfo": (
        "the tzinfo of a time, which the datetime module does not show to the collector",
        "keep the time without its zone (`replace(tzinfo=None)`) where the zone itself holds it",
    ),
    "numpy.flatiter.base": (
        "the array of an iterator (ndarray.flat), which NumPy does not show to the collector",
        "make the iterator when it is asked for, and keep none in what the array leads to",
    ),
}
_ANY_REMEDY = "set one reference of the cycle to None when done, or hold a weakref.ref there"


class FoldedWithSecrets(Folded):
    """Named edges, those included that are found in the memory of what shows them nowhere."""

    def _references_of(self, place: int, holder: object) -> Iterator[tuple[int, int, str, object]]:
        yield from super()._references_of(place, holder)
        if has_secrets(type(holder)):
            found = self._find(np.array(secret_ids(holder), np.uint64).astype(np.int64))
            for target in found[found >= 0].tolist():
                referent = self._objects[target]
                yield target, 0, secret_label(holder, referent), referent


def is_hiding(obj: object) -> bool:
    """Whether an object refers to something that the collector is not shown."""
    return has_secrets(type(obj)) or holds_unseen(obj)


def hidden_step(link: Link) -> Step | None:
    """The first reference of an edge that the collector is not shown."""
    for step in link.steps:
        if is_hiding(step.holder) and not any(each is step.referent for each in safe_referents(step.holder)):
            return step
    return None


def reason_of(path: Sequence[Link], objects: Sequence[object]) -> tuple[str, str, str]:
    """What hides a reference, and reason and remedy: by the first such edge of a path, failing that by the objects."""
    steps = [step for step in map(hidden_step, path) if step is not None]
    if not steps:
        hiding = next((obj for obj in objects if is_hiding(obj)), None)
        name = _holder_name(hiding)
        return name, f"a cycle leads through {name}, which does not show it to the collector", _ANY_REMEDY
    holder = _holder_name(steps[0].holder)
    hiding = [(hiding_base(type(step.holder)), step.label) for step in steps]
    if any(base == "numpy.dtype" and label.startswith(".metadata") for base, label in hiding):
        return _described(holder, *_METADATA)
    if any(base == "numpy.void" for base, _ in hiding):
        return _described("numpy.void", *_ROW)
    if any(base == "numpy.ndarray" and label[:1] == "[" for base, label in hiding):
        return _described(holder, *_ELEMENTS)
    known = _KNOWN.get("".join(hiding[0]))
    if known is not None:
        return _described(holder, *known)
    label = steps[0].label if steps[0].label[:1] in ".[" else ""
    return _described(holder, f"{holder}{label}, which {holder} does not show to the collector", _ANY_REMEDY)


def hidden_name(holder: object, label: str) -> str:
    """A hidden reference by its holder's type: 'datetime.datetime.tzinfo', 'elements of numpy.ndarray'."""
    name = _holder_name(holder)
    if label[:1] == ".":
        return name + label
    return f"an element of {name}" if label[:1] == "[" else f"a reference {label or 'inside ' + name}"


def _described(holder: str, what: str, remedy: str) -> tuple[str, str, str]:
    return holder, f"a cycle leads through {what}", remedy


def _holder_name(obj: object) -> str:
    """The type that hides; NumPy's dtypes under their common name."""
    return "numpy.dtype" if hiding_base(type(obj)) == "numpy.dtype" else safe_type_name(type(obj))
