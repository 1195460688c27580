"""Two browsers, two people: signing in and out, roles, and what the page of one shows of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pages import TOY, RunningStudio, Visits, ready, settled, untoured
from playwright.sync_api import Browser, Page, expect

Guests = Callable[..., Page]


@pytest.fixture(scope="module")
def team(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The small studio with three people: anna is admin, rita reviewer, carl creator."""
    running = RunningStudio(tmp_path_factory.mktemp("team"), TOY, "--people").start()
    yield running
    running.stop()


@pytest.fixture
def guest(chromium: Browser, team: RunningStudio) -> Iterator[Guests]:
    """A browser of its own with the studio's address open; signed in if a name is given."""
    opened: list[Page] = []

    def guest(name: str = "", *, width: int = 1440, password: str = "") -> Page:
        page = untoured(chromium.new_context(viewport={"width": width, "height": 900})).new_page()
        opened.append(page)
        page.goto(team.url)
        if name:
            sign_in(page, name, password or f"the password of {name}")
            ready(page)
        return page

    yield guest
    for page in opened:
        page.context.close()


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def tabs(page: Page) -> list[str]:
    return [
        text.strip() for text in page.locator("#forms .tab-container:not(.visually-hidden) [role=tab]").all_inner_texts()
    ]


def open_people(page: Page) -> None:
    page.get_by_role("tab", name="People").click()
    expect(page.locator("#people tr[data-person=anna]")).to_be_visible()


def test_two_people_see_who_they_are_and_the_tabs_of_their_role(guest: Guests) -> None:
    anna, carl, rita = guest("anna"), guest("carl"), guest("rita")
    for page, name in ((anna, "anna"), (carl, "carl"), (rita, "rita")):
        expect(page.locator("#who b")).to_have_text(name)
    expect(anna.get_by_role("tab", name="People")).to_be_visible()
    expect(anna.get_by_role("tab", name="Settings")).to_be_visible()
    for page in (carl, rita):
        expect(page.get_by_role("tab", name="Verify")).to_be_visible()
        assert not {"Settings", "People"} & set(tabs(page))
    carl.get_by_role("tab", name="Verify").click()
    expect(carl.locator("#verify-evaluate")).to_be_visible()
    expect(carl.locator("#verify-calibrate")).to_be_hidden()


def test_a_wrong_password_says_so_and_the_right_one_opens(guest: Guests) -> None:
    page = guest()
    for name, password in (("carl", "not his password"), ("nobody", "the password of carl")):
        sign_in(page, name, password)
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        expect(page.get_by_label("Name")).to_have_value(name)
        expect(page.get_by_label("Password")).to_have_value("")
        expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    assert page.locator("#forms").count() == 0
    sign_in(page, "CARL", "the password of carl")
    expect(ready(page).locator("#who b")).to_have_text("carl")


def test_signing_out_ends_here_and_leaves_others_alone(guest: Guests) -> None:
    anna, carl = guest("anna"), guest("carl")
    carl.get_by_role("link", name="Sign out").click()
    expect(carl.get_by_role("button", name="Sign in")).to_be_visible()
    carl.reload()
    expect(carl.get_by_role("button", name="Sign in")).to_be_visible()
    expect(ready(anna).locator("#who b")).to_have_text("anna")


def test_a_creator_does_not_reach_settings_even_by_the_endpoint(guest: Guests) -> None:
    anna, carl = guest("anna"), guest("carl")
    find = """() => {
      const { components, dependencies } = window.gradio_config;
      const button = components.find((part) => part.props.elem_id === "settings-store").id;
      return dependencies.find(({ targets }) => targets.some(([id]) => id === button)).id;
    }"""
    ask = """async (event) => {
      const answer = await fetch("gradio_api/run/predict", { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ fn_index: event, data: ["cloud", null, "sk-planted-1b2c3d"], session_hash: "direct" }) });
      return [answer.status, await answer.text()];
    }"""
    event = anna.evaluate(find)
    status, told = carl.evaluate(ask, event)
    assert status == 500
    assert "carl is signed in as creator, and this takes the role admin. Ask an admin." in told
    status, told = anna.evaluate(ask, event)
    assert status == 200
    assert "The key is kept" in told


