"""Bugs of other people's libraries: a made-up release is installed and asked for real, and each claim can fail."""

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path

import pytest

from experiments import upstream
from experiments._upstream import environments, judging, program
from experiments._upstream.bugs import BROKEN, BUGS, CYCLE, HOLDER, MENDED, Bug, Cut
from garbology.study.runs import Run, Runs, Unavailable
from tests.study.claims import doctored

ASK, APPLY = upstream.ask_release, upstream.apply_advice
EDGE = {
    "source": 1, "target": 0, "source_type": "Child", "target_type": "Parent", "label": ".parent",
    "weaken": True, "remedy": "weakref", "set_at": ["family.py:9: self.parent = parent"],
}  # fmt: skip
BACK = {
    "source": 0, "target": 1, "source_type": "Parent", "target_type": "Child", "label": ".child",
    "weaken": False, "remedy": "", "set_at": [],
}  # fmt: skip
ADVICE = {"edges": [EDGE], "remedy": "weakref", "verified": True, "reason": "the way back", "trial": "freed"}
SHAPE = {
    "count": 1, "objects": 2, "objects_low": 2, "objects_high": 2, "distinct": 1, "bytes": 100, "garbage": 2,
    "types": {"Parent": 1, "Child": 1}, "sites": [], "edges": [EDGE, BACK], "advice": ADVICE,
    "nodes": [{"id": 0, "type": "Parent", "objects": 1}, {"id": 1, "type": "Child", "objects": 1}],
}  # fmt: skip
APPLIED = {
    "changes": ["family.py:9: parent, weak attribute"], "outcome": "applied", "waiting_before": 2,
    "waiting_after": 0, "verdict_after": judging.SILENT, "works": "yes",
}  # fmt: skip
CUT = Cut("the way back is weak", (r"^Child\.parent -> Parent$",), ("weakref",))


def _answer(**changed):
    values = {
        "kind": CYCLE, "library": "family 1.0", "truth_objects": 2.0, "found_objects": 2,
        "cut_edges": ["Child.parent -> Parent"], "advised_edges": ["Child.parent -> Parent"],
        "remedies": ["weakref"], "verdict": judging.SAME, "reason": "the way back", "trial": "freed",
        "set_at": [], "nameless_edges": 0, "leaks": 0, "holder": "", "ask_seconds": 0.1, "text_lines": 9,
        "shapes": [SHAPE],
    }  # fmt: skip
    return {**values, **changed}


def _run(bug, release, **changed):
    return Run("ask_release", {"bug": bug, "release": release}, _answer(**changed))


def made_up():
    """Three bugs with right advice, and their mended releases."""
    silent = {
        "verdict": judging.SILENT,
        "truth_objects": 0.0,
        "found_objects": 0,
        "cut_edges": [],
        "shapes": [],
    }
    names = ["httpx", "tqdm", "babel"]
    held = {"kind": HOLDER, "found_objects": 0, "holder": "babel.dates._pattern_cache[str]", "shapes": []}
    works = [Run("apply_advice", {"bug": name}, dict(APPLIED)) for name in names[:2]]
    said = [{"peer": "objgraph", "says": "counted"}, {"peer": "memray", "says": "silent"}]
    works.append(Run("ask_others", {"bug": "tqdm"}, {"peers": [{**row, "command": ""} for row in said]}))
    asked = works + [_run(name, BROKEN, **(held if name == "babel" else {})) for name in names]
    return asked + [_run(name, MENDED, **silent) for name in names]


