"""What a kept exception keeps: the recipes on small cases, and that each claim can fail."""

import gc
import sys

import pytest

from experiments import exceptions
from garbology.interpreter import collector, runtime
from garbology.study.evaluation import except_from, judge
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs
from tests.study.samples import doctored, take


@pytest.fixture(scope="module")
def samples():
    """One sample of each small case, measured in this process."""
    kept = [take(exceptions.handle_a_failure, recipe=recipe, frames=3) for recipe in exceptions.HANDLE]
    kept += [take(exceptions.handle_a_failure, recipe="returned", frames=9)]
    return kept + [
        take(exceptions.fail_again_and_again, saved=recipe, array_bytes=array_bytes)
        for recipe in ("except as error", "saved = error")
        for array_bytes in (1_000, 20_000)
    ]


def of(samples, **case):
    return next(run for run in samples if all(run.case.get(name) == case[name] for name in case))


def excepted(name):
    here = runtime.current().to_dict()
    fitting = (each for each in exceptions.study.exceptions if each.finding == name and each.applies(here))
    return next(fitting, None)


@pytest.mark.parametrize("name", exceptions.study.findings)
def test_every_claim_holds_here_or_is_excepted(samples, name):
    """On this interpreter a finding holds, unless it is declared not to on this version."""
    result = except_from(judge(exceptions.study.findings[name], Runs(samples), "here"), excepted(name))
    assert result.status == ("not on this version" if excepted(name) else "holds"), result.evidence
    assert result.evidence


def test_only_the_old_frame_dictionaries_are_excepted():
    """Up to 3.12 the text of variables leaves a cycle, and nothing else is excused anywhere."""
    here = {name for name in exceptions.study.findings if excepted(name)}
    assert here == ({"text_of_variables_keeps_nothing"} if sys.version_info < (3, 13) else set())


@pytest.mark.parametrize("recipe", exceptions.FREED_AT_ONCE)
def test_what_is_freed_at_once(samples, recipe):
    """These recipes leave no array and no frame, and reference counting has freed them."""
    run = of(samples, recipe=recipe)
    assert (run.arrays_made, run.arrays_kept, run.frames_kept) == (3, 0, 0)
    assert run.freed_by == "reference counts"


@pytest.mark.parametrize("recipe", exceptions.HELD_BY_PROGRAM)
def test_what_the_program_holds(samples, recipe):
    """These recipes keep all arrays, which no collection changes, and garbology says by which chain."""
    run = of(samples, recipe=recipe)
    assert (run.arrays_kept, run.arrays_after_collection, run.arrays_at_the_end) == (3, 3, 0)
    assert run.kept_bytes > 3 * exceptions.ARRAY_BYTES
    assert run.held_by.endswith("local array")


@pytest.mark.parametrize("recipe", exceptions.CYCLES)
def test_what_the_collector_frees(samples, recipe):
    """These recipes leave a cycle with all arrays in it, which garbology finds beforehand."""
    run = of(samples, recipe=recipe)
    assert (run.arrays_kept, run.arrays_after_collection, run.freed_by) == (3, 0, "collector")
    assert run.found_bytes > 3 * exceptions.ARRAY_BYTES
    assert "only a reference cycle holds it" in run.held_by


def test_the_chain_of_a_kept_exception_names_traceback_and_frame(samples):
    """The chain leads from the name that keeps it through the traceback to the local variable."""
    chain = of(samples, recipe="from None").held_by
    assert "local kept .__context__ .__traceback__" in chain
    assert ".tb_frame local array" in chain
    assert "sys.last_" in of(samples, recipe="interactive prompt").held_by


def test_bytes_grow_with_the_frames(samples):
    """An array more in every frame is an array more that is kept."""
    few, many = (of(samples, recipe="returned", frames=frames).kept_bytes for frames in (3, 9))
    assert many - few == pytest.approx(6 * exceptions.ARRAY_BYTES, rel=0.02)


