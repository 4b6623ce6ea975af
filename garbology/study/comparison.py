"""The figures of a reference set beside those of a run, each over the same cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from garbology.study.evaluation import newness, runs_of, summarise
from garbology.study.page import AtlasRow, Reference, RuntimeSummary, StudyPage, Tile
from garbology.study.parts import Parts
from garbology.study.records import Record
from garbology.study.runs import Run, Runs

if TYPE_CHECKING:
    from garbology.study.declaration import Study

_PREFIX = "reference/"  # of the slug: the reference set may have the run's own runtime


def beside(
    study: Study, page: StudyPage, records: Sequence[Record], reference: Sequence[Record], place: str
) -> StudyPage:
    """`page`, which is of `records`, with the figures of `reference` beside its own.

    A figure is compared where both can be made of the same cases: a quick run has fewer of them, a full one more.
    `place` is the path from the page to that of the reference set.
    """
    led = next((record for record in records if record.slug == page.lead), None)
    if led is None or not reference:
        return page
    own = runs_of(study, led)
    tiles: dict[str, list[Tile]] = {}
    runtimes: list[RuntimeSummary] = []
    for record in sorted(reference, key=newness):
        theirs = runs_of(study, record)
        alike = _tiles(study, _common(theirs, own))
        ours = _tiles(study, _common(own, theirs))
        slug = _PREFIX + record.slug
        tiles[slug] = [tile for tile in alike if _same(tile, ours, page.tiles)]
        runtimes.append(_summary(record, led, slug, place))
    chosen = _nearest(runtimes, led.runtime)
    return replace(
        page,
        reference=Reference(runtimes, place, chosen.slug, {each.label: each for each in tiles[chosen.slug]}),
        atlas=[_with(row, tiles) for row in page.atlas],
    )


def _tiles(study: Study, runs: Runs) -> list[Tile]:
    """The tiles that can be made of some of the samples; what is lacking is lacking in the other record, too."""
    return Parts(study).tiles({"": runs}, "")[""]


def _common(runs: Runs, others: Runs) -> Runs:
    """The runs of the cases that `others` have as well."""
    if not len(runs) or not len(others):
        return Runs([])
    cases = {_key(run) for run in others}
    return Runs(run for run in runs if _key(run) in cases)


def _key(run: Run) -> tuple[Any, ...]:
    return run.measure, tuple(sorted(run.case.items()))


def _same(tile: Tile, ours: Iterable[Tile], shown: Iterable[Tile]) -> bool:
    """Whether the figure that the page shows is one of the cases that both have, and of no others."""
    common = [each for each in ours if each.label == tile.label]
    return bool(common) and common[0] in shown


def _summary(record: Record, led: Record, slug: str, place: str) -> RuntimeSummary:
    """The runtime; what is compared of it are the cases of the run beside it."""
    return replace(
        summarise(record),
        slug=slug,
        scale=led.scale,
        parameters=led.parameters,
        record_file=f"{place}/{record.file_name}",
        reference=True,
    )


def _nearest(runtimes: Sequence[RuntimeSummary], runtime: Mapping[str, Any]) -> RuntimeSummary:
    """The one of the same version and collector as far as there is one, else the newest."""

    def likeness(summary: RuntimeSummary) -> tuple[bool, bool, bool]:
        theirs = summary.runtime
        version, other = str(runtime.get("version", "")), str(theirs.get("version", ""))
        return (
            theirs.get("pointer_bits") == runtime.get("pointer_bits"),
            version.split(".")[:2] == other.split(".")[:2],
            theirs.get("collector") == runtime.get("collector"),
        )

    return max(reversed(runtimes), key=likeness)


def _with(row: AtlasRow, tiles: Mapping[str, Sequence[Tile]]) -> AtlasRow:
    found = {slug: tile for slug, each in tiles.items() for tile in each if tile.label == row.label}
    return replace(row, tiles={**row.tiles, **found})
