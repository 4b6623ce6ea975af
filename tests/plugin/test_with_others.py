"""The plugin beside what other projects use: each in a real inner session."""

import importlib.util
import sys

import pytest

from tests.plugin.conftest import message_of

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]


def needs(module):
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"needs {module}")


def failed_in(result):
    return {line.split(" ")[1].partition("::")[2] for line in result.outlines if line.startswith("FAILED")}


def test_unittest(inner):
    """Methods of a TestCase, subtests and asynchronous ones are watched with setUp and tearDown."""
    result = inner("""
import unittest

class TestIt(unittest.TestCase):
    pytestmark = pytest.mark.no_cycles

    def setUp(self):
        self.node = Child(1)

    def test_good(self):
        with self.assertRaises(ValueError):
            int("x")
        self.assertEqual(self.node.parent, 1)

    def test_bad(self):
        Node()

    def test_fails(self):
        self.assertEqual(1, 2)

    @unittest.skip("not here")
    def test_skips(self):
        Node()

class TestAsync(unittest.IsolatedAsyncioTestCase):
    pytestmark = pytest.mark.no_cycles

    async def test_good(self):
        import asyncio
        await asyncio.sleep(0)

    async def test_bad(self):
        Node()
""")
    result.assert_outcomes(failed=3, passed=2, skipped=1)
    assert failed_in(result) == {"TestIt::test_bad", "TestIt::test_fails", "TestAsync::test_bad"}


def test_doctests(inner, pytester):
    """A doctest is watched like a test; what it begins with is there again when it is run once more."""
    (pytester.path / "documented.py").write_text(
        """
class Node:
    '''
    >>> node = Node()
    >>> node.itself = 1
    '''
    def __init__(self):
        self.itself = self

def make():
    '''
    >>> Node() is None
    False
    '''
""",
        encoding="utf-8",
    )
    result = inner("", "--doctest-modules", "documented.py", ini="garbology_no_cycles =\n    documented.py\n")
    result.assert_outcomes(failed=1, passed=1)
    assert failed_in(result) == {"documented.make"}
    assert "could not be run again" not in message_of(result, "[doctest] documented.make")


@needs("pytest_asyncio")
def test_pytest_asyncio(inner):
    """Coroutines are run to their end, twice where the first leaves something."""
    result = inner(
        """
import asyncio

@pytest.fixture
async def connection():
    yield 1

@pytest.mark.no_cycles
async def test_good(connection):
    await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))

@pytest.mark.no_cycles
async def test_bad(connection):
    await asyncio.sleep(0)
    Node()

cache = []
@pytest.mark.no_cycles
async def test_cached():
    if not cache:
        cache.append(1)
        Node()

async def test_freed(assert_freed):
    child = Child(1)
    assert_freed(child)
    await asyncio.sleep(0)
""",
        "-p",
        "asyncio",
        ini="asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
        subprocess=True,
    )
    result.assert_outcomes(failed=1, passed=3)
    assert failed_in(result) == {"test_bad"}
    assert "Node.itself -> Node" in message_of(result, "test_bad")


@needs("anyio")
def test_anyio(inner):
    """The same in the tests of anyio's plugin."""
    result = inner(
        """
import anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
@pytest.mark.no_cycles
async def test_good():
    await anyio.sleep(0)

@pytest.mark.anyio
@pytest.mark.no_cycles
async def test_bad():
    await anyio.sleep(0)
    Node()
""",
        "-p",
        "anyio",
        subprocess=True,
        ini="asyncio_default_fixture_loop_scope = function\n"
        * bool(importlib.util.find_spec("pytest_asyncio")),
    )
    result.assert_outcomes(failed=1, passed=1)
    assert failed_in(result) == {"test_bad"}


@needs("xdist")
def test_pytest_xdist(inner, pytester):
    """Workers send their results: one table and one baseline of all of them."""
    code = """
@pytest.mark.parametrize("number", range(6))
def test_leaves(number):
    [Node() for _ in range(number)]
    None
"""
    result = inner(
        code, "-n2", "--garbology-baseline", "b.txt", "--garbology-update-baseline", subprocess=True
    )
    result.assert_outcomes(passed=6)
    assert any(line.startswith("6 tests watched: 5 left") for line in result.outlines)
    assert any(
        line.startswith("pytest-xdist, 2 workers: what a first call caches") for line in result.outlines
    )
    assert "test_it.Node.itself -> test_it.Node" in (pytester.path / "b.txt").read_text(encoding="utf-8")


