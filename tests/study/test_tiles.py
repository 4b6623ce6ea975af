"""Tiles made of medians."""

from operator import sub, truediv

import pytest

from garbology.study import Run, Runs, combined_tile, median_tile


def only_case(**values):
    """One case with a sample for each of the values of each field."""
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return Runs(Run("measure", {}, row) for row in rows).only_case()


TIMES = {"slow_seconds": [10.0, 11, 12, 13, 14], "fast_seconds": [2.0, 2, 3, 3, 3]}


def test_a_median_is_shown_with_the_interval_of_the_case():
    """A tile of one field says what the case says, and passes the options of a tile on."""
    case = only_case(**TIMES)
    tile = median_tile("Slow", case, "slow_seconds", "seconds", atlas=True, better="more")
    assert (tile.label, tile.value, tile.unit, tile.atlas, tile.better) == (
        "Slow",
        12,
        "seconds",
        True,
        "more",
    )
    assert (tile.low, tile.high) == case.interval("slow_seconds")


def test_a_ratio_of_medians_has_an_interval():
    """It holds the ratio, and what the extremes of the samples allow holds it."""
    case = only_case(**TIMES)
    tile = combined_tile("Slower", truediv, (case, "slow_seconds"), (case, "fast_seconds"), unit="times")
    assert (tile.value, tile.unit) == (4, "times")
    assert 10 / 3 <= tile.low <= 4 <= tile.high <= 14 / 2


def test_a_ratio_of_equal_samples_has_no_spread():
    """Values that never vary give an interval of one number."""
    case = only_case(kept=[6] * 5, dropped=[4] * 5)
    tile = combined_tile("Kept", truediv, (case, "kept"), (case, "dropped"))
    assert (tile.value, tile.low, tile.high) == (1.5, 1.5, 1.5)


@pytest.mark.parametrize("combine", [truediv, sub])
def test_a_few_samples_give_a_value_without_interval(combine):
    """What is combined has an interval only where each of its medians has one."""
    few, many = only_case(took_seconds=[1.0, 2.0]), only_case(took_seconds=[1.0] * 5)
    tile = combined_tile("Ratio", combine, (many, "took_seconds"), (few, "took_seconds"))
    assert tile.value == combine(1.0, 1.5)
    assert tile.low is tile.high is None


def test_what_was_not_measured_makes_no_value():
    """A field that is None in all samples gives a tile without value."""
    case = only_case(took_seconds=[1.0] * 5, held_bytes=[None] * 5)
    tile = combined_tile("Rate", truediv, (case, "held_bytes"), (case, "took_seconds"), unit="bytes")
    assert (tile.value, tile.low, tile.high) == (None, None, None)
