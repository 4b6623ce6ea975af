"""The first study: its measures on small cases, and that each of its claims can fail."""

import pytest

from experiments import cycles
from garbology.study.evaluation import judge
from garbology.study.runs import Runs
from tests.study.claims import broken_claims, doctored, take_each

SIZES = (100, 1000)


@pytest.fixture(scope="module")
def small():
    """One sample of each small case."""
    return take_each(small_cases())


def small_cases():
    for outputs in cycles.KINDS:
        for model in cycles.MODELS:
            of = {"model": model, "outputs": outputs}
            for operations in SIZES:
                yield cycles.drop_a_graph, {**of, "operations": operations}
                yield cycles.explain_a_graph, {**of, "operations": operations}
            yield cycles.drop_graphs_in_a_loop, {**of, "graphs": 40}
        for array_bytes in (8, 50_000):
            yield cycles.drop_large_arrays, {"outputs": outputs, "array_bytes": array_bytes}


def only(samples, measure, **case):
    return Runs(samples).of(measure).where(**case).only_case().samples[0]


@pytest.mark.slow
@pytest.mark.parametrize("model", cycles.MODELS)
def test_every_claim_holds_of_every_model(small, model):
    """What the quick run shows of a chain holds of a perceptron and of a wide graph, too."""
    assert broken_claims(cycles.study, (run for run in small if run.case.get("model", model) == model)) == {}


STRONG = {"outputs": "strong"}
LARGE = {"outputs": "strong", "array_bytes": 100_000}


# What breaks each finding.
DOCTORED = {
    "weak_and_none_leave_nothing": {
        "a Variable left in weak mode": doctored(cycles.drop_a_graph, {"outputs": "weak"}, variables_left=1),
        "a Function left without a link": doctored(
            cycles.drop_a_graph, {"outputs": "none"}, functions_left=3
        ),
        "garbage in weak mode": doctored(cycles.explain_a_graph, {"outputs": "weak"}, garbage_objects=2),
        "no graph at all": doctored(cycles.drop_a_graph, {"outputs": "weak"}, variables_built=0),
    },
    "strong_leaves_the_whole_graph": {
        "a Variable freed in strong mode": doctored(cycles.drop_a_graph, STRONG, variables_left=5),
        "too small a graph": doctored(cycles.drop_a_graph, STRONG, functions_built=1, functions_left=1),
        "an output that nothing holds": doctored(cycles.drop_a_graph, STRONG, output_references_after=0),
    },
    "what_strong_leaves_grows_linearly": {
        "growth that is not linear": doctored(
            cycles.explain_a_graph, {"outputs": "strong", "operations": 1000}, garbage_objects=400_000
        ),
        "bytes that do not grow": doctored(cycles.explain_a_graph, STRONG, garbage_bytes=10_000),
    },
    "one_collection_frees_it": {
        "a Variable after the collection": doctored(
            cycles.drop_a_graph, STRONG, variables_after_collection=1
        ),
        "a collection that frees too little": doctored(cycles.drop_a_graph, STRONG, collected_objects=7),
    },
    "trial_deletion_predicts_the_collector": {
        "trial deletion that misses an object": doctored(
            cycles.explain_a_graph, STRONG, collected_objects=402
        ),
    },
    "few_large_arrays_dwarf_the_threshold": {
        "large arrays that do not wait": doctored(cycles.drop_large_arrays, LARGE, peak_waiting_objects=0),
        "large arrays that hold little": doctored(
            cycles.drop_large_arrays, LARGE, peak_waiting_bytes=100_000
        ),
        "more objects with large arrays": doctored(
            cycles.drop_large_arrays, LARGE, peak_waiting_objects=1_000_000
        ),
    },
}


@pytest.mark.parametrize("name", cycles.study.findings)
def test_no_claim_holds_where_its_cases_crashed(small, name):
    """Without the strong and weak samples every finding is not measured."""
    result = judge(cycles.study.findings[name], Runs(run for run in small if run.outputs == "none"), "here")
    holds = name == "trial_deletion_predicts_the_collector"
    assert result.status == ("holds" if holds else "not measured")


@pytest.mark.parametrize("lacking", [{"operations": 100}, {"array_bytes": 8}, {"array_bytes": 50_000}])
def test_no_claim_is_broken_by_what_was_not_measured(small, lacking):
    """A run cut short by Ctrl-C, with one size of a kind left, refutes nothing."""
    name, value = next(iter(lacking.items()))
    rest = Runs(run for run in small if run.case.get(name, value) == value)
    statuses = {judge(finding, rest, "here").status for finding in cycles.study.findings.values()}
    assert statuses == {"holds", "not measured"}


