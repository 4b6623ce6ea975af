"""Names for what `functools.lru_cache` and `cache` keep: whose cache it is, and what of which call."""

from __future__ import annotations

import functools
import types
from typing import Any

from garbology.interpreter.contents import items_of, value_of
from garbology.interpreter.traversal import safe_referents
from garbology.names.classes import is_class, mro_of, namespace_of, safe_type_name
from garbology.names.frames import qualified_name
from garbology.names.sources import is_standard_library, site

INSIDE = "held inside functools.lru_cache"
ARGUMENTS = "arguments of a cached call"
RESULT = "result of a cached call"
PART = "functools._lru_list_elem"  # holds the latest calls, and a cache shows what is in it
CALL_CACHE: type = type(functools.lru_cache(len))
_get_namespace = vars(CALL_CACHE)["__dict__"].__get__
_get_code = types.FunctionType.__dict__["__code__"].__get__
_PARTS: dict[type, str] = {
    property: "fget",
    staticmethod: "__func__",
    classmethod: "__func__",
    functools.partialmethod: "func",
}


def is_call_cache(obj: object) -> bool:
    """Whether it is a function wrapped by `functools.lru_cache` or `cache`."""
    return type(obj) is CALL_CACHE


def cached_function(cache: object) -> str:
    """The name of the function whose calls are cached: 'Service.compute'; '' where that is not known."""
    function = _function_of(cache)
    return qualified_name(function, _get_code(function)) if function is not None else ""


def is_of_the_program(cache: object) -> bool:
    """Whether the function is written in Python, and not the standard library's."""
    function: Any = _function_of(cache)
    return function is not None and not is_standard_library(_get_code(function).co_filename)


def call_cache_name(cache: object) -> str:
    """'lru_cache of Service.compute (app.py:5)'."""
    function = _function_of(cache)
    if function is None:
        return "lru_cache"
    code = _get_code(function)
    return f"lru_cache of {cached_function(cache)} ({site(code.co_filename, code.co_firstlineno)})"


def _function_of(cache: object) -> object:
    """The function itself, below further decorators."""
    found: Any = cache
    seen: list[object] = []
    while type(found) is not types.FunctionType:
        if type(found) is not CALL_CACHE or any(each is found for each in seen):
            return None
        seen.append(found)
        found = value_of(_get_namespace(found), "__wrapped__")
    return found


def role_in_cache(cache: object, referent: object) -> str:
    """What something that a cache refers to is to it: the arguments of a call, or its result."""
    keys = (key for table in table_of(cache) for key, _ in items_of(table))
    return ARGUMENTS if any(key is referent for key in keys) else RESULT


def table_of(cache: object) -> list[dict[Any, Any]]:
    """The dictionary from arguments to results, in a list; results that are dictionaries come before it."""
    own = _get_namespace(cache)
    return [each for each in safe_referents(cache) if type(each) is dict and each is not own][-1:]


def is_method_of(cache: object, obj: object) -> bool:
    """Whether a class of the object's has the cached function for a method or a property, which is given the object."""
    return any(
        value is cache
        or (type(value) is not staticmethod and type(value) is not classmethod and _wraps(value, cache))
        for base in mro_of(type(obj))
        for _, value in namespace_of(base)
    )


def _spelled(cache: object) -> str:
    """How a program reaches the cache: 'Service.compute', 'Service.name.fget'; '' where that is not known."""
    function: Any = _function_of(cache)
    if function is None:
        return ""
    name = cached_function(cache)
    space = value_of(function.__globals__, name.partition(".")[0])
    for part in name.split(".")[1:]:
        space = dict(namespace_of(space)).get(part) if is_class(space) else None
    if type(space) is property and space.fget is cache:
        return f"{name}.fget"
    return name if space is cache or _wraps(space, cache) else ""


def _wraps(value: Any, cache: object) -> bool:
    part = next((name for kind, name in _PARTS.items() if type(value) is kind), None)
    return part is not None and getattr(value, part) is cache


def cache_remedy(cache: object, obj: object, role: str) -> str:
    """How to keep a cache from keeping an object."""
    name = _spelled(cache)
    clear = f"`{name}.cache_clear()`" if name else "the cache's `cache_clear()`"
    if role == RESULT:
        return f"{clear} lets go of all results, and a `maxsize` of all but the latest"
    if is_method_of(cache, obj):
        return (
            f"{clear} lets go of all of them; a cache on a method keeps every `self`, so keep the results in the "
            "object: functools.cached_property, or a dictionary of its own"
        )
    kind = safe_type_name(type(obj)).rpartition(".")[2]
    return f"{clear} lets go of all arguments; pass what tells one {kind} from another instead of the {kind}"
