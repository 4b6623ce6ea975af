"""Workers asked what they are, given the code and put beside their like: the worker's side, in this process."""

import json
import threading

import pytest

from garbology.cluster import sweep as sweep_module
from garbology.cluster import worker
from garbology.cluster.code import Code, code_of
from garbology.cluster.dispatch import GoneError, Patience, Seen
from garbology.cluster.sweep import Sweep, Wanted, sweep_summary
from garbology.measuring.interpreters import InterpreterError, LostError

pytest.importorskip("packaging")
QUICK = Patience(grace_seconds=5, workers_seconds=0.1)
ENVIRONMENT = {
    "cpu_model": "Abacus 9",
    "cpu_count": 2,
    "total_memory_bytes": 8 * 2**30,
    "kernel": "Linux 6.1",
}


class InProcess:
    """A transport whose workers are this process; what one says can be changed, by its address."""

    def __init__(self, **changes):
        self.changes = changes
        self.present = [Seen(f"tcp://{name}", name, 1.0, {"measure": 1}) for name in changes]

    def workers(self):
        return self.present

    def submit(self, function, text, address, key):
        change = self.changes[address.removeprefix("tcp://")]
        return Answered(change, function, text)

    def tell(self, function, text, addresses):
        for _ in addresses:
            function(text)


class Answered:
    def __init__(self, change, function, text):
        self.done, self.started = threading.Event(), 0.0
        self.done.set()
        self._change, self._function, self._text = change, function, text

    def answer(self):
        return json.dumps(
            self._change(self._function.__name__, lambda: json.loads(self._function(self._text)))
        )

    def drop(self):
        pass


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch):
    monkeypatch.setattr(sweep_module, "_LOOK_SECONDS", 0.02)


def as_it_is(name, ask):
    return ask()


def made_up(**environment):
    """A worker with the hardware that is named, whose interpreter exists in its words alone."""

    def answer(name, ask):
        if name == "announce":
            return {"garbology": worker.garbology.__version__, "has_code": True}
        described = {
            "slug": "cpython-3",
            "runtime": {"version": "3"},
            "environment": {**ENVIRONMENT, **environment},
        }
        found = {"name": "3", "python": "/python3", "description": described, "lacking": {"small.py": ""}}
        return {"interpreters": [found], "sentences": [], "failures": 0}

    return answer


def begun(transport, said, wanted=None, code=None):
    code = code or Code("ab12", b"", {"small.py": "study_files/small.py"}, ())
    return Sweep(transport, code, wanted or Wanted(), said.append, QUICK)


@pytest.mark.slow
def test_a_worker_takes_the_code_and_measures_with_it(write_small, tmp_path, monkeypatch):
    """All that goes there and comes back is JSON; the measured code is the one that was sent."""
    monkeypatch.setenv(worker.DIRECTORY, str(tmp_path / "worker"))
    said = []
    code = code_of([write_small])
    with begun(InProcess(one=as_it_is), said, code=code) as sweep:
        (remote,) = sweep.interpreters()
        answer = remote.run(write_small, "work", {"n": 4}, 30)
        assert answer["values"]["total"] == 8
        assert answer["values"]["place"].startswith(str(tmp_path / "worker" / "code" / code.digest))
        remote.stop()
        with pytest.raises(worker.Stopped):
            remote.run(write_small, "work", {"n": 4}, 30)
    assert said == []
    described = remote.describe(write_small)
    assert described["slug"].partition("-on-")[2]
    assert described["environment"]["total_memory_bytes"] % 2**30 == 0


def test_a_worker_without_the_code_refuses_a_sample(tmp_path, monkeypatch):
    """It says which version it has, and measures nothing."""
    monkeypatch.setenv(worker.DIRECTORY, str(tmp_path))
    (tmp_path / "code" / "ab12").mkdir(parents=True)
    asked = {"key": "k", "digest": "cd34", "sweep": "s", "python": "/nowhere"}
    assert json.loads(worker.measure(json.dumps(asked))) == {
        "refused": "the worker has ab12, the sweep measures cd34"
    }


def test_unlike_hardware_is_another_interpreter():
    """Its times are not pooled; like machines may differ by a few pages of memory."""
    transport = InProcess(
        one=made_up(), two=made_up(total_memory_bytes=8 * 2**30 - 4096), three=made_up(cpu_model="Abacus 10")
    )
    said = []
    with begun(transport, said) as sweep:
        remotes = sweep.interpreters()
        lines = sorted(line.partition(" (")[0] + line.partition(")")[2] for line in sweep_summary(remotes))
        assert lines == [
            "3 on Abacus 10, 2 processors, 8 GiB, Linux 6.1: 1 worker",
            "3 on Abacus 9, 2 processors, 8 GiB, Linux 6.1: 2 workers",
        ]
        assert len({remote.describe("small.py")["slug"] for remote in remotes}) == 2
    assert said == []


