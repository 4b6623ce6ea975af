"""Every Python of this machine, each with an environment of its own: what `matrix` measures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from garbology.measuring.discovery import Candidate
from garbology.measuring.environments import PreparationError, found, place_of, prepare

Say = Callable[[str], None]


def describe(candidates: Sequence[Candidate]) -> list[str]:
    """A line for each Python that was found: its version and path, and why it is left out."""
    width = max((len(candidate.label) for candidate in candidates), default=0)
    return [
        f"{candidate.label or '?':{width}}  {candidate.path}"
        + (f"  (left out: {candidate.left_out})" if candidate.left_out else "")
        for candidate in candidates
    ]


def prepare_all(
    candidates: Sequence[Candidate], directory: Path, say: Say, packages: Sequence[str] = ()
) -> tuple[list[str], int]:
    """The Pythons of the candidates' environments, and how many could not be made: those are named, no more.

    A line says which is made, and another how long it took: the first time it may be a minute each.
    """
    pythons, failures = [], 0
    for candidate in candidates:
        if candidate.left_out:
            continue
        try:
            python = found(candidate, directory, packages) or _make(candidate, directory, say, packages)
            pythons.append(str(python))
        except PreparationError as error:
            say(f"{candidate.label} ({candidate.path}) is left out: no environment could be made: {error}")
            failures += 1
    return pythons, failures


def _make(candidate: Candidate, directory: Path, say: Say, packages: Sequence[str]) -> Path:
    say(f"making an environment for {candidate.label} in {place_of(candidate, directory)}")
    started = time.monotonic()
    python = prepare(candidate, directory, packages)
    say(f"{candidate.label}: done in {time.monotonic() - started:.0f} s")
    return python
