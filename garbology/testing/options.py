"""What the command line and the ini file ask for, read once; a wrong option is refused before anything runs."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)?\s*", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes
    ----------
    watch_all : every test is watched, and not only those that are marked.
    baseline, update, strict : the file of listed shapes, whether it is written, whether each of them must occur.
    fail_over : bytes that all tests may leave together; None where there is no limit.
    only, ignore : whose cycles count, by the ini file.
    directories : of which every test is as if marked with no_cycles.
    is_worker : whether this is a worker of pytest-xdist's, which writes nothing.
    verbose : how much is shown.
    """

    watch_all: bool = False
    baseline: Path | None = None
    update: bool = False
    strict: bool = False
    fail_over: int | None = None
    json: Path | None = None
    html: Path | None = None
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    directories: tuple[Path, ...] = ()
    is_worker: bool = False
    verbose: int = 0


def read_options(config: pytest.Config) -> Options:
    """The options of a session.

    Raises
    ------
    pytest.UsageError : one of them cannot be followed.
    """
    given = config.option
    files = {
        name: _absolute(config, getattr(given, f"garbology_{name}")) for name in ("baseline", "json", "html")
    }
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        _check_files(given, **files)
    return Options(
        watch_all=_watches_all(given),
        update=given.garbology_update_baseline,
        strict=given.garbology_strict_baseline,
        fail_over=_limit(given.garbology_fail_over),
        only=tuple(config.getini("garbology_only")),
        ignore=tuple(config.getini("garbology_ignore")),
        directories=tuple(_directories(config)),
        is_worker=is_worker,
        verbose=config.get_verbosity(),
        **files,
    )


def _watches_all(given: object) -> bool:
    """Each of the options is about all tests, so that `--garbology` beside it may be left out."""
    names = ("", "_baseline", "_update_baseline", "_strict_baseline", "_json", "_html")
    some = any(getattr(given, f"garbology{name}") for name in names)
    return some or getattr(given, "garbology_fail_over", None) is not None


def _limit(size: str | None) -> int | None:
    try:
        return None if size is None else bytes_of(size)
    except ValueError as error:
        raise pytest.UsageError(f"--garbology-fail-over: {error}") from None


def _absolute(config: pytest.Config, path: Path | None) -> Path | None:
    return None if path is None else config.invocation_params.dir / path


def _check_files(given: object, baseline: Path | None, json: Path | None, html: Path | None) -> None:
    for name in ("update", "strict"):
        if baseline is None and getattr(given, f"garbology_{name}_baseline"):
            raise pytest.UsageError(
                f"--garbology-{name}-baseline needs --garbology-baseline FILE: it says which file"
            )
    if (
        baseline is not None
        and not getattr(given, "garbology_update_baseline", False)
        and not baseline.exists()
    ):
        raise pytest.UsageError(
            f"--garbology-baseline {baseline}: there is no such file; add --garbology-update-baseline to make it"
        )
    for option, path in (("baseline", baseline), ("json", json)):
        if path is not None and path.is_dir():
            raise pytest.UsageError(f"--garbology-{option} {path}: it is a directory, and should be a file")
        _check_place(option, path)
    if html is not None and html.exists() and not html.is_dir():
        raise pytest.UsageError(f"--garbology-html {html}: it is a file, and should be a directory")
    _check_place("html", html)
    if html is not None and importlib.util.find_spec("jinja2") is None:
        raise pytest.UsageError(
            "--garbology-html needs jinja2, which is not installed: pip install 'garbology[experiments]'"
        )


def _check_place(option: str, path: Path | None) -> None:
    """Whether a file can be made there: to learn it when all tests have run would be late."""
    if path is None:
        return
    place = path.parent
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise pytest.UsageError(f"--garbology-{option} {path}: nothing can be written to {place}")


def _directories(config: pytest.Config) -> list[Path]:
    base = config.inipath.parent if config.inipath else config.rootpath
    found = []
    for line in config.getini("garbology_no_cycles"):
        path = (base / line).resolve()
        if not path.exists():
            raise pytest.UsageError(
                f"garbology_no_cycles: {line}: there is no such directory or file in {base}"
            )
        found.append(path)
    return found


def bytes_of(size: str) -> int:
    """'10MB' is 10,000,000 bytes, '1MiB' 1,048,576, '512' 512.

    Raises
    ------
    ValueError : it is no such text.
    """
    read = _SIZE.fullmatch(size)
    if read is None:
        raise ValueError(f"{size!r} is no size: write 10MB, 200kB, 1MiB, or a number of bytes")
    return int(float(read[1]) * _UNITS[(read[2] or "").lower()])
