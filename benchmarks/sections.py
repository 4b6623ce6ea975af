"""The sections of a run by their names, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import engine, finder, recorders, studies, weight
from benchmarks.goals import Goal, Shown
from benchmarks.rounds import Job
from benchmarks.settings import Settings


@dataclass(frozen=True)
class Section:
    """What is measured and what is asked for."""

    title: str
    jobs: Callable[[Settings], Iterable[Job]]
    goals: Sequence[Goal]
    shown: Sequence[Shown]
    sizes: Sequence[str] = ()  # the settings that the goals are for


SECTIONS: Mapping[str, Section] = {
    "finder": Section("Finder", finder.jobs, finder.GOALS, finder.SHOWN, finder.SIZES),
    "engine": Section("Engine", engine.jobs, engine.GOALS, engine.SHOWN, engine.SIZES),
    "recorders": Section(
        "Recorders and plugin", recorders.jobs, recorders.GOALS, recorders.SHOWN, recorders.SIZES
    ),
    "weight": Section("Weight and start", weight.jobs, weight.GOALS, weight.SHOWN),
    "studies": Section("Studies", studies.jobs, studies.GOALS, studies.SHOWN),
}
