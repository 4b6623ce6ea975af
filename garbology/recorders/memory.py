"""What the operating system says a process holds: now, and at its highest.

psutil is imported late throughout the recorders, so that those which need no operating system work without
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from garbology.recorders.peaks import SharedPeak
from garbology.recorders.sampler import sample_memory


@dataclass(frozen=True)
class MemoryUsage:
    """The memory of a process, in bytes.

    ``rss_bytes`` (resident set size) counts every page in RAM, shared ones too; it often does not fall after
    objects are freed, because an allocator gives back whole pages only, and rises only when pages are written
    (``np.zeros`` is not resident yet). ``uss_bytes`` (unique set size) is what the process alone holds and
    would give back by ending; ``pss_bytes`` (proportional set size) shares each shared page out among its
    holders. ``anonymous_bytes`` is the part of RSS that is no file's: the heap and the stacks. Its growth is the
    program's own even while other processes begin and end, which changes USS and PSS, for they share libraries'
    pages with this one. ``peak_rss_bytes`` is the highest RSS since the process began or since ``peak_memory`` reset it
    (VmHWM). None where the platform does not tell.
    """

    rss_bytes: int
    uss_bytes: int | None
    pss_bytes: int | None
    peak_rss_bytes: int | None
    anonymous_bytes: int | None


def memory_usage(pid: int | None = None) -> MemoryUsage:
    """Measure the memory of a process, by default this one.

    Takes 0.1 ms in a small process and milliseconds in a large one: for USS the kernel walks the page tables.

    The peak is not ``ru_maxrss``: that survives fork *and exec*, so a fresh interpreter started by a parent
    of 400 MB reports 400 MB. VmHWM, in /proc/PID/status, begins anew with exec.

    Raises
    ------
    psutil.NoSuchProcess, psutil.AccessDenied : no process of that id, or one of another user.
    """
    import psutil

    process = psutil.Process(pid)
    # psutil 8 gives what memory_full_info gave under a new name, and deprecates the old one.
    footprint = getattr(process, "memory_footprint", process.memory_full_info)()
    return MemoryUsage(
        rss_bytes=process.memory_info().rss,
        uss_bytes=getattr(footprint, "uss", None),
        pss_bytes=getattr(footprint, "pss", None),
        peak_rss_bytes=_peak_rss_bytes(process.pid),
        anonymous_bytes=_told_by_proc(process.pid, "smaps_rollup", "Anonymous"),
    )


def anonymous_bytes() -> int | None:
    """The part of this process's RSS that is no file's, as :class:`MemoryUsage` has it, in 0.05 ms; None if unknown."""
    return _told_by_proc("self", "status", "RssAnon")


def _peak_rss_bytes(pid: int | Literal["self"]) -> int | None:
    """Read VmHWM; None where there is no /proc."""
    return _told_by_proc(pid, "status", "VmHWM")


def _told_by_proc(pid: int | Literal["self"], file: str, name: str) -> int | None:
    """The bytes of one line of a file of /proc, whose unit is kB; None where there is no such line or file."""
    try:
        text = Path(f"/proc/{pid}/{file}").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


@dataclass
class PeakMemory:
    """The highest resident memory of a block.

    ``method`` says how it was found: "VmHWM" (the kernel's own mark, which no peak escapes) or "sampled"
    (looked at from outside at intervals; shorter peaks escape, so the peak is a lower bound).
    """

    baseline_bytes: int
    peak_bytes: int
    method: Literal["VmHWM", "sampled"] = "VmHWM"

    @property
    def above_baseline_bytes(self) -> int:
        """How far the peak rose above the RSS at the beginning of the block."""
        return self.peak_bytes - self.baseline_bytes


@contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Measure the peak of the resident memory of a block; gives a ``PeakMemory``, final at the block's end.

    On Linux the kernel's mark is reset by writing 5 to /proc/self/clear_refs (see proc(5)). It cannot be set
    back: after a block, VmHWM and ``ru_maxrss`` of this process tell the peak since the block began. Where it
    cannot be reset a helper process samples instead, and ``method`` says so. Blocks may be nested.
    """
    import psutil

    rss_bytes = psutil.Process().memory_info().rss
    peak = PeakMemory(baseline_bytes=rss_bytes, peak_bytes=rss_bytes)
    try:
        _VM_HWM.start(peak)
    except OSError:
        peak.method = "sampled"
    if peak.method == "sampled":
        yield from _sampled(peak)
        return
    try:
        yield peak
    finally:
        _VM_HWM.stop(peak)


def _sampled(peak: PeakMemory) -> Iterator[PeakMemory]:
    samples = None
    try:
        with sample_memory() as samples:
            yield peak
    finally:
        if samples is not None:
            peak.peak_bytes = max(peak.peak_bytes, samples.peak_bytes)


def _read_own_peak() -> int:
    peak_bytes = _peak_rss_bytes("self")
    if peak_bytes is None:
        raise FileNotFoundError("VmHWM is not in /proc/self/status on this platform")
    return peak_bytes


def _reset_own_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


_VM_HWM = SharedPeak(_read_own_peak, _reset_own_peak)
