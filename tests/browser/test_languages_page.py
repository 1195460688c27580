"""The page in German: every tab, what people wrote, and the way back to English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from pages import ROOT, RunningStudio, ready, untoured
from playwright.sync_api import Browser, Page, expect

GERMAN = json.loads((ROOT / "studio" / "ui" / "languages" / "de.json").read_text("utf-8"))
WORDS = """() => {
  const own = "script, style, code, pre, [lang]", found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (!node.parentElement.closest(own)) found.add(node.data);
  for (const name of ["title", "placeholder", "aria-label"])
    for (const element of document.querySelectorAll(`[${name}]`)) found.add(element.getAttribute(name));
  return [...found].map((text) => text.trim().replace(/\\s+/g, " "));
}"""
TABS = ("image-to-image", "inpaint", "outpaint", "compare", "grid", "library", "verify", "models", "review", "settings")


@pytest.fixture
def german(chromium: Browser, toy: RunningStudio) -> Iterator[Page]:
    window = untoured(chromium.new_context(locale="de-DE", viewport={"width": 1440, "height": 900}))
    page = window.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(toy.url)
    yield page
    window.close()
    assert errors == []


def english_in(page: Page) -> set[str]:
    """Texts of the page that the catalogue translates into something else."""
    wrong = {key for key, told in GERMAN.items() if key != told and key not in GERMAN.values()}
    return set(page.evaluate(WORDS)) & wrong


def test_a_german_reader_finds_german_everywhere_but_in_what_people_wrote(german: Page) -> None:
    page = german
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("body[data-ready] #sheet-text-to-image .generate")).to_have_text("Erzeugen", timeout=30_000)
    expect(page.locator("#queue h2")).to_have_text(re.compile("Warteschlange"))
    page.fill("#text-to-image-prompt textarea", "Done")
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#job-title")).to_have_text("Fertig")
    expect(page.locator("#facts .prompt")).to_have_text("Done")
    expect(page.locator("#strip .tile").first).to_have_attribute("title", "Done")
    expect(page.locator("#frame img")).to_have_attribute("alt", "Done")
    assert english_in(page) - {"Done"} == set()
    for name in TABS:
        page.evaluate(f"document.getElementById('tab-{name}-button').click()")
        expect(page.locator(f"#sheet-{name}, .desk[data-tab={name}]").first).to_be_attached()
        page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
        assert english_in(page) - {"Done"} == set(), name
    expect(page.locator("#settings-provider input, #settings-model input").first).to_be_attached()
    page.select_option("#settings-language", "en")
    page.wait_for_event("load")
    ready(page)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#sheet-text-to-image .generate")).to_have_text("Generate")
    expect(page.locator("#text-to-image-prompt textarea")).to_have_value("Done")
