"""Hosted models on the page, in front of the small studio: one click, keys, offline, prices."""

from __future__ import annotations

import re

import pytest
from pages import RunningStudio, Visits, ready, settled
from playwright.sync_api import APIResponse, Page, Route, expect

SECRET = "sk-planted-49ab12"


@pytest.fixture
def page(toy: RunningStudio, visit: Visits) -> Page:
    return visit(toy.url)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def draw_on(page: Page, side: str, tab: str = "text-to-image") -> None:
    page.locator(f"#{tab}-where").get_by_label(side, exact=True).check()


def keep_key(page: Page, value: str = SECRET) -> None:
    open_tab(page, "Settings")
    page.locator("#settings-key input").fill(value)
    page.locator("#settings-store").click()
    expect(page.locator("#settings-said")).to_contain_text("The key is kept")


def test_one_click_goes_to_a_hosted_model_and_back_and_the_prompt_stays(page: Page) -> None:
    keep_key(page)
    open_tab(page, "Text to image")
    prompt = page.locator("#text-to-image-prompt textarea")
    prompt.fill("a fox in a hosted wood")
    draw_on(page, "Hosted")
    expect(page.locator("#text-to-image-model input")).to_have_value("Cloud · Fine")
    expect(prompt).to_have_value("a fox in a hosted wood")
    button = page.locator("#sheet-text-to-image .generate")
    expect(button).to_have_text("Generate · $0.03")
    expect(page.locator("#sheet-text-to-image .about")).to_contain_text("to api.cloud.example")
    expect(page.locator("#text-to-image-shape label")).to_have_count(3)
    expect(page.locator("#text-to-image-width")).to_have_count(0)
    draw_on(page, "This computer")
    expect(page.locator("#text-to-image-model input")).to_have_value("Starter")
    expect(button).to_have_text("Generate")
    expect(prompt).to_have_value("a fox in a hosted wood")
    expect(page.locator("#text-to-image-shape label")).to_have_count(7)


def test_a_hosted_choice_survives_a_reload(page: Page) -> None:
    keep_key(page)
    open_tab(page, "Text to image")
    draw_on(page, "Hosted")
    expect(page.locator("#text-to-image-model input")).to_have_value("Cloud · Fine")
    settled(page).reload()
    ready(page)
    expect(page.locator("#text-to-image-model input")).to_have_value("Cloud · Fine")
    expect(page.locator("#text-to-image-where input:checked")).to_have_value("Hosted")
    draw_on(page, "This computer")
    expect(page.locator("#text-to-image-model input")).to_have_value("Starter")


def test_an_answer_that_comes_late_is_not_lost_to_the_form_as_it_was(page: Page) -> None:
    keep_key(page)
    open_tab(page, "Text to image")
    draw_on(page, "This computer")
    expect(page.locator("#text-to-image-model input")).to_have_value("Starter")
    settled(page)
    held: list[tuple[Route, APIResponse]] = []
    late = "**/gradio_api/run/**"

    def hold(route: Route) -> None:
        if held:
            return route.continue_()
        held.append((route, route.fetch()))
        return None

    page.route(late, hold)
    draw_on(page, "Hosted")
    page.wait_for_timeout(500)  # the answer to the click is held back while the form, as it was, is kept
    settled(page)
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(page.locator("#text-to-image-model input")).to_have_value("Cloud · Fine")
    page.unroute(late)
    settled(page).reload()
    expect(ready(page).locator("#text-to-image-model input")).to_have_value("Cloud · Fine")
    draw_on(page, "This computer")
    expect(page.locator("#text-to-image-model input")).to_have_value("Starter")


def test_a_task_that_a_model_cannot_do_is_greyed_with_the_reason(page: Page) -> None:
    open_tab(page, "Inpaint")
    draw_on(page, "Hosted", "inpaint")
    expect(page.locator("#sheet-inpaint .about[data-hindrance]")).to_have_text(
        "Fine cannot inpaint: it takes no mask. Choose another model."
    )
    expect(page.locator("#sheet-inpaint .generate")).to_be_disabled()
    draw_on(page, "This computer", "inpaint")
    expect(page.locator("#sheet-inpaint .generate")).to_be_enabled()


def test_a_key_is_shown_by_its_ending_only_and_stands_nowhere_on_the_page(page: Page) -> None:
    keep_key(page)
    expect(page.locator("#settings-about")).to_contain_text("set in the keyring, ends in …12")
    expect(page.locator("#settings-key input")).to_have_value("")
    expect(page.locator("#providers tr[data-provider=cloud]")).to_contain_text("…12")
    stored = page.evaluate("() => JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})")
    assert SECRET not in page.content() + stored
    page.locator("#settings-test").click()
    expect(page.locator("#settings-said")).to_contain_text("12.0 credits")
    page.locator("#settings-remove").click()
    expect(page.locator("#settings-about")).to_contain_text("not set")
    page.locator("#settings-key input").fill("x")
    page.locator("#settings-store").click()
    expect(page.locator("#settings-said [role=alert]")).to_contain_text("does not look like a key")


def test_what_is_typed_before_the_tab_has_answered_is_not_overwritten(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url, anew=True)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/gradio_api/run/predict", hold)
    open_tab(page, "Settings")
    for field, text in (("key", SECRET), ("budget", "7"), ("at_once", "3")):
        page.locator(f"#settings-{field} input").fill(text)
    expect(page.locator("#settings-said")).to_contain_text("Changes hold at once.")  # no answer yet
    assert held
    for route in held:
        route.continue_()
    page.unroute("**/gradio_api/run/predict")
    expect(page.locator("#settings-said")).not_to_contain_text("Changes hold at once.")
    for field, text in (("key", SECRET), ("budget", "7"), ("at_once", "3")):
        expect(page.locator(f"#settings-{field} input")).to_have_value(text)


def test_the_offline_switch_greys_hosted_models_out_at_once(page: Page) -> None:
    keep_key(page)
    page.get_by_label("Offline: nothing leaves this computer").check()
    expect(page.locator("#settings-said")).to_contain_text("Offline")
    open_tab(page, "Text to image")
    draw_on(page, "Hosted")
    expect(page.locator("#sheet-text-to-image .about[data-hindrance]")).to_contain_text("switched offline")
    expect(page.locator("#sheet-text-to-image .generate")).to_be_disabled()
    open_tab(page, "Settings")
    page.get_by_label("Offline: nothing leaves this computer").uncheck()
    expect(page.locator("#settings-said")).to_contain_text("Kept.")
    open_tab(page, "Text to image")
    draw_on(page, "This computer")


def test_limits_and_budget_are_kept_and_wrong_ones_told(page: Page) -> None:
    open_tab(page, "Settings")
    page.locator("#settings-budget input").fill("2.5")
    page.locator("#settings-at_once input").fill("7")
    page.locator("#sheet-settings .generate").click()
    expect(page.locator("#settings-said")).to_contain_text("Kept.")
    expect(page.locator("#providers tr[data-provider=cloud]")).to_contain_text("7 at once")
    expect(page.locator("#providers")).to_contain_text(re.compile(r"\$0\.12"))


@pytest.mark.parametrize("width", [1440, 390])
def test_every_tab_can_be_reached_and_nothing_sticks_out(toy: RunningStudio, visit: Visits, width: int) -> None:
    page = visit(toy.url, width=width)
    for name in ("Image to image", "Inpaint", "Outpaint", "Verify", "Settings", "Text to image"):
        open_tab(page, name)
        expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute("aria-selected", "true")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
