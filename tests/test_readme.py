"""The README's examples do what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_bytes(text):
    """Bytes differ from version to version."""
    return re.sub(r"[0-9.]+ k?B", "N B", text).strip()


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="up to 3.10 instances have dicts, which are objects, too"
)
def test_the_first_example_prints_what_the_readme_shows():
    """What `print(found)` shows is the text under the example, but for bytes."""
    assert without_bytes(run(blocks("python")[0])) == without_bytes(blocks("text")[0])


def test_the_engine_s_example_prints_its_gradient():
    """x * x + 1 at 2 has the gradient that the comment says."""
    (code,) = [block for block in blocks("python") if "autograd_core" in block]
    assert run(code).strip() == re.search(r"print\(x.grad\)\s+# (.*)", code)[1]


def test_the_two_commands_come_first():
    """The README starts with one line for the study and one for the tests."""
    first, second = blocks("sh")[0].strip().splitlines()
    assert first.endswith("-m experiments.cycles")
    assert second.endswith("tox")