def test_reference_counts_tell_who_holds_the_output(small):
    """The caller and the Function before; the Function alone, or nobody, after."""
    counts = {
        outputs: (run.output_references_before, run.output_references_after, run.function_references_after)
        for outputs in cycles.KINDS
        for run in [only(small, cycles.drop_a_graph, model="chain", outputs=outputs, operations=100)]
    }
    assert counts == {"strong": (2, 1, 1), "weak": (1, 0, 0), "none": (1, 0, 0)}


def test_growth_by_type_is_the_graph_and_nothing_of_the_instrument(small):
    """objgraph's figures name the engine's types and no other but the tuples that hold them."""
    strong = only(small, cycles.explain_a_graph, model="chain", outputs="strong", operations=100)
    assert strong.growth_by_type["autograd_core.core.Variable"] == 101
    assert strong.growth_by_type["autograd_core.ops.arithmetic.Mul"] == 100
    assert not [name for name in strong.growth_by_type if name.startswith("garbology")]
    weak = only(small, cycles.explain_a_graph, model="chain", outputs="weak", operations=100)
    assert weak.growth_by_type == {}


def test_the_picture_names_the_attributes_of_the_cycle(small):
    """Variable.creator and Mul.outputs[0] close the loop."""
    shapes = cycles.study.summaries["pictures"](Runs(small))
    assert len(shapes) == 3
    edges = {(edge["source_type"], edge["label"], edge["target_type"]) for edge in shapes[0]["edges"]}
    assert edges == {("Variable", ".creator", "Mul"), ("Mul", ".outputs[0]", "Variable")}


def test_waiting_bytes_are_real_memory(small):
    """The process's own peak rose by at least most of what is said to have waited."""
    run = only(small, cycles.drop_large_arrays, outputs="strong", array_bytes=50_000)
    assert run.peak_waiting_bytes > 1_000_000
    assert run.collections == sum(getattr(run, f"generation_{index}_collections") for index in range(3))


def test_the_verdict_and_the_tiles_quote_the_samples(small):
    """The sentence has the counts of the longest chain."""
    runs = Runs(small)
    assert "chain of 1,000 operations leaves 1,001 Variables" in cycles.verdict(runs)
    assert "0 with weak, 0 with none." in cycles.verdict(runs)
    tiles = [tile(runs) for tile in cycles.study.tiles.values()]
    assert [tile.value for tile in tiles][:2] == [1001, 0]
    explained = only(small, cycles.explain_a_graph, model="chain", outputs="strong", operations=1000)
    assert [(tile.value, tile.unit) for tile in tiles if tile.atlas][0] == (
        explained.garbage_bytes / 1000,
        "bytes",
    )
    assert sum(tile.atlas for tile in tiles) == 2


def test_the_page_has_a_picture_of_the_cycle(page):
    """One shape is drawn, and the table has a row for each kind of reference to the outputs."""
    assert len(page.tiles) == 6
    assert len(page.pictures) == 1
    assert len(page.table.rows) == 3


def test_each_scale_has_the_cases_that_every_finding_needs():
    """Quick has two sizes for the linear growth, default goes to 100,000 operations and full to a million."""
    largest = {
        scale: max(cycles.study.settings(scale)[0]["operations"]) for scale in ("quick", "default", "full")
    }
    assert largest == {"quick": 1_000, "default": 100_000, "full": 1_000_000}
    for scale in ("quick", "default", "full"):
        parameters, repeats, _ = cycles.study.settings(scale)
        assert len(parameters["operations"]) >= 2
        assert len(parameters["array_bytes"]) >= 2
        assert repeats >= 2


def test_memory_is_told_before_during_and_after(small):
    """RSS, USS and the peak at four moments, in order of magnitude of a process."""
    run = only(small, cycles.drop_a_graph, model="chain", outputs="strong", operations=100)
    assert list(run.memory) == ["before", "built", "dropped", "collected"]
    for usage in run.memory.values():
        assert usage["rss_bytes"] > 1_000_000
        assert usage["peak_rss_bytes"] is None or usage["peak_rss_bytes"] >= usage["uss_bytes"]
