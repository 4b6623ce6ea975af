"""The engine's switches: whether a graph is recorded, what it keeps, and who refers to whom.

The settings live in one context variable, so they are separate for each thread and each asyncio task.
A new thread starts from the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, cast

OutputReferences: TypeAlias = Literal["strong", "weak", "none"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One immutable set of switches; changing one makes a new set current."""

    enable_backprop: bool = True
    retain_grad: bool = False
    output_references: OutputReferences = "weak"


class UnknownSettingError(AttributeError, ValueError):
    """A setting that does not exist: a wrong attribute of Config, a wrong value for `using_config`."""


_NAMES = tuple(field.name for field in fields(Settings))
_settings: ContextVar[Settings] = ContextVar("autograd_core.settings", default=Settings())  # noqa: B039 - frozen

# Looked up once here: every operation asks, and the lookup would cost as much as the answer.
current_settings: Callable[[], Settings] = _settings.get


def _checked(name: str, value: object) -> Settings:
    """Return the current settings with one of them changed; raise if there is no such name or value."""
    if name not in _NAMES:
        raise UnknownSettingError(f"the settings are {', '.join(map(repr, _NAMES))}, got {name!r}")
    if name == "output_references":
        if not isinstance(value, str) or value not in ("strong", "weak", "none"):
            raise ValueError(f"output references are 'strong', 'weak' or 'none', got {value!r}")
    elif not isinstance(value, bool):
        raise ValueError(f"{name} is True or False, got {value!r}")
    return replace(current_settings(), **cast("dict[str, Any]", {name: value}))


class _Config:
    """The settings of the current thread or task as attributes, to read and to assign.

    enable_backprop: bool, record the graph (default True).
    retain_grad: bool, keep the gradients of intermediate variables (default False).
    output_references: 'strong', 'weak' or 'none', how a Function refers to its outputs (default 'weak').
    """

    __slots__ = ()
    enable_backprop: bool
    retain_grad: bool
    output_references: OutputReferences

    def __getattr__(self, name: str) -> object:
        if name not in _NAMES:
            raise UnknownSettingError(f"the settings are {', '.join(map(repr, _NAMES))}, got {name!r}")
        return getattr(current_settings(), name)

    def __setattr__(self, name: str, value: object) -> None:
        _settings.set(_checked(name, value))

    def __repr__(self) -> str:
        return repr(current_settings()).replace("Settings", "Config")


Config = _Config()


@contextmanager
def _using(name: str, value: object) -> Iterator[None]:
    previous = getattr(Config, name)
    setattr(Config, name, value)
    try:
        yield
    finally:
        setattr(Config, name, previous)


def using_config(name: str, value: object) -> AbstractContextManager[None]:
    """Give one setting another value inside a `with` block; it comes back however the block ends.

    Raises UnknownSettingError (an AttributeError and a ValueError) for an unknown name and ValueError for
    an unknown value, both at the call.
    """
    _checked(name, value)
    return _using(name, value)


def no_grad() -> AbstractContextManager[None]:
    """Record no graph inside the `with` block: results have no creator and hold nothing."""
    return using_config("enable_backprop", False)


def retain_grad() -> AbstractContextManager[None]:
    """Let `backward` keep the gradients of intermediate variables inside the `with` block."""
    return using_config("retain_grad", True)


def output_references(kind: OutputReferences) -> AbstractContextManager[None]:
    """Let the Functions called inside the `with` block refer to their outputs 'strong', 'weak' or 'none'."""
    return using_config("output_references", kind)
