"""Speed and memory of the engine, side by side with DeZero's (its `core_simple`, PyPI package `dezero`).

    python benchmarks/engine.py [--operations 20000] [--repeats 15]

A chain of operations on 0-d float64 arrays is built, run backward and dropped, with the collector off. The
engines take turns within each repeat, so that what disturbs one disturbs the other; a ratio is the median of
the repeats' ratios: a processor that changes its speed halfway would spoil a ratio of medians.
Memory is what tracemalloc counts for each operation of a chain ten times as long.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import autograd_core

NANOSECONDS = 1e9
TARGETS = {"forward": 2.5, "backward": 1.3}
TARGET_BYTES = 420
CONSTANTS = "y * 0.5 + 1.0"  # the targets are for chains of Variables, each operation adding one
PARTS = ("forward", "backward", "drop")
OURS = "autograd_core weak"
DEZERO = "DeZero core_simple"


@dataclass(frozen=True)
class Engine:
    """One side of the comparison: its name, its Variable, and how its outputs are referred to."""

    name: str
    variable: Callable[[Any], Any]
    output_references: str = "weak"


@dataclass(frozen=True)
class Timing:
    """Seconds for one whole chain."""

    forward_seconds: float
    backward_seconds: float
    drop_seconds: float


def multiply(x: Any, operations: int) -> Any:
    """Multiply by x again and again; the loop is in here so that a call is not measured with it."""
    y = x
    for _ in range(operations):
        y = y * x
    return y


def add(x: Any, operations: int) -> Any:
    """Add x again and again."""
    y = x
    for _ in range(operations):
        y = y + x
    return y


def scale(x: Any, operations: int) -> Any:
    """Multiply by a number and add a number, in turn: constants are operands too."""
    y = x
    for _ in range(operations // 2):
        y = y * 0.5 + 1.0
    return y


Chain = Callable[[Any, int], Any]
CHAINS: dict[str, Chain] = {"y * x": multiply, "y + x": add, CONSTANTS: scale}


def load_dezero() -> ModuleType | None:
    """DeZero's core_simple, loaded from its file: the package itself wants matplotlib."""
    package = importlib.util.find_spec("dezero")
    if package is None or not package.submodule_search_locations:
        return None
    path = Path(package.submodule_search_locations[0]) / "core_simple.py"
    spec = importlib.util.spec_from_file_location("dezero_core_simple", path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.setup_variable()
    return module


def build_chain(engine: Engine, chain: Chain, operations: int) -> Any:
    """The last variable of a chain."""
    with autograd_core.using_config("output_references", engine.output_references):
        return chain(engine.variable(np.array(1.0)), operations)


def time_chain(engine: Engine, chain: Chain, operations: int) -> Timing:
    """Build a chain, run it backward, drop it; the collector is off."""
    start = time.perf_counter()
    y = build_chain(engine, chain, operations)
    built = time.perf_counter()
    y.backward()
    done = time.perf_counter()
    del y
    dropped = time.perf_counter()
    gc.collect()
    return Timing(built - start, done - built, dropped - done)


def bytes_per_operation(engine: Engine, chain: Chain, operations: int) -> float:
    """What tracemalloc counts of a chain, divided by its length."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    y = build_chain(engine, chain, operations)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del y
    gc.collect()
    return held / operations


def measure(engines: list[Engine], chain: Chain, operations: int, repeats: int) -> dict[str, list[Timing]]:
    """Timings of all engines, taking turns; one round before them is thrown away."""
    timings: dict[str, list[Timing]] = {engine.name: [] for engine in engines}
    for repeat in range(repeats + 1):
        for engine in engines:
            timing = time_chain(engine, chain, operations)
            if repeat:
                timings[engine.name].append(timing)
    return timings


def median_nanoseconds(timings: list[Timing], part: str, operations: int) -> float:
    """The median of one part of the timings, for one operation."""
    seconds = float(statistics.median(getattr(t, f"{part}_seconds") for t in timings))
    return seconds / operations * NANOSECONDS


def report(engines: list[Engine], chain: str, operations: int, repeats: int) -> None:
    """Measure one chain and print its table."""
    timings = measure(engines, CHAINS[chain], operations, repeats)
    print(
        f"\n{chain}: median of {repeats}, ns an operation ({operations:,} of them); "
        f"bytes at {operations * 10:,}"
    )
    print(f"{'':24}{'forward':>10}{'backward':>10}{'drop':>10}{'bytes':>10}")
    bytes_held = {
        engine.name: bytes_per_operation(engine, CHAINS[chain], operations * 10) for engine in engines
    }
    for engine in engines:
        parts = [median_nanoseconds(timings[engine.name], part, operations) for part in PARTS]
        print(f"{engine.name:24}" + "".join(f"{value:10.0f}" for value in [*parts, bytes_held[engine.name]]))
    compare(timings, bytes_held[OURS], has_targets=chain != CONSTANTS)


def compare(timings: dict[str, list[Timing]], bytes_held: float, has_targets: bool) -> None:
    """Print how many times as fast the engine is as DeZero, and whether that is what was aimed at."""
    for part, target in TARGETS.items():
        if DEZERO not in timings:
            print(f"{part}: not compared, DeZero is not installed")
            continue
        pairs = zip(timings[DEZERO], timings[OURS], strict=True)
        ratio = statistics.median(
            getattr(d, f"{part}_seconds") / getattr(o, f"{part}_seconds") for d, o in pairs
        )
        wanted = f", {target} wanted: {verdict(ratio >= target)}" if has_targets else ""
        print(f"{part}: {ratio:.2f} times as fast as DeZero{wanted}")
    wanted = f", at most {TARGET_BYTES} wanted: {verdict(bytes_held <= TARGET_BYTES)}" if has_targets else ""
    print(f"bytes: {bytes_held:.0f}{wanted}")


def verdict(reached: bool) -> str:
    """One word for a target."""
    return "met" if reached else "MISSED"


def main() -> int:
    """Measure and print; say what could not be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--operations", type=int, default=20_000, help="length of the chains (default: 20000)"
    )
    parser.add_argument("--repeats", type=int, default=15, help="rounds, each with all engines (default: 15)")
    options = parser.parse_args()
    if options.operations < 1 or options.repeats < 1:
        parser.error("--operations and --repeats are at least 1")
    engines = [
        Engine(f"autograd_core {mode}", autograd_core.Variable, mode) for mode in ("weak", "none", "strong")
    ]
    dezero = load_dezero()
    if dezero is None:
        print("DeZero was not measured: it is not installed (pip install --no-deps dezero)")
    else:
        engines.append(Engine(DEZERO, dezero.Variable))
    print(f"CPython {sys.version.split()[0]}, NumPy {np.__version__}, collector off")
    gc.disable()
    for chain in CHAINS:
        report(engines, chain, options.operations, options.repeats)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
