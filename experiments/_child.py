"""A forked child that answers its parent, and what the kernel says of a process's pages; both need Linux."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

SMAPS = Path("/proc/self/smaps_rollup")


def memory_of_this_process() -> dict[str, int]:
    """The sums over all mappings of this process, in bytes (see proc(5))."""
    fields = [line.split() for line in SMAPS.read_text().splitlines()[1:]]
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _unit in fields}


def in_a_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work returns in a forked child; the parent does nothing meanwhile, so it makes no page private."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        _end_the_child(work, writing)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status = os.waitpid(process, 0)
    if status or not text:
        raise RuntimeError(f"the forked child ended with status {status} and answered {text!r}")
    return dict(json.loads(text))


def _end_the_child(work: Callable[[], dict[str, Any]], writing: int) -> NoReturn:
    """Answer and end at once: what the parent has registered for its own end is not the child's to run."""
    status = 1
    try:
        os.write(writing, json.dumps(work()).encode())
        status = 0
    finally:
        os._exit(status)
