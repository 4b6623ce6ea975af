"""Medians and their intervals: what a report says instead of a lone figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

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
    """The 95 % percentile bootstrap interval of the median, None for fewer than five values or one not finite.

    Fewer have no such interval: the median of a distribution lies between the least and the greatest of n
    samples with a probability of 1 - 2 ** (1 - n), which is 50 % for two, 88 % for four and 94 % for five.
    The resampling is seeded, so that the same samples always give the same interval. With a handful of
    samples it is hardly narrower than their range (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, ch. 13).
    """
    return combined_interval(lambda medians: medians, values)


def combined_interval(
    combine: Callable[..., Any], *groups: Iterable[float | None]
) -> tuple[float, float] | None:
    """The same interval of what `combine` makes of the medians of several groups, say the ratio of two.

    Each group is resampled on its own, whatever the samples share, and `combine` is called with arrays of the
    resampled medians. None where a group has fewer than five values, or where what is combined is not finite.
    """
    samples = [_present(values) for values in groups]
    if not all(len(present) >= FEWEST_SAMPLES and np.isfinite(present).all() for present in samples):
        return None
    medians = [_resampled_medians(present, place) for place, present in enumerate(samples)]
    with np.errstate(divide="ignore", invalid="ignore"):
        combined = np.asarray(combine(*medians), dtype=np.float64)
    if not np.isfinite(combined).all():
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(combined, [tail, 1 - tail])
    return float(low), float(high)


def _resampled_medians(values: list[float], place: int) -> npt.NDArray[np.float64]:
    resampled = np.asarray(values, dtype=np.float64)[_resampled_indices(len(values), place)]
    return np.asarray(np.median(resampled, axis=1))


def _present(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


@lru_cache(maxsize=64)
def _resampled_indices(count: int, place: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(_SEED + place).integers(0, count, size=(RESAMPLES, count))
