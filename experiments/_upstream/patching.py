"""The advised remedy, put into a copy of a library where it is one change at one place.

Five kinds of advice say enough for that: a weak reference in an attribute that one line sets, a weak reference in a
variable that a function captures from its caller's parameters, what is kept made each time instead, the object itself
returned by a property, and variables of a frame that are let go of in a finally. Everything else needs to know when
something is done with, or how code is to be arranged: that is left to people.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SET_AT = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): (?P<text>.*)$")
_FRAME = re.compile(r"^frame of (?:.*\.)?(?P<function>[\w<>]+) \((?P<file>[^:]+):(?P<line>\d+)\)$")
_CAPTURED = re.compile(r"closure variable (?P<name>\w+)$")
_WEAK = """
class _Weak:
    def __init__(self, name):
        self.name = "_weak_" + name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        held = instance.__dict__.get(self.name)
        return held() if held is not None else None

    def __set__(self, instance, value):
        import weakref
        instance.__dict__[self.name] = None if value is None else weakref.ref(value)
"""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Change:
    """One change: in which file, at which line, of which name, and how."""

    file: Path
    line: int
    name: str
    how: str  # one of _CHANGERS


def changes_of(shapes: Iterable[Mapping[str, Any]], root: Path) -> list[Change] | None:
    """The changes that do what is advised about these shapes; None where one of the edges needs something else."""
    edges = [edge for shape in shapes for edge in shape["edges"] if edge["weaken"]]
    found = [_change(edge, root) for edge in edges]
    return None if not found or None in found else list(dict.fromkeys(each for each in found if each))


def _change(edge: Mapping[str, Any], root: Path) -> Change | None:
    frame = _FRAME.match(edge["source_type"])
    if edge["remedy"] == "clear" and frame and edge["label"].startswith("local "):
        place = _place_of_function(root, frame["file"], int(frame["line"]), frame["function"])
        return Change(place, int(frame["line"]), edge["label"].split()[1], "let go") if place else None
    if len(edge["set_at"]) != 1:
        return None
    return _change_at(edge, root, _SET_AT.match(edge["set_at"][0]))


def _change_at(edge: Mapping[str, Any], root: Path, set_at: re.Match[str] | None) -> Change | None:
    """The change at the one line that makes an edge."""
    if set_at is None:
        return None
    line, text = int(set_at["line"]), set_at["text"]
    place = _place(root, set_at["file"], line, text)
    if place is None:
        return None
    attribute, captured = re.fullmatch(r"\.(\w+)", edge["label"]), _CAPTURED.search(edge["label"])
    if edge["remedy"] == "weakref" and attribute and re.match(rf"\w+\.{attribute[1]}\s*(:.*)?=", text):
        return Change(place, line, attribute[1], "weak attribute")
    if edge["remedy"] == "weakref" and captured and text.startswith("def "):
        return Change(place, line, captured["name"], "weak capture")
    if edge["remedy"] == "property" and attribute and text == f"self.{attribute[1]} = self":
        return Change(place, line, attribute[1], "itself")
    if edge["remedy"] == "property" and attribute and text.startswith(f"def {attribute[1]}("):
        return Change(place, line, attribute[1], "each time")
    return None


def _place(root: Path, name: str, line: int, text: str) -> Path | None:
    """The one file of that name below the root with that text at that line."""
    start = text.rstrip("…")
    found = [path for path in root.rglob(name) if _line(path, line).startswith(start)]
    return found[0] if len(found) == 1 else None


def _place_of_function(root: Path, name: str, line: int, function: str) -> Path | None:
    """The one file of that name below the root in which a function of that name begins at that line."""
    found = [path for path in root.rglob(name) if _begins(path, line, function)]
    return found[0] if len(found) == 1 else None


def _begins(path: Path, line: int, function: str) -> bool:
    try:
        return _function_at(ast.parse(path.read_text(encoding="utf-8")), line).name == function
    except (ValueError, SyntaxError):  # none begins there, or it is no source of this version
        return False


def _line(path: Path, number: int) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[number - 1].strip() if number <= len(lines) else ""


def patched_copy(changes: Iterable[Change], root: Path, place: Path) -> None:
    """Copy each package that has a change to `place`, changed."""
    each = list(changes)
    for top in {change.file.relative_to(root).parts[0] for change in each}:
        source = root / top
        if source.is_dir():
            shutil.copytree(source, place / top, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / top)
        if (root / f"{top}.libs").is_dir():  # of a wheel's C code, which looks for it beside the package
            shutil.copytree(root / f"{top}.libs", place / f"{top}.libs")
    for file in {change.file for change in each}:
        inside = place / file.relative_to(root)
        tree = ast.parse(inside.read_text(encoding="utf-8"))
        for change in each:
            if change.file == file:
                _CHANGERS[change.how](tree, change)
        inside.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")


def _make_attribute_weak(tree: ast.Module, change: Change) -> None:
    """A descriptor of the class around the line, which keeps a weak reference."""
    names = [
        node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _is_in(node, change.line)
    ]
    if not any(isinstance(node, ast.ClassDef) and node.name == "_Weak" for node in tree.body):
        tree.body += ast.parse(_WEAK).body
    tree.body += ast.parse(f"{'.'.join(names)}.{change.name} = _Weak({change.name!r})").body


def _make_itself(tree: ast.Module, change: Change) -> None:
    """A property that returns self in place of the assignment."""
    for node in ast.walk(tree):
        for body in (value for _, value in ast.iter_fields(node) if isinstance(value, list)):
            body[:] = [ast.Pass() if _is_at(each, change.line) else each for each in body]
    owner = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _is_in(node, change.line)][
        -1
    ]
    owner.body += ast.parse(f"@property\ndef {change.name}(self):\n    return self").body


def _is_at(node: object, line: int) -> bool:
    return isinstance(node, ast.Assign) and node.lineno == line


def _make_capture_weak(tree: ast.Module, change: Change) -> None:
    """A proxy in place of the parameter, before anything captures it."""
    body = _function_at(tree, change.line).body
    place = 1 if ast.get_docstring(_function_at(tree, change.line)) is not None else 0
    new = f"import weakref as _weakref\n{change.name} = _weakref.proxy({change.name})"
    body[place:place] = ast.parse(new).body


def _make_each_time(tree: ast.Module, change: Change) -> None:
    """A property in place of what is cached."""
    _function_at(tree, change.line).decorator_list = [ast.Name("property", ast.Load())]


def _let_go(tree: ast.Module, change: Change) -> None:
    """`name = None` in a finally around the whole body."""
    function = _function_at(tree, change.line)
    gone = ast.parse(f"{change.name} = None").body
    first = function.body[0]
    if len(function.body) == 1 and isinstance(first, ast.Try) and getattr(first, "made_here", False):
        first.finalbody += gone
        return
    around = ast.Try(body=function.body, handlers=[], orelse=[], finalbody=gone)
    around.made_here = True  # type: ignore[attr-defined]
    function.body = [around]


def _function_at(tree: ast.Module, line: int) -> Function:
    """The function that begins at a line, or whose first decorator does."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and line in (
            node.lineno,
            *(each.lineno for each in node.decorator_list),
        ):
            return node
    raise ValueError(f"no function begins at line {line}")


def _is_in(node: ast.ClassDef, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


_CHANGERS = {
    "weak attribute": _make_attribute_weak,
    "weak capture": _make_capture_weak,
    "each time": _make_each_time,
    "itself": _make_itself,
    "let go": _let_go,
}
