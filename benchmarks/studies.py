"""Studies: how long the README's command takes, at its quick scale and, where asked, at its default one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.goals import Goal, Shown
from benchmarks.rounds import Job
from benchmarks.rows import Rows
from benchmarks.settings import Settings
from benchmarks.worker import environment

CYCLES = "python -m experiments.cycles"
QUICK, DEFAULT = "quick scale", "default scale"


def jobs(settings: Settings) -> Iterator[Job]:
    """Every measurement of this section; the default scale is minutes."""
    yield Job(
        QUICK, CYCLES, "garbology", "studies:run", {"words": ["--quick"]}, rounds=min(3, settings.rounds)
    )
    if settings.default_scale:
        yield Job(DEFAULT, CYCLES, "garbology", "studies:run", {"words": []}, rounds=1, timeout_seconds=1_800)


def run(words: list[str]) -> dict[str, Any]:
    """Seconds from start to end: what someone waits."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "experiments.cycles", *words, "--output", scratch]
        start = time.perf_counter()
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{CYCLES} ended with {done.returncode}: {done.stderr}")
    return {"elapsed_seconds": seconds}


def _elapsed(part: str) -> Any:
    def read(rows: Rows) -> Any:
        return rows.median(part, CYCLES, "garbology", "elapsed_seconds")

    return read


GOALS = (
    Goal("python -m experiments.cycles --quick", 10, _elapsed(QUICK), "seconds"),
    Goal("python -m experiments.cycles, the default scale", 240, _elapsed(DEFAULT), "seconds"),
)

SHOWN = tuple(Shown(part, {"elapsed_seconds": "from start to end"}) for part in (QUICK, DEFAULT))