@needs("xdist")
def test_a_worker_that_crashes_is_told_of(inner, pytester):
    """What its test left is not known, and no listed shape is said to be gone."""
    (pytester.path / "b.txt").write_text("# garbology baseline 1\n\nA.b -> A\n", encoding="utf-8")
    code = "import os\ndef test_crash(): os._exit(1)\ndef test_node(): pass\n"
    result = inner(code, "-n1", "--garbology-baseline", "b.txt", subprocess=True)
    assert result.ret == 1
    told = [line for line in result.outlines if "what its last test left is not known" in line]
    assert [line.partition(": ")[0] for line in told] == ["pytest-xdist", "b.txt"]


@needs("xdist")
def test_a_wrong_marker_ends_the_session_of_workers(inner):
    """Exit status 4 and the same line as without pytest-xdist."""
    result = inner("@pytest.mark.no_cycles(warm=1)\ndef test_wrong(): pass\n", "-n1", subprocess=True)
    assert result.ret == 4
    assert [line for line in result.errlines if line.startswith("ERROR: test_it.py::test_wrong: ")]


@needs("pytest_rerunfailures")
def test_pytest_rerunfailures(inner):
    """A test that fails for what it left is run again as any other, and judged anew each time."""
    result = inner(
        """
runs = []

@pytest.mark.no_cycles(warmup=0)
def test_flaky(assert_freed):
    runs.append(1)
    if len(runs) < 3:
        Node()

@pytest.mark.no_cycles
def test_always(assert_freed):
    Node()
""",
        "--reruns=2",
        subprocess=True,
    )
    assert "1 failed, 1 passed, 4 rerun" in result.outlines[-1]


@needs("pytest_timeout")
def test_pytest_timeout(inner):
    """A test that takes too long fails by that, and the collector is as before."""
    result = inner("""
import time

@pytest.mark.no_cycles
@pytest.mark.timeout(0.2, method="signal")
def test_slow():
    time.sleep(30)

def test_after():
    assert gc.isenabled()
""")
    result.assert_outcomes(failed=1, passed=1)
    assert "Timeout" in message_of(result, "test_slow")


@needs("coverage")
@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage(inner, pytester, core, monkeypatch):
    """Whichever way coverage traces: nothing is lost that it counts, and nothing is blamed for it."""
    if core == "sysmon" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring is of 3.12")
    monkeypatch.setenv("COVERAGE_CORE", core)
    (pytester.path / "test_it.py").write_text(
        """
import pytest

class Node:
    def __init__(self):
        self.itself = self

def after(number):
    number += 1
    return number

@pytest.mark.no_cycles
def test_good():
    assert after(1) == 2

@pytest.mark.no_cycles
def test_bad():
    Node()
    after(1)

def test_last():
    assert after(2) == 3
""",
        encoding="utf-8",
    )
    from tests.plugin.conftest import LOADED

    run = [sys.executable, "-m", "coverage", "run", "--include=test_it.py", "-m", "pytest", *LOADED, "-p"]
    result = pytester.run(*run, "no:cacheprovider", "test_it.py")
    result.assert_outcomes(failed=1, passed=2)
    report = pytester.run(sys.executable, "-m", "coverage", "report", "-m")
    assert any("100%" in line for line in report.outlines), report.outlines


def test_capture_and_log(inner):
    """caplog, capsys and monkeypatch hold what they hold until the test has ended: none of it is garbage."""
    result = inner(
        """
import logging, sys, warnings

@pytest.mark.no_cycles
def test_all(caplog, capsys, monkeypatch, recwarn, tmp_path, request):
    logging.getLogger("x").warning("%s", Child(1))
    monkeypatch.setattr(sys, "argv", [])
    warnings.warn("careful")
    print(capsys.readouterr(), caplog.records, tmp_path, request.node)
    with pytest.warns(UserWarning):
        warnings.warn("x")
    with pytest.raises(ZeroDivisionError, match="division"):
        1 / 0
""",
        "-W",
        "default",
    )
    result.assert_outcomes(passed=1)
