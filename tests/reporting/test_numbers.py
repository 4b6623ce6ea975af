import math

import pytest

from garbology.text.numbers import (
    format_interval,
    format_quantity,
    format_tick,
    format_value,
    quantity,
    title_of,
    unit_of,
)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (61_234_567, "bytes", "61.2 MB"),
        (999_700, "bytes", "1 MB"),
        (999_400, "bytes", "999 kB"),
        (512, "bytes", "512 B"),
        (0, "bytes", "0 B"),
        (-2_048, "bytes", "\N{MINUS SIGN}2.05 kB"),
        (0.0123456, "seconds", "12.3 ms"),
        (0.9999, "seconds", "1 s"),
        (3.4e-7, "seconds", "340 ns"),
        (0, "seconds", "0 s"),
        (4e-12, "seconds", "0.004 ns"),
        (400_002, "", "400,002"),
        (400_002, "objects", "400,002 objects"),
        (1, "objects", "1 object"),
        (1.0, "classes", "1 class"),
        (1, "times as fast", "1 times as fast"),
        (1_000_000_000, "objects", "1 billion objects"),
        (123_456_789, "objects", "123 million objects"),
        (2_500.4, "", "2,500"),
        (2.5, "times", "2.5\N{MULTIPLICATION SIGN}"),
        (0.00001234, "", "1.2e-05"),
        (12.5, "percent", "12.5 %"),
        (True, "", "yes"),
        (None, "bytes", "\N{EN DASH}"),
        (math.nan, "seconds", "\N{EN DASH}"),
        (math.inf, "", "∞"),
        ("weak", "", "weak"),
        ("\x1b[0m", "", "\\x1b[0m"),
    ],
)
def test_a_quantity_reads_in_three_digits_and_a_unit_that_fits(value, unit, shown):
    """A number is shown in the unit in which it has one to three digits before the point."""
    assert format_quantity(value, unit) == shown


def test_a_quantity_splits_into_number_and_unit():
    """A tile sets the number larger than its unit."""
    assert quantity(61_234_567, "bytes") == ("61.2", "MB")


@pytest.mark.parametrize(
    ("low", "high", "unit", "shown"),
    [
        (0.00120, 0.00141, "seconds", "1.2 to 1.41 ms"),
        (0.0009, 0.0011, "seconds", "900 µs to 1.1 ms"),
        (0, 5_000, "bytes", "0 to 5 kB"),
        (7, 7, "", "no spread"),
        (None, 7, "", ""),
    ],
)
def test_an_interval_names_the_unit_once_where_both_ends_share_it(low, high, unit, shown):
    """Two ends in one unit need it once, unlike ends each their own."""
    assert format_interval(low, high, unit) == shown


def test_ticks_are_short():
    """A label of an axis is 1, 10, 100, 1k, 10k..., never 100,000."""
    assert [format_tick(10.0**power) for power in range(7)] == ["1", "10", "100", "1k", "10k", "100k", "1M"]
    assert format_tick(1e-3, "seconds") == "1 ms"
    assert format_tick(0.25) == "0.25"


def test_a_fields_name_says_its_unit_and_its_title():
    """`longest_pause_seconds` is a time, and its title leaves the unit to the labels."""
    assert unit_of("longest_pause_seconds") == "seconds"
    assert unit_of("bytes") == "bytes"
    assert unit_of("objects") == ""
    assert title_of("longest_pause_seconds") == "longest pause"
    assert title_of("seconds") == "time"
    assert format_value(2_000_000, "peak_bytes") == "2 MB"
    assert format_value(None, "outputs") == "\N{EN DASH}"
