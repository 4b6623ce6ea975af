"""Records of several machines put into one directory, each told from the others by its hardware."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from garbology.study.hardware import is_known, is_told_by_hardware, with_hardware
from garbology.study.records import (
    COMPLETE_SUFFIX,
    NewerRecordError,
    Record,
    load_records,
    make_room,
    write_record,
)


def gather(sources: Iterable[Path], study: str, output: Path) -> list[str]:
    """Copy the records of a study under each source into `output`, and say what is left out, a sentence each.

    Each is called by its runtime and its hardware, so that those of two machines never take each other's place. Of
    two on like hardware the one that was begun later stands; OSError where `output` cannot be written.
    """
    said: list[str] = []
    found: dict[str, Record] = {}
    for source in sources:
        if source.resolve() == output.resolve():
            continue
        records, problems = load_records(source / study, study)
        said += [f"{source}: {problem}" for problem in problems]
        for record in records:
            told = _told(record)
            other = found.get(told.slug)
            if other is not None and _rank(other) >= _rank(told):
                said.append(f"{source}: {study}: {record.file_name} is left out: {_LATER}")
                continue
            if other is not None:
                said.append(f"{study}: an earlier {told.slug} is left out: {_LATER}")
            found[told.slug] = told
    for record in found.values():
        said += _kept(record, output / study)
    return said


_LATER = "another record of the same runtime on like hardware is later, or complete"


def _told(record: Record) -> Record:
    """The record under a name of its own; as it is where it does not say what it was measured on."""
    if not is_known(record.environment) or is_told_by_hardware(record.slug):
        return record
    return replace(record, slug=with_hardware(record.slug, record.environment))


def _rank(record: Record) -> tuple[bool, str]:
    return record.complete, record.started


def _kept(record: Record, directory: Path) -> list[str]:
    """Write it, unless a later one is there already."""
    directory.mkdir(parents=True, exist_ok=True)
    name = record.slug + COMPLETE_SUFFIX
    there = [each for each in load_records(directory, record.study)[0] if each.slug == record.slug]
    if any(_rank(each) > _rank(record) for each in there):
        return [f"{directory / name} is kept: {_LATER}"]
    try:
        said = make_room(directory, record.slug, record.study)
    except NewerRecordError as error:
        return [f"{error}; it is left as it is"]
    write_record(record, directory)
    return said
