"""Claims as values: selections, quantities, comparisons, and what evidence they give."""

import pytest

from garbology.study import NotMeasured, Run, Runs, agree, every, growth, proportional, some
from garbology.study.claims import Claim, Sentence
from garbology.study.declaration import DeclarationError
from garbology.study.evaluation import judge
from garbology.study.loading import load_study
from garbology.study.selections import Selection

STUDY = """
study = Study("T", {"kind": ["young", "full"], "objects": [10, 1000]}, repeats=5)

@study.measure
def collect(kind: str, objects: int) -> Result:
    return Result(objects, held_bytes=objects * 10)
"""


def runs(**seconds):
    """Samples of young and full collections over 10 and 1,000 objects, one for each of the seconds of a kind."""
    return Runs(
        Run("collect", {"kind": kind, "objects": objects}, {"pause_seconds": each * objects, "found": 7, "left": None},
            repeat=repeat, runtime="here")
        for kind, values in seconds.items()
        for objects in (10, 1000)
        for repeat, each in enumerate(values)
    )  # fmt: skip


SAMPLES = runs(young=[0.001, 0.002, 0.003], full=[0.1, 0.2, 0.3])
collect = Selection(lambda samples: samples.of("collect"))
young, full = (collect.where(kind=kind).largest("objects") for kind in ("young", "full"))


def judged(*conditions, samples=SAMPLES, told=None):
    """What becomes of a claim made of these conditions."""
    sentence = Sentence(told, globals()) if told else None
    return judge(Claim("It is so.", conditions, sentence, {}), samples, "here")


def test_a_comparison_is_of_medians_and_tells_both():
    """The evidence has the two values, what tells their cases apart, their ratio and the size they share."""
    result = judged(young.pause_seconds < full.pause_seconds / 5)
    assert result.status == "holds"
    assert result.evidence == "pause 2 s (young), 200 s (full): 1.00%; objects 1,000"


def test_a_broken_comparison_tells_the_bound():
    """The same values, and what was claimed of them."""
    result = judged(young.pause_seconds > full.pause_seconds)
    assert result.status == "does not hold"
    assert result.evidence == "pause 2 s (young), 200 s (full): 1.00%; objects 1,000 (claimed > 200 s)"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (full.pause_seconds >= 200, "holds"),
        (full.pause_seconds <= 199, "does not hold"),
        (full.pause_seconds.between(200, 200), "holds"),
        (full.pause_seconds.between(201, 300), "does not hold"),
        (full.found.equals(7), "holds"),
        (full.found.equals(8), "does not hold"),
        ((full.pause_seconds - young.pause_seconds) * 2 + 4 > 399, "holds"),
        ((full.pause_seconds - young.pause_seconds) * 2 + 4 > 400, "does not hold"),
        (full.pause_seconds / (young.found - 7) > 0, "does not hold"),
        (full.left > 1, "not measured"),
        (collect.where(kind="old").pause_seconds > 1, "not measured"),
        (collect.where(kind="full").largest("objects", at_least=1001).found > 1, "not measured"),
        (collect.where(kind="full", objects=10).largest("objects", among=2).found > 1, "not measured"),
        (collect.where(kind="full").smallest("objects", at_most=9).found > 1, "not measured"),
    ],
)
def test_a_comparison_holds_is_broken_or_is_not_measured(condition, status):
    """Bounds count where they are said to; what has no samples, no value or too few sizes is not measured."""
    result = judged(condition)
    assert result.status == status
    assert result.evidence
    assert "raised" not in result.evidence


def test_an_extreme_is_of_all_samples():
    """The greatest sample of any case, whose case is told."""
    result = judged(collect.most("pause_seconds") <= 300, collect.least("pause_seconds") >= 0.01)
    assert (
        result.evidence
        == "pause at most 300 s (full, objects 1,000); pause at least 10 ms (young, objects 10)"
    )
    assert judged(collect.most("pause_seconds") < 300).status == "does not hold"
    assert (
        judged(collect.most(lambda run: run.objects * 2, "twice the objects") < 2000).status
        == "does not hold"
    )


def test_a_median_of_several_cases_is_a_mistake():
    """What belongs to unlike cases is not mixed: the page names it as a problem."""
    result = judged(collect.pause_seconds > 1)
    assert result.status == "not measured"
    assert "selects 4 cases, expected one" in result.evidence


def test_growth_in_proportion_is_one():
    """A hundred times as long over a hundred times the objects; one size alone shows no growth."""
    result = judged(growth(collect.where(kind="full"), "pause_seconds", over="objects").between(0.9, 1.1))
    assert (
        result.evidence == "pause 2 s (objects 10), 200 s (objects 1,000): 1.00 times the growth of objects"
    )
    one_size = Runs(run for run in SAMPLES if run.objects == 10)
    assert (
        judged(growth(collect, "pause_seconds", over="objects") > 0, samples=one_size).status
        == "not measured"
    )


