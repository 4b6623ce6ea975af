"""What the committed records say of every claim: a study that is written anew must not judge them otherwise."""

from collections import defaultdict

import pytest

from garbology.study.evaluation import judge, runs_of
from garbology.study.records import load_records
from tests.study.test_every_study import REPORTS, STUDIES

# Every claim holds on every committed record but these. Exceptions are left out: this is what the samples say.
BROKEN, MISSING = "does not hold", "not measured"
OTHERWISE = {
    "exceptions.text_of_variables_keeps_nothing": {BROKEN: {"3.10.13", "3.11.7", "3.12.1"}},
    "exceptions.garbology_sees_it_before": {MISSING: {"3.13.2", "3.14.2"}},
    "finalizers.unstarted_are_not_counted_either": {BROKEN: {"3.12.1", "3.13.0", "3.13.2", "3.14.2"}},
    "finalizers.garbology_counts_before": {MISSING: {"3.13.2", "3.14.2"}},
    "finalizers.weak_references_are_cleared_first": {BROKEN: {"3.15.2"}},
    "floating_garbage.young_garbage_is_bounded_by_the_threshold": {BROKEN: {"3.14.2"}},
    "floating_garbage.a_higher_threshold_lets_more_wait": {BROKEN: {"3.14.2"}},
    "floating_garbage.garbage_that_grew_old_waits_longest": {BROKEN: {"3.14.2"}},
    "floating_garbage.the_longest_pause_is_a_full_collection": {BROKEN: {"3.14.2"}},
    "fork.the_count_of_an_immortal_is_not_written": {BROKEN: {"3.10.13", "3.11.7"}},
    "frameworks.tinygrad_needs_no_collector": {MISSING: {"3.10.13"}},
    "frameworks.torch_needs_no_collector": {MISSING: {"3.10.13", "3.12.1", "3.13.0", "3.14.10", "3.15.2"}},
    "frameworks.torch_leaks_it": {MISSING: {"3.10.13", "3.12.1", "3.13.0", "3.14.10", "3.15.2"}},
    "frameworks.chainer_needs_no_collector": {MISSING: {"3.11.7", "3.12.1", "3.13.0", "3.14.10", "3.15.2"}},
    "frameworks.chainer_escapes_it": {MISSING: {"3.11.7", "3.12.1", "3.13.0", "3.14.10", "3.15.2"}},
    "layout.reading_the_dict_makes_it": {BROKEN: {"3.10.13"}},
    "layout.one_visit_an_instance": {BROKEN: {"3.10.13"}},
    "layout.a_weak_reference_is_an_object": {BROKEN: {"3.13.2", "3.14.2"}},
    "layout.a_dict_of_numbers_is_no_work": {BROKEN: {"3.14.10", "3.14.2", "3.15.2"}},
    "thresholds.the_threshold_sets_how_much_waits": {BROKEN: {"3.14.2"}},
    "upstream.every_cycle_is_found": {BROKEN: {"3.10.13"}},
    "upstream.the_advice_is_what_was_done": {BROKEN: {"3.14.10", "3.15.2"}},
}


@pytest.mark.parametrize("name", STUDIES)
def test_the_committed_records_are_judged_as_ever(name):
    """Each claim holds, is broken or is not measured on the same versions as when the records were made."""
    otherwise = defaultdict(lambda: defaultdict(set))
    for record in load_records(REPORTS / name, name)[0]:
        runs = runs_of(STUDIES[name], record)
        for finding, claim in STUDIES[name].findings.items():
            result = judge(claim, runs, record.slug)
            assert result.evidence, finding
            assert "raised" not in result.evidence, result.evidence
            if result.status != "holds":
                otherwise[f"{name}.{finding}"][result.status].add(record.runtime["version"])
    assert otherwise == {
        finding: each for finding, each in OTHERWISE.items() if finding.startswith(f"{name}.")
    }


def test_every_claim_that_is_named_here_is_there():
    """A finding that was renamed does not go unnoticed."""
    findings = {f"{name}.{finding}" for name, study in STUDIES.items() for finding in study.findings}
    assert set(OTHERWISE) <= findings
