"""The command `garbology`: record a program or a running process, draw a recording again, compare two.

Exit status of ``run``: the program's own. Of the others: 0 done; 1 ``compare --fail-on-increase`` found one; 2 a wrong
option, a missing or newer file; 125 a program of ``compare`` failed, which `git bisect run` skips.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

import garbology
from garbology.cli.attaching import attach
from garbology.cli.compared_records import compare_records, has_records
from garbology.cli.comparison import Change, changes, comparison_lines
from garbology.cli.recording_options import patterns, recorded, whose_cycles
from garbology.cli.showing import made, recording_directory, say, show, shown
from garbology.find.scope import Scope
from garbology.monitoring.outside import Settings, record
from garbology.monitoring.recordings import Recording, RecordingError, intact, read_recording
from garbology.monitoring.summary import verdict

_USAGE = 2
_SKIPPED = 125
_DUMPS_CORE = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGQUIT")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command as a program; returns the exit status."""
    try:
        status: int | None = group.main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="garbology",
            standalone_mode=False,
        )
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        click.echo(f"garbology: {error.format_message()}", err=True)
        return _USAGE
    return status or 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(garbology.__version__)
def group() -> None:
    """See what only CPython's cyclic collector can free, in a program as it runs."""


group.add_command(attach)


class _LikePython(click.Command):
    """What follows a script, or the module after -m, is the program's, options and all."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments with `--` where ours end."""
        own: list[str] = []
        rest = list(args)
        while rest and rest[0].startswith("-") and rest[0] != "--":
            word = rest.pop(0)
            if word.startswith("-m"):
                module, rest = (word[2:], rest) if word[2:] else ("".join(rest[:1]), rest[1:])
                return super().parse_args(ctx, [*own, "-m", module, "--", *rest] if module else [*own, "-m"])
            own.append(word)
            if self._takes_value(word):
                own += rest[:1]
                del rest[:1]
        return super().parse_args(ctx, [*own, *rest])

    def _takes_value(self, word: str) -> bool:
        return any(
            word in each.opts and not each.is_flag for each in self.params if isinstance(each, click.Option)
        )


@group.command(
    cls=_LikePython,
    context_settings={"allow_interspersed_args": False},
    epilog="Example: garbology run -o report -m pytest tests",
)
@click.option("-m", "module", help="Run this module, as python -m does; what follows are its arguments.")
@click.option("--children", is_flag=True, help="Record the Python processes that it starts or forks as well.")
@click.option("--threshold", help="Of the collector, as in gc.set_threshold: 700 or 700,10,10.")
@recorded
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
def run(
    output: Path | None, module: str | None, budget: float, exact: bool, interval: float, threshold: str | None,
    only: tuple[str, ...], ignore: tuple[str, ...], program: tuple[str, ...], **switches: bool,
) -> int:  # fmt: skip
    """Run script.py with its arguments, unedited, and say what it left to the collector.

    The program's output, exit status and signals are its own. About twenty lines on standard error follow its end; with
    -o a page and the recording are written.
    """
    if not module and not program:
        raise click.UsageError("what is to be run? garbology run script.py, or garbology run -m module")
    if module is None and not Path(program[0]).exists():
        raise click.UsageError(f"{program[0]}: there is no such file")
    settings = Settings(
        budget=1.0 if exact else budget,
        interval_seconds=interval,
        threshold=_threshold(threshold),
        only=patterns("only", only),
        ignore=patterns("ignore", ignore),
        **switches,
    )
    words = [*(("-m", module) if module else ()), *program]
    with recording_directory(output) as directory:
        code = _run(words, directory, settings, keep=output is not None)
    return _as_it_ended(code)


def _run(words: Sequence[str], directory: Path, settings: Settings, *, keep: bool) -> int:
    try:
        code = record(words, directory, settings)
    except OSError as error:
        raise click.ClickException(f"the program cannot be run: {error}") from None
    show(directory, keep=keep, err=True)
    return code


def _as_it_ended(code: int) -> int:
    """The exit status; a signal that ended the program ends us, so that a shell sees the same."""
    if code >= 0:
        return code
    if signal.Signals(-code).name not in _DUMPS_CORE:
        sys.stdout.flush()
        signal.signal(-code, signal.SIG_DFL) if -code != getattr(signal, "SIGKILL", 9) else None
        os.kill(os.getpid(), -code)
    return 128 - code


def _threshold(text: str | None) -> tuple[int, ...]:
    try:
        numbers = tuple(int(each) for each in text.split(",")) if text else ()
    except ValueError:
        numbers = (-1,)
    if len(numbers) > 3 or any(not 0 <= each <= 2**31 - 1 for each in numbers):
        raise click.UsageError(f"--threshold {text}: one to three numbers, such as 700,10,10")
    return numbers


