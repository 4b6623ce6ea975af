"""The page in a real browser, where there is one."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH: apt-get install chromium")

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
# Runs after the page's own script and leaves what it saw in the document, which --dump-dom prints.
PROBE = """<iframe id="frame" style="width:{width}px;height:2000px;border:0"></iframe><pre id="seen"></pre>
<script>
const frame = document.getElementById("frame");
window.alerts = 0;
frame.onload = () => {{
  const page = frame.contentDocument, view = frame.contentWindow, seen = {{}};
  seen.scroll = page.documentElement.scrollWidth;
  seen.requests = view.performance.getEntriesByType("resource").length;
  const tip = page.getElementById("tip");
  const drawing = [...page.querySelectorAll("svg.drawing")].find((one) => one.querySelector(".mark"));
  const press = (key) => drawing.dispatchEvent(new view.KeyboardEvent("keydown", {{key, bubbles: true}}));
  seen.hidden = tip.hidden;
  drawing.scrollIntoView();
  press("ArrowRight");
  seen.first = tip.textContent;
  press("ArrowRight");
  seen.second = tip.textContent;
  const box = tip.getBoundingClientRect();
  seen.inside = box.left >= 0 && box.right <= {width};
  press("Escape");
  seen.closed = tip.hidden;
  const mark = [...drawing.querySelectorAll(".mark")].slice(0, 3).pop(), at = mark.getBoundingClientRect();
  mark.dispatchEvent(new view.PointerEvent("pointermove", {{bubbles: true, clientX: at.x, clientY: at.y}}));
  seen.mouse = tip.hidden ? "" : tip.textContent;
  seen.expected = mark.getAttribute("aria-label");
  seen.injected = page.querySelectorAll("script").length - 1;
  document.getElementById("seen").textContent = JSON.stringify(seen);
}};
frame.srcdoc = {source};
</script>"""


def browse(directory, tmp_path, *options):
    """The DOM that Chromium ends with, and what it logged."""
    command = [
        CHROMIUM,
        *QUIET,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
        *options,
    ]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "--virtual-time-budget=4000", "--dump-dom", directory.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def probe(written, name, tmp_path, width):
    source = (written / name / "index.html").read_text(encoding="utf-8")
    page = tmp_path / "probe.html"
    page.write_text(
        "<!doctype html><meta charset='utf-8'>"
        + PROBE.format(width=width, source=json.dumps(source).replace("<", "\\u003c")),
        encoding="utf-8",
    )
    dom, console = browse(page, tmp_path)
    seen = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)
    assert seen, "the probe is gone"
    assert seen[1], f"the probe did not run: {console}"
    return json.loads(html.unescape(seen[1])), console


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["cycles", "hostile"])
def test_the_page_works_in_a_browser(written, tmp_path, name, width):
    """No console message, no request, no sideways scrolling; a tooltip stays inside the window."""
    seen, console = probe(written, name, tmp_path, width)
    assert console == []
    assert seen["requests"] == 0
    assert seen["scroll"] <= width
    assert seen["hidden"] is True
    assert seen["first"]
    assert seen["inside"] is True
    assert seen["closed"] is True
    assert seen["injected"] == 0


def test_the_tooltip_says_what_the_mark_is(written, tmp_path):
    """The arrow keys step from value to value, the mouse shows the value it is near to."""
    seen, _console = probe(written, "cycles", tmp_path, 1280)
    assert seen["first"] != seen["second"]
    assert "outputs strong, operations 100: variables 200" in seen["first"]
    assert seen["mouse"] == seen["expected"]
