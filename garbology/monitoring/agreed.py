"""What a recorded program and the command that records it agree on; the command needs no more of the former."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any

SETTINGS = "GARBOLOGY_RECORDING"
PATH = "PYTHONPATH"
RECORDING_SCHEMA = "garbology.recording"
SCHEMA_VERSION = 2  # from 2 on with records of growth
GROWTH_SCHEMA = "garbology.recording.growth"
WANTED = "wanted"
"""A file that the one who attached touches: without it, or when it is old, the recording ends."""


def first_record(
    pid: int,
    began_at_seconds: float,
    *,
    python: str,
    implementation: str,
    collector: str,
    threshold: Sequence[int],
    budget: float,
) -> dict[str, Any]:
    """What a recording begins with: of which process it is, and how that is looked at."""
    return {
        "schema": RECORDING_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "pid": pid,
        "began_at_seconds": began_at_seconds,
        "began_at_unix": time.time(),
        "python": python,
        "implementation": implementation,
        "collector": collector,
        "threshold": list(threshold),
        "platform": platform.platform(),
        "budget": budget,
        "shapes": [],
    }


def last_record(at_end: Mapping[str, Any]) -> dict[str, Any]:
    """What it ends with, where the process was not killed: what waited then, and what had grown."""
    return {"schema": "garbology.recording.end", "at_end": at_end, "shapes": []}
