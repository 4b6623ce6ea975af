"""Records: what a run measured, as a JSON file that later runs of the report read instead of measuring."""

from __future__ import annotations

import itertools
import json
import os
import reprlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

SCHEMA = "garbology.study"
SCHEMA_VERSION = 1
COMPLETE_SUFFIX = ".json"
PARTIAL_SUFFIX = ".partial.json"
KEPT_SUFFIX = ".kept"  # of what is no record of the study and stood in the place of one

Plain = TypeVar("Plain")
Scalar = str | int | float | bool | None  # of a case: what tells it from the others


class RecordError(Exception):
    """A record file cannot be used; the message names the file and says why."""


class NewerRecordError(RecordError):
    """A record of a newer garbology, which this one can neither read nor replace."""


@dataclass
class Sample:
    """One case measured once in a fresh interpreter, or what became of the attempt.

    `status` is "ok", "failed" (the measure raised), "unavailable" (it raised Unavailable), "crashed" (the
    process died: `exit_code`, a negative one is the signal) or "timeout" (killed after `limit_seconds`);
    `seconds` is the measure's duration, without start-up.
    """

    measure: str
    case: dict[str, Scalar]
    repeat: int = 0
    status: str = "ok"
    seconds: float | None = None
    values: dict[str, Any] | None = None
    message: str | None = None
    exit_code: int | None = None
    limit_seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields that say something, as plain JSON types."""
        named = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    @cached_property
    def line(self) -> str:
        """Its line in a record's file, which is written after every sample: what is on record does not change."""
        return json.dumps(self.to_dict(), allow_nan=False)


@dataclass
class Record:
    """One run of one study on one runtime: every raw sample, and all that it must be compared by."""

    study: str
    slug: str
    title: str = ""
    complete: bool = False
    started: str = ""  # ISO 8601, UTC
    finished: str = ""
    duration_seconds: float = 0.0
    command: list[str] = field(default_factory=list)
    scale: str = "default"
    parameters: dict[str, list[Scalar]] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1  # the fewest samples of a case
    most_repeats: int = 1
    precision: float = 0.0  # of each median time, as a fraction of it: a case that has it is repeated no more
    precision_reached: str = ""  # in how many cases that measure a time: "10 of 12 cases"
    imprecise_cases: list[str] = field(default_factory=list)  # the others: `most_repeats` ended them
    jobs: int = 1  # samples that were taken at once
    source_digest: str = ""  # SHA-256 of the study's file
    runtime: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    @property
    def file_name(self) -> str:
        """The name of the record's file: a run that is not complete never takes a complete one's place."""
        return self.slug + (COMPLETE_SUFFIX if self.complete else PARTIAL_SUFFIX)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON types, with its schema."""
        return {**self.head(), "samples": [sample.to_dict() for sample in self.samples]}

    def head(self) -> dict[str, Any]:
        """The same without the samples."""
        plain = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name not in ("slug", "samples")
        }
        return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **plain}


def write_record(record: Record, directory: Path) -> Path:
    """Write a record beside its place and move it there, so that a reader never meets half a file."""
    path = directory / record.file_name
    handle, beside = tempfile.mkstemp(prefix=f".{record.slug}-", suffix=".tmp", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_text(record))
        os.chmod(beside, 0o666 & ~_umask())  # mkstemp's files are for their owner alone
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    if record.complete:
        (directory / (record.slug + PARTIAL_SUFFIX)).unlink(missing_ok=True)
    return path


def read_record(path: Path) -> Record:
    """Read one record file; RecordError where it is damaged, newer than this program, or something else.

    An older record lacks what was added later: those fields have their defaults.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_int=_integer)
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path.name} is damaged: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise RecordError(f"{path.name} is no study record: its schema is not {SCHEMA!r}")
    _refuse_newer(path, data.get("schema_version"))
    slug = path.name.removesuffix(PARTIAL_SUFFIX).removesuffix(COMPLETE_SUFFIX)
    try:
        samples = [_plain(Sample, sample) for sample in data.pop("samples", [])]
        return _plain(Record, {**data, "slug": slug, "samples": samples})
    except (TypeError, AttributeError) as error:
        raise RecordError(f"{path.name} is damaged: {error}") from None


