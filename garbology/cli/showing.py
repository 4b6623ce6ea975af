"""Where a recording goes, and how it is shown: in about twenty lines, and as a page."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from garbology.monitoring.recordings import Recording, RecordingError, intact, read_recording
from garbology.monitoring.summary import summary_lines


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
    """Say what was recorded, and draw it where it is kept; what nobody reads is let pass."""
    with suppress(BrokenPipeError):
        try:
            lines = shown(read_recording(directory), directory, directory if keep else None)
        except RecordingError as error:
            lines, err = [f"garbology: {error}"], True
        for line in lines:
            click.echo(line, err=err)


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

        return str(write_recording(recording, output)[0])
    except ModuleNotFoundError as error:
        return f"not drawn, for {error.name} is not installed: pip install 'garbology[experiments]'"
    except OSError as error:
        return f"not drawn: {error}"
