"""What the policy does to the one who draws: a refused prompt, the trash, a ruling on a file, the switches and the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import RunningStudio, Visits
from playwright.sync_api import Page, expect


@pytest.fixture
def page(toy: RunningStudio, visit: Visits) -> Page:
    return visit(toy.url)


def draw(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#frame img")).to_have_attribute("alt", prompt)
    expect(page.locator("#facts .prompt")).to_have_text(prompt)


def test_a_blocked_prompt_keeps_its_words_and_says_why_at_the_prompt(page: Page) -> None:
    prompt = page.locator("#text-to-image-prompt textarea")
    prompt.fill("a forbidden scene")
    page.locator("#sheet-text-to-image .generate").click()
    problem = page.locator("#text-to-image-prompt .problem")
    expect(problem).to_have_text("The rule “gore” does not allow this prompt. Change it, or ask an admin.")
    expect(prompt).to_have_value("a forbidden scene")
    expect(prompt).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#queue li[data-state=blocked]")).to_contain_text("a forbidden scene")


def test_a_deleted_picture_leaves_and_comes_back_where_it_was(page: Page) -> None:
    draw(page, "a boat that is deleted")
    tile = page.locator(".tile[aria-label='a boat that is deleted']")
    page.locator("#facts [data-do=delete]").click()
    expect(page.locator("#stage[data-view=gone] .gone b")).to_have_text("This picture is in the trash.")
    expect(tile).to_have_count(0)
    expect(page.locator("#facts .prompt")).to_have_text("a boat that is deleted")
    page.locator("#facts [data-do=restore]").click()
    expect(page.locator("#frame img")).to_have_attribute("alt", "a boat that is deleted")
    expect(tile).to_have_count(1)
    expect(page.locator("#facts [data-do=delete]")).to_be_visible()


def test_a_picture_that_waits_for_a_review_says_so_and_is_not_shared(page: Page) -> None:
    draw(page, "flag a boat")
    expect(page.locator("#facts dd", has_text="waits for a review")).to_be_visible()
    page.locator("#facts [data-share]").click()
    expect(page.locator("#share output")).to_contain_text("This picture waits for a review.")
    expect(page.locator("#share-download")).to_have_attribute("aria-disabled", "true")


def test_an_examined_file_is_told_what_may_be_done_with_it(page: Page, toy: RunningStudio) -> None:
    draw(page, "a hill to be examined")
    page.get_by_role("tab", name="Verify", exact=True).click()
    page.locator("#verify-files input[type=file]").set_input_files(str(toy.kept()[-1]))
    expect(page.locator(".ruling")).to_contain_text("Publish with a label:")


def test_the_policys_switch_and_the_log(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Settings", exact=True).click()
    policy = page.locator("#settings-policy input")
    expect(policy).to_be_checked()
    policy.click()
    expect(page.locator("#audit-said")).to_contain_text("Nothing is checked by the policy")
    page.reload()
    page.get_by_role("tab", name="Settings", exact=True).click()
    expect(policy).not_to_be_checked()
    policy.click()
    page.locator("#audit-check").click()
    expect(page.locator("#audit-said")).to_contain_text("12 rows, all fit.")
    page.locator("#audit-jsonl").click()
    with page.expect_download() as download:
        page.locator("#audit-said a").click()
    assert download.value.suggested_filename == "audit.jsonl"
    assert Path(download.value.path()).read_text() == '{"seq": 1}\n'