def test_every_sample_must_fit():
    """The first that does not is shown with its values and what is wrong."""
    assert judged(every(full, lambda run: run.found == 7)).evidence == "so in 3 samples"
    result = judged(every(full, lambda run: run.pause_seconds < 300, "too long"))
    assert result.status == "does not hold"
    assert result.evidence.endswith("pause_seconds=300.0, found=7, left=None: too long")
    assert judged(every(collect.where(kind="old"), lambda run: True)).status == "not measured"


def test_every_sample_may_have_values():
    """Values in place of a predicate; what breaks them is told, and a name that no sample has is an error at once."""
    assert judged(every(full, found=7, left=None)).evidence == "so in 3 samples"
    result = judged(every(full, found=8, left=1))
    assert result.status == "does not hold"
    assert result.evidence.endswith(": found is 7, not 8, left is None, not 1")
    assert judged(every(collect.where(kind="old"), found=7)).status == "not measured"
    with pytest.raises(AttributeError, match="there are kind, found"):
        every(Selection(lambda samples: samples, ["kind", "found"]), fuond=7)
    with pytest.raises(TypeError, match="a predicate, or the values"):
        every(full)


def test_some_sample_must_fit():
    """One is enough, none is not."""
    assert judged(some(full, lambda run: run.pause_seconds == 300)).status == "holds"
    assert judged(some(full, lambda run: run.pause_seconds == 301, "one of 301 s")).status == "does not hold"


def test_for_each_value_of_a_parameter():
    """Each size is judged by itself; the evidence is of the one that is closest to the bound."""
    pair = collect.where(kind="young"), collect.where(kind="full")
    condition = (pair[0].pause_seconds < pair[1].pause_seconds / 5).for_each("objects")
    assert judged(condition).evidence == "pause 20 ms (young), 2 s (full): 1.00%; objects 10"
    slow = Runs([*SAMPLES, *(Run("collect", {"kind": kind, "objects": 20}, {"pause_seconds": 1.0})
                             for kind in ("young", "full"))])  # fmt: skip
    assert judged(condition, samples=slow).status == "does not hold"


def test_conditions_are_judged_in_their_order():
    """The first that is broken is told, whatever comes after it."""
    result = judged(full.found > 7, collect.where(kind="old").found > 1)
    assert result.status == "does not hold"


def test_a_sample_that_two_conditions_look_at_is_counted_once():
    """And the samples of several selections are counted together."""
    conditions = [every(each, lambda run: run.found == 7) for each in (young, full, full, young | full)]
    assert judged(*conditions).evidence == "so in 6 samples"


def test_rows_and_values_side_by_side():
    """Rows of a list, and several values of a sample, become samples that can be selected."""
    samples = Runs(
        [Run("collect", {}, {"rows": [{"way": "a", "n": 1}, {"way": "b", "n": 2}], "x": 3, "y": 4})]
    )
    rows = collect.rows("rows", by=["way"])
    assert [(run.way, run.n) for run in rows.of(samples)] == [("a", 1), ("b", 2)]
    assert judged((rows.n > 0).for_each("way"), samples=samples).status == "holds"
    both = collect.side_by_side({"the x": "x", "the y": "y"}, by="which", value="value")
    assert [(run.which, run.value) for run in both.of(samples)] == [("the x", 3), ("the y", 4)]


def test_a_selection_for_each_value():
    """In their order, so that each has a variable."""
    assert [{run.kind for run in each.of(SAMPLES)} for each in collect.each(kind=["full", "young"])] == [
        {"full"},
        {"young"},
    ]


def test_samples_may_have_more_values():
    """Each is made of the sample, and is asked for like those that were measured."""
    more = full.with_values(each_seconds=lambda run: run.pause_seconds / run.objects)
    assert judged(more.each_seconds.between(0.19, 0.21), more.pause_seconds > 1).status == "holds"
    assert {(run.repeat, run.runtime) for run in more.of(SAMPLES)} == {(n, "here") for n in range(3)}


def test_cases_are_listed():
    """A text about each, once where several read the same; without samples it is not measured."""
    assert collect.listed("{kind} over {objects:,}").text(SAMPLES) == (
        "young over 10, young over 1,000, full over 10, full over 1,000"
    )
    assert collect.listed("{kind}", "; ").text(SAMPLES) == "young; full"
    assert collect.first("kind").listed("{kind} {objects}").text(SAMPLES) == "young 10, full 10"
    with pytest.raises(NotMeasured):
        collect.where(kind="old").listed("{kind}").text(SAMPLES)


