"""Markers: what a test leaves for the collector fails it, and what is not its own does not."""

import pytest

from tests.plugin.conftest import message_of

pytest_plugins = ["pytester"]


@pytest.mark.slow
def test_a_cycle_fails_the_test_and_is_told_with_the_edge_to_weaken(inner):
    """Verdict, the cycle, the edge with the line that sets it, and the remedy; no line of the plugin's own."""
    result = inner("""
@pytest.mark.no_cycles
def test_leaves():
    Parent()

@pytest.mark.no_cycles
def test_leaves_nothing():
    parent = Parent()
    parent.child.parent = None

def test_not_marked():
    Parent()
""")
    result.assert_outcomes(failed=1, passed=2)
    text = message_of(result, "test_leaves")
    assert "(" in text.splitlines()[0]
    assert text.splitlines()[0].startswith("this test left ")
    for said in (
        "x Child.parent -> Parent   <- weaken this one",
        "set at test_it.py:11: self.parent = parent",
    ):
        assert said in text
    assert "weakref: Child.parent is the way back" in text
    assert "garbology/" not in text
    assert "hidden" not in text


@pytest.mark.slow
def test_a_first_call_may_cache(inner):
    """What only a first run leaves is no failure, unless warmup=0; a test that leaves nothing is run once."""
    result = inner("""
cache, runs = [], []

def load():
    if not cache:
        cache.append(1)
        Node()

@pytest.mark.no_cycles
def test_cached():
    load()

@pytest.mark.no_cycles(warmup=0)
def test_cold():
    cache.clear()
    load()

@pytest.mark.no_cycles
def test_once():
    runs.append(1)

def test_it_ran_once():
    assert len(runs) == 1
""")
    result.assert_outcomes(failed=1, passed=3)
    assert "itself" in message_of(result, "test_cold")


@pytest.mark.slow
def test_a_test_that_cannot_run_twice_is_judged_by_its_first_run(inner):
    """Its own exception of the second run is no failure; it is said what was judged."""
    result = inner("""
@pytest.mark.no_cycles
def test_makes(tmp_path):
    (tmp_path / "made").mkdir()
    Node()
""")
    result.assert_outcomes(failed=1)
    text = message_of(result, "test_makes")
    assert "could not be run again" in text
    assert "FileExistsError" in text


@pytest.mark.slow
def test_markers_stand_on_classes_modules_parameters_and_directories(inner, pytester):
    """The nearest one counts: max_garbage on a function allows what the class forbids."""
    place = pytester.mkdir("unit")
    (place / "test_unit.py").write_text(
        "def test_in_directory():\n    a = []\n    a.append(a)\n", encoding="utf-8"
    )
    result = inner(
        """
pytestmark = pytest.mark.no_cycles

def test_module():
    Node()

class TestClass:
    pytestmark = pytest.mark.max_garbage(objects=100)

    def test_allowed(self):
        Node()

    @pytest.mark.no_cycles
    def test_forbidden(self):
        Node()

@pytest.mark.parametrize("many", [1, pytest.param(60, marks=pytest.mark.max_garbage(objects=10))])
def test_parametrized(many):
    made = [Node() for _ in range(many)]
    if many == 1:
        made[0].itself = None
""",
        ini="garbology_no_cycles =\n    unit\n",
    )
    result.assert_outcomes(failed=4, passed=2)
    failed = {line.split(" ")[1] for line in result.outlines if line.startswith("FAILED")}
    assert failed == {
        "test_it.py::test_module",
        "test_it.py::TestClass::test_forbidden",
        "test_it.py::test_parametrized[60]",
        "unit/test_unit.py::test_in_directory",
    }


@pytest.mark.slow
def test_max_garbage_takes_objects_and_bytes(inner):
    """Each may be given, bytes as text, too; the message names the limit."""
    result = inner("""
@pytest.mark.max_garbage(objects=8)
def test_few(): Node(); Node()

@pytest.mark.max_garbage(objects=8)
def test_many(): [Node() for _ in range(9)]; None

@pytest.mark.max_garbage(bytes="10kB")
def test_small(): Node()

@pytest.mark.max_garbage(bytes="10kB")
def test_large():
    Node().data = bytearray(20_000)
""")
    result.assert_outcomes(failed=2, passed=2)
    assert "max_garbage allows 8 objects" in message_of(result, "test_many").replace("\n    ", " ")
    assert "max_garbage allows 10.0 kB" in message_of(result, "test_large").replace("\n    ", " ")


