"""Adapters on the page, in front of the small studio: search, weights, words, pictures, drafts, reuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import RunningStudio, Visits, ready, settled
from PIL import Image
from playwright.sync_api import Page, expect


@pytest.fixture
def page(toy: RunningStudio, visit: Visits) -> Page:
    page = visit(toy.url, anew=True)
    advanced = page.locator("#text-to-image-advanced input")
    if not advanced.is_checked():
        advanced.check()
    for remove in page.locator("#text-to-image-adapters .remove").all():
        remove.click()
    expect(rows(page)).to_have_count(0)
    return page


def rows(page: Page):
    return page.locator("#text-to-image-adapters .chosen > li")


def add(page: Page, name: str) -> None:
    page.locator("#text-to-image-adapters .add").click()
    page.locator("#text-to-image-adapters input[type=search]").fill(name)
    page.locator("#text-to-image-adapters .choice button", has_text=name).first.click()


def generate(page: Page) -> None:
    page.locator("#text-to-image-prompt textarea").fill("a red house")
    page.locator("#sheet-text-to-image .generate").click()


def test_a_search_finds_one_among_two_hundred_and_none_of_another_family(page: Page) -> None:
    page.locator("#text-to-image-adapters .add").click()
    choice = page.locator("#text-to-image-adapters .choice li")
    expect(choice).to_have_count(60)
    search = page.locator("#text-to-image-adapters input[type=search]")
    search.fill("style-117")
    expect(choice).to_have_count(1)
    search.fill("controlnet")
    expect(choice).to_have_text(["edges-cannyControlNet"])
    search.fill("another-family")
    expect(page.locator("#text-to-image-adapters .none")).to_contain_text("Nothing of that name")


def test_a_lora_with_weight_and_words_survives_a_reload_and_comes_back_with_reuse(page: Page) -> None:
    add(page, "evening-light")
    page.locator("#text-to-image-adapters .weight input[type=number]").fill("0.45")
    prompt = page.locator("#text-to-image-prompt textarea")
    prompt.fill("a red house")
    page.locator("#text-to-image-adapters .chips button", has_text="golden hour").click()
    expect(prompt).to_have_value("a red house, golden hour")
    settled(page).reload()
    ready(page)
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#text-to-image-adapters .weight input[type=number]")).to_have_value("0.45")
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#job[data-state=done]")).to_be_visible(timeout=30_000)
    page.locator("#text-to-image-adapters .remove").click()
    expect(rows(page)).to_have_count(0)
    page.locator("#facts [data-choose=reuse]").click()
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#text-to-image-adapters .weight input[type=range]")).to_have_value("0.45")


def test_a_controlnet_without_a_picture_is_said_at_its_place_and_with_one_its_edges_are_shown(
    page: Page, tmp_path: Path
) -> None:
    add(page, "edges-canny")
    generate(page)
    expect(page.locator("#text-to-image-adapters .problem")).to_contain_text("has no picture yet")
    picture = Image.new("RGB", (200, 160), "white")
    picture.paste("black", (60, 40, 140, 120))
    picture.save(tmp_path / "house.png")
    with page.expect_file_chooser() as chooser:
        page.locator("#text-to-image-adapters .well").click()
    chooser.value.set_files(tmp_path / "house.png")
    expect(page.locator("#text-to-image-adapters .well img")).to_be_visible()
    expect(page.locator("#text-to-image-adapters .made img")).to_be_visible()
    page.locator("#text-to-image-adapters select").select_option("depth")
    expect(page.locator("#text-to-image-adapters .made")).to_contain_text("is made when the picture is drawn")


def test_a_model_that_takes_none_has_no_such_section(page: Page) -> None:
    section = page.locator("#text-to-image-adapters .wardrobe")
    expect(section).to_be_visible()
    page.locator("#text-to-image-model input").click()
    page.get_by_role("option", name="Turbo").click()
    expect(section).to_be_hidden()
    page.locator("#text-to-image-model input").click()
    page.get_by_role("option", name="Starter").first.click()
    expect(section).to_be_visible()
