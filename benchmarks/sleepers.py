"""Workers that only sleep, for cluster.py, which asks them by name: `python -m benchmarks.sleepers ADDRESS N`.

All are in one process, each with an event loop's share and a thread of its own: what they do is wait.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import garbology

RUNTIME = {"implementation": "cpython", "version": "3.0.0", "collector": "generational", "pointer_bits": 64}
ENVIRONMENT = {"cpu_model": "Abacus 9", "cpu_count": 1, "total_memory_bytes": 2**33, "kernel": "Linux 6.1"}


def announce(text: str) -> str:
    """Say that nothing need be sent."""
    return json.dumps({"garbology": garbology.__version__, "has_code": True})


def prepare(text: str) -> str:
    """One made-up interpreter, that can run everything."""
    targets = json.loads(text)["targets"]
    description = {"slug": "cpython-3.0.0", "runtime": RUNTIME, "environment": ENVIRONMENT}
    found = {
        "name": "made up",
        "python": "/python3",
        "description": description,
        "lacking": dict.fromkeys(targets, ""),
    }
    return json.dumps({"interpreters": [found], "sentences": [], "failures": 0})


def measure(text: str) -> str:
    """Sleep as long as the case says; the answer has the form and about the size of a study's."""
    from distributed import get_worker

    from garbology.cluster.worker import STARTED

    request = json.loads(text)
    get_worker().log_event(STARTED, {"key": request["key"]})
    seconds = request["case"]["asleep"]
    time.sleep(seconds)
    values = {"objects": request["case"]["n"], "held_bytes": 64 * request["case"]["n"]}
    return json.dumps({"status": "ok", "seconds": seconds, "values": values})


async def work(address: str, count: int) -> None:
    """Start the workers, and wait until the scheduler ends them."""
    from distributed import Worker

    options = {"nthreads": 1, "resources": {"measure": 1}, "dashboard": False}
    workers = [await Worker(address, name=f"sleeper-{each}", **options) for each in range(count)]
    await asyncio.gather(*(each.finished() for each in workers))


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2])))
