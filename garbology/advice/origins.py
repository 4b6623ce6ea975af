"""What to look for in the source to find the lines that make an edge; the lines are read when they are asked for."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from garbology.advice.edge_classes import class_of_edge
from garbology.cycles.folding import Link, Step, is_foldable
from garbology.cycles.result import Edge
from garbology.interpreter.executed import Ran
from garbology.interpreter.traversal import safe_referents
from garbology.names.assignments import Origin
from garbology.names.classes import (
    HEAP_TYPE,
    flags_of,
    is_class,
    mro_of,
    namespace_of,
    qualified_name,
    source_file_of,
)
from garbology.names.edges import named_referents
from garbology.names.finalizers import found_in
from garbology.names.frames import CODE_OF
from garbology.names.labels import pattern
from garbology.names.nodes import class_site, code_of, has_code
from garbology.names.sources import INSTRUMENT, is_own_code
from garbology.names.statements import statements_of

_MOST_CLASSES = 8
_MOST_FILES = 6
_MOST_CALLS = 20
_SEVERAL = 2  # classes of one name in one file
_OF_A_METHOD = (
    ".__self__",
    ".__func__",
    ".func",
    ".args",
    ".keywords",
)  # what a callable keeps, told by its holder
_get_variables = types.CodeType.__dict__["co_freevars"].__get__
_get_traceback = BaseException.__dict__["__traceback__"].__get__


#: What ran while a window was open, by file; empty where that is not known.
Calls = Mapping[str, Ran]


def with_origins(edges: Sequence[Edge], links: Sequence[Link], calls: Calls) -> list[Edge]:
    """The edges, each with what to look for; ``links`` are those of one occurrence that they stand for."""
    by_class: dict[tuple[str, str, str], Link] = {}
    for link in links:
        by_class.setdefault(class_of_edge(link), link)
    files = tuple(_files_of(by_class.values(), calls))
    origins = (_origin_of(_link_of(edge, by_class), files) for edge in edges)
    return [
        replace(edge, origin=_with_calls(origin, calls)) for edge, origin in zip(edges, origins, strict=True)
    ]


def _with_calls(origin: Origin | None, calls: Calls) -> Origin | None:
    """With what ran of the files in which it may be set."""
    if origin is None or not calls:
        return origin
    files = dict.fromkeys([*(file for file, *_ in origin.classes), *origin.files])
    return replace(origin, ran=tuple((file, tuple(calls.get(file, Ran()))) for file in files))


def _link_of(edge: Edge, by_class: dict[tuple[str, str, str], Link]) -> Link | None:
    label = pattern(edge.label)
    for (source, common, target), link in by_class.items():
        if common == label and edge.source.endswith(source) and edge.target.endswith(target):
            return link
    return None


def _origin_of(link: Link | None, files: tuple[str, ...]) -> Origin | None:
    """What to look for: the last step that has a name in the source."""
    origin: Origin | None = None
    for step, following in zip(link.steps, (*link.steps[1:], None), strict=True) if link else ():
        named = _named(step, following)
        if named is not None:
            origin = replace(named, of_itself=link is not None and step.holder is link.steps[-1].referent)
        elif (
            origin is not None
            and step.label.startswith(("[", "set element"))
            and not _names_a_part(step, link)
        ):
            key = step.label[2:-2] if step.label.startswith("['") else ""
            origin = replace(origin, in_container=True, key=key)
    return None if origin is None else replace(origin, files=files)


def _named(step: Step, following: Step | None) -> Origin | None:
    kind, label = type(step.holder), step.label
    if kind is types.FunctionType:
        return _named_of_function(step.holder, label, following)
    if label.startswith("local ") and has_code(kind):
        return Origin("local", label.removeprefix("local "), code=_code_key(step.holder))
    if label == "weakref callback":
        return Origin("callback")
    if label == ".__context__":
        return Origin("handler", raised=tuple(_calls_of(step.holder)))
    if label == ".__dict__" and following is not None and following.label.startswith("['"):
        return _attribute(step.holder, following.label[2:-2])
    if label.startswith(".") and not _is_special(label) and not is_foldable(step.holder):
        return _attribute(step.holder, label[1:])
    return None


def _is_special(label: str) -> bool:
    return label.startswith(".__") and label.endswith("__")


def _named_of_function(function: Any, label: str, following: Step | None) -> Origin | None:
    if label == ".__closure__" and following is not None:
        names = _get_variables(code_of(function))
        index = int(following.label[1:-1]) if following.label[1:-1].isdigit() else len(names)
        if index < len(names):
            return Origin("closure", names[index], code=_code_key(function))
    if label in (".__defaults__", ".__kwdefaults__"):
        return Origin("default", code=_code_key(function))
    if label == ".__dict__" and following is not None and following.label.startswith("['"):
        return Origin("attribute", following.label[2:-2])
    return None


def _names_a_part(step: Step, link: Link | None) -> bool:
    """Whether a step in brackets is the name of what is held: an attribute's, a variable's, a default's."""
    steps = link.steps if link else ()
    at = next(place for place, each in enumerate(steps) if each is step)
    before = steps[at - 1].label if at else ""
    return before in (".__dict__", ".__closure__", ".__defaults__", ".__kwdefaults__", *_OF_A_METHOD)


