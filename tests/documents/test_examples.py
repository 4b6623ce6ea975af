"""Every example of the documents is run, and what they show is what it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "docs"
# Those whose examples have a test of their own; the field notes are written by a script from its runs.
ELSEWHERE = {
    "adding-a-study.md": "tests/study/test_template.py",
    "growth.md": "tests/growth/test_page.py",
    "keep-it-fixed.md": "tests/plugin/test_page.py",
    "monitor.md": "tests/monitoring/test_page.py",
}
WRITTEN = {"field-notes.md"}
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SHOWN = [path for path in sorted(DOCUMENTS.rglob("*.md")) if not path.is_relative_to(DOCUMENTS / "studies")]
PAGES = {str(path.relative_to(DOCUMENTS)): path for path in SHOWN}


def blocks(page):
    """Language and text of each block, without its indentation."""
    found = BLOCK.findall(PAGES[page].read_text(encoding="utf-8"))
    return [
        (language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)) for indent, language, text in found
    ]


WITH_EXAMPLES = [
    page for page in PAGES
    if page not in {*ELSEWHERE, *WRITTEN} and any(language == "python" for language, _ in blocks(page))
]  # fmt: skip


def run(directory, name):
    """What a file prints; a file of tests is run by pytest, with the plugin."""
    command = (
        [name] if not name.startswith("test_") else ["-m", "pytest", "-q", "-p", "no:cacheprovider", name]
    )
    done = subprocess.run(
        [sys.executable, *command], cwd=directory, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{directory}", "PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def without_bytes(text):
    """Bytes and counts of objects differ from version to version, and with them where a line ends."""
    return " ".join(re.sub(r"[0-9.,]+ [kM]?B|[0-9.,]+ objects", "N", text).split())


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_the_examples_of_a_page_run(page, tmp_path):
    """In their order, in one directory: each is a file that its first line names; the text below is what it prints."""
    found = blocks(page)
    for (language, code), (after, shown) in zip(found, [*found[1:], ("", "")], strict=True):
        if language != "python":
            continue
        name = re.match(r"# (\S+\.py)\n", code)
        assert name, f"{page}: the first line of an example is a comment with its file's name: {code[:60]}"
        (tmp_path / name[1]).write_text(code, encoding="utf-8")
        printed = run(tmp_path, name[1])
        if after == "text" and sys.version_info >= (3, 11):  # up to 3.10 instances have dicts
            assert without_bytes(shown) == without_bytes(printed)


def test_there_are_pages_with_examples():
    """They are found; and where examples are tested elsewhere, there is such a test."""
    assert {"start.md", "concepts.md"} <= set(WITH_EXAMPLES)
    for page, test in ELSEWHERE.items():
        assert page in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if page not in WRITTEN])
def test_links_lead_to_files_that_are_there(page):
    """On GitHub, too: pages, pictures and notebooks."""
    links = re.findall(r"\]\(([^)#\s]+)", PAGES[page].read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("studies/")]
    assert [link for link in local if not (PAGES[page].parent / link).is_file()] == []


def test_the_pictures_of_trial_deletion_are_those_of_their_script():
    """Drawn from a graph whose counts are reckoned."""
    sys.path.insert(0, str(DOCUMENTS / "_ext"))
    script = __import__("trial_deletion")
    sys.path.pop(0)
    assert script.counts() == {"A": 2, "B": 1, "C": 1, "D": 1, "E": 1}
    assert script.reached() == {"A", "B"}
    for name, text in script.pictures().items():
        assert (DOCUMENTS / "pictures" / name).read_text(encoding="utf-8") == text
