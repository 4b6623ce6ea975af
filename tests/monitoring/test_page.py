"""docs/monitor.md does what it says."""

import re
from pathlib import Path

import pytest

from garbology.interpreter import collector

PAGE = (Path(__file__).parents[2] / "docs" / "monitor.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
@pytest.mark.skipif(collector.kind() != "generational", reason="shapes are known on this collector alone")
def test_the_first_example_names_the_cycle(capsys):
    """And says how much was looked at."""
    exec(EXAMPLES[0], {"__name__": "jobs"})
    text = capsys.readouterr().out
    assert "collections freed" in text.splitlines()[0]
    assert "Job.owner -> Owner" in text
    assert "% of the time" in " ".join(text.splitlines()[-2:])


def test_the_sinks_are_called_so(tmp_path, monkeypatch):
    """Each example makes monitors, which have not begun."""
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLES[1], {"garbology": __import__("garbology")})
    assert list(tmp_path.iterdir()) == []
    assert len(EXAMPLES) == 2
