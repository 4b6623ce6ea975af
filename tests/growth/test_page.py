"""docs/growth.md does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from garbology.growth.holders import Holder
from garbology.growth.report import Report
from garbology.growth.text import growth_lines
from garbology.interpreter import allocators

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "growth.md").read_text(encoding="utf-8")
SERVICE, LOOP = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHOWN, OF_A_PROGRAM = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROUNDED = " N B unexplained: rounding of the allocators, and what is too small to tell from noise"

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
    """Two kinds with holder and cycle; the bytes differ from version to version, and there may be nothing to round."""
    told, shown = output_of(tmp_path, SERVICE), without_figures(SHOWN)
    assert told.removesuffix(ROUNDED) == shown.removesuffix(ROUNDED)


@pytest.mark.slow
def test_the_loop_runs(tmp_path):
    """Its own assertion holds."""
    assert output_of(tmp_path, LOOP) == ""


def test_a_program_is_told_as_the_page_shows():
    """In seconds."""
    where = "dict in module __main__, service.py:4"
    holder = Holder("__main__.SESSIONS[str]", 1.8e6, 1.8e6, 1.8e6, 91.0, ["Session"], where=where)
    figures = {"grows": 1.92e6, "low": 1.51e6, "high": 2e6, "alive": 1.8e6}
    report = Report(unit="second", calls=9.75, warmup=2.48, holders=[holder], **figures)
    assert "\n".join(growth_lines(report.to_dict(), "memory: ")) == OF_A_PROGRAM.rstrip()


@pytest.mark.parametrize(
    ("can_tell", "said"), [(10e3, "no object that the collector knows"), (40e3, "rounding of the allocators")]
)
def test_what_lies_within_the_interval_is_not_blamed_on_leaks(can_tell, said):
    """A rest that is smaller than what could be told of the growth itself may be noise as well."""
    figures = {"grows": 380e3, "low": 350e3, "high": 400e3, "alive": 350e3, "unexplained": 30e3}
    report = Report(unit="second", calls=8.0, can_tell=can_tell, **figures)
    assert f"unexplained: {said}" in " ".join(" ".join(growth_lines(report.to_dict())).split())


@pytest.mark.parametrize(("entries", "said"), [(167.2, "167 bytes objects"), (1.0, "1 bytes object")])
def test_the_type_bytes_is_told_from_the_unit(entries, said):
    """'gains 167 bytes a second' would be read as their size."""
    holder = Holder("app.kept[int]", 1.8e6, 1.8e6, 1.8e6, entries, ["bytes"])
    report = Report(
        unit="second", calls=9.75, holders=[holder], grows=1.8e6, low=1.5e6, high=2e6, alive=1.8e6
    )
    assert f"app.kept[int] gains {said} a second" in " ".join(
        " ".join(growth_lines(report.to_dict())).split()
    )
