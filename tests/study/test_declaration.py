"""What a study may declare, and what is refused when it is imported."""

import textwrap
from typing import get_args

import pytest

from garbology.interpreter.collector import CollectorKind
from garbology.study.declaration import DeclarationError, Study
from garbology.study.exceptions import ExpectedException
from garbology.study.loading import load_study, study_names
from garbology.study.repetition import Repetition

GOOD_MEASURE = """
@study.measure
def work(n: int) -> Result:
    return Result(n)
"""


def test_a_study_is_known_by_its_module_and_its_docstring(write_study):
    """The name is the module's last part and the docstring is the module's."""
    study = load_study(write_study('study = Study("T", {"n": [1]})' + GOOD_MEASURE, name="tiny"))
    assert (study.name, study.docstring, study.title) == ("tiny", "A study of the framework itself.", "T")


def test_the_grid_of_a_measure_is_the_product_of_the_parameters_it_takes(write_study):
    """A measure that takes one of two parameters has as many cases as that one has values."""
    body = """
    study = Study("T", {"kind": ["a", "b"], "n": [1, 2, 3]})
    @study.measure
    def both(kind: str, n: int) -> Result: return Result(n)
    @study.measure
    def one(kind: str) -> Result: return Result(1)
    @study.measure
    def none() -> Result: return Result(1)
    """
    grid = load_study(write_study(body)).grid()
    assert [sum(measure == name for measure, _ in grid) for name in ("both", "one", "none")] == [6, 2, 1]
    assert grid[0] == ("both", {"kind": "a", "n": 1})


def test_quick_and_full_override_parameters_repeats_and_the_time_limit(write_study):
    """Each scale has its own values; what it does not name stays."""
    body = """
    study = Study(
        "T",
        {"n": [1, 2], "m": [5]},
        quick={"n": [1], "repeats": 2},
        full={"n": [1, 2, 3], "timeout_seconds": 9},
    )
    @study.measure
    def work(n: int, m: int) -> Result: return Result(n)
    """
    study = load_study(write_study(body))
    assert study.settings("quick") == ({"n": [1], "m": [5]}, 2, 120.0)
    assert study.settings("default") == ({"n": [1, 2], "m": [5]}, 5, 120.0)
    assert study.settings("full") == ({"n": [1, 2, 3], "m": [5]}, 5, 9.0)


def test_a_case_is_repeated_up_to_three_times_as_often_unless_the_scale_is_quick(write_study):
    """`most_repeats` follows from `repeats` at each scale, and can be given for each."""
    body = """
    study = Study("T", {"n": [1]}, repeats=4, quick={"repeats": 2}, full={"most_repeats": 40, "precision": 0.05})
    """
    study = load_study(write_study(body + textwrap.indent(GOOD_MEASURE, "    ")))
    assert study.repetition("quick") == Repetition(2, 2, 0.1)
    assert study.repetition("default") == Repetition(4, 12, 0.1)
    assert study.repetition("full") == Repetition(4, 40, 0.05)


CLAIM = (
    GOOD_MEASURE
    + """
@study.finding
def claim(runs):
    "It holds."
def other(runs):
    "It is none."
"""
)
START = 'study = Study("T", {"n": [1]})'


def test_an_exception_is_declared_with_its_conditions(write_study):
    """The study knows where its finding is expected not to hold, why, and where to read it."""
    line = 'study.exception(claim, versions="3.14", gil=False, reason="Because.", reference="x#1")'
    (exception,) = load_study(write_study(START + CLAIM + line)).exceptions
    assert (exception.finding, exception.reason, exception.reference) == ("claim", "Because.", "x#1")
    assert exception.applies({"version": "3.14.2", "gil": False})


