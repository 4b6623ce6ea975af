"""`garbology compare`: what changed between two recordings, or two programs, and what is noise."""

import json

import pytest

from garbology.cli.comparison import changes, comparison_lines
from garbology.interpreter import collector
from garbology.monitoring.recordings import Process, Recording
from tests.cli.commands import garbology

pytestmark = pytest.mark.skipif(
    collector.kind() != "generational", reason="shapes are known on this collector alone"
)
CYCLIC = "class Node:\n    def __init__(self):\n        self.me = self\nfor _ in range({}):\n    Node()\n"


def recording(collected, shape=None, pause=0.5):
    generations = [{"pause_seconds": pause, "longest_pause_seconds": pause / 2}]
    last = {"elapsed_seconds": 1.0, "collections": 7, "collected": collected, "generations": generations}
    shapes = [{"share": 1.0, "objects": 5, "shape": {"advice": None, "types": {shape: 1}}}] if shape else []
    process = Process({"began_at_unix": 1.0}, last=last, shapes=shapes)
    return Recording(["a.py"], [process], [{"seconds": 0.0, "rss_bytes": 2_000_000}])


def change(found, name):
    return next(each for each in found if each.measure.name == name)


def test_a_change_that_is_noise_is_called_so():
    """With five runs each there is an interval; where it has 1 in it, that is said."""
    noisy = [recording(1_000, pause=0.1 * n) for n in (1, 2, 3, 4, 5)]
    also = [recording(1_000, pause=0.1 * n) for n in (2, 1, 4, 5, 3)]
    pause = change(changes(noisy, also), "all pauses together")
    assert pause.ratio == 1
    assert not pause.is_significant
    assert not pause.grows_by_more_than(0.0)
    assert any("not significant" in line for line in comparison_lines(noisy, also))


def test_a_change_that_is_none_of_chance_is_told():
    """Twice as many objects in each of five runs."""
    before, after = ([recording(count)] * 5 for count in (1_000, 2_000))
    collected = change(changes(before, after), "objects freed by the collector")
    assert (collected.ratio, collected.is_significant) == (2, True)
    assert collected.grows_by_more_than(0.5)
    assert not collected.grows_by_more_than(1.5)
    assert not change(changes(after, before), "objects freed by the collector").grows_by_more_than(0)


def test_one_run_each_says_what_it_is_worth():
    """Without an interval, and with the remedy; shapes that went and came are named."""
    lines = list(comparison_lines([recording(10, "app.Old")], [recording(0, "app.New")]))
    assert "1 run each: what differs may be noise; `garbology compare -n 5 -- A -- B` tells" in lines
    assert "gone: app.Old" in lines
    assert "new: app.New" in lines
    assert not any("significant" in line for line in lines)


def test_nothing_before_is_an_increase():
    """From none to some, whatever the share."""
    assert change(
        changes([recording(0)], [recording(5)]), "objects freed by the collector"
    ).grows_by_more_than(9)
    assert change(changes([recording(0)], [recording(0)]), "objects freed by the collector").ratio == 1


@pytest.mark.slow
def test_two_recordings_are_compared(tmp_path):
    """And exit with 1 where a figure grows by more than is allowed."""
    for name, count in (("few", 3_000), ("many", 30_000)):
        (tmp_path / f"{name}.py").write_text(CYCLIC.format(count))
        assert garbology("run", "--exact", "-o", tmp_path / name, tmp_path / f"{name}.py").returncode == 0
    found = garbology("compare", tmp_path / "few", tmp_path / "many")
    assert found.returncode == 0, found.stderr
    assert "objects freed by the collector" in found.stdout
    failed = garbology("compare", "--fail-on-increase", "50%", tmp_path / "few", tmp_path / "many")
    assert failed.returncode == 1
    assert "objects freed by the collector grew by more than 50%" in failed.stderr
    assert (
        garbology("compare", "--fail-on-increase", "1000000%", tmp_path / "many", tmp_path / "few").returncode
        == 0
    )


@pytest.mark.slow
def test_two_programs_are_run_in_turns(tmp_path):
    """Their output is dropped; one that fails is skipped, as `git bisect run` understands."""
    (tmp_path / "a.py").write_text("print('noise')\n" + CYCLIC.format(2_000))
    (tmp_path / "b.py").write_text("import sys; sys.exit(3)")
    found = garbology("compare", "-n", "1", "--", "a.py", "--", "a.py", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "noise\n" not in found.stdout
    assert "peak RSS" in found.stdout
    skipped = garbology("compare", "-n", "1", "--", "a.py", "--", "b.py", cwd=tmp_path)
    assert skipped.returncode == 125
    assert "b.py ended with status 3" in skipped.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["one"], "two recordings, or two programs"),
        (["missing", "nowhere"], "there is no recording"),
        (["--fail-on-increase", "much", "a", "b"], "--fail-on-increase much"),
        (["--", "a.py", "--"], "a program is missing"),
    ],
)
def test_what_cannot_be_compared_is_one_line(words, text, tmp_path):
    """Exit status 2."""
    found = garbology("compare", *words, cwd=tmp_path)
    assert found.returncode == 2
    assert text in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_a_recording_without_an_end_is_compared_as_far_as_it_goes():
    """What it has not is left out."""
    empty = Recording(["a.py"], [], [])
    assert changes([empty], [recording(1)]) == []
    assert json.loads(json.dumps([each.ratio for each in changes([recording(1)], [recording(1)])])) == [1] * 6
