import random
from dataclasses import replace

from garbology.reporting.runtimes import representatives, runtime_names, sorted_runtimes
from tests.reporting import pages_for_tests as pages

NAMES = runtime_names(pages.RUNTIMES)


def test_versions_are_ordered_as_numbers():
    """Whatever the order of the records: 3.9 < 3.10, 3.14.2 < 3.14.10, a candidate before its release."""
    for seed in range(5):
        shuffled = random.Random(seed).sample(pages.RUNTIMES, len(pages.RUNTIMES))
        assert [name.label for name in runtime_names(shuffled).values()] == pages.LABELS_IN_ORDER
        assert sorted_runtimes(shuffled) == sorted_runtimes(pages.RUNTIMES)


def test_two_builds_of_a_version_are_told_apart():
    """Where version and collector are the same the build or the platform is named."""

    one = pages.runtime("3.13.0")
    debug = replace(one, slug=one.slug + "-debug", runtime={**one.runtime, "build": "debug"})
    labels = [name.label for name in runtime_names([one, debug]).values()]
    assert labels == ["CPython 3.13.0, pgo+lto", "CPython 3.13.0, debug"]


def test_two_records_of_one_runtime_are_told_apart_by_their_files():
    """What they have in common, build and platform, is left out of their names."""
    one = pages.runtime("3.13.0")
    names = runtime_names([one, replace(one, slug="from-the-laptop")]).values()
    assert sorted(name.label for name in names) == [
        f"CPython 3.13.0, {one.slug}",
        "CPython 3.13.0, from-the-laptop",
    ]


def test_a_32_bit_build_is_marked():
    """WebAssembly is named, and its bytes are marked as not those of a 64-bit build."""
    narrow = [name for name in NAMES.values() if name.narrow]
    assert [name.kind for name in narrow] == ["incremental, WebAssembly"]


def test_what_is_drawn_stands_for_what_is_not():
    """Two of eight are the newest of each collector; with more room the oldest comes in; none is twice."""
    slugs = list(NAMES)
    shown = [
        [NAMES[slug].marked for slug in representatives(NAMES, slugs, limit)] for limit in (1, 2, 4, 8, 99)
    ]
    assert shown[0] == ["3.15.0"]
    assert shown[1] == ["3.14.2 incremental", "3.15.0"]
    assert shown[2] == ["3.9.18", "3.14.2 incremental", "3.14.2 WebAssembly", "3.15.0"]
    assert shown[3] == shown[4] == [name.marked for name in NAMES.values()]


def test_in_webassembly_the_unusual_collector_comes_first():
    """Beside the newest and the oldest release there is room for one: that of another collector."""
    (incremental,) = [one for one in pages.RUNTIMES if NAMES[one.slug].narrow]
    usual = replace(incremental, slug="control", label="CPython 3.13.2", collector="generational")
    native = [one for one in pages.RUNTIMES if one.collector == "generational"]
    names = runtime_names([*native, usual, incremental])
    shown = [names[slug].kind for slug in representatives(names, list(names), 3)]
    assert shown == ["generational", "incremental, WebAssembly", "generational"]
