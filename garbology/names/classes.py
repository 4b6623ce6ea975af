"""What a class says about itself, read without asking the class.

A metaclass may override `__mro__`, `__getattribute__`, `__eq__` or `__hash__`, and an instance may lie
about its `__class__`. Everything here goes through `type`'s own descriptors, compares by identity, and
looks names up by walking (a key of a class namespace may be a str subclass whose `__eq__` is Python).
"""

from __future__ import annotations

import operator
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from garbology.interpreter.contents import value_of
from garbology.names.sources import is_own_code
from garbology.text.escaping import safe_text

_get_mro = type.__dict__["__mro__"].__get__
_get_namespace = type.__dict__["__dict__"].__get__
_get_flags = type.__dict__["__flags__"].__get__
_get_qualname = type.__dict__["__qualname__"].__get__
_get_itemsize = type.__dict__["__itemsize__"].__get__
_get_basicsize = type.__dict__["__basicsize__"].__get__
_get_module = type.__dict__["__module__"].__get__
_get_code = types.FunctionType.__dict__["__code__"].__get__
namespace_of_module = vars(types.ModuleType)["__dict__"].__get__  # runs no code of a class derived from it
_INTERACTIVE = ("<doctest", "<ipython", "<python-input", "<stdin")  # has no file; others are generated code
_WRAPPERS: tuple[tuple[type, str], ...] = (
    (property, "fget"),
    (staticmethod, "__func__"),
    (classmethod, "__func__"),
)

HEAP_TYPE = 1 << 9
COLLECTED_TYPE = 1 << 14  # Py_TPFLAGS_HAVE_GC
INLINE_VALUES = 1 << 2  # 3.13 and newer
MANAGED_DICT = 1 << 4  # 3.11 and newer (bit 4 has no meaning in 3.10)
MANAGED_WEAKREF = 1 << 3  # 3.12 and newer
DICT_TYPE = 1 << 29  # Py_TPFLAGS_DICT_SUBCLASS: the instances are dictionaries
_CLASS_TYPE = 1 << 31  # Py_TPFLAGS_TYPE_SUBCLASS: the instances are classes
_LENGTHS: dict[int, Callable[[Any], int]] = {
    id(base): base.__len__ for base in (dict, list, tuple, set, frozenset, deque)
}


def flags_of(cls: type) -> int:
    """The C flags of a class (`Py_TPFLAGS_...`)."""
    flags: int = _get_flags(cls)
    return flags


def itemsize_of(cls: type) -> int:
    """Bytes of one item of a class whose instances vary in size, 0 for any other."""
    size: int = _get_itemsize(cls)
    return size


def basicsize_of(cls: type) -> int:
    """Bytes of an instance without its items."""
    size: int = _get_basicsize(cls)
    return size


def mro_of(cls: type) -> tuple[type, ...]:
    """The method resolution order of a class; the class alone while it is still being made."""
    order: tuple[type, ...] | None = _get_mro(cls)
    return (cls,) if order is None else order


def length_function_of(cls: type) -> Callable[[Any], int] | None:
    """What says how many entries an instance of a builtin container has, of a subclass too; None for other classes.

    It is the container's own: no method that a program has written is called.
    """
    return next((_LENGTHS[id(base)] for base in mro_of(cls) if id(base) in _LENGTHS), None)


def is_module_type(kind: type) -> bool:
    """Whether instances of a class are modules."""
    return any(map(operator.is_, mro_of(kind), repeat(types.ModuleType)))


def is_module(obj: object) -> bool:
    """Tell whether the object is a module, without `isinstance`."""
    return is_module_type(type(obj))


def namespace_of(cls: type) -> list[tuple[str, Any]]:
    """The entries of the class's own namespace whose keys are exact strings."""
    return [(name, value) for name, value in list(_get_namespace(cls).items()) if type(name) is str]


def qualified_name(cls: type) -> str:
    """'Outer.Inner', 'make.<locals>.Local', as the source has it: neither escaped nor shortened."""
    return _exact_text(_get_qualname(cls))


