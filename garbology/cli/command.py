"""The command line of studies: one study as a program, and all studies of a package.

Exit status: 0 every finding holds; 1 a finding does not hold or was not measured, a case crashed, hung or
raised, an interpreter cannot run a study, or `report` cannot draw one; 2 a wrong option or declaration, no such
interpreter, an output directory or standard output that cannot be written, or another run that is measuring the same
into that directory; 130 Ctrl-C, SIGTERM or SIGHUP; 141 the reader of standard output has gone.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from garbology.cli.gathering import gather
from garbology.cli.interrupts import heard_interrupts
from garbology.cli.options import (
    OneLineError,
    address_option,
    output_option,
    plan_of,
    reference_option,
    run_options,
)
from garbology.cli.publishing import has_records, publish, publish_index
from garbology.cli.running import DOES_NOT_HOLD, HOLDS, INTERRUPTED, USAGE, run_studies
from garbology.cli.streams import BROKEN_PIPE, forgiving
from garbology.cli.template import write_study
from garbology.cluster.sweep import Sweep, sweep_summary
from garbology.measuring.discovery import discover
from garbology.measuring.interpreters import Interpreter, InterpreterError, LostError, Native
from garbology.measuring.locating import find_interpreter
from garbology.measuring.matrix import describe, prepare_all
from garbology.measuring.reservations import drawing
from garbology.study.declaration import DeclarationError, Study
from garbology.study.loading import load_study, study_names
from garbology.study.records import load_records
from garbology.text.visible import visible

_PYTHON_TOO = (
    "Beside those that are found, and as it is: no environment is made for this one. A path, a name such as 3.12, or "
    "pyodide:DIR; repeatable."
)


def run_study(study: Study, arguments: Sequence[str] | None = None) -> int:
    """The study as a program: measure, write, show; returns the exit status."""
    program = study.name

    @click.command(name=program, help=study.title, epilog=__doc__ and __doc__.split("\n\n")[1])
    @run_options
    def command(**options: Any) -> int:
        study.check()
        return _run([study], options, _package_of(study))

    return invoke(command, program, arguments)


def run_package(package: str, arguments: Sequence[str] | None = None) -> int:
    """All studies of a package as a program with the subcommands list, run and report."""
    return invoke(package_group, package, arguments)


def invoke(command: click.Command, program: str, arguments: Sequence[str] | None) -> int:
    """Call a click command; what goes wrong becomes one line on standard error and an exit status.

    What cannot be written to standard output is lost, and no more: records and pages are written all the same.
    """
    with forgiving() as streams:
        status = _invoke(command, program, list(sys.argv[1:] if arguments is None else arguments))
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        if streams.complaint:
            status = max(status, _complain(program, streams.complaint, USAGE))
    return BROKEN_PIPE if streams.is_broken_pipe else status


def _invoke(command: click.Command, program: str, words: list[str]) -> int:
    if sys.flags.optimize:
        return _complain(
            program, "findings are assertions, which python -O leaves out: run without -O", USAGE
        )
    try:
        with heard_interrupts():
            result = command.main(words, program, standalone_mode=False, obj=program)
    except click.ClickException as error:
        return _complain(program, error.format_message(), USAGE)
    except DeclarationError as error:
        return _complain(program, str(error), USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _complain(program, "interrupted", INTERRUPTED)
    return result if isinstance(result, int) else HOLDS


@click.group(invoke_without_command=True)
@click.pass_context
def package_group(context: click.Context) -> None:
    """Studies of a package: list them, run them, draw their reports again."""
    if context.invoked_subcommand is None:
        raise OneLineError("which command: list, run, matrix, report or new? --help says what each does")


@package_group.command(name="list")
@click.pass_obj
def _list(package: str, /) -> int:
    """Name every study, what it is about and how many cases it has."""
    loaded, failures = _load_all(study_names(package))
    for line in _listing(loaded):
        click.echo(line)
    return failures


@package_group.command(name="run")
@click.argument("names", nargs=-1)
@run_options
@click.pass_obj
def _run_some(package: str, /, names: tuple[str, ...], **options: Any) -> int:
    """Measure the named studies, or `all` of them."""
    if not names:
        raise OneLineError("which study: some of their names, or all? list names them")
    loaded, status = _load_all(_chosen(package, names))
    return max(status, _run(loaded, options, package))


@package_group.command(name="matrix")
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Only say what was found, and what is left out.")
@click.option(
    "--environments",
    type=click.Path(path_type=Path),
    default=Path(".matrix"),
    show_default=True,
    help="Where each interpreter's environment is made, and found again.",
)
@partial(run_options, python=_PYTHON_TOO)
@click.pass_obj
def _matrix(
    package: str, /, names: tuple[str, ...], only_list: bool, environments: Path, **options: Any
) -> int:
    """Measure the named studies, or `all` of them, on every CPython found, and draw the atlas."""
    chosen = _chosen(package, names or ("all",))
    if options["scheduler"]:
        if only_list:
            with ExitStack() as stack:
                _echo_lines(_opened([], options, False, stack).announcements())
            return HOLDS
        loaded, status = _load_all(chosen)
        return max(status, _run(loaded, options, package, matrix=True))
    candidates = discover()
    _echo_lines(describe(candidates))
    if only_list:
        return HOLDS
    loaded, status = _load_all(chosen)
    pythons, failures = prepare_all(candidates, environments, _say)
    options["pythons"] = (*pythons, *options["pythons"])
    if not options["pythons"]:
        raise OneLineError("no interpreter is left: --list says what was found")
    return max(status, _run(loaded, options, package), DOES_NOT_HOLD if failures else HOLDS)


@package_group.command(name="report")
@click.argument("names", nargs=-1)
@click.option(
    "--records",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The output directory of another machine, whose records are copied here; repeatable.",
)
@address_option
@output_option
@reference_option
@click.pass_obj
def _report(package: str, /, names: tuple[str, ...], sources: tuple[Path, ...], **places: Any) -> int:
    """Draw the reports again from the records, without measuring."""
    output, reference, address = (places[name] for name in ("output", "reference", "address"))
    loaded, status = _load_all(_chosen(package, names or ("all",)))
    if sources:
        with _room_to_write(output):
            for sentence in [each for study in loaded for each in gather(sources, study.name, output)]:
                _say(sentence)
    recorded = _recorded(loaded, output)
    with _room_to_write(output), drawing(output):
        drawn = [
            publish(study, output / study.name, reference, address=address, say=_say) for study in recorded
        ]
        drawn.append(publish_index(_every(package), output, reference, address=address, say=_say))
    for paths in drawn:
        _echo_paths(paths)
    return status if all(drawn) else max(status, DOES_NOT_HOLD)


@package_group.command(name="new")
@click.argument("name")
@click.pass_obj
def _new(package: str, /, name: str) -> int:
    """Write a small study to start from, NAME.py; never over a file that is there."""
    _echo_paths([_written(package, name)])
    return HOLDS


def _written(package: str, name: str) -> Path:
    """A new study beside the others of the package."""
    places = importlib.import_module(package).__path__
    try:
        return write_study(Path(places[0]), name)
    except FileExistsError as error:
        raise OneLineError(f"{error.filename} is there already: choose another name") from None
    except (ValueError, OSError) as error:
        raise OneLineError(str(error)) from None


def _listing(studies: Sequence[Study]) -> Iterator[str]:
    """A line for each study: its name, how many cases it has at each scale, its title."""
    rows = [("study", "cases: quick / default / full", "")]
    for study in studies:
        cases = " / ".join(str(len(study.grid(scale))) for scale in ("quick", "default", "full"))
        rows.append((study.name, cases, study.title))
    name_width = max(len(name) for name, _, _ in rows)
    cases_width = max((len(cases) for _, cases, _ in rows[1:]), default=0)
    for name, cases, title in rows:
        yield f"{name:{name_width}}  {cases:{cases_width}}  {title}".rstrip()


def _run(studies: Sequence[Study], options: Mapping[str, Any], package: str, *, matrix: bool = False) -> int:
    """Measure; the front page is of all studies of `package`, whichever are measured; none without a package."""
    plans = [plan_of(study, options) for study in studies]
    for study in studies:
        _writable(options["output"] / study.name)
    with ExitStack() as stack:
        at_once: Callable[[], int] | None = None
        interpreters: Sequence[Interpreter]
        if options["scheduler"]:
            sweep, interpreters, status = _sweep(studies, options, matrix, stack)
            at_once = sweep.at_once
        else:
            interpreters, status = _interpreters(options["pythons"])
        stack.enter_context(_room_to_write(options["output"]))
        measured = run_studies(
            studies,
            plans,
            interpreters,
            options["output"],
            say=_say,
            echo=click.echo,
            overview=lambda: _every(package),
            reference=options["reference"],
            at_once=at_once,
        )
    return max(status, measured)


def _sweep(
    studies: Sequence[Study], options: Mapping[str, Any], matrix: bool, stack: ExitStack
) -> tuple[Sweep, Sequence[Interpreter], int]:
    """The interpreters of a scheduler's workers, until the stack is left; OneLineError where there are none."""
    sweep = _opened(studies, options, matrix, stack)
    try:
        interpreters = sweep.interpreters()
    except LostError as error:
        raise OneLineError(f"--scheduler: {error}") from None
    for line in sweep_summary(interpreters):
        _say(line)
    return sweep, interpreters, DOES_NOT_HOLD if sweep.failures else HOLDS


