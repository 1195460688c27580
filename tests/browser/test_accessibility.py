"""Every tab and dialog before axe-core, in light and dark; the way by keyboard; and nothing jumps while results come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from pages import TOY, RunningStudio, ready, until, untoured
from playwright.sync_api import Browser, Page, expect

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LEFT_TO_GRADIO: dict[str, str] = {}
"""Rules that Gradio's own markup breaks and that nothing outside can mend, with the reason. None by now."""

LOOK = """async ([tags, rules]) => {
  const only = rules.length ? { type: "rule", values: rules } : { type: "tag", values: tags };
  const found = await axe.run(document, { runOnly: only, resultTypes: ["violations"], preload: false, iframes: false });
  return found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => [id, target.join(" "), failureSummary]));
}"""
WATCH = """() => {
  window.moved?.end();
  const seen = [], named = ({ node }) => node ? node.id || node.className || node.nodeName : "what is gone";
  const note = (list) => list.forEach((entry) => seen.push([entry.value, entry.sources.map(named).join(", ")]));
  const seer = new PerformanceObserver((list) => note(list.getEntries()));
  seer.observe({ type: "layout-shift" });
  window.moved = { end: () => { note(seer.takeRecords()); seer.disconnect(); return seen; } };
}"""
OVER = """tab => {
  const { left, right, top, bottom } = tab.getBoundingClientRect();
  const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return over === tab ? "" : `${over?.outerHTML.slice(0, 200)} at ${left}, ${top}`;
}"""
"""What lies over the middle of a tab; nothing if that can be pressed."""
MOST_MOVED = 0.02
LIKE_OTHERS = {
    "an empty studio",
    "image to image",
    "outpaint",
    "people",
    "#history",
    "#large",
    "#presentation",
    "a question of the library",
}


