"""The memory sampler: it looks from outside, and ends with what it looks at."""

import gc
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import psutil
import pytest

from garbology.recorders import sample_memory, sampler

MIB = 1 << 20
CHILD = """
import sys, time
from garbology.recorders import sample_memory
with sample_memory():
    import psutil
    print(psutil.Process().children()[0].pid, flush=True)
    time.sleep(60)
"""
FORKS = """
import os, time
from garbology.recorders import sample_memory
with sample_memory() as samples:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        time.sleep(0.2)
if not child:
    os._exit(0)
print(samples.seconds[-1])
"""


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def children():
    return psutil.Process().children()


def test_a_rise_and_fall_is_sampled():
    """A block of memory held for a while shows in samples taken in that time, and not in those after it."""
    with sample_memory(interval_seconds=0.005) as samples:
        began_at = time.perf_counter()
        block = bytearray(b"\1") * (64 * MIB)
        time.sleep(0.15)
        del block
        freed_after = time.perf_counter() - began_at
        time.sleep(0.15)
        took = time.perf_counter() - began_at
    assert samples.peak_bytes - samples.baseline_bytes == pytest.approx(64 * MIB, abs=6 * MIB)
    assert samples.rss_bytes[-1] - samples.baseline_bytes < 8 * MIB
    assert list(samples.seconds) == sorted(samples.seconds)
    assert samples.seconds[0] < 0 < samples.seconds[1]
    assert samples.seconds[-1] < took + 0.5
    highest_at = samples.seconds[list(samples.rss_bytes).index(samples.peak_bytes)]
    assert 0 < highest_at < freed_after + 0.02


def test_samples_come_at_the_interval():
    """About as many samples are taken as the interval asks for; never more."""
    with sample_memory(interval_seconds=0.01) as samples:
        time.sleep(0.5)
    assert len(samples) == len(samples.rss_bytes)
    assert 10 <= len(samples) <= 55


def test_no_process_is_left_behind():
    """After the block, also after an exception, the helper is gone and not a zombie."""
    before, during = {child.pid for child in children()}, set()
    with pytest.raises(ZeroDivisionError), sample_memory() as samples:
        during.update({child.pid for child in children()} - before) or 1 / 0
    assert len(during) == 1
    assert {child.pid for child in children()} == before
    assert not psutil.pid_exists(during.pop())
    assert len(samples) >= 2


def test_samples_are_not_on_the_sampled_heap():
    """While the block runs no sample reaches this process, and no tracked object or thread is added."""
    with sample_memory(interval_seconds=0.001) as samples:
        gc.collect()
        before = len(gc.get_objects())
        threads = psutil.Process().num_threads()
        time.sleep(0.2)
        assert len(gc.get_objects()) == before
        assert psutil.Process().num_threads() == threads
        assert len(samples) == 0
    assert len(samples) > 50


def test_another_process_can_be_sampled():
    """With ``pid`` another process is sampled, and the record ends when that process does."""
    script = "block = bytearray(b'1') * (40 << 20); input()"
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    started = time.monotonic()
    with child, sample_memory(pid=child.pid) as samples:
        time.sleep(0.3)
        child.communicate(b"\n")
        ended_after = time.monotonic() - started
        time.sleep(0.3)
    assert samples.peak_bytes > 40 * MIB
    assert samples.rss_bytes[-1] > 0
    assert samples.seconds[-1] < ended_after + 0.1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "kill"), reason="no signals")
def test_the_helper_ends_when_its_process_is_killed():
    """A sampled process killed in the middle leaves no helper running."""
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as child:
        helper = psutil.Process(int(child.stdout.readline()))
        assert helper.is_running()
        child.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_does_not_end_its_parents_sampler():
    """A child forked inside the block leaves it without touching the helper, which is its parent's."""
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.2


