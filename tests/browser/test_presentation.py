"""Pictures before an audience: slides by arrow keys, words drawn live, and the page as it was when it is left."""

from __future__ import annotations

from pages import RunningStudio, Visits
from playwright.sync_api import Page, expect

HOSTILE = "<img src=x onerror=alert(1)> an owl"


def drawn(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#frame img")).to_have_attribute("alt", prompt)


def test_slides_turn_by_keys_and_leaving_shows_the_page_as_it_was(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    for prompt in ("a fox", HOSTILE, "a red house"):
        drawn(page, prompt)
    page.locator("#text-to-image-prompt textarea").fill("not sent yet")
    page.locator("#present").click()
    caption, place = page.locator("#presentation .caption"), page.locator("#presentation .place")
    expect(caption).to_have_text("a red house")
    expect(place).to_have_text("1 / 3")
    expect(page.locator("#presentation footer > .badges")).to_contain_text("AI-generated")
    page.keyboard.press("ArrowRight")
    expect(caption).to_have_text(HOSTILE)
    assert page.locator("#presentation .caption img").count() == 0
    page.keyboard.press("End")
    expect(caption).to_have_text("a fox")
    expect(page.locator("#presentation .on")).to_be_disabled()
    page.keyboard.press("Home")
    expect(place).to_have_text("1 / 3")
    page.keyboard.press("Control+Enter")  # nothing of the form behind it is sent
    page.keyboard.press("Escape")
    expect(page.locator("#presentation")).to_be_hidden()
    expect(page.locator("#text-to-image-prompt textarea")).to_have_value("not sent yet")
    expect(page.locator("#strip .tile")).to_have_count(3)


def test_words_are_drawn_live_and_leaving_cancels_nothing(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    page.locator("#present").click()
    page.locator("#presentation .switch [data-mode=live]").click()
    words = page.locator("#presentation-prompt")
    words.press("Enter")
    expect(page.locator("#presentation .told")).to_contain_text("Say what the picture should show")
    words.fill("a blue boat")
    words.press("Enter")
    expect(page.locator("#presentation figure img")).to_have_attribute("alt", "a blue boat")
    expect(page.locator("#presentation figcaption .badges")).to_contain_text("AI-generated")
    words.fill("a green hill")
    words.press("Enter")
    expect(page.locator("#presentation figure")).to_have_count(1)
    page.locator("#presentation [data-leave]").click()
    expect(page.locator("#frame img")).to_have_attribute("alt", "a green hill")
    page.wait_for_function("!document.fullscreenElement")
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("window.present()")  # it comes back as it was left, words and all
    expect(words).to_have_value("a green hill")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#presentation [data-leave]").click()