def _opened(studies: Sequence[Study], options: Mapping[str, Any], matrix: bool, stack: ExitStack) -> Sweep:
    """A sweep over a scheduler's workers, which are asked nothing yet."""
    try:
        opening = importlib.import_module("garbology.cluster.opening")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "garbology":
            raise
        raise OneLineError(f"--scheduler needs {error.name}: pip install 'garbology[cluster]'") from None
    targets = [study.target for study in studies]
    opened = opening.opened(options["scheduler"], targets, options["pythons"], matrix=matrix, say=_say)
    try:
        sweep: Sweep = stack.enter_context(opened)
    except LostError as error:
        raise OneLineError(f"--scheduler: {error}") from None
    return sweep


def _package_of(study: Study) -> str:
    """The package whose studies share a front page; empty where the study is a file of its own."""
    return "" if study.target.endswith(".py") else study.target.rpartition(".")[0]


def _every(package: str) -> list[Study]:
    """All studies of a package that can be loaded: what cannot was named before, or is not asked for."""
    return _load_all(study_names(package), lambda _: None)[0] if package else []


def _interpreters(texts: Sequence[str]) -> tuple[list[Interpreter], int]:
    """Those that are there; one that is not is named on standard error and the others go on."""
    found: list[Interpreter] = [] if texts else [Native()]
    status = HOLDS
    for text in dict.fromkeys(texts):
        try:
            found.append(find_interpreter(text))
        except InterpreterError as error:
            _say(str(error))
            status = USAGE
    return found, status


