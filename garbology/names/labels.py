"""What labels of edges have in common, whatever the keys and indices in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_INDEX = re.compile(r"""\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^]['"])*\]""")


def pattern(label: str) -> str:
    """A label with every index and key taken out: ``.outputs[0]`` and ``.outputs[1]`` are both ``.outputs[]``."""
    return _INDEX.sub("[]", label)


def common_label(labels: Iterable[str]) -> str:
    """What some labels of one pattern have in common: ``.by[0]['a']`` and ``.by[0]['b']`` are ``.by[0][]``."""
    first, *others = sorted(set(labels))
    keys = [_INDEX.findall(label) for label in (first, *others)]
    if len(set(map(len, keys))) > 1:
        return pattern(first)
    common = iter([each[0] if len(set(each)) == 1 else "[]" for each in zip(*keys, strict=True)])
    return _INDEX.sub(lambda _: next(common), first)


def keys_in(label: str) -> list[str]:
    """The indices and keys in a label, in brackets."""
    return _INDEX.findall(label)
