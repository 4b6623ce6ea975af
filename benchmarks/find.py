"""Speed and memory of finding garbage, beside the `gc.collect()` that frees it, in the same process.

    python benchmarks/find.py [--objects 2000000] [--repeats 3] [--heap NAME ...] [--json FILE]

Each measurement is a fresh interpreter: a heap is built inside `garbology.watch()` with the collector paused,
the end of the block is timed by phases, and then `gc.collect()` is timed. What is older than the window is frozen
first, so that the collection's time is that of the window alone. A ratio is within one process; printed is the
process with the median ratio. Times are those of the processor, which other work beside it changes little.

Memory is measured in processes of its own: how far VmHWM, reset through /proc/self/clear_refs, rises above the
resident memory at the end of the block. The bytes of what dies with the garbage (`holdings`) are a part of every
finding; what the rest costs without them is measured with that phase left out.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import garbology
from benchmarks.heaps import HEAPS, KEPT
from garbology.find import explain
from garbology.recorders.memory import peak_memory
from garbology.sizes.retained import RetainedSizes

FEWEST_JUDGED = 1_000_000
TARGET_RATIO = 4.0
TARGET_WHOLE_RATIO = 8.0
TARGET_BYTES = 100.0
SMALL_OBJECTS = 2_000
TARGET_SMALL_SECONDS = 0.020
PHASES = {
    "snapshot": (explain.snapshots, "take"),
    "garbage": (explain, "unreachable"),
    "leaks": (explain, "find_leaks"),
    "components": (explain.cycles, "cyclic_components"),
    "bytes": (explain, "holdings"),
    "shapes": (explain, "_shapes"),
}


@dataclass
class Timing:
    """One process: what was found, and the seconds that it took."""

    garbage: int
    collected: int
    shapes: int
    phases: dict[str, float]
    whole_seconds: float
    collect_seconds: float

    @property
    def ratio(self) -> float:
        """Garbage, components and shapes, in collections: all but the bytes."""
        return (self.whole_seconds - self.phases.get("bytes", 0.0)) / self.collect_seconds

    @property
    def whole_ratio(self) -> float:
        """The whole finding, in collections."""
        return self.whole_seconds / self.collect_seconds


@contextmanager
def timed_phases() -> Iterator[dict[str, float]]:
    """Time the phases of an explanation as they are called."""
    seconds = dict.fromkeys(PHASES, 0.0)
    originals = {name: getattr(*place) for name, place in PHASES.items()}

    def timed(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return originals[name](*args, **kwargs)
            finally:
                seconds[name] += time.process_time() - start

        return call

    for name, place in PHASES.items():
        setattr(*place, timed(name))
    try:
        yield seconds
    finally:
        for name, place in PHASES.items():
            setattr(*place, originals[name])


def units_of(heap: Callable[[int], None], objects: int) -> int:
    """How many units of a heap make about so many tracked objects (an instance's dict counts up to 3.10)."""
    before = gc.get_count()[0]
    heap(100)
    made = gc.get_count()[0] - before
    KEPT.clear()
    return max(1, round(objects * 100 / made))


def prepared(name: str, objects: int) -> tuple[Callable[[int], None], int]:
    """The heap and its units, with the collector off and all that was there before frozen."""
    gc.disable()
    gc.collect()
    heap = HEAPS[name]
    units = units_of(heap, objects)
    gc.collect()
    gc.freeze()
    return heap, units


def time_once(name: str, objects: int) -> Timing:
    """Find the garbage of one heap, then collect it."""
    heap, units = prepared(name, objects)
    with timed_phases() as phases:
        with garbology.watch() as found:
            heap(units)
            phases.update(
                dict.fromkeys(phases, 0.0)
            )  # what was read while the work went on is no part of the end
            start = time.process_time()
        whole_seconds = time.process_time() - start
    start = time.process_time()
    collected = gc.collect()
    collect_seconds = time.process_time() - start
    return Timing(found.garbage, collected, len(found.shapes), phases, whole_seconds, collect_seconds)


def peak_once(name: str, objects: int, *, weigh: bool) -> dict[str, Any]:
    """Extra bytes for each object of the window (garbage and live) at the peak of finding, with or without bytes."""
    heap, units = prepared(name, objects)
    if not weigh:
        explain.holdings = lambda _, __, components, *___: RetainedSizes(
            0, components.sizes, components.sizes, 0
        )
    with peak_memory():
        pass  # what it imports is no part of the window
    gc.collect()
    recorder = peak_memory()
    with garbology.watch():
        heap(units)
        made = gc.get_count()[0]
        peak = recorder.__enter__()
    recorder.__exit__(None, None, None)
    return {"bytes_per_object": peak.above_baseline_bytes / made, "method": peak.method}


def time_small() -> dict[str, Any]:
    """The median seconds of nine findings of 2,000 objects each."""
    heap, units = prepared("instance_pairs", SMALL_OBJECTS)
    seconds = []
    for _ in range(9):
        with garbology.watch():
            heap(units)
            start = time.process_time()
        seconds.append(time.process_time() - start)
        gc.collect()
    return {"seconds": statistics.median(seconds)}


def time_refcycle(objects: int) -> dict[str, Any]:
    """What refcycle does of it: garbage (it collects to find out) and components; no shapes, no bytes."""
    import refcycle  # type: ignore[import-not-found]

    heap, units = prepared("instance_pairs", objects)
    heap(units)
    start = time.process_time()
    cycles = refcycle.garbage().strongly_connected_components()
    return {"seconds": time.process_time() - start, "components": len(cycles), "objects": objects}


def time_objgraph(objects: int) -> dict[str, Any]:
    """What objgraph does of it: how many objects of each type; it tells neither garbage nor cycles."""
    import objgraph

    heap, units = prepared("instance_pairs", objects)
    heap(units)
    start = time.process_time()
    counts = objgraph.typestats(gc.get_objects(generation=0))
    return {"seconds": time.process_time() - start, "types": len(counts), "objects": objects}


def measured(*words: str | int) -> dict[str, Any]:
    """Run this file in a fresh interpreter and read what it measures."""
    command = [sys.executable, __file__, "--worker", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"measuring {' '.join(map(str, words))} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def worker(what: str, *words: str) -> int:
    """Measure one thing in this process and print it as JSON."""
    kinds: dict[str, Callable[[], Any]] = {
        "time": lambda: asdict(time_once(words[0], int(words[1]))),
        "peak": lambda: peak_once(words[0], int(words[1]), weigh=True),
        "peak-without-bytes": lambda: peak_once(words[0], int(words[1]), weigh=False),
        "small": time_small,
        "refcycle": lambda: time_refcycle(int(words[0])),
        "objgraph": lambda: time_objgraph(int(words[0])),
    }
    print(json.dumps(kinds[what]()))
    return 0


def measure_heap(name: str, objects: int, repeats: int) -> dict[str, Any]:
    """All of one heap: the process with the median ratio, and the peaks."""
    timings = [Timing(**measured("time", name, objects)) for _ in range(repeats)]
    timing = sorted(timings, key=lambda timing: timing.ratio)[len(timings) // 2]
    lean, whole = (measured(kind, name, objects) for kind in ("peak-without-bytes", "peak"))
    return {
        "heap": name,
        **asdict(timing),
        "ratio": timing.ratio,
        "whole_ratio": timing.whole_ratio,
        "bytes_per_object": lean["bytes_per_object"],
        "whole_bytes_per_object": whole["bytes_per_object"],
        "memory_method": whole["method"],
    }


def print_heading() -> None:
    """Say what the columns are."""
    phases = "".join(f"{name:>11}" for name in PHASES)
    print(
        f"{'seconds':16}{'garbage':>11}{phases}{'collect':>9}{'ratio':>7}{'whole':>7}{'B/obj':>7}{'whole':>7}"
    )


def print_row(row: dict[str, Any]) -> None:
    """One heap; a finding that differs from what the collector freed is marked."""
    phases = "".join(f"{seconds:11.3f}" for seconds in row["phases"].values())
    differs = "" if row["garbage"] == row["collected"] else f"  (collector: {row['collected']:,})"
    print(
        f"{row['heap']:16}{row['garbage']:>11,}{phases}{row['collect_seconds']:9.3f}{row['ratio']:7.2f}"
        f"{row['whole_ratio']:7.2f}{row['bytes_per_object']:7.0f}{row['whole_bytes_per_object']:7.0f}{differs}"
    )


def print_verdicts(rows: list[dict[str, Any]], small_seconds: float) -> None:
    """The worst heap against each target."""
    targets = {
        "ratio": ("garbage + components + shapes, in collections", TARGET_RATIO),
        "whole_ratio": ("the same with bytes, in collections", TARGET_WHOLE_RATIO),
        "bytes_per_object": ("extra bytes an object, without weighing", TARGET_BYTES),
    }
    for key, (meaning, target) in targets.items():
        worst = max(rows, key=lambda row: float(row[key]))
        verdict = "met" if worst[key] <= target else "MISSED"
        print(f"{meaning}: at worst {worst[key]:.2f} ({worst['heap']}), at most {target:g} wanted: {verdict}")
    if max(row["garbage"] for row in rows) < FEWEST_JUDGED:
        print(f"(of fewer than {FEWEST_JUDGED:,} objects what an analysis costs at least is the larger part)")
    verdict = "met" if small_seconds <= TARGET_SMALL_SECONDS else "MISSED"
    print(f"{SMALL_OBJECTS:,} objects: {small_seconds * 1e3:.1f} ms, at most 20 wanted: {verdict}")


def print_peers(objects: int) -> dict[str, Any]:
    """Side by side with other tools on instance pairs, each with what it can do of the task."""
    does = {"refcycle": "garbage, components; collects to find out", "objgraph": "objects by type only"}
    peers: dict[str, Any] = {}
    for name, part in does.items():
        try:
            __import__(name)
        except ImportError:
            print(f"{name}: not measured, it is not installed")
            continue
        peers[name] = measured(name, objects)
        print(f"{name} ({part}): {peers[name]['seconds']:.2f} s for {objects:,} objects")
    return peers


def main() -> int:
    """Measure and print; with --json, write the figures too."""
    if sys.argv[1:2] == ["--worker"]:
        return worker(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=int, default=2_000_000, help="tracked objects (default: 2000000)")
    parser.add_argument("--repeats", type=int, default=3, help="processes for each time (default: 3)")
    parser.add_argument("--heap", choices=HEAPS, nargs="+", default=list(HEAPS), help="default: all")
    parser.add_argument("--peers", type=int, metavar="N", help="also measure other tools, with N objects")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()
    if min(options.objects, options.repeats) < 1:
        parser.error("--objects and --repeats are at least 1")
    print(f"CPython {sys.version.split()[0]}, about {options.objects:,} objects, median of {options.repeats}")
    print_heading()
    rows = []
    for name in options.heap:
        rows.append(measure_heap(name, options.objects, options.repeats))
        print_row(rows[-1])
    small = measured("small")
    print_verdicts(rows, small["seconds"])
    peers = print_peers(options.peers) if options.peers else {}
    if options.json:
        figures = {"python": sys.version.split()[0], "heaps": rows, "small": small, "peers": peers}
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
