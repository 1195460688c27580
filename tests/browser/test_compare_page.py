"""Comparing, varying and grids in the browser: from a picture's buttons to what they show, still there after a reload."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pages import TOY, RunningStudio, Visits, ready
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(scope="module")
def small(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("small"), TOY).start()
    yield running
    running.stop()


def make(page: Page, prompt: str) -> None:
    before = page.locator("#strip .tile").count()
    page.locator("#text-to-image-prompt textarea").fill(prompt)
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#strip .tile")).to_have_count(before + 1)
    expect(page.locator("#facts .prompt")).to_have_text(prompt)


def scale(page: Page) -> str:
    return str(page.locator("#compare .panes").evaluate("box => box.style.getPropertyValue('--zoom')"))


def test_two_pictures_are_compared_from_their_buttons_and_stay_chosen(visit: Visits, small: RunningStudio) -> None:
    page = visit(small.url)
    make(page, "a red <img src=x onerror=document.title=1> house")
    make(page, "a blue house by the sea")
    page.locator("#facts [data-compare]").click()
    expect(page.locator("#compare .pane")).to_have_count(1)
    page.evaluate("document.getElementById('tab-text-to-image-button').click()")
    page.locator("#strip .tile").nth(1).hover()
    page.locator(".over-tile [data-compare]").click()
    expect(page.locator("#compare .pane img")).to_have_count(2)
    expect(page.locator("#compare [data-part=said]")).to_contain_text(" dB")
    expect(page.locator("#compare-choose ins")).to_have_text(["red <img src=x onerror=document.title=1>"])
    expect(page.locator("#compare-choose del")).to_have_text(["blue", "by the sea"])
    page.reload()
    ready(page)
    page.evaluate("document.getElementById('tab-compare-button').click()")
    expect(page.locator("#compare .pane img")).to_have_count(2)
    assert page.title() == "Studio"


def test_all_panes_zoom_together_by_wheel_keys_and_buttons(visit: Visits, small: RunningStudio) -> None:
    page = visit(small.url)
    page.evaluate("document.getElementById('tab-compare-button').click()")
    panes = page.locator("#compare .pane")
    expect(panes).to_have_count(2)
    panes.nth(1).hover()
    page.mouse.wheel(0, -400)
    expect(page.locator("#compare .zoom output")).not_to_have_text("Fit")
    one, other = (
        page.locator("#compare .look").nth(place).evaluate("look => getComputedStyle(look).transform") for place in (0, 1)
    )
    assert one == other != "none"
    before = scale(page)
    page.locator("#compare .panes").focus()
    page.keyboard.press("ArrowRight")
    assert scale(page) != before
    page.keyboard.press("0")
    expect(page.locator("#compare .zoom output")).to_have_text("Fit")


def test_the_slider_moves_by_arrow_keys_and_dragging_and_the_difference_is_shown(
    visit: Visits, small: RunningStudio
) -> None:
    page = visit(small.url)
    page.evaluate("document.getElementById('tab-compare-button').click()")
    page.get_by_role("button", name="Slider").click()
    range_ = page.get_by_role("slider", name="Where picture A ends and picture B begins")
    range_.focus()
    page.keyboard.press("ArrowLeft")
    expect(range_).to_have_value("49.5")
    box = page.locator("#compare .cut > i").bounding_box()
    assert box
    page.mouse.move(box["x"] + 22, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + 200)
    page.mouse.up()
    assert float(range_.input_value()) < 40
    page.locator("#compare [data-mode=heat]").click()
    expect(page.locator("#compare .pane img")).to_have_count(1)
    expect(page.locator("#compare .pane img")).to_have_attribute(
        "alt", "Where the two pictures differ: dark is equal, bright is far apart"
    )
    page.get_by_role("button", name="Side by side").click()
    expect(page.locator("#compare .pane img")).to_have_count(2)


def test_one_thing_is_changed_by_one_click_and_a_cell_goes_back_into_the_form(visit: Visits, small: RunningStudio) -> None:
    page = visit(small.url)
    page.locator("#strip .tile").first.click()
    page.locator("#facts [data-grid][data-axis=steps]").click()
    expect(page.locator("#grid-field-0")).to_have_value("steps")
    text = page.locator("#grid-text-0")
    expect(text).to_have_value("10, 15, 20, 30")
    text.fill("2, none")
    expect(page.locator("#grid-form .bad")).to_contain_text("“none” cannot be read")
    expect(page.locator("#grid-form .start")).to_be_disabled()
    text.fill("2, 3")
    expect(page.locator("#grid-form .takes")).to_contain_text("costs nothing, about")
    page.get_by_role("button", name="Make the grid · 2 pictures").click()
    expect(page.locator("#grid button.cell img")).to_have_count(2)
    page.get_by_role("button", name="Make the sheet").click()
    expect(page.get_by_role("link", name="Look at the sheet")).to_have_attribute("target", "_blank")
    page.locator("#grid button.cell").nth(1).click()
    expect(page.locator("#tab-text-to-image-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#text-to-image-steps input[type=number]")).to_have_value("3")


def test_vary_shows_four_and_more_like_this_four_more(visit: Visits, small: RunningStudio) -> None:
    page = visit(small.url)
    page.locator("#facts [data-do=vary]").click()
    expect(page.locator("#frame .picture[data-of]")).to_have_count(4)
    first = page.locator("#frame .picture").first.get_attribute("data-of")
    page.locator("#frame .picture").nth(2).hover()
    page.locator(".over-tile [data-do=vary]").click()
    expect(page.locator(f"#frame .picture[data-of='{first}']")).to_have_count(0)
    expect(page.locator("#frame .picture[data-of]")).to_have_count(4)
    expect(page.locator("#facts dd", has_text="0.25 of").first).to_contain_text(", 0.25 of")


@pytest.mark.parametrize("tab", ["compare", "grid"])
def test_it_fits_a_phone(visit: Visits, small: RunningStudio, tab: str) -> None:
    page = visit(small.url, width=390)
    page.evaluate(f"document.getElementById('tab-{tab}-button').click()")
    expect(page.locator(f"#{tab}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
