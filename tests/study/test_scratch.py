"""Temporary directories: each process's own are its, and those of processes that are gone are removed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from garbology.measuring import scratch
from garbology.measuring.scratch import scratch_directory, sweep

pytestmark = pytest.mark.slow

HOLD = """
import os, sys
from garbology.measuring.scratch import scratch_directory
with scratch_directory() as place:
    print(place, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(temporary):
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "PYTHONPATH": root, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def test_a_directory_is_removed_at_its_end_whatever_is_in_it(temporary):
    """Also one that was removed, and one with a directory that cannot be written."""
    with scratch_directory() as place:
        (place / "inside").mkdir()
        (place / "inside" / "file").touch()
    with scratch_directory() as other:
        scratch.shutil.rmtree(other)
    assert place.parent == temporary
    assert list(temporary.iterdir()) == []


def test_only_directories_of_processes_that_are_gone_are_swept(temporary, holder):
    """One that is held stays, here or by another process; a directory without an owner's file is another's."""
    held = Path(holder.stdout.readline().strip())
    foreign = temporary / "garbology-foreign"
    foreign.mkdir()
    (temporary / "garbology-link").symlink_to(held)
    with scratch_directory() as mine:
        assert sweep() == 0
        assert mine.is_dir()
        assert held.is_dir()
        holder.kill()
        holder.wait()
        assert sweep() == 1
        assert mine.is_dir()
    assert not held.exists()
    assert foreign.is_dir()
    assert sweep() == 0


def test_a_directory_that_was_swept_before_it_was_locked_is_made_again(temporary, monkeypatch):
    """Another process that begins at that moment may take it for a dead one's."""
    made, take = [], scratch.take

    def swept_first(path):
        made.append(path.parent)
        if len(made) == 1:
            scratch.shutil.rmtree(path.parent)
        return take(path)

    monkeypatch.setattr(scratch, "take", swept_first)
    with scratch_directory() as place:
        assert place == made[1]
        assert place.is_dir()
