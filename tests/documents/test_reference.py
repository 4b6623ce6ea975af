"""The reference has every public name, every command and every key of the JSON."""

import inspect
import re
from pathlib import Path

import pytest

import garbology
from garbology import recorders
from garbology.growth.report import Report
from garbology.monitoring import agreed, sinks
from garbology.monitoring.seen import Seen
from garbology.study import records
from garbology.testing import ending

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PYTHON, JSON, COMMANDS = (
    (REFERENCE / f"{name}.md").read_text(encoding="utf-8") for name in ("python", "json", "commands")
)


def test_every_public_name_is_in_the_reference():
    """And nothing that is not there."""
    shown = set(re.findall(r":: garbology\.(\w+)$", PYTHON, re.MULTILINE))
    assert set(garbology.__all__) <= shown
    assert [name for name in shown - {"recorders"} if not hasattr(garbology, name)] == []
    shown = set(re.findall(r":: garbology\.recorders\.(\w+)$", PYTHON, re.MULTILINE))
    functions = {name for name in recorders.__all__ if not inspect.isclass(getattr(recorders, name))}
    assert functions - {"record_pauses"} == shown


@pytest.mark.parametrize("name", [name for name in garbology.__all__ if name != "collector"])
def test_every_public_name_has_a_docstring(name):
    """One of its own: a dataclass without has its signature for one."""
    text = inspect.getdoc(getattr(garbology, name))
    assert text
    assert not text.startswith(f"{name}(")
    assert sinks.__doc__


def test_every_command_is_in_the_reference():
    """By its name."""
    from garbology.cli.program import group

    assert set(re.findall(r"^## garbology (\w+)$", COMMANDS, re.MULTILINE)) == set(group.commands)
    assert set(re.findall(r"program:group (\w+)$", COMMANDS, re.MULTILINE)) == set(group.commands)


class Node:
    def __init__(self):
        self.me = self


def answers():
    """A `to_dict()` of each schema, by the heading of its table."""
    kept = [Node()]
    found = garbology.find_cycles(Node)
    return {
        "garbology.found": found.to_dict(),
        "A shape": found.shapes[0].to_dict(),
        "garbology.alive.question": garbology.why_alive(kept[0]).to_dict(),
        "garbology.growth": Report().to_dict(),
        "garbology.monitor": Seen().to_dict(),
    }


@pytest.mark.parametrize("heading", list(answers()))
def test_the_keys_of_the_json_are_those_of_its_table(heading):
    """Each key once, and the version that is there."""
    record = answers()[heading]
    (part,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", JSON, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
    keys = [key for cell in cells for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(record)
    if "schema" in record:
        assert f'`"{record["schema"]}"`, {record["schema_version"]} |' in part
        assert f"Version {record['schema_version']}:" in part


@pytest.mark.parametrize(
    ("schema", "version"),
    [
        (agreed.RECORDING_SCHEMA, agreed.SCHEMA_VERSION),
        (records.SCHEMA, records.SCHEMA_VERSION),
        ("garbology.pytest", ending.SCHEMA_VERSION),
    ],
)
def test_the_versions_of_files_are_told(schema, version):
    """As the code writes them."""
    assert f"| `{schema}` | {version} |" in JSON
