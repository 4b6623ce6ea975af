"""The cards of a notebook: each answer drawn as a page draws it, from its plain form.

A cell has a style of its own and no script. It brings its paper along, so that it is legible in whatever notebook it
stands, and follows the notebook's theme where it knows it, else the system's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from garbology.find.text import found_head, found_tail
from garbology.reporting import pictures, views
from garbology.reporting.strip import strip
from garbology.reporting.templating import render
from garbology.study.page import Tile
from garbology.text.layout import counted, human_bytes

_MOST_CARDS = 4
_MOST_EDGES = 30

Record = Mapping[str, Any]


def found_cell(found: Record) -> str:
    """The verdict, a card for each of the heaviest shapes, and what else is told in the text."""
    shapes = found["shapes"]
    more = shapes[_MOST_CARDS:]
    rest = sum(shape["distinct"] for shape in more)
    held = human_bytes(sum(shape["bytes"] for shape in more))
    content = {
        "head": found_head(found),
        "cards": [pictures.card(shape) for shape in shapes[:_MOST_CARDS]],
        "more": f"and {counted(rest, 'more shape')}, {held}: found.shapes" if more else "",
        "lines": found_tail(found),
    }
    return render("cell_found.html.j2", content)


def shape_cell(shape: Record) -> str:
    """The card of one shape."""
    return render(
        "cell_found.html.j2", {"head": "", "cards": [pictures.card(shape)], "more": "", "lines": []}
    )


def alive_cell(alive: Record) -> str:
    """The chain from the root to the object, and who else holds it."""
    edges = alive["edges"]
    left_out = alive["omitted"] + max(len(edges) - _MOST_EDGES, 0)
    if len(edges) > _MOST_EDGES:
        edges = [*edges[: _MOST_EDGES // 2], *edges[-_MOST_EDGES // 2 :]]
    return render("cell_alive.html.j2", {"alive": alive, "edges": edges, "left_out": left_out})


def pauses_cell(pauses: Record) -> str:
    """How many collections there were, how long they stopped the program, and when."""
    tiles = [
        Tile("collections", pauses["collections"]),
        Tile("paused in all", pauses["total_seconds"], "seconds"),
        Tile("longest pause", pauses["longest_seconds"], "seconds"),
        Tile("objects freed", pauses["collected"]),
    ]
    generations = [f"generation {number}: {count:,}" for number, count in pauses["by_generation"].items()]
    content = {
        "tiles": [views.tile(tile) for tile in tiles],
        "generations": generations,
        "missed": pauses["missed"],
        "strip": strip(pauses["starts"], pauses["durations"]),
    }
    return render("cell_pauses.html.j2", content)


def growth_cell(report: Record) -> str:
    """The four kinds of growth as tiles and bands, who holds what grows, and which cycles wait."""
    return render("cell_growth.html.j2", {**_growth(report), "cycles": report["cycles"]})


def _growth(report: Record) -> dict[str, Any]:
    try:
        from garbology.reporting import growth_page
    except ModuleNotFoundError:  # the drawing libraries are the extra `experiments`
        return {"verdict": report["verdict"], "tiles": [], "bands": None, "holders": _holders(report)}
    page = growth_page.page_of({**report, "shapes": []})
    return {
        "verdict": page.verdict,
        "tiles": [views.tile(tile) for tile in page.tiles],
        "bands": growth_page.bands(page),
        "holders": page.holders,
    }


def _holders(report: Record) -> Sequence[Sequence[str]]:
    return [(human_bytes(each["bytes"]), each["name"], each["where"]) for each in report["holders"]]
