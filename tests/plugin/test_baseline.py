"""The ratchet: what a file lists passes, what is new fails, and nothing is written over that cannot be read."""

import pytest

from garbology.testing.baseline import Baseline, paragraph_of, read_baseline, text_of
from tests.plugin.conftest import message_of

pytest_plugins = ["pytester"]

CODE = """
def test_node(): Node()
def test_family(): Parent()
def test_nothing(): pass
"""
LISTED = """# garbology baseline 1
# Shapes of cycles that the tests may leave, each a paragraph of its edges. A test that leaves another fails.
# Written by: pytest --garbology-baseline FILE --garbology-update-baseline
# A paragraph that is taken out is forbidden from then on.

test_it.Child.parent -> test_it.Parent
test_it.Parent.child -> test_it.Child

test_it.Node.itself -> test_it.Node
"""


def last_lines(result):
    begin = next(
        place for place, line in enumerate(result.outlines) if line.startswith("=") and "garbology:" in line
    )
    return result.outlines[begin:]


@pytest.mark.slow
def test_it_is_written_and_then_lets_pass_what_it_lists(inner, pytester):
    """Sorted paragraphs of edges with full names; a second run with it passes, one with less of it fails."""
    result = inner(CODE, "--garbology-baseline=b.txt", "--garbology-update-baseline")
    result.assert_outcomes(passed=3)
    path = pytester.path / "b.txt"
    assert path.read_text(encoding="utf-8") == LISTED
    again = inner(CODE, "--garbology-baseline=b.txt")
    again.assert_outcomes(passed=3)
    assert any("no shape but the 2 that it lists, and all of them" in line for line in last_lines(again))
    path.write_text("\n".join(LISTED.splitlines()[:-1]), encoding="utf-8")
    less = inner(CODE, "--garbology-baseline=b.txt")
    less.assert_outcomes(failed=1, passed=2)
    text = message_of(less, "test_node")
    assert "that b.txt does not list" in text
    assert "Node.itself -> Node" in text
    assert "the work was not watched" in " ".join(text.split())


@pytest.mark.slow
def test_a_listed_shape_that_is_gone_is_told(inner, pytester):
    """It fails with --garbology-strict-baseline, and leaves the file when that is written; not where tests were left
    out."""
    path = pytester.path / "b.txt"
    path.write_text(LISTED, encoding="utf-8")
    fixed = "def test_family(): Parent()\ndef test_other(): pass\n"
    result = inner(fixed, "--garbology-baseline=b.txt")
    assert result.ret == 0
    assert any("1 listed shape no longer occurs: test_it.Node.itself" in line for line in last_lines(result))
    assert inner(fixed, "--garbology-baseline=b.txt", "--garbology-strict-baseline").ret == 1
    some = inner(fixed, "--garbology-baseline=b.txt", "--garbology-strict-baseline", "-k", "other")
    assert some.ret == 0
    assert any("is not judged: tests were deselected" in line for line in last_lines(some))
    inner(fixed, "--garbology-baseline=b.txt", "--garbology-update-baseline", "-k", "other")
    assert path.read_text(encoding="utf-8") == LISTED
    inner(fixed, "--garbology-baseline=b.txt", "--garbology-update-baseline")
    assert path.read_text(encoding="utf-8") == LISTED.replace("\ntest_it.Node.itself -> test_it.Node\n", "")


@pytest.mark.slow
def test_a_marker_promises_more_than_the_file(inner, pytester):
    """What the test's own code forbids no baseline excuses; a directory of the ini file it does."""
    (pytester.path / "b.txt").write_text(LISTED, encoding="utf-8")
    code = "@pytest.mark.no_cycles\ndef test_marked(): Node()\ndef test_in_directory(): Node()\n"
    result = inner(code, "--garbology-baseline=b.txt", ini="garbology_no_cycles =\n    test_it.py\n")
    result.assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"# garbology baseline 2\n", "written by a newer garbology"),
        (b"Node.itself -> Node\n", "it is no baseline"),
        (b"", "it is no baseline"),
        (b"\xff\xfe", "it cannot be read"),
    ],
)
@pytest.mark.parametrize("update", [(), ("--garbology-update-baseline",)], ids=["read", "update"])
def test_what_cannot_be_read_is_not_written_over(inner, pytester, content, said, update):
    """Exit status 4, one line, and the file as it was."""
    path = pytester.path / "b.txt"
    path.write_bytes(content)
    result = inner(CODE, "--garbology-baseline=b.txt", *update)
    assert result.ret == 4
    (error,) = [line for line in result.errlines if line]
    assert "b.txt" in error
    assert said in error
    assert path.read_bytes() == content


