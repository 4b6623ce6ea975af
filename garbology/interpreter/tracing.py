"""Trace functions of the program's, which must not see the instrument at work."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_NO_PROFILE = functools.partial(sys.setprofile, None)  # called so, a profile function is not told of the call
_IN_PYTHON = (types.FunctionType, types.MethodType)


def _is_in_python(function: object) -> bool:
    """By identity: `in` would ask the metaclass of the program's class."""
    return any(type(function) is kind for kind in _IN_PYTHON)


def untraced(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Call ``function`` with trace and profile functions in Python switched off.

    Up to 3.10 these leave a dictionary of its locals in each frame. Those of the instrument's frames would hold what
    is being looked at, and be garbage themselves afterwards.

    They are switched off and on in one frame. A tracer that was told of a frame's call and not of its return (or the
    reverse) would take every later line for another frame's.
    """
    if sys.version_info >= (3, 11):
        return function

    @functools.wraps(function)
    def quiet(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        trace: Any = sys.gettrace()
        profile: Any = sys.getprofile()
        traced, profiled = _is_in_python(trace), _is_in_python(profile)
        if traced:
            sys.settrace(None)
        if profiled:
            _NO_PROFILE()
        try:
            return function(*args, **kwargs)
        finally:
            if profiled:
                sys.setprofile(profile)
            if traced:
                sys.settrace(trace)

    return quiet
