import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import garbology.reporting
from garbology.reporting.palette import COLORS, series_for

# Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color
# Vision Deficiency (2009), the matrices for severity 1.
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
PAPERS = {"light": "#ffffff", "dark": "#161b22"}


def linear(color):
    channels = np.array([int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    x, y, z = np.cbrt(np.clip(xyz / np.array([0.9505, 1.0, 1.089]), 0, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    lights = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("theme", [1, 2], ids=["light", "dark"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_three_outputs_differ_for_colour_blind_readers(deficiency, theme):
    """Strong, weak and none are at least 20 apart in CIELAB (2.3 is noticeable), seen without one cone."""
    matrix = np.array(DEFICIENCIES[deficiency])
    seen = [np.clip(matrix @ linear(color[theme]), 0, 1) for color in COLORS[:3]]
    distances = [np.linalg.norm(lab(one) - lab(other)) for one, other in itertools.combinations(seen, 2)]
    assert min(distances) > 20, distances


@pytest.mark.parametrize("color", COLORS, ids=lambda color: color[0])
def test_every_colour_stands_out_from_its_paper(color):
    """WCAG asks 3:1 of graphics, in both themes."""
    assert contrast(color[1], PAPERS["light"]) >= 3
    assert contrast(color[2], PAPERS["dark"]) >= 3


def test_a_concept_has_one_colour_on_every_page():
    """Weak outputs are blue, whatever stands beside them and in whatever order."""
    alone = series_for("outputs", ["weak"], {"weak": "weak"})
    among = series_for("outputs", ["none", "weak", "strong"], {"none": "", "weak": "weak", "strong": ""})
    assert alone[0] == among[1]
    assert alone[0].variable == "--blue"


@pytest.mark.parametrize(
    ("field", "keeps", "frees"),
    [("outputs", "strong", "weak"), ("gradients", "kept", "dropped"), ("mode", "recorded", "no_grad")],
)
def test_what_keeps_memory_is_vermillion_in_every_study(field, keeps, frees):
    """Strong outputs, kept gradients and recorded graphs share a colour, and so do their opposites."""
    series = series_for(field, [frees, keeps], {keeps: keeps, frees: frees})
    assert [one.variable for one in series] == ["--blue", "--vermillion"]


def test_series_differ_by_shape_as_well():
    """The first seven series share neither colour nor mark; more of them differ in the pair."""
    values = [f"engine {index}" for index in range(12)]
    series = series_for("engine", values, {value: value for value in values})
    assert len({one.color for one in series[:7]}) == len({one.shape for one in series[:7]}) == 7
    assert len({(one.color, one.shape) for one in series}) == 12


def test_the_shades_of_the_atlas_darken_step_by_step():
    """Each shade is as far from the last for readers without one cone: lightness tells them apart, not hue."""
    for theme in STYLE.split("@media screen"):
        colors = dict(re.findall(r"--(shade-[0-4]): (#[0-9a-f]{6})", theme))
        for matrix in [np.eye(3), *map(np.array, DEFICIENCIES.values())]:
            seen = [lab(np.clip(matrix @ linear(colors[f"shade-{step}"]), 0, 1)) for step in range(5)]
            lightness = [one[0] for one in seen]
            assert lightness in (sorted(lightness), sorted(lightness, reverse=True))
            assert min(np.linalg.norm(one - other) for one, other in itertools.pairwise(seen)) > 5


STYLE = (Path(garbology.reporting.__file__).parent / "templates/theme.css").read_text(encoding="utf-8")
TEXT_ON_PAPER = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "code"),
    ("muted", "paper"),
    ("muted", "card"),
    ("link", "card"),
    ("good", "good-paper"),
    ("bad", "bad-paper"),
    ("open", "open-paper"),
    ("card", "ink"),
    ("other", "other-paper"),
    ("weaken", "card"),
    *(("ink", f"shade-{step}") for step in range(5)),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "paper"), TEXT_ON_PAPER)
def test_every_text_is_readable_on_its_paper(text, paper, theme):
    """WCAG AA asks 4.5:1 of text: of each pair that the style sheet sets, in both themes."""
    themes = [dict(re.findall(r"--([a-z0-4-]+): (#[0-9a-f]{6})", part)) for part in STYLE.split("macro dark")]
    assert contrast(themes[theme][text], themes[theme][paper]) >= 4.5