NUMBER = "interval_seconds must be a number of seconds, such as 0.005, got "
ABOVE = "interval_seconds must be above 0, such as 0.005, got "
AT_MOST = "interval_seconds must be at most 86400 (a day), such as 0.005, got "
WRONG_INTERVALS = [
    (0, ValueError, ABOVE + "0"),
    (-1.0, ValueError, ABOVE + "-1.0"),
    (float("nan"), ValueError, ABOVE + "nan"),
    (float("-inf"), ValueError, ABOVE + "-inf"),
    (float("inf"), ValueError, AT_MOST + "inf"),
    (1e10, ValueError, AT_MOST + "10000000000.0"),
    (10**5000, ValueError, AT_MOST + "a number too large"),
    ("0.005", TypeError, NUMBER + "'0.005' (str)"),
    (True, TypeError, NUMBER + "True (bool)"),
    (False, TypeError, NUMBER + "False (bool)"),
    (None, TypeError, NUMBER + "None (NoneType)"),
    (1j, TypeError, NUMBER + "1j (complex)"),
    ([1], TypeError, NUMBER + "[1] (list)"),
]


@pytest.mark.parametrize(("interval", "error", "message"), WRONG_INTERVALS, ids=range(len(WRONG_INTERVALS)))
def test_a_wrong_interval_is_named(interval, error, message):
    """What cannot be an interval is refused with its value and a remedy, and no helper is started."""
    before = len(children())
    with pytest.raises(error) as raised:
        sample_memory(interval).__enter__()
    assert str(raised.value) == message
    assert len(children()) == before


@pytest.mark.parametrize("interval", [1, np.float32(0.25), Fraction(1, 8), 86_400])
def test_any_number_of_seconds_is_an_interval(interval):
    """Whole numbers, NumPy's and fractions too; a block shorter than the interval has its first and last sample."""
    with sample_memory(interval) as samples:
        pass
    assert samples.interval_seconds == float(interval)
    assert len(samples) >= 2


@pytest.mark.parametrize("words", [[], ["x"], ["1", "inf"], ["1", "0"], ["1", "x"]])
def test_wrong_words_to_the_command_are_one_line(words, capsys):
    """Exit status 2, what is wrong, and how it is called."""
    assert sampler.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("; usage: sampler PID [INTERVAL_SECONDS]")


def test_a_process_that_does_not_exist_is_named():
    """A sampler that cannot start says of which process and why, and leaves no helper."""
    before = len(children())
    with pytest.raises(RuntimeError, match=r"sampler of process 2147483647 did not start: cannot sample"):
        sample_memory(pid=2**31 - 1).__enter__()
    assert len(children()) == before


def test_an_interpreter_that_does_not_start_is_named(monkeypatch):
    """Where no helper process can be started, that is the error."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RuntimeError, match="cannot be started with '/nowhere/python'"):
        sample_memory().__enter__()


def test_a_helper_that_was_killed_leaves_what_it_said():
    """A helper killed by somebody else is no error: the samples are what arrived, here none."""
    before = {child.pid for child in children()}
    with sample_memory() as samples:
        (helper,) = (child for child in children() if child.pid not in before)
        helper.kill()
        helper.wait(10)
    assert len(samples) == 0
    assert (samples.peak_bytes, samples.baseline_bytes) == (0, 0)


@pytest.mark.slow
def test_the_command_samples_any_process():
    """``python -m garbology.recorders.sampler PID INTERVAL`` prints a header and a line a sample."""
    done = subprocess.run(
        [sys.executable, "-m", "garbology.recorders.sampler", str(os.getpid()), "0.01"],
        input="\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
    header, *lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert header == sampler.HEADER
    assert len(lines) >= 2
    seconds, rss_bytes = lines[0].split()
    assert float(seconds) < time.perf_counter()
    assert int(rss_bytes) > MIB


def test_the_helper_imports_no_numpy():
    """The helper is light: the standard library and psutil, not the package and what it needs."""
    script = (
        "import runpy, sys; sys.argv = ['sampler', '2147483647'];"
        f"module = runpy.run_path({sampler.__file__!r});"
        "assert module['main'](['2147483647']) == 1;"
        "assert 'psutil' in sys.modules;"
        "sys.exit(any(name.partition('.')[0] in ('numpy', 'scipy', 'garbology') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cannot sample" in done.stderr
