"""Keys that say nothing: addresses, and what differs from one occurrence of a cycle to the next."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.folding import Link, Step
from garbology.names.labels import common_label, keys_in, pattern

_NUMBER = re.compile(r"\[(\d{7,19})\]")  # no object is below the first megabyte
_NAMED_BY = (".__dict__", ".__closure__")  # what follows is read as the name of an attribute or a variable

#: From addresses to places among some objects, -1 where there is none.
Find = Callable[[NDArray[np.int64]], NDArray[np.int32]]


def with_addresses_named(links: list[Link], find: Find) -> list[Link]:
    """The links; a dict's key that is the address of one of the objects that ``find`` knows reads ``[id]``."""
    numbers = {step.label: number for link in links for step in link.steps if (number := _number(step))}
    if not numbers:
        return links
    found = find(np.array(list(numbers.values()), np.int64)) >= 0
    addresses = {label for label, is_there in zip(numbers, found.tolist(), strict=True) if is_there}
    return [_relabelled(link, addresses, "[id]") for link in links] if addresses else links


def _number(step: Step) -> int:
    match = _NUMBER.fullmatch(step.label) if type(step.holder) is dict else None
    return int(match[1]) if match and int(match[1]) < 1 << 63 else 0


def _relabelled(link: Link, labels: Collection[str], label: str) -> Link:
    if not any(step.label in labels for step in link.steps):
        return link
    steps = tuple(replace(step, label=label) if step.label in labels else step for step in link.steps)
    return replace(link, steps=steps)


def generalised(links: list[Link], differing: Iterable[str]) -> list[Link]:
    """The links, those whose label is like one of ``differing`` without the indices and keys that are missing there."""
    labels: dict[str, list[str]] = defaultdict(list)
    for label in differing:
        labels[pattern(label)].append(label)
    if not labels:
        return links
    common = {key: common_label(alike) for key, alike in labels.items()}
    return [_called(link, common.get(pattern(link.label))) for link in links]


def _called(link: Link, label: str | None) -> Link:
    """The link with its indices and keys as they are in ``label``."""
    places = [place for place, step in enumerate(link.steps) if _is_key(step, link.steps[place - 1 : place])]
    if label is None or not places:
        return link
    keys = keys_in(label)
    known = dict(zip(places, keys, strict=True)) if len(keys) == len(places) else dict.fromkeys(places, "[]")
    steps = (replace(step, label=known.get(place, step.label)) for place, step in enumerate(link.steps))
    return replace(link, steps=tuple(steps))


def _is_key(step: Step, before: Sequence[Step]) -> bool:
    return step.label.startswith("[") and not any(holder.label in _NAMED_BY for holder in before)
