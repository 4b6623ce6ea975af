import pytest

from garbology.reporting import write_page
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
    return root