def test_a_sentence_shows_quantities_with_their_units():
    """In braces, with a format where that is given; {samples} counts what the claim looked at."""
    told = "{full.pause_seconds} over {full.objects} objects of {full.kind}, {full.pause_seconds:.1f}, in {samples}"
    result = judged(full.found > 1, told=told)
    assert result.evidence == "200 s over 1,000 objects of full, 200.0, in 3 samples"
    with pytest.raises(ValueError, match="no 'fall' above it"):
        Sentence("{fall.pause_seconds}", globals())


def test_a_sentence_may_be_of_one_selection():
    """What the module does not have is a value of it."""
    sentence = Sentence("{pause_seconds} of {kind}, {young.pause_seconds}", globals(), full)
    assert sentence.fill(SAMPLES) == "200 s of full, 2 s"
    with pytest.raises(AttributeError, match="there are pause_seconds"):
        Sentence("{puase_seconds}", globals(), Selection(lambda samples: samples, ["pause_seconds"]))


def test_a_condition_is_no_truth_value():
    """`low < value < high` would drop the first half in silence."""
    with pytest.raises(TypeError, match=r"between\(low, high\)"):
        _ = 1 < full.found < 9


def test_an_empty_selection_is_not_measured():
    """Of no samples nothing is said, also not in a sentence."""
    with pytest.raises(NotMeasured):
        Sentence("{full.found}", globals()).fill(Runs([]))


VALUES = """
full = collect.where(kind="full").largest("objects")
young = collect.where(kind="young").largest("objects")
they_are_as_many = study.claim(
    "As many are found.", full.total.equals(young.total))
study.claim("Bytes grow.", full.held_bytes > 1)
totals = study.line("The totals.", collect, x="objects", y="total", color="kind", log="xy")
held = study.bars("The bytes.", collect, x="objects", y="held_bytes", color="kind", log=True)
every_one = study.points("All.", full, x="objects", y="total", facet="kind", facet_alone=False)
compared = study.line("Both.", collect, x="objects", y="value", color="which", facet="kind",
    values={"as many": "total", "as large": "held_bytes"})
study.tile("Of {full.objects}", full.held_bytes, atlas=True)
study.tile("Bytes an object", full.held_bytes / full.objects, better="")
study.tile("If there is one", collect.where(kind="old").total, optional=True)
study.verdict("{full.total} objects hold {full.held_bytes}.")
study.table("Totals.", collect, ["total"])
"""


@pytest.fixture
def study(write_study):
    """A study of values."""
    head = "from garbology.study import every, growth\n"
    return load_study(write_study(head + STUDY + VALUES))


def taken(study, kinds=("young", "full")):
    """Samples of that study's cases."""
    return Runs(
        Run(name, case, vars(study.measures[name].function(**case)), repeat=repeat, runtime="here")
        for name, case in study.grid("default")
        for repeat in range(5)
        if case["kind"] in kinds
    )


def test_a_value_is_called_like_its_variable(study):
    """A claim without one is called like its text."""
    study.check()
    assert list(study.findings) == ["they_are_as_many", "bytes_grow"]
    assert list(study.figures) == ["totals", "held", "every_one", "compared"]


def test_the_parts_of_a_page_come_from_values(study):
    """Figures with scales, tiles with units and intervals, the verdict and the table."""
    samples = taken(study)
    totals, held, every_one, compared = (figure(samples) for figure in study.figures.values())
    assert (totals.kind, totals.x_scale, totals.y_scale, len(totals.rows)) == ("line", "log", "log", 4)
    assert (held.kind, held.y_scale, every_one.kind, every_one.facet) == ("bars", "log", "points", None)
    assert [(row["which"], row["value"]) for row in compared.rows[:2]] == [("as many", 10), ("as large", 100)]
    first, second, none = (tile(samples) for tile in study.tiles.values())
    assert none == []
    assert (first.label, first.value, first.unit, first.low, first.atlas) == (
        "Of 1,000",
        10_000,
        "bytes",
        10_000,
        True,
    )
    assert (second.value, second.unit, second.better) == (10, "bytes", "")
    assert study.summaries["verdict"](samples) == "1,000 objects hold 10 kB."
    assert len(study.summaries["table"](samples).rows) == 4


