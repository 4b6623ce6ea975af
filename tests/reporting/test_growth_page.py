"""`garbology report FILE` draws what a diagnosis found."""

import json

import pytest

import garbology
from tests.cli.commands import garbology as command

pytest.importorskip("altair")
KEPT = {}


class Session:
    def __init__(self):
        self.me = self
        self.data = bytes(5_000)


def work():
    KEPT[f"<b>{len(KEPT)}"] = [bytes(10_000)]
    Session()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of a report, and what the command answered."""
    file = tmp_path_factory.mktemp("growth") / "growth.json"
    file.write_text(json.dumps(garbology.diagnose(work, calls=12, keys=True).to_dict()), encoding="utf-8")
    KEPT.clear()
    return file, command("report", file)


@pytest.mark.slow
def test_the_page_has_the_bands_the_holder_and_the_cycle(written):
    """Beside the file, in a directory of its name; markup in a key is shown as text."""
    file, answered = written
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith("Memory grows by 15.")
    page = (file.with_suffix("") / "index.html").read_text(encoding="utf-8")
    for told in (
        "KEPT[&#39;&lt;b&gt;",
        "not Python",
        "Session.me",
        "waits for the collector",
        "bytes a call",
        "<svg",
    ):
        assert told in page
    assert "<b>" not in page.partition('<h2 id="holders">')[2].partition("</section>")[0]
    readme = (file.with_suffix("") / "README.md").read_text(encoding="utf-8")
    assert "growth.svg" in readme
    assert "<svg" in (file.with_suffix("") / "growth.svg").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: "{", "cannot be read"),
        (lambda told: json.dumps({**told, "schema": "other"}), "no report of garbology.diagnose"),
        (lambda told: json.dumps({**told, "schema_version": 99}), "upgrade garbology"),
        (lambda told: json.dumps({**told, "moments": 5}), "damaged"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(written, tmp_path, change, why):
    """With status 2, and no page."""
    file = tmp_path / "growth.json"
    file.write_text(change(json.loads(written[0].read_text(encoding="utf-8"))), encoding="utf-8")
    answered = command("report", file)
    assert answered.returncode == 2
    assert why in answered.stderr
