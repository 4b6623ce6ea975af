"""What a recorder or a monitor adds to a program, and what other tools that watch memory as it runs add.

Measured is the processor time of the work alone, without imports. `memory_profiler` samples the resident memory from
another process, or reads it at each line of one function.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.programs import PROGRAMS
from benchmarks.serving import Order
from benchmarks.worker import environment


@contextmanager
def _recorded() -> Iterator[None]:
    import garbology

    with garbology.record_pauses():
        yield


@contextmanager
def _monitor(budget: float) -> Iterator[None]:
    import garbology

    with garbology.monitor(budget=budget):
        yield


@contextmanager
def _tracemalloc() -> Iterator[None]:
    import tracemalloc

    tracemalloc.start()
    yield
    tracemalloc.stop()


@contextmanager
def _memray() -> Iterator[None]:
    import memray

    with tempfile.TemporaryDirectory() as directory, memray.Tracker(Path(directory, "allocations.bin")):
        yield


@contextmanager
def _sampled() -> Iterator[None]:
    words = f"import memory_profiler; memory_profiler.memory_usage({os.getpid()}, interval=0.1, timeout=3600)"
    sampler = subprocess.Popen([sys.executable, "-c", words])
    try:
        yield
    finally:
        sampler.kill()
        sampler.wait()


@contextmanager
def _lines() -> Iterator[None]:
    """Each line of `Order.answer`, as with `@profile` above it."""
    import io

    import memory_profiler  # type: ignore[import-untyped, unused-ignore]

    plain = Order.answer
    Order.answer = memory_profiler.profile(plain, stream=io.StringIO())  # type: ignore[method-assign]
    try:
        yield
    finally:
        Order.answer = plain  # type: ignore[method-assign]


NOTHING = "nothing"
PAUSES, MONITOR_1, MONITOR_5 = "record_pauses", "monitor, budget 0.01", "monitor, budget 0.05"
RUN = "garbology run"
LINES = "memory_profiler, lines"
#: Name -> what must be installed, the tool, and of how many units of work one is done: it is that slow.
TOOLS: dict[str, tuple[str, Callable[[], Any], int]] = {
    NOTHING: ("", nullcontext, 1),
    PAUSES: ("", _recorded, 1),
    MONITOR_1: ("", lambda: _monitor(0.01), 1),
    MONITOR_5: ("", lambda: _monitor(0.05), 1),
    "tracemalloc": ("", _tracemalloc, 4),
    "memray": ("memray", _memray, 1),
    "memory_profiler, sampling": ("memory_profiler", _sampled, 1),
    LINES: ("memory_profiler", _lines, 400),
}
#: What runs a whole program, as words before its script.
RUNNERS: dict[str, tuple[str, tuple[str, ...]]] = {
    NOTHING: ("", ()),
    RUN: ("", ("-m", "garbology", "run")),
    "memray run": ("memray", ("-m", "memray", "run", "-q", "-o", "{scratch}/allocations.bin")),
}


def watched(tool: str, program: str, units: int) -> dict[str, float]:
    """Seconds of the processor for a unit of work, in this interpreter."""
    _, watching, slower = TOOLS[tool]
    work, count = PROGRAMS[program], max(1, units // slower)
    work(1)
    with watching():
        gc.collect()  # what was imported is old from here on
        start = time.process_time()
        work(count)
        return {"unit_seconds": (time.process_time() - start) / count}


def whole_run(runner: str, program: str, units: int) -> dict[str, float]:
    """A program as a process of its own: the seconds of its work, and those of the processor from start to end."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "figures.json")
        script = str(Path(__file__).with_name("programs.py"))
        words = [word.format(scratch=scratch) for word in RUNNERS[runner][1]]
        command = [sys.executable, *words, script, program, str(units), str(file)]
        before = os.times()
        done = subprocess.run(command, env=environment(), cwd=scratch, capture_output=True, text=True)
        after = os.times()
        if done.returncode:
            raise SystemExit(f"{runner} failed: {done.stderr}")
        work = float(json.loads(file.read_text(encoding="utf-8"))["work_seconds"])
    process = after.children_user + after.children_system - before.children_user - before.children_system
    return {"unit_seconds": work / units, "process_seconds": process}
