"""Records of several machines: in one report, side by side, and what is pooled of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from garbology.cli.gathering import gather
from garbology.cli.program import group
from garbology.reporting.runtimes import runtime_names
from garbology.study.evaluation import evaluate
from garbology.study.hardware import hardware_key, with_hardware
from garbology.study.loading import load_study
from garbology.study.program import run_study
from garbology.study.records import Record, Sample, load_records, write_record

SMALL = {"cpu_model": "Abacus 9", "cpu_count": 2, "total_memory_bytes": 8 * 2**30, "kernel": "Linux 6.1"}
LARGE = {**SMALL, "cpu_model": "Abacus 10", "cpu_count": 64}
OLD = {"version": "3.13.0", "implementation": "cpython", "build": "plain", "platform": "linux"}
NEW = {**OLD, "version": "3.14.0"}
STUDY = '''
"""A study of counts and times."""
from dataclasses import dataclass
from garbology.study import Study, table

@dataclass(frozen=True)
class Count:
    objects: int

@dataclass(frozen=True)
class Time:
    objects: int
    pause_seconds: float

study = Study("Small", {"n": [1]}, repeats=1, most_repeats=1)

@study.measure
def count(n: int) -> Count:
    """Count."""
    return Count(n)

@study.measure
def pause(n: int) -> Time:
    """Wait."""
    return Time(n, 1.0)

@study.finding
def counted(runs):
    """How many there are, and of how many samples that is said."""
    return f"{len(runs.of(count))} counts, {len(runs.of(pause))} times"
'''


def made(
    place, *, environment=SMALL, runtime=OLD, objects=1, pause=1.0, started="2026-01-01", slug="cpython-3"
):
    """A record in the output directory of a machine."""
    directory = Path(place, "small")
    directory.mkdir(parents=True, exist_ok=True)
    samples = []
    for repeat in range(5):
        noise = 1 + repeat / 1000
        samples.append(Sample("count", {"n": 1}, repeat, seconds=0.1, values={"objects": objects}))
        times = {"objects": objects, "pause_seconds": pause * noise}
        samples.append(Sample("pause", {"n": 1}, repeat, seconds=0.1, values=times))
    record = Record(
        "small",
        slug,
        complete=True,
        started=started,
        runtime=runtime,
        environment=environment,
        samples=samples,
    )
    write_record(record, directory)
    return record


def compared(before, after, *options):
    done = CliRunner().invoke(group, ["compare", *options, str(before), str(after)], standalone_mode=False)
    return done.output, done.return_value


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(STUDY.lstrip())
    return load_study(str(path))


def test_counts_of_unlike_hardware_are_pooled_and_times_are_not(study, tmp_path):
    """A measure that has no times has the samples of both machines, one that has times those of its own alone."""
    made(tmp_path, slug=with_hardware("cpython-3", SMALL))
    made(tmp_path, slug=with_hardware("cpython-3", LARGE), environment=LARGE, pause=9.0)
    records, _ = load_records(tmp_path / "small", "small")
    page = evaluate(study, records)
    assert [finding.evidence for finding in page.findings] == ["10 counts, 5 times"] * 2
    labels = sorted(name.label for name in runtime_names(page.runtimes).values())
    assert labels == ["CPython 3.13.0, Abacus 10 / 64 processors", "CPython 3.13.0, Abacus 9 / 2 processors"]


@pytest.mark.parametrize(
    "change",
    [
        {"runtime": NEW},
        {"environment": {**LARGE, "packages": {"numpy": "1"}}},
        {"environment": SMALL},
        {"environment": {"cpu_count": 64}},
    ],
)
def test_nothing_else_is_pooled(study, tmp_path, change):
    """Another runtime, other packages, the same hardware twice, hardware that is not known: each is for itself."""
    made(tmp_path)
    made(tmp_path, slug="cpython-other", **{"environment": LARGE, **change})
    page = evaluate(study, load_records(tmp_path / "small", "small")[0])
    assert [finding.evidence for finding in page.findings] == ["5 counts, 5 times"] * 2


def test_a_report_takes_the_records_of_several_machines(tmp_path):
    """Those of one runtime do not take each other's place; of two on like hardware the later one stands."""
    made(tmp_path / "one")
    made(tmp_path / "two", environment=LARGE)
    made(tmp_path / "three", started="2026-01-02", objects=7)
    said = gather([tmp_path / name for name in ("one", "two", "three")], "small", tmp_path / "all")
    found = {record.slug: record for record in load_records(tmp_path / "all" / "small", "small")[0]}
    assert set(found) == {f"cpython-3-on-{hardware_key(each)}" for each in (SMALL, LARGE)}
    assert found[with_hardware("cpython-3", SMALL)].samples[0].values == {"objects": 7}
    assert len(said) == 1
    assert "is left out: another record of the same runtime on like hardware is later" in said[0]
    again = gather([tmp_path / "one"], "small", tmp_path / "all")
    assert "is kept" in again[0]
    assert gather([tmp_path / "all"], "small", tmp_path / "all") == []


