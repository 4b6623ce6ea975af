"""Resident memory over time, looked at from outside: a helper process samples, the sampled one is left alone.

Run as ``python -m garbology.recorders.sampler PID [INTERVAL_SECONDS]`` it samples any process until that
ends, or until a line, the end of its input or Ctrl-C comes, and then prints one line a sample:
``time.perf_counter()`` seconds, bytes.
"""

# The helper runs this file by its path, without the package: the standard library and psutil are enough.
from __future__ import annotations

import os
import sys
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    import psutil

HEADER = "perf_counter_seconds rss_bytes"
_PATIENCE_SECONDS = 10.0
_LONGEST_SECONDS = 86_400.0  # a day: far below what a system can wait for


class MemorySamples:
    """The resident set size of a process over a block; filled at the block's end.

    ``seconds`` (after the block's beginning, ``array('d')``) and ``rss_bytes`` (``array('q')``) have one
    entry a sample; ``numpy.asarray`` makes arrays of them without copying. The first sample is taken before
    the block begins, at a time just below zero.
    """

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self.seconds = array("d")
        self.rss_bytes = array("q")

    @property
    def baseline_bytes(self) -> int:
        """RSS as the block began; 0 where nothing was sampled."""
        return self.rss_bytes[0] if self.rss_bytes else 0

    @property
    def peak_bytes(self) -> int:
        """The highest sample: a lower bound, since peaks shorter than the interval escape."""
        return max(self.rss_bytes, default=0)

    def __len__(self) -> int:
        return len(self.seconds)


@contextmanager
def sample_memory(interval_seconds: float = 0.005, pid: int | None = None) -> Iterator[MemorySamples]:
    """Sample the RSS of a process, by default this one, for a block; gives ``MemorySamples``.

    Starting the helper process takes about 0.1 s and is over before the block begins. Until the end of the
    block the samples are in the helper, so they do not grow the heap that they are about. The helper ends
    with the block or with the sampled process, whichever comes first.

    Raises
    ------
    TypeError : the interval is no number.
    ValueError : the interval is not above 0, or longer than a day.
    RuntimeError : the helper did not start, such as for want of psutil, of processes, or of the process
    ``pid``.
    """
    interval_seconds = _checked(interval_seconds)
    samples = MemorySamples(interval_seconds)
    owner = os.getpid()
    helper = _start(owner if pid is None else pid, interval_seconds)
    began_at = perf_counter()
    try:
        yield samples
    finally:
        if os.getpid() == owner:  # in a forked child the helper is its parent's
            _fill(samples, _finish(helper), began_at)


def _checked(interval_seconds: object) -> float:
    """The interval as a float; TypeError or ValueError, with the value and a remedy, where it is none."""
    kind = type(interval_seconds)
    if kind is bool or not hasattr(kind, "__float__"):  # text that says a number is none
        raise TypeError(
            f"interval_seconds must be a number of seconds, such as 0.005, got {interval_seconds!r} "
            f"({kind.__name__})"
        )
    shortest, longest = "above 0", f"at most {_LONGEST_SECONDS:.0f} (a day)"
    try:
        seconds = float(interval_seconds)  # type: ignore[arg-type]  # it has __float__
    except OverflowError:
        raise ValueError(
            f"interval_seconds must be {longest}, such as 0.005, got a number too large"
        ) from None
    if not 0 < seconds <= _LONGEST_SECONDS:
        bound = longest if seconds > 0 else shortest
        raise ValueError(f"interval_seconds must be {bound}, such as 0.005, got {interval_seconds!r}")
    return seconds


def _start(pid: int, interval_seconds: float) -> subprocess.Popen[str]:
    import subprocess

    command = [sys.executable, __file__, str(pid), repr(interval_seconds)]
    pipe = subprocess.PIPE
    try:
        # A session of its own, so that Ctrl-C in the terminal reaches the program and not the helper.
        helper = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
    except OSError as error:
        raise RuntimeError(
            f"the memory sampler cannot be started with {sys.executable!r}: {error}"
        ) from error
    if _line(helper.stdout) == HEADER:
        return helper
    helper.kill()
    said = helper.communicate()[1].strip().splitlines() or ["it said nothing"]
    raise RuntimeError(f"the memory sampler of process {pid} did not start: {said[-1]}")


def _line(stream: IO[str] | None) -> str:
    return stream.readline().strip() if stream else ""


def _finish(helper: subprocess.Popen[str]) -> str:
    """Have the helper end, and wait for it, so that it is never left a zombie; what it printed."""
    import subprocess

    try:
        return helper.communicate("stop\n", timeout=_PATIENCE_SECONDS)[0]
    except subprocess.TimeoutExpired:
        helper.kill()
        return helper.communicate()[0]
    except BaseException:  # such as Ctrl-C while waiting
        helper.kill()
        helper.wait()
        raise


def _fill(samples: MemorySamples, text: str, began_at: float) -> None:
    for line in text.splitlines():
        seconds, _, rss_bytes = line.partition(" ")
        if rss_bytes:  # a helper that was killed may leave half a line
            samples.seconds.append(float(seconds) - began_at)
            samples.rss_bytes.append(int(rss_bytes))


def main(arguments: list[str]) -> int:
    """Sample the process named on the command line (see the module) and print the samples at the end."""
    import psutil

    try:
        pid, interval_seconds = int(arguments[0]), _checked(float(arguments[1]) if arguments[1:] else 0.005)
    except (IndexError, ValueError) as error:
        print(f"{error}; usage: sampler PID [INTERVAL_SECONDS]", file=sys.stderr)  # noqa: T201
        return 2
    try:
        process = psutil.Process(pid)
        seconds, rss_bytes = array("d", [perf_counter()]), array("q", [process.memory_info().rss])
    except psutil.Error as error:
        print(f"cannot sample: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(HEADER, flush=True)  # noqa: T201
    with suppress(psutil.Error, KeyboardInterrupt):  # the process is gone, or the user has seen enough
        _sample(process, interval_seconds, seconds, rss_bytes)
    for second, number in zip(seconds, rss_bytes, strict=True):
        print(f"{second:.6f} {number}")  # noqa: T201
    return 0


def _sample(
    process: psutil.Process, interval_seconds: float, seconds: array[float], rss_bytes: array[int]
) -> None:
    """Append samples until a line or the end of standard input comes, or the process is gone."""
    stop = threading.Event()
    threading.Thread(target=_set_at_next_line, args=(stop,), daemon=True).start()
    while not stop.wait(interval_seconds):
        rss = process.memory_info().rss
        if rss == 0 or not process.is_running():  # 0: a zombie has no memory any more
            return
        seconds.append(perf_counter())
        rss_bytes.append(rss)
    seconds.append(perf_counter())
    rss_bytes.append(process.memory_info().rss)


def _set_at_next_line(stop: threading.Event) -> None:
    os.read(0, 1)  # not sys.stdin: a thread inside it when the interpreter ends is a fatal error
    stop.set()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