def load_records(directory: Path, study: str) -> tuple[list[Record], list[str]]:
    """The records of a study, by name, and a sentence about each file that cannot be used.

    Where a runtime has a complete record, an interrupted later run of it is left out and named.
    """
    records: dict[str, Record] = {}
    problems: list[str] = []
    for path in sorted(directory.glob("*" + COMPLETE_SUFFIX), key=_complete_first):
        try:
            record = read_record(path)
        except RecordError as error:
            problems.append(f"{error}; it is left out")
            continue
        if record.study != study:
            problems.append(f"{path.name} is a record of the study {record.study!r}; it is left out")
        elif record.slug in records:
            problems.append(f"{path.name} is an unfinished later run; its complete record is shown instead")
        else:
            records[record.slug] = record
    return list(records.values()), problems


def make_room(directory: Path, slug: str, study: str) -> list[str]:
    """Keep what a new record of `study` would overwrite although it cannot be read; a sentence for each file.

    A damaged file, or the record of another study, is renamed. NewerRecordError where a record is newer than
    this program: then nothing is renamed.
    """
    in_the_way: dict[Path, str] = {}
    for path in (directory / (slug + COMPLETE_SUFFIX), directory / (slug + PARTIAL_SUFFIX)):
        if not path.exists():
            continue
        try:
            other = read_record(path).study
            if other != study:
                in_the_way[path] = f"{path.name} is a record of the study {other!r}"
        except NewerRecordError:
            raise
        except RecordError as error:
            in_the_way[path] = str(error)
    return [f"{why}; it is kept as {_put_aside(path).name}" for path, why in in_the_way.items()]


def _put_aside(path: Path) -> Path:
    numbers: Iterable[object] = itertools.chain([""], itertools.count(2))
    places = (path.with_name(f"{path.name}{KEPT_SUFFIX}{number}") for number in numbers)
    return path.rename(next(place for place in places if not place.exists()))


def _text(record: Record) -> str:
    """The record as JSON, a line for each sample: it is written after each, and read as a difference."""
    samples = ",\n  ".join(sample.line for sample in record.samples)
    head = json.dumps(record.head(), indent=1, allow_nan=False).removesuffix("\n}")
    return head + ',\n "samples": [' + (f"\n  {samples}\n " if samples else "") + "]\n}\n"


def _complete_first(path: Path) -> tuple[bool, str]:
    return path.name.endswith(PARTIAL_SUFFIX), path.name


def _refuse_newer(path: Path, version: Any) -> None:
    if not isinstance(version, int):
        raise RecordError(f"{path.name} is damaged: its schema_version is {version!r}")
    if version > SCHEMA_VERSION:
        raise NewerRecordError(
            f"{path.name} was written by a newer garbology (schema_version {version}, this one reads up to "
            f"{SCHEMA_VERSION}): upgrade garbology to read it"
        )


def _integer(digits: str) -> int | float:
    """Exact as far as what draws it can hold it (64 bits), beyond that the nearest float."""
    return int(digits) if len(digits) < 19 else float(digits)


def _plain(kind: type[Plain], data: Mapping[str, Any]) -> Plain:
    known = _field_types(kind)  # type: ignore[arg-type]  # a class is hashable
    for name, value in data.items():
        if name in known and not _fits(value, known[name]):
            raise TypeError(f"{name} is {reprlib.repr(value)}")
    return kind(**{name: value for name, value in data.items() if name in known})


@cache
def _field_types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, expected: Any) -> bool:
    """Whether a value from JSON is what a field's annotation says, down to what its lists and dicts hold."""
    parts = get_args(expected)
    if get_origin(expected) is list:
        return isinstance(value, list) and all(_fits(item, parts[0]) for item in value)
    if get_origin(expected) is dict:
        return isinstance(value, dict) and all(_fits(item, parts[1]) for item in value.values())
    if parts:
        return any(_fits(value, part) for part in parts)  # such as "float | None"
    if isinstance(value, bool):
        return expected in (bool, Any)
    return expected is Any or isinstance(value, (int, float) if expected is float else expected)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