def test_times_of_like_hardware_are_compared(tmp_path):
    """With the interval of their ratio; what did not change is counted alone."""
    made(tmp_path / "before")
    made(tmp_path / "after", pause=2.0)
    output, status = compared(tmp_path / "before", tmp_path / "after")
    assert "small 3.13.0: pause(n=1) pause_seconds" in output
    assert "x 2 (" in output
    assert "3 figures compared, 1 changed" in output
    assert status == 0
    output, status = compared(tmp_path / "before", tmp_path / "after", "--fail-on-increase", "10%")
    assert status == 1
    assert "grew by more than 10%" in output


def test_times_of_unlike_hardware_are_left_out_and_counts_are_not(tmp_path):
    """One sentence says so, with both kinds of hardware."""
    made(tmp_path / "before")
    made(tmp_path / "after", environment=LARGE, pause=2.0, objects=3)
    output, _ = compared(tmp_path / "before", tmp_path / "after")
    assert "pause_seconds" not in output
    assert "small 3.13.0: count(n=1) objects" in output
    assert "2 figures compared, 2 changed" in output
    assert "times are not compared, they are not of like hardware: Abacus 9, 2 processors" in output


def test_of_several_machines_each_is_compared_with_its_like(tmp_path):
    """Times by hardware, counts of all together."""
    for name, pause in (("before", 1.0), ("after", 3.0)):
        made(tmp_path / name, slug="a", pause=pause)
        made(tmp_path / name, slug="b", environment=LARGE, pause=pause * pause)
    output, _ = compared(tmp_path / "before", tmp_path / "after")
    assert "small 3.13.0 on Abacus 9, 2 processors, 8 GiB, Linux 6.1: pause(n=1) pause_seconds" in output
    assert "small 3.13.0 on Abacus 10, 64 processors, 8 GiB, Linux 6.1: pause(n=1) pause_seconds" in output
    assert "4 figures compared, 2 changed" in output


def test_two_runtimes_are_compared_where_each_side_has_one(tmp_path):
    """A new collector beside the old one; a study that is on one side alone is named."""
    made(tmp_path / "before")
    made(tmp_path / "after", runtime=NEW, objects=2)
    other = made(tmp_path / "other")
    other.study, other.slug = "another", "x"
    write_record(other, tmp_path / "after" / "small")
    output, _ = compared(tmp_path / "before", tmp_path / "after")
    assert "small 3.13.0 -> 3.14.0: count(n=1) objects" in output
    assert f"another is in {tmp_path / 'after'} alone" in output


@pytest.mark.slow
def test_a_run_here_says_what_it_was_measured_on(study, tmp_path, capsys):
    """So that it can be put beside others' later; the report of a package takes --records."""
    assert run_study(study, ["-o", str(tmp_path / "out"), "--seed", "1"]) == 0
    (path,) = (tmp_path / "out" / "small").glob("cpython-*.json")
    environment = json.loads(path.read_text())["environment"]
    assert environment["kernel"]
    gather([tmp_path / "out"], "small", tmp_path / "all")
    assert (tmp_path / "all" / "small" / f"{path.stem}-on-{hardware_key(environment)}.json").is_file()