def test_what_one_types_stays_ones_own_and_pictures_are_everybodys(guest: Guests) -> None:
    anna, carl = guest("anna"), guest("carl")
    anna.locator("#text-to-image-prompt textarea").fill("a secret plan of anna")
    anna.locator("#text-to-image-prompt textarea").blur()
    settled(anna)
    carl.reload()
    expect(ready(carl).locator("#text-to-image-prompt textarea")).to_have_value("")
    carl.locator("#text-to-image-prompt textarea").fill("a picture of carl")
    carl.locator("#sheet-text-to-image .generate").click()
    for page in (carl, anna):
        expect(page.locator("#strip .tile").first).to_be_visible(timeout=20_000)
    anna.reload()
    expect(ready(anna).locator("#text-to-image-prompt textarea")).to_have_value("a secret plan of anna")


def test_an_admin_adds_somebody_who_then_signs_in_and_takes_the_account_away_again(guest: Guests) -> None:
    anna = guest("anna")
    open_people(anna)
    anna.locator("#people-name input").fill("dora")
    with anna.expect_response("**/gradio_api/run/predict"):  # opening the tab again leaves what is typed
        anna.get_by_role("tab", name="Settings").click()
        anna.get_by_role("tab", name="People").click()
    anna.locator("#people-password input").fill("short")
    anna.locator("#sheet-people .generate").click()
    expect(anna.locator("#people-said")).to_contain_text("at least 10 characters")
    expect(anna.locator("#people-password input")).to_have_value("")
    anna.locator("#people-password input").fill("long enough for dora")
    anna.get_by_label("Reviewer", exact=True).check(force=True)
    expect(anna.locator("#people-may")).to_contain_text("wait for review")
    anna.locator("#sheet-people .generate").click()
    expect(anna.locator("#people-said")).to_contain_text("dora can sign in now.")
    expect(anna.locator("#people tr[data-person=dora]")).to_contain_text("reviewer")
    stored = anna.evaluate(
        "() => JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage}) + document.body.innerHTML"
    )
    assert "long enough" not in stored
    dora = guest("dora", password="long enough for dora")
    expect(dora.locator("#who b")).to_have_text("dora")
    anna.locator("#people-model input").click()
    anna.get_by_role("option", name="dora").click()
    anna.locator("#people-remove").click()
    expect(anna.locator("#people-said")).to_contain_text("dora cannot sign in any more")
    expect(dora.get_by_role("button", name="Sign in")).to_be_visible(timeout=15_000)  # the open page notices by itself
    sign_in(dora, "dora", "long enough for dora")
    expect(dora.get_by_role("alert")).to_contain_text("do not belong together")


def test_the_last_admin_cannot_be_removed(guest: Guests) -> None:
    anna = guest("anna")
    open_people(anna)
    anna.locator("#people-model input").click()
    anna.get_by_role("option", name="anna").click()
    anna.locator("#people-remove").click()
    expect(anna.locator("#people-said")).to_contain_text("anna is the last admin")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_fit_a_phone(guest: Guests, theme: str) -> None:
    page = guest(width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{page.url}?__theme={theme}")
    sign_in(page, "anna", "the password of anna")
    ready(page).evaluate("document.getElementById('tab-people-button').click()")
    expect(page.locator("#people tr[data-person=carl]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_after_a_restart_one_signs_in_again(guest: Guests, team: RunningStudio) -> None:
    anna = guest("anna")
    team.stop()
    expect(anna.locator("#worker")).to_have_text("Not connected", timeout=15_000)
    team.start()
    expect(anna.get_by_role("button", name="Sign in")).to_be_visible(timeout=20_000)


def test_without_accounts_there_is_no_name_and_no_people_tab(toy: RunningStudio, visit: Visits) -> None:
    page = visit(toy.url)
    expect(page.locator("#who")).to_be_hidden()
    assert "People" not in tabs(page)
    assert "Settings" in tabs(page)
    page.get_by_role("tab", name="Verify").click()
    expect(page.locator("#verify-calibrate")).to_be_visible()


def test_no_password_stands_in_anything_the_studio_wrote(team: RunningStudio) -> None:
    files = [path for path in Path(team.folder).rglob("*") if path.is_file()]
    assert [path.name for path in files if b"the password of" in path.read_bytes()] == []
