import pytest
from hypothesis import given
from hypothesis import strategies as st

from garbology.reporting.axes import category_axis, number_axis

SIZES = st.floats(1e-9, 1e12)
SCALES, UNITS = st.sampled_from(["linear", "log", "symlog"]), st.sampled_from(["", "bytes", "seconds"])


def test_a_logarithmic_axis_is_labelled_by_decades():
    """100 to 100,000 is labelled 100, 1k, 10k, 100k and nothing between."""
    axis = number_axis([100, 1_000, 100_000], "log", "", tight=True)
    assert list(axis.labels) == ["100", "1k", "10k", "100k"]
    assert axis.domain == (100, 100_000)


def test_an_axis_of_one_value_has_one_label():
    """A parameter with a single value stands in the middle and no other value is suggested."""
    axis = number_axis([100, 100], "log", "", tight=True)
    assert list(axis.labels) == ["100"]
    assert axis.domain == (50, 150)


def test_a_symlog_axis_has_zero_and_decades():
    """Zero is a place of its own on a symlog axis."""
    axis = number_axis([0, 0, 200_000], "symlog", "")
    assert axis.labels[0] == "0"
    assert axis.labels[-1] == "1M"


def test_a_symlog_axis_goes_as_far_below_zero_as_the_values_do():
    """One value a little below zero does not mirror the whole axis, and no label touches that of zero."""
    axis = number_axis([-11_000, 43_000_000, 20_000], "symlog", "bytes")
    assert axis.domain == (-100_000, 100_000_000)
    assert list(axis.labels) == ["−100 kB", "0 B", "100 kB", "1 MB", "10 MB", "100 MB"]
    assert number_axis([-50, -3], "symlog", "").domain == (-100, 0)


@pytest.mark.slow
@given(st.lists(st.floats(-1e12, 1e12).filter(lambda x: abs(x) > 1e-6), min_size=1), UNITS)
def test_every_symlog_axis_spans_its_values_on_both_sides(values, unit):
    """Whatever their signs, the values lie in the domain, with few ticks, in order."""
    axis = number_axis(values, "symlog", unit)
    assert axis.domain[0] <= min(values)
    assert max(values) <= axis.domain[1]
    assert 1 <= len(axis.ticks) <= 7
    assert list(axis.ticks) == sorted(set(axis.ticks))


def test_zero_is_not_left_out_of_a_logarithmic_axis():
    """An axis that was asked to be logarithmic becomes symlog where a value is zero."""
    assert number_axis([0, 5, 1_000], "log", "").scale == "symlog"


def test_a_linear_axis_begins_at_zero():
    """A value axis that began elsewhere would make a difference look larger than it is."""
    assert number_axis([97, 99, 103], "linear", "").domain[0] == 0


@given(
    st.lists(SIZES, min_size=1),
    SCALES,
    UNITS,
)
def test_every_axis_spans_its_values_with_few_labels(values, scale, unit):
    """Whatever the values: they lie in the domain, and there are at most eight ticks, each labelled."""
    axis = number_axis(values, scale, unit)
    low, high = axis.domain
    assert low <= min(values) * (1 + 1e-6)
    assert high >= max(values) * (1 - 1e-6)
    assert len(axis.ticks) == len(axis.labels) <= 8
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in axis.ticks)


@pytest.mark.parametrize("limit", [2, 3, 5])
def test_a_thinned_axis_keeps_its_last_tick(limit):
    """Where there is no room for every tick, the outermost one stays."""
    axis = number_axis([0, 1e6], "symlog", "").thinned(limit)
    assert len(axis.ticks) <= limit
    assert axis.labels[-1] == "1M"


def test_categories_keep_their_order_and_are_shortened():
    """Names stand in the order of the study, long ones cut, flags as words."""
    axis = category_axis(["weak", True, None, "x" * 99, 1_000])
    assert list(axis.labels[:2]) == ["weak", "yes"]
    assert max(map(len, axis.labels)) <= 18
    assert axis.labels[-1] == "1k"
    assert axis.position("weak") == "0"


@pytest.mark.parametrize("limit", [2, 3, 4])
def test_a_thinned_linear_axis_still_names_zero(limit):
    """Bars of 72 and 193 bytes stand on an axis from 0 to 200, not on one that is named from 50 on."""
    axis = number_axis([72, 193], "linear", "bytes").thinned(limit)
    assert (axis.labels[0], axis.labels[-1]) == ("0 B", "200 B")
    assert 2 <= len(axis.ticks) <= limit


def test_counts_have_no_halves():
    """An axis of two situations is 0, 1, 2; one of shares of them may have halves."""
    assert number_axis([0, 1, 2], "linear", "").labels == ["0", "1", "2"]
    assert "0.5" in number_axis([0.3, 1.9], "linear", "").labels
    assert "500 ms" in number_axis([1, 2], "linear", "seconds").labels


def test_a_short_logarithmic_axis_names_its_own_values():
    """Between 10 and 40 there is one round number: the two values are named instead."""
    assert number_axis([10, 40], "log", "", tight=True).labels == ["10", "40"]
    assert number_axis([10, 4_000], "log", "", tight=True).labels == ["10", "100", "1k"]
