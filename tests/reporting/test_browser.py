"""The pages in a real browser, where there is one: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reporting import pages_for_tests as pages

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no chromium on PATH: apt-get install chromium", allow_module_level=True)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install playwright"
)

PAGES = ["index.html", "cycles/index.html", "several/index.html", "hostile/index.html", "run/index.html"]
WIDTHS = [390, 1280]
SCHEMES = ["light", "dark"]

# Every text whose colour does not stand out from what is behind it as WCAG AA asks, as [text, ratio].
FAINT_TEXTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) return color;
    }
    return [255, 255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), drawn = element.closest("svg") !== null;
    const lights = [light(channels(drawn ? style.fill : style.color)), light(behind(element))];
    const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    const pixels = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    if (ratio < (pixels >= 24 || (bold && pixels >= 18.66) ? 3 : 4.5)) faint.push([text, ratio]);
  }
  return faint;
}"""

# Pairs of labels in a figure that lie on each other, and labels smaller than a reader can read.
CLUTTER = """() => {
  const found = [];
  for (const drawing of document.querySelectorAll(".panel svg.drawing, figure:not(.strip) svg.drawing")) {
    const labels = [...drawing.querySelectorAll("text")].filter((one) => one.textContent.trim());
    const boxes = labels.map((one) => [one.textContent, one.getBoundingClientRect()]);
    boxes.forEach(([text, box], index) => {
      if (box.height < 9) found.push([text, "is " + box.height + " pixels high"]);
      for (const [other, its] of boxes.slice(index + 1)) {
        const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (wide > 1 && high > 3) found.push([text, other]);
      }
    });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-quic"]
        )
        yield chromium
        chromium.close()


class Noise:
    """What a page does beside being shown: messages, errors, dialogs, requests."""

    def __init__(self, page):
        self.heard = []
        self.requests = []
        page.on("console", lambda message: self.heard.append(message.text))
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("dialog", lambda dialog: (self.heard.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))


@contextmanager
def opened(browser, path, width=1280, scheme="light", **options):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, **options
    )
    try:
        page = context.new_page()
        page.noise = Noise(page)
        page.goto(path.as_uri())
        yield page
    finally:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_and_fits(written, browser, name, width):
    """No console message, no request but for the page, no script of another's, no horizontal scrolling."""
    with opened(browser, written / name, width) as page:
        assert page.noise.heard == []
        assert page.noise.requests == [(written / name).as_uri()]
        assert page.locator("script").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CLUTTER) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_every_text_stands_out(written, browser, name, scheme):
    """Each text has the contrast of WCAG AA on what is behind it, in light and dark, drawings included."""
    with opened(browser, written / name, scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate(FAINT_TEXTS) == []


def test_the_checks_see_what_is_wrong(browser, tmp_path):
    """A grey text and two labels on each other are found: the checks above would not pass anything."""
    path = tmp_path / "wrong.html"
    label = "<text x='9' y='30'>label</text>"
    path.write_text(
        "<body style='background:#fff'><p style='color:#888'>grey</p><p style='color:#333'>dark</p>"
        f"<div class='panel'><svg class='drawing'>{label * 2}</svg></div>",
        encoding="utf-8",
    )
    with opened(browser, path) as page:
        assert [text for text, _ratio in page.evaluate(FAINT_TEXTS)] == ["grey"]
        assert page.evaluate(CLUTTER) == [["label", "label"]]


@pytest.mark.parametrize("name", ["cycles/index.html", "run/index.html"])
def test_the_reader_s_theme_is_used(written, browser, name):
    """Paper is dark where the reader's system is, and white in print whatever the system is."""
    lights = {}
    for scheme in SCHEMES:
        with opened(browser, written / name, scheme=scheme) as page:
            lights[scheme] = _paper(page)
            page.emulate_media(media="print")
            assert _paper(page) == 255
            assert page.locator("#tip").is_hidden()
            overflow = "getComputedStyle(document.querySelector('.scroll')).overflowX"
            assert page.evaluate(overflow) == "visible"
    assert lights["dark"] < 40 < 200 < lights["light"]


def _paper(page):
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(color.removeprefix("rgb(").partition(",")[0])


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_paper(written, browser, name):
    """Printed on A4 every table is as wide as the paper: there is no scrolling there."""
    with opened(browser, written / name, 700) as page:
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_the_arrow_keys_step_through_the_values(written, browser):
    """The Tab key reaches a drawing, the arrow keys its values one by one, Escape puts the tooltip away."""
    with opened(browser, written / "cycles/index.html") as page:
        tip = page.locator("#tip")
        assert tip.is_hidden()
        while not page.evaluate("document.activeElement.matches('figure svg.drawing')"):
            page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        first = tip.inner_text()
        assert "outputs strong, operations 100: variables 200" in first
        page.keyboard.press("ArrowRight")
        assert tip.is_visible()
        assert tip.inner_text() != first
        page.keyboard.press("ArrowLeft")
        assert tip.inner_text() == first
        page.keyboard.press("Escape")
        assert tip.is_hidden()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_mouse_shows_the_value_it_is_near_to(written, browser, width):
    """A few pixels beside a mark its values are shown, inside the window; away from it they are not."""
    with opened(browser, written / "cycles/index.html", width) as page:
        mark = page.locator("figure .mark").nth(2)
        mark.scroll_into_view_if_needed()
        page.wait_for_timeout(400)
        box = mark.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 + 3)
        tip = page.locator("#tip")
        assert tip.inner_text() == mark.get_attribute("aria-label")
        place = tip.bounding_box()
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= width
        page.mouse.move(1, 1)
        assert tip.is_hidden()