def _attribute(holder: object, name: str) -> Origin:
    classes = mro_of(holder if is_class(holder) else type(holder))  # type: ignore[arg-type]
    found = []
    for cls in classes[:_MOST_CLASSES]:
        file = source_file_of(cls) if flags_of(cls) & HEAP_TYPE else None
        if file is not None:
            found.append((file, qualified_name(cls), _line_among_several(cls, file)))
    if not found:  # written in C: the program's own lines are those that call it
        found = [("", qualified_name(classes[0]), 0)]
    return _computed(classes, name) or Origin("attribute", name, classes=tuple(found))


def _line_among_several(cls: type, file: str) -> int:
    """Where a class begins, if its file has several of its name and that is known; else 0."""
    if len(statements_of(file).class_lines(qualified_name(cls))) < _SEVERAL:
        return 0
    place = class_site(cls)
    return place[1] if place is not None and place[0] == file else 0


def _computed(classes: Sequence[type], name: str) -> Origin | None:
    """Where a function computes the attribute when it is asked for: `functools.cached_property` and the like."""
    value = next((dict(namespace_of(cls))[name] for cls in classes if name in dict(namespace_of(cls))), None)
    kind = type(value)
    if (
        not flags_of(kind) & HEAP_TYPE
        or found_in(kind, "__get__") is None
        or found_in(kind, "__set__") is not None
    ):
        return None
    functions = [each for each in _behind(value) if type(each) is types.FunctionType]
    if len(functions) != 1 or str.__str__(code_of(functions[0]).co_name) != name:
        return None
    return Origin("default", code=_code_key(functions[0]))


def _behind(obj: object) -> Iterator[object]:
    """What an object's attributes hold."""
    for label, value in named_referents(obj):
        yield from safe_referents(value) if label == ".__dict__" else (value,)


def _code_key(obj: object) -> tuple[str, int, str]:
    code = code_of(obj)
    return str.__str__(code.co_filename), code.co_firstlineno, str.__str__(code.co_name)


def _files_of(links: Collection[Link], calls: Calls) -> Iterator[str]:
    """The files of what is in the cycle, the program's own first, then of who asked, and then of what else ran of the
    program's, or beside the classes in the cycle.
    """
    found: dict[str, None] = {}
    for link in links:
        for obj in (link.steps[0].holder, *(step.referent for step in link.steps)):
            filename = _file_of(obj)
            if filename is not None:
                found[filename] = None
    folders = {os.path.dirname(filename) for filename in found}
    for filename in _files_of_callers():
        found[filename] = None
    yield from sorted(found, key=lambda each: not is_own_code(each))[:_MOST_FILES]
    others = [file for file in calls if file not in found and not file.startswith((INSTRUMENT, "<"))]
    yield from [each for each in others if is_own_code(each) or os.path.dirname(each) in folders][
        :_MOST_FILES
    ]


def _file_of(obj: object) -> str | None:
    if has_code(type(obj)):
        return str.__str__(code_of(obj).co_filename)
    cls: Any = obj if is_class(obj) else type(obj)
    return source_file_of(cls) if flags_of(cls) & HEAP_TYPE else None


def _files_of_callers() -> Iterator[str]:
    frame: types.FrameType | None = sys._getframe()
    seen: dict[str, None] = {}
    while frame is not None and len(seen) < 2:
        filename = str.__str__(frame.f_code.co_filename)
        if not filename.startswith(INSTRUMENT) and is_own_code(filename):
            seen[filename] = None
        frame = frame.f_back
    return iter(seen)


def _calls_of(error: object) -> Iterator[tuple[str, int]]:
    """File and line of each call that an exception went through, the innermost first."""
    calls: list[tuple[str, int]] = []
    with suppress(TypeError):
        trace = _get_traceback(error)
        while trace is not None and len(calls) < _MOST_CALLS:
            calls.append((str.__str__(CODE_OF["frame"](trace.tb_frame).co_filename), trace.tb_lineno))
            trace = trace.tb_next
    return reversed(calls)
