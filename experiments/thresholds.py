"""When should the collector run: often, seldom, by hand, or never?

CPython's cyclic collector runs when its first threshold is reached: so many objects more were allocated than freed
since it ran last. gc.set_threshold(10_000) lets more garbage gather before it runs, gc.disable() switches it off,
gc.collect() runs it by hand, and gc.freeze() takes all that is alive now out of its sight.

Each choice trades time for memory, so there is no best setting but a frontier: the settings of which no other is both
faster and leaves less garbage. Any setting off that frontier is a mistake.

We do the same work over a large live heap under each setting: every operation computes a little, and drops a pair of
objects that hold each other. We count the pairs that wait after every operation, and compare the time with that
of the same process with the collector switched off ("every 1k": collected by hand every 1,000 operations).

What to do about it: measure before you turn the collector off: if its share of the time is small, there is nothing to
win. Freeze first (gc.collect(); gc.freeze() when everything is loaded), then raise the threshold, and collect by hand
only over a frozen heap: each gc.collect() looks at everything that is not.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from experiments import _parts
from experiments._clock import seconds_of
from experiments._garbage import BY_SHARE_OF_THE_HEAP, IN_INCREMENTS, live_heap, make_pair
from garbology import collector, record_pauses
from garbology.recorders import Pauses, WaitingGarbage, waiting_garbage
from garbology.study import Run, Study, every, run_study

ROUNDS = 3


class Setting(NamedTuple):
    """How the collector is set: its first threshold (None: as CPython starts), by hand every so many operations."""

    automatic: bool = True
    threshold: int | None = None
    every: int | None = None
    frozen: bool = False


SETTINGS = {
    "default": Setting(),
    "threshold 100": Setting(threshold=100),
    "threshold 10,000": Setting(threshold=10_000),
    "threshold 100,000": Setting(threshold=100_000),
    "default, frozen": Setting(frozen=True),
    "every 1k": Setting(automatic=False, every=1_000),
    "every 10k": Setting(automatic=False, every=10_000),
    "every 1k, frozen": Setting(automatic=False, every=1_000, frozen=True),
    "every 10k, frozen": Setting(automatic=False, every=10_000, frozen=True),
    "disabled": Setting(automatic=False),
}

study = Study(
    title="Thresholds, freezing, collecting by hand: speed against waiting garbage", part=_parts.HOW_LONG,
    parameters={"setting": list(SETTINGS), "live_objects": [200_000], "operations": [100_000]},
    quick={
        "setting": ["default", "threshold 100", "threshold 10,000", "every 1k", "every 1k, frozen", "disabled"],
        "live_objects": [100_000], "operations": [15_000], "repeats": 2,
    },
    full={"live_objects": [1_000_000], "operations": [500_000]},
    most_repeats=12,
    timeout_seconds=180,
)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """What the same work took and left waiting under one setting of the collector."""

    speed_percent: float  # of that with the collector disabled, in the same process
    work_seconds: float
    collector_seconds: float  # the sum of the pauses
    collections: int
    longest_pause_seconds: float
    peak_waiting_pairs: int


@study.measure
def work(setting: str, live_objects: int, operations: int) -> Work:
    """Do so many operations, each of which drops a pair, over a live heap, in turns with the same without a collector.

    Of three rounds the fastest counts, the least disturbed by other programs.
    """
    heap = live_heap(live_objects)
    rounds = [(work_under("disabled", operations), work_under(setting, operations)) for _ in range(ROUNDS)]
    disabled_seconds = min(disabled[0] for disabled, _ in rounds)
    work_seconds, waiting, pauses = min((chosen for _, chosen in rounds), key=itemgetter(0))
    assert len(heap) == live_objects  # it was alive until here
    return Work(
        speed_percent=100 * disabled_seconds / work_seconds,
        work_seconds=work_seconds,
        collector_seconds=pauses.total_seconds,
        collections=len(pauses),
        longest_pause_seconds=pauses.longest_seconds,
        peak_waiting_pairs=waiting.peak_specimens,
    )


def work_under(name: str, operations: int) -> tuple[float, WaitingGarbage, Pauses]:
    """The seconds that the work takes under a setting, what waited and the pauses; what it leaves is collected."""
    setting = SETTINGS[name]
    with set_up(setting), waiting_garbage(objects_each=2) as waiting, record_pauses() as pauses:
        work_seconds = seconds_of(lambda: operate(operations, setting.every or operations + 1, waiting))
    gc.collect()
    return work_seconds, waiting, pauses


@contextmanager
def set_up(setting: Setting) -> Iterator[None]:
    """Set the collector for a block; afterwards it is as it was."""
    with (
        nullcontext() if setting.automatic else collector.paused(),
        collector.threshold(setting.threshold) if setting.threshold else nullcontext(),
        collector.frozen() if setting.frozen else nullcontext(),
    ):
        yield


def operate(operations: int, every: int, waiting: WaitingGarbage) -> None:
    """The work: compute a little, drop a pair, and collect by hand every so many operations."""
    for operation in range(1, operations + 1):
        sum(range(20))
        make_pair(waiting.token)
        waiting.dropped()
        if operation % every == 0:
            gc.collect()


def collected_when_it_was_due(run: Run) -> bool:
    """Whether gc.collect() alone ran, every so many operations, and no more than these waited."""
    every = SETTINGS[run.setting].every or 0
    bound = min(every, run.operations)
    return bool(run.collections == run.operations // every and run.peak_waiting_pairs == bound)


default, disabled, low, high, thawed, frozen = work.each(
    setting=["default", "disabled", "threshold 100", "threshold 10,000", "every 1k", "every 1k, frozen"]
)
by_hand = work.where(setting=[name for name, setting in SETTINGS.items() if setting.every])

disabled_everything_waits = study.claim(
    "With gc.disable() every pair that was ever dropped waits.",
    every(disabled, collections=0),
    every(disabled, lambda run: run.peak_waiting_pairs == run.operations, "some did not wait"),
    evidence="all {disabled.operations} pairs wait",
)
by_hand_the_bound_is_exact = study.claim(
    "With the collector off and gc.collect() every N operations, exactly N pairs wait at most.",
    every(by_hand, collected_when_it_was_due),
    evidence="to the pair in {samples}",
)
the_threshold_sets_how_much_waits = study.claim(
    "With a threshold of 10,000 instead of 100, at least ten times as many pairs wait.",
    high.peak_waiting_pairs >= low.peak_waiting_pairs * 10,
    every(low, lambda run: run.peak_waiting_pairs > 0, "nothing waited"),
)
a_higher_threshold_collects_less_often = study.claim(
    "With a threshold of 10,000 instead of 100, the collector runs at most a tenth as often.",
    high.collections <= low.collections * 0.1,
    every(high, lambda run: run.collections > 0, "the collector never ran"),
)
collecting_by_hand_needs_a_frozen_heap = study.claim(
    "Collecting by hand every 1,000 operations takes less than a third of the time if the live heap is frozen.",
    frozen.collector_seconds < thawed.collector_seconds / 3,
)

the_threshold_sets_how_much_waits.expected_failure(**IN_INCREMENTS)
for _claim in (the_threshold_sets_how_much_waits, a_higher_threshold_collects_less_often):
    _claim.expected_failure(**BY_SHARE_OF_THE_HEAP)

frontier = study.points(
    "Speed against the pairs that wait at most: a setting that has another above it and to its left is a mistake.",
    work, x="peak_waiting_pairs", y="speed_percent", color="setting", log="x", medians=True,
    x_title="pairs that wait at most", y_title="speed, percent of collector disabled")  # fmt: skip
collector_seconds = study.bars(
    "The time in the collector while the same work was done.", work, x="setting", y="collector_seconds"
)

study.tile("Time in the collector, default", default.collector_seconds)
study.tile("Pairs that wait, default", default.peak_waiting_pairs, unit="pairs")
study.tile("Pairs that wait, disabled", disabled.peak_waiting_pairs, unit="pairs")
study.tile("Speed at the default settings", default.speed_percent, unit="percent", atlas=True, better="more")
study.tile("Speed collecting every 1k, frozen", frozen.speed_percent, unit="percent")
study.verdict("""By default {default.peak_waiting_pairs} dropped pairs wait at {default.speed_percent:.0f} % of full
    speed; frozen and collected every 1,000 operations, {frozen.peak_waiting_pairs} at {frozen.speed_percent:.0f} %
    (unfrozen {thawed.speed_percent:.0f} %).""")
study.table("The same work under each setting of the collector.", work, [
    "work_seconds", "speed_percent", "collector_seconds", "collections", "longest_pause_seconds", "peak_waiting_pairs",
])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
