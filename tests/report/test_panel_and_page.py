# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Panel and page lay each mask over its picture where it belongs, in the color of its granularity."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from unires_hf.data import masks
from unires_hf.report.cases import Case
from unires_hf.report.cases_page import write_page
from unires_hf.report.overlay import BY_GRANULARITY
from unires_hf.report.panel import draw_panel

NAMES = ["one", "two"]
TABLE = "| model | mIoU |\n| --- | ---: |\n| one | 61.2 |\n| *<b>* | 1.0 |\n\nPercent; `unires`.\n"


def box(left, top, right, bottom, size=(60, 80)):
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return masks.encode(mask)


def case(rule, granularity, text, ious, number=0):
    """Truth in the middle; the first model at the left, the second at the right."""
    picture = Image.new("RGB", (80, 60), (128, 128, 128))
    drawn = box(0, 20, 20, 40), box(60, 20, 80, 40)
    image = ("boxes", str(number))
    return Case(rule, image, picture, text, granularity, box(30, 20, 50, 40), drawn, ious)


CASES = [
    case("random", "object", "the mug", (0.2, 0.3)),
    case("gain", "part", "handle of the mug", (0.9, 0.1), 1),
    case("loss", "object", "</script><b>the jug", (0.0, 0.8), 2),
]


def near(pixels, color):
    return (np.abs(pixels.astype(int) - color).max(-1) <= 3).mean()


def test_panel_has_each_mask_in_its_column():
    panel = np.asarray(draw_panel(CASES, NAMES))
    side, gap = 200, 10
    assert panel.shape[1] == 4 * (side + gap) + gap
    columns = [panel[:, gap + number * (side + gap) :][:, :side] for number in range(4)]
    tops = [top for top in range(1, len(panel)) if near(columns[0][top], (128, 128, 128)) == 1]
    first = [top for top in tops if top - 1 not in tops]
    assert len(first) == 3, "one picture a case"
    for top, granularity in zip(first, ("object", "part", "object"), strict=True):
        color = np.array(BY_GRANULARITY[granularity])
        tinted = (color + 128) // 2
        middle = top + 75  # of a picture 150 pixels high
        for column, place in ((1, 25), (2, 175), (3, 100)):
            assert near(columns[column][middle - 10 : middle + 10, place - 10 : place + 10], tinted) == 1
            assert near(columns[column][middle - 30 : middle + 30], color) > 0.005, "an outline"
        assert near(columns[1][middle : middle + 1, 100:101], tinted) == 0
        assert near(columns[0][top : top + 150], (128, 128, 128)) == 1, "the image is bare"


def content(page):
    return json.loads(re.search(r"const data = (.*);\n", page)[1])


def test_page_needs_nothing_else():
    page = write_page(CASES, NAMES, TABLE)
    assert not re.search(r"https?://|src=|@import|<link rel=\"style", page)
    assert page.count("</script>") == 1
    assert "<td>61.2</td>" in page and "&lt;b&gt;" in page
    data = content(page)
    assert data["cases"][2]["text"] == CASES[2].text
    assert len(data["pictures"]) == 3
    picture = Image.open(io.BytesIO(base64.b64decode(data["pictures"][0].partition(",")[2])))
    assert picture.size == (80, 60)


def test_pictures_are_stored_once():
    cases = [case("random", "object", f"mug {number}", (0.1, 0.2)) for number in range(5)]
    assert len(content(write_page(cases, NAMES, TABLE))["pictures"]) == 1


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path / 'browser'}",
        "--window-size=1200,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(20)
    yield browser
    browser.quit()


def articles(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('article')].map(it => [it.dataset.rule, it.dataset.granularity,"
        " it.querySelector('h2').firstChild.nextSibling.textContent])"
    )


def choose(browser, name, value):
    browser.execute_script(
        "const it = document.getElementById(arguments[0]); it.value = arguments[1];"
        "it.dispatchEvent(new Event('input', {bubbles: true}))",
        name,
        value,
    )


WAIT_FOR_CANVASES = """
const done = arguments[arguments.length - 1];
(function look() {
  const all = [...document.querySelectorAll('canvas')];
  all.length && all.every(it => it.dataset.drawn) ? done(all.length) : requestAnimationFrame(look);
})();
"""


@pytest.mark.slow
def test_page_in_a_browser(browser, tmp_path):
    more = [case("random", "object", f"jar {number}", (0.5, 0.5), 3 + number) for number in range(30)]
    (tmp_path / "cases.html").write_text(write_page(CASES + more, NAMES, TABLE), encoding="utf-8")
    browser.get(f"file://{tmp_path / 'cases.html'}")
    shown = articles(browser)
    assert len(shown) == 20 and shown[0][0] == "gain", "the largest gain is first, the rest is for the button"
    browser.find_element("id", "more").click()
    assert len(articles(browser)) == 33 and not browser.find_element("id", "more").is_displayed()

    choose(browser, "order", "loss")
    assert articles(browser)[0] == ["loss", "object", "“</script><b>the jug”"]
    choose(browser, "first", "1")
    choose(browser, "second", "0")
    assert articles(browser)[0][0] == "gain", "with the models exchanged, the gain is the loss"
    choose(browser, "granularity", "part")
    assert articles(browser) == [["gain", "part", "“handle of the mug”"]]
    choose(browser, "granularity", "")
    choose(browser, "rule", "random")
    choose(browser, "words", "MUG")
    assert [text for _, _, text in articles(browser)] == ["“the mug”"]
    assert browser.find_element("id", "count").text == "1 of 33 cases"

    assert browser.execute_async_script(WAIT_FOR_CANVASES) == 4
    object_color = list(BY_GRANULARITY["object"])
    for canvas, place in ((1, 0.125), (2, 0.875), (3, 0.5)):  # as a share of the width
        pixel, outside = browser.execute_script(
            "const it = document.querySelectorAll('canvas')[arguments[0]], pen = it.getContext('2d');"
            "const at = x => [...pen.getImageData(x * it.width, it.height / 2, 1, 1).data];"
            "return [at(arguments[1]), at((arguments[1] + 0.35) % 1)]",
            canvas,
            place,
        )
        assert pixel[:3] == pytest.approx([(128 + value) / 2 for value in object_color], abs=3)
        assert outside[:3] == pytest.approx([179] * 3, abs=3), "paler"
    logged = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert not logged


@pytest.mark.slow
def test_browser_decodes_masks_as_we_do(browser, tmp_path):
    generator = np.random.default_rng(0)
    drawn = [generator.random((height, width)) > share for height, width, share in ((37, 53, 0.5), (64, 20, 0.99))]
    drawn += [np.zeros((5, 7), bool), np.ones((9, 4), bool)]
    (tmp_path / "cases.html").write_text(write_page(CASES, NAMES, TABLE), encoding="utf-8")
    browser.get(f"file://{tmp_path / 'cases.html'}")
    for mask in drawn:
        rle = masks.encode(mask)
        height, width = mask.shape
        for scale in (1, 2):
            cells = browser.execute_script(
                "return [...shrink(...arguments)]", rle["counts"], rle["size"], scale * height, scale * width
            )
            same = np.reshape(cells, (scale * height, scale * width))
            np.testing.assert_array_equal(same, np.kron(mask, np.ones((scale, scale), int)))
