"""The front door: call something again and again, and say why memory grows by it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from garbology.find.to_the_end import Run, code_of
from garbology.find.window import find_cycles, watch
from garbology.growth.allocated import allocated_at
from garbology.growth.baseline import State
from garbology.growth.figures import add_waiting, fill_in, waiting_a_call
from garbology.growth.recording import Recorder
from garbology.growth.report import Report
from garbology.growth.text import is_unexplained
from garbology.interpreter import exclusive
from garbology.interpreter.allocators import block_rules, read_allocated
from garbology.interpreter.allocators import trim as give_back
from garbology.interpreter.tracing import untraced
from garbology.names.classes import safe_type_name

_CENSUSES = 6  # in all calls
_FEWEST_BETWEEN = 3  # calls between two censuses: the one after a census is disturbed by it
_FEWEST_CALLS = 2


def diagnose(
    func: Callable[..., object],
    /,
    *args: Any,
    calls: int = 50,
    warmup: int = 5,
    keys: bool = False,
    collect: bool = False,
    trim: bool = False,
    **kwargs: Any,
) -> Report:
    """Call ``func(*args, **kwargs)`` again and again, and say why memory grows: alive, waiting, kept, or not Python's.

    The collector is paused meanwhile, so that what waits for it is seen; nothing is collected, unless ``collect``. The
    figures are those of the allocators, known to the byte, and of the objects that are there; RSS decides nothing. What
    a call only begins is run to its end, as by :func:`garbology.find_cycles`. An exception of ``func`` goes through.
    Where C code keeps memory or leaks references, up to twenty more calls, under tracemalloc, tell the line that
    allocates it.

    Parameters
    ----------
    calls : that are measured, at least 2.
    warmup : calls before, which fill what is filled once. The last one is watched for the advice on cycles.
    keys : whether the report may tell keys of dictionaries, which are the program's data; else their types.
    collect : run the collector after each call: then nothing waits, and what grows grows in spite of it.
    trim : ask the C library to give back what it can in the end (``malloc_trim``), and say how much that was.

    Raises
    ------
    TypeError : ``func`` cannot be called, or it is asynchronous and an event loop runs in this thread.
    ValueError : ``calls`` or ``warmup`` is too small.
    """
    _check(func, calls, warmup)
    watched = None
    for number in range(warmup):
        if number == warmup - 1:
            watched = find_cycles(func, *args, **kwargs)
        else:
            _call(func, args, kwargs)
        if collect:
            gc.collect()
    report = Report(calls=calls, warmup=warmup, watched=watched, keys=keys)
    watching = None if collect else watch(looks=False, main=code_of(func))
    with diagnosing._of_calls(report, calls, watching, trim=trim):
        for _ in range(calls):
            _call(func, args, kwargs)
            if collect:
                gc.collect()
            report.step()
    report.allocated_at = _allocated_at(report, partial(_call, func, args, kwargs))
    return report


def _allocated_at(report: Report, call: Callable[[], object]) -> list[dict[str, Any]]:
    """Where that is allocated to which no object leads."""
    native = report.native if report.native and (report.native_low or 0) > 0 else 0.0
    unexplained = report.unexplained if is_unexplained(vars(report)) else 0.0
    parts = [part for part in (native, unexplained, report.unheld) if part > 0]
    return allocated_at(call, parts, int(report.calls)) if report.low > 0 and parts else []


def _call(func: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    run = Run(func)
    try:
        box = [func(*args, **kwargs)]
        run.finish(box)
    finally:
        run.close()


def _check(func: object, calls: int, warmup: int) -> None:
    if not callable(func):
        raise TypeError(
            f"diagnose() needs something to call, got {safe_type_name(type(func))}: diagnose(work, 1, 2) calls "
            "work(1, 2); for a loop write `with garbology.diagnosing() as report:` and report.step()"
        )
    if calls < _FEWEST_CALLS:
        raise ValueError(f"calls is at least {_FEWEST_CALLS}, got {calls!r}: growth is seen between calls")
    if warmup < 0:
        raise ValueError(f"warmup is at least 0, got {warmup!r}")


class diagnosing:  # noqa: N801 - reads as a verb in `with diagnosing() as report`
    """Say why memory grows in a block that marks its steps by ``report.step()``.

    As :func:`diagnose`, with steps in the place of calls. There is no warm-up; what fills and stops is told apart::

        with garbology.diagnosing() as report:
            for message in queue:
                handle(message)
                report.step()
        print(report)

    Parameters
    ----------
    every : steps between two looks at the heap, each of which takes some tenths of a second; after sixteen looks the
        distance doubles.
    keys, trim : as for :func:`diagnose`.

    Raises
    ------
    ValueError : ``every`` is below 1.
    """

    def __init__(self, every: int = 5, *, keys: bool = False, trim: bool = False) -> None:
        if every < 1:
            raise ValueError(f"every is at least 1, got {every!r}")
        self._report = Report(unit="step", ended=False, keys=keys)
        self._every, self._keys, self._trim = every, keys, trim
        self._watch: watch | None = watch(looks=False)
        self._recorder: Recorder | None = None

    @classmethod
    def _of_calls(cls, report: Report, calls: int, watching: watch | None, *, trim: bool) -> diagnosing:
        between = max(calls // _CENSUSES, min(_FEWEST_BETWEEN, calls // 2))
        self = cls(between, keys=report.keys, trim=trim)
        report.ended = False
        self._report, self._watch = report, watching
        return self

    def __enter__(self) -> Report:
        """Begin to measure.

        Raises
        ------
        RuntimeError : it measures already.
        """
        read_allocated(), block_rules()  # what they make once is not to be in the window
        if self._watch is not None:
            self._report.found = self._watch.__enter__()
        self._recorder = Recorder(self._watch._collections if self._watch else None, self._every)
        self._report._stepper = self._step
        try:
            self._start()
        except BaseException:
            self._close(sys.exc_info())
            raise
        return self._report

    @untraced
    def _start(self) -> None:
        with exclusive.analysis():
            if self._recorder is not None:
                self._recorder.start()

    @untraced
    def _step(self) -> None:
        with exclusive.analysis():
            if self._recorder is not None:
                self._recorder.step()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Say what was measured, also where an exception ends the block."""
        states = self._recorder.baseline.states if self._recorder is not None else []
        try:
            if self._recorder is not None and not sys.is_finalizing():
                self._finish(self._recorder, states)
        finally:
            self._close((kind, error, traceback))
        report = self._report
        add_waiting(report, waiting_a_call(report, states))
        self._report.ended = True

    def _close(self, error: Any) -> None:
        """Put back what was changed; ``error`` is what ends the block, as ``sys.exc_info`` has it."""
        recorder, self._recorder = self._recorder, None
        self._report._stepper = None
        try:
            if recorder is not None:
                recorder.close()
        finally:
            if self._watch is not None:
                self._watch.__exit__(*error)

    @untraced
    def _finish(self, recorder: Recorder, states: list[State]) -> None:
        with exclusive.analysis():
            last = recorder.finish()
            self._report.calls = recorder.steps
            fill_in(self._report, states, recorder.readings, last, keys=self._keys)
        if self._trim:
            self._report.trimmed_bytes = _given_back()


def _given_back() -> int | None:
    before = read_allocated()
    give_back()
    after = read_allocated()
    return max(before.kept - after.kept, 0) if before and after else None
