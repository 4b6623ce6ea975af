"""Text that is safe to print: bounded, without control characters, and made without any user's `__repr__`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MOST_LISTED = 12  # classes or names in one sentence
_PLAIN_KEYS = (float, bytes, bool, type(None))
_LONGEST_KEY = 60
_LARGEST_INTEGER_BITS = 256
_DEEPEST_TUPLE = 3
_LONGEST_TUPLE = 8


def safe_text(text: str, limit: int) -> str:
    """Escape what a terminal would interpret and shorten the middle to `limit` characters."""
    if len(text) > limit:
        head = limit * 2 // 3
        text = f"{text[:head]}…{text[head + 1 - limit :]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def enumerated(names: Sequence[str]) -> str:
    """'A', 'A and B', 'A, B and C', or the first few and how many more."""
    if len(names) > _MOST_LISTED:
        names = [*names[:_MOST_LISTED], f"{len(names) - _MOST_LISTED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def joined(source: str, label: str) -> str:
    """An edge without its target, as one reads it: ``Child.parent``, ``function f (app.py:8) → local node``."""
    return source + label if label[:1] in (".", "[") and source[-1:] != ")" else f"{source} → {label}"


def edge_text(source: str, label: str, target: str) -> str:
    """An edge as one reads it: ``Child.parent -> Parent``."""
    return f"{joined(source, label)} -> {target}"


def key_text(key: object) -> str | None:
    """Return the repr of a key made of exact builtin values, bounded; None where a repr could run user
    code.
    """
    return _value_text(key, depth=0)


def escaped(char: str) -> str:
    """One that is not printable as its escape, `\\x1b`; the codec would be imported at first use, into the program."""
    return ascii(char)[1:-1]


def _value_text(value: Any, depth: int) -> str | None:
    kind = type(value)
    if kind is str:
        return repr(value if len(value) <= _LONGEST_KEY else safe_text(value, _LONGEST_KEY))
    if kind is int:  # a repr of an endless integer takes quadratic time, and fails above 4300 digits
        return repr(value) if value.bit_length() <= _LARGEST_INTEGER_BITS else None
    if kind is tuple:
        return _tuple_text(value, depth)
    if any(kind is plain for plain in _PLAIN_KEYS):
        return repr(value) if kind is not bytes or len(value) <= _LONGEST_KEY else None
    return None


def _tuple_text(values: tuple[Any, ...], depth: int) -> str | None:
    if depth >= _DEEPEST_TUPLE or len(values) > _LONGEST_TUPLE:
        return None
    texts = [_value_text(value, depth + 1) for value in values]
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return None
    return f"({known[0]},)" if len(known) == 1 else f"({', '.join(known)})"
