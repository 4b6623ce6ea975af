"""One step of training, and what was seen of it: line by line from inside, over time from outside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import perf_counter as clock
from typing import Any

import numpy as np

from autograd_core import Variable
from garbology.recorders import MemorySamples

MOMENTS = 20  # the curve's points in each half of the step


def one_step(model: Callable[[Variable], Variable], x: Variable, keep: bool) -> tuple[Variable, float]:
    """Forward and backward: each of these lines is measured, and shown as it is here."""
    y = model(x)
    middle = clock()
    y.backward(keep)
    return y, middle


def lines_of(profiler: Any) -> list[dict[str, Any]]:
    """What memory_profiler noted for each line of one_step, in bytes; the first entry is the `def`."""
    source, first = inspect.getsourcelines(one_step)
    [(_, noted)] = profiler.code_map.items()
    held = [(number, int(memory[1] * 2**20)) for number, memory in noted if memory is not None]
    start_bytes = held[0][1]
    return [
        {
            "source": source[number - first].strip(),
            "held_bytes": after - start_bytes,
            "grown_bytes": after - before,
        }
        for (_, before), (number, after) in pairwise(held)
    ]


def curve_of(samples: MemorySamples, moments: Sequence[float]) -> list[dict[str, float]]:
    """The samples at evenly spaced moments of each half: what was seen last by then."""
    seconds, held = np.asarray(samples.seconds), np.asarray(samples.rss_bytes)
    curve = []
    for half, (start, end) in enumerate(pairwise(moments)):
        for step in range(half > 0, MOMENTS + 1):
            seen = np.searchsorted(seconds, start + (end - start) * step / MOMENTS, side="right") - 1
            grown = int(held[max(seen, 0)]) - samples.baseline_bytes
            curve.append({"progress": half + step / MOMENTS, "resident_bytes": grown})
    return curve
