"""The measured interpreter: measures one case and ends.

``python -X garbology=late -m garbology.measuring.worker TARGET MEASURE RESULT`` reads the case as JSON from
standard input, imports the study TARGET and writes what its MEASURE returned to the file RESULT; the
measured code may print what it likes. With ``--describe`` for MEASURE it writes what this interpreter is
instead, after it has loaded TARGET, unless that is empty. It imports little itself, and what only a
description needs for that alone.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import garbology
from garbology.measuring.lifeline import hold
from garbology.study.declaration import Study
from garbology.study.loading import load_study
from garbology.study.runs import Unavailable

DESCRIBE = "--describe"
MESSAGE_CHARACTERS = 400  # of what a case says at its end
# The environment of a fresh interpreter, so that no run depends on the shell that it was started from.
FIXED_VARIABLES = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
_PACKAGES = ("garbology", "memory_profiler", "numpy", "objgraph", "psutil", "scipy")


def main(arguments: Sequence[str]) -> int:
    """Measure or describe, and write the answer; 0 also if the measure raised: that is an answer."""
    target, measure, result = arguments
    study = load_study(target) if target else None
    wanted = None if measure == DESCRIBE else study
    answer = describe() if wanted is None else measure_case(wanted, measure, json.load(sys.stdin))
    with open(result, "w", encoding="utf-8") as file:
        file.write(json.dumps(answer, allow_nan=False))
    return 0


def measure_case(study: Study, measure: str, case: dict[str, Any]) -> dict[str, Any]:
    """Call the measure once: status, seconds and values, or the message of what it raised."""
    function = study.measures[measure].function
    if any(value is garbology for value in function.__globals__.values()):
        garbology.import_all()  # it may use any part of it, and none is to be imported while it is measured
    gc.collect()  # what the imports left is none of the study's garbage
    start = time.perf_counter()
    try:
        result = function(**case)
        seconds = time.perf_counter() - start
        return {"status": "ok", "seconds": seconds, "values": plain_values(measure, result)}
    except Unavailable as error:
        return {"status": "unavailable", "message": " ".join(str(error).split())}
    except Exception as error:
        return {"status": "failed", "seconds": time.perf_counter() - start, "message": _error_text(error)}


def _error_text(error: Exception) -> str:
    """Print the traceback on standard error, and return its last line."""
    import traceback

    traceback.print_exc()
    line = " ".join(traceback.format_exception_only(type(error), error)[-1].split())
    return line[:MESSAGE_CHARACTERS]


def plain_values(measure: str, result: object) -> dict[str, Any]:
    """The fields of a measure's dataclass; TypeError where one is no JSON value."""
    if not is_dataclass(result) or isinstance(result, type):
        raise TypeError(f"measure {measure!r} must return a dataclass, got {type(result).__name__}")
    values = asdict(result)
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
            if isinstance(value, int):
                float(value)  # medians are floats
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"measure {measure!r} returned {name}={value!r:.200}, which is no JSON value: {error}"
            ) from None
    return values


def describe() -> dict[str, Any]:
    """What this interpreter is, and its surroundings: all that another run must be compared by."""
    from garbology.interpreter import runtime

    current = runtime.current()
    return {"slug": current.slug, "runtime": current.to_dict(), "environment": _environment()}


def _environment() -> dict[str, Any]:
    from garbology.interpreter import hardware

    return {
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "gc_thresholds": list(gc.get_threshold()),
        "cpu_model": hardware.cpu_model(),
        "cpu_count": os.cpu_count(),
        "total_memory_bytes": _total_memory_bytes(),
        "kernel": hardware.kernel(),
        "variables": {name: os.environ.get(name, "") for name in FIXED_VARIABLES},
    }


def _total_memory_bytes() -> int | None:
    """The machine's memory; None where psutil is missing or cannot tell (WebAssembly)."""
    try:
        import psutil

        return int(psutil.virtual_memory().total)
    except (ImportError, OSError, NotImplementedError):
        return None


def _version(package: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    hold()
    raise SystemExit(main(sys.argv[1:]))
