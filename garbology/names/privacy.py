"""Names without the program's data: a key in a label becomes its type, and a line of source its place."""

from __future__ import annotations

import re
from typing import Any

_STRING = r"""[bB]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN_BRACKETS = re.compile(rf"""\[((?:{_STRING}|[^]['"])*)\]""")
_AFTER_KEY = re.compile(rf"\bkey ({_STRING}|-?[0-9][^ →\]]*|\([^→]*\))")
_PLACE = re.compile(r"^(.*?:\d+): ")
_KINDS = (
    (re.compile(r"[bB]['\"]"), "bytes"),
    (re.compile(r"['\"]"), "str"),
    (re.compile(r"-?[0-9]+$"), "int"),
    (re.compile(r"-?[0-9.]+(e[-+]?[0-9]+)?$|-?inf$|nan$"), "float"),
    (re.compile(r"\("), "tuple"),
    (re.compile(r"True$|False$"), "bool"),
)
_SAYS_NO_DATA = re.compile(r"$|id$|None$|<[^'\"]*>$")


def without_keys(text: str) -> str:
    """A label with its keys and indices as types: ``.cache['alice']`` is ``.cache[str]``."""
    text = _IN_BRACKETS.sub(lambda match: f"[{_kind(match[1])}]", text)
    return _AFTER_KEY.sub(lambda match: f"key {_kind(match[1])}", text)


def _kind(key: str) -> str:
    if _SAYS_NO_DATA.match(key):
        return key
    return next((name for pattern, name in _KINDS if pattern.match(key)), "key")


def without_source(line: str) -> str:
    """'job.py:7' of 'job.py:7: self.owner = owner'."""
    match = _PLACE.match(line)
    return match[1] if match else line


def private(value: Any, *, keys: bool, source: bool = False) -> Any:
    """Plain data of a shape: no source text in it unless ``source``, and no keys unless ``keys``."""
    if isinstance(value, dict):
        return {name: _private_entry(name, each, keys, source) for name, each in value.items()}
    if isinstance(value, list):
        return [private(each, keys=keys, source=source) for each in value]
    return value


def _private_entry(name: str, value: Any, keys: bool, source: bool) -> Any:
    if name == "set_at" and not source:
        return list(dict.fromkeys(map(without_source, value)))
    if name in ("label", "reason") and not keys:
        return without_keys(value)
    return private(value, keys=keys, source=source)
