"""docs/growth.md does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from garbology.interpreter import allocators

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "growth.md").read_text(encoding="utf-8")
SERVICE, LOOP = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(SHOWN,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(allocators.read_allocated() is None, reason="no glibc 2.33 here")


def output_of(directory, code):
    """What a program prints, each figure as N."""
    (directory / "service.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "service.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=directory, timeout=120, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return without_figures(done.stdout)


def without_figures(text):
    return re.sub(r"[0-9.]+ k?B\b", "N B", " ".join(text.split()))


@pytest.mark.slow
def test_the_service_is_told_as_the_page_shows(tmp_path):
    """Two kinds with holder and cycle; the bytes differ from version to version."""
    assert output_of(tmp_path, SERVICE) == without_figures(SHOWN)


@pytest.mark.slow
def test_the_loop_runs(tmp_path):
    """Its own assertion holds."""
    assert output_of(tmp_path, LOOP) == ""
