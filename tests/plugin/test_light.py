"""Installed and not used, the plugin costs nothing to notice."""

import subprocess
import sys

import pytest

import garbology
from tests.plugin.conftest import LOADED

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]


def test_nothing_is_imported_before_the_first_watched_test(pytester):
    """Neither NumPy nor the instrument; and no hook that runs for each test."""
    pytester.makepyfile("""
        import sys

        def test_it(request):
            names = [name for name in sys.modules if name.partition(".")[0] in ("numpy", "garbology")]
            assert sorted(names) == ["garbology", "garbology.pytest_plugin"]
            plugin = sys.modules["garbology.pytest_plugin"]
            assert not [name for name in dir(plugin) if name.startswith("pytest_runtest")]
            assert "runtest" not in vars(request.node)
    """)
    result = pytester.runpytest_subprocess(*LOADED, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_a_test_module_that_uses_it_has_all_of_it_before_its_tests(pytester):
    """What an import leaves would else be mistaken for the test's."""
    pytester.makepyfile("""
        import sys
        import garbology

        def test_it():
            assert "garbology.find.window" in sys.modules
    """)
    result = pytester.runpytest_subprocess(*LOADED, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_the_import_takes_less_than_5_ms():
    """The best of five, in fresh interpreters that have imported what pytest does."""
    best = min(_import_milliseconds() for _ in range(5))
    assert best < 5


def _import_milliseconds():
    code = """
import time
import pytest
from _pytest.config import PytestPluginManager
manager = PytestPluginManager()
start = time.perf_counter()
manager.import_plugin("garbology.pytest_plugin")
print(1000 * (time.perf_counter() - start))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return float(done.stdout)


def test_every_name_is_there_without_an_import():
    """`dir` and `__all__` know what is imported later."""
    assert set(garbology.__all__) <= set(dir(garbology))
    code = (
        "import pytest; from _pytest.config import PytestPluginManager\n"
        "PytestPluginManager().import_plugin('garbology.pytest_plugin')\n"
        "import sys, garbology; assert 'numpy' not in sys.modules\n"
        "assert set(garbology.__all__) <= set(dir(garbology))\n"
        "from garbology import *; assert watch is garbology.watch and collector.paused\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
