"""The plugin under both of its names: that of the entry point, and that of its module."""

import pytest

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]
MODULE = "garbology.pytest_plugin"


@pytest.fixture
def session(pytester, monkeypatch):
    """A function that runs a test which fails where the plugin works, garbology being installed."""
    installed = pytester.mkdir("installed").joinpath("garbology-1.0.dist-info")
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: garbology\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[pytest11]\ngarbology = {MODULE}\n")
    monkeypatch.syspath_prepend(installed.parent)
    pytester.makepyfile("""
        import pytest

        @pytest.mark.no_cycles
        def test_it():
            items = []
            items.append(items)
    """)

    def run(*arguments):
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["this test left 1 object *in 1 cycle*"])

    return run


@pytest.mark.parametrize(
    "names",
    [
        [MODULE],
        ["garbology"],
        [MODULE, "garbology"],
        ["garbology", MODULE],
        [MODULE, MODULE],
    ],
    ids=" and ".join,
)
def test_on_the_command_line(session, names):
    """It is there once, whatever the order."""
    session(*[word for name in names for word in ("-p", name)])


def test_in_a_conftest(session, pytester):
    """As projects write it that do not count on entry points."""
    pytester.makeconftest(f"pytest_plugins = ['{MODULE}']")
    session()


def test_in_the_environment(session, monkeypatch):
    """PYTEST_PLUGINS, with and without entry points."""
    monkeypatch.setenv("PYTEST_PLUGINS", MODULE)
    session()
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    session("-p", MODULE)
