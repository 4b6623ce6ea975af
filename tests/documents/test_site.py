"""The site is built without a warning, and every link in it leads somewhere. `tox -e docs` builds it; here is how."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
check_site = __import__("check_site")
sys.path.pop(0)

PAGE = """<html><body id="top"><a href="other.html#here">x</a><a href="#top">x</a><img src="{picture}">
<a href="https://example.org">x</a></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "other.html").write_text('<p id="here">x</p>', encoding="utf-8")
    (tmp_path / "a.svg").write_text("<svg/>", encoding="utf-8")
    check_site.page.cache_clear()

    def made(picture="a.svg", page=PAGE):
        (tmp_path / "index.html").write_text(page.format(picture=picture), encoding="utf-8")
        return list(check_site.broken(tmp_path))

    return made


def test_links_to_files_places_and_other_sites_are_good(site):
    """A link that a reader follows may lead elsewhere: it is not fetched."""
    assert site() == []


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ('<a href="none.html">x</a>', "no such file"),
        ('<a href="other.html#there">x</a>', "no such place in it"),
        ('<a href="/other.html">x</a>', "does not work from a disk"),
        ('<a href="../../x.html">x</a>', "leads out of the site"),
        ('<img src="https://example.org/x.png">', "would be fetched from elsewhere"),
        ('<script src="//cdn.example.org/x.js"></script>', "would be fetched from elsewhere"),
    ],
)
def test_a_broken_link_is_told(site, page, why):
    """With the page that has it."""
    (line,) = site(page=page)
    assert line.startswith("index.html: ")
    assert line.endswith(why)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site: the one that `tox -e docs` has built, else a new one."""
    if "GARBOLOGY_SITE" in os.environ:
        return Path(os.environ["GARBOLOGY_SITE"])
    for needed in ("sphinx", "furo", "myst_parser", "sphinx_copybutton"):
        pytest.importorskip(
            needed, reason="the site's builder is not installed: pip install 'garbology[docs]'"
        )
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(place)]
    done = subprocess.run(
        [*command, "-d", str(place / ".doctrees")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.slow
def test_the_site_is_built_and_its_links_lead_somewhere(built):
    """Any warning fails it; nothing would be fetched from elsewhere."""
    check_site.page.cache_clear()
    assert list(check_site.broken(built)) == []
    text = (built / "reference" / "python.html").read_text(encoding="utf-8")
    assert "garbology.find_cycles" in text
    assert "garbage_bytes" in text
    assert "garbology run [OPTIONS]" in (built / "reference" / "commands.html").read_text(encoding="utf-8")
    assert 'class="garbology"' in (built / "notebook.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_search_works_from_a_disk(built):
    """In a browser that has no network."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_context(offline=True).new_page()
        page.goto(f"{(built / 'search.html').as_uri()}?q=weakref")
        page.wait_for_selector("#search-results li", timeout=20_000)
        assert "Concepts" in page.inner_text("#search-results")
        browser.close()
