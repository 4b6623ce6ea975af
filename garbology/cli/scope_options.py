"""The options `--only` and `--ignore`: whose cycles are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


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
