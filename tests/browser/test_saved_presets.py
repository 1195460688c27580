"""Presets saved, versioned, shared and taken back on the page; and what makes the page feel like an app."""

from __future__ import annotations

import re
from pathlib import Path

from pages import RunningStudio, Visits
from playwright.sync_api import Page, expect


def save(page: Page, title: str) -> None:
    page.locator("#presets [data-preset=new]").click()
    page.locator("#preset [name=title]").fill(title)
    page.locator("#preset [type=submit]").click()
    expect(page.locator("#presets .said")).to_contain_text(f"“{title}” is saved")


def generate(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#facts .prompt")).to_have_text(prompt)


def test_a_form_is_saved_versioned_shared_deleted_and_taken_back(toy: RunningStudio, visit: Visits, tmp_path: Path) -> None:
    page = visit(toy.url)
    said, mine = page.locator("#presets .said"), page.locator("#presets .card", has_text="Two moons")
    generate(page, "two moons <b>over</b> the sea")
    save(page, "Two moons")
    expect(mine).to_have_attribute("aria-pressed", "true")
    expect(mine.locator("img")).to_have_count(1)  # the picture on the stage
    page.locator("#text-to-image-prompt textarea").fill("three moons")
    save(page, "Two moons")
    expect(mine.locator("small")).to_have_text("v2")
    with page.expect_download() as download:
        page.locator("#presets [data-preset=share]").click()
    pack = tmp_path / download.value.suggested_filename
    download.value.save_as(pack)
    assert pack.name == "two-moons-v2.preset.zip"
    page.locator("#presets [data-preset=remove]").click()
    expect(mine).to_have_count(0)
    said.get_by_role("button", name="Undo").click()
    expect(mine.locator("small")).to_have_text("v2")
    page.locator("#preset input[type=file]").set_input_files(pack)
    expect(said).to_have_text("“Two moons” is here already, in version 2.")
    page.locator("#presets .cards").evaluate(
        """cards => { const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['title = "Dropped"'], "dropped.toml"));
        cards.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer })); }"""
    )
    expect(said).to_have_text("“Dropped” is saved.")
    expect(page.locator("#presets .card", has_text="Dropped")).to_be_visible()


def test_a_card_fills_the_form_of_another_task_and_lets_go_again(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    page.evaluate("document.getElementById('tab-inpaint-button').click()")
    page.locator("#presets-inpaint summary").click()
    card = page.locator("#presets-inpaint .card", has_text="Bold heart")
    card.click()
    prompt = page.locator("#inpaint-prompt textarea")
    expect(prompt).to_have_value("one red heart in the centre on a yellow background")
    expect(page.locator("#presets-inpaint .own b")).to_have_text("Bold heart v1")
    card.click()
    expect(card).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#presets-inpaint .own")).to_be_hidden()
    expect(prompt).to_have_value("one red heart in the centre on a yellow background")


def test_a_file_put_into_the_folder_appears_without_a_reload(toy: RunningStudio, visit: Visits) -> None:
    page, folder = visit(toy.url), toy.folder / "data" / "presets"
    (folder / "put-there.toml").write_text('title = "<i>Put</i> there"\ngroup = "Banner"\nprompt = "p"')
    (folder / "broken.toml").write_text("title = 5")
    expect(page.locator("#presets .card", has_text="<i>Put</i> there")).to_be_visible()
    expect(page.locator("#presets .faults")).to_have_text(
        "Preset broken.toml: title must be text, so put it in quotation marks."
    )
    page.locator("#presets").get_by_role("button", name="Banner", exact=True).click()
    shown = page.locator("#presets .card:not([hidden])")
    expect(shown.filter(has_text="there")).to_have_count(1)
    assert set(shown.evaluate_all("cards => cards.map((card) => card.dataset.in)")) == {"Banner"}
    page.locator("#presets").get_by_role("button", name="All", exact=True).click()
    (folder / "broken.toml").unlink()
    expect(page.locator("#presets .faults")).to_have_count(0)


def test_a_picture_is_dragged_out_as_its_own_file_and_a_long_job_rings(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    generate(page, "a fox to drag")
    for place in ("#frame .picture img", "#strip .tile img"):
        dragged = page.locator(place).first.evaluate(
            """image => { const dataTransfer = new DataTransfer();
            image.dispatchEvent(new DragEvent("dragstart", { bubbles: true, dataTransfer }));
            return dataTransfer.getData("DownloadURL"); }"""
        )
        kind, name, address = re.fullmatch(r"([^:]+):([^:]+):(http.+)", dragged).groups()  # type: ignore[union-attr]
        kept = next(path for path in toy.kept() if path.name == name)
        assert (kind, page.request.get(address).body()) == ("image/png", kept.read_bytes())
    bell = page.locator("#bell")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    page.evaluate(
        """() => { const now = performance.now.bind(performance); window.late = 0;
        performance.now = () => now() + window.late;
        document.addEventListener("studio-rang", (event) => { window.rang = event.detail; }); }"""
    )
    page.locator("#text-to-image-prompt textarea").fill("a slow fox")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#job[data-state=running]")).to_be_visible()
    page.evaluate("window.late = 60_000")
    page.wait_for_function("window.rang !== undefined")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")


def test_quit_closes_the_studio_and_says_so(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    page.evaluate("document.getElementById('tab-settings-button').click()")
    page.locator("#settings-quit").click()
    expect(page.locator("#settings-said")).to_contain_text("The studio is closed")
    expect(page.locator("body[data-lost]")).to_have_count(1)
    visit.errors.clear()  # the page asks on until the studio is there again
