"""Which of the engine's tests leave cycles on purpose: pyproject.toml has the plugin watch them all."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENGINE = "autograd_core"


def pytest_collection_modifyitems(items):
    """With strong references from a function to its outputs the graph is cyclic: that is what the switch is for."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        if item.path.is_relative_to(HERE) and any(
            type(each) is str and each == "strong" for each in parameters
        ):
            item.add_marker(pytest.mark.no_cycles(ignore=[ENGINE, "tests.engine"]))
