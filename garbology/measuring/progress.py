"""What a person sees while a study runs: a bar on a terminal, sparse lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from garbology.study.wording import counted

_SECONDS_BETWEEN_LINES = 15.0


@dataclass(frozen=True)
class Expectation:
    """How far a command is: samples taken and expected in all, and seconds left where that can be estimated.

    The total is the most there may be unless it is `exact`: how often a case is repeated depends on its samples.
    """

    done: int
    total: int
    exact: bool = True
    seconds_left: float | None = None

    @property
    def count(self) -> str:
        """Done of how many: '12/60', '12/~60' where that is the most there may be."""
        return f"{self.done}/{'' if self.exact else '~'}{self.total}"


class Progress(Protocol):
    """Hears of every sample before and after it is taken."""

    def begin(self, study: str, case: str) -> None:
        """`case` is under way."""

    def end(self, study: str, problem: str = "") -> None:
        """A case of `study` is done; `problem` says which and what became of it where it was not measured."""

    def expect(self, expectation: Expectation) -> None:
        """How far it is now."""

    def paused(self) -> AbstractContextManager[Any]:
        """Inside, something else may be written to the terminal."""


@contextmanager
def progress_of(title: str, expectation: Expectation, stream: TextIO | None = None) -> Iterator[Progress]:
    """A progress display of what is expected on `stream`, standard error unless given."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield Lines(title, expectation, stream)
        return
    try:
        from rich.progress import Progress as Bar
    except ImportError:
        yield Lines(title, expectation, stream)
        return
    with Bar(*_columns(), console=_console(stream), transient=True, redirect_stdout=False) as bar:
        yield _Bar(bar, title, expectation)


class Lines:
    """A line at the beginning, then one every quarter of a minute, and one for each case that went wrong."""

    def __init__(self, title: str, expectation: Expectation, stream: TextIO) -> None:
        self._title = title
        self._now = expectation
        self._stream = stream
        self._started = self._written = time.monotonic()
        left = expectation.total - expectation.done
        if left:
            self._say(f"{'' if expectation.exact else 'at most '}{counted(left, 'sample')} to take")

    def begin(self, study: str, case: str) -> None:
        """Say the case where nothing was said for a while."""
        if time.monotonic() - self._written >= _SECONDS_BETWEEN_LINES:
            named = case if study == self._title else f"{study} {case}"
            self._say(f"{self._now.count}, {self._time_left()}, now {named}")

    def end(self, study: str, problem: str = "") -> None:
        """Say what went wrong at once."""
        if problem:
            self._say(problem if study == self._title else f"{study} {problem}")

    def expect(self, expectation: Expectation) -> None:
        """Say so when all is done."""
        self._now = expectation
        if expectation.done == expectation.total and expectation.exact:
            self._say(f"{expectation.count} in {time.monotonic() - self._started:.0f} s")

    def paused(self) -> AbstractContextManager[Any]:
        """Lines do not mind others."""
        return nullcontext()

    def _time_left(self) -> str:
        left = self._now.seconds_left
        if left is None:
            return "time left unknown"
        return f"{'about' if self._now.exact else 'at most about'} {left:.0f} s left"

    def _say(self, text: str) -> None:
        self._written = time.monotonic()
        print(f"{self._title}: {text}", file=self._stream, flush=True)


class _Bar:
    def __init__(self, bar: Any, title: str, expectation: Expectation) -> None:
        self._bar = bar
        self._title = title
        self._task = bar.add_task(title, total=expectation.total, case="", count="", ends=None)
        self.expect(expectation)

    def begin(self, study: str, case: str) -> None:
        self._bar.update(self._task, case=case if study == self._title else f"{study} {case}")

    def end(self, study: str, problem: str = "") -> None:
        if problem:
            self._bar.console.print(f"{study}: {problem}", markup=False, highlight=False)

    def expect(self, expectation: Expectation) -> None:
        left = expectation.seconds_left
        self._bar.update(
            self._task,
            completed=expectation.done,
            total=expectation.total,
            count=expectation.count,
            ends=None if left is None else time.monotonic() + left,
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()


def _columns() -> list[Any]:
    from rich.progress import BarColumn, ProgressColumn, TextColumn
    from rich.table import Column
    from rich.text import Text

    class CaseColumn(ProgressColumn):
        """The case under way: the only column that a narrow terminal cuts, and it stays on its line."""

        def render(self, task: Any) -> Text:
            """Return the case's text, cut where the line ends."""
            return Text(task.fields["case"], no_wrap=True, overflow="ellipsis")

    class TimeLeftColumn(ProgressColumn):
        """Hours, minutes and seconds until the expected end."""

        def render(self, task: Any) -> Text:
            """Return the time left as text."""
            return Text(_clock(task.fields["ends"]), style="progress.remaining")

    def whole() -> Column:
        return Column(no_wrap=True)

    return [
        TextColumn("{task.description}", markup=False, table_column=whole()),
        BarColumn(bar_width=20, table_column=whole()),
        TextColumn("{task.fields[count]}", markup=False, table_column=whole()),
        TimeLeftColumn(table_column=whole()),
        CaseColumn(),
    ]


def _clock(ends: float | None) -> str:
    if ends is None:
        return "-:--:--"
    minutes, seconds = divmod(max(0, round(ends - time.monotonic())), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _console(stream: TextIO) -> Any:
    from rich.console import Console

    return Console(file=stream)
