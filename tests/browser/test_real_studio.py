"""The whole line in a browser: the real studio, its engine and the starter model."""

from __future__ import annotations

import re
from pathlib import Path

from pages import RunningStudio, Visits, ready, until
from PIL import Image
from playwright.sync_api import Page, expect

DONE, RUNNING = "#job[data-state=done]", "#job[data-state=running]"


def write(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)


def generate(page: Page, prompt: str) -> None:
    write(page, prompt)
    page.keyboard.press("Control+Enter")


def advanced(page: Page) -> None:
    page.locator("#text-to-image-advanced input").check()
    expect(page.locator("#text-to-image-steps")).to_be_visible()


def set_number(page: Page, field: str, value: int) -> None:
    box = page.locator(f"#text-to-image-{field} input[type=number]")
    box.fill(str(value))
    box.blur()


def start_long(page: Page, prompt: str) -> str:
    """A job of four pictures with 150 steps each, too long for any test, that is drawing; returns its id."""
    advanced(page)
    set_number(page, "steps", 150)
    set_number(page, "count", 4)
    generate(page, prompt)
    expect(page.locator(f"{RUNNING} #job-detail")).to_contain_text("of 600", timeout=60_000)
    return page.locator("#job").get_attribute("data-job") or ""


def test_a_prompt_becomes_a_kept_picture_that_downloads_byte_for_byte(
    studio: RunningStudio, visit: Visits, tmp_path: Path
) -> None:
    page = visit(studio.url)
    generate(page, "a red sailboat on the sea at sunset")
    expect(page.locator(f"{DONE} #job-title")).to_have_text("Done", timeout=90_000)
    shown = page.locator("#frame img")
    expect(shown).to_have_attribute("alt", "a red sailboat on the sea at sunset")
    assert shown.evaluate("image => image.naturalWidth") == 128
    with page.expect_download() as download:
        page.locator("#download").click()
    saved = tmp_path / "saved.png"
    download.value.save_as(saved)
    kept = next(path for path in studio.kept() if path.name == download.value.suggested_filename)
    assert saved.read_bytes() == kept.read_bytes()
    with Image.open(saved) as image:
        assert image.text["parameters"].startswith("a red sailboat on the sea at sunset\nNegative prompt: ")
        assert "studio_metadata" in image.text


def test_escape_cancels_the_running_job_and_keeps_nothing(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    before = studio.kept()
    start_long(page, "a green forest in the fog")
    expect(page.locator("#sheet-text-to-image .cancel")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#job[data-state=cancelled] #job-title")).to_have_text("Cancelled")
    assert studio.kept() == before


def test_a_reload_and_a_second_browser_find_the_running_job_and_its_progress(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    id = start_long(page, "two hot air balloons at dawn")
    page.reload()
    ready(page)
    other = visit(studio.url, fresh=True)
    for view in (page, other):
        expect(view.locator(f"#job[data-state=running][data-job='{id}'] #job-detail")).to_contain_text("of 600")
        expect(view.locator("#stage[data-view=preview] #frame img")).to_have_attribute(
            "src", re.compile("^data:image/jpeg;base64,")
        )
        expect(view.locator(f"#queue li[data-job='{id}'][data-state=running]")).to_be_visible()
    other.locator("#sheet-text-to-image .cancel").click()
    expect(page.locator("#job[data-state=cancelled]")).to_be_visible()


def test_several_generations_queue_up_and_all_are_kept(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    advanced(page)
    set_number(page, "steps", 3)
    set_number(page, "count", 1)
    before = len(studio.kept())
    write(page, "one blue square on a white background")
    for _ in range(3):
        page.locator("#sheet-text-to-image .generate").click()
    until(lambda: len(studio.kept()) >= before + 3, 90)  # the engine may be starting again after a job that was cancelled
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator("#queue .quiet").first).to_have_text("Nothing is waiting.")
    assert len(studio.kept()) == before + 3


def test_the_form_and_the_picture_are_there_after_a_restart_and_in_another_browser(tmp_path: Path, visit: Visits) -> None:
    studio = RunningStudio(tmp_path).start()
    try:
        page = visit(studio.url)
        advanced(page)
        set_number(page, "steps", 7)
        page.locator("#text-to-image-shape label", has_text="16:9").click()
        write(page, "a house in the snow, night, (moon:1.2)")
        expect(page.locator("#sheet-text-to-image .tokens [data-chunks]")).not_to_have_text("0 / 75 tokens")
        page.close()
        studio.stop()
        studio.start()
        again = visit(studio.url, fresh=True)
        expect(again.locator("#text-to-image-prompt textarea")).to_have_value("a house in the snow, night, (moon:1.2)")
        expect(again.locator("#text-to-image-steps input[type=number]")).to_have_value("7")
        expect(again.locator("#text-to-image-shape label.selected")).to_have_text("16:9")
        expect(again.locator("#text-to-image-advanced input")).to_be_checked()
        again.close()  # an open page would ask the stopped studio
    finally:
        studio.stop()
