"""Records on disk: written whole or not at all, read however old, refused when newer."""

import json
from dataclasses import replace

import pytest

from garbology.study.records import (
    NewerRecordError,
    Record,
    RecordError,
    Sample,
    load_records,
    make_room,
    read_record,
    write_record,
)

SLUG = "cpython-3.11.7-generational"


@pytest.fixture
def record():
    return Record(
        study="small",
        slug=SLUG,
        title="Small",
        complete=True,
        started="2026-11-23T10:00:00+00:00",
        parameters={"n": [1]},
        runtime={"version": "3.11.7"},
        samples=[
            Sample("work", {"n": 1}, 0, seconds=0.5, values={"total": 2}),
            Sample("work", {"n": 1}, 1, "crashed", exit_code=-11, message="boom"),
        ],
    )


def test_a_record_reads_back_as_it_was_written(record, tmp_path):
    """Nothing of a record is lost on disk."""
    path = write_record(record, tmp_path)
    assert path.name == f"{SLUG}.json"
    assert read_record(path) == record


def test_a_record_names_its_schema_and_keeps_only_what_a_sample_says(record, tmp_path):
    """The file is versioned JSON, and a sample has no empty fields."""
    data = json.loads(write_record(record, tmp_path).read_text(encoding="utf-8"))
    assert (data["schema"], data["schema_version"]) == ("garbology.study", 1)
    assert data["samples"][0] == {
        "measure": "work",
        "case": {"n": 1},
        "repeat": 0,
        "status": "ok",
        "seconds": 0.5,
        "values": {"total": 2},
    }
    assert data["samples"][1]["exit_code"] == -11
    assert "values" not in data["samples"][1]


