"""Kept and dropped gradients: the peaks on small models, and that each claim can fail."""

import re
import sys

import pytest

from experiments import retain_grad
from garbology.study import NotMeasured, Runs
from tests.study.claims import doctored, take

FINDINGS = retain_grad.study.findings


BACKWARD, WATCH = retain_grad.go_backward, retain_grad.watch_a_step
DEEP = {"depth": 80}
FLAT_LINES = [
    {"source": "y = model(x)", "held_bytes": 40_000_000, "grown_bytes": 40_000_000},
    {"source": "y.backward(keep)", "held_bytes": 60_000_000, "grown_bytes": 20_000_000},
]


# What breaks each finding.
DOCTORED = {
    "dropped_is_constant": {
        "a peak that grows by an array": doctored(
            BACKWARD, {"gradients": "dropped", **DEEP}, traced_peak_bytes=2_000_000
        ),
        "a peak of nothing": doctored(BACKWARD, {"gradients": "dropped"}, traced_peak_bytes=10),
    },
    "kept_is_linear": {
        "kept, and yet the same": doctored(
            BACKWARD, {"gradients": "kept", **DEEP}, traced_peak_bytes=8_800_000
        ),
        "kept twice": doctored(BACKWARD, {"gradients": "kept", **DEEP}, traced_peak_bytes=66_000_000),
    },
    "the_process_really_grows": {
        "counted and never resident": doctored(
            BACKWARD, {"gradients": "kept", **DEEP}, resident_peak_bytes=1_000_000
        ),
        "dropped and resident all the same": doctored(
            BACKWARD, {"gradients": "dropped", **DEEP}, resident_peak_bytes=30_000_000
        ),
    },
    "the_result_is_the_same": {
        "another gradient": doctored(BACKWARD, {"gradients": "kept", **DEEP}, leaf_gradient=0.5),
    },
    "kept_gradients_die_with_the_graph": {
        "gradients that outlive the graph": doctored(
            BACKWARD, {"gradients": "kept"}, traced_after_drop_bytes=8_000_000
        ),
        "nothing kept in the first place": doctored(
            BACKWARD, {"gradients": "kept"}, traced_after_bytes=400_000
        ),
    },
    "the_line_that_makes_the_peak": {
        "half a peak": doctored(WATCH, {"gradients": "kept"}, lines=FLAT_LINES),
        "a backward that grows although dropped": doctored(WATCH, {"gradients": "dropped"}, lines=FLAT_LINES),
        "lines that were not seen": doctored(WATCH, lines=[]),
    },
}


@pytest.mark.parametrize("name", ["dropped_is_constant", "kept_is_linear"])
def test_one_depth_shows_no_growth(samples, name):
    """Growth is not claimed of a run that was cut short."""
    with pytest.raises(NotMeasured, match=r"one depth|depth 80 alone"):
        FINDINGS[name](Runs(run for run in samples if run.case.get("depth") != 20))


def test_unlike_models_are_not_compared(samples):
    """Equal gradients are not claimed where no model was measured both ways."""
    unlike = [run for run in samples if run.case.get("depth") == {"dropped": 20, "kept": 80}[run.gradients]]
    with pytest.raises(NotMeasured, match="alone: there is nothing to compare"):
        retain_grad.the_result_is_the_same(Runs(unlike))


def test_peaks_are_whole_arrays():
    """Dropped, a few arrays; kept, one for each layer and at most two more."""
    dropped, kept = (take(BACKWARD, gradients=kind, depth=12, width=10_000) for kind in retain_grad.KINDS)
    assert 1 <= dropped.traced_peak_bytes / dropped.array_bytes < 4
    assert 13 <= kept.traced_peak_bytes / kept.array_bytes < 16


def test_the_step_is_watched_line_by_line_and_over_time(samples):
    """Each line of the step once, in order, and the curve from the beginning to the end."""
    for run in Runs(samples).of(WATCH):
        assert [row["source"] for row in run.lines] == [
            "y = model(x)",
            "middle = clock()",
            "y.backward(keep)",
            "return y, middle",
        ]
        progress = [row["progress"] for row in run.curve]
        assert progress == sorted(set(progress))
        assert (progress[0], progress[-1]) == (0, 2)
        assert run.samples > 10


def test_the_curve_rises_backward_only_if_gradients_are_kept(samples):
    """Sampled from outside: kept, backward adds as much as forward; dropped, it stays level."""
    for run in Runs(samples).of(WATCH):
        held = {row["progress"]: row["resident_bytes"] for row in run.curve}
        assert (held[2] > 1.5 * held[1]) is (run.gradients == "kept"), held


def test_without_memory_profiler_the_case_is_unavailable(monkeypatch):
    """A missing tool is said to be missing, and how to get it."""
    monkeypatch.setitem(sys.modules, "memory_profiler", None)
    with pytest.raises(retain_grad.Unavailable, match="pip install memory_profiler"):
        retain_grad.watch_a_step("kept")


def test_the_page_tells_the_numbers_of_the_deepest_model(page):
    """The verdict counts arrays kept and dropped; the tiles are bytes, and how much slower it is."""
    assert re.search(r"80 layers of 400 kB peaks at 8[23] arrays .*; [23] if dropped", page.verdict)
    assert [tile.unit for tile in page.tiles] == ["bytes", "bytes", "times", "bytes", "bytes"]
    assert len(page.table.rows) == 4
