"""A shape with like objects as one: five layers side by side say less than "5 × Layer"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_INDEX = re.compile(r"\[\d+\]")

Row = Mapping[str, Any]


def folded(shape: Row) -> dict[str, Any]:
    """The shape with objects of one type as one node, and edges between these that read alike as one.

    Two objects of one type that are the whole cycle stay two: there it is the way round.
    """
    nodes: Sequence[Row] = shape["nodes"]
    first = {node["type"]: node for node in reversed(nodes)}
    if len(first) == len(nodes) or len(nodes) <= 2:
        return dict(shape)
    stands_for = {node["id"]: first[node["type"]]["id"] for node in nodes}
    objects = dict.fromkeys(stands_for.values(), 0)
    for node in nodes:
        objects[stands_for[node["id"]]] += node["objects"]
    kept = [{**node, "objects": objects[node["id"]]} for node in nodes if node["id"] in objects]
    return {**shape, "nodes": kept, "edges": _edges(shape["edges"], stands_for)}


def _edges(edges: Sequence[Row], stands_for: Mapping[int, int]) -> list[dict[str, Any]]:
    kept: dict[tuple[object, ...], dict[str, Any]] = {}
    for edge in edges:
        label = _INDEX.sub("[]", edge["label"])
        source, target = stands_for[edge["source"]], stands_for[edge["target"]]
        known = kept.setdefault(
            (source, label, target, edge["weaken"]),
            {**edge, "source": source, "label": label, "target": target, "set_at": []},
        )
        known["set_at"] = list(dict.fromkeys([*known["set_at"], *edge.get("set_at", ())]))
    return list(kept.values())
