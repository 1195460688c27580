"""Makes docs/tabs/, every tab in light, in dark and on a phone: `python tests/presets/make_tab_pictures.py`.

Needs Chromium. Keys are made up, so that hosted models look ready; nothing hosted is asked.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser"), str(ROOT / "tests" / "presets")]

from make_screenshots import KEYS, PROMPTS, generate, send  # noqa: E402  the path comes first
from pages import RunningStudio, ready, untoured  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

FOLDER = ROOT / "docs" / "tabs"
TABS = ("text-to-image", "image-to-image", "inpaint", "outpaint", "library", "compare", "grid", "verify", "models", "review",
        "settings")  # fmt: skip
LOOKS = {"light": (1440, 900, "light"), "dark": (1440, 900, "dark"), "narrow": (390, 844, "light")}
NARROW_PART = {"library": "#library", "compare": "#compare", "grid": "#grid", "verify": "#verdicts", "models": "#models"}
"""What a phone shows of a tab whose form is above it."""


def main() -> None:
    os.environ.update(dict.fromkeys(KEYS, "made-up-for-a-picture-3f"), LOGNAME="anna")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        studio = RunningStudio(Path(folder), marked=True).start()
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            prepare(chromium, studio.url)
            for name in LOOKS:
                walk(chromium, studio.url, name)
        finally:
            chromium.close()
            studio.stop()


def opened(chromium: Browser, url: str, look: str = "light") -> Page:
    width, height, scheme = LOOKS[look]
    window = untoured(chromium.new_context(viewport={"width": width, "height": height}))
    page = window.new_page()
    page.goto(f"{url}?__theme={scheme}")
    return ready(page)


def go(page: Page, tab: str) -> None:
    page.locator(f"#tab-{tab}-button").evaluate("tab => tab.click()")
    page.wait_for_timeout(1800)


def prepare(chromium: Browser, url: str) -> None:
    """Pictures, a source in each editing tab, a board, a grid, two pictures compared, an examined file, one to review."""
    page = opened(chromium, url)
    for prompt in ("a city at night, voters, stolen election", *PROMPTS):
        generate(page, prompt)
    page.locator("#facts [data-grid][data-axis=guidance_scale]").click()
    page.get_by_role("button", name="Make the grid").click()
    expect(page.locator("#grid button.cell img")).to_have_count(4, timeout=120_000)
    go(page, "text-to-image")
    for tab, prompt in (("image-to-image", "a red house"), ("inpaint", "a desert"), ("outpaint", "purple mountains")):
        send(page, prompt, tab)
    go(page, "library")
    page.locator("#library .shot").first.click()
    page.keyboard.press("Control+a")
    page.locator("#library .bar [data-library=board]").click()
    page.locator("#library-ask-text").fill("For the meeting")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1200)
    page.evaluate(
        "window.compare([...document.querySelectorAll('#library .shot')].slice(4, 6).map((shot) => shot.dataset.id))"
    )
    expect(page.locator("#compare .pane img")).to_have_count(2, timeout=30_000)
    go(page, "text-to-image")


def walk(chromium: Browser, url: str, look: str) -> None:
    """Every tab, then the presentation and the tour."""
    page = opened(chromium, url, look)
    for tab in TABS:
        if tab == "verify":
            go(page, "text-to-image")
            page.locator("#strip .tile").nth(5).click()
            page.locator(".send [data-to=verify]").click()
            expect(page.locator("#verdicts .verdict")).to_be_visible(timeout=60_000)
        go(page, tab)
        if look == "narrow" and tab in NARROW_PART:
            page.locator(NARROW_PART[tab]).scroll_into_view_if_needed()
            page.evaluate("(part) => document.querySelector(part).scrollIntoView({block: 'start'})", NARROW_PART[tab])
        shot(page, f"{tab}-{look}")
    if look != "narrow":
        page.evaluate("window.present({ of: 'recent' })")
        expect(page.locator("#presentation .room img")).to_be_visible()
        shot(page, f"presentation-{look}")


def shot(page: Page, name: str) -> None:
    page.wait_for_timeout(600)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").save(FOLDER / f"{name}.webp", quality=86, method=6)


if __name__ == "__main__":
    main()