# What breaks each finding.
DOCTORED = {
    "every_cycle_is_found": {
        "an object that is not found": doctored(ASK, {"bug": "httpx", "release": BROKEN}, found_objects=1),
        "a bug that does not come about": doctored(
            ASK, {"bug": "httpx", "release": BROKEN}, found_objects=0, truth_objects=0.0
        ),
    },
    "every_edge_has_a_name": {
        "an edge without": doctored(ASK, {"bug": "tqdm", "release": BROKEN}, nameless_edges=1),
    },
    "the_cut_edge_is_seen": {
        "another cycle": doctored(ASK, {"bug": "tqdm", "release": BROKEN}, cut_edges=[]),
    },
    "a_mended_release_is_silent": {
        "a false alarm": doctored(ASK, {"bug": "tqdm", "release": MENDED}, verdict=judging.SAME),
    },
    "applied_advice_opens_the_cycle": {
        "a cycle that stays": doctored(APPLY, {"bug": "tqdm"}, verdict_after=judging.SAME),
        "as much that waits": doctored(APPLY, {"bug": "tqdm"}, waiting_after=2),
    },
    "applied_advice_breaks_nothing": {
        "a library that fails": doctored(APPLY, {"bug": "tqdm"}, works="KeyError: 'a'"),
    },
    "the_advice_is_what_was_done": {
        "another edge": doctored(ASK, {"bug": "babel", "release": BROKEN}, verdict=judging.OTHER_EDGE),
    },
}


def _shape(*edges):
    return {**SHAPE, "edges": list(edges)}


@pytest.mark.parametrize(
    ("verdict", "shapes"),
    [
        (judging.SAME, [SHAPE]),
        (judging.OTHER_REMEDY, [_shape({**EDGE, "remedy": "clear"}, BACK)]),
        (judging.OTHER_EDGE, [_shape({**EDGE, "weaken": False}, {**BACK, "weaken": True})]),
        (judging.NO_ADVICE, [_shape({**EDGE, "weaken": False}, BACK)]),
        (judging.MORE, [_shape(EDGE, {**BACK, "weaken": True, "remedy": "weakref"})]),
        (judging.LEFT, [_shape(EDGE, BACK, {**BACK, "target": 0, "label": ".itself", "weaken": True})]),
        (judging.SILENT, []),
    ],
)
def test_advice_is_compared_by_edges_and_remedies(verdict, shapes):
    """What is equal, what is more, what is something else; a further edge may open a cycle that the cut leaves."""
    assert judging.compared(CUT, shapes) == verdict


def test_a_class_that_is_made_in_each_call_is_advised_by_its_own_edge():
    """Its remedy, hoist, has no edge to weaken."""
    itself = {**EDGE, "source": 0, "source_type": "class A", "target_type": "class A", "label": ".__mro__[0]"}
    shape = {**_shape({**itself, "weaken": False}), "advice": {**ADVICE, "edges": [], "remedy": "hoist"}}
    cut = Cut("made once", (r"^class A",), ("hoist",))
    assert judging.compared(cut, judging.concerned(cut, [shape])) == judging.SAME


@pytest.mark.parametrize(
    ("verdict", "holders"),
    [
        (judging.SAME, ["app.CACHE[str]", "os.other"]),
        (judging.MORE, ["os.other", "app.CACHE[str]"]),
        (judging.OTHER_EDGE, ["os.other"]),
        (judging.NO_ADVICE, []),
    ],
)
def test_a_holder_is_compared_by_its_name(verdict, holders):
    """The one that is named first has to be the one that was mended."""
    assert judging.compared_holder(Cut("it has a bound", (r"^app\.CACHE",)), holders) == verdict


@pytest.mark.parametrize(
    ("verdict", "holders"), [(judging.KIND, []), (judging.OTHER_EDGE, ["app.CACHE[str]"])]
)
def test_what_c_code_leaks_has_no_holder(verdict, holders):
    """It is told by its kind; a holder that is named is a false one."""
    assert judging.compared_holder(Cut("C code lets go of it"), holders) == verdict


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ([], judging.KIND),
        (["app.py:7: headers.add(key, value)"], judging.LINE),
        (["app.py:8: other(key)"], judging.KIND),
        (["app.py:8: other(key)", "app.py:7: headers.add(key, value)"], judging.KIND),
    ],
)
def test_the_first_line_is_judged_of_what_c_code_leaks(lines, verdict):
    """By whether it calls the function that was mended."""
    assert judging.compared_line(Cut("it lets go of each key", lines=(r"\.add\(",)), lines) == verdict
    assert judging.compared_line(Cut("it lets go of each key"), lines) == judging.KIND


