"""Prompt tools, the second pass and pictures made again, on the real page with the real engine and the starter model."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pages import RunningStudio, Visits, until
from PIL import Image
from playwright.sync_api import Page, expect

PROMPT, DONE = "#text-to-image-prompt textarea", "#job[data-state=done]"


def quick(page: Page, *, count: int = 1) -> None:
    page.locator("#text-to-image-advanced input").check()
    for field, value in (("steps", 3), ("count", count)):
        box = page.locator(f"#text-to-image-{field} input[type=number]")
        box.fill(str(value))
        box.blur()


def make(studio: RunningStudio, page: Page, prompt: str, pictures: int = 1) -> None:
    before = len(studio.kept())
    page.locator(PROMPT).fill(prompt)
    page.keyboard.press("Control+Enter")
    until(lambda: len(studio.kept()) == before + pictures, 90)
    described(studio, page)


def described(studio: RunningStudio, page: Page) -> None:
    """All is done, the stage shows what came last, and the facts are those of its first picture."""
    tiles, on = page.locator("#strip .tile"), page.locator("#strip .tile[data-on]")
    expect(page.locator(DONE)).to_be_visible()
    expect(tiles).to_have_count(len(studio.kept()))
    expect(tiles.first).to_have_attribute("data-on", "")
    shown = on.last.get_attribute("data-picture") or ""
    expect(page.locator("#facts [data-choose=reuse]")).to_have_attribute("data-id", shown)


def fact(page: Page, name: str) -> str:
    return page.locator("#facts dt", has_text=re.compile(f"^{name}$")).locator("xpath=following-sibling::dd[1]").inner_text()


def test_choices_are_made_for_each_picture_told_and_reused_either_way(studio: RunningStudio, visit: Visits) -> None:
    page, template = visit(studio.url), "a {red|blue|green|yellow|purple} __scene__"
    quick(page, count=3)
    make(studio, page, template, 3)
    expect(page.locator("#facts dt", has_text="Template")).to_be_visible()
    words = page.locator("#facts .prompt").inner_text()
    assert fact(page, "Template") == template
    assert "scene: " in fact(page, "Choices")
    assert "{" not in words
    page.locator("#facts [data-choose=words]").click()
    expect(page.locator(PROMPT)).to_have_value(words)
    page.locator("#facts [data-choose=reuse]").click()
    expect(page.locator(PROMPT)).to_have_value(template)
    with Image.open(studio.kept()[-1]) as image:
        assert f"Template: {template}, " in image.info["parameters"]


def test_a_wrong_sign_is_said_at_the_prompt(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    before = len(studio.kept())
    for prompt, said in (("a {red house", "“{” without its “}”"), ("a __nothing__ house", "no wildcard “nothing”")):
        page.locator(PROMPT).fill(prompt)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#text-to-image-prompt .problem")).to_contain_text(said)
    assert len(studio.kept()) == before


def test_used_prompts_are_found_again_and_can_be_forgotten(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    quick(page)
    make(studio, page, "a lone {pink|white} heart on a blue background")
    make(studio, page, "two green cactuses in the desert")
    page.locator("#text-to-image-prompt .past").click()
    entries = page.locator("#history li .use")
    expect(entries.first).to_contain_text("two green cactuses")
    page.locator("#history input").fill("heart pin")
    expect(entries).to_have_count(1)
    entries.first.click()
    expect(page.locator("#history")).to_be_hidden()
    expect(page.locator(PROMPT)).to_have_value("a lone {pink|white} heart on a blue background")
    page.locator("#text-to-image-prompt .past").click()
    page.locator("#history input").fill("cactuses desert")
    expect(entries).to_have_text([re.compile("two green cactuses")])
    page.locator("#history li .icon").click()
    expect(page.locator("#history li.quiet")).to_have_text("No prompt holds these words.")
    page.keyboard.press("Escape")
    expect(page.locator("#history")).to_be_hidden()


def test_a_style_is_chosen_recorded_and_comes_back(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    quick(page)
    page.locator("#text-to-image-styles input").click()
    page.locator("#text-to-image-styles [role=option]", has_text="Starry night").click()
    page.keyboard.press("Escape")
    make(studio, page, "a yellow house")
    expect(page.locator("#facts .prompt")).to_have_text("a yellow house at night, with stars and the moon")
    page.locator("#text-to-image-styles .token-remove").first.click()
    expect(page.locator("#text-to-image-styles .token")).to_have_count(0)
    page.locator("#facts [data-choose=reuse]").click()
    expect(page.locator("#text-to-image-styles .token")).to_have_text("Starry night")
    expect(page.locator(PROMPT)).to_have_value("a yellow house")
    page.locator("#text-to-image-styles .token-remove").first.click()


def test_a_second_pass_makes_it_larger_and_upscaling_names_its_parent(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    quick(page)
    page.locator("#text-to-image-hires input").check()
    expect(page.locator("#text-to-image-hires_scale")).to_be_visible()
    make(studio, page, "a red star on a white background")
    assert fact(page, "Size") == "256 × 256"
    assert fact(page, "Larger") == "2 × by Lanczos, drawn over at 0.4"
    page.locator("#text-to-image-hires input").uncheck()
    before = len(studio.kept())
    page.locator("#facts [data-do=upscale]").first.click()
    until(lambda: len(studio.kept()) == before + 1, 60)
    described(studio, page)
    expect(page.locator("#facts .family h3").first).to_have_text("Made from")
    assert fact(page, "Size") == "512 × 512"


def test_a_picture_made_again_is_exact_from_the_library_and_from_a_file(
    studio: RunningStudio, visit: Visits, tmp_path: Path
) -> None:
    page = visit(studio.url)
    quick(page)
    make(studio, page, "an {orange|white} sailboat at dawn")
    before = studio.kept()
    page.locator("#facts [data-do=again]").click()
    until(lambda: len(studio.kept()) == len(before) + 1, 60)
    expect(page.locator("#facts .again[data-outcome=exact] b")).to_have_text(
        "Exact: every pixel that was drawn is the same."
    )
    copy = tmp_path / "from a friend.png"
    shutil.copy(before[-1], copy)
    page.locator("#tab-verify-button").click()
    page.locator("#verify-files input[type=file]").set_input_files(str(copy))
    page.locator("#verdicts [data-choose=again]").click(timeout=60_000)
    until(lambda: len(studio.kept()) == len(before) + 2, 60)
    expect(page.locator("#facts .again[data-outcome=exact]")).to_be_visible()
