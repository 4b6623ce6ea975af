"""docs/keep-it-fixed.md does what it says."""

import re
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "keep-it-fixed.md").read_text(encoding="utf-8")
BYTES = re.compile(r" \([0-9.,]+ k?B\)|, [0-9.,]+ k?B|(?<=\n) *[0-9.]+ k?B(?= )")
needs_inline_attributes = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="up to 3.10 instances have dicts, which are objects, too"
)


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


FILES = {re.match(r"# (\S+)\n", code)[1]: code for code in blocks("python")}


def shown(text):
    """Without bytes, and one blank where there are many."""
    return "\n".join(
        " ".join(line.split()) for line in BYTES.sub("", f"\n{text}").splitlines() if line.strip()
    )


def run(inner, pytester, name, *arguments, **settings):
    (pytester.path / name).write_text(FILES[name], encoding="utf-8")
    return inner("", name, *arguments, **settings)


@pytest.mark.slow
@needs_inline_attributes
def test_the_first_example_fails_with_the_text_that_the_page_shows(inner, pytester):
    """Word for word, but for bytes."""
    result = run(inner, pytester, "test_family.py")
    result.assert_outcomes(failed=1)
    assert shown(blocks("text")[0]) in shown(result.stdout.str())


@pytest.mark.slow
def test_the_growing_example_fails_with_the_text_that_the_page_shows(inner, pytester):
    """Word for word, but for the figures."""
    result = run(inner, pytester, "test_service.py", subprocess=True)
    result.assert_outcomes(failed=1)
    texts = [re.sub(r"[0-9.]+ k?B\b", "N", text) for text in (blocks("text")[1], result.stdout.str())]
    assert " ".join(texts[0].split()) in " ".join(texts[1].split())


@pytest.mark.slow
def test_the_fixture_s_example_fails_with_the_text_that_the_page_shows(inner, pytester):
    """The chain of references and the line where the object was given."""
    result = run(inner, pytester, "test_session.py")
    result.assert_outcomes(failed=1)
    assert shown(blocks("text")[2]) in shown(result.stdout.str())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tests"), [("test_some.py", 2), ("test_plot.py", 2)])
def test_the_other_examples_pass(inner, pytester, name, tests):
    """What is allowed or somebody else's is no failure."""
    run(inner, pytester, name).assert_outcomes(passed=tests)


@pytest.mark.slow
@needs_inline_attributes
def test_the_table_and_the_baseline_are_those_of_the_page(inner, pytester):
    """`--garbology` on the first example; what is written, and a second run that passes with it."""
    unmarked = FILES["test_family.py"].replace("@pytest.mark.no_cycles\n", "")
    (pytester.path / "test_family.py").write_text(unmarked, encoding="utf-8")
    (pytester.path / "test_other.py").write_text("def test_it(): pass\n", encoding="utf-8")
    table = inner("", "--garbology")
    assert shown(blocks("text")[3]).partition("\n")[2] in shown(table.stdout.str())
    write, use = (each.split()[1:] for each in blocks("sh"))
    assert inner("", *write).ret == 0
    assert (pytester.path / "garbology.txt").read_text(encoding="utf-8") == blocks("text")[4]
    assert inner("", *use).ret == 0


@pytest.mark.slow
@pytest.mark.parametrize("text", blocks("ini"))
def test_what_stands_in_pytest_ini_is_understood(inner, pytester, text):
    """Each example of an ini file, with the directories and files that it names."""
    (pytester.mkdir("tests") / "unit").mkdir()
    (pytester.path / "tests" / "test_sessions.py").write_text(
        "class Figure:\n    def __init__(self):\n        self.canvas = self\ndef test_it():\n    Figure()\n",
        encoding="utf-8",
    )
    result = inner("", ini=text.partition("\n")[2])
    result.assert_outcomes(**{"failed" if "no_cycles" in text else "passed": 1})


@pytest.mark.slow
def test_every_option_is_on_the_page(pytester):
    """The table names what `pytest --help` names."""
    from tests.plugin.conftest import LOADED

    given = pytester.runpytest_subprocess(*LOADED, "--help").stdout.str()
    assert set(re.findall(r"--garbology[-a-z]*", given)) == set(re.findall(r"`(--garbology[-a-z]*)", PAGE))
