"""The models page with two hundred models: found, added, removed, brought back; and it never jumps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pages import TOY, RunningStudio, Visits
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(scope="module")
def many(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The small studio with two hundred models more."""
    running = RunningStudio(tmp_path_factory.mktemp("many"), TOY, "--models", "200").start()
    yield running
    running.stop()


def opened(visit: Visits, many: RunningStudio, *, width: int = 1440, anew: bool = False) -> Page:
    page = visit(many.url, width=width, anew=anew)
    page.evaluate("document.getElementById('tab-models-button').click()")
    expect(page.locator("#models .model")).to_have_count(202)
    return page


def names(page: Page) -> list[str]:
    return page.locator("#models .model:not([hidden]) .name b").all_text_contents()


def test_two_hundred_models_are_searched_sifted_and_sorted(visit: Visits, many: RunningStudio) -> None:
    page = opened(visit, many)
    expect(page.locator("#models [data-part=count]")).to_contain_text("202 models")
    page.get_by_label("Search models").fill("pony flux")
    expect(page.locator("#models [data-part=count]")).to_contain_text(" of 202 models")
    found = page.locator("#models .model:not([hidden])")
    assert 0 < found.count() < 20
    assert {name.split()[0] for name in names(page)} <= {"Pony", "Dreamshaper", "Playground", "Juggernaut", "Animagine"}
    assert all("flux" in text.lower() for text in found.all_text_contents())
    page.get_by_label("Search models").fill("no such thing")
    expect(page.locator("#models .none")).to_be_visible()
    page.get_by_label("Search models").fill("")
    page.get_by_label("Family").select_option("Qwen-Image")
    assert set(page.locator("#models .model:not([hidden]) .family").all_text_contents()) == {"Qwen-Image"}
    page.get_by_label("Family").select_option("")
    page.get_by_label("Order").select_option("name")
    shown = [name.lower() for name in names(page)]
    assert shown == sorted(shown)


def test_a_model_is_removed_and_an_undo_brings_it_back(visit: Visits, many: RunningStudio) -> None:
    page = opened(visit, many)
    page.get_by_label("Search models").fill("animagine-100")
    row = page.locator("#models .model:not([hidden])")
    row.locator("summary").click()
    expect(row.locator("[data-hash]")).to_have_text("5d20c7f1" * 8, timeout=10_000)
    row.get_by_role("button", name="Move to trash").click()
    expect(page.locator("#models [data-said]")).to_contain_text("Animagine 100 is in the trash.")
    expect(row).to_have_count(0)
    expect(page.locator("#models [data-part=trash] b")).to_have_text("Animagine 100")
    page.get_by_role("button", name="Undo").click()
    expect(row).to_have_count(1)
    expect(page.locator("#models [data-part=trash] b")).to_have_count(0)


def test_a_download_moves_is_paused_resumed_and_given_up(visit: Visits, many: RunningStudio) -> None:
    page = opened(visit, many)
    page.locator("#models-text").fill("nonsense")
    page.locator("#models-add .generate").click()
    expect(page.locator("#models-add [role=alert]")).to_contain_text("names no model")
    page.locator("#models-text").fill("toys/turbo")
    page.keyboard.press("Enter")
    expect(page.locator("#models [data-said]")).to_have_text("toys/turbo is on its way.")
    item = page.locator("#models .downloads li", has_text="toys/turbo")
    expect(item).to_contain_text("31.0 MB/s")
    expect(item).to_contain_text("left")
    item.get_by_role("button", name="Pause").click()
    expect(item).to_contain_text("Paused")
    before = item.get_by_role("progressbar").get_attribute("aria-valuenow")
    page.wait_for_timeout(1500)
    assert item.get_by_role("progressbar").get_attribute("aria-valuenow") == before
    item.get_by_role("button", name="Resume").click()
    expect(item).to_contain_text("Downloading")
    item.get_by_role("button", name="Cancel").click()
    expect(item).to_have_count(0)
    page.locator("#models-text").fill("toys/gated")
    page.keyboard.press("Enter")
    gated = page.locator("#models .downloads li", has_text="toys/gated")
    expect(gated.get_by_role("link", name="Open it")).to_have_attribute("href", "https://huggingface.co/toys/gated")
    gated.get_by_role("button", name="Cancel").click()
    expect(gated).to_have_count(0)


def test_a_starter_is_downloaded_by_its_button(visit: Visits, many: RunningStudio) -> None:
    page = opened(visit, many)
    page.get_by_role("button", name="Download Small").click()
    expect(page.locator("#models-add li", has_text="Small").locator(".state")).to_have_text("On its way")
    small = page.locator("#models .downloads li", has_text="toys/small")
    small.get_by_role("button", name="Cancel").click()
    expect(small).to_have_count(0)


def test_the_page_keeps_its_place_its_open_rows_and_its_focus_while_a_download_moves(
    visit: Visits, many: RunningStudio
) -> None:
    page = opened(visit, many, anew=True)
    page.locator("#models-text").fill("toys/steady")
    page.keyboard.press("Enter")
    expect(page.locator("#models .downloads li")).to_have_count(1)
    row = page.locator("#models .model").nth(150)
    row.scroll_into_view_if_needed()
    row.locator("summary").click()
    expect(row.locator("[data-hash]")).to_have_text("5d20c7f1" * 8, timeout=10_000)
    row.locator("summary").focus()
    page.wait_for_timeout(1000)
    where = "document.querySelector('#models .scroll').scrollTop"
    watched = """row => { window.torn = 0;
        const count = (all) => all.forEach((one) => (window.torn += one.removedNodes.length));
        new MutationObserver(count).observe(row.parentElement, { childList: true, subtree: true }); }"""
    row.evaluate(watched)
    top, box = page.evaluate(where), row.bounding_box()
    page.wait_for_timeout(3000)
    assert (page.evaluate(where), row.bounding_box()) == (top, box)
    assert row.evaluate("row => row.open && row.contains(document.activeElement)")
    assert page.evaluate("window.torn") == 0  # no row was built anew
    page.locator("#models .downloads li").get_by_role("button", name="Cancel").click()


def test_hostile_texts_stay_texts(visit: Visits, many: RunningStudio) -> None:
    page = opened(visit, many)
    expect(page.locator("#models .problems li")).to_contain_text("<img src=x")
    assert page.locator("#models .problems img").count() == 0
    assert page.title() == "Studio"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone(visit: Visits, many: RunningStudio, theme: str) -> None:
    page = visit(f"{many.url}?__theme={theme}", width=390)
    page.evaluate("document.getElementById('tab-models-button').click()")
    expect(page.locator("#models .model")).to_have_count(202)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = page.evaluate("document.getElementById('tab-models-button').getBoundingClientRect().right")
    assert right <= 391  # the open tab is in sight, as the row of tabs is wider than the phone
    expect(page.locator("#models-add .starters ul").first).to_be_hidden()  # the list comes first
