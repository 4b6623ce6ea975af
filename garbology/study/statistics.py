"""Medians and their intervals: what a report says instead of a lone figure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST_SAMPLES = 5
_SEED = 20_200_401


def median(values: Iterable[float | None]) -> float | None:
    """The median of the values that are there, None where there is none.

    Whole numbers whose median is whole stay int, so that a count of objects is shown as a count.
    """
    present = _present(values)
    if not present:
        return None
    middle = float(np.median(present))
    return int(middle) if middle.is_integer() and all(isinstance(value, int) for value in present) else middle


def interval(values: Iterable[float | None]) -> tuple[float, float] | None:
    """The 95 % percentile bootstrap interval of the median, None for fewer than five values.

    Fewer have no such interval: the median of a distribution lies between the least and the greatest of n
    samples with a probability of 1 - 2 ** (1 - n), which is 50 % for two, 88 % for four and 94 % for five.
    The resampling is seeded, so that the same samples always give the same interval. With a handful of
    samples it is hardly narrower than their range (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, ch. 13).
    """
    present = _present(values)
    if len(present) < FEWEST_SAMPLES:
        return None
    medians = np.median(np.asarray(present, dtype=np.float64)[_resampled_indices(len(present))], axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return float(low), float(high)


def _present(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


@lru_cache(maxsize=64)
def _resampled_indices(count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, count, size=(RESAMPLES, count))