@group.command(epilog="Example: garbology report report")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Directory for the page; by itself beside it."
)
@whose_cycles
def report(
    recordings: tuple[Path, ...], output: Path | None, only: tuple[str, ...], ignore: tuple[str, ...]
) -> None:
    """Draw a recording again, also one that was cut short: the text, and the page.

    A file is a report of `garbology.diagnose` as JSON.
    """
    given = Scope(patterns("only", only), patterns("ignore", ignore))
    for directory in recordings:
        if directory.is_file():
            _report_of_growth(directory, output)
            continue
        with _damage_told():
            recording = read_recording(directory, None if given.is_open else given)
            lines = shown(recording, directory, made(output) if output else directory)
        say(lines)


def _report_of_growth(file: Path, output: Path | None) -> None:
    try:
        from garbology.cli.diagnosed import draw_report
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"the page cannot be drawn, for {error.name} is not installed: pip install 'garbology[experiments]'"
        ) from None
    with _damage_told():
        verdict, page = draw_report(file, made(output or file.with_suffix("")))
    say([verdict, f"  the page: {page}"])


@group.command(epilog="Examples: garbology compare old new; garbology compare -n 5 -- old.py -- new.py")
@click.option(
    "-n", "repeats", type=click.IntRange(1), default=5, show_default=True, help="Runs of each program."
)
@click.option(
    "--fail-on-increase", "limit", help="Exit with 1 where a figure grows by more than this, such as 10%."
)
@click.argument("what", nargs=-1, required=True, type=click.UNPROCESSED)
def compare(repeats: int, limit: str | None, what: tuple[str, ...]) -> int:
    """Two recordings, BEFORE and AFTER; or two programs, each after a `--`, run in turns as fresh processes.

    Two directories of studies' records are compared as well, of one machine or several: times on like hardware alone.
    """
    share = _share(limit)
    if len(what) == 2 and all(has_records(Path(each)) for each in what):
        compared = compare_records(*map(Path, what))
        say(compared.lines())
        return _told_grown(compared.changes, share, limit)
    if "--" in what:
        place = what.index("--")
        before, after = _runs_in_turns([list(what[:place]), list(what[place + 1 :])], repeats)
    elif len(what) == 2:
        with _damage_told():
            before, after = ([read_recording(Path(each))] for each in what)
        for name, (recording,) in zip(what, (before, after), strict=True):
            if recording.main is None:
                raise click.UsageError(f"{name}: no process was recorded in it")
    else:
        raise click.UsageError("two recordings, or two programs: garbology compare -n 5 -- A.py -- B.py")
    with _damage_told(), intact(" ".join(what)):
        lines = list(comparison_lines(before, after))
        found = changes(before, after)
    say(lines)
    return _told_grown(found, share, limit)


def _told_grown(found: Sequence[Change], share: float | None, limit: str | None) -> int:
    """Name what grew too much, and return the exit status."""
    grown = [each for each in found if share is not None and each.grows_by_more_than(share)]
    for each in grown:
        click.echo(f"garbology: {each.measure.name} grew by more than {limit}", err=True)
    return 1 if grown else 0


@contextmanager
def _damage_told() -> Iterator[None]:
    """What cannot be read is one line and a status."""
    try:
        yield
    except RecordingError as error:
        raise click.UsageError(str(error)) from None


def _share(limit: str | None) -> float | None:
    if limit is None:
        return None
    try:
        share = float(limit.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1e6:
        raise click.UsageError(f"--fail-on-increase {limit}: a number of per cent, such as 10%")
    return share


def _runs_in_turns(programs: Sequence[list[str]], repeats: int) -> tuple[list[Recording], list[Recording]]:
    """Recordings of both, alternating, so that what disturbs the machine disturbs both; their output is dropped."""
    if not all(programs):
        raise click.UsageError("a program is missing: garbology compare -n 5 -- A.py -- B.py")
    found: tuple[list[Recording], list[Recording]] = ([], [])
    for _ in range(repeats):
        for program, recordings in zip(programs, found, strict=True):
            with tempfile.TemporaryDirectory(prefix="garbology-") as directory:
                status = record(program, Path(directory), Settings(quiet=True))
                if status:
                    click.echo(f"garbology: {' '.join(program)} ended with status {status}", err=True)
                    raise click.exceptions.Exit(_SKIPPED)
                recordings.append(read_recording(Path(directory)))
                if (
                    recordings[-1].main is None
                ):  # its memory alone is not to be compared: NumPy is in the other's
                    click.echo(f"garbology: {' '.join(program)}: {verdict(recordings[-1])}", err=True)
                    raise click.exceptions.Exit(_SKIPPED)
    return found