def test_a_claim_says_where_it_is_expected_to_fail(study):
    """The expected failure is kept with the claim, and refused where it says nowhere."""
    claim = study.findings["bytes_grow"]
    claim.expected_failure(versions="3.10", reason="so it is", reference="PEP 1")
    assert [each.versions for each in claim.expected_failures] == ["3.10"]
    with pytest.raises(ValueError, match="it says nowhere"):
        claim.expected_failure(reason="so it is", reference="PEP 1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('study.claim("", collect.total > 1)', "has no text"),
        ('study.claim("A.")', "needs conditions"),
        ('study.claim("A.", True)', "needs conditions"),
        ('study.claim("A.", collect.total > 1, evidence="{nothing.total}")', "no 'nothing' above it"),
        ('study.line("A.", collect, x="objects", y="n", values={"a": "total"})', "needs a color"),
        ('study.tile("{nothing.total}", collect.total)', "no 'nothing' above it"),
        ('study.verdict("{nothing.total}")', "no 'nothing' above it"),
        (
            'study.claim("A.", collect.total > 1)\nstudy.claim("A.", collect.total > 2)\nstudy.check()',
            "called 'a'",
        ),
    ],
)
def test_a_wrong_value_is_refused_when_it_is_declared(write_study, line, message):
    """With the study's name."""
    with pytest.raises(DeclarationError, match=rf"study 'small': .*{message}"):
        load_study(write_study(STUDY + line))


@pytest.mark.parametrize(
    "line",
    [
        "collect.totel",
        "collect.where(knid=1)",
        'collect.largest("object")',
        'collect.most("totel")',
        'collect.side_by_side({"a": "b"}, by="x", value="y")',
        'study.bars("A.", collect, x="objects", y="n", color="way", values={"a": "b"})',
    ],
)
def test_a_misspelt_name_is_an_error_at_once(write_study, line):
    """Not only when there are samples."""
    with pytest.raises(AttributeError, match="there are kind, objects, total, held_bytes"):
        load_study(write_study(STUDY + line))


def test_slopes_are_of_each_step():
    """From one size to the next, the other parameters the same; one size alone is not measured."""
    slopes = collect.where(kind="full").slopes("pause_seconds", over="objects")
    assert [(run.objects, run.slope) for run in slopes.of(SAMPLES)] == [(1000, pytest.approx(0.2))]
    with pytest.raises(NotMeasured, match="one objects shows no growth"):
        slopes.of(Runs(run for run in SAMPLES if run.objects == 10))


def test_proportional_growth_has_equal_steps():
    """Each step as the whole; one that is not is told."""
    sizes = [Run("collect", {"objects": n}, {"held": 3 * n, "square": n * n}) for n in (1, 10, 100)]
    assert judged(proportional(collect, "held", over="objects"), samples=Runs(sizes)).status == "holds"
    result = judged(proportional(collect, "square", over="objects"), samples=Runs(sizes))
    assert result.status == "does not hold"
    assert result.evidence == "11.0 square for each of objects, not 100.0, from 1 to 10"
    assert (
        judged(proportional(collect, "held", over="objects"), samples=Runs(sizes[:1])).status
        == "not measured"
    )


def test_agreement_is_to_the_last_bit():
    """Of samples of the same size, whatever their kind; where one kind alone was measured nothing is compared."""
    condition = agree(collect, "found", by=["objects"], across="kind")
    assert judged(condition).evidence == "so in 12 samples"
    other = Run("collect", {"kind": "old", "objects": 10}, {"found": 7.000001})
    result = judged(condition, samples=Runs([*SAMPLES, other]))
    assert result.status == "does not hold"
    assert "7.000001, and 7 with {'kind': 'young', 'objects': 10}" in result.evidence
    assert (
        judged(condition, samples=runs(young=[1.0, 2.0])).evidence
        == "young alone: there is nothing to compare"
    )


def test_a_first_case_a_count_and_several():
    """One case for an example, how many values there are, and that there is more than one."""
    assert {run.objects for run in collect.first().of(SAMPLES)} == {10}
    assert collect.count("objects").read(SAMPLES)[0] == 2
    assert len(collect.several("objects").of(SAMPLES)) == 12
    with pytest.raises(NotMeasured, match="objects 1,000 alone"):
        young.several("objects").of(SAMPLES)


def test_a_method_in_a_sentence_is_refused():
    """A parameter may be called like one: what would be shown is a method."""
    with pytest.raises(ValueError, match="is no quantity"):
        Sentence("{full.rows}", globals())


def test_what_breaks_a_claim_may_be_no_number():
    """A list of the sample is told where the text names it in braces; one in a sentence has commas, None a dash."""
    samples = Runs([Run("collect", {"kind": "young", "objects": 10}, {"events": ["a", "b"], "left": None})])
    result = judged(every(collect, lambda run: not run.events, "called {events}"), samples=samples)
    assert result.evidence.endswith("called ['a', 'b']")
    told = Sentence("called {young.events}, {young.left} left", globals())
    assert told.fill(samples) == "called a, b, – left"


def test_what_is_told_decides_nothing():
    """A claim whose conditions hold does so, whether the samples that its text quotes are there or not."""
    only_full = Runs(run for run in SAMPLES if run.kind == "full")
    result = judged(full.found.equals(7), samples=only_full, told="{young.found} and {full.found}")
    assert (result.status, result.evidence) == ("holds", "found 7; objects 1,000")
