"""Memory recorders: usage, peaks of resident memory, and traced allocations."""

import mmap
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest

from garbology.recorders import memory, memory_usage, peak_memory, traced_allocations

MIB = 1 << 20
needs_proc = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no /proc/self/clear_refs")


def touch(mebibytes):
    """Map and write as many MiB and unmap them: malloc would reuse free memory that is resident already."""
    with mmap.mmap(-1, mebibytes * MIB) as block:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
        return len(block)


def touch_and_fail(mebibytes):
    return touch(mebibytes) / 0


def test_usage_agrees_with_the_operating_system():
    """RSS is psutil's, USS is at most RSS, and the peak at least RSS less the kernel's rounding."""
    usage = memory_usage()
    assert usage.rss_bytes == pytest.approx(psutil.Process().memory_info().rss, abs=4 * MIB)
    assert 0 < usage.uss_bytes <= usage.rss_bytes + MIB
    if sys.platform == "linux":
        assert usage.uss_bytes <= usage.pss_bytes + MIB
        assert usage.peak_rss_bytes >= usage.rss_bytes - MIB


def test_usage_sees_written_memory():
    """Memory counts when it is written, and is gone from RSS and USS when a large block is freed."""
    before = memory_usage()
    block = bytearray(b"\1") * (64 * MIB)
    during = memory_usage()
    del block
    after = memory_usage()
    assert during.rss_bytes - before.rss_bytes == pytest.approx(64 * MIB, abs=4 * MIB)
    assert during.uss_bytes - before.uss_bytes == pytest.approx(64 * MIB, abs=4 * MIB)
    if before.anonymous_bytes is not None:
        assert during.anonymous_bytes - before.anonymous_bytes == pytest.approx(64 * MIB, abs=4 * MIB)
    assert after.rss_bytes - before.rss_bytes == pytest.approx(0, abs=4 * MIB)


def test_usage_of_another_process():
    """Any process of ours can be asked by its id; one that does not exist is psutil's error."""
    script = "block = bytearray(b'1') * (50 << 20); print('ready', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe) as child:
        child.stdout.readline()
        usage = memory_usage(child.pid)
        child.communicate(b"\n")
    assert usage.uss_bytes > 50 * MIB
    with pytest.raises(psutil.NoSuchProcess):
        memory_usage(child.pid)


def test_without_proc_there_is_no_peak():
    """Where /proc has no such process the peak is None, not an error."""
    assert memory._peak_rss_bytes(2**31 - 1) is None


@pytest.mark.slow
@needs_proc
def test_a_fresh_child_does_not_inherit_the_peak():
    """The peak begins anew with exec, unlike ru_maxrss, which a child inherits from a large parent."""
    block = bytearray(b"\1") * (200 * MIB)
    script = (
        "import resource; from garbology.recorders import memory_usage;"
        "print(memory_usage().peak_rss_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    # With preexec_fn the child is forked; otherwise subprocess uses vfork, which copies no memory figures.
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, preexec_fn=os.getpid
    )
    del block
    peak_bytes, maxrss_bytes = map(int, done.stdout.split())
    assert peak_bytes < 150 * MIB
    assert maxrss_bytes > 200 * MIB


@needs_proc
def test_a_peak_that_is_over_is_seen():
    """Memory allocated and freed within the block is in its peak, and an earlier peak is not."""
    touch(128)
    with peak_memory() as peak:
        touch(32)
    assert peak.method == "VmHWM"
    assert peak.above_baseline_bytes == pytest.approx(32 * MIB, abs=4 * MIB)


@needs_proc
def test_a_quiet_block_has_no_peak():
    """A block that allocates nothing stays at its baseline, however high memory was before."""
    touch(128)
    with peak_memory() as peak:
        pass
    assert 0 <= peak.above_baseline_bytes < 2 * MIB


