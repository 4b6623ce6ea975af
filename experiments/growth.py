"""Why does memory grow: what is alive, what waits, what is kept, what is C's?

A program whose memory grows has, most of the time, no garbage at all. There are four reasons. Objects are alive,
because a cache, a registry or a list still holds them. Garbage waits in reference cycles for the cyclic collector.
Memory was freed, and the allocator keeps it: an arena goes back to the system when its last object goes, so one object
in forty keeps all of it. Or it never was Python's: C code called malloc. Each has another remedy, and a difference of
RSS tells none of them from the others.

garbology.diagnose calls a function again and again. It reads from the allocators how many bytes they have handed out,
and counts what is alive, and by what it is held. So we call functions that leave a known number of bytes of each kind,
and of three kinds at once, in a small heap and in a large one, and compare what was told with what was left. We also
ask how many calls it takes until the growth is told, and how long.

What to do about it: of what is alive, take it out of the holder that is named; of what waits, weaken the edge that is
named; of what is kept, nothing, or fewer long-lived objects among short-lived ones; of C's, look there, as with memray.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import garbology
from experiments import _parts
from experiments._clock import seconds_of
from experiments._garbage import live_heap
from garbology.interpreter.allocators import read_allocated
from garbology.study import Run, Study, Unavailable, every, run_study

CALLS = 30
KEPT_CALLS, KEPT_OBJECTS, KEPT_SHARE = 18, 20_000, 40  # of each call, of which one in forty stays
TRIED_CALLS = [2, 3, 5, 10, 20, 40]  # until the growth is told
AROUND_BYTES = 600  # the objects around what is left: some hundred bytes each
ALIVE, WAITING, NATIVE, ALL = "alive", "waits for the collector", "not Python's", "all three"
NAMES = {ALIVE: "alive", WAITING: "waiting", NATIVE: "native"}  # of the figures in a report
HOLDER = f"{__name__}.SESSIONS[int]"

study = Study(
    title="Why memory grows: four kinds told apart", part=_parts.HOW_LONG,
    parameters={
        "kind": [ALIVE, WAITING, NATIVE, ALL], "left_bytes": [2_000, 20_000], "live_objects": [10_000, 100_000],
    },
    quick={"left_bytes": [20_000], "live_objects": [10_000], "repeats": 1},
    full={"left_bytes": [2_000, 20_000, 200_000], "live_objects": [10_000, 300_000, 1_000_000]},
    most_repeats=5,
    timeout_seconds=300,
    opening="We leave a known number of bytes in each call, and ask garbology.diagnose why memory grows.",
    glossary={
        ALIVE: "a dictionary holds what each call leaves",
        WAITING: "each call leaves a reference cycle, and the collector does not run",
        NATIVE: "each call has C code allocate memory that it never frees",
    },
)  # fmt: skip

SESSIONS: dict[int, Any] = {}
numbers = count()


class Session:
    """What a call leaves; with a reference to itself it is a cycle."""

    me: "Session"

    def __init__(self, size: int) -> None:
        self.data = bytes(size)


def keep(size: int) -> None:
    """Alive."""
    SESSIONS[next(numbers)] = Session(size)


def drop_a_cycle(size: int) -> None:
    """Waits for the collector."""
    session = Session(size)
    session.me = session


def allocate_in_c(size: int) -> None:
    """Not Python's."""
    malloc()(size)


@cache
def malloc() -> Any:
    """The C library's; to look it up each time would leave objects of ctypes."""
    import ctypes

    found = ctypes.CDLL(None).malloc
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_void_p
    return found


WORK: dict[str, Callable[[int], None]] = {ALIVE: keep, WAITING: drop_a_cycle, NATIVE: allocate_in_c}


@dataclass(frozen=True)
class Told:
    """What was told of a growth that is known, in bytes a call.

    `told_bytes` is the figure of the kind that grows (of all three their sum), `others_bytes` the largest of the kinds
    that do not. `fewest_calls` is the smallest tried number of calls by which the growth is told to a twentieth.
    """

    grows_bytes: float
    low_bytes: float
    high_bytes: float
    told_bytes: float
    others_bytes: float
    unexplained_bytes: float
    expected_bytes: int
    holder: str
    fewest_calls: int
    diagnose_seconds: float


@study.measure
def diagnose_known_growth(kind: str, left_bytes: int, live_objects: int) -> Told:
    """Call what leaves so many bytes, in a heap with so many objects."""
    _require_readable_allocators()
    heap = live_heap(live_objects)
    kinds = list(WORK) if kind == ALL else [kind]

    def work() -> None:
        for each in kinds:
            WORK[each](left_bytes)

    reports: list[Any] = []
    seconds = seconds_of(lambda: reports.append(garbology.diagnose(work, calls=CALLS)))
    told = reports[0]
    figures = {name: getattr(told, NAMES[name]) for name in NAMES}
    others = [abs(value) for name, value in figures.items() if name not in kinds]
    expected = left_bytes * len(kinds)
    assert len(heap) == live_objects  # it was alive until here
    return Told(
        grows_bytes=told.grows,
        low_bytes=told.low,
        high_bytes=told.high,
        told_bytes=sum(figures[each] for each in kinds),
        others_bytes=max([*others, told.kept, 0.0]),
        unexplained_bytes=told.unexplained,
        expected_bytes=expected,
        holder=", ".join(each.name for each in told.holders),
        fewest_calls=_fewest_calls(work, expected),
        diagnose_seconds=seconds,
    )


