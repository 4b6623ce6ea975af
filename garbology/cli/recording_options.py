"""The options that `garbology run` and `attach` share, and those of whose cycles are shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click


def _share(context: click.Context, option: click.Parameter, value: float) -> float:
    if not 0 < value <= 1:
        raise click.UsageError(
            f"--budget {value}: it is a share of the time above 0 and at most 1, such as 0.05"
        )
    return value


def _interval(context: click.Context, option: click.Parameter, value: float) -> float:
    if not 0 < value <= 86_400:
        raise click.UsageError(f"--interval {value}: seconds above 0, at most a day")
    return value


_RECORDED = (
    click.option(
        "-o", "--output", type=click.Path(path_type=Path), help="Directory for the page and the recording."
    ),
    click.option(
        "--budget",
        type=float,
        default=0.05,
        show_default=True,
        callback=_share,
        help="Share of the time that the analyses may take.",
    ),
    click.option("--exact", is_flag=True, help="Analyse every collection, whatever it takes: a budget of 1."),
    click.option(
        "--interval",
        type=float,
        default=0.1,
        show_default=True,
        callback=_interval,
        help="Seconds between samples of memory.",
    ),
    click.option(
        "--allocations", is_flag=True, help="Name the lines that make the objects (tracemalloc; slower)."
    ),
    click.option(
        "--grow",
        is_flag=True,
        help="Say why memory grows: reads all objects now and then, for a tenth of the time.",
    ),
    click.option("--keys", is_flag=True, help="Tell keys of dictionaries, which are the program's data."),
)


def recorded(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is recorded, at what cost, and where it goes; with `--only` and `--ignore`."""
    return reduce(lambda inner, option: option(inner), reversed(_RECORDED), whose_cycles(command))


def whose_cycles(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options `--only` and `--ignore`."""
    only = click.option(
        "--only",
        multiple=True,
        metavar="NAME",
        help="Show cycles with something of this module, type or function.",
    )
    ignore = click.option(
        "--ignore",
        multiple=True,
        metavar="NAME",
        help="Leave out cycles that are all of this; a pattern, as --only.",
    )
    return only(ignore(command))


def patterns(option: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """What was ``given`` to an option, none of it blank."""
    if not all(each.strip() for each in given):
        raise click.UsageError(
            f"--{option} '': it takes a module, a type or a function, such as mypkg.models"
        )
    return given
