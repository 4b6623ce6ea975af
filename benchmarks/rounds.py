"""Takes measurements in turns, an interpreter each: what disturbs the machine disturbs all that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from benchmarks.peers import lacking
from benchmarks.worker import Failed, ask

Say = Callable[[str], None]
INTERRUPTED = "interrupted: what came after was not measured"


@dataclass(frozen=True, eq=False)
class Job:
    """One thing to measure: `call` is a function of the benchmarks, what it returns are figures by their names.

    Jobs of one `part` and `case` stand beside each other, and take turns. What `has_parts` returns a list: the figures
    of several parts and cases, measured one after another.
    """

    part: str
    case: str
    who: str
    call: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    needs: Sequence[str] = ()  # modules that must be installed
    size: int = 0
    rounds: int = 0  # 0: as many as the run has
    has_parts: bool = False
    timeout_seconds: float = 600

    @property
    def name(self) -> str:
        """What `--only` looks into."""
        return f"{self.part} / {self.case} / {self.who}"


@dataclass
class Taken:
    """What came of the jobs: rows of figures, each with the values of all rounds, and what was not measured."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)  # distribution -> the jobs that need it
    problems: list[str] = field(default_factory=list)


def take(jobs: Sequence[Job], rounds: int, say: Say) -> Taken:
    """Measure all of them; Ctrl-C or SIGTERM ends it with what there is, and is said."""
    taken = Taken()
    for (part, case), group in groupby(jobs, key=lambda job: (job.part, job.case)):
        present = list(_present(list(group), taken, say))
        say(f"{part}: {case}" + (f" ({', '.join(job.who for job in present)})" if present else ""))
        found: dict[Job, list[Any]] = {job: [] for job in present}
        try:
            _in_turns(found, rounds, taken, say)
        except KeyboardInterrupt:
            taken.problems.append(INTERRUPTED)
        for job, figures in found.items():
            taken.rows += _rows(job, figures)
        if INTERRUPTED in taken.problems:
            break
    return taken


def _present(jobs: Sequence[Job], taken: Taken, say: Say) -> Iterator[Job]:
    for job in jobs:
        lacked = lacking(job.needs)
        for distribution in lacked:
            if distribution not in taken.missing:
                say(f"{distribution}: not installed, so not measured")
            taken.missing.setdefault(distribution, []).append(job.name)
        if not lacked:
            yield job


def _in_turns(found: dict[Job, list[Any]], rounds: int, taken: Taken, say: Say) -> None:
    """Add the figures of each round to each job's; every other round goes backwards. What fails is asked no more."""
    failed: set[Job] = set()
    for number in range(max((job.rounds or rounds for job in found), default=0)):
        for job in found if number % 2 == 0 else reversed(list(found)):
            if job in failed or number >= (job.rounds or rounds):
                continue
            try:
                found[job].append(ask(job.call, job.arguments, job.timeout_seconds))
            except Failed as error:
                failed.add(job)
                taken.problems.append(f"{job.name}: {error}")
                say(taken.problems[-1])


def _rows(job: Job, rounds: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """A row for each figure."""
    if job.has_parts:
        for parts in zip(*rounds, strict=True):
            place = replace(job, part=parts[0]["part"], case=parts[0]["case"], has_parts=False)
            yield from _rows(place, [each["figures"] for each in parts])
        return
    names = dict.fromkeys(name for figures in rounds for name in figures)
    for name in names:
        values = [figures.get(name) for figures in rounds]
        yield {
            "part": job.part,
            "case": job.case,
            "who": job.who,
            "size": job.size,
            "figure": name,
            "values": values,
        }