@pytest.mark.slow
def test_what_pytest_raises_keeps_is_not_the_test_s(inner):
    """`as info` keeps the frame: that is told, and does not hide a cycle of the test's own."""
    result = inner("""
@pytest.mark.no_cycles
def test_info():
    with pytest.raises(ValueError) as info:
        int("x")
    assert info.type is ValueError

@pytest.mark.no_cycles
def test_info_and_own():
    Node()
    with pytest.raises(ValueError) as info:
        int("x")

class Parser:
    def parse(self):
        try:
            int("x")
        except ValueError as error:
            self.error = error
            raise

@pytest.mark.no_cycles
def test_kept_by_the_program():
    with pytest.raises(ValueError) as info:
        Parser().parse()
""")
    result.assert_outcomes(failed=2, passed=1)
    text = message_of(result, "test_info_and_own")
    assert "Node.itself -> Node" in text
    assert "`pytest.raises(...) as info` keeps the traceback" in text
    assert "Parser.error" in message_of(result, "test_kept_by_the_program")
    assert any("whose frame is kept by the `info` of pytest.raises" in line for line in result.outlines)


@pytest.mark.slow
def test_whose_cycles(inner, pytester):
    """only= and ignore= on the marker and in the ini file: a cycle of others is counted and no failure."""
    (pytester.path / "others.py").write_text(
        "class Plot:\n    def __init__(self):\n        self.axes = self\n", encoding="utf-8"
    )
    result = inner(
        """
import others

@pytest.mark.no_cycles
def test_ignored_by_ini(): others.Plot()

@pytest.mark.no_cycles(only="test_it")
def test_only(): others.Plot()

@pytest.mark.no_cycles(only=["test_it.N*"])
def test_only_type(): Parent(); others.Plot()

@pytest.mark.no_cycles(ignore=["Node.itself -> *"])
def test_edge(): Node()

@pytest.mark.no_cycles
def test_mixed():
    plot = others.Plot()
    plot.node = node = Node()
    node.plot = plot

@pytest.mark.no_cycles(only="test_it.Parent")
def test_only_fails(): Parent()
""",
        ini="garbology_ignore =\n    others\n",
    )
    result.assert_outcomes(failed=2, passed=4)
    failed = {line.split(" ")[1] for line in result.outlines if line.startswith("FAILED")}
    assert failed == {"test_it.py::test_mixed", "test_it.py::test_only_fails"}
    assert any("not counted, by only and ignore: 5 cycles in 4 tests" in line for line in result.outlines)


@pytest.mark.slow
def test_a_class_of_the_test_s_own_is_no_failure(inner, pytester):
    """Each class is a cycle: one that a test defines is told; one that the program makes in each call is a failure."""
    (pytester.path / "others.py").write_text(
        "def make():\n    class Made:\n        pass\n    return Made\n", encoding="utf-8"
    )
    result = inner("""
import dataclasses, enum
import others

@pytest.mark.no_cycles
def test_local():
    class Local(Node):
        def __init__(self):
            super().__init__()
            self.itself = None

    @dataclasses.dataclass
    class Data:
        number: int = 1

    class Colour(enum.Enum):
        RED = 1

    assert Local().itself is None
    assert Data().number == Colour.RED.value

@pytest.mark.no_cycles
def test_local_and_own():
    class Local:
        def __init__(self):
            self.me = self

    Local()

@pytest.mark.no_cycles
def test_made():
    others.make()
""")
    result.assert_outcomes(failed=2, passed=1)
    text = message_of(result, "test_local_and_own")
    assert "Local.me -> Local" in text
    assert "not counted: a class that the test defines" in text
    assert "others" in message_of(result, "test_made")


