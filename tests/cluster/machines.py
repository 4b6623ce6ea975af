"""A real scheduler and real workers on the loopback, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from garbology.study.records import PARTIAL_SUFFIX, Record, read_record

CLIENT = Path(__file__).with_name("impatient.py")
ROOT = Path(__file__).parents[2]
STUDY = '''
"""A study of counts, each measured a little while."""
import os, time
from dataclasses import dataclass
from garbology.study import Study

@dataclass(frozen=True)
class Result:
    total: int
    held_bytes: int
    wait_seconds: float

study = Study("Small", {{"n": [1, 2, 3, 4]}}, repeats={repeats}, most_repeats={repeats}, timeout_seconds={limit})

@study.measure
def work(n: int) -> Result:
    """Count."""
    with open({log!r}, "a") as log:
        log.write(f"{{n}}\\n")
    with open({pace!r}) as pace:
        time.sleep(float(pace.read()))
    return Result(3 * n, 64 * n, 1.0 + n)

@study.finding
def triples(runs):
    """It triples."""
    for run in runs:
        assert run.total == 3 * run.n
'''


class Machines:
    """Processes that end with the test."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.output = place / "out"
        self.log = place / "measured.log"
        self.pace = place / "pace.txt"
        self.scheduler_file = place / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
            "PYTHONPATH": str(ROOT),
            "GARBOLOGY_WORKER_DIRECTORY": str(place / "worker"),
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s",
        }
        self.scheduler = self.dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        until(self.scheduler_file.exists)

    def dask(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A process of Dask's command line."""
        command = [
            sys.executable,
            "-m",
            "dask",
            what,
            "--scheduler-file",
            str(self.scheduler_file),
            *arguments,
        ]
        return self._start(command, self.place / f"{what}-{len(self._processes)}.txt")

    def worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A worker as the documents say, but for its nanny."""
        words = arguments or ("--resources", "measure=1")
        return self.dask("worker", "--no-nanny", "--no-dashboard", "--nthreads", "1", *words)

    def client(self, study: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """The study as a program, measured by the workers."""
        words = [
            *("--scheduler", str(self.scheduler_file)),
            *("-o", str(self.output)),
            *("--seed", "7"),
            *arguments,
        ]
        return self._start([sys.executable, str(CLIENT), str(study), *words], self.place / "client.txt")

    def said(self) -> str:
        """What the latest client wrote."""
        return (self.place / "client.txt").read_text()

    def write_study(self, *, repeats: int, limit: float = 3.0) -> Path:
        """A study of four cases, each sample of which is noted in the log as it begins."""
        path = self.place / "small.py"
        self.set_pace(0.2)
        told = {"repeats": repeats, "limit": limit, "log": str(self.log), "pace": str(self.pace)}
        path.write_text(STUDY.format(**told).lstrip())
        return path

    def set_pace(self, seconds: float) -> None:
        """How long a sample takes from now on."""
        self.pace.write_text(str(seconds))

    def measured(self) -> int:
        """How many samples were begun."""
        return len(self.log.read_text().split())

    def under_way(self) -> list[str]:
        """The processes that measure now."""
        told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        worker = "garbology.measuring.worker"
        return [line for line in told.splitlines() if worker in line and str(self.place) in line]

    def record(self) -> Record | None:
        """What is on record, if anything is."""
        found = sorted(
            (self.output / "small").glob("cpython-*.json"), key=lambda path: PARTIAL_SUFFIX in path.name
        )
        return read_record(found[0]) if found else None

    def until_samples(self, number: int) -> None:
        """Wait until so many samples are on record."""
        until(lambda: (record := self.record()) is not None and len(record.samples) >= number, self.said)

    def end(self) -> None:
        """Kill whatever is left."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def _start(self, command: list[str], output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            process = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, env=self._environment, cwd=self.place
            )
        self._processes.append(process)
        return process


def until(condition: Callable[[], bool], said: Callable[[], str] = str, seconds: float = 120.0) -> None:
    """Wait until a condition is true; an AssertionError with what was said where it does not become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about in time: {said()}"
        time.sleep(0.05)


def counts(record: Record) -> list[tuple[object, ...]]:
    """What of a record is the same wherever it is measured: all that is no time."""
    return sorted(
        (
            sample.measure,
            *sample.case.items(),
            sample.repeat,
            sample.status,
            *(
                (name, value)
                for name, value in (sample.values or {}).items()
                if not name.endswith("_seconds")
            ),
        )
        for sample in record.samples
    )
