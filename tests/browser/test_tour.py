"""The tour of a new user: a first picture, its evidence, models, providers; it shows itself once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pages import RunningStudio, ready
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def newcomer(chromium: Browser, toy: RunningStudio) -> Iterator[Page]:
    window = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = window.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(toy.url)
    yield ready(page)
    window.close()
    assert errors == []


def test_four_steps_lead_from_a_first_picture_to_the_providers_and_do_not_come_again(newcomer: Page) -> None:
    page, card = newcomer, newcomer.locator("#tour")
    go = card.locator(".go")
    expect(card.locator("b")).to_have_text("Draw a first picture")
    assert page.evaluate("document.activeElement.closest('#tour')") is None  # it takes no focus
    go.click()
    expect(card.locator("b")).to_have_text("Every picture carries its proof", timeout=30_000)
    expect(page.locator("#frame img")).to_have_attribute("alt", "a red sailboat on the sea at sunset")
    go.click()
    expect(page.locator("#verdicts .verdict")).to_be_visible()
    expect(card.locator("p")).to_contain_text("a signal, never proof")
    go.click()
    expect(card.locator("b")).to_have_text("Bring your own models")
    expect(page.locator("#tab-models-button.tour-here")).to_be_visible()
    go.click()
    expect(card.locator("small")).to_have_text("4 of 4")
    go.click()
    expect(card).to_have_count(0)
    page.reload()
    ready(page)
    expect(page.locator("#strip .tile")).to_have_count(1)
    expect(card).to_have_count(0)
