"""Where an interactive interpreter hides references to results and exceptions, under the names its users know.

IPython keeps what a cell displays in `Out`, `_`, `__`, `___` and `_3`, copies of those in `user_ns_hidden`, and the
last exception in its traceback formatter (ipython #10082); Python's own prompt in `builtins._` and
`sys.last_exc`.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from typing import NamedTuple

from garbology.interpreter import memory_layout
from garbology.interpreter.contents import items_of, value_of
from garbology.interpreter.traversal import safe_referents
from garbology.names.classes import is_class, is_module, namespace_of_module

_get_self = types.MethodType.__dict__["__self__"].__get__
_NUMBERED = re.compile(r"\['_(\d+)'\]")
_LAST_OUTPUTS = ("['_']", "['__']", "['___']")
_LAST_ERROR = ("['last_exc']", "['last_value']", "['last_traceback']", "['last_type']")
_FORGET_OUTPUT = (
    "`%reset -f out` empties IPython's output cache; `%xdel NAME` removes one name and its hidden copies"
)
_FORGET_HIDDEN = "`get_ipython().user_ns_hidden.clear()`, which `%reset -f out` does not do"
_FORGET_ERROR = "IPython keeps the last exception until the next one: run `1/0` in a cell"


class Hidden(NamedTuple):
    """A hidden reference: its name, and how to let go of it."""

    name: str
    remedy: str


Namer = Callable[[str], "Hidden | None"]


class HiddenReferences:
    """Which references of this process are an interactive interpreter's own."""

    def __init__(self) -> None:
        self._namers: dict[int, Namer] = {}
        self._add_prompt()
        for namespace in _namespaces():
            bound = value_of(namespace, "get_ipython")
            if type(bound) is types.MethodType:
                self._add_ipython(namespace, _get_self(bound))

    def name(self, holder: object, label: str) -> Hidden | None:
        """Return what a reference is, None if it is nothing of an interactive interpreter."""
        namer = self._namers.get(id(holder))
        return namer(label) if namer else None

    def knows(self, holder: object) -> bool:
        """Tell whether any reference of this holder may have a name here."""
        return id(holder) in self._namers

    def _add_prompt(self) -> None:
        self._namers[id(sys.__dict__)] = _last_error
        builtins = sys.modules.get("builtins")
        if type(builtins) is types.ModuleType:
            self._namers[id(namespace_of_module(builtins))] = _prompt_result

    def _add_ipython(self, namespace: dict[str, object], shell: object) -> None:
        self._namers[id(namespace)] = _user_name
        self._namers[id(value_of(namespace, "_oh", value_of(namespace, "Out")))] = _output
        self._add(attribute(shell, "user_ns_hidden"), _hidden_name)
        self._add_attributes(
            attribute(shell, "InteractiveTB"), "InteractiveTB", "last traceback", _FORGET_ERROR
        )
        self._add_attributes(attribute(shell, "displayhook"), "displayhook", "last output", _FORGET_OUTPUT)
        result = attribute(shell, "last_execution_result")
        self._add_attributes(result, "last_execution_result", "record of the last cell", "run another cell")

    def _add(self, holder: object, namer: Namer) -> None:
        if holder is not None:
            self._namers[id(holder)] = namer

    def _add_attributes(self, holder: object, name: str, meaning: str, remedy: str) -> None:
        """Name all attributes of an object, whether they are inline or in its dictionary."""

        def namer(label: str) -> Hidden | None:
            attribute_name = f".{label[2:-2]}" if label.startswith("['") else label
            if attribute_name in (".__dict__", ".__class__"):
                return None
            return Hidden(f"IPython's {meaning} {name}{attribute_name}", remedy)

        if holder is not None:
            self._namers[id(holder)] = namer
            namespace = _namespace_of(holder)
            if namespace is not None:
                self._namers[id(namespace)] = namer


def _namespaces() -> list[dict[str, object]]:
    return [namespace_of_module(module) for _, module in items_of(sys.modules) if is_module(module)]


def attribute(obj: object, name: str) -> object:
    """Return an attribute that an instance itself holds, without its class; None if it has none."""
    wanted = dict(memory_layout.attribute_ids(obj) or ()).get(name)
    if wanted is not None:
        return next((referent for referent in safe_referents(obj) if id(referent) == wanted), None)
    namespace = _namespace_of(obj)
    return None if namespace is None else value_of(namespace, name)


def _namespace_of(obj: object) -> dict[object, object] | None:
    wanted = memory_layout.instance_dict_id(obj)
    found = (item for item in safe_referents(obj) if type(item) is dict and id(item) == wanted)
    return next(found, None) if wanted and not is_class(obj) else None


def _last_error(label: str) -> Hidden | None:
    if label not in _LAST_ERROR:
        return None
    name = f"sys.{label[2:-2]}"
    return Hidden(f"the last uncaught exception {name}", f"`del {name}`, and its siblings sys.last_...")


def _prompt_result(label: str) -> Hidden | None:
    return Hidden("the prompt's last result builtins._", "`del builtins._`") if label == "['_']" else None


def _user_name(label: str) -> Hidden | None:
    if label in _LAST_OUTPUTS:
        return Hidden(f"IPython's last output {label[2:-2]}", _FORGET_OUTPUT)
    numbered = _NUMBERED.fullmatch(label)
    if numbered:
        return Hidden(f"IPython's output cache _{numbered[1]} (Out[{numbered[1]}])", _FORGET_OUTPUT)
    return None


def _output(label: str) -> Hidden | None:
    return Hidden(f"IPython's output cache Out{label}", _FORGET_OUTPUT)


def _hidden_name(label: str) -> Hidden | None:
    return Hidden(f"IPython's hidden namespace user_ns_hidden{label}", _FORGET_HIDDEN)
