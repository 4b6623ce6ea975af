"""The matrix: which Pythons are found and left out, an environment for each, and one that is broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from garbology.measuring import environments, matrix
from garbology.measuring.discovery import (
    Candidate,
    ask,
    debug_build,
    executables,
    managed_directories,
    select,
)

pytestmark = pytest.mark.slow

TOLD = {
    "version": "3.12.4",
    "implementation": "cpython",
    "free_threaded": False,
    "debug": False,
    "environment": False,
    "executable": "/usr/bin/python3.12",
}


def make_python(directory: Path, name: str, **told: object) -> Path:
    """A program that answers as an interpreter would."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\necho '{json.dumps({**TOLD, **told})}'\n")
    path.chmod(0o755)
    return path


def test_pythons_of_path_pyenv_and_uv_are_found_and_shims_are_not(tmp_path):
    """Neither pyenv nor uv needs to be activated."""
    made = [
        make_python(tmp_path / "bin", "python3.12"),
        make_python(tmp_path / ".pyenv/versions/3.13.0/bin", "python3.13"),
        make_python(tmp_path / ".local/share/uv/python/cpython-3.14.0-linux/bin", "python3.14"),
    ]
    make_python(tmp_path / ".pyenv/shims", "python3.13")
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/.pyenv/shims:{tmp_path}/bin:{tmp_path}/none"}
    assert sorted(executables(environment)) == sorted(map(str, made))


def test_a_link_to_a_python_is_the_same_python(tmp_path):
    """However many names lead to a file, it is measured once; free-threaded ones have names of their own."""
    python = make_python(tmp_path / "a", "python3.13")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "python3.13").symlink_to(python)
    threaded = make_python(tmp_path / "a", "python3.13t")
    make_python(tmp_path / "a", "python3.13-config")
    found = executables({"HOME": str(tmp_path), "PATH": f"{tmp_path}/b:{tmp_path}/a"})
    assert sorted(map(os.path.realpath, found)) == [str(python), str(threaded)]


def test_the_newest_patch_level_comes_first(tmp_path):
    """3.13.10 is newer than 3.13.9."""
    for version in ("3.13.9", "3.13.10"):
        make_python(tmp_path / f".pyenv/versions/{version}/bin", "python3.13")
    names = [path.parent.name for path in managed_directories({"HOME": str(tmp_path)})]
    assert names == ["3.13.10", "3.13.9"]


@pytest.mark.parametrize(
    "place",
    [
        "bin/python3.14d",
        "bin/python3.14td",
        "bin/python3.14-dbg",
        "bin/python3-dbg",
        "bin/python3-debug",
        ".pyenv/versions/3.14.0-debug/bin/python3.14",
        ".local/share/uv/python/cpython-3.14.0+debug-linux-x86_64-gnu/bin/python3.14",
    ],
)
def test_a_debug_build_is_found_by_the_names_that_it_has(tmp_path, place):
    """Debian's, Fedora's, CPython's own, pyenv's and uv's; it answers that it is one."""
    path = tmp_path / place
    make_python(path.parent, path.name, debug=True, version="3.14.0")
    make_python(tmp_path / "bin", "python3.14", version="3.14.0")
    make_python(tmp_path / "bin", "python3.14d-config")
    assert debug_build({"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin"}) == str(path)


def test_the_newest_debug_build_is_taken_and_only_one_that_is(tmp_path):
    """A name alone does not make one, and one that is too old is none for this project."""
    make_python(tmp_path / "bin", "python3.9d", debug=True, version="3.9.18")
    make_python(tmp_path / "bin", "python3.15d", debug=False, version="3.15.0")
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin"}
    assert debug_build(environment) == ""
    make_python(tmp_path / "bin", "python3.9-dbg", debug=True, version="3.11.9")
    make_python(tmp_path / "bin", "python3.13d", debug=True, version="3.13.0")
    assert debug_build(environment) == str(tmp_path / "bin" / "python3.13d")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"version": "3.9.18"}, "too old"),
        ({"implementation": "pypy"}, "pypy, not CPython"),
        ({"environment": True}, "a virtual environment's, of /usr/bin/python3.12"),
    ],
)
def test_what_is_not_to_be_measured_is_left_out_with_the_reason(tmp_path, told, why):
    """Another implementation, an old version and a virtual environment are named, not dropped."""
    assert why in ask(str(make_python(tmp_path, "python3.12", **told))).left_out


def test_a_python_that_does_not_start_is_left_out_with_its_last_word(tmp_path):
    """One broken interpreter does not stop the search."""
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\necho 'no such library' >&2\nexit 3\n")
    broken.chmod(0o755)
    assert ask(str(broken)).left_out == "it does not start: no such library"


