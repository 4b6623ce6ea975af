"""The wheel that travels: all that is measured, the same for the same code, laid down whole or not at all."""

import importlib.metadata
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

import experiments.cycles  # noqa: F401  # a study is loaded before it is sent
from garbology.cluster.code import code_of, requirements, unpack

pytest.importorskip("packaging")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def code():
    return code_of(["experiments.cycles"])


def test_the_wheel_holds_the_studies_and_what_they_import(code):
    """This garbology with its data files, the package of the study, the engine beside it; no test, no cache."""
    with zipfile.ZipFile(BytesIO(code.wheel)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {"garbology", "experiments", "autograd_core"} <= tops
    assert [top for top in tops if top.startswith("garbology-")]
    assert "tests" not in tops
    assert "garbology/measuring/pyodide.mjs" in names
    assert not [name for name in names if "__pycache__" in name]


def test_the_same_code_is_the_same_wheel(code):
    """A worker that has it is not sent it again."""
    again = code_of(["experiments.cycles"])
    assert (again.digest, again.wheel) == (code.digest, code.wheel)


def test_a_study_of_its_own_file_travels(tmp_path):
    """By its content, so that two studies of one name do not meet."""
    study = tmp_path / "small.py"
    study.write_text("study = 1\n")
    first = code_of([str(study)])
    study.write_text("study = 2\n")
    second = code_of([str(study)])
    assert first.digest != second.digest
    place = unpack(second.text, second.digest, tmp_path / "code")
    assert (place / second.targets[str(study)]).read_text() == "study = 2\n"


def test_a_wheel_is_laid_down_once(code, tmp_path):
    """What is there is not touched, and importlib.metadata finds its version."""
    place = unpack(code.text, code.digest, tmp_path)
    assert place == tmp_path / code.digest
    own = Path(importlib.import_module("garbology").__file__)
    assert (place / "garbology" / "__init__.py").read_bytes() == own.read_bytes()
    found = next(iter(importlib.metadata.distributions(path=[str(place)])))
    assert found.metadata["Name"] == "garbology"
    (place / "mark").touch()
    assert unpack("", code.digest, tmp_path) == place
    assert (place / "mark").exists()
    assert [path.name for path in tmp_path.iterdir()] == [code.digest]


def test_a_wheel_that_is_another_one_is_refused(code, tmp_path):
    """Nothing of it is left."""
    with pytest.raises(ValueError, match="the wheel that came is not 0123"):
        unpack(code.text, "0123", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_environment_needs_what_the_distribution_does():
    """Its dependencies and those of cases, but not garbology itself, which travels, and nothing that draws."""
    names = {text.partition(">")[0] for text in requirements()}
    assert {"numpy", "objgraph", "memory-profiler"} <= names
    assert not names & {"garbology", "altair", "distributed"}
