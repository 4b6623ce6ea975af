"""Growth: the real quick run, and that each claim can fail."""

import pytest

from experiments import growth
from garbology.interpreter import allocators
from garbology.study.runs import Unavailable
from tests.study.claims import doctored

READS_ALLOCATORS = pytest.mark.skipif(allocators.read_allocated() is None, reason="no glibc 2.33 here")


@READS_ALLOCATORS
def test_four_kinds_are_told_apart_on_every_version(quick, page):
    """Each with its tile; nothing is excepted."""
    assert len(page.tiles) == 4
    assert "are told as alive, waiting and C's" in page.verdict
    assert quick.excepted == set()


def of_kind(kind, **values):
    """What is told of a kind of growth, made up."""
    return doctored(growth.diagnose_known_growth, {"kind": kind}, **values)


# What breaks each finding.
DOCTORED = {
    "each_kind_is_told_to_a_twentieth": {
        "too little is told": of_kind(growth.NATIVE, told_bytes=15_000.0),
        "growth of something else": of_kind(growth.ALIVE, grows_bytes=40_000.0),
    },
    "no_other_kind_is_blamed": {
        "what waits is called alive as well": of_kind(growth.WAITING, others_bytes=5_000.0),
    },
    "a_mixture_adds_up": {
        "a kind is missing": of_kind(growth.ALL, told_bytes=40_000.0),
        "much is unexplained": of_kind(growth.ALL, unexplained_bytes=9_000.0),
    },
    "the_holder_is_named": {
        "another holder": of_kind(growth.ALIVE, holder="sys.modules[str]"),
        "none": of_kind(growth.ALL, holder=""),
    },
    "where_nothing_is_alive_no_holder_is_named": {
        "C code as a holder": of_kind(growth.NATIVE, holder="C code"),
    },
    "ten_calls_are_enough": {
        "twenty are needed": of_kind(growth.WAITING, fewest_calls=20),
    },
    "kept_memory_is_told": {
        "nothing is told": doctored(growth.diagnose_kept_memory, kept_bytes=0.0),
        "little beside what is alive": doctored(growth.diagnose_kept_memory, alive_bytes=10_000_000.0),
    },
}


def test_where_allocators_cannot_be_read_the_case_is_unavailable(monkeypatch):
    """On another system the measures say what they need instead of failing."""
    monkeypatch.setattr(growth, "read_allocated", lambda: None)
    for measure in (growth.diagnose_kept_memory, lambda: growth.diagnose_known_growth("alive", 10, 10)):
        with pytest.raises(Unavailable, match="Linux with glibc"):
            measure()
