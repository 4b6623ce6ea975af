"""The page of a recording: what `garbology run` and `attach` write with -o DIR."""

from __future__ import annotations

import shlex
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from garbology.monitoring.recordings import Process, Recording
from garbology.monitoring.summary import left_out, verdict
from garbology.reporting import write_run
from garbology.reporting.growth_page import page_of as growth_page_of
from garbology.reporting.growth_page import write_growth
from garbology.reporting.run_page import RunPage
from garbology.study.page import RuntimeSummary, Tile
from garbology.text.layout import counted

_MOST_CARDS = 12
_GROWTH = "growth"  # the directory of its page


def write_recording(recording: Recording, directory: Path) -> list[Path]:
    """Write index.html, README.md and the drawings; the paths, the page first.

    Raises
    ------
    ModuleNotFoundError : a drawing library is missing.
    OSError : the directory cannot be written.
    """
    written = write_run(page_of(recording, directory), directory)
    if recording.main is not None and recording.main.growth:
        written += write_growth(growth_page_of(recording.main.growth), directory / _GROWTH)
    return written


def page_of(recording: Recording, directory: Path) -> RunPage:
    """What the page in ``directory`` shows, as plain data."""
    main = recording.main
    collections = [row for process in recording.processes for row in process.collections]
    waiting = [{"seconds": row["seconds"], "waiting_objects": row["collected"]} for row in collections]
    return RunPage(
        title=shlex.join(recording.program),
        verdict=_capitalized(verdict(recording)),
        tiles=_tiles(recording, main) if main is not None and main.last else (),
        moments=sorted([*recording.memory, *waiting], key=lambda row: row["seconds"]),
        collections=collections,
        shapes=[_shape(each) for each in recording.shapes[:_MOST_CARDS]],
        left_out=_left_out(recording),
        runtime=_runtime(main, directory) if main is not None else None,
        problems=[]
        if main is not None and main.ended
        else ["the program ended without an exit of the interpreter"],
        command=shlex.join(recording.command),
        growth=growth_page_of(main.growth).verdict if main is not None and main.growth else "",
    )


def _capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _left_out(recording: Recording) -> str:
    """What `--only` and `--ignore` leave out, and what there is no room for."""
    others = [shape for process in recording.processes for shape in process.left_out]
    more = recording.shapes[_MOST_CARDS:]
    objects = f"{sum(each['objects'] for each in more):,.0f}"
    sentences = (
        [f"{counted(len(more), 'more shape')}: about {objects} objects, in the recording"] if more else []
    )
    return "; ".join([*sentences, *([left_out(others)] if others else [])])


def _tiles(recording: Recording, process: Process) -> list[Tile]:
    generations = process.last["generations"]
    tiles = [
        Tile("Peak of resident memory", recording.peak_rss_bytes, "bytes"),
        Tile("Longest pause", max(each["longest_pause_seconds"] for each in generations), "seconds"),
        Tile("All pauses together", sum(each["pause_seconds"] for each in generations), "seconds"),
        Tile("Objects freed by the collector", process.collected, "objects"),
    ]
    if "waiting_objects" in process.at_end:
        tiles.append(Tile("Objects that waited at the end", process.at_end["waiting_objects"], "objects"))
    return tiles


def _shape(seen: dict[str, Any]) -> dict[str, Any]:
    """A card's shape, with the figures of the run."""
    figures = {"count": round(seen["cycles"]), "bytes": round(seen["bytes"])}
    return {**seen["shape"], **figures, "estimated": seen["objects_low"] != seen["objects_high"]}


def _runtime(process: Process, directory: Path) -> RuntimeSummary:
    header, last = process.header, process.last
    began = datetime.fromtimestamp(header["began_at_unix"], timezone.utc)
    return RuntimeSummary(
        slug=f"cpython-{header['python']}-{header['collector']}",
        label=f"CPython {header['python']}",
        collector=header["collector"],
        runtime={"python": header["python"], "threshold": header["threshold"]},
        environment={"platform": header["platform"]},
        started=began.isoformat(timespec="seconds"),
        repetition={
            "budget": f"{header['budget']:.3g} of the time",
            "collections": last.get("collections", 0),
            "collections_analysed": last.get("analysed", 0),
            "analysis_seconds": last.get("analysis_seconds", 0.0),
        },
        record_file=process.path.name if process.path.parent == directory else "",
    )