@pytest.mark.parametrize("answer", ["Python 3.99.0", '{"version": "3.99.0"}', "[1]", "", "\\0377"])
def test_a_program_that_is_no_python_is_left_out(tmp_path, answer):
    """Whatever it answers, the search goes on."""
    liar = tmp_path / "python3.99"
    liar.write_text(f"#!/bin/sh\nprintf '{answer}'\n")
    liar.chmod(0o755)
    assert ask(str(liar)).left_out == "it does not answer as a Python does"


def test_a_directory_called_like_a_python_is_none(tmp_path):
    """It can be entered, which is no reason to run it."""
    (tmp_path / "python3.99").mkdir()
    path = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert executables(path) == []


def test_this_interpreter_says_what_it_is():
    """The question is understood by a real interpreter."""
    candidate = ask(sys.executable)
    assert candidate.version == ".".join(map(str, sys.version_info[:3]))
    assert bool(candidate.left_out) == (sys.prefix != sys.base_prefix)


def test_of_two_of_one_version_the_second_is_left_out():
    """Two builds of the same exact version would share a column; patch levels and free threading do not."""
    chosen = select(
        [
            Candidate("/a/python3.13", "3.13.10"),
            Candidate("/b/python3.13", "3.13.10"),
            Candidate("/a/python3.13t", "3.13.10", free_threaded=True),
            Candidate("/c/python3.13", "3.13.9"),
        ]
    )
    assert [(each.path, each.left_out) for each in chosen] == [
        ("/c/python3.13", ""),
        ("/a/python3.13", ""),
        ("/b/python3.13", "the same version as /a/python3.13"),
        ("/a/python3.13t", ""),
    ]


def test_an_environment_is_made_once(tmp_path, monkeypatch):
    """A finished environment is found again; an unfinished one is not."""
    commands = []

    def run(command):
        commands.append(command)
        if "venv" in command:
            venv.create(command[-1], with_pip=False)

    monkeypatch.setattr(environments, "_run", run)
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    candidate = Candidate(sys.executable, "3.12.4")
    assert environments.found(candidate, tmp_path) is None
    python = environments.prepare(candidate, tmp_path)
    assert subprocess.run([python, "-c", "import sys; print(sys.prefix)"], check=True).returncode == 0
    assert [command[0] for command in commands] == [sys.executable, sys.executable, str(python)]
    said: list[str] = []
    assert environments.found(candidate, tmp_path) == python
    assert matrix.prepare_all([candidate], tmp_path, said.append) == ([str(python)], 0)
    assert (len(commands), said) == (3, [])
    (tmp_path / "3.12.4" / "garbology.json").unlink()
    assert environments.found(candidate, tmp_path) is None
    assert matrix.prepare_all([candidate], tmp_path, said.append) == ([str(python)], 0)
    assert len(commands) == 6
    assert said[0] == f"making an environment for 3.12.4 in {tmp_path / '3.12.4'}"
    assert re.fullmatch(r"3\.12\.4: done in \d+ s", said[1])


def test_a_python_without_environment_does_not_stop_the_others(tmp_path, monkeypatch):
    """The failure is said with its reason, and the others are prepared."""

    def prepare(candidate, directory, packages):
        if candidate.version == "3.12.4":
            raise environments.PreparationError("pip: no matching distribution")
        return directory / candidate.version

    monkeypatch.setattr(matrix, "prepare", prepare)
    said: list[str] = []
    candidates = [
        Candidate("/a", "3.12.4"),
        Candidate("/b", "3.13.0"),
        Candidate("/c", "3.9.0", left_out="old"),
    ]
    assert matrix.prepare_all(candidates, tmp_path, said.append) == ([str(tmp_path / "3.13.0")], 1)
    assert said[1] == "3.12.4 (/a) is left out: no environment could be made: pip: no matching distribution"


def test_a_python_that_only_says_that_it_made_an_environment_does_not_stop_the_others(tmp_path, monkeypatch):
    """Neither does a place that cannot be written: each is left out with its reason."""
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    liar = Candidate(str(make_python(tmp_path, "python3.12")), "3.12.4")
    said: list[str] = []
    assert matrix.prepare_all([liar], tmp_path / "made", said.append) == ([], 1)
    assert said[1].endswith("no environment could be made: `python3.12 -m venv` made none, and said nothing")
    (tmp_path / "file").write_text("")
    assert matrix.prepare_all([liar], tmp_path / "file", said.append) == ([], 1)
    assert "File exists" in said[3]


def test_the_list_says_what_is_left_out_and_why():
    """A line a Python, its reason last."""
    lines = matrix.describe([Candidate("/a", "3.12.4"), Candidate("/b", left_out="it does not start: x")])
    assert lines == ["3.12.4  /a", "?       /b  (left out: it does not start: x)"]
