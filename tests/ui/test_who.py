"""Every handler knows who asked: without a queue, in a server function, at each step of a queued generator; two at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fake_people import password_of, some_accounts
from fakes import FakeStudio
from putting_away import put_away
from visitor import Visitor

from studio.core.errors import NotAllowed
from studio.core.people import Person
from studio.engine.accounts import Accounts
from studio.ui import who
from studio.ui.app import launch

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
NAMES = ("anna", "carl")
STEPS = 5


def a_page() -> gr.Blocks:
    """Three ways to ask who one is; each takes its time, so that they run side by side."""

    def at_once(given: str) -> str:
        time.sleep(0.02)
        return f"{given} {who.current().name} {who.current().role}"

    def step_by_step(given: str) -> Iterator[str]:
        for _ in range(STEPS):
            time.sleep(0.02)
            yield f"{given} {who.current().name} {who.current().role}"

    def served(given: str) -> str:
        time.sleep(0.02)
        return f"{given} {who.current().name} {who.current().role}"

    with gr.Blocks(analytics_enabled=False) as blocks:
        text, said = gr.Textbox(elem_id="text"), gr.Textbox()
        text.submit(at_once, text, said, queue=False, api_visibility="private")
        text.blur(step_by_step, text, said, api_visibility="private", concurrency_limit=None)
        gr.HTML("", elem_id="part", server_functions=[served])
    return blocks


@pytest.fixture
def people(tmp_path: Path) -> Accounts:
    return some_accounts(tmp_path / "data", anna="admin", carl="creator")


@pytest.fixture
def page(people: Accounts, tmp_path: Path) -> Iterator[str]:
    page = launch(a_page(), people, host="127.0.0.1", port=0, temporary=tmp_path / "t", open_browser=False)
    yield page.url
    put_away(FakeStudio(tmp_path / "outputs"), page)


@pytest.fixture
def visitors(page: str) -> Iterator[Callable[[str], Visitor]]:
    made: list[Visitor] = []

    def visitor(name: str) -> Visitor:
        made.append(Visitor(page, name))
        return made[-1]

    yield visitor
    for each in made:
        each.close()


def test_two_people_at_once_are_told_apart_in_every_kind_of_handler(visitors: Callable[[str], Visitor]) -> None:
    role = {"anna": "admin", "carl": "creator"}
    both = {name: visitors(name) for name in NAMES}
    anna = both["anna"]
    at_once = anna.events_of("text", "submit")[0]["id"]
    in_line = anna.events_of("text", "blur")[0]["id"]
    part = anna.component("part")
    start = threading.Barrier(12)

    def ask(number: int) -> list[str]:
        name = NAMES[number % 2]
        visitor, said = both[name], []
        start.wait()
        for turn in range(4):
            given = f"{number}-{turn}"
            expected = f"{given} {name} {role[name]}"
            said.append("" if visitor.ask(at_once, given)[1]["data"][0] == expected else f"event of {name}")
            said.append("" if visitor.call(part, "served", given) == (200, expected) else f"function of {name}")
            told = [each["output"]["data"][0] for each in visitor.ask_in_line(in_line, given) if each.get("output")]
            wrong = [each for each in told if each not in (expected, [])]  # [] is Gradio's word for the same as before
            said.append("" if told and not wrong else f"queue of {name}: {told}")
        return [each for each in said if each]

    with ThreadPoolExecutor(12) as pool:
        assert [wrong for found in pool.map(ask, range(12)) for wrong in found] == []


def test_each_step_of_a_queued_generator_knows_who_asked(visitors: Callable[[str], Visitor]) -> None:
    carl = visitors("carl")
    event = carl.events_of("text", "blur")[0]["id"]
    told = carl.ask_in_line(event, "x")
    steps = [each for each in told if each["msg"] == "process_generating"]
    assert len(steps) >= STEPS - 1
    assert told[-1]["success"]


def test_nobody_is_left_behind_after_a_request(visitors: Callable[[str], Visitor]) -> None:
    visitors("carl").call(visitors("anna").component("part"), "served", "x")
    assert who.known() is None
    with pytest.raises(NotAllowed, match="Reload the page and sign in"):
        who.current()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(who.known()))
    thread.start()
    thread.join()
    assert found == [None]


def test_a_forged_name_or_token_is_nobody(page: str, visitors: Callable[[str], Visitor]) -> None:
    stranger, anna = visitors(""), visitors("anna")
    part = anna.component("part")
    (name, token), *_ = [(name, value) for name, value in anna.http.cookies.items() if "unsecure" in name]
    for cookie in (f"{name}=x", f"{name}=anna", f"{name}-x={token}", f"{name}={token}x", f"{name}=; {name}-2={token}"):
        answer = stranger.http.post("gradio_api/component_server", headers={"Cookie": cookie}, json={
            "data": "x", "component_id": part, "fn_name": "served", "session_hash": "s"})  # fmt: skip
        assert answer.status_code == 401, cookie
    stolen = stranger.http.post("gradio_api/component_server", headers={"Cookie": f"{name}={token}"}, json={
        "data": "x", "component_id": part, "fn_name": "served", "session_hash": "s"})  # fmt: skip
    assert stolen.json() == "x anna admin"


def test_a_new_role_holds_at_the_next_request(visitors: Callable[[str], Visitor], people: Accounts) -> None:
    carl = visitors("carl")
    part = carl.component("part")
    people.change("carl", people.owner, role="reviewer")
    assert carl.call(part, "served", "x") == (200, "x carl reviewer")


@pytest.mark.parametrize("change", ["removed", "password"])
def test_a_session_is_over_when_its_account_goes_or_gets_a_new_password(
    visitors: Callable[[str], Visitor], people: Accounts, change: str
) -> None:
    carl, anna = visitors("carl"), visitors("anna")
    part = carl.component("part")
    assert carl.call(part, "served", "x")[0] == 200
    if change == "removed":
        people.remove("carl", people.owner)
    else:
        people.change("carl", people.owner, password="another good one")
    assert carl.call(part, "served", "x")[0] == 401
    assert anna.call(part, "served", "x")[0] == 200
    if change == "password":
        assert carl.sign_in("carl", password_of("carl")) == 400
        assert carl.sign_in("carl", "another good one") == 200
        assert carl.call(part, "served", "x") == (200, "x carl creator")


def test_a_session_that_was_not_used_yet_is_over_with_a_new_password_too(
    visitors: Callable[[str], Visitor], people: Accounts
) -> None:
    anna, carl = visitors("anna"), visitors("carl")
    part = anna.component("part")
    people.change("carl", people.owner, password="another good one")
    assert carl.call(part, "served", "x")[0] == 401


def test_signing_out_ends_all_sessions_of_that_person_and_no_other(visitors: Callable[[str], Visitor]) -> None:
    here, there, anna = visitors("carl"), visitors(""), visitors("anna")
    assert there.sign_in("CARL", password_of("carl")) == 200
    part = anna.component("part")
    assert there.call(part, "served", "x") == (200, "x carl creator")
    assert here.http.get("logout").status_code == 302
    for gone in (here, there):
        assert gone.call(part, "served", "x")[0] == 401
    assert anna.call(part, "served", "x")[0] == 200
    cross = anna.http.get("logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 403
    assert anna.call(part, "served", "x")[0] == 200


def test_without_accounts_everybody_at_this_computer_is_its_owner(tmp_path: Path) -> None:
    accounts = some_accounts(tmp_path / "data", owner=Person("me", in_files=False))
    page = launch(a_page(), accounts, host="127.0.0.1", port=0, temporary=tmp_path / "t", open_browser=False)
    visitor = Visitor(page.url)
    try:
        event = visitor.events_of("text", "submit")[0]["id"]
        assert visitor.ask(event, "x")[1]["data"] == ["x me admin"]
        assert visitor.call(visitor.component("part"), "served", "x") == (200, "x me admin")
        told = visitor.ask_in_line(visitor.events_of("text", "blur")[0]["id"], "x")
        assert told[-1]["success"]
    finally:
        visitor.close()
        put_away(FakeStudio(tmp_path / "outputs"), page)
