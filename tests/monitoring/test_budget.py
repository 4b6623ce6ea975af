"""How many collections are analysed, and that this takes no more than it may."""

import pytest

from garbology.monitoring.budget import Budget


def run(share, seconds, costs, every=(0.01, 0.1, 1.0), seed=1):
    """A program with collections of three generations at fixed intervals; the budget, and how many were analysed."""
    budget, now, chosen = Budget(share, seed, 0.0), 0.0, [0, 0, 0]
    due = list(every)
    while now < seconds:
        generation = min(range(3), key=due.__getitem__)
        now = due[generation]
        due[generation] += every[generation]
        probability = budget.probability(generation, now)
        assert 0 <= probability <= 1
        if budget.wins(probability):
            chosen[generation] += 1
            budget.spent(generation, costs[generation])
    return budget, chosen


@pytest.mark.slow
@pytest.mark.parametrize(("share", "aim"), [(0.01, 0.001), (0.02, 0.0065), (0.05, 0.05), (0.2, 0.2)])
@pytest.mark.parametrize("costs", [(0.002, 0.004, 0.05), (0.03, 0.06, 0.4), (0.0005, 0.0005, 0.0005)])
def test_the_analyses_take_what_they_may(share, aim, costs):
    """Not more than a twentieth above it in ten minutes, and most of it where there is enough to do.

    Of a small budget it is a part: a 99th percentile shows what happens in a hundredth of the time.
    """
    budget, _ = run(share, 600.0, costs)
    needed = sum(cost / every for cost, every in zip(costs, (0.01, 0.1, 1.0), strict=True))
    assert budget.spent_seconds <= aim * 600 * 1.05 + max(costs)
    assert budget.spent_seconds >= min(aim, needed) * 600 * 0.6


def test_a_short_program_is_looked_at_and_not_held_up():
    """Of one second, where an analysis takes a twentieth: hardly ever none, and more than two are rare."""
    runs = [run(0.05, 1.0, (0.05, 0.05, 0.05), seed=seed)[1] for seed in range(300)]
    counts = [sum(chosen) for chosen in runs]
    assert counts.count(0) <= 9
    assert sum(counts) / len(counts) < 1.8
    assert sum(count > 2 for count in counts) <= 15


def test_each_generation_gets_its_part():
    """What is cheap and rare is analysed each time; what is frequent, as often as can be paid."""
    _, (young, middle, old) = run(0.05, 200.0, (0.002, 0.002, 0.004))
    assert 150 < old <= 200
    assert middle > 1_000
    assert 0 < young < 20_000


def test_with_a_budget_of_one_everything_is_analysed():
    """Nothing is left to chance."""
    _, chosen = run(1, 10.0, (0.5, 0.5, 5.0))
    assert sum(chosen) == pytest.approx(10 / 0.01 + 10 / 0.1 + 10, abs=3)


def test_what_no_budget_pays_for_is_left_alone():
    """A full collection of a heap that takes a minute's budget and more has probability 0, which is said."""
    budget = Budget(0.01, 1, 0.0)
    budget.probability(2, 1.0)
    budget.spent(2, 1e6)
    assert budget.probability(2, 2.0) == 0.0
