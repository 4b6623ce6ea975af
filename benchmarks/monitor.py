"""What a monitor adds to a program, beside other tools that watch memory as it runs.

    python benchmarks/monitor.py [--requests 4000] [--repeats 7] [--json FILE]
    python benchmarks/monitor.py --table FILE

The program answers requests as in `serving.py`, without a network: JSON is read, a graph of objects becomes cyclic
garbage, JSON is written. Each measurement is a fresh interpreter; the tools take turns, so that what disturbs the
machine disturbs all of them. Measured is the processor time of the work alone, without imports. A tool that is not
installed is named as missing. `memory_profiler` samples the resident memory from another process, or reads it at each
line of one function.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import BODY, Order

Work = Callable[[], None]


def answer_requests(count: int) -> None:
    """The work."""
    for _ in range(count):
        Order(json.loads(BODY)).answer()


@contextmanager
def _nothing() -> Iterator[None]:
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
    import os

    import memory_profiler  # type: ignore[import-untyped, unused-ignore]

    words = f"import memory_profiler; memory_profiler.memory_usage({os.getpid()}, interval=0.1, timeout=3600)"
    sampler = subprocess.Popen([sys.executable, "-c", words])
    assert memory_profiler
    try:
        yield
    finally:
        sampler.kill()
        sampler.wait()


@contextmanager
def _lines() -> Iterator[None]:
    """Each line of `Order.answer`, as with `@profile` above it."""
    import io

    import memory_profiler

    plain = Order.answer
    Order.answer = memory_profiler.profile(plain, stream=io.StringIO())  # type: ignore[method-assign]
    try:
        yield
    finally:
        Order.answer = plain  # type: ignore[method-assign]


#: Name -> what must be installed, the tool, and of how many requests one is made: it is that slow.
TOOLS: dict[str, tuple[str, Callable[[], Any], int]] = {
    "nothing": ("json", _nothing, 1),
    "garbology.monitor(budget=0.01)": ("garbology", lambda: _monitor(0.01), 1),
    "garbology.monitor(budget=0.05)": ("garbology", lambda: _monitor(0.05), 1),
    "garbology.monitor(budget=1)": ("garbology", lambda: _monitor(1), 4),
    "tracemalloc": ("tracemalloc", _tracemalloc, 4),
    "memray": ("memray", _memray, 1),
    "memory_profiler, sampling": ("memory_profiler", _sampled, 1),
    "memory_profiler, lines": ("memory_profiler", _lines, 400),
}


def measure_here(tool: str, requests: int) -> float:
    """Seconds of the processor for a request, in this interpreter."""
    _, watching, slower = TOOLS[tool]
    count = max(5, requests // slower)
    answer_requests(5)
    with watching():
        gc.collect()  # what was imported is old from here on
        begin = time.process_time()
        answer_requests(count)
        return (time.process_time() - begin) / count


def measure(requests: int, repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Every tool in turns: seconds a request, and which tools are missing."""
    missing = [tool for tool, (module, *_) in TOOLS.items() if importlib.util.find_spec(module) is None]
    found: dict[str, list[float]] = {tool: [] for tool in TOOLS if tool not in missing}
    for tool in missing:
        say(f"{tool}: not installed")
    for _ in range(repeats):
        for tool, seconds in found.items():
            words = [sys.executable, __file__, "--here", tool, "--requests", str(requests)]
            seconds.append(
                float(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1])
            )
    return {"python": platform.python_version(), "requests": requests, "seconds": found, "missing": missing}


def table(record: dict[str, Any]) -> list[str]:
    """A record as Markdown: the median, and what it is of that without a tool, from round to round."""
    rows = [
        f"| {record['requests']:,} requests, CPython {record['python']} | us a request | times |",
        "|---|---|---|",
    ]
    plain = record["seconds"]["nothing"]
    for tool, seconds in record["seconds"].items():
        ratios = sorted(each / base for each, base in zip(seconds, plain, strict=True))
        spread = "" if tool == "nothing" else f" ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        name = "without" if tool == "nothing" else f"`{tool}`" if "," not in tool else tool
        rows.append(
            f"| {name} | {1e6 * statistics.median(seconds):,.0f} | {statistics.median(ratios):.2f}{spread} |"
        )
    return rows


def main(words: Sequence[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Measure and print a table, or print that of a record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path, help="of a record, without measuring")
    parser.add_argument("--here", choices=TOOLS, help=argparse.SUPPRESS)
    settings = parser.parse_args(words)
    if settings.here:
        say(str(measure_here(settings.here, settings.requests)))
        return 0
    if settings.table:
        record = json.loads(settings.table.read_text(encoding="utf-8"))
    else:
        record = measure(settings.requests, settings.repeats, say)
    if settings.json:
        settings.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    say("\n".join(table(record)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