def test_an_unfinished_record_has_a_name_of_its_own(record, tmp_path):
    """A run under way never takes a complete record's place; completing it removes the unfinished file."""
    complete = write_record(record, tmp_path).read_bytes()
    record.complete = False
    assert write_record(record, tmp_path).name == f"{SLUG}.partial.json"
    assert (tmp_path / f"{SLUG}.json").read_bytes() == complete
    record.complete = True
    write_record(record, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{SLUG}.json"]


def test_a_record_that_cannot_be_written_leaves_the_old_one(record, tmp_path):
    """A failure while writing leaves neither half a file nor a stray one."""
    before = write_record(record, tmp_path).read_bytes()
    record.samples.append(replace(record.samples[0], values={"total": float("nan")}))
    with pytest.raises(ValueError, match="Out of range float"):
        write_record(record, tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_an_older_record_is_read_with_defaults(tmp_path):
    """What was added to the schema later has its default, and what was taken away is ignored."""
    path = tmp_path / f"{SLUG}.json"
    old = {"schema": "garbology.study", "schema_version": 0, "study": "small", "dropped_field": 1,
           "samples": [{"measure": "work", "case": {"n": 1}}]}  # fmt: skip
    path.write_text(json.dumps(old), encoding="utf-8")
    record = read_record(path)
    assert (record.study, record.slug, record.repeats, record.seed) == ("small", SLUG, 1, 0)
    assert record.samples == [Sample("work", {"n": 1})]


def test_a_newer_record_is_refused_with_the_remedy(tmp_path):
    """A record of a later schema is not guessed at."""
    path = tmp_path / "new.json"
    path.write_text('{"schema": "garbology.study", "schema_version": 2}', encoding="utf-8")
    with pytest.raises(RecordError, match=r"new\.json was written by a newer garbology .*upgrade garbology"):
        read_record(path)


def with_sample(**fields):
    """The text of a record of the study "small" with one sample."""
    sample = {"measure": "work", "case": {"n": 1}, **fields}
    return json.dumps(
        {"schema": "garbology.study", "schema_version": 1, "study": "small", "samples": [sample]}
    )


def with_field(**fields):
    """The text of a record of the study "small" without samples."""
    return json.dumps({"schema": "garbology.study", "schema_version": 1, "study": "small", **fields})


DAMAGED = {
    "cut short": '{"schema": "garbology.study", "schema_v',
    "not text": b"\xff\xfe\x00",
    "a list": "[1, 2]",
    "something else": '{"name": "x"}',
    "no version": '{"schema": "garbology.study"}',
    "no study": '{"schema": "garbology.study", "schema_version": 1}',
    "no samples": '{"schema": "garbology.study", "schema_version": 1, "study": "s", "samples": [3]}',
    "an empty sample": '{"schema": "garbology.study", "schema_version": 1, "study": "s", "samples": [{}]}',
    "parameters in a list": (
        '{"schema": "garbology.study", "schema_version": 1, "study": "s", "parameters": [], "samples": []}'
    ),
    "a runtime in a word": (
        '{"schema": "garbology.study", "schema_version": 1, "study": "s", "runtime": "x", "samples": []}'
    ),
    "values in a list": (
        '{"schema": "garbology.study", "schema_version": 1, "study": "s", '
        '"samples": [{"measure": "m", "case": {}, "values": [1]}]}'
    ),
    "no list of samples": '{"schema": "garbology.study", "schema_version": 1, "study": "s", "samples": 5}',
    "nested without end": "[" * 200_000,
    "a case that is a list": with_sample(case=[1]),
    "a parameter that is a list": with_sample(case={"n": [1]}),
    "a measure that is no name": with_sample(measure=["work"]),
    "a repeat that is a word": with_sample(repeat="first"),
    "values that are a number": with_sample(values=3),
    "no runtime": with_field(runtime=None),
    "a grid that is a list": with_field(parameters=[1]),
    "a parameter without values": with_field(parameters={"n": 1}),
    "a word for a truth": with_field(complete="yes"),
    "a truth for a number": with_field(repeats=True),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_named_and_left_out(record, tmp_path, content):
    """One bad file does not take the report of the good ones away."""
    write_record(record, tmp_path)
    path = tmp_path / "bad.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    records, problems = load_records(tmp_path, "small")
    assert records == [record]
    assert len(problems) == 1
    assert problems[0].startswith("bad.json ")
    assert problems[0].endswith("it is left out")


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_stands_in_the_place_of_a_record_is_kept(record, tmp_path, content):
    """A damaged file is renamed, once more if need be, before a new record takes its place."""
    content = content if isinstance(content, bytes) else content.encode()
    path = tmp_path / f"{SLUG}.json"
    for kept in (f"{SLUG}.json.kept", f"{SLUG}.json.kept2"):
        path.write_bytes(content)
        (sentence,) = make_room(tmp_path, SLUG, "small")
        assert sentence.startswith(path.name)
        assert sentence.endswith(f"; it is kept as {kept}")
        assert not path.exists()
        assert (tmp_path / kept).read_bytes() == content
    write_record(record, tmp_path)
    assert make_room(tmp_path, SLUG, "small") == []


def test_the_record_of_another_study_is_kept(record, tmp_path):
    """It is in the wrong place, and no less worth keeping; a good record of this study stays where it is."""
    path = write_record(record, tmp_path)
    assert make_room(tmp_path, SLUG, "small") == []
    assert make_room(tmp_path, SLUG, "other") == [
        f"{SLUG}.json is a record of the study 'small'; it is kept as {SLUG}.json.kept"
    ]
    assert not path.exists()


def test_a_newer_record_stays_where_it_is(record, tmp_path):
    """Nothing is renamed, not even what is damaged beside it."""
    (tmp_path / f"{SLUG}.json").write_text("{", encoding="utf-8")
    newer = '{"schema": "garbology.study", "schema_version": 2}'
    (tmp_path / f"{SLUG}.partial.json").write_text(newer, encoding="utf-8")
    with pytest.raises(NewerRecordError, match="newer garbology"):
        make_room(tmp_path, SLUG, "small")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{SLUG}.json", f"{SLUG}.partial.json"]


def test_a_record_of_another_study_is_left_out(record, tmp_path):
    """Samples of one study never get into another's report."""
    write_record(record, tmp_path)
    records, problems = load_records(tmp_path, "other")
    assert records == []
    assert problems == [f"{SLUG}.json is a record of the study 'small'; it is left out"]


def test_a_complete_record_is_preferred_to_an_unfinished_one(record, tmp_path):
    """After Ctrl-C in a second run the first run's record is still what is shown."""
    write_record(record, tmp_path)
    record.complete = False
    write_record(record, tmp_path)
    records, problems = load_records(tmp_path, "small")
    assert [each.complete for each in records] == [True]
    assert problems == [
        f"{SLUG}.partial.json is an unfinished later run; its complete record is shown instead"
    ]


def test_an_unfinished_record_alone_is_shown(record, tmp_path):
    """What was measured before Ctrl-C is worth a report."""
    record.complete = False
    write_record(record, tmp_path)
    assert load_records(tmp_path, "small") == ([record], [])


def test_an_integer_beyond_64_bits_is_read_as_the_nearest_float(tmp_path):
    """What draws a record holds no larger ones; smaller ones are exact."""
    path = tmp_path / "huge.json"
    path.write_text(
        with_sample(values={"huge": 10**30, "negative": -(10**400), "exact": 2**59 + 1}), encoding="utf-8"
    )
    assert read_record(path).samples[0].values == {
        "huge": 1e30,
        "negative": float("-inf"),
        "exact": 576460752303423489,
    }
