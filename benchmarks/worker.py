"""Measures one thing in this interpreter, which has done nothing else, and prints it as JSON.

python -m benchmarks.worker finding:whole '{"heap": "tree", "objects": 20000}'
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: One thread for everyone: the cores are shared with other work.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Failed(Exception):
    """What was measured ended otherwise than with its figures."""


def ask(call: str, arguments: Mapping[str, Any], timeout_seconds: float = 600) -> Any:
    """Call a function of the benchmarks in a fresh interpreter; its figures. Failed says what went wrong."""
    command = [sys.executable, "-m", "benchmarks.worker", call, json.dumps(arguments)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"took more than {timeout_seconds:g} s") from None
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1])
    return json.loads(done.stdout.splitlines()[-1])


def environment() -> dict[str, str]:
    """That of a measured interpreter: this checkout first, one thread, the same hashes each time."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **THREADS, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def main(words: list[str]) -> int:
    """Import the module, call the function, print what it returns."""
    module, _, function = words[0].partition(":")
    measured = getattr(importlib.import_module(f"benchmarks.{module}"), function)(**json.loads(words[1]))
    print(json.dumps(measured))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
