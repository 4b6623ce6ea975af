"""Where a recording goes, and how it is shown: in about twenty lines, and as a page."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click

from garbology.cli.streams import BROKEN_PIPE
from garbology.monitoring.recordings import Recording, RecordingError, intact, read_recording
from garbology.monitoring.summary import summary_lines
from garbology.text.links import file_link


@contextmanager
def recording_directory(output: Path | None) -> Iterator[Path]:
    """``output``; without one, a directory that is gone afterwards.

    Raises
    ------
    click.UsageError : it cannot be written.
    """
    if output is not None:
        yield made(output)
        return
    directory = Path(tempfile.mkdtemp(prefix="garbology-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def made(output: Path) -> Path:
    """The directory ``output``, which can be written.

    Raises
    ------
    click.UsageError : it cannot.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output).close()
    except OSError as error:
        raise click.UsageError(f"--output {output}: it cannot be written: {error.strerror}") from None
    return output


def show(directory: Path, *, keep: bool, err: bool) -> None:
    """Say what was recorded, and draw it where it is kept; on standard error what cannot be written is let pass."""
    try:
        lines = shown(read_recording(directory), directory, directory if keep else None)
    except RecordingError as error:
        lines, err = [f"garbology: {error}"], True
    if err:
        try:
            click.echo("\n".join(lines), err=True)
        except OSError:
            _drop(sys.stderr)
    else:
        say(lines)


def say(lines: Iterable[str]) -> None:
    """Write them to standard output, as far as somebody reads.

    Raises
    ------
    click.exceptions.Exit : nobody does, as of `head`.
    click.ClickException : they cannot be written.
    """
    try:
        for line in lines:
            click.echo(line)
    except OSError as error:
        _drop(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise click.exceptions.Exit(BROKEN_PIPE) from None
        raise click.ClickException(f"cannot write to standard output: {error.strerror}") from None


def _drop(stream: TextIO) -> None:
    """Let what is still to be flushed go to nowhere: at its end the interpreter would fail of it, with status 120."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def shown(recording: Recording, directory: Path, output: Path | None) -> list[str]:
    """The lines about a recording of ``directory``; its page is drawn into ``output``, where one is given.

    Raises
    ------
    RecordingError : it is damaged.
    """
    with intact(directory):
        lines = list(summary_lines(recording))
        if output is not None:
            lines.append(f"  the page: {written_page(recording, output)}")
    return lines


def written_page(recording: Recording, output: Path) -> str:
    """The path of the page that was drawn of a recording, or why there is none."""
    try:
        from garbology.cli.recorded import write_recording

        return file_link(write_recording(recording, output)[0], sys.stdout, sys.stderr)
    except ModuleNotFoundError as error:
        return f"not drawn, for {error.name} is not installed: pip install 'garbology[experiments]'"
    except OSError as error:
        return f"not drawn: {error}"