@pytest.mark.slow
def test_a_failure_is_at_most_4_kb(inner):
    """However many shapes and however long their names; -v shows more."""
    code = """
def classes():
    made = [type(f"{'Long' * 15}{n}", (Node,), {}) for n in range(40)]
    return made

CLASSES = classes()

@pytest.mark.no_cycles
def test_many_shapes():
    for number, each in enumerate(CLASSES):
        one = each()
        setattr(one, "attribute_" * 6 + str(number), Node())
        getattr(one, "attribute_" * 6 + str(number)).back = one
"""
    result = inner(code)
    result.assert_outcomes(failed=1)
    text = message_of(result, "test_many_shapes")
    assert len(text.encode()) <= 4_000
    assert "more shape" in text
    longer = message_of(inner(code, "-v"), "test_many_shapes")
    assert len(text.encode()) < len(longer.encode()) <= 40_000


@pytest.mark.slow
def test_a_test_s_own_failure_and_skip_go_through(inner):
    """The test's exception is shown as ever; nothing is judged then."""
    result = inner("""
@pytest.mark.no_cycles
def test_fails():
    Node()
    assert 1 == 2

@pytest.mark.no_cycles
def test_skips():
    Node()
    pytest.skip("not here")

@pytest.mark.no_cycles
@pytest.mark.xfail(strict=True)
def test_expected():
    Node()
""")
    result.assert_outcomes(failed=1, skipped=1, xfailed=1)
    text = message_of(result, "test_fails")
    assert "assert 1 == 2" in text
    assert "garbology" not in text


def test_fixtures_are_not_the_body(inner):
    """What a fixture leaves before or after the test is not judged."""
    result = inner("""
@pytest.fixture
def untidy():
    Node()
    yield 1
    Node()

@pytest.mark.no_cycles
def test_with(untidy, caplog, monkeypatch, capsys):
    import logging
    logging.getLogger("x").warning("hello %s", untidy)
    monkeypatch.setenv("A", "b")
    print("hello")
""")
    result.assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_plugin_holds_nothing(inner):
    """What the test left is there to be collected when it has failed: neither message nor report keeps it."""
    result = inner("""
import weakref
left = []

@pytest.mark.no_cycles
def test_leaves():
    node = Node()
    left.append(weakref.ref(node))

def test_collected():
    gc.collect()
    assert [each() for each in left] == [None] * len(left) != []
""")
    result.assert_outcomes(failed=1, passed=1)


@pytest.mark.slow
def test_a_collection_in_the_body_is_no_way_out(inner):
    """What gc.collect() freed in the test reference counting had not freed."""
    result = inner("""
@pytest.mark.no_cycles
def test_collects():
    Node()
    gc.collect()
""")
    result.assert_outcomes(failed=1)
    assert "a collection" in message_of(result, "test_collects")


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("no_cycles(warm=1)", "no_cycles takes only=, ignore=, warmup=, got 'warm'"),
        ("no_cycles('mypkg')", "no_cycles takes only=, ignore=, warmup= by name, got 'mypkg'"),
        ("no_cycles(warmup=-1)", "no_cycles: warmup= takes a number from 0 up, got -1"),
        ("no_cycles(only=3)", "no_cycles: only= takes a name or a list of names, got 3"),
        ("max_garbage()", "max_garbage needs objects= or bytes=, or both"),
        ("max_garbage(bytes='ten')", "'ten' is no size"),
        ("max_garbage(objects='2')", "max_garbage: objects= takes a number from 0 up, got '2'"),
    ],
)
def test_a_wrong_argument_ends_the_session(inner, marker, said):
    """Exit status 4 and one line that names test, marker and argument; no test is run."""
    result = inner(f"""
@pytest.mark.{marker}
def test_wrong(): pass
""")
    assert result.ret == 4
    errors = [line for line in result.errlines if line]
    assert len(errors) == 1
    assert errors[0].startswith("ERROR: test_it.py::test_wrong: ")
    assert said in errors[0]


@pytest.mark.parametrize(
    "marker", ["no_cycles(E())", "no_cycles(only=E())", "no_cycles(warmup=E())", "max_garbage(bytes=E())"]
)
def test_an_argument_that_cannot_be_shown_is_refused_as_any_other(inner, marker):
    """Exit status 4 and one line with its type, although its `repr` and `==` fail."""
    code = f"""
class E:
    def __repr__(self): raise RuntimeError("repr")
    def __eq__(self, other): raise RuntimeError("eq")

@pytest.mark.{marker}
def test_it(): pass
"""
    result = inner(code)
    assert result.ret == 4
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert line.startswith("ERROR: test_it.py::test_it: @pytest.mark.")
    assert line.endswith("E object")
