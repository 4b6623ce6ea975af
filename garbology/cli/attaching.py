"""The command `garbology attach`: record a process that runs already."""

from __future__ import annotations

from pathlib import Path

import click

from garbology.cli.interrupts import heard_interrupts
from garbology.cli.recording_options import patterns, recorded
from garbology.cli.showing import recording_directory, show
from garbology.monitoring import attaching
from garbology.monitoring.injection import AttachError, target_of
from garbology.monitoring.observing import observe


@click.command(epilog="Example: garbology attach 4242 --seconds 60 -o report")
@click.argument("pid", type=click.IntRange(1))
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="How long; without it until Ctrl-C.")
@click.option(
    "--outside",
    is_flag=True,
    help="CPython 3.15: nothing runs in the process; collections are counted and not explained.",
)
@click.option(
    "--wait",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=15.0,
    show_default=True,
    help="Seconds for its main thread to come to Python code.",
)
@click.option(
    "--alive",
    is_flag=True,
    help="Read all objects at the start and at the end: what grew, what waits (stops it for about 1 us an object).",
)
@recorded
def attach(
    pid: int, seconds: float | None, output: Path | None, budget: float, interval: float, wait: float,
    only: tuple[str, ...], ignore: tuple[str, ...], exact: bool, outside: bool, **switches: bool,
) -> None:  # fmt: skip
    """Record the running process PID, and leave it as it was.

    From CPython 3.14 on through sys.remote_exec, on 3.10 to 3.13 through gdb. It needs NumPy in the process's
    Python, or in this one where both are of one version.
    """
    settings = attaching.AttachSettings(
        seconds=seconds,
        wait_seconds=wait,
        budget=1.0 if exact else budget,
        interval_seconds=interval,
        kept=output is not None,
        only=patterns("only", only),
        ignore=patterns("ignore", ignore),
        **switches,
    )
    try:
        target = target_of(pid)
        with heard_interrupts(), recording_directory(output) as directory:
            (observe if outside else attaching.attach)(target, directory, settings)
            show(directory, keep=output is not None, err=False)
    except AttachError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{pid}: what it tells cannot be written: {error}") from None
