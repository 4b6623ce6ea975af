"""How sweeps over a Dask cluster scale: samples a minute over 1 to 64 workers whose measures sleep.

    python benchmarks/cluster.py [--workers 1 2 4 8 16 32 64] [--samples 10000] [--seconds 4] [--json FILE]

Scheduler and client are real, in processes of their own; records are written. The workers are light: all are in
one process, and what they measure is a sleep, so that this machine's cores do not stand in for theirs. The largest
number of workers takes all the samples, a smaller one fifteen a worker. `efficiency` is the rate, of that of workers
that sleep without a pause. Overhead is processor time a sample: of the scheduler, and of the client with all it does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import sleepers

_CASES = 50  # of a study, each measured ten times
_REPEATS = 10
_FEW = 15
STUDY = '''"""Samples that sleep."""
from dataclasses import dataclass
from garbology.study import Study

@dataclass(frozen=True)
class Result:
    objects: int
    held_bytes: int

parameters = {{"n": list(range({cases})), "asleep": [{seconds}]}}
study = Study("Sleepers", parameters, repeats={repeats}, most_repeats={repeats})

@study.measure
def sleep(n: int, asleep: float) -> Result:
    """Sleep."""
    raise NotImplementedError
'''


def sweep(address: str, samples: int, seconds: float, scheduler_pid: int) -> dict[str, Any]:
    """Measure so many samples, and say how long it took and what it cost; this process is the client."""
    from garbology.cluster import worker
    from garbology.cluster.opening import opened
    from garbology.measuring.progress import progress_of
    from garbology.measuring.runner import Plan, StudyRun, measure_all
    from garbology.study.loading import load_study

    for name in ("announce", "prepare", "measure"):
        setattr(worker, name, getattr(sleepers, name))
    with tempfile.TemporaryDirectory() as place:
        targets = _studies(Path(place), samples, seconds)
        with opened(address, targets, (), matrix=False, say=print) as workers:
            (remote,) = workers.interpreters()
            count = workers.at_once()
            runs = []
            for target in targets:
                study = load_study(target)
                directory = Path(target).parent / "records"
                directory.mkdir()
                runs.append(StudyRun(study, Plan(seed=1, interpreter=remote), directory))
            scheduler, client = psutil.Process(scheduler_pid), psutil.Process()
            before = [_processor_seconds(each) for each in (scheduler, client)]
            memory: list[int] = []
            started = time.monotonic()
            ended = False
            with Path(os.devnull).open("w") as stream:
                ended = not measure_all(
                    runs,
                    1_000,
                    lambda run, outcome: memory.append(client.memory_info().rss),
                    lambda title, expectation: progress_of(title, expectation, stream),
                    workers.at_once,
                )
            took = time.monotonic() - started
            after = [_processor_seconds(each) for each in (scheduler, client)]
            taken = sum(run.schedule.done_count for run in runs)
            assert ended
            assert taken == samples
    cost = [1e3 * (now - then) / taken for then, now in zip(before, after, strict=True)]
    return {
        "workers": count,
        "samples": taken,
        "elapsed_seconds": round(took, 2),
        "samples_a_minute": round(60 * taken / took, 1),
        "efficiency": round(taken * seconds / took / count, 4),
        "idle_ms_a_sample": round(1e3 * (took * count / taken - seconds), 1),
        "scheduler_ms_a_sample": round(cost[0], 2),
        "client_ms_a_sample": round(cost[1], 2),
        "client_rss_mb_first_and_last": [round(each / 1e6, 1) for each in (memory[0], memory[-1])],
    }


def _studies(place: Path, samples: int, seconds: float) -> list[str]:
    """Study files that have so many samples together, none more than fifty cases."""
    each = _CASES * _REPEATS
    sizes = [each] * (samples // each) + ([samples % each] if samples % each else [])
    paths = []
    for number, size in enumerate(sizes):
        path = place / f"study{number}" / "sleepers_study.py"
        path.parent.mkdir()
        cases, repeats = (_CASES, _REPEATS) if size == each else (size, 1)
        path.write_text(STUDY.format(cases=cases, repeats=repeats, seconds=seconds))
        paths.append(str(path))
    return paths


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measured(workers: int, samples: int, seconds: float) -> dict[str, Any]:
    """The same in processes of its own: a scheduler, the workers, a client."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "scheduler.json")
        words = [
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(file),
        ]
        root = Path(__file__).resolve().parents[1]
        environment = {**os.environ, "PYTHONPATH": str(root)}  # a scheduler imports what is asked
        null = subprocess.DEVNULL
        quiet: dict[str, Any] = {"stdout": null, "stderr": null, "env": environment}
        scheduler = subprocess.Popen([sys.executable, "-m", "dask", *words], **quiet)
        while not file.exists():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        command = [sys.executable, "-m", "benchmarks.sleepers", address, str(workers)]
        sleeping = subprocess.Popen(command, **quiet)
        try:
            _until_there(address, workers)
            words = ["--client", address, str(samples), str(seconds), str(scheduler.pid)]
            told = subprocess.run(
                [sys.executable, __file__, *words], capture_output=True, text=True, check=False
            )
            assert told.returncode == 0, told.stdout + told.stderr
            return dict(json.loads(told.stdout.strip().splitlines()[-1]))
        finally:
            for process in (sleeping, scheduler):
                process.kill()
                process.wait()


def _until_there(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=120)


def main() -> None:
    """Print a line for each number of workers, and write them all."""
    if sys.argv[1:2] == ["--client"]:
        address, samples, seconds, pid = sys.argv[2:6]
        print(json.dumps(sweep(address, int(samples), float(seconds), int(pid))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for workers in options.workers:
        samples = options.samples if workers == max(options.workers) else _FEW * workers
        rows.append(measured(workers, samples, options.seconds))
        print(json.dumps(rows[-1]), flush=True)
    if options.json:
        told = {
            "python": platform.python_version(),
            "cpu_count": os.cpu_count(),
            "sleep_seconds": options.seconds,
            "rows": rows,
        }
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
