"""Every Python of this machine, each with an environment of its own: what `matrix` measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from garbology.study.discovery import Candidate
from garbology.study.environments import PreparationError, prepare

Say = Callable[[str], None]


def describe(candidates: Sequence[Candidate]) -> list[str]:
    """A line for each Python that was found: its version and path, and why it is left out."""
    width = max((len(candidate.label) for candidate in candidates), default=0)
    return [
        f"{candidate.label or '?':{width}}  {candidate.path}"
        + (f"  (left out: {candidate.left_out})" if candidate.left_out else "")
        for candidate in candidates
    ]


def prepare_all(candidates: Sequence[Candidate], directory: Path, say: Say) -> tuple[list[str], int]:
    """The Pythons of the candidates' environments, and how many could not be made: those are named, no more."""
    pythons, failures = [], 0
    for candidate in candidates:
        if candidate.left_out:
            continue
        try:
            pythons.append(str(prepare(candidate, directory)))
        except PreparationError as error:
            say(f"{candidate.label} ({candidate.path}) is left out: no environment could be made: {error}")
            failures += 1
    return pythons, failures