def test_every_case_says_what_was_done():
    """A report, a release with its number, a range of versions, the edges of the cut; what has no edge is C's."""
    assert len(BUGS) >= 30
    for bug in BUGS.values():
        assert bug.report.count("#") == 1
        assert not bug.broken or bug.broken.partition(" ")[0].count("==") == 1, bug
        assert bug.pythons[0] <= bug.pythons[1]
        assert bug.cut.words
        assert bug.cut.edges or bug.kind == "real leak", bug
        assert bug.cut.remedies or bug.kind in ("real leak", "live holder"), bug


def test_what_is_not_there_is_not_measured(tmp_path, monkeypatch):
    """Nothing is installed: the sentence has the release and the command that makes its environment."""
    monkeypatch.setenv(environments.DIRECTORY, str(tmp_path))
    with pytest.raises(Unavailable, match=r"httpx==0\.28\.1 has no environment here: .* --only 'httpx'"):
        ASK("httpx", BROKEN)
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_mend_is_not_measured():
    """A report that is open has no mended release."""
    with pytest.raises(Unavailable, match="no release has a mend that could"):
        ASK("networkx", MENDED)


FAMILY = """
class Parent:
    def __init__(self):
        self.child = Child(self)


class Child:
    def __init__(self, parent):
        self.parent = parent
"""
MADE_UP_STUDY = '''
"""Is the parent held?"""
from dataclasses import dataclass
from experiments._upstream.asking import ask
from experiments._upstream.bugs import Bug, Cut
from experiments._upstream.elsewhere import measured
from garbology.study import Study

study = Study(title="Families", parameters={{"release": ["broken", "mended"]}})
CUT = Cut("weak", (r"^Child\\.parent -> Parent$",), ("weakref",))


def prepare():
    import family
    return lambda: family.Parent()


BUG = Bug("family", "a/b#1", {broken!r}, {mended!r}, ((3, 10), (3, 99)), "cycle", CUT, prepare)


@dataclass(frozen=True)
class Answer:
    answer: dict


@study.measure
def ask_family(release: str) -> Answer:
    found = measured(BUG, release, ask_family, {{"release": release}}, study.target)
    return Answer(ask(BUG, release)) if found is None else Answer(**found)
'''


def _wheel(directory, version, source):
    """A wheel of one module, `family`."""
    name = f"family-{version}"
    files = {
        "family.py": source,
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: family\nVersion: {version}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items())
    path = directory / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in {**files, f"{name}.dist-info/RECORD": record}.items():
            wheel.writestr(inside, text)
    return path


