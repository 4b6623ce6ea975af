"""What a run says at its end, and what it writes."""

import importlib
import json

import pytest

from garbology.find import explain
from tests.plugin.conftest import message_of
from tests.plugin.test_baseline import last_lines

pytest_plugins = ["pytester"]


def section(result):
    lines = last_lines(result)
    end = next(place for place, line in enumerate(lines[1:], 1) if line.startswith("="))
    return lines[:end]


@pytest.mark.slow
def test_the_tests_that_left_most_are_told(inner):
    """Most bytes first, in at most 15 lines; nothing fails."""
    result = inner(
        """
@pytest.mark.parametrize("number", range(30))
def test_it(number):
    for _ in range(number):
        Node()

def test_family():
    Parent().data = bytearray(1_000_000)
""",
        "--garbology",
    )
    result.assert_outcomes(passed=31)
    lines = section(result)
    assert len(lines) <= 15
    assert lines[1].startswith("31 tests watched: 30 left ")
    assert "test_it.py::test_family: Child.parent -> Parent" in lines[3]
    assert "test_it.py::test_it[29]: Node.itself -> Node" in lines[4]
    assert lines[-1].strip() == "... and 22 more tests"


@pytest.mark.slow
def test_nothing_is_said_where_nothing_was_watched_or_found(inner):
    """Without options and garbage there is no table; with --garbology there is one line."""
    code = "@pytest.mark.no_cycles\ndef test_it(): pass\n"
    assert not any("garbology:" in line for line in inner(code).outlines)
    assert section(inner(code, "--garbology"))[1:] == [
        "1 test watched: reference counting freed every tracked object that they dropped"
    ]


@pytest.mark.slow
def test_a_run_fails_over_a_limit(inner):
    """--garbology-fail-over is a limit for all tests together."""
    code = "def test_it():\n    Parent().data = bytearray(20_000)\n"
    assert inner(code, "--garbology-fail-over", "1MB").ret == 0
    result = inner(code, "--garbology-fail-over", "10kB")
    assert result.ret == 1
    result.assert_outcomes(passed=1)
    assert any(line.startswith("FAILED: 1 test left 2") for line in section(result))


@pytest.mark.slow
def test_a_shape_is_explained_once_in_a_session(inner, pytester, monkeypatch):
    """To find its advice takes longer than to find the cycle; each test that leaves the shape has it all the same."""
    advised = []
    advise = explain._Advisor.advise
    monkeypatch.setattr(
        explain._Advisor, "advise", lambda self, *more: advised.append(more) or advise(self, *more)
    )
    code = """
@pytest.mark.parametrize("number", range(5))
def test_it(number):
    for _ in range(number + 1):
        Parent()

def test_node(): Node()
"""
    inner(code, "--garbology-json", "out.json")
    assert len(advised) == 2
    tests = json.loads((pytester.path / "out.json").read_text(encoding="utf-8"))["tests"]
    *families, node = [shape for test in tests for shape in test["shapes"]]
    assert [shape["count"] for shape in families] == [1, 2, 3, 4, 5]
    for shape in families:
        (edge,) = [edge for edge in shape["edges"] if edge["weaken"]]
        assert (edge["label"], edge["set_at"]) == (".parent", ["test_it.py:11: self.parent = parent"])
        assert shape["advice"]["remedy"] == "weakref"
    assert node["advice"]["edges"][0]["label"] == ".itself"


@pytest.mark.slow
def test_a_marked_test_that_fails_is_explained_by_its_own_second_run(inner):
    """What another test was told, whose work was not watched, does not stand for it."""
    code = """
def test_first(): Parent()

@pytest.mark.no_cycles
def test_second(): Parent()
"""
    result = inner(code, "--garbology")
    result.assert_outcomes(passed=1, failed=1)
    text = " ".join(message_of(result, "test_second").split())
    assert "tried on one of them: all of it was freed" in text
    assert "not watched" not in text


@pytest.mark.slow
def test_json_has_each_test_that_left_something(inner, pytester):
    """With its shapes, whose they are, and totals."""
    inner("def test_it(): Parent()\ndef test_nothing(): pass\n", "--garbology-json", "made/out.json")
    data = json.loads((pytester.path / "made/out.json").read_text(encoding="utf-8"))
    assert (data["schema"], data["schema_version"], data["watched"]) == ("garbology.pytest", 1, 2)
    (test,) = data["tests"]
    assert test["test"] == "test_it.py::test_it"
    assert test["own_objects"] == data["own_objects"] > 0
    assert test["shapes"][0]["members"] == ["test_it.Child", "test_it.Parent"]
    assert test["shapes"][0]["whose"] == "own"


@pytest.mark.slow
def test_html_has_a_card_for_each_shape_with_the_tests_that_left_it(inner, pytester):
    """The same cards as every page; what a test is called is shown and never interpreted."""
    pytest.importorskip("jinja2")
    importlib.import_module("garbology.testing.suite")
    result = inner(
        """
@pytest.mark.parametrize("text", ["<b>bold</b>", "plain"])
def test_it(text): Parent()
""",
        "--garbology-html=page",
    )
    result.assert_outcomes(passed=2)
    html = (pytester.path / "page/index.html").read_text(encoding="utf-8")
    for said in (
        "What the tests leave",
        "2 left",
        "Child",
        "left by",
        "test_it.py::test_it[plain]",
        "Remedy",
    ):
        assert said in html
    assert "<b>bold" not in html
    assert "&lt;b&gt;bold" in html
    assert html.count('class="card cycle') == 1
    assert "Which test left how much" in (pytester.path / "page/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--garbology-baseline", "none.txt"],
            "none.txt: there is no such file; add --garbology-update-baseline",
        ),
        (["--garbology-update-baseline"], "--garbology-update-baseline needs --garbology-baseline FILE"),
        (["--garbology-strict-baseline"], "--garbology-strict-baseline needs --garbology-baseline FILE"),
        (["--garbology-fail-over", "ten"], "'ten' is no size: write 10MB"),
        (["--garbology-json", "."], "it is a directory, and should be a file"),
        (["--garbology-html", "test_it.py"], "it is a file, and should be a directory"),
        (["--garbology-json", "test_it.py/x.json"], "nothing can be written to"),
    ],
)
def test_a_wrong_option_ends_the_session(inner, arguments, said):
    """Exit status 4 and one clear line, before any test runs."""
    result = inner("def test_it(): assert 0\n", *arguments)
    assert result.ret == 4
    errors = [line for line in result.errlines if "error:" in line.lower()]
    assert len(errors) == 1
    assert said in errors[0]


def test_a_wrong_directory_in_the_ini_file_ends_the_session(inner):
    """The line names it, and where it was looked for."""
    result = inner("def test_it(): pass\n", ini="garbology_no_cycles =\n    nowhere\n")
    assert result.ret == 4
    assert any("garbology_no_cycles: nowhere: there is no such directory" in line for line in result.errlines)
