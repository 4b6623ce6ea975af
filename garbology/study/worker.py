"""The measured interpreter: measures one case and ends.

``python -m garbology.study.worker TARGET MEASURE RESULT`` reads the case as JSON from standard input,
imports the study TARGET and writes what its MEASURE returned to the file RESULT; the measured code may
print what it likes. With ``--describe`` for MEASURE it writes what this interpreter is instead.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from garbology.interpreter import runtime
from garbology.study.declaration import Study
from garbology.study.loading import load_study
from garbology.study.runs import Unavailable

DESCRIBE = "--describe"
# What a fresh interpreter is told, so that no run depends on the shell that it was started from.
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
    answer = (
        describe() if measure == DESCRIBE else measure_case(load_study(target), measure, json.load(sys.stdin))
    )
    Path(result).write_text(json.dumps(answer, allow_nan=False), encoding="utf-8")
    return 0


def measure_case(study: Study, measure: str, case: dict[str, Any]) -> dict[str, Any]:
    """Call the measure once: status, seconds and values, or the message of what it raised."""
    function = study.measures[measure].function
    gc.collect()  # what the imports left is none of the study's garbage
    start = time.perf_counter()
    try:
        result = function(**case)
        seconds = time.perf_counter() - start
        return {"status": "ok", "seconds": seconds, "values": plain_values(measure, result)}
    except Unavailable as error:
        return {"status": "unavailable", "message": " ".join(str(error).split())}
    except Exception as error:
        traceback.print_exc()
        message = " ".join(traceback.format_exception_only(type(error), error)[-1].split())
        return {"status": "failed", "seconds": time.perf_counter() - start, "message": message}


def plain_values(measure: str, result: object) -> dict[str, Any]:
    """The fields of a measure's dataclass; TypeError where one is no JSON value."""
    if not is_dataclass(result) or isinstance(result, type):
        raise TypeError(f"measure {measure!r} must return a dataclass, got {type(result).__name__}")
    values = asdict(result)
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"measure {measure!r} returned {name}={value!r}, which is no JSON value: {error}"
            ) from None
    return values


def describe() -> dict[str, Any]:
    """What this interpreter is, and its surroundings: all that another run must be compared by."""
    current = runtime.current()
    return {"slug": current.slug, "runtime": current.to_dict(), "environment": _environment()}


def _environment() -> dict[str, Any]:
    import psutil

    return {
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "gc_thresholds": list(gc.get_threshold()),
        "cpu_count": os.cpu_count(),
        "total_memory_bytes": psutil.virtual_memory().total,
        "variables": {name: os.environ.get(name, "") for name in FIXED_VARIABLES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