def _digest(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def families(tmp_path, monkeypatch):
    """Two made-up releases in environments of their own, and a study of them; no index is asked."""
    monkeypatch.setenv(environments.DIRECTORY, str(tmp_path / "environments"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(environments, "instrument_requirements", list)
    monkeypatch.setattr(
        environments, "shared_paths", lambda instrument: [p for p in sys.path if "site-packages" in p]
    )
    weak = "import weakref\n" + FAMILY.replace("= parent", "= weakref.ref(parent)")
    wheels = [str(_wheel(tmp_path, version, text)) for version, text in {"1.0": FAMILY, "2.0": weak}.items()]
    path = tmp_path / "families.py"
    path.write_text(MADE_UP_STUDY.format(broken=wheels[0], mended=wheels[1]), encoding="utf-8")
    return wheels, path


@pytest.mark.slow
def test_a_made_up_release_is_installed_and_asked(families):
    """From its wheel into an environment of its own, where it is asked; this interpreter stays as it is."""
    wheels, path = families
    bug = Bug("family", "a/b#1", *wheels, ((3, 10), (3, 99)), CYCLE, CUT, lambda: list)
    program.prepare([bug], None)
    program.prepare([bug], None)  # what is there is not made again
    from garbology.study.loading import load_study

    study = load_study(str(path))
    broken, mended = (study.measures["ask_family"].function(release).answer for release in (BROKEN, MENDED))
    objects = 2 if sys.version_info >= (3, 11) else 4  # up to 3.10 each has a dictionary, which is one, too
    assert (broken["verdict"], broken["truth_objects"]) == (judging.SAME, objects)
    assert broken["found_objects"] == objects
    assert broken["set_at"][0].startswith("family.py:9")
    assert (mended["verdict"], mended["truth_objects"]) == (judging.SILENT, 0)
    with pytest.raises(ModuleNotFoundError):
        __import__("family")


def test_what_cannot_be_installed_is_named(tmp_path, monkeypatch, capsys):
    """The others go on; nothing half made is taken for an environment."""
    monkeypatch.setenv(environments.DIRECTORY, str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(environments, "instrument_requirements", list)
    bug = Bug("family", "a/b#1", "no-such-family==1.0", "", ((3, 10), (3, 99)), CYCLE, CUT, lambda: list)
    program.prepare([bug], None)
    assert "family: not measured, no-such-family==1.0 cannot be installed" in capsys.readouterr().err
    assert environments.python_of("no-such-family==1.0") is None


def test_only_some_cases_can_be_asked(monkeypatch):
    """`--only` takes names of cases, and `--quick` has nothing to say beside it."""
    asked = []
    monkeypatch.setattr(program, "run_study", lambda study, words: asked.append(words) or 0)
    assert program.main(upstream.study, ["--quick", "--only", "flask", "--no-install"]) == 0
    assert asked == [["--case", "bug=flask"]]


def test_the_verdict_counts_what_is_right():
    """Right ones of all that were asked, silent ones of the mended releases."""
    sentence = upstream.verdict(Runs(made_up()))
    assert sentence == (
        "Of 3 reported bugs 3 have the advice that the maintainers followed; of 3 mended releases 3 are silent."
    )


def test_a_row_has_the_advice_beside_what_was_done():
    """One row a bug, with the mended release's answer."""
    rows = upstream.bugs(Runs(made_up())).rows
    assert [row[0] for row in rows] == ["httpx", "tqdm", "babel"]
    assert rows[1][8] == BUGS["tqdm"].cut.words
    assert rows[1][12:14] == ["4.62.1: silent", "2 objects wait before, 0 after; works: yes"]
    assert rows[1][-1] == "objgraph counted, memray silent"


def test_a_table_needs_the_broken_releases_alone():
    """What was not measured is empty: no mended release, no copy, no other tool."""
    asked = [run for run in made_up() if run.case.get("release") == BROKEN]
    assert [row[12:14] + row[-1:] for row in upstream.bugs(Runs(asked)).rows] == [["", "", ""]] * 3
    assert "of 0 mended releases 0 are silent" in upstream.verdict(Runs(asked))


def test_what_other_tools_say_is_counted():
    """Cases by tool and what it says; a tool that raised is one that fails."""
    rows = upstream.other_tools(Runs(made_up())).rows
    assert {(row["peer"], row["says"]): row["cases"] for row in rows} == {
        ("objgraph", "counted"): 1,
        ("memray", "silent"): 1,
    }


def test_a_card_says_what_was_done():
    """The cycle's picture has the report, the change and the verdict beside it."""
    card = upstream.pictures(Runs(made_up()))[0]
    assert card["edges"] == SHAPE["edges"]
    assert json.loads(json.dumps(card["about"]))[0] == ["bug", "httpx 0.28.1, encode/httpx#3733"]


def test_environments_are_told_apart_by_all_that_is_installed(tmp_path, monkeypatch):
    """The same release with other pins is another environment."""
    monkeypatch.setenv(environments.DIRECTORY, str(tmp_path))
    one, other = (environments.place_of(text) for text in ("a==1 b<2", "a==1 b<3"))
    assert one != other
    assert one.parent == other.parent == Path(tmp_path, one.parent.name)