RECIPE = exceptions.handle_a_failure
LOOP = exceptions.fail_again_and_again
DOCTORED = {
    "an array left": (
        "dropped_is_freed_at_once", RECIPE, {"recipe": "except as error"}, {"arrays_kept": 1},
    ),
    "nothing to free": (
        "dropped_is_freed_at_once", RECIPE, {"recipe": "except as error"}, {"arrays_made": 0},
    ),
    "dropped failures that wait": (
        "dropped_is_freed_at_once", LOOP, {"saved": "except as error"}, {"peak_waiting_arrays": 2},
    ),
    "a cycle that is none": (
        "saved_waits_for_the_collector", RECIPE, {"recipe": "future.result()"}, {"arrays_kept": 0},
    ),
    "a cycle that stays": (
        "saved_waits_for_the_collector", RECIPE, {"recipe": "saved = error"}, {"freed_by": "nobody"},
    ),
    "a finding that misses an object": (
        "garbology_sees_it_before", RECIPE, {"recipe": "saved = error"}, {"found_objects": 3},
    ),
    "a finding that misses the arrays": (
        "garbology_sees_it_before", RECIPE, {"recipe": "saved = error"}, {"found_bytes": 3_000},
    ),
    "advice that was not tried": (
        "garbology_sees_it_before", RECIPE, {"recipe": "saved = error"},
        {"shapes": [{"advice": {"remedy": "clear", "verified": False}}]},
    ),
    "variables that stay": (
        "clear_frames_keeps_the_lines", RECIPE, {"recipe": "clear_frames"}, {"arrays_kept": 3},
    ),
    "frames that go": (
        "clear_frames_keeps_the_lines", RECIPE, {"recipe": "clear_frames"}, {"frames_kept": 0},
    ),
    "a context that is let go": (
        "from_none_hides_and_keeps", RECIPE, {"recipe": "from None"}, {"arrays_kept": 0},
    ),
    "text with frames": ("text_keeps_nothing", RECIPE, {"recipe": "format_exc"}, {"frames_kept": 1}),
    "text of variables with arrays": (
        "text_of_variables_keeps_nothing", RECIPE, {"recipe": "capture_locals"}, {"arrays_kept": 3},
    ),
    "a prompt that forgets": (
        "the_prompt_remembers", RECIPE, {"recipe": "interactive prompt"}, {"arrays_after_collection": 0},
    ),
    "a collector that sees bytes": (
        "the_collector_does_not_see_bytes", LOOP, {"saved": "saved = error", "array_bytes": 20_000},
        {"peak_waiting_arrays": 3},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "measure", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, measure, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    result = judge(exceptions.study.findings[name], doctored(samples, measure, chosen, **values), "here")
    assert (result.status, bool(result.evidence)) == ("does not hold", True)


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(exceptions.study.findings)


@pytest.mark.parametrize("name", exceptions.study.findings)
def test_no_claim_holds_where_nothing_was_measured(name):
    """Without samples every finding is not measured."""
    assert judge(exceptions.study.findings[name], Runs([]), "here").status == "not measured"


def test_without_numpy_the_counts_are_there_and_the_finding_is_not_measured(samples):
    """Where garbology cannot look at graphs, only what it would find is missing."""
    blind = doctored(samples, RECIPE, {}, found_objects=None, found_bytes=None, shapes=None, held_by="")
    statuses = {name: judge(each, blind, "here").status for name, each in exceptions.study.findings.items()}
    assert statuses.pop("garbology_sees_it_before") == "not measured"
    assert set(statuses.values()) <= {"holds", "does not hold"}
    assert {name for name in statuses if statuses[name] != "holds"} == {
        name for name in statuses if excepted(name)
    }


def test_the_collector_and_sys_are_left_as_they_were():
    """No measure leaves the last exception, a frozen object, or the collector switched off."""
    before = gc.isenabled(), collector.program_has_frozen()
    take(exceptions.handle_a_failure, recipe="interactive prompt", frames=1)
    assert (gc.isenabled(), collector.program_has_frozen()) == before
    assert not any(hasattr(sys, name) for name in exceptions.LAST_EXCEPTION)


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(tmp_path):
    """The real run: every figure, tile, picture and finding is there, and holds or is excepted."""
    study = load_study("experiments.exceptions")
    outcome = measure_study(study, Plan(scale="quick"), tmp_path)
    assert [sample for sample in outcome.record.samples if sample.status != "ok"] == []
    page = study.report([outcome.record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert [tile.atlas for tile in page.tiles].count(True) == 1
    assert [shape["types"]["ValueError"] for shape in page.pictures] == [1, 1]
    assert {finding.status for finding in page.findings} <= {"holds", "not on this version"}
    assert "of the 3 frames it went through" in page.verdict
