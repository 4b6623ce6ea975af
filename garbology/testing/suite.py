"""The page of a run: each shape once, with the tests that left it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from garbology.reporting.suite_page import SuitePage, write_suite
from garbology.study.page import Tile
from garbology.testing import summary
from garbology.testing.summary import Results
from garbology.text.layout import human_bytes

_MOST_CARDS = 30
_MOST_ROWS = 200
_MOST_NAMED = 20


def write_page(results: Results, notes: Sequence[str], directory: Path) -> list[Path]:
    """Write the page; the paths, that of the page first."""
    left = summary.leaving(results)
    shapes = merged(results)
    page = SuitePage(
        title="What the tests leave for the cyclic collector",
        verdict=summary.verdict(results),
        runtime=f"{sys.implementation.name} {sys.version.split()[0]}",
        tiles=[
            Tile("tests watched", len(results)),
            Tile("tests that left something", len(left)),
            Tile("left together", summary.total(results, "own_bytes"), "bytes"),
            Tile("shapes of cycles", len(shapes)),
        ],
        shapes=shapes[:_MOST_CARDS],
        tests=[
            (human_bytes(each["own_bytes"]), f"{each['own_objects']:,}", test)
            for test, each in left[:_MOST_ROWS]
        ],
        left_out=max(0, len(left) - _MOST_ROWS),
        problems=notes,
    )
    return write_suite(page, directory)


def merged(results: Results) -> list[dict[str, Any]]:
    """The own shapes of all tests, those with one paragraph together, most bytes first."""
    found: dict[str, dict[str, Any]] = {}
    for test, result in sorted(results.items()):
        for shape in summary.own_shapes([result]):
            known = found.setdefault(shape["paragraph"], {**shape, "count": 0, "bytes": 0, "left_by": []})
            known["count"] += shape["count"]
            known["bytes"] += shape["bytes"]
            known["objects_low"] = min(known["objects_low"], shape["objects_low"])
            known["objects_high"] = max(known["objects_high"], shape["objects_high"])
            known["left_by"].append(test)
    for shape in found.values():
        names = shape["left_by"]
        if len(names) > _MOST_NAMED:
            names[_MOST_NAMED:] = [f"and {len(names) - _MOST_NAMED:,} more tests"]
    return sorted(found.values(), key=lambda shape: (-shape["bytes"], shape["paragraph"]))