@needs_proc
def test_nested_peaks_do_not_take_each_others():
    """Resetting the mark for an inner block loses nothing of the outer block's peak."""
    with peak_memory() as outer:
        touch(96)
        with peak_memory() as inner:
            touch(24)
    assert outer.above_baseline_bytes == pytest.approx(96 * MIB, abs=4 * MIB)
    assert inner.above_baseline_bytes == pytest.approx(24 * MIB, abs=4 * MIB)


@needs_proc
def test_a_peak_before_an_exception_is_kept():
    """The peak is final and the exception goes through, and no block is left running."""
    with pytest.raises(ZeroDivisionError), peak_memory() as peak:
        touch_and_fail(32)
    assert peak.above_baseline_bytes > 28 * MIB
    assert memory._VM_HWM._running == []


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError])
def test_where_the_mark_cannot_be_reset_it_is_sampled(monkeypatch, error):
    """Without permission a helper samples instead, the method says so, and a lasting peak is still seen."""

    def refuse():
        raise error("clear_refs")

    monkeypatch.setattr(memory._VM_HWM, "_reset", refuse)
    with peak_memory() as peak:
        block = bytearray(b"\1") * (64 * MIB)
        while memory_usage().rss_bytes < peak.baseline_bytes + 60 * MIB:
            pass
    assert len(block) == 64 * MIB
    assert peak.method == "sampled"
    assert peak.above_baseline_bytes == pytest.approx(64 * MIB, abs=4 * MIB)
    assert memory._VM_HWM._running == []


def test_traced_allocations_peak_and_rest():
    """The peak is the highest total in the block, the rest what is left of it."""
    with traced_allocations() as traced:
        kept = [bytes(1000) for _ in range(100)]
        temporary = bytes(5 * MIB)
        del temporary
    assert len(kept) == 100
    assert traced.peak_bytes == pytest.approx(5 * MIB + 100_000, abs=50_000)
    assert traced.current_bytes == pytest.approx(103_300, abs=10_000)
    assert 100 <= traced.blocks < 150
    assert traced.numpy_bytes == 0
    assert not tracemalloc.is_tracing()


def test_array_data_is_told_apart():
    """NumPy's array data is in the total and given separately."""
    with traced_allocations() as traced:
        array = np.ones(100_000)
    assert traced.numpy_bytes == array.nbytes == 800_000
    assert traced.current_bytes >= 800_000


def test_tracing_that_was_on_goes_on():
    """A program that traces itself goes on tracing, with its own number of frames; only differences count."""
    tracemalloc.start(7)
    try:
        earlier = np.ones(100_000)
        with traced_allocations() as traced:
            pass
        assert tracemalloc.is_tracing()
        assert tracemalloc.get_traceback_limit() == 7
        assert tracemalloc.get_traced_memory()[0] >= earlier.nbytes
    finally:
        tracemalloc.stop()
    assert traced.peak_bytes < 20_000
    assert traced.numpy_bytes == 0
    assert abs(traced.current_bytes) < 20_000


def test_traced_blocks_may_be_nested():
    """An inner block keeps its own peak and leaves the outer one's alone, its bookkeeping left out."""
    with traced_allocations() as outer:
        temporary = bytes(3 * MIB)
        del temporary
        with traced_allocations() as inner:
            temporary = bytes(MIB)
            del temporary
    assert inner.peak_bytes == pytest.approx(MIB, abs=20_000)
    assert outer.peak_bytes == pytest.approx(3 * MIB, abs=50_000)


def test_tracing_stops_after_an_exception():
    """The state of tracing is put back and the peak is there when the block raises."""
    with pytest.raises(ZeroDivisionError), traced_allocations() as traced:
        len(bytes(MIB)) / 0
    assert not tracemalloc.is_tracing()
    assert traced.peak_bytes >= MIB


def test_a_block_that_stops_tracing_itself():
    """When the block switches tracing off there is nothing left to read, and no error."""
    with traced_allocations() as traced:
        tracemalloc.stop()
    assert traced.current_bytes == 0
    assert not tracemalloc.is_tracing()