WRONG = {
    "an exception to what is no finding": (
        START + CLAIM + 'study.exception(other, gil=False, reason="r", reference="x#1")',
        "exception to 'other', which is no finding: claim",
    ),
    "an exception to nowhere": (
        START + CLAIM + 'study.exception(claim, reason="r", reference="x#1")',
        "exception to 'claim': it says nowhere: give collector, versions, gil or platform",
    ),
    "an exception without a reason": (
        START + CLAIM + 'study.exception(claim, gil=False, reference="x#1")',
        "exception to 'claim': it has no reason",
    ),
    "an exception without a reference": (
        START + CLAIM + 'study.exception(claim, gil=False, reason="r", reference=" ")',
        "exception to 'claim': it has no reference",
    ),
    "an exception on no version": (
        START + CLAIM + 'study.exception(claim, versions=">3.13", reason="r", reference="x#1")',
        "versions is one like '3.13' or a range like '3.14.0-3.14.4', got '>3.13'",
    ),
    "a measure's own values of what it does not take": (
        'study = Study("T", {"n": [1], "m": [1]})\n@study.measure(quick={"m": [1]})'
        "\ndef work(n: int) -> Result: return Result(n)",
        "measure 'work': quick names 'm', which it does not take: n",
    ),
    "no list of a measure's own values": (
        'study = Study("T", {"n": [1]})\n@study.measure(full={"n": 1})'
        "\ndef work(n: int) -> Result: return Result(n)",
        "measure 'work': full: 'n' must be a list of at least one value, got 1",
    ),
    "fewer repeats at most than at least": (
        'study = Study("T", {"n": [1]}, repeats=5, most_repeats=3)' + GOOD_MEASURE,
        "most_repeats is 3, less than repeats, 5",
    ),
    "half a repeat": (
        'study = Study("T", {"n": [1]}, repeats=2.5)' + GOOD_MEASURE,
        "repeats must be a whole number, got 2.5",
    ),
    "no precision": (
        'study = Study("T", {"n": [1]}, precision=0)' + GOOD_MEASURE,
        "precision must be a finite number greater than zero, got 0",
    ),
    "an unknown parameter in a signature": (
        'study = Study("T", {"n": [1]})\n@study.measure\ndef work(m: int) -> Result: return Result(m)',
        "measure 'work' takes 'm', which is no parameter: they are n",
    ),
    "quick names an unknown parameter": (
        'study = Study("T", {"n": [1]}, quick={"m": [1]})' + GOOD_MEASURE,
        "quick names 'm', which is no parameter: they are n",
    ),
    "an empty list": (
        'study = Study("T", {"n": []})' + GOOD_MEASURE,
        "'n' must be a list of at least one value",
    ),
    "no list": (
        'study = Study("T", {"n": "abc"})' + GOOD_MEASURE,
        "'n' must be a list of at least one value",
    ),
    "a value that is not JSON": (
        'study = Study("T", {"n": [object]})' + GOOD_MEASURE,
        "which is no JSON scalar",
    ),
    "not a number": ('study = Study("T", {"n": [float("nan")]})' + GOOD_MEASURE, "which is no JSON scalar"),
    "the same value twice": ('study = Study("T", {"n": [1, 1]})' + GOOD_MEASURE, "has the same value twice"),
    "no measure": ('study = Study("T", {"n": [1]})', "it has no measure"),
    "a parameter that nobody takes": (
        'study = Study("T", {"n": [1], "m": [2]})' + GOOD_MEASURE,
        "parameter 'm' is taken by no measure",
    ),
    "a finding without a docstring": (
        'study = Study("T", {"n": [1]})' + GOOD_MEASURE + "@study.finding\ndef claim(runs): assert runs",
        "finding 'claim' has no docstring",
    ),
    "a finding without an argument": (
        'study = Study("T", {"n": [1]})' + GOOD_MEASURE + '@study.finding\ndef claim():\n    "It holds."',
        "finding 'claim' must take one argument",
    ),
    "two findings of one name": (
        'study = Study("T", {"n": [1]})'
        + GOOD_MEASURE
        + 2 * '@study.finding\ndef f(runs):\n    "It holds."\n',
        "it has two findings called 'f'",
    ),
    "two verdicts": (
        'study = Study("T", {"n": [1]})\n@study.verdict\ndef a(runs): ...\n@study.verdict\ndef b(runs): ...',
        "it has two of verdict: 'a' and 'b'",
    ),
    "a result that is no dataclass": (
        'study = Study("T", {"n": [1]})\n@study.measure\ndef work(n: int) -> int: return n',
        "measure 'work' must be annotated to return a dataclass",
    ),
    "a result without an annotation": (
        'study = Study("T", {"n": [1]})\n@study.measure\ndef work(n: int): return n',
        "measure 'work' must be annotated to return a dataclass",
    ),
    "a value called like a parameter": (
        'study = Study("T", {"total": [1]})\n@study.measure\ndef work(total: int) -> Result: ...',
        "returns a field 'total': that name is taken",
    ),
    "a parameter called like a part of a run": (
        'study = Study("T", {"repeat": [1]})',
        "a parameter cannot be called 'repeat'",
    ),
    "no repeats": (
        'study = Study("T", {"n": [1]}, repeats=0)',
        "repeats must be a finite number greater than zero, got 0",
    ),
    "repeats without end": (
        'study = Study("T", {"n": [1]}, repeats=float("inf"))',
        "repeats must be a finite number greater than zero, got inf",
    ),
    "no time limit": (
        'study = Study("T", {"n": [1]}, timeout_seconds=None)',
        "timeout_seconds must be a finite number greater than zero, got None",
    ),
    "a time limit of years": (
        'study = Study("T", {"n": [1]}, full={"timeout_seconds": 1e9})',
        "full: timeout_seconds must be at most 1,000,000, got 1000000000.0",
    ),
    "fewer repeats at most than at least at a scale": (
        'study = Study("T", {"n": [1]}, quick={"repeats": 5, "most_repeats": 2})',
        "quick: most_repeats is 2, less than repeats, 5",
    ),
    "a title that is no text": ('study = Study(None, {"n": [1]})', "its title must be a text, got None"),
    "parameters that are a list": ('study = Study("T", ["n"])', "parameters must be a dictionary, got ['n']"),
    "quick that is a list": (
        'study = Study("T", {"n": [1]}, quick=["n"])',
        "quick must be a dictionary, got ['n']",
    ),
    "a measure's own values in a list": (
        START + '\n@study.measure(full=["n"])\ndef work(n: int) -> Result: ...',
        "measure 'work': full must be a dictionary, got ['n']",
    ),
    "a parameter that has no name": ('study = Study("T", {1: [1]})', "a parameter cannot be called 1"),
    "an infinite value": ('study = Study("T", {"n": [float("inf")]})', "which is no JSON scalar"),
    "a value that a record gives back as another": (
        'import enum\nstudy = Study("T", {"n": [*enum.IntEnum("Kind", "A")]})',
        "which is no JSON scalar",
    ),
    "a measure that is no function": (
        START + '\nstudy.measure("work")',
        "measure must be a function, got 'work'",
    ),
    "a measure that is a generator": (
        START + "\n@study.measure\ndef work(n: int) -> Result: yield Result(n)",
        "measure 'work' is a generator or a coroutine",
    ),
    "a measure that takes any number": (
        START + "\n@study.measure\ndef work(*n: int) -> Result: ...",
        "measure 'work' must take 'n' by its name, not as '*n: int'",
    ),
    "an annotation that cannot be read": (
        START + '\n@study.measure\ndef work(n: int) -> "sys.nothing": ...',
        "measure 'work' has an annotation that cannot be read",
    ),
    "a finding whose body never runs": (
        START + GOOD_MEASURE + '@study.finding\nasync def claim(runs):\n    "It holds."\n    assert False',
        "finding 'claim' is a generator or a coroutine",
    ),
    "a finding that is no function": (START + "\nstudy.finding(3)", "finding must be a function, got 3"),
    "an exception on an unknown collector": (
        START + CLAIM + 'study.exception(claim, collector="incremantal", reason="r", reference="x#1")',
        "collector is one of generational, incremental, free-threaded, got 'incremantal'",
    ),
    "an exception on a range without versions": (
        START + CLAIM + 'study.exception(claim, versions="3.14.4-3.14.0", reason="r", reference="x#1")',
        "got '3.14.4-3.14.0'",
    ),
    "an exception on a version that is a number": (
        START + CLAIM + 'study.exception(claim, versions=3.1, reason="r", reference="x#1")',
        "got 3.1",
    ),
    "an exception on half a GIL": (
        START + CLAIM + 'study.exception(claim, gil="no", reason="r", reference="x#1")',
        "gil is True or False, got 'no'",
    ),
    "a time limit that is no number": (
        'study = Study("T", {"n": [1]}, quick={"timeout_seconds": "x"})',
        "quick: timeout_seconds must be a finite number greater than zero, got 'x'",
    ),
}