def test_a_worker_of_another_version_is_refused_with_a_sentence():
    """The others measure, and the exit status will say that one did not."""

    def old(name, ask):
        return {"garbology": "0.0.1", "has_code": True}

    said = []
    with begun(InProcess(one=made_up(), two=old), said) as sweep:
        assert len(sweep.interpreters()) == 1
        assert sweep.failures == 1
    version = worker.garbology.__version__
    assert said == [
        f"worker tcp://two is refused: it has garbology 0.0.1, this is {version}: install that there"
    ]


def test_workers_say_what_they_have(monkeypatch):
    """Hardware and interpreters of each, as `matrix --list` does of this machine."""
    monkeypatch.setattr(worker, "describe", lambda found: ["3.13.0  /usr/bin/python3.13"])
    with begun(InProcess(one=as_it_is), []) as sweep:
        first, second = sweep.announcements()
    assert first.startswith("worker tcp://one: ")
    assert "GiB" in first
    assert second == "  3.13.0  /usr/bin/python3.13"


def test_other_packages_on_like_hardware_are_refused():
    """One record cannot say what it was measured with if that was two things."""
    said = []
    transport = InProcess(one=made_up(packages={"numpy": "2"}), two=made_up(packages={"numpy": "1"}))
    with begun(transport, said) as sweep:
        (remote,) = sweep.interpreters()
        assert remote.worker_count == 1
    assert len(said) == 1
    assert "is refused for 3: it has other packages or settings than the others of its hardware" in said[0]


def test_what_a_worker_cannot_run_is_its_own_sentence():
    """As on one machine: the study is not measured there, and the others are."""

    def lacking(name, ask):
        told = made_up()(name, ask)
        for found in told.get("interpreters", ()):
            found["lacking"] = {"small.py": "3 cannot run the study: No module named 'torch'"}
        return told

    with begun(InProcess(one=lacking), []) as sweep:
        (remote,) = sweep.interpreters()
        with pytest.raises(InterpreterError, match="No module named 'torch'"):
            remote.describe("small.py")


@pytest.mark.slow
def test_without_a_worker_that_can_measure_there_is_no_sweep():
    """Whether there is none, or all were refused; the remedy is said."""

    def unfit(name, ask):
        raise GoneError("ModuleNotFoundError: No module named 'garbology.cluster'")

    said = []
    with (
        begun(InProcess(), said) as sweep,
        pytest.raises(LostError, match="it has no workers: start one with"),
    ):
        sweep.interpreters()
    with begun(InProcess(one=unfit), said) as sweep, pytest.raises(LostError, match="no worker can measure"):
        sweep.interpreters()
    assert said == [
        "worker tcp://one is refused: it or its scheduler has no garbology.cluster: pip install "
        "'garbology[cluster]' there"
    ]


def test_a_worker_that_comes_late_takes_part():
    """If it measures alike with some that were there; else it is named and left out."""
    said = []
    transport = InProcess(one=made_up(), two=made_up(), three=made_up(cpu_model="Abacus 10"))
    everyone, transport.present = transport.present, transport.present[:1]
    with begun(transport, said) as sweep:
        (remote,) = sweep.interpreters()
        transport.present = everyone
        deadline = threading.Event()
        for _ in range(200):
            if remote.worker_count == 2 and said:
                break
            deadline.wait(0.02)
        assert remote.worker_count == sweep.at_once() == 2
    assert said == [
        "worker tcp://three came late with what nobody had, 3 on Abacus 10, 2 processors, 8 GiB, Linux 6.1: not used"
    ]


@pytest.fixture
def write_small(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(
        '"""A study."""\n'
        "from dataclasses import dataclass\n"
        "from garbology.study import Study\n"
        "import garbology\n"
        "@dataclass(frozen=True)\n"
        "class Result:\n"
        "    total: int\n"
        "    place: str\n"
        'study = Study("Small", {"n": [4]}, repeats=1, most_repeats=1)\n'
        "@study.measure\n"
        "def work(n: int) -> Result:\n"
        '    """Work."""\n'
        "    return Result(2 * n, garbology.__file__)\n"
    )
    return str(path)
