"""The page in a real browser: Chromium, where it is installed with its driver."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.web.conftest import HEIGHT, WIDTH, Served

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.actions.action_builder import ActionBuilder  # noqa: E402
from selenium.webdriver.common.actions.pointer_input import PointerInput  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium with ChromeDriver here (Debian: apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage "
        "--window-size=1100,800 "
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"
    ).split():
        options.add_argument(argument)
    chrome = webdriver.Chrome(options, webdriver.ChromeService(executable_path=driver))
    yield chrome
    chrome.quit()


class Page:
    """The open page, driven as a person drives it."""

    def __init__(self, browser: Any, served: Served) -> None:
        self.browser, self.served = browser, served
        browser.get(served.server.url)
        self.wait(lambda: browser.find_element(By.TAG_NAME, "body").get_attribute("data-ready"))
        self.canvas = self.find("view")

    def wait(self, condition: Callable[[], Any]) -> None:
        WebDriverWait(self.browser, 10, 0.05).until(lambda _: condition())

    def find(self, name: str) -> Any:
        return self.browser.find_element(By.ID, name)

    def script(self, text: str) -> Any:
        return self.browser.execute_script(text)

    def keys(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def control(self, key: str) -> None:
        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    def offset(self, x: float, y: float) -> tuple[int, int]:
        """Of a place in the picture, from the middle of the canvas."""
        view = self.script("return view")
        box = self.canvas.rect
        return (
            round(x * view["scale"] + view["x"] - box["width"] / 2),
            round(y * view["scale"] + view["y"] - box["height"] / 2),
        )

    def drag(self, *places: tuple[float, float], kind: str = "mouse") -> None:
        pointer = PointerInput(kind, f"{kind}{time.monotonic_ns()}")
        actions = ActionBuilder(self.browser, mouse=pointer, duration=20)
        first, *rest = places
        actions.pointer_action.move_to(self.canvas, *self.offset(*first)).pointer_down()
        for place in rest:
            actions.pointer_action.move_to(self.canvas, *self.offset(*place))
        actions.pointer_action.pointer_up()
        actions.perform()

    def click(self, x: float, y: float) -> None:
        self.drag((x, y))

    def labels(self) -> np.ndarray:
        return np.array(self.script("return [...labels]"), np.uint8).reshape(HEIGHT, WIDTH)

    def count(self, object_id: int) -> int:
        return int((self.labels() == object_id).sum())

    def save(self) -> np.ndarray:
        drawn = self.labels()
        self.find("save").click()
        self.wait(lambda: self.find("done").is_displayed())
        written = self.served.saved()
        assert np.array_equal(written, drawn)
        return written


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Page]:
    opened = Page(browser, served)
    yield opened
    problems = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    browser.execute_script("saved = true")  # lets the page go unasked
    assert not problems, json.dumps(problems)


def test_a_brush_stroke_is_saved_with_its_id(page: Page) -> None:
    page.keys("3")
    page.script("document.getElementById('size').value = 12")
    page.drag((30, 40), (60, 40), (90, 40))
    written = page.save()
    assert set(np.unique(written)) == {0, 3}
    rows, columns = (written == 3).nonzero()
    assert abs(rows.min() - 34) <= 1
    assert abs(rows.max() - 45) <= 1
    assert abs(columns.min() - 24) <= 1
    assert abs(columns.max() - 95) <= 1
    assert (written[40, 30:90] == 3).all()
    assert "vosctl segment clip --mask 0=first.png" in page.find("done-next").text


def test_erasing_undo_and_redo(page: Page) -> None:
    page.drag((30, 40), (90, 40))
    drawn = page.count(1)
    page.keys("e")
    page.drag((60, 20), (60, 60))
    left = page.count(1)
    assert 0 < left < drawn
    page.control("z")
    assert page.count(1) == drawn
    page.control("z")
    assert page.count(1) == 0
    page.control("y")
    page.control("y")
    assert page.count(1) == left
    page.find("undo").click()
    assert page.count(1) == drawn


def test_a_polygon_is_filled_exactly(page: Page) -> None:
    page.keys("p")
    for corner in [(20, 10), (100, 10), (100, 70), (20, 70)]:
        page.click(*corner)
    page.keys(Keys.ENTER)
    written = page.save()
    rows, columns = (written == 1).nonzero()
    assert abs(rows.min() - 10) <= 1
    assert abs(rows.max() - 69) <= 1
    assert abs(columns.min() - 20) <= 1
    assert abs(columns.max() - 99) <= 1
    assert (written == 1).sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_a_box_is_segmented_and_can_be_undone(page: Page) -> None:
    page.find("tools").find_element(By.CSS_SELECTOR, "[data-tool=box]").click()
    page.drag((40, 20), (80, 50))
    values = [int(page.find(f"box-{name}").get_attribute("value")) for name in "xywh"]
    assert np.abs(np.array(values) - (40, 20, 40, 30)).max() <= 1
    page.find("segment").click()
    page.wait(lambda: page.count(1))
    x, y, w, h = values
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[y + 1 : y + h - 1, x + 1 : x + w - 1] = True
    assert np.array_equal(page.labels() == 1, expected)
    page.control("z")
    assert page.count(1) == 0
    page.control("y")
    assert np.array_equal(page.save() == 1, expected)


def test_a_box_can_be_typed(page: Page) -> None:
    page.keys("r")
    for name, value in zip("xywh", (5, 6, 20, 10), strict=True):
        field = page.find(f"box-{name}")
        field.clear()
        field.send_keys(str(value))
    page.find("box-h").send_keys(Keys.ENTER)
    page.wait(lambda: page.count(1))
    assert page.count(1) == 18 * 8


def test_several_objects_and_those_left_alone(page: Page) -> None:
    page.drag((30, 40), (70, 40))
    first = page.count(1)
    page.find("add").click()
    page.keys("l")
    page.drag((50, 20), (50, 60))
    assert page.count(1) == first  # object 2 went around it
    second = page.count(2)
    assert second > 0
    page.keys("l")
    page.keys("n")
    page.drag((50, 20), (50, 60))
    assert page.count(1) < first
    assert page.count(2) == 0
    page.control("z")
    written = page.save()
    assert ((written == 1).sum(), (written == 2).sum()) == (first, second)


def test_zoomed_in_a_stroke_still_lands_under_the_pointer(page: Page) -> None:
    page.script("zoom(3)")
    page.script("document.getElementById('size').value = 4")
    page.drag((80, 48), (90, 48))
    rows, columns = (page.labels() == 1).nonzero()
    assert abs(rows.mean() + 0.5 - 48) < 1
    assert abs(columns.min() - 78) <= 1
    assert abs(columns.max() - 91) <= 1


def test_a_pen_and_a_finger_draw(page: Page) -> None:
    page.drag((30, 30), (60, 30), kind="pen")
    pen = page.count(1)
    assert pen > 0
    page.drag((30, 70), (60, 70), kind="touch")
    assert page.count(1) > pen


def test_the_frame_can_be_changed_and_the_mask_goes_along(page: Page) -> None:
    page.keys(Keys.ARROW_RIGHT)
    page.wait(lambda: page.find("frame").get_attribute("value") == "1")
    page.drag((30, 40), (70, 40))
    drawn = page.count(1)
    page.find("next").click()
    page.wait(lambda: page.find("moving").is_displayed())
    page.browser.find_element(By.CSS_SELECTOR, "#moving [value=take]").click()
    page.wait(lambda: page.find("frame").get_attribute("value") == "2")
    assert page.count(1) == drawn
    assert "drawn on frame 1. Fit it to frame 2" in page.find("save-note").text
    page.save()
    assert page.served.editor.frame == 2
    assert "--mask 2=first.png" in page.find("done-next").text


def primary(page: Page, inside: str) -> list[str]:
    """The texts of the primary buttons that are seen there."""
    found = page.browser.find_elements(By.CSS_SELECTOR, f"{inside} button.main")
    return [button.text.split("\n")[0] for button in found if button.is_displayed()]


def test_the_primary_button_belongs_to_the_frame_that_is_shown(page: Page) -> None:
    page.drag((30, 40), (70, 40))
    assert "goes to first.png" in page.find("save-note").text
    assert primary(page, "aside")[0].startswith("Save for frame 0")
    page.find("next").click()
    page.wait(lambda: page.find("moving").is_displayed())
    assert primary(page, "#moving") == ["Stay on frame 0"]
    page.keys(Keys.ENTER)
    page.wait(lambda: not page.find("moving").is_displayed())
    assert page.find("frame").get_attribute("value") == "0"
    page.find("next").click()
    page.wait(lambda: page.find("moving").is_displayed())
    page.browser.find_element(By.CSS_SELECTOR, "#moving [value=take]").click()
    page.wait(lambda: page.find("frame").get_attribute("value") == "1")
    page.wait(lambda: page.find("save").is_enabled())
    assert primary(page, "aside") == []
    assert page.find("save").text.startswith("Save all the same")
    page.drag((30, 60), (70, 60))
    assert primary(page, "aside")[0].startswith("Save for frame 1")
    page.control("z")
    assert primary(page, "aside") == []
    page.control("y")
    page.save()
    assert page.served.editor.frame == 1


@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (1024, 600)])
def test_the_save_button_is_seen_without_scrolling(
    browser: Any, served: Served, size: tuple[int, int]
) -> None:
    before = browser.get_window_size()
    browser.set_window_size(*size)
    try:
        page = Page(browser, served)
        for object_id in range(2, 9):
            page.keys(str(object_id))
        for tool in "bpr":
            page.keys(tool)
            box = page.script("return document.getElementById('save').getBoundingClientRect().toJSON()")
            assert box["top"] > 0
            assert box["bottom"] <= page.script("return innerHeight")
            is_hit = "document.elementFromPoint(arguments[0], arguments[1]).closest('#save') !== null"
            middle = (box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
            assert browser.execute_script(f"return {is_hit}", *middle)
    finally:
        browser.set_window_size(before["width"], before["height"])


def test_a_mask_that_was_there_is_shown(browser: Any, served: Served) -> None:
    served.editor.labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    served.editor.labels[5:50, 7:90] = 200
    page = Page(browser, served)
    assert np.array_equal(page.labels(), served.editor.labels)
    assert page.find("objects").text.startswith("Object 200")


def test_nothing_is_saved_while_nothing_is_drawn(page: Page, tmp_path: Path) -> None:
    assert not page.find("save").is_enabled()
    page.control("s")
    assert not page.served.editor.output.exists()
