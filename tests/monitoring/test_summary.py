"""What is said of a recording, whatever became of the program."""

import pytest

from garbology.monitoring.recordings import Process, Recording
from garbology.monitoring.summary import summary_lines, verdict

GENERATION = {"longest_pause_seconds": 0.001, "pause_seconds": 0.002}
LAST = {
    "collections": 3, "collected": 0, "analysed": 0, "unexplained": 0, "extra_objects": 0,
    "analysis_seconds": 0.0, "refused": "",
    "elapsed_seconds": 1.0, "generations": [GENERATION],
}  # fmt: skip
EDGE = {
    "source": 0, "target": 0, "source_type": "Node", "target_type": "Node", "label": ".me", "weaken": False,
    "remedy": "", "set_at": [],
}  # fmt: skip
SHAPE = {
    "count": 2, "objects_low": 1, "objects_high": 1, "bytes": 96, "edges": [EDGE], "sites": [], "advice": None,
    "types": {"app.Node": 1},
}  # fmt: skip


def recording(at_end=None, **last):
    process = Process(
        {"began_at_unix": 1.0}, last={**LAST, **last}, ended=at_end is not None, at_end=at_end or {}
    )
    return Recording(["a.py"], [process], [])


def text(of):
    return " ".join(" ".join(summary_lines(of)).split())


def test_nothing_recorded_says_why():
    """An interpreter that leaves `sitecustomize` out."""
    assert "(-I, -S, -E)" in verdict(Recording(["a.py"], [], []))


def test_no_garbage_is_said_plainly():
    """Collections that found nothing."""
    assert verdict(recording(at_end={"waiting_objects": 0, "waiting_bytes": 0})) == (
        "3 collections found nothing to free"
    )


def test_what_could_not_be_put_back_is_told():
    """`garbology attach --allocations` beside threads that never wait."""
    left_on = recording(at_end={"tracing_left_on": True})
    left_on.processes[0].header["python"] = "3.11.7"
    assert "tracemalloc is still on in it, which makes it slower" in text(left_on)
    assert "CPython 3.11.7 may crash" in text(left_on)
    assert "still on" not in text(recording(at_end={}))


def test_no_collection_is_said_so():
    """Nothing was looked for, so nothing is said to be absent."""
    assert verdict(recording(collections=0)) == "no collection ran"


def test_what_cannot_be_explained_is_said_once():
    """On another collector, or from outside: not that a budget was too small."""
    said = text(recording(collected=66, refused="seen from outside: not explained"))
    assert "which cycles they were is not known" in said
    assert said.count("seen from outside: not explained") == 1
    assert "--exact" not in said
    assert "analysed" not in said


def test_what_waits_at_the_end_is_shown_where_no_collection_tells_more():
    """Its heaviest shape, with edges."""
    of = recording(at_end={"waiting_objects": 2, "waiting_bytes": 96, "waiting_shapes": [SHAPE]})
    assert verdict(of) == "3 collections found nothing to free; at the end 2 objects (96 B) waited"
    assert "Node.me -> Node" in text(of)


@pytest.mark.parametrize("analysed", [0, 1])
def test_what_could_not_be_analysed_is_not_called_nothing(analysed):
    """How many were, and the option that analyses each."""
    said = verdict(recording(collected=66, analysed=analysed))
    assert said.startswith("3 collections freed 66 objects; of the collections")
    assert f" {analysed} could be analysed" in said
    assert "--exact" in said


def seen(share, name="Node"):
    shape = {
        **SHAPE,
        "types": {f"app.{name}": 1},
        "edges": [{**EDGE, "source_type": name, "target_type": name}],
    }
    figures = dict.fromkeys(("objects", "objects_low", "objects_high", "cycles"), 600 * share)
    return {**figures, "bytes": 9_600.0, "most_bytes": 96, "share": share, "shape": shape}


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"analysed": 3}, "were 92% of what the collector freed in 3 collections"),
        (
            {"analysed": 1},
            "about 92% of what the collector freed, by the 1 of 3 collections that was analysed",
        ),
    ],
)
def test_a_share_is_called_about_unless_all_was_analysed(last, said):
    """And it is said how many were."""
    of = recording(collected=600, **last)
    of.main.shapes.append(seen(0.92))
    assert said in verdict(of)


def test_what_was_left_out_is_one_line():
    """The shapes of others, together; where nothing is left the verdict says that it is these options."""
    of = recording(collected=600, analysed=3)
    of.main.left_out += [seen(0.5), seen(0.25)]
    assert verdict(of) == (
        "3 collections freed 600 objects; of the cycles that were analysed, --only and --ignore leave out all"
    )
    line = "left out by --only and --ignore: 2 shapes, about 450 objects, 19.2 kB, 75% of what was analysed"
    assert line in text(of)


def test_a_program_that_was_killed_says_so():
    """There is no state at its end."""
    assert "without an exit of the interpreter" in text(recording())
    assert "without an exit" not in text(recording(at_end={"grown": {}}))


def test_what_has_grown_is_named_without_what_every_import_brings():
    """Instances of the program's types."""
    said = text(recording(at_end={"grown": {"builtins.x": 5, "dict": 9, "app.Session": 1_200}}))
    assert "app.Session +1,200" in said
    assert "dict" not in said
