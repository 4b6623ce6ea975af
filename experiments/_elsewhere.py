"""A measure made by another Python: packages that cannot live together have environments of their own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from garbology.measuring.processes import clean_environment
from garbology.study import Unavailable

DIRECTORY = "GARBOLOGY_FRAMEWORKS"  # DIRECTORY/torch/bin/python, DIRECTORY/chainer/bin/python, ...


def python_of(package: str) -> Path | None:
    """The Python of the package's own environment, if there is one and it is of the same version as this."""
    directory = os.environ.get(DIRECTORY)
    if not directory or not package:
        return None
    for place in ("bin/python", "Scripts/python.exe"):
        python = Path(directory, package, place)
        if python.exists() and _version(python) == platform.python_version():
            return python
    return None


def measured_elsewhere(
    python: Path,
    target: str,
    measure: str,
    case: Mapping[str, Any],
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The values of a measure that the other Python made; Unavailable where it says so.

    `variables` are added to its environment, which has none of the variables of this Python.
    """
    environment = {**clean_environment(target), DIRECTORY: "", **(variables or {})}
    with tempfile.TemporaryDirectory(prefix="garbology-") as place:
        result = Path(place, "result.json")
        worker = ["-X", "garbology=late", "-m", "garbology.measuring.worker", target, measure, str(result)]
        # In the same process group: a time limit that ends this process ends the other as well.
        subprocess.run(
            [str(python), *worker], input=json.dumps(dict(case)), text=True, env=environment, check=True
        )
        answer = json.loads(result.read_text(encoding="utf-8"))
    if answer["status"] == "unavailable":
        raise Unavailable(answer["message"])
    if answer["status"] != "ok":
        raise RuntimeError(f"{python}: {answer['message']}")
    values: dict[str, Any] = answer["values"]
    return values


def _version(python: Path) -> str:
    if str(python) == sys.executable:
        return platform.python_version()
    code = "import platform; print(platform.python_version())"
    try:
        answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable(f"{python} cannot be run: {error}") from None
    return answer.stdout.strip()
