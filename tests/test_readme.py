"""The README's examples do what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(tmp_path):
    """A function that runs a block as the file that the README calls family.py, and answers what it prints."""

    def run_file(code):
        (tmp_path / "family.py").write_text(code, encoding="utf-8")
        return output_of(str(tmp_path / "family.py"))

    return run_file


def output_of(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_bytes(text):
    """Bytes differ from version to version."""
    return re.sub(r"[0-9.]+ k?B", "N B", text).strip()


@pytest.mark.slow
@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="up to 3.10 instances have dicts, which are objects, too"
)
def test_the_first_example_prints_what_the_readme_shows(run):
    """What `print(found)` shows is the text under the example, but for bytes."""
    assert without_bytes(run(blocks("python")[0])) == without_bytes(blocks("text")[0])


def test_the_engine_s_example_prints_its_gradient(run):
    """x * x + 1 at 2 has the gradient that the comment says."""
    (code,) = [block for block in blocks("python") if "autograd_core" in block]
    assert run(code).strip() == re.search(r"print\(x.grad\)\s+# (.*)", code)[1]


def test_the_two_commands_come_first():
    """The first commands are one line for the study and one for the tests."""
    first, second = blocks("sh")[0].strip().splitlines()
    assert first.endswith("-m experiments.cycles")
    assert second.endswith("tox -p auto")


def test_the_first_chart_is_that_of_the_front_page():
    """Its sentence and its picture are drawn from the records: no number here was typed by hand."""
    front = (ROOT / "reports/reference/README.md").read_text(encoding="utf-8")
    headline, explanation = re.search(
        r"\*\*(.*?)\*\*\n.*?\n\n(.*?) From the study", front, re.DOTALL
    ).groups()
    text = " ".join(README.split())
    assert re.search(r"[0-9],[0-9]{3}", headline)
    assert f"[![{headline}](reports/reference/front.svg)]" in README
    assert f"**{headline}** {explanation}" in text


def test_the_studies_are_counted():
    """Those that have records in the reference set."""
    studies = {path.parent.name for path in (ROOT / "reports/reference").glob("*/cpython-*.json")}
    assert f" has {len(studies)} studies, measured on CPython 3.10 to 3.15" in " ".join(README.split())


def test_the_links_lead_to_files_that_are_there():
    """Pages, pictures and documents of this repository: GitHub shows the README with its links."""
    links = re.findall(r"\]\(([^)#\s]+)", README)
    local = [link for link in links if "://" not in link]
    assert len(local) > 5
    assert [link for link in local if not (ROOT / link).is_file()] == []


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no clone")
def test_the_first_command_leaves_the_clone_clean():
    """What a run writes is ignored by git; the reference set beside it is not."""

    def is_ignored(*path):
        command = ["git", "check-ignore", "-q", "--no-index", str(Path("reports", *path))]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0

    assert is_ignored("cycles", "index.html")
    assert is_ignored("index.html")
    assert is_ignored(".unfinished.json")
    assert not is_ignored("reference", "cycles", "index.html")
