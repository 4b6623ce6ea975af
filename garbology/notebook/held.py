"""What IPython holds without being asked: outputs, where no name of the user's is nearer."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

from garbology.alive.question import Alive, Asked
from garbology.cycles.result import CycleShape
from garbology.find.found import Found
from garbology.growth.report import Report
from garbology.interpreter import collector, exclusive
from garbology.interpreter.contents import items_of
from garbology.recorders.pauses import Pauses
from garbology.text.layout import wrap

_OURS = (Alive, CycleShape, Found, Pauses, Report)
_MOST_ASKED = 20
_MOST_TOLD = 4


def held_by_ipython(namespace: Mapping[str, Any]) -> list[Alive]:
    """Of the last outputs those that IPython's hidden references keep alive: the chain begins with one of them."""
    outputs = outputs_of(namespace)
    if not outputs:
        return []
    with exclusive.analysis(), collector.paused():
        asked = Asked(outputs, [outputs])
        return [alive for alive in map(asked.why, range(len(outputs))) if alive.root.startswith("IPython's ")]


def outputs_of(namespace: Mapping[str, Any]) -> list[object]:
    """The outputs that the collector tracks, but for our own answers, which hold nothing."""
    values = [value for _, value in items_of(namespace.get("_oh", {}))]
    return [value for value in values if gc.is_tracked(value) and not _is_ours(value)][-_MOST_ASKED:]


def _is_ours(value: object) -> bool:
    return any(type(value) is kind for kind in _OURS)


def held_text(found: list[Alive]) -> str:
    """One line for each, and how to let go of them; empty where there is nothing."""
    lines = [f"{alive.root} holds: {alive.type}" for alive in found[:_MOST_TOLD]]
    if len(found) > _MOST_TOLD:
        lines.append(f"... and {len(found) - _MOST_TOLD} more outputs")
    remedies = dict.fromkeys(alive.remedy for alive in found if alive.remedy)
    lines += [f"to let go: {remedy}" for remedy in remedies]
    return "\n".join(part for line in lines for part in wrap(line))
