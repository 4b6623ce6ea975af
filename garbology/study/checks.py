"""What a study may declare; ValueError says what is wrong, the study adds its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

# What `quick` and `full` may override like parameters, and names that a Run has anyway.
SETTINGS = {"repeats", "most_repeats", "precision", "timeout_seconds"}
_RESERVED = SETTINGS | {"measure", "case", "values", "repeat", "seconds", "runtime", "has"}
_SCALAR_TYPES = (bool, int, float, str, type(None))


def check_grid(
    parameters: Mapping[str, Any], overrides: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]
) -> None:
    """A study's parameters, what its scales override, and its settings, None where one is not given."""
    for name, values in parameters.items():
        if name in _RESERVED or not name.isidentifier():
            raise ValueError(f"a parameter cannot be called {name!r}")
        _check_values(name, values, "parameters")
    for scale, changed in overrides.items():
        for name, value in changed.items():
            _check_override(scale, name, value, parameters)
    for name, value in settings.items():
        if value is not None:
            _check_setting(name, value)
    most, fewest = settings["most_repeats"], settings["repeats"]
    if most is not None and most < fewest:
        raise ValueError(f"most_repeats is {most}, less than repeats, {fewest}")


def check_measure(
    function: Callable[..., Any],
    overrides: Mapping[str, Mapping[str, Any]],
    parameters: Mapping[str, Sequence[Any]],
) -> None:
    """A measure's arguments, its own values of them, and what it is annotated to return."""
    measure, names = f"measure {function.__name__!r}", tuple(inspect.signature(function).parameters)
    for name in names:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ValueError(f"{measure} takes {name!r}, which is no parameter: they are {known}")
    for scale, changed in overrides.items():
        for name, values in changed.items():
            if name not in names:
                taken = ", ".join(names) or "nothing"
                raise ValueError(f"{measure}: {scale} names {name!r}, which it does not take: {taken}")
            _check_values(name, values, f"{measure}: {scale}")
    _check_result_type(function, names)


def check_takes_runs(function: Callable[..., Any], kind: str) -> None:
    """Whatever is claimed or drawn is a function of the runs."""
    if len(inspect.signature(function).parameters) != 1:
        raise ValueError(f"{kind} {function.__name__!r} must take one argument, the runs")


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
        if not isinstance(value, _SCALAR_TYPES) or value != value:  # NaN is no JSON value
            raise ValueError(f"{where}: {name!r} has the value {value!r}, which is no JSON scalar")
    if len(set(map(repr, values))) < len(values):
        raise ValueError(f"{where}: {name!r} has the same value twice: {values!r}")


def _check_setting(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"{name} must be a number greater than zero, got {value!r}")
    if name.endswith("repeats") and value != int(value):
        raise ValueError(f"{name} must be a whole number, got {value!r}")


def _check_result_type(function: Callable[..., Any], parameters: Sequence[str]) -> None:
    measure = f"measure {function.__name__!r}"
    try:
        result = get_type_hints(function).get("return")
    except NameError:  # a class that is local to a function: the worker checks what comes back
        return
    if not (isinstance(result, type) and is_dataclass(result)):
        raise ValueError(f"{measure} must be annotated to return a dataclass, got {result!r}")
    for field in fields(result):
        if field.name in parameters or field.name in _RESERVED:
            raise ValueError(f"{measure} returns a field {field.name!r}: that name is taken")
