"""Makes the screenshots of the README and docs/policy.md with the real studio: `python tests/presets/make_screenshots.py`.

Needs Chromium. The keys it sets are made up, so that hosted models look ready; nothing hosted is asked.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from pages import RunningStudio, ready  # noqa: E402  the path comes first
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

DOCS = ROOT / "docs"
PROMPTS = (
    "purple mountains at dusk with the moon",
    "three red balloons at dawn, clouds",
    "a desert with two cactuses by day, clear",
    "a red house at night with snow",
    "a city at night with stars",
    "a red sailboat on the sea at sunset",
)
KEYS = ("STABILITY_API_KEY", "REPLICATE_API_TOKEN", "FAL_KEY", "BFL_API_KEY", "OPENAI_API_KEY")


def main() -> None:
    os.environ.update(dict.fromkeys(KEYS, "made-up-for-a-picture-3f"), LOGNAME="anna")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        studio = RunningStudio(Path(folder), marked=True).start()
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            light(chromium, studio.url)
            dark(chromium, studio.url)
            policy(chromium, studio.url)
        finally:
            chromium.close()
            studio.stop()


def light(chromium: Browser, url: str) -> None:
    page = opened(chromium, url)
    for prompt in PROMPTS:
        generate(page, prompt)
    shot(page, "text-to-image")
    hosted(page)
    page.locator("[data-share]").click()
    expect(page.locator("#share output")).to_contain_text("KB", timeout=30_000)
    shot(page, "share")
    page.locator("#share [data-close]").click()
    page.locator(".send [data-to=verify]").click()
    expect(page.locator("#verdicts .verdict")).to_be_visible(timeout=30_000)
    shot(page, "verify")
    page.get_by_role("tab", name="Text to image").click()
    inpaint(page)


def hosted(page: Page) -> None:
    """The form with a hosted model, and the providers."""
    page.locator("#text-to-image-where").get_by_label("Hosted").check()
    model = page.locator("#text-to-image-model input")
    expect(model).not_to_have_value("Starter (built in)")
    model.click()
    model.fill("Image Ultra")
    page.get_by_role("option", name="Stability AI · Stable Image Ultra").click()
    expect(page.locator("#sheet-text-to-image .about b")).to_have_text("api.stability.ai", timeout=15_000)
    shot(page, "hosted")
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#providers tr[data-provider=stability]")).to_be_visible()
    shot(page, "settings")
    page.get_by_role("tab", name="Text to image").click()
    page.locator("#text-to-image-where").get_by_label("This computer").check()
    expect(page.locator("#text-to-image-model input")).to_have_value("Starter (built in)")


def dark(chromium: Browser, url: str) -> None:
    """A skyline made a banner, before and after."""
    page = opened(chromium, f"{url}?__theme=dark")
    send(page, "a city at night", "outpaint")
    page.locator("#outpaint-prompt textarea").fill("a city at night with stars")
    page.locator("#outpaint-target label", has_text="16:9").click()
    before = page.locator("#strip .tile").count()
    page.locator("#sheet-outpaint .generate").click()
    expect(page.locator("#strip .tile")).to_have_count(before + 1, timeout=120_000)
    page.get_by_role("button", name="Before / after").click()
    shot(page, "dark")


def policy(chromium: Browser, url: str) -> None:
    """A refused prompt; a flagged picture on the review bench; the report; the switches and the log."""
    page = opened(chromium, url)
    page.locator("#text-to-image-prompt textarea").fill("the president humiliated on a leash")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#text-to-image-prompt .problem")).to_be_visible()
    shot(page, "policy-blocked")
    for prompt in ("purple mountains at dusk, press photo of an explosion", "a city at night, voters, stolen election"):
        generate(page, prompt)
    page.get_by_role("tab", name="Review").click()
    expect(page.locator(".review .told .reasons")).to_be_visible()
    shot(page, "policy-review")
    page.keyboard.press("a")
    expect(page.locator(".review [data-said]")).to_have_text("Approved. Undo takes it back.")
    page.locator(".review [data-view=report]").click()
    expect(page.locator(".review table").first).to_be_visible()
    shot(page, "policy-report")


def inpaint(page: Page) -> None:
    """A mask painted into a desert's sky."""
    send(page, "a desert", "inpaint")
    page.locator("#inpaint-prompt textarea").fill("a red hot-air balloon by day, clear")
    canvas = page.locator("#easel-inpaint .sheet-of-paper").bounding_box()
    assert canvas is not None
    left, top = canvas["x"] + canvas["width"] * 0.32, canvas["y"] + canvas["height"] * 0.24
    page.mouse.move(left, top)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(left + (step % 8) * 14, top + step * 2.4)
    page.mouse.up()
    shot(page, "inpaint")


def send(page: Page, prompt: str, tab: str) -> None:
    page.locator(f'#strip .tile[aria-label^="{prompt}"]').first.click()
    page.locator(f".send [data-to={tab}]").click()
    expect(page.locator(f"#tab-{tab}-button")).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(1500)


def opened(chromium: Browser, url: str) -> Page:
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1)
    page.goto(url)
    return ready(page)


def generate(page: Page, prompt: str) -> None:
    page.locator("#text-to-image-prompt textarea").fill(prompt)
    before = page.locator("#strip .tile").count()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#strip .tile")).to_have_count(before + 1, timeout=120_000)


def shot(page: Page, name: str) -> None:
    page.wait_for_timeout(700)
    page.screenshot(path=DOCS / f"{name}.png")


if __name__ == "__main__":
    main()
