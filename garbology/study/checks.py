"""What a study may declare; ValueError says what is wrong, the study adds its name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

LONGEST_SECONDS = 1_000_000  # waiting for a process takes milliseconds as a 32-bit number
# What `quick` and `full` may override like parameters, and names that a Run has anyway.
SETTINGS = {"repeats", "most_repeats", "precision", "timeout_seconds"}
_RESERVED = SETTINGS | {"measure", "case", "values", "repeat", "seconds", "runtime", "has"}
_SCALAR_TYPES = (bool, int, float, str, type(None))
_ONLY_BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_grid(
    parameters: Mapping[str, Any], overrides: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]
) -> None:
    """A study's parameters, what its scales override, and its settings; most_repeats may be None."""
    _check_mapping("parameters", parameters)
    for name, values in parameters.items():
        if not isinstance(name, str) or name in _RESERVED or not name.isidentifier():
            raise ValueError(f"a parameter cannot be called {name!r}")
        _check_values(name, values, "parameters")
    for name, value in settings.items():
        if value is not None or name != "most_repeats":
            _check_setting(name, value)
    _check_most(settings, settings, "")
    for scale, changed in overrides.items():
        _check_mapping(scale, changed)
        for name, value in changed.items():
            _check_override(scale, name, value, parameters)
        _check_most(changed, {**settings, **changed}, f"{scale}: ")


def check_title(title: Any) -> None:
    """A title is a text that says something."""
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"its title must be a text, got {title!r}")


def check_measure(
    function: Callable[..., Any],
    overrides: Mapping[str, Mapping[str, Any]],
    parameters: Mapping[str, Sequence[Any]],
) -> None:
    """A measure's arguments, its own values of them, and what it is annotated to return."""
    _check_function(function, "measure")
    measure, names = f"measure {function.__name__!r}", tuple(inspect.signature(function).parameters)
    for name, taken_as in inspect.signature(function).parameters.items():
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ValueError(f"{measure} takes {name!r}, which is no parameter: they are {known}")
        if taken_as.kind not in _BY_NAME:
            raise ValueError(f"{measure} must take {name!r} by its name, not as {str(taken_as)!r}")
    for scale, changed in overrides.items():
        _check_mapping(f"{measure}: {scale}", changed)
        for name, values in changed.items():
            if name not in names:
                taken = ", ".join(names) or "nothing"
                raise ValueError(f"{measure}: {scale} names {name!r}, which it does not take: {taken}")
            _check_values(name, values, f"{measure}: {scale}")
    _check_result_type(function, names)


def check_takes_runs(function: Callable[..., Any], kind: str) -> None:
    """Whatever is claimed or drawn is a function of the runs."""
    _check_function(function, kind)
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 1 or parameters[0].kind in _ONLY_BY_NAME:
        raise ValueError(f"{kind} {function.__name__!r} must take one argument, the runs")


def _check_function(function: Any, kind: str) -> None:
    """A function that does its work when it is called: the body of a generator or coroutine would never run."""
    if not callable(function) or not hasattr(function, "__name__"):
        raise ValueError(f"{kind} must be a function, got {function!r}")
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise ValueError(
            f"{kind} {function.__name__!r} is a generator or a coroutine, whose body no call runs: make it a function"
        )


def _check_mapping(where: str, values: Any) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} must be a dictionary, got {values!r}")


def _check_most(given: Mapping[str, Any], settings: Mapping[str, Any], where: str) -> None:
    most, fewest = given.get("most_repeats"), settings["repeats"]
    if most is not None and most < fewest:
        raise ValueError(f"{where}most_repeats is {most}, less than repeats, {fewest}")


def _check_override(scale: str, name: str, value: Any, parameters: Mapping[str, Any]) -> None:
    if name in SETTINGS:
        _check_setting(f"{scale}: {name}", value)
    elif name not in parameters:
        raise ValueError(f"{scale} names {name!r}, which is no parameter: they are {', '.join(parameters)}")
    else:
        _check_values(name, value, scale)


def _check_values(name: str, values: Any, where: str) -> None:
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError(f"{where}: {name!r} must be a list of at least one value, got {values!r}")
    for value in values:
        # A subclass, say of an enumeration, comes back from a record as something else.
        if type(value) not in _SCALAR_TYPES or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{where}: {name!r} has the value {value!r}, which is no JSON scalar")
    if len(set(map(repr, values))) < len(values):
        raise ValueError(f"{where}: {name!r} has the same value twice: {values!r}")


def _check_setting(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number greater than zero, got {value!r}")
    if name.endswith("timeout_seconds") and value > LONGEST_SECONDS:
        raise ValueError(f"{name} must be at most {LONGEST_SECONDS:,}, got {value!r}")
    if name.endswith("repeats") and value != int(value):
        raise ValueError(f"{name} must be a whole number, got {value!r}")


def _check_result_type(function: Callable[..., Any], parameters: Sequence[str]) -> None:
    measure = f"measure {function.__name__!r}"
    try:
        result = get_type_hints(function).get("return")
    except NameError:  # a class that is local to a function: the worker checks what comes back
        return
    except Exception as error:
        raise ValueError(f"{measure} has an annotation that cannot be read: {error}") from None
    if not (isinstance(result, type) and is_dataclass(result)):
        raise ValueError(f"{measure} must be annotated to return a dataclass, got {result!r}")
    for field in fields(result):
        if field.name in parameters or field.name in _RESERVED:
            raise ValueError(f"{measure} returns a field {field.name!r}: that name is taken")
