"""Small words of what is said to people."""

from __future__ import annotations


def counted(count: float, noun: str, plural: str = "") -> str:
    """A count and its noun: '1 object', '1,000 objects', '2 entries'; the plural adds 's' unless given."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def shown(value: float | None, unit: str = "") -> str:
    """A number with a unit that fits, for a sentence: '61.2 MB', '1.5 ms', '400,002'; an en dash for None.

    `unit` is the base unit, "bytes" or "seconds", or empty.
    """
    from garbology.text.numbers import format_quantity

    return format_quantity(value, unit)
