"""The review bench on the page, in front of the small studio: covered pictures, keys, undo, two reviewers, the report."""

from __future__ import annotations

import re

import pytest
from pages import RunningStudio, Visits
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def page(toy: RunningStudio, visit: Visits) -> Page:
    return visit(toy.url)


def flag(page: Page, *prompts: str) -> None:
    """Draw pictures that the small studio sends to review."""
    page.get_by_role("tab", name="Text to image", exact=True).click()
    for prompt in prompts:
        page.locator("#text-to-image-prompt textarea").fill(f"flag {prompt}")
        page.locator("#sheet-text-to-image .generate").click()
        expect(page.locator("#frame img")).to_have_attribute("alt", f"flag {prompt}", timeout=20_000)


def review(page: Page) -> Locator:
    page.get_by_role("tab", name="Review", exact=True).click()
    look_at(page, "queue")
    queue = page.locator(".review [data-list] li")
    expect(queue.first).to_be_visible()
    return queue


def choose(page: Page, prompt: str) -> None:
    page.locator(".review [data-list] li", has_text=f"flag {prompt}").locator("button").click()
    shown(page, prompt)


def shown(page: Page, prompt: str) -> None:
    expect(page.locator(".review .told .prompt")).to_have_text(f"flag {prompt}")


def look_at(page: Page, view: str) -> None:
    page.locator(f".review [data-view={view}]").click()


def waits(page: Page, prompt: str) -> Locator:
    return page.locator(".review [data-list] li", has_text=f"flag {prompt}")


def test_a_flagged_picture_waits_covered_with_its_reasons(page: Page) -> None:
    flag(page, "a covered lamp")
    review(page)
    choose(page, "a covered lamp")
    box = page.locator(".review .picture-box")
    expect(box.locator("img")).to_have_css("filter", re.compile(r"blur"))
    expect(page.locator(".review .reasons li").first).to_contain_text("The prompt asks for gore.")
    expect(page.locator(".review .reasons li").nth(1)).to_contain_text("picture.nudity, score 0.82, falconsai 1")
    box.get_by_role("button", name="Show the picture").click()
    expect(box.locator("img")).to_have_css("filter", "none")
    page.reload()
    review(page)
    choose(page, "a covered lamp")
    expect(page.locator(".review .picture-box img")).to_have_css("filter", re.compile(r"blur"))


def test_decisions_by_keyboard_and_taken_back(page: Page) -> None:
    flag(page, "a first tower", "a second tower")
    review(page)
    choose(page, "a first tower")
    page.locator(".review .told").click()
    page.keyboard.press("Space")
    expect(page.locator(".review .picture-box img")).to_have_css("filter", "none")
    page.keyboard.press("a")
    expect(page.locator(".review [data-said]")).to_have_text("Approved. Undo takes it back.")
    expect(waits(page, "a first tower")).to_have_count(0)
    shown(page, "a second tower")
    page.keyboard.press("u")
    expect(page.locator(".review [data-said]")).to_have_text("Taken back.")
    shown(page, "a first tower")
    page.keyboard.press("j")
    shown(page, "a second tower")
    page.keyboard.press("k")
    shown(page, "a first tower")


def test_a_note_may_hold_the_letters_that_decide(page: Page) -> None:
    flag(page, "a note on a wall")
    review(page)
    choose(page, "a note on a wall")
    page.locator("#review-note").fill("")
    page.locator("#review-note").press_sequentially("are you sure, jaeger")
    expect(waits(page, "a note on a wall")).to_have_count(1)
    page.get_by_role("button", name="Escalate").click()
    expect(page.locator(".review [data-said]")).to_contain_text("Escalated.")
    choose(page, "a note on a wall")
    expect(page.locator(".review .told")).to_contain_text("escalated by alice: are you sure, jaeger")
    page.get_by_role("button", name="Reject").click()
    expect(waits(page, "a note on a wall")).to_have_count(0)


def test_what_somebody_else_looks_at_cannot_be_decided(page: Page) -> None:
    flag(page, "held by another")
    review(page)
    choose(page, "held by another")
    expect(page.locator(".review [data-said]")).to_have_text("Bob is looking at this picture.")
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    page.locator(".review .told").click()
    page.keyboard.press("a")
    expect(page.locator(".review [data-said]")).to_contain_text("Bob is looking at this picture.")
    expect(waits(page, "held by another")).to_have_count(1)


def test_the_report_shows_the_days_as_plots(page: Page) -> None:
    flag(page, "a reported hill")
    review(page)
    look_at(page, "report")
    expect(page.locator(".report .figures div")).to_have_count(4)
    expect(page.locator(".report .plot")).to_have_count(4)
    expect(page.locator(".report .columns").first.locator("li")).to_have_count(14)
    expect(page.locator(".report .columns").first.locator("li").last).to_have_attribute(
        "title", re.compile("26 Nov: 16 passed")
    )
    look_at(page, "queue")
    expect(page.locator(".review .queue")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_nothing_sticks_out(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    flag(page, f"a field of {width} flowers, " + "a prompt that does not end soon " * 5 + "end")
    review(page)
    for view in ("queue", "report"):
        look_at(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_report_finds_what_was_flagged_by_reason(page: Page) -> None:
    flag(page, "a searched tower")
    page.get_by_role("tab", name="Review", exact=True).click()
    look_at(page, "report")
    rows = page.locator(".review [data-found] tr")
    expect(rows.filter(has_text="flag a searched tower")).to_contain_text("prompt.gore, picture.nudity")
    page.locator(".review [data-filter=state]").select_option("escalated")
    expect(rows.filter(has_text="flag a searched tower")).to_have_count(0)
    page.locator(".review [data-filter=state]").select_option("pending")
    page.locator(".review [data-filter=reason]").select_option("prompt.gore")
    expect(rows.filter(has_text="flag a searched tower")).to_contain_text("waits for a review")
