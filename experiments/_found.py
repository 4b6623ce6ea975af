"""What garbology finds before anything is collected, where it can look at all."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from garbology.study import Run, Unavailable


@dataclass(frozen=True)
class FoundBefore:
    """What only the collector can free of what a function left, and its cycles; None where that is unknown."""

    objects: int | None = None
    bytes: int | None = None
    leaked: int | None = None  # objects that not even the collector frees
    shapes: list[dict[str, Any]] | None = None


def found_before_collecting(function: Callable[[], object]) -> FoundBefore:
    """Call `function` and look at what it leaves; its advice is tried on one cycle, which is then gone.

    Without NumPy nothing is called and everything is None.
    """
    try:
        from garbology import watch
    except ImportError:
        return FoundBefore()
    with watch() as found:
        function()
    shapes = found.to_dict()["shapes"]
    leaked = sum(leak.objects for leak in found.leaks)
    return FoundBefore(found.garbage, found.garbage_bytes, leaked, shapes)


def holder_of(place: weakref.ref[Any]) -> str:
    """The path to an object that is alive, from its root; empty where it is not, or NumPy is missing."""
    try:
        from garbology import why_alive
    except ImportError:
        return ""
    alive = None if place() is None else why_alive(place())
    return "" if alive is None else f"{alive.root}: {' '.join(edge.label for edge in alive.edges)}"


def was_looked_at(run: Run) -> bool:
    """For `every`: true of a sample with `found_objects`, Unavailable where nothing could be found."""
    if run.found_objects is None:
        raise Unavailable("find_cycles needs NumPy, which is not there")
    return True
