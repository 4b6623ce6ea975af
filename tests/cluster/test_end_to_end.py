"""A real scheduler and real workers, which die, hang and leave: the records are those of one machine."""

import importlib.util
import json
import platform
import signal

import pytest

from garbology.measuring.runner import Plan, measure_study
from garbology.study.loading import load_study
from tests.cluster.machines import Machines, counts, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None,
        reason="distributed is missing: the extra cluster has it",
    ),
]


@pytest.fixture
def machines(tmp_path):
    started = Machines(tmp_path)
    yield started
    started.end()


def test_workers_that_hang_and_die_change_no_count(machines, tmp_path):
    """One is stopped (SIGSTOP) and comes back, the other is killed (-9): each sample is there once, none failed."""
    study = machines.write_study(repeats=6)
    first, second = machines.worker(), machines.worker()
    client = machines.client(study)
    machines.until_samples(3)
    first.send_signal(signal.SIGSTOP)
    machines.until_samples(15)  # meanwhile the other goes on, and takes what the first one had
    first.send_signal(signal.SIGCONT)
    second.kill()
    assert client.wait(60) == 0, machines.said()
    record = machines.record()
    assert record.complete
    (tmp_path / "alone").mkdir()
    alone = measure_study(load_study(str(study)), Plan(seed=7), tmp_path / "alone").record
    assert counts(record) == counts(alone)
    assert record.runtime == alone.runtime
    assert platform.node() not in json.dumps(record.to_dict())
    assert record.environment["cpu_model"] == alone.environment["cpu_model"]


def test_a_client_that_was_killed_measures_nothing_twice(machines):
    """What is on record stays as it is, however often the client is killed or interrupted."""
    study = machines.write_study(repeats=5, limit=100.0)
    machines.worker()
    machines.worker()
    client = machines.client(study)
    machines.until_samples(4)
    client.kill()
    client.wait()
    killed = machines.record()
    client = machines.client(study, "--resume")
    machines.until_samples(len(killed.samples) + 4)
    machines.set_pace(90)
    before = machines.measured()
    until(lambda: machines.measured() > before, machines.said)
    client.send_signal(signal.SIGINT)
    assert client.wait(60) == 130, machines.said()
    assert machines.under_way() == []
    machines.set_pace(0.2)
    interrupted = machines.record()
    assert machines.client(study, "--resume").wait(60) == 0, machines.said()
    record = machines.record()
    assert record.samples[: len(interrupted.samples)] == interrupted.samples
    assert interrupted.samples[: len(killed.samples)] == killed.samples
    assert len({(sample.case["n"], sample.repeat) for sample in record.samples}) == len(record.samples) == 20
    at_most_under_way = 2 * 2  # on each worker one, and one that waits
    assert machines.measured() <= 20 + 2 * at_most_under_way


def test_without_its_scheduler_a_run_ends_and_keeps_what_was_measured(machines):
    """Exit status 1 and a sentence; workers that would measure two at once were refused with one each before."""
    study = machines.write_study(repeats=5)
    machines.worker("--resources", "measure=2")
    machines.worker("--name", "plain")
    client = machines.client(study)
    until(lambda: machines.said().count("is refused") == 2 or client.poll() is not None)
    assert client.wait(60) == 2, machines.said()
    assert "it offers measure=2: start it with --resources measure=1" in machines.said()
    assert "it offers no resource 'measure'" in machines.said()
    assert (
        "no worker can measure: start one with `dask worker ADDRESS --resources measure=1`" in machines.said()
    )
    machines.worker()
    client = machines.client(study)
    machines.until_samples(3)
    machines.scheduler.kill()
    assert client.wait(60) == 1, machines.said()
    assert "is gone: what was measured is kept; the same command with --resume goes on" in machines.said()
    record = machines.record()
    assert not record.complete
    assert len(record.samples) >= 3
