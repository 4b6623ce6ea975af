"""The options of measuring, and the plan that they make for a study."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from garbology.cli.running import USAGE
from garbology.measuring.runner import Plan
from garbology.study.checks import LONGEST_SECONDS
from garbology.study.declaration import ScaleName, Study

LARGEST_SEED = 2**53 - 1  # what every reader of JSON keeps exactly


class OneLineError(click.ClickException):
    """An error that is said in one line on standard error."""

    exit_code = USAGE


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the directory of reports."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        default=Path("reports"),
        show_default=True,
        help="Directory for the report.",
    )(function)


def reference_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the directory of the reference set."""
    return click.option(
        "--reference",
        type=click.Path(path_type=Path),
        default=Path("reports", "reference"),
        show_default=True,
        help="Records to show beside those of the run, a directory for each study.",
    )(function)


def address_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the address that the reports will have on the web."""

    def checked(_context: click.Context, _option: click.Parameter, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise OneLineError(f"--address {value}: expected what begins with https:// or http://")
        return value

    return click.option(
        "--address",
        metavar="URL",
        default="",
        callback=checked,
        help="Where the reports will be on the web: most other sites want the whole address of a page's picture.",
    )(function)


_PYTHON = (
    "Measure under this interpreter, which has NumPy and what else the study needs: a path, a name such as 3.12, or "
    "pyodide:DIR; repeatable."
)


def run_options(function: Callable[..., Any], python: str = _PYTHON) -> Callable[..., Any]:
    """Give a click command every option of measuring; `python` is the help of --python."""
    options: list[Callable[..., Any]] = [
        click.option("--quick", is_flag=True, help="Small cases, done in seconds."),
        click.option("--full", is_flag=True, help="The largest cases too."),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            help="Fresh interpreters at once: 1, with --quick the number of processors.",
        ),
        click.option(
            "--python",
            "pythons",
            multiple=True,
            metavar="PATH",
            help=python,
        ),
        click.option(
            "--scheduler",
            metavar="WHERE",
            help="Measure on the workers of a Dask scheduler: its address, its scheduler file, or local:N.",
        ),
        click.option("--resume", is_flag=True, help="Go on after an interruption; measure nothing twice."),
        click.option("--repeats", type=click.IntRange(min=1), help="Exactly so many samples of each case."),
        click.option(
            "--seed",
            type=click.IntRange(min=0, max=LARGEST_SEED),
            help="Seed of the order of cases; random by default.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True, max=LONGEST_SECONDS),
            metavar="SECONDS",
            help="Time limit of a case.",
        ),
        click.option(
            "--measure", "measures", multiple=True, metavar="NAME", help="Only this measure; repeatable."
        ),
        click.option(
            "--case", "cases", multiple=True, metavar="NAME=VALUE", help="Only these cases; repeatable."
        ),
        output_option,
        reference_option,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def plan_of(study: Study, options: Mapping[str, Any]) -> Plan:
    """What the options say about one study; OneLineError where they say nothing that can be measured."""
    if options["quick"] and options["full"]:
        raise OneLineError("--quick and --full exclude each other")
    if options["timeout"] != options["timeout"]:  # NaN is in every range
        raise OneLineError("--timeout nan: give a number of seconds")
    if options["scheduler"] and options["jobs"]:
        raise OneLineError(
            "--jobs with --scheduler: each worker measures one sample at a time; leave --jobs out"
        )
    scale: ScaleName = "quick" if options["quick"] else "full" if options["full"] else "default"
    plan = Plan(
        scale=scale,
        seed=options["seed"],
        repeats=options["repeats"],
        timeout_seconds=options["timeout"],
        measures=options["measures"],
        cases=_cases(study, options["cases"]),
        command=_command(study, options),
        jobs=options["jobs"] or (processors() if options["quick"] and not options["scheduler"] else 1),
        resume=options["resume"],
    )
    _refuse_an_empty_plan(study, plan)
    return plan


def _refuse_an_empty_plan(study: Study, plan: Plan) -> None:
    for name in plan.measures:
        if name not in study.measures:
            raise OneLineError(f"--measure {name}: the measures are {', '.join(study.measures)}")
    for name, wanted in plan.cases.items():
        _refuse_unknown_values(study, plan.scale, name, wanted)
    if not any(plan.wants(measure, case) for measure, case in study.grid(plan.scale)):
        raise OneLineError("no case is left: --measure and --case exclude all of them")


def _refuse_unknown_values(study: Study, scale: ScaleName, name: str, wanted: Sequence[str]) -> None:
    """A measure that lacks the parameter is measured whatever its value, so that an empty plan would not tell."""
    values = dict.fromkeys(str(case[name]) for _, case in study.grid(scale) if name in case)
    for value in wanted:
        if value not in values:
            where = "" if scale == "default" else f" with --{scale}"
            raise OneLineError(f"--case {name}={value}: no case{where} has it, {name} is {'; '.join(values)}")


def _cases(study: Study, texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in study.parameters:
            raise OneLineError(
                f"--case {text}: expected NAME=VALUE, where NAME is of {', '.join(study.parameters)}"
            )
        wanted[name] = (*wanted.get(name, ()), value)
    return wanted


def _command(study: Study, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The command that measures the same again, on any machine: without paths of this one."""
    is_file = study.target.endswith(".py")
    command = ["python", Path(study.target).name] if is_file else ["python", "-m", study.target]
    command += [f"--{name}" for name in ("quick", "full") if options[name]]
    for name in ("repeats", "timeout", "jobs"):
        command += [f"--{name}", f"{options[name]:g}"] if options[name] is not None else []
    for option, values in (("--measure", options["measures"]), ("--case", options["cases"])):
        command += [word for value in values for word in (option, value)]
    return tuple(command)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