def test_the_atlas_tells_how_a_cell_compares(written, browser):
    """By mouse and by keyboard a cell says its value, its interval and its ratio to the best of the row."""
    with opened(browser, written / "index.html") as page:
        tip = page.locator("#tip")
        cell = page.locator(".atlas td", has_text="1.33 GB").first
        cell.hover()
        assert "1.33 GB (95 % interval: 1.31 to 1.34 GB), 40× the best, 33 MB" in tip.inner_text()
        page.mouse.move(1, 1)
        page.locator(".stepped").first.focus()
        page.keyboard.press("ArrowRight")
        assert tip.inner_text().startswith("CPython 3.9.18: 428")  # the most telling row
        for _ in range(7):
            page.keyboard.press("ArrowRight")
        assert tip.inner_text().startswith("CPython 3.15.0: 1,120")
        assert "2.6× the best" in tip.inner_text()


@pytest.mark.parametrize("name", PAGES)
def test_without_javascript_all_is_there(written, browser, name):
    """With scripts switched off every section is shown, drawings too."""
    with opened(browser, written / name, java_script_enabled=False) as page:
        assert page.locator("h2, h3").count() > 1
        assert page.locator("#tip").count() == 0
        for drawing in page.locator("svg.drawing:visible").all()[:12]:
            box = drawing.bounding_box()
            assert box["width"] > 40
            assert box["height"] > 20


def test_a_script_shaped_name_is_text(written, browser):
    """A type, an attribute, a path and an argument with a script in them are shown and never run."""
    shown = pages.HOSTILE.split("</script>")[0]
    for name in ("hostile/index.html", "run-hostile/index.html"):
        with opened(browser, written / name) as page:
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            for place in ("h1", ".verdict", ".cycle h3", ".edges li", ".facts code", "pre"):
                assert shown in page.locator(place).first.text_content(), place
            assert page.noise.heard == []
            assert page.locator("script").count() == 1
            assert page.locator("svg script, [onclick], [onload], [onerror]").count() == 0