@pytest.mark.parametrize(("body", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_declaration_fails_at_import_with_the_name_and_what_is_wrong(write_study, body, message):
    """Every mistake names the study and the mistake."""
    with pytest.raises(DeclarationError) as error:
        load_study(write_study(body))
    assert str(error.value).startswith("study 'small': ")
    assert message in str(error.value)


def test_a_module_without_a_docstring_is_refused(tmp_path):
    """The docstring opens the report, so a study must have one."""
    path = tmp_path / "bare.py"
    path.write_text('from garbology.study import Study\nstudy = Study("T", {"n": [1]})\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match="study 'bare': its module has no docstring"):
        load_study(str(path))


def test_a_module_without_a_study_is_refused(tmp_path):
    """A file that declares nothing is named."""
    path = tmp_path / "nothing.py"
    path.write_text("study = 3\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"nothing\.py declares no study"):
        load_study(str(path))


def test_a_study_file_never_takes_the_place_of_a_library(write_study):
    """A study called like a module of the standard library leaves that module alone."""
    import json

    load_study(write_study('study = Study("T", {"n": [1]})' + GOOD_MEASURE, name="json"))
    import json as again

    assert again is json
    assert callable(again.loads)


def test_the_studies_of_a_package_are_found_without_a_list():
    """Every module of the package counts, except those that begin with an underscore."""
    names = study_names("experiments")
    assert "experiments.cycles" in names
    assert not any(name.rpartition(".")[2].startswith("_") for name in names)


def test_a_study_declared_in_a_test_can_be_called_in_process():
    """The decorators give the function back, so that a measure can be tried without a worker."""
    study = Study("T", {"n": [1]})

    @study.figure
    def picture(runs):
        """A caption."""

    assert study.figures == {"picture": picture}


@pytest.mark.parametrize(
    ("versions", "inside", "outside"),
    [
        ("3.13", ["3.13.0", "3.13.11", "3.13.0rc1"], ["3.12.9", "3.14.0", "3.1.3"]),
        ("3.14.0-3.14.4", ["3.14.0", "3.14.4", "3.14.0b3"], ["3.14.5", "3.14.10", "3.13.9", "3.15.0"]),
        ("3.12-3.14", ["3.12.0", "3.13.2", "3.14.9"], ["3.11.9", "3.15.0a1"]),
        ("3.14.2", ["3.14.2"], ["3.14.20", "3.14.1"]),
    ],
)
def test_versions_are_ranges_of_whole_versions_with_both_ends(versions, inside, outside):
    """Numbers are compared as numbers, and a bound that names no patch level means all of them."""
    exception = ExpectedException("claim", "r", "x#1", versions=versions)
    assert [version for version in inside if not exception.applies({"version": version})] == []
    assert [version for version in outside if exception.applies({"version": version})] == []


def test_an_exception_can_be_declared_for_every_kind_of_collector():
    """The kinds that a declaration knows are those that a runtime can have."""
    for kind in get_args(CollectorKind):
        assert ExpectedException("claim", "r", "x#1", collector=kind).applies({"collector": kind})


def test_every_condition_of_an_exception_must_be_met():
    """One that is not met makes it a runtime like any other."""
    exception = ExpectedException(
        "claim", "r", "x#1", collector="incremental", platform="emscripten", gil=True
    )
    here = {"version": "3.14.2", "collector": "incremental", "platform": "emscripten-wasm32", "gil": True}
    assert exception.applies(here)
    for other in ({"collector": "generational"}, {"platform": "linux-x86_64"}, {"gil": False}):
        assert not exception.applies({**here, **other})
