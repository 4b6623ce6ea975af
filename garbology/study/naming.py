"""Declared values that are called like the variable of the module that holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LONGEST_NAME = 60


class Named:
    """A value with a text, named after the module's variable; without one, after its text."""

    def __init__(self, text: str, module: Mapping[str, Any]) -> None:
        self.text = " ".join(text.split())
        self.__doc__ = self.text
        self._module = module

    @property
    def __name__(self) -> str:
        """The variable's name, which is known once the module has been imported."""
        names = (name for name, value in list(self._module.items()) if value is self)
        return next((name for name in names if not name.startswith("_")), _as_name(self.text))


def _as_name(text: str) -> str:
    words = re.sub(r"\W+", "_", text.casefold()).strip("_")
    return words[:_LONGEST_NAME].rstrip("_")