def shape(*edges, members=()):
    read = [dict(zip(("source_type", "label", "target_type"), edge, strict=True)) for edge in edges]
    return {"edges": read, "members": list(members), "types": {}}


def test_a_paragraph_leaves_out_what_changes():
    """Keys, lines and order; and the frame that a generator has up to 3.10 for its variables."""
    old = shape(
        ("generator g (t.py:9)", ".gi_frame", "frame of g (t.py:9)"),
        ("frame of g (t.py:9)", "local x", "N"),
        ("N", ".by['a'][0]", "generator g (t.py:9)"),
        members=["t.N", "t.g"],
    )
    new = shape(
        ("N", ".by['b'][7]", "generator g (t.py:12)"),
        ("generator g (t.py:12)", "local x", "N"),
        members=["t.N", "t.g"],
    )
    assert paragraph_of(old) == paragraph_of(new)
    assert paragraph_of(new).splitlines() == ["generator t.g → local x -> t.N", "t.N.by[][] -> generator t.g"]


def test_a_frame_has_the_name_that_every_version_knows():
    """Up to 3.10 a frame's code does not know the class that it stands in."""
    old = shape(("frame of f (t.py:9)", "local x", "E"), members=["pkg.t.E", "pkg.t.f"])
    new = shape(("frame of C.f (t.py:9)", "local x", "E"), members=["pkg.t.C.f", "pkg.t.E"])
    assert paragraph_of(old) == paragraph_of(new) == "frame of pkg.t.f → local x -> pkg.t.E"


def test_a_comprehension_has_the_frame_of_its_function():
    """Up to 3.11 it has a frame of its own (PEP 709), which holds its variables and is called by the function."""
    old = shape(
        ("E", ".__traceback__", "traceback"),
        ("traceback", ".tb_frame", "frame of f (t.py:9)"),
        ("traceback", ".tb_frame", "frame of f.<locals>.<listcomp> (t.py:10)"),
        ("traceback", ".tb_frame", "frame of g (t.py:1)"),
        ("frame of g (t.py:1)", ".f_back", "frame of f.<locals>.<listcomp>.<setcomp> (t.py:10)"),
        (
            "frame of f.<locals>.<listcomp>.<setcomp> (t.py:10)",
            ".f_back",
            "frame of f.<locals>.<listcomp> (t.py:10)",
        ),
        ("frame of f.<locals>.<listcomp> (t.py:10)", ".f_back", "frame of f (t.py:9)"),
        ("frame of f.<locals>.<listcomp> (t.py:10)", "local x", "E"),
        ("frame of f (t.py:9)", "local error", "E"),
        members=["t.E", "t.f", "t.g", "t.f.<locals>.<listcomp>", "t.f.<locals>.<listcomp>.<setcomp>"],
    )
    new = shape(
        ("E", ".__traceback__", "traceback"),
        ("traceback", ".tb_frame", "frame of f (t.py:9)"),
        ("traceback", ".tb_frame", "frame of g (t.py:1)"),
        ("frame of g (t.py:1)", ".f_back", "frame of f (t.py:9)"),
        ("frame of f (t.py:9)", "local error", "E"),
        members=["t.E", "t.f", "t.g"],
    )
    assert paragraph_of(old) == paragraph_of(new)
    assert "frame of t.g.f_back -> frame of t.f\n" in paragraph_of(new)