@pytest.fixture(scope="module")
def page(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """An admin's page, so that all tabs are there, over a library with pictures; loaded once."""
    running = RunningStudio(tmp_path_factory.mktemp("look"), TOY, "--people", "--pictures", "30", "--models", "3").start()
    window = untoured(chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce"))
    page, errors = window.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(running.url)
    page.evaluate(AXE_SCRIPT)
    assert faults(page, "sign in") == []
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("the password of anna")
    page.get_by_role("button", name="Sign in").click()
    expect(ready(page).locator("#tab-people-button")).to_be_visible()
    page.evaluate(AXE_SCRIPT)
    yield page
    window.close()
    running.stop()
    assert errors == []


def faults(page: Page, where: str, *rules: str) -> list[str]:
    found = page.evaluate(LOOK, [RULES, list(rules)])
    return [f"{where}: {id} at {target}: {why}" for id, target, why in found if id not in LEFT_TO_GRADIO]


def looked_at(page: Page, where: str) -> list[str]:
    """All rules in light; in dark only what colours can break, and where one tab or dialog stands for its like."""
    found = faults(page, where)
    if where in LIKE_OTHERS:
        return found
    page.evaluate("document.body.classList.add('dark')")
    found += faults(page, f"{where}, dark", "color-contrast")
    page.evaluate("document.body.classList.remove('dark')")
    return found


def turn_to(page: Page, name: str, there: str) -> None:
    page.evaluate("name => document.getElementById(`tab-${name}-button`).click()", name)
    expect(page.locator(there).first).to_be_visible()


def draw(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator("#facts .prompt")).to_have_text(prompt)


def send(page: Page, to: str, there: str) -> None:
    turn_to(page, "text-to-image", "#facts .send")
    page.locator(f"#facts .send [data-to={to}]").click()
    expect(page.locator(there).first).to_be_visible()


def compare(page: Page) -> None:
    turn_to(page, "compare", "#compare .empty")
    recent = page.locator("#compare-choose [data-part=recent] button")
    for place in (0, 1):
        recent.nth(place).click()
        expect(page.locator("#compare .pane")).to_have_count(place + 1)
    expect(page.locator("#compare-choose [data-part=differences] ins")).not_to_have_count(0)


def grid(page: Page) -> None:
    turn_to(page, "grid", "#grid .empty")
    page.locator("#grid-field-0").select_option("steps")
    page.locator("#grid-text-0").fill("2, 3")
    page.get_by_role("button", name="Make the grid · 2 pictures").click()
    expect(page.locator("#grid button.cell img")).to_have_count(2)


def test_no_tab_has_a_serious_fault(page: Page) -> None:
    found = looked_at(page, "an empty studio")
    for prompt in ("flag a lamp", "a boat"):
        draw(page, prompt)
    page.locator("#sheet-text-to-image .advanced-switch input").click()
    page.locator("#text-to-image-prompt textarea").fill("")
    page.locator("#sheet-text-to-image .generate").click()
    expect(page.locator(".problem")).to_be_visible()
    found += looked_at(page, "text to image")
    page.locator("#text-to-image-prompt textarea").fill("a boat")
    steps: list[tuple[str, Callable[[], None]]] = [
        ("image to image", lambda: send(page, "image-to-image", "#easel-image-to-image .view")),
        ("inpaint", lambda: send(page, "inpaint", "#easel-inpaint .kit")),
        ("outpaint", lambda: send(page, "outpaint", "#easel-outpaint .handles")),
        ("verify", lambda: send(page, "verify", "#verdicts .verdict")),
        ("library", lambda: turn_to(page, "library", ".shot img")),
        ("compare", lambda: compare(page)),
        ("grid", lambda: grid(page)),
        ("models", lambda: turn_to(page, "models", "#models .scroll")),
        ("review", lambda: turn_to(page, "review", ".review .told")),
        ("settings", lambda: turn_to(page, "settings", "#providers table")),
        ("people", lambda: turn_to(page, "people", "#people table")),
    ]
    for where, step in steps:
        step()
        found += looked_at(page, where)
    assert found == [], "\n".join(found)


def test_no_dialog_has_a_serious_fault_and_escape_gives_the_focus_back(page: Page) -> None:
    turn_to(page, "text-to-image", "#facts .send")
    draw(page, "a red kite")
    page.locator("#presets").evaluate("box => (box.open = true)")
    found: list[str] = []
    for opener, dialog, there in (
        ("#facts [data-share]", "#share", "#share-download:not([aria-disabled])"),
        ("#text-to-image-prompt .past", "#history", "#history .use"),
        ("#presets [data-preset=new]", "#preset", "#preset [name=title]"),
        ("#frame .picture", "#large", "#large-image"),
        ("#present", "#presentation", "#presentation .room img"),
    ):
        page.locator(opener).first.focus()
        page.keyboard.press("Enter")
        expect(page.locator(there).first).to_be_visible()
        found += looked_at(page, dialog)
        page.keyboard.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()
        expect(page.locator(opener).first).to_be_focused()
    turn_to(page, "library", ".shot img")
    shot = page.locator(".shot").nth(1)
    shot.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#library-look .told .prompt")).to_be_visible()
    found += looked_at(page, "the large view of the library")
    page.keyboard.press("Escape")
    expect(shot).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Tag", exact=True).press("Enter")
    found += looked_at(page, "a question of the library")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Tag", exact=True)).to_be_focused()
    page.get_by_role("button", name="Clear the selection").click()
    turn_to(page, "text-to-image", "#facts .send")
    page.evaluate("document.querySelector('#stage [data-tour]').click()")
    found += looked_at(page, "the tour")
    page.locator("#tour .skip").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#tour")).to_have_count(0)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("width", [1440, 1280, 1024, 390])
def test_every_tab_is_reached_by_keys_and_nothing_lies_over_it(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    tabs = page.locator("#forms .tab-container [role=tab]")
    expect(tabs).to_have_count(12)
    tabs.first.focus()
    page.keyboard.press("ArrowLeft")  # around to the last, and from there back to each
    for place in reversed(range(12)):
        expect(tabs.nth(place)).to_be_focused()
        until(lambda at=place: tabs.nth(at).evaluate(OVER) == "", 5)
        page.keyboard.press("ArrowLeft")
    assert page.locator(".gradio-container").evaluate("box => box.scrollLeft") == 0
    chips = page.locator("header.top > *:visible").evaluate_all(
        "all => all.map(box => box.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert all(one[1] <= other[0] for one, other in pairwise(chips)), chips
    assert chips[-1][1] <= width


def test_a_phone_has_no_serious_fault(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    found: list[str] = []
    for name, there in (
        ("text-to-image", "#sheet-text-to-image .generate"),
        ("library", ".shot img"),
        ("settings", "#providers table"),
        ("review", ".review .told"),
    ):
        turn_to(page, name, there)
        found += faults(page, f"{name} on a phone")
    assert found == [], "\n".join(found)


def moved(page: Page, but: str = "") -> tuple[float, list[tuple[float, str]]]:
    """How far things moved that nobody moved, as browsers count it, and what it was."""
    seen = [(value, what) for value, what in page.evaluate("moved.end()") if what != but]
    return sum(value for value, _ in seen), seen


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_from_generate_to_done_nor_while_the_library_loads(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    turn_to(page, "text-to-image", "#sheet-text-to-image .generate")
    for prompt in ("a jumping hare", f"a hare that {'runs and ' * 30}rests"):
        page.locator("#text-to-image-prompt textarea").fill(prompt)
        page.evaluate(
            "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
        )  # the field has grown
        page.evaluate(WATCH)
        page.locator("#sheet-text-to-image .generate").click()
        expect(page.locator("#facts .prompt")).to_have_text(prompt)
        expect(page.locator("#job-title")).to_have_text("Done")
        jumped, what = moved(page)
        assert jumped < MOST_MOVED, what
    page.reload()
    ready(page)
    page.locator("#tab-library-button").scroll_into_view_if_needed()
    page.evaluate(WATCH)
    page.locator("#tab-library-button").click()
    expect(page.locator(".shot img").first).to_be_visible()
    expect(page.locator('.shot[data-id=""]')).to_have_count(0)
    jumped, what = moved(page, but="view")  # which is where it was asked to be: the form above it is another
    assert jumped < MOST_MOVED, what
