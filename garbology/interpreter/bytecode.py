"""Code as `dis` may be given it: without constants that the program has put there.

A constant may be any object once a program or a decorator has replaced it, and `dis` asks each for its text.
"""

from __future__ import annotations

import types
from typing import Any

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), types.CodeType, slice)
_NESTED = (tuple, frozenset)
_DEEPEST = 10


def plain_code(code: types.CodeType) -> types.CodeType:
    """The same code; constants other than those that a compiler makes are None in it."""
    constants = code.co_consts
    if all(_is_plain(constant, _DEEPEST) for constant in constants):
        return code
    return code.replace(
        co_consts=tuple(constant if _is_plain(constant, _DEEPEST) else None for constant in constants)
    )


def _is_plain(constant: Any, deepest: int) -> bool:
    kind = type(constant)
    if any(kind is nested for nested in _NESTED):
        return deepest > 0 and all(_is_plain(item, deepest - 1) for item in constant)
    return any(kind is plain for plain in _PLAIN)