def test_an_exception_from_a_comprehension_has_one_paragraph_in_every_version(inner, pytester):
    """What 3.13 lists lets pass what 3.10 finds."""
    code = """
def fail(x): raise LookupError

def test_it():
    try:
        [fail(x) for x in {y for y in [1]}]
    except LookupError as error:
        kept = error
"""
    inner(code, "--garbology-baseline=b.txt", "--garbology-update-baseline").assert_outcomes(passed=1)
    text = (pytester.path / "b.txt").read_text(encoding="utf-8")
    assert text.partition("\n\n")[2].splitlines() == [
        "LookupError.__traceback__ -> traceback",
        "frame of test_it.test_it → local kept -> LookupError",
        "traceback.tb_frame -> frame of test_it.test_it",
    ]


def test_what_a_frame_holds_through_its_function_is_its_own():
    """Up to 3.10 a frame holds its globals itself, from 3.11 by the function that runs."""
    old = shape(("frame of f (t.py:9)", ".f_globals", "dict"), members=["t.f"])
    new = shape(("frame of f (t.py:9)", "running function.__globals__", "dict"), members=["t.f"])
    assert paragraph_of(old) == paragraph_of(new) == "frame of t.f.f_globals -> dict"


def test_code_that_was_renamed_has_the_same_name_in_every_version(inner, pytester):
    """As template engines rename it for their tracebacks."""
    code = """
def test_renamed():
    code = compile("1 / 0", "page.html", "exec").replace(co_name="top-level template code")
    space = {"__name__": "<page>"}
    try:
        exec(code, space)
    except ZeroDivisionError as error:
        space["error"] = error
"""
    inner(code, "--garbology-baseline=b.txt", "--garbology-update-baseline").assert_outcomes(passed=1)
    text = (pytester.path / "b.txt").read_text(encoding="utf-8")
    assert "traceback.tb_frame -> frame of <page>.top-level template code\n" in text
    assert "frame of <page>.top-level template code.f_globals -> dict\n" in text


def test_methods_of_one_name_in_several_modules_are_told_apart():
    """By their file, as a method that calls its base class's of the same name, from another module, needs."""
    edges = [
        ("frame of {}unsign (timed.py:9)", "local x", "traceback"),
        ("traceback", ".tb_frame", "frame of {}unsign (signer.py:12)"),
        ("frame of {}unsign (signer.py:12)", ".f_back", "frame of {}load (x/__init__.py:2)"),
        ("frame of {}load (x/__init__.py:2)", ".f_back", "frame of {}load (y/__init__.py:3)"),
    ]
    old = shape(
        *[tuple(part.format("") for part in edge) for edge in edges],
        members=["pkg.signer.unsign", "pkg.timed.unsign", "pkg.x.load", "pkg.y.load"],
    )
    new = shape(
        *[tuple(part.format("C.") for part in edge) for edge in edges],
        members=["pkg.signer.C.unsign", "pkg.timed.C.unsign", "pkg.x.C.load", "pkg.y.C.load"],
    )
    assert paragraph_of(old) == paragraph_of(new)
    assert paragraph_of(new).splitlines() == [
        "frame of pkg.signer.unsign.f_back -> frame of pkg.x.load",
        "frame of pkg.timed.unsign → local x -> traceback",
        "frame of pkg.x.load.f_back -> frame of pkg.y.load",
        "traceback.tb_frame -> frame of pkg.signer.unsign",
    ]


def test_a_part_of_a_listed_shape_is_listed():
    """A cycle of which all edges are in one listed shape is no new one; with one edge more it is."""
    baseline = Baseline(frozenset(["A.b -> B\nA.c -> C\nB.a -> A\nC.a -> A"]))
    assert baseline.listing("A.b -> B\nB.a -> A") is not None
    assert baseline.listing("A.b -> B\nA.d -> D\nB.a -> A") is None


def test_branches_merge(tmp_path):
    """The order of lines and paragraphs, blanks and comments mean nothing; what is written reads as the same."""
    path = tmp_path / "b.txt"
    path.write_text(
        "# garbology baseline 1\nB.a -> A\nA.b -> B\n\n\n# why\nN.n -> N\n\nN.n -> N", encoding="utf-8"
    )
    read = read_baseline(path)
    assert read.listed == {"A.b -> B\nB.a -> A", "N.n -> N"}
    path.write_text(text_of(read.listed), encoding="utf-8")
    assert read_baseline(path).listed == read.listed
