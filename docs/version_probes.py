"""How CPython's versions differ in what this project relies on: small probes, and the table made of their answers.

``python docs/version_probes.py`` answers for this interpreter, as JSON.
``python docs/version_probes.py PYTHON...`` asks each of these interpreters and writes docs/versions.md. An
answer may also be a file's, ``cpython-3.14.2.json``: for an interpreter that cannot be started like that.

Only the standard library is used, and nothing of garbology, so that a version is asked before we support it.
"""

from __future__ import annotations

import ctypes
import gc
import io
import json
import platform
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("versions.md")
IMMORTAL = 2**28

probes: dict[str, Callable[[], str]] = {}


def probe(function: Callable[[], str]) -> Callable[[], str]:
    """A probe: its docstring is the row's title, its result the cell's text."""
    probes[function.__name__] = function
    return function


class Plain:
    """Instances with an attribute."""

    def __init__(self) -> None:
        self.held = []


def answers() -> dict[str, str]:
    """What this interpreter answers to every probe; the collector is paused meanwhile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return {name: function() for name, function in probes.items()}
    finally:
        if enabled:
            gc.enable()


@probe
def collector_kind() -> str:
    """kind of collector"""
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 5, 3)
        incremental = gc.get_threshold()[2] == 0
    finally:
        gc.set_threshold(*before)
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "free-threaded"
    return "incremental" if incremental else "generational"


@probe
def default_thresholds() -> str:
    """default thresholds"""
    return ", ".join(map(str, gc.get_threshold()))


@probe
def young_objects_listed() -> str:
    """a new list is in `gc.get_objects(generation=...)`"""
    new: list[Any] = []
    places = [
        str(generation)
        for generation in range(3)
        if any(each is new for each in gc.get_objects(generation=generation))
    ]
    return ", ".join(places) or "none of them"


@probe
def callback_fields() -> str:
    """what `gc.callbacks` receive at a stop"""
    received: list[dict[str, Any]] = []

    def listen(phase: str, info: dict[str, Any]) -> None:
        if phase == "stop":
            received.append(dict(info))

    gc.callbacks.append(listen)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(listen)
    return ", ".join(sorted(received[0]))


@probe
def generations_of_automatic_collections() -> str:
    """generations that automatic collections report while 200,000 lists are made and kept"""
    seen: set[int] = set()

    def listen(phase: str, info: dict[str, int]) -> None:
        seen.add(info["generation"])

    before = gc.get_threshold()
    gc.callbacks.append(listen)
    gc.set_threshold(700, 10, 10)
    gc.enable()
    try:
        kept: list[list[Any]] = []
        for _ in range(200_000):
            kept.append([])
    finally:
        gc.disable()
        gc.set_threshold(*before)
        gc.callbacks.remove(listen)
    return ", ".join(map(str, sorted(seen)))


@probe
def collections_in_one_call() -> str:
    """collections inside one C call (`json.loads` of 20,000 lists)"""
    text = json.dumps([[]] * 20_000)
    seen: list[int] = []

    def listen(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    before = gc.get_threshold()
    gc.callbacks.append(listen)
    gc.set_threshold(700, 10, 10)
    gc.enable()
    try:
        json.loads(text)
        inside = len(seen)
    finally:
        gc.disable()
        gc.set_threshold(*before)
        gc.callbacks.remove(listen)
    return "many" if inside > 5 else "one at most"


@probe
def references_of_a_local() -> str:
    """`sys.getrefcount` of a local with one reference"""

    def ask() -> int:
        local: list[Any] = []
        return sys.getrefcount(local)

    return str(ask())


@probe
def references_through_map() -> str:
    """the same through `map(sys.getrefcount, [local])`"""

    def ask() -> int:
        local: list[Any] = []
        return next(map(sys.getrefcount, [local]))

    return str(ask())


@probe
def immortal_objects() -> str:
    """immortal: None, 5, 1000, `int`, an interned name"""
    asked = [
        ("None", None),
        ("5", 5),
        ("1000", int("1000")),
        ("int", int),
        ("a name", sys.intern("ga" + "rbology")),
    ]
    immortal = [name for name, value in asked if sys.getrefcount(value) >= IMMORTAL]
    return ", ".join(immortal) or "none of them"


@probe
def referents_of_an_instance() -> str:
    """referents of an instance"""
    return _types(gc.get_referents(Plain()))


@probe
def referents_after_dict() -> str:
    """the same after its `__dict__` was touched"""
    touched = Plain()
    touched.__dict__
    return _types(gc.get_referents(touched))


@probe
def referents_of_the_dict() -> str:
    """referents of that `__dict__`, without its keys (python/cpython #130327)"""
    touched = Plain()
    return _types(each for each in gc.get_referents(touched.__dict__) if type(each) is not str)


@probe
def frame_locals() -> str:
    """a frame's `f_locals`"""

    def ask() -> str:
        return type(sys._getframe().f_locals).__name__

    return ask()


@probe
def tracked_containers() -> str:
    """tracked when new: a tuple of numbers (from a list, from an iterator), {}, {'a': 1}, {'a': []}"""
    numbers = [1, 2]
    made: list[tuple[str, Any]] = [
        ("from a list", tuple(numbers)),
        ("from an iterator", tuple(iter(numbers))),
        ("{}", {}),
        ("{'a': 1}", dict(zip("a", [1], strict=True))),
        ("{'a': []}", dict(zip("a", [[]], strict=True))),
    ]
    return ", ".join(name for name, value in made if gc.is_tracked(value)) or "none of them"


@probe
def tuples_after_a_collection() -> str:
    """a new tuple of atoms after a collection"""
    made = tuple(map(int, "12"))
    gc.collect()
    return "tracked" if gc.is_tracked(made) else "untracked"


@probe
def generator_cycles_counted() -> str:
    """a suspended generator's cycle, counted by `gc.collect()`"""

    def hold(box: list[Any]) -> Any:
        yield box

    gc.collect()
    box: list[Any] = []
    generator = hold(box)
    box.append(generator)
    next(generator)
    gone = weakref.ref(generator)
    del box, generator
    collected = gc.collect()
    return f"{collected}, {'freed' if gone() is None else 'not freed'}"


@probe
def frozen_at_start() -> str:
    """objects frozen when the interpreter starts"""
    return "some" if _FROZEN else "none"


@probe
def size_of_an_instance() -> str:
    """`sys.getsizeof` of an instance with one attribute, its `__dict__` not touched (bytes)"""
    return str(sys.getsizeof(Plain()))


@probe
def pointer_bytes() -> str:
    """bytes of a pointer"""
    return str(ctypes.sizeof(ctypes.c_void_p))


_FROZEN = gc.get_freeze_count()


def _types(objects: Any) -> str:
    return ", ".join(sorted(type(each).__name__ for each in objects)) or "none"


def describe() -> dict[str, Any]:
    """This interpreter's column: its version, where it runs, and its answers."""
    return {"version": platform.python_version(), "platform": sys.platform, "answers": answers()}


def table(columns: list[dict[str, Any]]) -> str:
    """The table as Markdown, versions across; what is equal to the column before it is shown all the same."""
    columns = sorted(columns, key=lambda column: (column["platform"] == "emscripten", _version(column)))
    out = io.StringIO()
    out.write(_HEAD)
    out.write("| | " + " | ".join(map(_title, columns)) + " |\n")
    out.write("| --- |" + " --- |" * len(columns) + "\n")
    for name, function in probes.items():
        cells = [_cell(column["answers"].get(name, "?")) for column in columns]
        out.write(f"| {' '.join((function.__doc__ or name).split())} | {' | '.join(cells)} |\n")
    return out.getvalue()


_HEAD = """\
# What differs from version to version

Each cell is what a probe in [version_probes.py](version_probes.py) answered on that interpreter; a test asks the
interpreter that it runs on and compares. To add one: `python docs/version_probes.py PYTHON...`, with all of them.

"""


def _title(column: dict[str, Any]) -> str:
    return column["version"] + (" (WebAssembly)" if column["platform"] == "emscripten" else "")


def _version(column: dict[str, Any]) -> list[int]:
    return [int(part) for part in column["version"].split("+")[0].split(".") if part.isdigit()]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def ask(interpreter: str) -> dict[str, Any]:
    """The column of another interpreter, or the one kept in a file."""
    if interpreter.endswith(".json"):
        return dict(json.loads(Path(interpreter).read_text(encoding="utf-8")))
    answer = subprocess.run(
        [interpreter, "-I", __file__], check=True, capture_output=True, encoding="utf-8", timeout=60
    )
    return dict(json.loads(answer.stdout))


def main(arguments: list[str]) -> None:
    """Answer for this interpreter, or write the table of those named."""
    if not arguments:
        print(json.dumps(describe(), indent=1))
        return
    TABLE.write_text(table([ask(interpreter) for interpreter in arguments]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
