"""What an installation says of itself: its version, and what it lacks for the command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import garbology

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["experiments", "list"], ["experiments.cycles", "--quick"]])
def test_without_click_one_line_names_the_extra(tmp_path, words):
    """An installation without extras has the library and no command line, and says what to install."""
    text = "raise ModuleNotFoundError(\"No module named 'click'\", name='click')\n"
    (tmp_path / "click.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        check=False,
    )
    assert done.returncode == 2
    assert re.fullmatch(
        r"\w+: click is missing: pip install 'garbology\[experiments\]'.*", done.stderr.rstrip("\n")
    )
    assert done.stdout == ""


@pytest.mark.slow
def test_the_list_of_studies_needs_no_instrument():
    """What finds cycles is imported by the measures that use it."""
    code = "import sys; from garbology.cli.command import run_package; run_package('experiments', ['list']); "
    code += "print('garbology.find.window' in sys.modules)"
    command = [sys.executable, "-X", "garbology=late", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "double_backward" in done.stdout
    assert done.stdout.endswith("False\n")


def test_the_distribution_has_the_version_that_the_package_says():
    """It is written once: the build reads it from the package."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", garbology.__version__)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    assert '[tool.hatch.version]\npath = "garbology/__init__.py"' in project