def _fewest_calls(work: Callable[[], None], expected: int) -> int:
    for calls in TRIED_CALLS:
        told = garbology.diagnose(work, calls=calls, warmup=2)
        if told.low > 0 and is_near(told.grows, expected):
            return calls
    return TRIED_CALLS[-1] * 2


def is_near(told: float, expected: float) -> bool:
    """Within a twentieth, and what the objects around so many bytes take."""
    return abs(told - expected) <= 0.05 * expected + AROUND_BYTES


def _require_readable_allocators() -> None:
    if read_allocated() is None:
        raise Unavailable("the allocators cannot be read: that needs Linux with glibc 2.33 or newer")


@dataclass(frozen=True)
class Kept:
    """What was told where one object in forty stays: bytes a call, and what the allocators kept in the end."""

    kept_bytes: float
    alive_bytes: float
    grows_bytes: float
    kept_in_all_bytes: int
    diagnose_seconds: float


@study.measure
def diagnose_kept_memory() -> Kept:
    """Make many small objects in each call, of another size each time, and keep one in forty."""
    _require_readable_allocators()
    held: list[list[bytes]] = []

    def work() -> None:
        size = 24 + 16 * (len(held) % 28)
        some = [bytes(size) for _ in range(KEPT_OBJECTS)]
        held.append(some[::KEPT_SHARE])

    reports: list[Any] = []
    gc.collect()
    seconds = seconds_of(lambda: reports.append(garbology.diagnose(work, calls=KEPT_CALLS, warmup=2)))
    told = reports[0]
    return Kept(told.kept, told.alive, told.grows, told.kept_bytes, seconds)


def is_told(run: Run) -> bool:
    """Whether the growth and the kind's own figure are right."""
    return is_near(run.grows_bytes, run.expected_bytes) and is_near(run.told_bytes, run.expected_bytes)


def others_are_nothing(run: Run) -> bool:
    """Whether no other kind is blamed."""
    return bool(run.others_bytes <= 64 + 0.02 * run.expected_bytes)


alive, waiting, native, mixed = diagnose_known_growth.each(kind=[ALIVE, WAITING, NATIVE, ALL])
most_alive, most_mixed = (each.largest("left_bytes").largest("live_objects") for each in (alive, mixed))

each_kind_is_told_to_a_twentieth = study.claim(
    "What grows is told within 5 % and some hundred bytes for the objects around it, as the kind that it is.",
    every(alive | waiting | native, is_told, "the growth or its kind is not what was left"),
)
no_other_kind_is_blamed = study.claim(
    "The kinds that do not grow are told as nothing: less than 64 bytes and 2 % of what grows.",
    every(alive | waiting | native, others_are_nothing, "another kind is blamed"),
)
a_mixture_adds_up = study.claim(
    "Three kinds at once are told apart, and their sum is what grows.",
    every(mixed, lambda run: is_near(run.told_bytes, run.expected_bytes), "the sum is not what was left"),
    every(mixed, lambda run: abs(run.unexplained_bytes) <= 0.05 * run.expected_bytes, "much is unexplained"),
)
the_holder_is_named = study.claim(
    "Of what is alive the holder is named: the module's dictionary and the type of its keys.",
    every(alive | mixed, lambda run: run.holder == HOLDER, f"it is not {HOLDER} alone"),
)
where_nothing_is_alive_no_holder_is_named = study.claim(
    "Where nothing is held, no holder is named.",
    every(waiting | native, holder=""),
)
ten_calls_are_enough = study.claim(
    "Ten calls are enough to tell so much growth.",
    diagnose_known_growth.most("fewest_calls").called("{:.0f} calls") <= 10,
)
kept_memory_is_told = study.claim(
    "Where one object in forty stays, what the allocators keep is told, and is 20 times what is alive.",
    every(
        diagnose_kept_memory,
        lambda run: run.kept_bytes >= 20 * run.alive_bytes > 0,
        "what is kept is not told, or not as so much",
    ),
)

told_bytes = study.bars(
    """Bytes a call of the kind that grows, as told. What is left is the same for each kind, and three times as much
    for all three.""",
    diagnose_known_growth, x="kind", y="told_bytes", color="left_bytes", facet="live_objects",
    x_title="kind of growth", y_title="bytes a call, as told")  # fmt: skip
diagnose_seconds = study.line("Seconds that a diagnosis of 30 calls takes, by the objects that are alive meanwhile.",
    diagnose_known_growth.largest("left_bytes"), x="live_objects", y="diagnose_seconds", color="kind", log="xy",
    y_title="time of the diagnosis",
)  # fmt: skip

study.tile("Alive: told of {most_alive.left_bytes}", most_alive.told_bytes)
study.tile("Kept by the allocators, a call", diagnose_kept_memory.kept_bytes)
study.tile("Calls until it is told", most_mixed.fewest_calls)
study.tile("Diagnosis beside {most_alive.live_objects} objects", most_alive.diagnose_seconds, atlas=True)
study.verdict("""Of {most_mixed.expected_bytes} a call, {most_mixed.told_bytes} are told as alive, waiting and C's,
    after {most_mixed.fewest_calls} calls; {diagnose_kept_memory.kept_bytes} are kept by allocators.""")
study.table("What was told of a growth that is known, in bytes a call.", diagnose_known_growth,
    ["expected_bytes", "grows_bytes", "told_bytes", "others_bytes", "unexplained_bytes", "fewest_calls"])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
