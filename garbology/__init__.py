"""See what only CPython's cyclic collector can free, name every edge, and say which one to weaken."""

from garbology.interpreter import collector
from garbology.interpreter.refcounts import is_immortal, reference_count

__all__ = ["collector", "is_immortal", "reference_count"]
