from dataclasses import replace

import pytest

from garbology.reporting import write_index, write_page, write_run
from tests.reporting import pages_for_tests as pages


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Each page of pages_for_tests, written once."""
    pytest.importorskip("altair")
    root = tmp_path_factory.mktemp("reports")
    for name, page in {
        "cycles": pages.study_page(),
        "several": pages.several_runtimes(),
        "hostile": pages.hostile_page(),
    }.items():
        write_page(page, root / name)
    for name, hostile in {"run": False, "run-hostile": True}.items():
        write_run(pages.run_page(hostile), root / name)
    write_index([pages.study_page(), replace(pages.several_runtimes(), name="several")], root)
    return root
