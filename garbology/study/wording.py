"""Small words of what is said to people."""

from __future__ import annotations


def counted(count: float, noun: str, plural: str = "") -> str:
    """A count and its noun: '1 object', '1,000 objects', '2 entries'; the plural adds 's' unless given."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