def _chosen(package: str, names: Sequence[str]) -> list[str]:
    known = study_names(package)
    if "all" in names:
        return known
    targets = [f"{package}.{name}" for name in dict.fromkeys(names)]
    for name, target in zip(dict.fromkeys(names), targets, strict=True):
        if target not in known:
            available = ", ".join(each.rpartition(".")[2] for each in known)
            raise OneLineError(f"no study is called {name!r}: there are {available}")
    return targets


def _load_all(targets: Sequence[str], say: Callable[[str], None] | None = None) -> tuple[list[Study], int]:
    """The studies that can be loaded; one that cannot is named on standard error and the others go on."""
    studies, status = [], HOLDS
    for target in targets:
        try:
            studies.append(load_study(target))
        except (Exception, SystemExit) as error:  # a script that exits must not take the others with it
            (say or _say)(f"{target} cannot be loaded: {type(error).__name__}: {error}")
            status = USAGE
    return studies, status


def _recorded(studies: Sequence[Study], output: Path) -> list[Study]:
    """The studies with a record that can be read; each one that cannot is named on standard error."""
    problems = [
        f"{study.name}: {problem}"
        for study in studies
        for problem in load_records(output / study.name, study.name)[1]
    ]
    for problem in problems:
        _say(problem)
    recorded = [study for study in studies if has_records(study, output)]
    if not recorded:
        what = "no records that can be read" if problems else "no records"
        raise OneLineError(f"{what} under {output}: run a study first")
    return recorded


def _writable(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        raise OneLineError(f"cannot write to {directory}: {error.strerror or error}") from None


@contextmanager
def _room_to_write(output: Path) -> Iterator[None]:
    """A full disk, or another failure of the system, ends the work in one line: what is on record stays."""
    try:
        yield
    except OSError as error:
        raise OneLineError(
            f"stopped, {output} or {tempfile.gettempdir()} cannot be used: {error}; records are whole: once that "
            "is mended, the same command goes on, a run with --resume"
        ) from None


def _echo_paths(paths: Sequence[Path]) -> None:
    if paths:
        _echo_lines(map(str, paths))


def _echo_lines(lines: Iterable[str]) -> None:
    click.echo("\n".join(map(visible, lines)))


def _say(text: str) -> None:
    """Whatever a file or a program is called, the terminal shows it and does not obey it."""
    click.echo(visible(text, keep_newlines=True), err=True)


def _complain(program: str, message: str, status: int) -> int:
    _say(f"{program}: {' '.join(message.split())}")
    return status
