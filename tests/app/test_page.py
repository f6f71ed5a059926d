# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The page in headless Chromium: Debian's packages `chromium` and `chromium-driver`, with gradio and selenium.

Where the environment names a folder in UNIRES_SCREENSHOTS, `app.png` is written there.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from unires_hf.app import write_space
from unires_hf.app.examples import write_examples

pytest.importorskip("gradio", reason="the page needs gradio: pip install 'unires-hf[app]'")
pytest.importorskip("selenium", reason="the browser is driven by selenium: pip install selenium")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("needs Debian's packages chromium and chromium-driver", allow_module_level=True)

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from unires_hf.app.page import build_page, open_page
from unires_hf.inference.segmenter import Segmenter
from unires_hf.photographs import FOLDER, SAID

PATIENCE = 180  # seconds; a laptop takes two
SWITCHES = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update "
    "disable-sync disable-dev-shm-usage window-size=1280,1080"
)


@pytest.fixture(scope="module")
def calls() -> Counter:
    """How often the vision encoder and the whole model ran."""
    return Counter()


@pytest.fixture(scope="module")
def address(calls: Counter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    segmenter = Segmenter.from_pretrained("default")
    segmenter.model.vision_model.register_forward_hook(lambda *_: calls.update(["vision"]))
    segmenter.model.register_forward_hook(lambda *_: calls.update(["model"]))
    folder = tmp_path_factory.mktemp("app")
    page = build_page(segmenter, "default", write_examples(folder), folder, {})
    yield open_page(page, prevent_thread_lock=True, quiet=True)
    page.close()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chromium(downloads: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in [*SWITCHES.split(), f"user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(f"--{switch}")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    browser = Chrome(options, ChromeService(shutil.which("chromedriver")))
    browser.set_page_load_timeout(PATIENCE)
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium: Chrome, address: str) -> Chrome:
    chromium.get(address)
    until(chromium, lambda: find(chromium, ".gallery button"))
    return chromium


def until(browser: Chrome, condition: Callable[[], object]) -> object:
    # The page may draw a part of itself anew between finding it and reading it.
    wait = WebDriverWait(browser, PATIENCE, ignored_exceptions=[StaleElementReferenceException])
    return wait.until(lambda _: condition())


def find(browser: Chrome, selector: str) -> list:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def legend(browser: Chrome) -> list[list[str]]:
    lines = "return [...document.querySelectorAll('.legend li')].map(one => one.innerText)"
    return [line.splitlines() for line in browser.execute_script(lines)]


def press(browser: Chrome, label: str) -> None:
    def pressed() -> bool:
        button = next((button for button in find(browser, "button") if button.text == label), None)
        if button is not None:
            button.click()
        return button is not None

    until(browser, pressed)


def downloaded(browser: Chrome, folder: Path) -> dict[str, np.ndarray]:
    """The masks that the button gives, by the files' names."""
    press(browser, "Download masks")
    path = until(browser, lambda: next(folder.glob("*.zip"), None))
    with ZipFile(path) as archive:
        masks = {name: np.asarray(Image.open(archive.open(name))) > 0 for name in archive.namelist()}
    path.unlink()
    return masks


def count(masks: dict[str, np.ndarray]) -> int:
    """The pixels inside."""
    return sum(mask.sum() for mask in masks.values())


def test_an_example_is_segmented_and_thresholded(
    browser: Chrome, address: str, calls: Counter, downloads: Path
) -> None:
    find(browser, ".gallery button")[0].click()
    until(browser, lambda: legend(browser))
    assert [line[0] for line in legend(browser)] == list(next(iter(SAID.values())))
    assert calls == {"vision": 1, "model": 1}
    before = downloaded(browser, downloads)
    name, text = next(iter(SAID.items()))
    assert [name[:3] for name in before] == [f"{number:02}-" for number in range(1, len(text) + 1)]
    shape = np.asarray(Image.open(FOLDER / name)).shape[:2]
    assert {mask.shape for mask in before.values()} == {shape} and count(before) > 0
    until(browser, lambda: browser.execute_script("return [...document.images].every(one => one.naturalWidth)"))
    if folder := os.environ.get("UNIRES_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(Path(folder) / "app.png"))

    old = legend(browser)
    number = find(browser, "input[type=number]")[0]
    number.send_keys(Keys.CONTROL, "a")
    number.send_keys("0.9", Keys.TAB)
    until(browser, lambda: legend(browser) != old)
    until(browser, lambda: count(downloaded(browser, downloads)) < count(before))
    assert calls == {"vision": 1, "model": 1}

    box = find(browser, "textarea")[0]
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("the yellow bus\nits <b>wheels")
    press(browser, "Segment")
    until(browser, lambda: [line[0] for line in legend(browser)] == ["the yellow bus", "its <b>wheels"])
    assert calls == {"vision": 1, "model": 2}

    elsewhere = "return performance.getEntriesByType('resource').map(one => one.name).filter(one => !one.startsWith"
    assert browser.execute_script(f"{elsewhere}(arguments[0]))", address) == []


def test_mistakes_are_sentences(browser: Chrome, tmp_path: Path) -> None:
    def told(sentence: str) -> bool:
        return any(sentence in toast.text for toast in find(browser, ".toast-body"))

    press(browser, "Segment")
    until(browser, lambda: told("Choose a picture first"))
    picture, text = tmp_path / "gray.png", tmp_path / "text.png"
    Image.new("L", (40, 30), 128).save(picture)
    text.write_text("no picture")
    find(browser, "input[type=file]")[0].send_keys(str(picture))
    until(browser, lambda: find(browser, "img[src*='gray.png']"))
    press(browser, "Segment")
    until(browser, lambda: told("Write at least one expression"))
    until(browser, lambda: find(browser, "button[aria-label='Remove Image']"))[0].click()
    until(browser, lambda: find(browser, "input[type=file]"))[0].send_keys(str(text))
    until(browser, lambda: find(browser, "img[src*='text.png']"))
    press(browser, "Segment")
    until(browser, lambda: told("text.png is no picture that can be read"))


def test_the_space_runs_on_its_own(chromium: Chrome, tmp_path: Path) -> None:
    folder = write_space(tmp_path / "space")
    environment = os.environ | {"PYTHONPATH": "", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "app.py"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            address = next(line for line in server.stdout if "URL:" in line).split()[-1]
            chromium.get(address)
            until(chromium, lambda: find(chromium, ".gallery button"))[0].click()
            until(chromium, lambda: len(legend(chromium)) == len(next(iter(SAID.values()))))
        finally:
            server.terminate()
