"""Three programs to be watched: one that makes many objects, one of arrays, one that answers requests.

    python -m benchmarks.programs "requests" 2000 FILE

does so many units of work and writes the processor's seconds that they took to FILE.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.serving import BODY, Order

DEPTH = 5


class Node:
    """Of a tree, with the way back to its parent."""

    def __init__(self, parent: Node | None, depth: int) -> None:
        self.parent = parent
        self.names = {"depth": depth, "text": f"node {depth}"}
        self.children = [Node(self, depth - 1) for _ in range(2)] if depth else []


def allocate(units: int) -> None:
    """Trees that are dropped: each is cyclic garbage."""
    for _ in range(units):
        Node(None, DEPTH)


def compute(units: int) -> None:
    """Arrays of some ten thousand numbers, many small ones between, none of them in a cycle."""
    import numpy as np

    matrix = np.random.default_rng(0).standard_normal((128, 128))
    for _ in range(units):
        product = np.tanh(matrix @ matrix.T / 128)
        rows = [row - row.mean() for row in product]
        matrix = matrix + 0.01 * np.stack(rows)


def answer(units: int) -> None:
    """Requests: JSON is read, a graph of objects becomes cyclic garbage, JSON is written."""
    for _ in range(units):
        Order(json.loads(BODY)).answer()


PROGRAMS: dict[str, Callable[[int], None]] = {"many objects": allocate, "arrays": compute, "requests": answer}


def units_in(program: str, seconds: float) -> int:
    """How many units take about so long here."""
    work, units, taken = PROGRAMS[program], 1, 0.0
    work(1)
    while taken < 0.05:
        units *= 2
        start = time.process_time()
        work(units)
        taken = time.process_time() - start
    return max(1, round(units * seconds / taken))


def main(words: list[str]) -> int:
    """Work, and write how long it took."""
    program, units, file = words
    work = PROGRAMS[program]
    work(1)
    gc.collect()  # what was imported is old from here on
    start = time.process_time()
    work(int(units))
    figures: dict[str, Any] = {"work_seconds": time.process_time() - start}
    Path(file).write_text(json.dumps(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
