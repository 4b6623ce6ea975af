"""Inner sessions of pytest with the plugin."""

import importlib.metadata

import pytest

# An inner session in this process gives back the modules that it imports; NumPy cannot be imported twice.
import garbology
import garbology.testing.ending
import garbology.testing.freed
import garbology.testing.watching

garbology.import_all()

IS_INSTALLED = any(
    point.value == "garbology.pytest_plugin" for point in importlib.metadata.entry_points(group="pytest11")
)
LOADED = () if IS_INSTALLED else ("-p", "garbology.pytest_plugin")
OTHERS = ("asyncio", "anyio", "randomly", "rerunfailures", "cov", "hypothesispytest")

FAMILY = """
import gc
import pytest

class Parent:
    def __init__(self):
        self.child = Child(self)

class Child:
    def __init__(self, parent):
        self.parent = parent

class Node:
    def __init__(self):
        self.itself = self
"""


@pytest.fixture
def inner(pytester):
    """A function that runs a test file, the names Parent, Child and Node known in it, in an inner session."""

    def run(code, *arguments, subprocess=False, ini="", name="test_it.py"):
        if code:
            (pytester.path / name).write_text(FAMILY + code, encoding="utf-8")
        if ini:
            (pytester.path / "pytest.ini").write_text(f"[pytest]\n{ini}", encoding="utf-8")
        blocked = [part for other in OTHERS for part in ("-p", f"no:{other}")]
        start = pytester.runpytest_subprocess if subprocess else pytester.runpytest_inprocess
        return start(*LOADED, *([] if subprocess else blocked), "-p", "no:cacheprovider", *arguments)

    return run


def message_of(result, test):
    """What a failing test is told: the text under its heading."""
    lines = result.outlines
    begin = next(
        place for place, line in enumerate(lines) if line.strip("_ ") == test and line.startswith("__")
    )
    rest = lines[begin + 1 :]
    end = next(place for place, line in enumerate(rest) if line[:3] in ("___", "===") or line[:5] == "-----")
    return "\n".join(rest[:end])
