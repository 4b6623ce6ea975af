"""What a notebook is handed of an answer: its card as HTML, and its text."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any


def mime_bundle(cell: str, record: Mapping[str, Any], plain: str) -> dict[str, str]:
    """The card that `garbology.reporting.cells` draws of a record, and the text for where no HTML is shown.

    What answers stands below what draws and is asked without it: the drawing is imported by its name, when a notebook
    shows the answer. Where Jinja is not installed the text stands alone.
    """
    bundle = {"text/plain": plain}
    try:
        cells = importlib.import_module("garbology.reporting.cells")
    except ModuleNotFoundError:
        return bundle
    return {**bundle, "text/html": getattr(cells, cell)(record)}
