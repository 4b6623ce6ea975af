"""Where a recording goes, and how it is shown: in about twenty lines, and as a page."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from garbology.monitoring.recordings import Recording, RecordingError, read_recording
from garbology.monitoring.summary import summary_lines


@contextmanager
def recording_directory(output: Path | None) -> Iterator[Path]:
    """``output``, cleared of an earlier recording; without one, a directory that is gone afterwards.

    Raises
    ------
    click.UsageError : it cannot be written.
    """
    if output is not None:
        yield _made(output)
        return
    directory = Path(tempfile.mkdtemp(prefix="garbology-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _made(output: Path) -> Path:
    try:
        output.mkdir(parents=True, exist_ok=True)
        for old in [*output.glob("process-*.jsonl"), output / "memory.jsonl"]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise click.UsageError(f"--output {output}: it cannot be written: {error.strerror}") from None
    return output


def show(directory: Path, *, keep: bool, err: bool) -> None:
    """Say what was recorded, and draw it where it is kept; what nobody reads or can be read is let pass."""
    with suppress(BrokenPipeError, RecordingError):
        recording = read_recording(directory)
        for line in summary_lines(recording):
            click.echo(line, err=err)
        if keep:
            click.echo(f"  the page: {written_page(recording, directory)}", err=err)


def written_page(recording: Recording, output: Path) -> str:
    """The path of the page that was drawn of a recording, or why there is none."""
    try:
        from garbology.cli.recorded import write_recording

        return str(write_recording(recording, output)[0])
    except ModuleNotFoundError as error:
        return f"not drawn, for {error.name} is not installed: pip install 'garbology[experiments]'"
    except OSError as error:
        return f"not drawn: {error}"
