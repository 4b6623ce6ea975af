"""The computational graph as DOT and SVG."""

import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from autograd_core import Variable, add, goldstein_price, output_references, save, to_dot, to_svg
from autograd_core.drawing import find_graphviz


def named(value, name):
    return Variable(np.array(value), name)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("mode", ["strong", "weak", "none"])
def test_dot_names_variables_and_functions(mode):
    """Every variable, Function and argument is drawn once, whatever the output references."""
    x, y = named(1.0, "x"), named(2.0, "y")
    with output_references(mode):
        z = x * y + x
    z.name = "z"
    dot = to_dot(z)
    for label in ("x", "y", "z", "Mul", "Add"):
        assert dot.count(f'label="{label}"') == 1
    assert dot.count("->") == 6
    assert 'label="x\\n() float64"' in to_dot(z, verbose=True)


def test_svg_shows_the_names():
    """The SVG is well-formed and holds the variables' names and the Functions' types."""
    z = goldstein_price(named(1.0, "x"), named(1.0, "y"))
    z.name = "z"
    assert {"x", "y", "z", "Mul", "Pow", "Sub", "Add"} <= set(texts(to_svg(z)))


@pytest.mark.parametrize(
    "name", ['say "x"', "a\\nb", "\\N\\", "<b>&amp;</b>", "]; evil [", "größe λ", "--> </svg>"]
)
def test_any_name_is_shown_as_it_is(name):
    """Quotes, backslashes, markup and entities come through unchanged."""
    assert texts(to_svg(named(1.0, name))) == [name]


def test_lines_and_control_characters():
    """A name of two lines takes two lines; what XML cannot hold becomes a question mark."""
    assert texts(to_svg(named(1.0, "a\nb\x00\ud800c"))) == ["a", "b??c"]


def test_save_by_suffix(tmp_path):
    """save writes DOT or SVG as the path ends, and refuses other endings."""
    x = named(1.0, "x")
    save(x, tmp_path / "g.dot")
    save(x, str(tmp_path / "g.svg"))
    assert (tmp_path / "g.dot").read_text(encoding="utf-8") == to_dot(x)
    assert "<svg" in (tmp_path / "g.svg").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"\.dot or \.svg, got 'g\.png'"):
        save(x, tmp_path / "g.png")


def test_a_deep_graph_is_written_without_recursion():
    """A chain of 10,000 operations becomes DOT."""
    x = y = named(1.0, "x")
    for _ in range(10_000):
        y = add(y, x)
    assert to_dot(y).count("Add") == 10_000


def executable(folder, name):
    path = Path(folder) / name
    path.write_text(f"#!{sys.executable}\nprint('drawn by {name}')\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="makes executables with a shebang line")
def test_the_systems_dot_comes_first(tmp_path, monkeypatch):
    """`dot` on PATH is used before graphviz-pure, and that if there is no `dot`."""
    pure = executable(tmp_path, "graphviz-pure")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_graphviz() == pure
    assert find_graphviz() == executable(tmp_path, "dot") or shutil.which("dot")
    assert to_svg(named(1.0, "x")) == "drawn by dot\n"


def test_without_graphviz_the_error_names_the_remedy(tmp_path, monkeypatch):
    """Where there is neither, the message says what to install; DOT still works."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="pip install graphviz-pure"):
        to_svg(named(1.0, "x"))
    assert "digraph" in to_dot(named(1.0, "x"))


@pytest.mark.skipif(sys.platform == "win32", reason="makes executables with a shebang line")
def test_a_failing_graphviz_is_quoted(tmp_path, monkeypatch):
    """The message of a dot that fails is in the error."""
    path = Path(executable(tmp_path, "dot"))
    path.write_text(f"#!{sys.executable}\nraise SystemExit('no such layout')\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="no such layout"):
        to_svg(named(1.0, "x"))
