"""The Verify tab and the share dialog, driven as a user does."""

import io
from pathlib import Path

import pytest
from pages import RunningStudio, Visits
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
SETTINGS = (
    "a lighthouse in the fog\nNegative prompt: birds\nSteps: 17, Sampler: Euler, CFG scale: 4.5, Seed: 77, Size: 128x128"
)


def a_file(name: str, text: str = "") -> dict[str, object]:
    file, texts = io.BytesIO(), PngInfo()
    if text:
        texts.add_text("parameters", text)
    Image.radial_gradient("L").resize((96, 64)).save(file, "PNG", pnginfo=texts)
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def open_verify(page: Page) -> None:
    page.evaluate("document.getElementById('tab-verify-button').click()")
    expect(page.locator("#verdicts .empty")).to_be_visible()


def test_a_dropped_file_is_examined_and_its_settings_fill_a_tab(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url, anew=True)
    open_verify(page)
    page.locator("#verify-files input[type=file]").set_input_files([a_file("old.png", SETTINGS)])
    expect(page.locator(".verdict h2")).to_contain_text("Likely AI-generated")
    expect(page.locator(".verdict img")).to_be_visible()
    expect(page.locator(".rows").first).to_contain_text("a lighthouse in the fog")
    expect(page.locator("#verdicts")).to_contain_text("A signal, never proof")
    page.locator(".uses button", has_text="Text to image").click()
    expect(page.locator("#text-to-image-prompt textarea")).to_have_value("a lighthouse in the fog")
    expect(page.locator("#text-to-image-seed input")).to_have_value("77")


def test_many_files_become_a_table_with_a_csv(toy: RunningStudio, visit: Visits, tmp_path: Path) -> None:
    page = visit(toy.url, anew=True)
    open_verify(page)
    note = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    page.locator("#verify-files input[type=file]").set_input_files([a_file("a.png"), note, a_file("c.png", SETTINGS)])
    expect(page.locator(".files tbody > tr")).to_have_count(3)
    expect(page.locator(".files")).to_contain_text("note.txt is not a picture")
    with page.expect_download() as got:
        page.locator("#verify-csv").click()
    got.value.save_as(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().count("\n") == 4
    page.locator(".files summary", has_text="c.png").click()
    expect(page.locator(".files details[open] .verdict")).to_be_visible()


def test_calibration_and_report_answer_on_the_page(toy: RunningStudio, visit: Visits, tmp_path: Path) -> None:
    page = visit(toy.url, anew=True)
    open_verify(page)
    page.locator("#verify-calibrate button", has_text="Calibrate on my photos").click()
    page.get_by_label("Folder of your photos").fill("/nowhere/at/all")
    page.locator("#verify-calibrate-go").click()
    expect(page.locator("#verdicts")).to_contain_text("is not a folder")
    page.get_by_label("Folder of your photos").fill(str(tmp_path))
    page.locator("#verify-calibrate-go").click()
    expect(page.locator("#verdicts")).to_contain_text("300 photos against 60")
    page.locator("#verify-evaluate button", has_text="Detector report").click()
    page.locator("#verify-evaluate-go").click()
    expect(page.locator("#verdicts")).to_contain_text("The report.")


def test_the_report_fits_a_phone(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url, width=390, anew=True)
    open_verify(page)
    page.locator("#verify-files input[type=file]").set_input_files([a_file("a.png", SETTINGS)])
    expect(page.locator(".verdict h2")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_kept_picture_is_sent_to_verify_and_shared_as_those_very_bytes(
    chromium: object, visit: Visits, tmp_path: Path
) -> None:
    studio = RunningStudio(tmp_path / "marked", marked=True).start()
    try:
        page = visit(studio.url, fresh=True)
        page.locator("#text-to-image-prompt textarea").fill("a red house at night")
        page.locator("#sheet-text-to-image .generate").click()
        expect(page.locator("#job-title")).to_contain_text("Done", timeout=120_000)
        expect(page.locator("#facts")).to_contain_text("c2pa")
        page.locator("[data-share]").click()
        link = page.locator("#share-download")
        expect(link).not_to_have_attribute("aria-disabled", "true", timeout=30_000)
        expect(page.locator("#share [data-list=stays]")).to_contain_text("AI-generated")
        expect(page.locator("#share [data-list=left_out]")).to_contain_text("Prompt")
        with page.expect_download() as got:
            link.click()
        copy = tmp_path / "copy.jpg"
        got.value.save_as(copy)
        page.keyboard.press("Escape")
        expect(page.locator("#share")).not_to_be_visible()
        assert b"a red house" not in copy.read_bytes()
        page.locator(".send button", has_text="Verify").click()
        expect(page.locator(".verdict h2")).to_contain_text("(declared)", timeout=60_000)
        page.locator("#verify-files input[type=file]").set_input_files(str(copy))
        expect(page.locator(".verdict .file")).to_have_text("copy.jpg", timeout=60_000)
        expect(page.locator(".verdict h2")).to_contain_text("(declared)")
        expect(page.locator(".verdicts .found")).to_be_visible()
        page.close()
    finally:
        studio.stop()
