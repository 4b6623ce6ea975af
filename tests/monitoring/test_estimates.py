"""Estimates from a random sample, and how sure they are."""

import random

import pytest

from garbology.monitoring.estimates import Estimate


def sampled(values, probability, seed):
    """An estimate of the sum of values, each of which is seen with a probability; and what was not seen."""
    dice, estimate, unseen = random.Random(seed), Estimate(), 0
    for value in values:
        if dice.random() < probability:
            estimate.add(value, probability)
        else:
            unseen += value
    return estimate, unseen


def like(kind, count, seed):
    """Values as programs leave them: equal, of all sizes, or now and then."""
    dice = random.Random(seed)
    return {
        "equal": lambda: [800] * count,
        "of all sizes": lambda: [int(dice.expovariate(1 / 100)) for _ in range(count)],
        "now and then": lambda: [100 * (dice.random() < 0.3) for _ in range(count)],
        "in two phases": lambda: [800] * (count // 2) + [50] * (count // 2),
    }[kind]()


@pytest.mark.parametrize("kind", ["equal", "of all sizes", "now and then", "in two phases"])
@pytest.mark.parametrize(("count", "probability"), [(200, 0.05), (100, 0.2), (1_000, 0.05)])
def test_the_interval_holds_the_truth(kind, count, probability):
    """In at least 93 of 100 seeded samples in which anything was seen."""
    held = tried = 0
    for seed in range(300):
        values = like(kind, count, seed)
        estimate, unseen = sampled(values, probability, seed + 1_000)
        if estimate.value:
            low, high = estimate.interval(estimate.seen + unseen)
            tried += 1
            held += low <= sum(values) <= high
    assert tried > 250
    assert held >= 0.93 * tried


def test_the_estimate_is_unbiased():
    """Its mean over many samples is the truth."""
    values = like("of all sizes", 200, 0)
    estimates = [sampled(values, 0.1, seed)[0].value for seed in range(2_000)]
    assert sum(estimates) / len(estimates) == pytest.approx(sum(values), rel=0.03)


def test_what_was_seen_whole_is_exact():
    """With probability 1 there is no interval."""
    estimate, _ = sampled([5, 7, 0], 1.0, 0)
    assert (estimate.value, estimate.interval()) == (12, (12, 12))
    assert Estimate().interval() == (0, 0)


def test_the_interval_is_bounded_by_what_is_known():
    """It begins at what was seen, ends at what there can be, and reaches to what is unaccounted for."""
    estimate, _ = sampled([10] * 100, 0.1, 3)
    low, high = estimate.interval(most=estimate.seen + 1)
    assert estimate.seen <= low <= high == estimate.seen + 1
    assert estimate.interval(short=5_000.0)[1] == estimate.value + 5_000


def test_estimates_add_up():
    """One that takes another has all values."""
    one, other, both = Estimate(), Estimate(), Estimate()
    for number, probability in enumerate((0.5, 0.25, 0.1), 1):
        (one if number % 2 else other).add(number, probability)
        both.add(number, probability)
    one.take(other)
    assert one.interval() == pytest.approx(both.interval())
