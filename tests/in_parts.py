"""The tests in several sessions of pytest, as many at once as there are cores.

    python -m tests.in_parts [options of pytest] tests/engine tests/instrument/test_find.py ...

What a test asks of the instrument is asked of a heap, and in one session the heap has the items, modules and caches of
every other test: the same tests take half as long again. Parts are of whole files, so fixtures of a module are made
once; what asks for a fixture that a conftest.py names in `SHARED_BY_A_SESSION`, as for what was measured once, stays in
one part. Files that import hypothesis, which is a fifth of a heap, are together.

pytest-xdist would be no help: each of its workers collects every test, and has a thread beside the tests.

Where the variable GARBOLOGY_CORES names a directory, sessions take turns with those of other runs that do the same:
`tox -p` starts an environment on each core, and the last of them has all cores.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from ast import literal_eval
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import filterfalse
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

FILES_OF_A_PART = 10
SHARED = re.compile(r"^SHARED_BY_A_SESSION = (\(.*\))$", re.MULTILINE)
IMPORTS_HYPOTHESIS = re.compile(r"^(from|import) hypothesis\b", re.MULTILINE)
NO_TESTS = 5  # the exit status of pytest where none is selected
TURN_SECONDS = 0.1
WITH_A_VALUE = ("-k", "-m", "-o", "-p", "-c", "-W", "-r", "-n", "--deselect", "--ignore")
COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun)\b")


def main(arguments: list[str]) -> int:
    """Run the parts and print what each said; the exit status is that of the first that failed."""
    began = time.monotonic()
    options, paths = told_apart(arguments)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    all_parts = list(parts(paths or ["tests"]))
    if len(all_parts) == 1:
        return run(all_parts[0], options, cores, capture=False).returncode
    with ThreadPoolExecutor(cores) as pool:
        sessions = pool.map(lambda part: run(part, options, cores), all_parts)
        statuses, counts = zip(*map(told, sessions), strict=True)
    total = sum(counts, Counter())
    print(
        ", ".join(f"{number} {what}" for what, number in total.items()),
        f"in {time.monotonic() - began:.0f} s",
    )
    return status_of(statuses)


def told_apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The options of pytest, with their values, and what says which tests: directories, files, tests in files."""
    options: list[str] = []
    paths: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        is_path = not argument.startswith("-") and Path(argument.partition("::")[0]).exists()
        (paths if is_path and before not in WITH_A_VALUE else options).append(argument)
    return options, paths


def parts(paths: list[str]) -> Iterator[list[str]]:
    """The paths in parts: directories as their files, and what belongs together in one part, which begins first."""
    files: list[str] = []
    for path in map(Path, paths):
        found = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        for conftest in path.rglob("conftest.py"):
            fixtures = fixtures_shared_by(conftest)
            together = [each for each in found if conftest.parent in each.parents and asks(each, fixtures)]
            found = [each for each in found if each not in together]
            yield from [list(map(str, together))] if together else []
        files += map(str, found)
    for alike in (list(filter(imports_hypothesis, files)), list(filterfalse(imports_hypothesis, files))):
        number = -(-len(alike) // FILES_OF_A_PART)
        yield from (alike[place::number] for place in range(number))


def fixtures_shared_by(conftest: Path) -> tuple[str, ...]:
    """The fixtures of which each session has one of its own, by what the file says of them."""
    named = SHARED.search(conftest.read_text(encoding="utf-8"))
    return tuple(literal_eval(named[1])) if named else ()


def asks(file: Path, fixtures: tuple[str, ...]) -> bool:
    """Whether a test or a fixture of a file has one of these fixtures among its arguments."""
    names = "|".join(fixtures)
    return bool(names) and bool(
        re.search(rf"^ *(async )?def \w+\([^)]*\b({names})\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    )


def imports_hypothesis(file: str) -> bool:
    """Whether a file of tests, or some tests of it, bring hypothesis into their session."""
    return bool(IMPORTS_HYPOTHESIS.search(Path(file.partition("::")[0]).read_text(encoding="utf-8")))


def run(
    part: list[str], options: list[str], cores: int, capture: bool = True
) -> subprocess.CompletedProcess[str]:
    """One session of pytest, when a core is free; what it says is kept, so that sessions do not speak at once.

    Its temporary directories are its own: of those that are shared, the old ones are removed by each session at its
    end, and pytest warns where two of them remove the same.
    """
    command = [sys.executable, "-m", "pytest", *options, *part]
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if capture else {}
    with a_core(cores), TemporaryDirectory(prefix="tests-", ignore_cleanup_errors=True) as temporary:
        environment = {**os.environ, "PYTEST_DEBUG_TEMPROOT": temporary}
        return subprocess.run(command, text=True, check=False, env=environment, **kept)


@contextmanager
def a_core(cores: int) -> Iterator[None]:
    """Hold one of the locks that stand for cores, where there are any."""
    directory = os.environ.get("GARBOLOGY_CORES")
    if not directory or fcntl is None:
        yield
        return
    Path(directory).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        locks = [stack.enter_context((Path(directory) / f"{each}.lock").open("w")) for each in range(cores)]
        while not any(is_ours(lock.fileno()) for lock in locks):
            time.sleep(TURN_SECONDS)
        yield


def is_ours(descriptor: int) -> bool:
    """Whether nobody else holds a lock; the end of the process lets go of it, however that ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def told(session: subprocess.CompletedProcess[str]) -> tuple[int, Counter[str]]:
    """Print what a session said, and return its exit status and how many tests it says to have passed, failed ..."""
    print(session.stdout, flush=True)
    last = (session.stdout.strip().splitlines() or [""])[-1]
    return session.returncode, Counter({what: int(number) for number, what in COUNTED.findall(last)})


def status_of(statuses: tuple[int, ...]) -> int:
    """A part in which nothing was selected is none that failed, unless it is so in every part."""
    failed = [status for status in statuses if status not in (0, NO_TESTS)]
    return failed[0] if failed else min(statuses)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
