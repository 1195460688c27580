"""The library page with twelve hundred pictures: scrolled, searched, marked, put together, brought in and packed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import TOY, RunningStudio, Visits, ready
from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser, Locator, Page, Route, expect

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def full(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The small studio with a full library."""
    running = RunningStudio(tmp_path_factory.mktemp("full"), TOY, "--pictures", "1200").start()
    yield running
    running.stop()


def opened(visit: Visits, full: RunningStudio, *, width: int = 1440, anew: bool = False) -> Page:
    page = visit(full.url, width=width, anew=anew)
    page.evaluate("document.getElementById('tab-library-button').click()")
    page.locator("#library-side [data-place=all]").click()
    page.get_by_label("Search pictures").fill("")
    page.wait_for_timeout(200)  # a search begins when nothing is typed for 160 ms
    settled(page)
    return page


def settled(page: Page) -> None:
    """All of the pictures are shown and counted."""
    expect(page.locator("#library .library")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#library [data-part=count]")).to_contain_text("1\u202f19")
    expect(shot(page, "row-001199")).to_be_visible()


def count(page: Page, text: str) -> None:
    expect(page.locator("#library [data-part=count]")).to_have_text(text)


def shot(page: Page, id: str) -> Locator:
    return page.locator(f'.shot[data-id="{id}"]')


def said(page: Page, text: str) -> None:
    expect(page.locator("#library [data-part=said]")).to_contain_text(text)


def test_any_place_is_reached_with_few_tiles_and_all_of_it_survives_a_reload(visit: Visits, full: RunningStudio) -> None:
    page = opened(visit, full)
    scroller = page.locator("#library .scroll")
    scroller.evaluate("(box) => (box.scrollTop = box.scrollHeight)")
    expect(shot(page, "row-000000")).to_be_visible()
    scroller.evaluate("(box) => (box.scrollTop = box.scrollHeight / 2)")
    expect(shot(page, "row-001199")).to_have_count(0)
    expect(page.locator('.shot[data-id=""]')).to_have_count(0)
    assert page.locator(".shot").count() < 90
    page.get_by_label("Search pictures").fill("harbour lighthouse")
    count(page, "30 pictures")
    page.locator("#library-side [data-filter=model]").select_option("local:turbo")
    expect(page.locator("#library-side [data-part=filtered]")).to_have_text("1")
    page.get_by_label("Search pictures").fill("")
    count(page, "108 pictures")
    scroller.evaluate("(box) => (box.scrollTop = 2000)")
    page.locator(".shot[data-id^=row]").nth(12).click()
    chosen = page.locator('.shot[aria-pressed="true"]').get_attribute("data-id")
    told = page.locator("#library [data-part=count]").text_content()
    page.wait_for_function("() => sessionStorage.getItem('studio-library')?.includes('row-')")
    page.reload()
    ready(page).evaluate("document.getElementById('tab-library-button').click()")
    expect(page.locator('.shot[aria-pressed="true"]')).to_have_attribute("data-id", chosen or "")
    count(page, told or "")
    assert page.locator("#library .scroll").evaluate("(box) => box.scrollTop") > 1000
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#library [data-part=count]")).to_contain_text("1\u202f19")


def test_deleting_and_taking_back_far_down_leaves_one_there(visit: Visits, full: RunningStudio) -> None:
    page = opened(visit, full)
    scroller = page.locator("#library .scroll")
    scroller.evaluate("(box) => (box.scrollTop = box.scrollHeight / 2)")
    tile = shot(page, "row-000600")
    tile.locator(".mark").click()
    place = scroller.evaluate("(box) => box.scrollTop")
    assert place > 10_000
    page.keyboard.press("Delete")
    said(page, "1 picture in the trash.")
    expect(tile).to_have_count(0)
    assert scroller.evaluate("(box) => box.scrollTop") == place
    page.get_by_role("button", name="Undo").click()
    expect(tile).to_be_visible()
    assert scroller.evaluate("(box) => box.scrollTop") == place


def test_what_is_found_is_shown_before_it_is_counted(visit: Visits, full: RunningStudio) -> None:
    page = opened(visit, full)
    held: list[Route] = []
    counted = [True]

    def hold(route: Route) -> None:
        held.append(route) if counted and "library_news" in (route.request.post_data or "") else route.continue_()

    page.route(re.compile("component_server"), hold)
    before = page.locator("#library [data-part=count]").inner_text()
    page.locator("#library-search").fill("take 7")
    expect(page.locator("#library .shot[aria-label*='take 7']").first).to_be_visible()
    assert page.locator("#library [data-part=count]").inner_text() == before  # it is still being counted
    counted.clear()
    for route in held:
        route.continue_()
    page.unroute(re.compile("component_server"))
    expect(page.locator("#library [data-part=count]")).not_to_have_text(before)
    page.locator("#library-search").fill("")
    expect(page.locator("#library [data-part=count]")).to_have_text(before)


def test_many_are_selected_rated_tagged_collected_deleted_and_undone(visit: Visits, full: RunningStudio) -> None:
    page = opened(visit, full)
    tiles = [shot(page, f"row-00{number}") for number in (1199, 1198, 1197, 1196)]
    tiles[0].click()
    tiles[3].click(modifiers=["Shift"])
    tiles[1].click(modifiers=["Control"])
    expect(page.locator("#library [data-part=chosen]")).to_have_text("3 selected")
    page.keyboard.press("5")
    expect(tiles[3].locator(".rated")).to_have_text("★ 5")
    expect(tiles[1].locator(".rated")).not_to_have_text("★ 5")
    page.get_by_role("button", name="Undo").click()
    said(page, "as they were")
    expect(tiles[3].locator(".rated")).not_to_have_text("★ 5")
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("A new tag").fill(HOSTILE)
    page.keyboard.press("Enter")
    said(page, f"3 pictures tagged “{HOSTILE}”")
    page.locator("#library-side [data-filter=tag]").select_option(HOSTILE)
    count(page, "3 pictures")
    page.get_by_role("button", name="Clear filters").click()
    settled(page)
    tiles[0].focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#library [data-part=chosen]")).to_have_text("2 selected")
    page.get_by_role("button", name="Board", exact=True).click()
    page.get_by_label("A new board", exact=True).fill(f"Two {HOSTILE}")
    page.get_by_role("button", name="Make it").click()
    board = page.locator("#library-side [data-board]", has_text="Two")
    expect(board.locator("i")).to_have_text("2")
    board.click()
    count(page, "2 pictures")
    expect(page.locator('.shot[data-id^="row"]')).to_have_count(2)
    page.locator(".shot").first.focus()
    before = page.locator(".shot").first.get_attribute("data-id")
    page.keyboard.press("Alt+ArrowRight")
    said(page, "1 picture moved.")
    expect(page.locator('.shot[data-index="1"]')).to_have_attribute("data-id", before or "")
    page.get_by_role("button", name="Delete board").click()
    said(page, "its pictures stay")
    expect(board).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(board).to_have_count(1)
    assert page.title() != "1"


def test_a_picture_is_looked_at_noted_and_reused(visit: Visits, full: RunningStudio) -> None:
    page = opened(visit, full)
    shot(page, "row-001199").focus()
    page.keyboard.press("Enter")
    look = page.locator("#library-look")
    expect(look.locator(".tree .leaf")).to_have_count(2)
    expect(look.locator(".told .prompt")).to_contain_text("take 1199")
    page.keyboard.press("ArrowRight")
    expect(look.locator(".told .prompt")).to_contain_text("take 1198")
    page.keyboard.press("3")
    expect(look.locator(".stars [data-on]")).to_have_count(3)
    look.get_by_label("New tag").fill("cover")
    page.keyboard.press("Enter")
    expect(look.locator(".chip")).to_contain_text("cover")
    look.get_by_label("Note").fill("zanzibar")
    look.get_by_role("button", name="Close").click()
    page.get_by_label("Search pictures").fill("zanzibar")
    count(page, "1 picture")
    shot(page, "row-001198").dblclick()
    expect(look.get_by_label("Note")).to_have_value("zanzibar")
    look.get_by_role("button", name="Share copy …").click()
    expect(page.locator("#share")).to_be_visible()
    page.locator("#share").get_by_role("button", name="Close").click()
    shot(page, "row-001198").dblclick()
    look.get_by_role("button", name="Reuse all").click()
    expect(page.locator(".desk")).to_have_attribute("data-tab", "text-to-image")
    expect(page.locator("#sheet-text-to-image .field-prompt textarea")).to_have_value(re.compile("take 1198"))


def test_pictures_come_in_marked_and_go_out_whole(visit: Visits, full: RunningStudio, tmp_path: Path) -> None:
    page = opened(visit, full)
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", f"a walrus {HOSTILE}\nSteps: 12, Seed: 77, Size: 640x480, Model: seaside")
    Image.new("RGB", (640, 480), "teal").save(tmp_path / "walrus.png", pnginfo=text)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page.locator("#library-files").set_input_files([tmp_path / "walrus.png", tmp_path / "broken.png"])
    said(page, "1 brought in. broken.png: ")
    tile = page.locator(".shot").first
    expect(tile).to_have_attribute("aria-pressed", "true")
    expect(tile.locator(".badge-state")).to_have_text("imported")
    expect(tile.locator("img")).to_have_attribute("src", re.compile("thumbs"))
    page.locator("#library-files").set_input_files([tmp_path / "walrus.png"])
    said(page, "1 was here already.")
    page.get_by_label("Search pictures").fill("walrus")
    count(page, "1 picture")
    page.get_by_role("button", name="Select all").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    with zipfile.ZipFile(download.value.path()) as file:
        (picture,) = json.loads(file.read("manifest.json"))["pictures"]
        assert file.read(picture["file"]) == (tmp_path / "walrus.png").read_bytes()
    assert picture["request"]["prompt"] == f"a walrus {HOSTILE}"
    assert picture["request"]["sampling"]["steps"] == 12
    page.keyboard.press("Escape")
    page.locator(".shot").first.click()
    page.keyboard.press("Delete")
    said(page, "1 picture in the trash.")
    expect(page.locator("#library .none b")).to_have_text("No picture fits.")
    page.locator("#library-side [data-place=trash]").click()
    expect(page.locator(".shot img")).to_have_attribute("src", re.compile("thumbs"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#library .none")).to_be_visible()
    assert page.title() != "1"


def test_on_a_phone_nothing_sticks_out_and_the_filters_wait_folded(visit: Visits, full: RunningStudio) -> None:
    page = opened(visit, full, width=390, anew=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("#library-side details.filters")).not_to_have_attribute("open", "")
    shot(page, "row-001199").locator(".mark").click()
    bar = page.locator("#library .bar")
    expect(bar).to_be_visible()
    place = bar.bounding_box()
    assert place
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 390
    shot(page, "row-001198").dblclick()
    expect(page.locator("#library-look .told .prompt")).to_contain_text("take 1198")
    assert page.evaluate("document.getElementById('library-look').scrollWidth") <= 390
