"""The tests in several sessions: none is left out or run twice, and one that fails is told."""

import threading
from pathlib import Path

import pytest

from tests import in_parts


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """A directory with three files of tests, and one below it where two of three files share what they measure."""
    (tmp_path / "tests/measured").mkdir(parents=True)
    for name in ("test_a.py", "test_b.py", "test_c.py", "measured/test_d.py", "measured/test_e.py"):
        (tmp_path / "tests" / name).write_text("def test_it(): pass\ndef test_slowly(): pass\n")
    for name in ("test_e.py", "test_f.py"):
        (tmp_path / "tests/measured" / name).write_text("def test_it(once): pass\ndef test_slowly(): pass\n")
    fixture = "import pytest\n@pytest.fixture(scope='session')\ndef once(): return 1\n"
    (tmp_path / "tests/measured/conftest.py").write_text(
        f"{fixture}SHARED_BY_A_SESSION = ('once', 'twice')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(in_parts, "FILES_OF_A_PART", 2)
    monkeypatch.delenv("GARBOLOGY_CORES", raising=False)
    return tmp_path / "tests"


def test_every_file_is_in_one_part(suite):
    """Files that share what they measure are together, the others in parts of about the same number."""
    assert [sorted(part) for part in in_parts.parts(["tests"])] == [
        ["tests/measured/test_e.py", "tests/measured/test_f.py"],
        ["tests/measured/test_d.py", "tests/test_b.py"],
        ["tests/test_a.py", "tests/test_c.py"],
    ]
    one = "tests/test_a.py::test_it"
    assert list(in_parts.parts([one, "tests/measured/test_d.py"])) == [[one, "tests/measured/test_d.py"]]


def test_files_that_import_hypothesis_are_together(suite):
    """The sessions of the others have a smaller heap; a file that only speaks of it is one of these."""
    (suite / "test_b.py").write_text("from hypothesis import given\ndef test_it(): pass\n")
    (suite / "test_c.py").write_text("# unlike hypothesis\ndef test_it(): pass\n")
    assert [sorted(part) for part in in_parts.parts(["tests"])] == [
        ["tests/measured/test_e.py", "tests/measured/test_f.py"],
        ["tests/test_b.py"],
        ["tests/measured/test_d.py", "tests/test_c.py"],
        ["tests/test_a.py"],
    ]


def test_options_keep_their_values(suite):
    """A word after -k is no directory, whatever there is."""
    told = in_parts.told_apart(["-q", "-k", "tests", "tests/test_a.py", "-m", "not slow"])
    assert told == (["-q", "-k", "tests", "-m", "not slow"], ["tests/test_a.py"])


@pytest.mark.slow
def test_all_are_run_and_one_that_fails_is_told(suite, capfd):
    """What each session says is printed, then how many there were in all."""
    (suite / "test_b.py").write_text("def test_it(): pass\ndef test_bad(): assert not 'here'\n")
    assert in_parts.main(["-q", "-p", "no:cacheprovider"]) == 1
    said = capfd.readouterr().out
    assert "test_bad" in said
    assert said.splitlines()[-1].startswith("11 passed, 1 failed in ")


@pytest.mark.slow
def test_temporary_directories_are_each_session_s_own(suite, tmp_path, monkeypatch):
    """Sessions that share them remove the old ones at once; and nothing of them is left."""
    monkeypatch.setattr(in_parts, "FILES_OF_A_PART", 1)
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    for name in ("b", "c"):
        (suite / f"test_{name}.py").write_text(
            "import os\n"
            "def test_it(tmp_path):\n"
            "    with open(os.environ['SEEN'], 'a') as file:\n"
            "        print(tmp_path.parents[2], file=file)\n"
        )
    in_parts.main(["-q", "-p", "no:cacheprovider", "tests/test_b.py", "tests/test_c.py"])
    roots = [Path(line) for line in (tmp_path / "seen").read_text().splitlines()]
    assert len(set(roots)) == len(roots) == 2
    assert not any(root.exists() for root in roots)


@pytest.mark.parametrize(
    ("statuses", "status"), [((0, 5, 0), 0), ((5, 5), 5), ((0, 1, 5), 1), ((0,), 0), ((5, 2, 1), 2)]
)
def test_nothing_selected_in_a_part_is_no_failure(statuses, status):
    """As with -k: a name that occurs in one file; where it occurs in none, that is told."""
    assert in_parts.status_of(statuses) == status


@pytest.mark.skipif(in_parts.fcntl is None, reason="no locks of files")
def test_runs_beside_each_other_take_turns(tmp_path, monkeypatch):
    """Of two with one core the second begins when the first has ended."""
    monkeypatch.setenv("GARBOLOGY_CORES", str(tmp_path / "cores"))
    order, begins = [], threading.Event()

    def second():
        begins.set()
        with in_parts.a_core(1):
            order.append("second")

    thread = threading.Thread(target=second)
    with in_parts.a_core(1):
        thread.start()
        begins.wait(10)
        thread.join(3 * in_parts.TURN_SECONDS)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
