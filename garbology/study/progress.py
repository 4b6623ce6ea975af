"""What a person sees while a study runs: a bar on a terminal, sparse lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

_SECONDS_BETWEEN_LINES = 15.0


class Progress(Protocol):
    """Told of every case before and after it is measured."""

    def begin(self, case: str) -> None:
        """`case` is under way."""

    def end(self, problem: str = "") -> None:
        """It is done; `problem` says what became of it where it was not measured."""


@contextmanager
def progress_of(study: str, total: int, stream: TextIO | None = None) -> Iterator[Progress]:
    """A progress display of `total` cases on `stream`, standard error unless given."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield Lines(study, total, stream)
        return
    try:
        from rich.progress import Progress as Bar
    except ImportError:
        yield Lines(study, total, stream)
        return
    with Bar(*_columns(), console=_console(stream), transient=True) as bar:
        yield _Bar(bar, study, total)


class Lines:
    """A line at the beginning, then one every quarter of a minute, and one for each case that went wrong."""

    def __init__(self, study: str, total: int, stream: TextIO) -> None:
        self._study = study
        self._total = total
        self._stream = stream
        self._done = 0
        self._case = ""
        self._started = self._written = time.monotonic()
        self._say(f"{total} cases to measure")

    def begin(self, case: str) -> None:
        """Remember the case; say it where nothing was said for a while."""
        self._case = case
        if time.monotonic() - self._written >= _SECONDS_BETWEEN_LINES:
            self._say(f"{self._done}/{self._total}, {self._time_left()}, now {case}")

    def end(self, problem: str = "") -> None:
        """Count the case; say what went wrong at once."""
        self._done += 1
        if problem:
            self._say(f"{self._done}/{self._total} {self._case} {problem}")
        elif self._done == self._total:
            self._say(f"{self._done}/{self._total} in {time.monotonic() - self._started:.0f} s")

    def _time_left(self) -> str:
        if not self._done:
            return "time left unknown"
        left = (time.monotonic() - self._started) / self._done * (self._total - self._done)
        return f"about {left:.0f} s left"

    def _say(self, text: str) -> None:
        self._written = time.monotonic()
        print(f"{self._study}: {text}", file=self._stream, flush=True)


class _Bar:
    def __init__(self, bar: Any, study: str, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task(study, total=total, case="")
        self._study = study
        self._case = ""

    def begin(self, case: str) -> None:
        self._case = case
        self._bar.update(self._task, case=case)

    def end(self, problem: str = "") -> None:
        if problem:
            self._bar.console.print(f"{self._study}: {self._case} {problem}", markup=False, highlight=False)
        self._bar.advance(self._task)


def _columns() -> list[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class CaseColumn(ProgressColumn):
        """The case under way: the only column that a narrow terminal cuts, and it stays on its line."""

        def render(self, task: Any) -> Text:
            """Return the case's text, cut where the line ends."""
            return Text(task.fields["case"], no_wrap=True, overflow="ellipsis")

    def whole() -> Column:
        return Column(no_wrap=True)

    return [
        TextColumn("{task.description}", markup=False, table_column=whole()),
        BarColumn(bar_width=20, table_column=whole()),
        MofNCompleteColumn(table_column=whole()),
        TimeRemainingColumn(table_column=whole()),
        CaseColumn(),
    ]


def _console(stream: TextIO) -> Any:
    from rich.console import Console

    return Console(file=stream)