def source_file_of(cls: type) -> str | None:
    """The file of a class: that of its own methods, else of its module; None where it has none. A method from a library
    is a decorator's where that is another package (`attrs`).

    A program given as text (`python -c`) has a file in name only, `<string>`, as have the methods of a dataclass.
    """
    own = namespace_of(cls)
    module = _module_of(cls)
    in_name_only = None
    for name, value in own:
        function = _plain_function(value)
        code = None if function is None else _get_code(function)
        if (
            code is not None and _exact_text(code.co_name) == name
        ):  # another is a decorator's, from its own file
            filename = _exact_text(code.co_filename)
            if not filename.startswith("<") or filename.startswith(_INTERACTIVE):
                is_decorator_s = not is_own_code(filename) and f"/{module.partition('.')[0]}/" not in filename
                return (_file_of_module(module) if is_decorator_s else None) or filename
            in_name_only = filename
    return _file_of_module(module) or (in_name_only if module == "__main__" else None)


def _file_of_module(wanted: str) -> str | None:
    module = value_of(sys.modules, wanted)
    if type(module) is not types.ModuleType:
        return None
    file = value_of(namespace_of_module(module), "__file__")
    return file if type(file) is str else None


def _plain_function(value: object) -> types.FunctionType | None:
    """The Python function behind a method, a property, a static or class method."""
    kind = type(value)
    for wrapper, name in _WRAPPERS:
        if kind is wrapper:
            value = wrapper.__dict__[name].__get__(value)
    return value if type(value) is types.FunctionType else None


def inherited_values(cls: type, name: str) -> Iterator[Any]:
    """Every value that the classes along the MRO have under the name, the nearest first."""
    for base in mro_of(cls):
        for own_name, value in namespace_of(base):
            if own_name == name:
                yield value


def is_class(obj: object) -> bool:
    """Tell whether the object is a class, without `isinstance`."""
    return is_metaclass(type(obj))


def is_metaclass(cls: type) -> bool:
    """Whether the instances of a class are classes."""
    return bool(flags_of(cls) & _CLASS_TYPE)


def safe_type_name(obj_or_type: object) -> str:
    """Return 'module.Qualname' of a class, or of an object's class, without running user code.

    Builtins have no module in front. Control characters are escaped and long names shortened in the middle; a
    `__module__` that is no plain str is left out.
    """
    cls = _class_of(obj_or_type)
    module = _module_of(cls)
    qualname = _exact_text(_get_qualname(cls))
    return safe_text(qualname if module in ("", "builtins") else f"{module}.{qualname}", limit=160)


def short_type_name(obj_or_type: object) -> str:
    """Return the name that a reader would use: 'Variable', 'Outer.Inner', 'Local' for
    'test.<locals>.Local'.
    """
    qualname = _exact_text(_get_qualname(_class_of(obj_or_type)))
    return safe_text(qualname.rpartition("<locals>.")[2], limit=80)


def _class_of(obj_or_type: object) -> type:
    kind = type(obj_or_type)
    return obj_or_type if _get_flags(kind) & _CLASS_TYPE else kind  # type: ignore[return-value]


def _module_of(cls: type) -> str:
    if not flags_of(cls) & HEAP_TYPE:
        return _exact_text(_get_module(cls))  # computed in C from the name of the static type
    own = _first_of(cls)
    if own is None:
        own = next((value for name, value in namespace_of(cls) if name == "__module__"), "")
    return own if type(own) is str else ""


def _first_of(cls: type) -> Any:
    """The module of a class where that is the first of its namespace, as a class statement has it; or None."""
    try:
        for name, value in _get_namespace(cls).items():
            return value if type(name) is str and name == "__module__" else None
    except RuntimeError:  # another thread changed the class just then
        pass
    return None


def _exact_text(text: str) -> str:
    """A qualified name may be a str subclass; `str.__str__` copies its characters without asking it."""
    return str.__str__(text)