def test_a_wide_table_scrolls_in_its_own_box(written, browser):
    """On a phone the atlas is wider than the screen and scrolls by itself, its first column in sight."""
    with opened(browser, written / "index.html", 390) as page:
        region = page.locator(".stepped").first
        assert region.evaluate("(one) => one.scrollWidth > one.clientWidth")
        region.evaluate("(one) => { one.scrollLeft = 300; }")
        label = page.locator(".atlas tbody tr:not(.study) th").first.bounding_box()
        assert label["x"] >= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_table_keeps_its_heads_in_sight(written, browser):
    """Versions above the atlas and above the medians as they scroll, properties beside the method's table."""
    with opened(browser, written / "index.html") as page:
        assert _head_after(page, ".stepped", "thead th", "scrollTop") == _head_after(
            page, ".stepped", "thead th"
        )
    with opened(browser, written / "several/index.html", 390) as page:
        scrolled = ".scroll:has(.method)"
        assert _head_after(page, scrolled, "tbody th", "scrollLeft") == _head_after(
            page, scrolled, "tbody th"
        )
        shared = page.locator(".method .shared").first.bounding_box()
        assert 0 <= shared["x"] < 390 - shared["width"]
    with opened(browser, written / "cycles/index.html", 390) as page:
        assert _head_after(page, ".medians", "thead th", "scrollTop") == _head_after(
            page, ".medians", "thead th"
        )


def _head_after(page, region, head, direction=""):
    """The place of the first head in its region, once that is scrolled to the end in `direction`."""
    if direction:
        page.locator(region).first.evaluate(f"(one) => {{ one.{direction} = 9_999; }}")
    box, around = (page.locator(one).first.bounding_box() for one in (f"{region} {head}", region))
    return round(box["x"] - around["x"]), round(box["y"] - around["y"])


def test_a_table_that_goes_on_says_so(written, browser):
    """On a phone a line above the atlas says that there is more beside it; where all fits there is no such line."""
    with opened(browser, written / "index.html", 390) as page:
        hint = page.locator(".sideways").first
        assert hint.is_visible()
        assert "all 8 columns" in hint.inner_text()
        if page.evaluate("CSS.supports('animation-timeline: scroll()')"):
            assert _fade_after(page, 0) == "34px"
            assert _fade_after(page, 9_999) == "0px"
    with opened(browser, written / "index.html", 1280) as page:
        assert page.locator(".sideways").first.is_hidden()


def _fade_after(page, pixels):
    """How far the atlas fades at its edge when it was scrolled so far, two frames later."""
    return page.evaluate(
        """async (pixels) => {
          const region = document.querySelector(".stepped");
          region.scrollLeft = pixels;
          for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
          return getComputedStyle(region).getPropertyValue("--fade");
        }""",
        pixels,
    )


def test_the_first_figure_is_in_the_first_screen(written, browser):
    """Headline, numbers and the beginning of a figure, without scrolling."""
    with opened(browser, written / "several" / "index.html") as page:
        page.set_viewport_size({"width": 1280, "height": 800})
        box = page.locator("svg.drawing").first.bounding_box()
        assert box["y"] + box["height"] / 2 < 800


def test_the_atlas_is_as_wide_as_the_window_and_hides_no_cell(written, browser):
    """On a screen with room nothing scrolls inside the page; its head and first column stay in sight."""
    with opened(browser, written / "index.html", 1440) as page:
        table = page.locator(".whole .stepped")
        assert table.bounding_box()["width"] > 1300
        assert table.evaluate(
            "(one) => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]"
        ) == [0, 0]
        assert (
            page.locator(".atlas thead th").first.evaluate("(one) => getComputedStyle(one).position")
            == "sticky"
        )
    with opened(browser, written / "index.html", 390) as page:
        table = page.locator(".whole .stepped")
        table.evaluate("(one) => { one.scrollLeft = 300; }")
        first = page.locator(".atlas tbody tr:not(.study) th").first
        assert abs(first.bounding_box()["x"] - table.bounding_box()["x"]) < 3


def test_a_printed_page_has_no_caption_without_its_figure(browser):
    """The study `cycles` is five pages on paper, and no figure is cut in two."""
    path = Path(__file__).parents[2] / "reports" / "reference" / "cycles" / "index.html"
    with opened(browser, path) as page:
        printed = page.pdf(format="A4")
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 5
        page.emulate_media(media="print")
        kept = page.locator("figure").evaluate_all(
            "(all) => all.map((one) => getComputedStyle(one).breakInside)"
        )
        assert set(kept) == {"avoid"}
