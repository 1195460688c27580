"""The page itself, in front of a small studio whose jobs can be made to fail or to wait."""

from __future__ import annotations

import re
from pathlib import Path

from pages import TOY, RunningStudio, Visits, ready, settled
from playwright.sync_api import Page, expect


def fill(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)


def finish(page: Page, prompt: str) -> None:
    fill(page, prompt)
    page.keyboard.press("Control+Enter")
    expect(page.locator(f'#stage[data-view=one] #frame img[alt="{prompt}"]')).to_be_visible(timeout=20_000)
    expect(page.locator("#job[data-state=done]")).to_be_visible()


def show_advanced(page: Page) -> None:
    page.locator("#text-to-image-advanced input").check()
    expect(page.locator("#text-to-image-steps")).to_be_visible()


def test_basic_shows_the_few_fields_and_advanced_the_rest_and_the_page_remembers(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    page.locator("#text-to-image-advanced input").uncheck()
    for field in ("#text-to-image-prompt", "#text-to-image-model", "#text-to-image-shape", ".generate", "#presets"):
        expect(page.locator(f"#sheet-text-to-image {field}")).to_be_visible()
    for field in ("negative_prompt", "steps", "guidance_scale", "seed", "count", "sampler"):
        expect(page.locator(f"#text-to-image-{field}")).to_be_hidden()
    show_advanced(page)
    settled(page).reload()
    expect(ready(page).locator("#text-to-image-steps")).to_be_visible()


def test_a_wrong_value_is_named_beside_its_field_and_goes_when_it_is_mended(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    fill(page, " ")
    page.locator("#sheet-text-to-image .generate").click()
    problem = page.locator("#text-to-image-prompt .problem")
    expect(problem).to_have_text("The prompt is empty. Describe the picture you want.")
    expect(page.locator("#text-to-image-prompt textarea")).to_be_focused()
    expect(page.locator("#text-to-image-prompt textarea")).to_have_attribute("aria-invalid", "true")
    fill(page, "a fox")
    expect(problem).to_have_count(0)
    page.locator("#text-to-image-width input").fill("9000")
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#text-to-image-size .problem")).to_contain_text("9000x")
    page.locator("#text-to-image-shape label").first.click()
    expect(page.locator("#text-to-image-width input")).to_have_value("128")


def test_a_failed_job_says_what_to_do_and_can_be_tried_again(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    fill(page, "this will fail")
    page.locator("#sheet-text-to-image .generate").click()
    card = page.locator("#job[data-state=failed]")
    expect(card.locator("#job-detail")).to_contain_text("memory does not suffice. Try 512", timeout=20_000)
    expect(page.locator("#queue li[data-state=failed]").first).to_contain_text("memory does not suffice")
    page.locator("#job-retry").click()
    expect(page.locator("#job[data-state=running]")).to_be_visible()
    expect(card).to_be_visible(timeout=20_000)


def test_after_a_lack_of_memory_one_click_follows_the_smaller_plan(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    fill(page, "fail in one piece")
    page.locator("#sheet-text-to-image .generate").click()
    card = page.locator("#job[data-state=failed]")
    expect(card.locator("#job-smaller")).to_have_text("Try again with “tiles”", timeout=20_000)
    row = page.locator("#queue li[data-state=failed]").first
    expect(row.get_by_label("Try again with “tiles”")).to_be_visible()
    card.locator("#job-smaller").click()
    expect(page.locator("#job[data-state=done]")).to_be_visible(timeout=20_000)
    expect(page.locator("#job-smaller")).to_be_hidden()


def test_the_queue_shows_places_and_can_be_reordered_paused_and_emptied(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    page.locator("#queue button", has_text="Pause").click()
    expect(page.locator("#queue button", has_text="Resume")).to_be_visible()
    for prompt in ("first fox", "second fox", "third fox"):
        fill(page, prompt)
        page.locator("#sheet-text-to-image .generate").click()
        expect(page.locator("#queue li[data-state=queued]", has_text=prompt)).to_be_visible()
    expect(page.locator("#job[data-state=queued] #job-detail")).to_contain_text("paused")
    rows = page.locator("#queue li[data-state=queued] b")
    page.locator("#queue li", has_text="third fox").get_by_label("To the front").click()
    expect(rows).to_have_text(["third fox", "first fox", "second fox"])
    page.locator("#queue li", has_text="third fox").get_by_label("Down").click()
    expect(rows).to_have_text(["first fox", "third fox", "second fox"])
    for prompt in ("first fox", "second fox", "third fox"):
        page.locator("#queue li", has_text=prompt).get_by_label("Cancel").click()
        expect(page.locator("#queue li[data-state=queued]", has_text=prompt)).to_have_count(0)
    page.locator("#queue button", has_text="Resume").click()
    expect(page.locator("#queue button", has_text="Pause")).to_be_visible()


def test_a_preset_fills_the_form(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    card = page.locator("#presets .card", has_text="First light")
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 160
    card.click()
    expect(page.locator("#text-to-image-prompt textarea")).to_have_value(
        "purple mountain range at dawn, soft pink sky, with the sun"
    )
    expect(page.locator("#text-to-image-width input")).to_have_value("160")
    expect(page.locator("#text-to-image-height input")).to_have_value("96")
    page.locator("#text-to-image-swap").click()
    expect(page.locator("#text-to-image-width input")).to_have_value("96")


def test_fields_follow_the_model(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    show_advanced(page)
    page.locator("#text-to-image-model input").click()
    page.get_by_role("option", name="Turbo").click()
    expect(page.locator("#text-to-image-steps input[type=number]")).to_have_value("4")
    expect(page.locator("#text-to-image-width input")).to_have_value("512")
    expect(page.locator("#text-to-image-negative_prompt")).to_have_count(0)
    page.locator("#text-to-image-model input").click()
    page.get_by_role("option", name="Starter").click()
    expect(page.locator("#text-to-image-steps input[type=number]")).to_have_value("20")
    expect(page.locator("#text-to-image-negative_prompt")).to_be_visible()


def test_a_picture_can_be_looked_at_and_reused_with_the_keyboard_alone(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    for prompt in ("an old fox", "a young fox"):
        finish(page, prompt)
    page.locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#frame img")).to_have_attribute("alt", "an old fox")
    expect(page.locator("#facts .prompt")).to_have_text("an old fox")
    page.locator("#frame button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#large-image")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#large")).to_be_hidden()
    page.get_by_role("button", name="Reuse all").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#text-to-image-prompt textarea")).to_have_value("an old fox")
    expect(page.locator("#text-to-image-seed_mode label.selected")).to_have_text("Locked")


def test_the_prompt_has_the_focus_and_its_tokens_are_counted_while_one_types(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url, anew=True)
    expect(page.locator("#text-to-image-prompt textarea")).to_be_focused()
    fill(page, "a red fox")
    expect(page.locator("#sheet-text-to-image .tokens [data-chunks]")).to_have_text("3 / 75 tokens")
    fill(page, "fox " * 100)
    expect(page.locator("#sheet-text-to-image .tokens [data-chunks]")).to_contain_text(
        "100 / 150 tokens · encoded in 2 chunks"
    )


def test_what_is_typed_before_the_draft_has_come_is_not_lost(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    fill(page, "an old draft")
    expect(page.locator("#sheet-text-to-image .tokens [data-chunks]")).to_have_text("3 / 75 tokens")
    page.reload(wait_until="commit")
    page.locator("#text-to-image-prompt textarea").fill("typed at once", timeout=20_000)
    # the draft may come between the selecting and the typing of a fill: then the words stand behind it, and are kept
    expect(ready(page).locator("#text-to-image-prompt textarea")).to_have_value(re.compile("^(an old draft)?typed at once$"))


def test_a_picture_whose_file_is_gone_is_shown_as_gone(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    finish(page, "a fox that goes")
    max(toy.kept(), key=lambda path: path.stat().st_mtime).unlink()
    gone = page.locator(".tile.gone").first
    expect(gone).to_be_visible()
    gone.click()
    expect(page.locator("#facts")).to_contain_text("The file is gone")


def test_nothing_sticks_out_at_any_width(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    show_advanced(page)
    seen = "n.offsetParent && !n.closest('.tab-wrapper')"  # the tabs scroll sideways in a narrow window
    outside = f"nodes => nodes.filter(n => {seen} && n.getBoundingClientRect().right > innerWidth + 1).map(n => n.id)"
    for width in (1440, 1024, 768, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        controls = page.locator("#forms button:not(.card), #forms input, #forms textarea, #desk button:not(.tile)")
        assert controls.evaluate_all(outside) == []


def test_nothing_moves_while_a_job_runs(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    parts = "['.field-prompt', '.generate', '#views', '#stage', '#job', '#recent', '#details']"
    places = f"{parts}.map(part => document.querySelector(part).getBoundingClientRect().y).join()"
    view = "document.querySelector('#stage:has(#frame img)')?.dataset.view"
    fill(page, "a fox without hurry")  # which scrolls to the prompt
    page.evaluate(f"window.seen = []; window.looking = setInterval(() => seen.push([{view}, {places}]), 20)")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#facts .prompt")).to_have_text("a fox without hurry")
    expect(page.locator("#job[data-state=done]")).to_be_visible()
    seen = page.evaluate("clearInterval(looking), seen")
    assert "preview" in {view for view, _ in seen}
    assert len({places for _, places in seen}) == 1


def test_in_light_and_dark_every_text_is_readable_and_every_control_has_a_name(toy: RunningStudio, visit: Visits) -> None:
    """WCAG AA: 4.5 to 1 for every text that is shown, against the colour behind it."""
    for theme in ("light", "dark"):
        page = visit(f"{toy.url}?__theme={theme}")
        show_advanced(page)
        assert page.evaluate(CONTRAST) == []
        assert page.locator("button, input, textarea, a[href]").evaluate_all(NAMELESS) == []


CONTRAST = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [...n.slice(0, 3), n[3] ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if (colour[3] > 0.99) return colour; } return [255, 255, 255, 1]; };
  const poor = [];
  for (const node of document.querySelectorAll("#top *, #forms *, #desk *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.offsetParent || node.closest(":disabled, .unseen, .empty, .field-swap, [aria-hidden=true]")) continue;
    const a = light(parse(getComputedStyle(node).color)), b = light(behind(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${node.tagName}#${node.id}.${node.className} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""

NAMELESS = """nodes => nodes.filter(n => n.offsetParent && !(n.ariaLabel || n.textContent.trim() || n.title
  || n.labels?.length || n.closest('label, fieldset'))).map(n => n.outerHTML.slice(0, 120))"""


def test_a_page_whose_studio_ended_says_so_and_finds_it_again(tmp_path: Path, visit: Visits) -> None:
    studio = RunningStudio(tmp_path, TOY).start()
    page = visit(studio.url)
    studio.stop()
    expect(page.locator("#worker")).to_have_text("Not connected")
    studio.start()
    expect(page.locator("#worker")).to_have_text("CPU, 2 threads", timeout=20_000)
    visit.forgive()
    studio.stop()
