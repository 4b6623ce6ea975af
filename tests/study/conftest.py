"""Small studies, written to a file each, to put the framework under test."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = '''
"""A study of the framework itself."""
import os, signal, subprocess, sys, time
from dataclasses import dataclass
from pathlib import Path
from garbology.study import Study, Tile, bars, line, points, table

@dataclass(frozen=True)
class Result:
    total: int
    held_bytes: int = 0
'''
FOOT = """
if __name__ == "__main__":
    raise SystemExit(study.main())
"""


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a study's body to a file and returns the file's path."""

    def write(body: str, name: str = "small") -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD.lstrip() + textwrap.dedent(body) + FOOT, encoding="utf-8")
        return str(path)

    return write
