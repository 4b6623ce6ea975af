"""What a user would take instead: which distributions are installed here, and which are not."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

#: The module that is imported -> the distribution that brings it.
PEERS = {
    "autograd": "autograd",
    "dezero": "dezero",
    "guppy": "guppy3",
    "heapwise": "heapwise",
    "memory_profiler": "memory_profiler",
    "memray": "memray",
    "micrograd": "micrograd",
    "objgraph": "objgraph",
    "pympler": "pympler",
    "pytest_memray": "pytest-memray",
    "refcycle": "refcycle",
    "torch": "torch",
}
#: What the benchmarks themselves need beside the peers.
HELPERS = {"matplotlib": "matplotlib", "pandas": "pandas", "pyperf": "pyperf", "sqlalchemy": "SQLAlchemy"}
EXTRA = "pip install 'garbology[benchmarks]'"


def lacking(modules: Iterable[str]) -> list[str]:
    """The distributions among these modules' that are not installed."""
    names = {**PEERS, **HELPERS}
    return [names.get(each, each) for each in modules if importlib.util.find_spec(each) is None]


def release(distribution: str) -> str | None:
    """The version that is installed, None where there is none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def releases() -> dict[str, str | None]:
    """The version of each peer."""
    return {name: release(name) for name in sorted(PEERS.values())}
