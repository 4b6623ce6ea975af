"""Medians and bootstrap intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from garbology.study.statistics import combined_interval, interval, median

numbers = st.lists(st.floats(-1e9, 1e9), min_size=5, max_size=12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3, 1, 2], 2), ([1, 2], 1.5), ([1, None, 3], 2), ([2.0, 2.0], 2.0), ([None], None), ([], None)],
)
def test_the_median_is_of_what_was_measured(values, expected):
    """Missing values are left out, and nothing has no median."""
    assert median(values) == expected


def test_the_median_of_counts_is_a_count():
    """Whole numbers stay int, fractions do not."""
    assert isinstance(median([1, 3, 8]), int)
    assert isinstance(median([1.0, 3.0]), float)


@given(numbers)
def test_the_interval_lies_within_the_samples_and_holds_the_median(values):
    """No resampled median leaves the range of the samples."""
    low, high = interval(values)
    assert min(values) <= low <= high <= max(values)
    assert low <= median(values) <= high


def test_the_interval_is_the_same_every_time():
    """The resampling is seeded: the same samples give the same page."""
    samples = [1.0, 2.0, 5.0, 9.0, 4.0]
    assert interval(samples) == interval(list(samples))


def test_equal_samples_have_no_spread():
    """The interval of equal values is that value."""
    assert interval([7] * 5) == (7.0, 7.0)


def test_a_few_samples_have_no_interval():
    """The range of four holds the median less often than 95 %, so nothing is called by that name."""
    assert interval([1.0]) is None
    assert interval([1.0, 2.0, 3.0, 4.0, None]) is None
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0]) is not None


def test_the_interval_covers_the_true_median_about_as_often_as_it_says():
    """Of 200 samples of 25 from a normal distribution, most intervals hold its median."""
    generator = np.random.default_rng(5)
    pairs = [interval(generator.normal(size=25).tolist()) for _ in range(200)]
    assert sum(low <= 0 <= high for low, high in pairs) >= 175


@pytest.mark.slow
def test_a_combination_s_interval_covers_the_truth_about_as_often_as_it_says():
    """Of 200 pairs of samples of 25, most intervals of the ratio of medians hold the true ratio, 2."""
    generator = np.random.default_rng(7)
    groups = [
        (generator.normal(20, 1, 25).tolist(), generator.normal(10, 1, 25).tolist()) for _ in range(200)
    ]
    intervals = [combined_interval(np.divide, *pair) for pair in groups]
    assert sum(low <= 2 <= high for low, high in intervals) >= 175


def test_a_ratio_to_what_may_be_nothing_has_no_interval():
    """Where a resampled median is 0, the ratio has no bound, and none is claimed."""
    assert combined_interval(np.divide, [1.0] * 5, [0.0, 0.0, 0.0, 1.0, 1.0]) is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_interval(odd, recwarn):
    """Nor does it make a noise about it: a damaged record is drawn as quietly as a good one."""
    assert interval([1.0, 2.0, 3.0, 4.0, odd]) is None
    assert list(recwarn) == []
