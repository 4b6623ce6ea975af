"""Which records were measured on like hardware: their times may be compared, those of unlike ones never."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from garbology.study.records import Record

_SUFFIX = "-on-"  # of the slug of a record that is told from others by its hardware
_GIB = 2**30
_KEY_DIGITS = 6
_COUNTED = ("packages", "gc_thresholds", "variables")  # of an environment, what counts may hang on


def hardware_of(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Processor, how many of them, memory in GiB and kernel, as a record's environment has them.

    Memory is rounded: machines of one kind differ by a few pages in what their kernels leave of it.
    """
    memory = environment.get("total_memory_bytes")
    return {
        "cpu_model": environment.get("cpu_model") or "",
        "cpu_count": environment.get("cpu_count"),
        "memory_gib": None if memory is None else round(memory / _GIB),
        "kernel": environment.get("kernel") or "",
    }


def is_known(environment: Mapping[str, Any]) -> bool:
    """Whether a record says what it was measured on; those of earlier releases do not."""
    return bool(environment.get("cpu_model"))


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two environments are known to be of like hardware, so that their times may be compared."""
    return is_known(one) and is_known(other) and hardware_of(one) == hardware_of(other)


def is_same_elsewhere(one: Record, other: Record) -> bool:
    """Whether two records differ in nothing that a count hangs on, and in their hardware alone."""
    if one.runtime != other.runtime or one.slug == other.slug:
        return False
    if one.scale != other.scale or one.source_digest != other.source_digest:
        return False
    same = all(one.environment.get(name) == other.environment.get(name) for name in _COUNTED)
    known = is_known(one.environment) and is_known(other.environment)
    return same and known and hardware_of(one.environment) != hardware_of(other.environment)


def hardware_key(environment: Mapping[str, Any]) -> str:
    """Six hexadecimal digits that are the same for like hardware."""
    text = json.dumps(hardware_of(environment), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def hardware_text(environment: Mapping[str, Any]) -> str:
    """For people: ``AMD EPYC 7B13, 2 processors, 24 GiB, Linux 6.1.0``."""
    hardware = hardware_of(environment)
    count, memory = hardware["cpu_count"], hardware["memory_gib"]
    parts = [
        hardware["cpu_model"],
        f"{count} processor{'' if count == 1 else 's'}" if count else "",
        "" if memory is None else f"{memory} GiB",
        hardware["kernel"],
    ]
    return ", ".join(filter(None, parts)) or "unknown hardware"


def with_hardware(slug: str, environment: Mapping[str, Any]) -> str:
    """The slug of a record that stands beside those of other hardware."""
    return f"{runtime_slug(slug)}{_SUFFIX}{hardware_key(environment)}"


def runtime_slug(slug: str) -> str:
    """The runtime's own part of a record's slug."""
    head, found, key = slug.rpartition(_SUFFIX)
    is_key = bool(found) and len(key) == _KEY_DIGITS and set(key) <= set("0123456789abcdef")
    return head if is_key else slug


def is_told_by_hardware(slug: str) -> bool:
    """Whether it is the slug of a record that stands beside those of other hardware."""
    return runtime_slug(slug) != slug
