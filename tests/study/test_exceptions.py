"""What a kept exception keeps: the recipes on small cases, and that each claim can fail."""

import gc
import sys

import pytest

from experiments import _failures, exceptions
from garbology.interpreter import collector
from tests.study.claims import broken_claims, doctored, one_of, take, take_each

RECIPE = exceptions.handle_a_failure
LOOP = exceptions.fail_again_and_again


@pytest.fixture(scope="module")
def small():
    """One sample of each recipe."""
    kept = [(RECIPE, {"recipe": recipe, "frames": 3}) for recipe in exceptions.HANDLE]
    return take_each([*kept, (RECIPE, {"recipe": "returned", "frames": 9})])


def test_every_claim_holds_of_every_recipe(small, samples, quick):
    """What the quick run shows of some recipes holds of all."""
    assert set(broken_claims(exceptions.study, [*small, *samples])) == quick.excepted


def test_only_the_old_frame_dictionaries_are_excepted(quick):
    """Up to 3.12 the text of variables leaves a cycle, and nothing else is excused anywhere."""
    assert quick.excepted == ({"text_of_variables_keeps_nothing"} if sys.version_info < (3, 13) else set())


@pytest.mark.parametrize(
    "recipe",
    [
        "except as error",
        "saved, then del",
        "without traceback",
        "format_exc",
        "stripped __cause__",
        "QueueHandler",
        "future.exception()",
    ],
)
def test_what_is_freed_at_once(small, recipe):
    """These recipes leave no array and no frame, and reference counting has freed them."""
    run = one_of(small, recipe=recipe)
    assert (run.arrays_made, run.arrays_kept, run.frames_kept) == (3, 0, 0)
    assert run.freed_by == "reference counts"


@pytest.mark.parametrize(
    "recipe", ["returned", "__context__", "from None", "MemoryHandler", "interactive prompt"]
)
def test_what_the_program_holds(small, recipe):
    """These recipes keep all arrays, which no collection changes, and garbology says by which chain."""
    run = one_of(small, recipe=recipe)
    assert (run.arrays_kept, run.arrays_after_collection, run.arrays_at_the_end) == (3, 3, 0)
    assert run.kept_bytes > 3 * exceptions.ARRAY_BYTES
    assert run.held_by.endswith("local array")


@pytest.mark.parametrize("recipe", exceptions.CYCLES)
def test_what_the_collector_frees(small, recipe):
    """These recipes leave a cycle with all arrays in it, which garbology finds beforehand."""
    run = one_of(small, recipe=recipe)
    assert (run.arrays_kept, run.arrays_after_collection, run.freed_by) == (3, 0, "collector")
    assert run.found_bytes > 3 * exceptions.ARRAY_BYTES
    assert "only a reference cycle holds it" in run.held_by


def test_the_chain_of_a_kept_exception_names_traceback_and_frame(small):
    """The chain leads from the name that keeps it through the traceback to the local variable."""
    chain = one_of(small, recipe="from None").held_by
    assert "local kept .__context__ .__traceback__" in chain
    assert ".tb_frame local array" in chain
    assert "sys.last_" in one_of(small, recipe="interactive prompt").held_by


def test_bytes_grow_with_the_frames(small):
    """An array more in every frame is an array more that is kept."""
    few, many = (one_of(small, recipe="returned", frames=frames).kept_bytes for frames in (3, 9))
    assert many - few == pytest.approx(6 * exceptions.ARRAY_BYTES, rel=0.02)


# What breaks each finding.
DOCTORED = {
    "dropped_is_freed_at_once": {
        "an array left": doctored(RECIPE, {"recipe": "except as error"}, arrays_kept=1),
        "nothing to free": doctored(RECIPE, {"recipe": "except as error"}, arrays_made=0),
        "dropped failures that wait": doctored(LOOP, {"saved": "except as error"}, peak_waiting_arrays=2),
    },
    "saved_waits_for_the_collector": {
        "a cycle that is none": doctored(RECIPE, {"recipe": "future.result()"}, arrays_kept=0),
        "a cycle that stays": doctored(RECIPE, {"recipe": "saved = error"}, freed_by="nobody"),
    },
    "garbology_sees_it_before": {
        "a finding that misses an object": doctored(RECIPE, {"recipe": "saved = error"}, found_objects=3),
        "a finding that misses the arrays": doctored(RECIPE, {"recipe": "saved = error"}, found_bytes=3_000),
        "advice that was not tried": doctored(
            RECIPE, {"recipe": "saved = error"}, shapes=[{"advice": {"remedy": "clear", "verified": False}}]
        ),
    },
    "clear_frames_keeps_the_lines": {
        "variables that stay": doctored(RECIPE, {"recipe": "clear_frames"}, arrays_kept=3),
        "frames that go": doctored(RECIPE, {"recipe": "clear_frames"}, frames_kept=0),
    },
    "from_none_hides_and_keeps": {
        "a context that is let go": doctored(RECIPE, {"recipe": "from None"}, arrays_kept=0),
    },
    "text_keeps_nothing": {
        "text with frames": doctored(RECIPE, {"recipe": "format_exc"}, frames_kept=1),
    },
    "text_of_variables_keeps_nothing": {
        "text of variables with arrays": doctored(RECIPE, {"recipe": "capture_locals"}, arrays_kept=3),
    },
    "the_prompt_remembers": {
        "a prompt that forgets": doctored(
            RECIPE, {"recipe": "interactive prompt"}, arrays_after_collection=0
        ),
    },
    "the_collector_does_not_see_bytes": {
        "a collector that sees bytes": doctored(
            LOOP, {"saved": "saved = error", "array_bytes": 100_000}, peak_waiting_arrays=3
        ),
    },
}


def test_without_numpy_the_counts_are_there_and_the_finding_is_not_measured(samples, quick):
    """Where garbology cannot look at graphs, only what it would find is missing."""
    blind = doctored(RECIPE, found_objects=None, found_bytes=None, shapes=None, held_by="")(samples)
    broken = broken_claims(exceptions.study, blind)
    assert broken.pop("garbology_sees_it_before").startswith("not measured")
    assert set(broken) == quick.excepted


@pytest.mark.slow
def test_the_collector_and_sys_are_left_as_they_were():
    """No measure leaves the last exception, a frozen object, or the collector switched off."""
    before = gc.isenabled(), collector.program_has_frozen()
    take(exceptions.handle_a_failure, recipe="interactive prompt", frames=1)
    assert (gc.isenabled(), collector.program_has_frozen()) == before
    assert not any(hasattr(sys, name) for name in _failures.LAST_EXCEPTION)


def test_the_page_draws_the_two_cycles(page):
    """Each has one exception; the verdict counts the frames."""
    assert [tile.atlas for tile in page.tiles].count(True) == 1
    assert [shape["types"]["ValueError"] for shape in page.pictures] == [1, 1]
    assert "through its 3 frames" in page.verdict
