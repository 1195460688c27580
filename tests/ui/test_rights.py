"""What a role does not reach is refused by the studio itself, whatever a page shows, however it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_people import password_of, some_accounts
from fakes import STARTER, FakeStudio
from putting_away import put_away
from visitor import Visitor

from studio import settings
from studio.core.people import Person
from studio.core.request import ImageRequest
from studio.engine.accounts import Accounts
from studio.ui.app import build, launch
from studio.ui.tabs import is_shown, right_of, tabs

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
SECRET = "sk-planted-8d21aa"


class Place:
    """A page with three people, and a session of each."""

    def __init__(self, folder: Path) -> None:
        settings.quieten(folder / "t")
        (folder / "outputs").mkdir()
        self.studio = FakeStudio(folder / "outputs")
        self.studio.save_draft("text-to-image", {"prompt": "what the owner typed before there were accounts"})
        self.accounts = some_accounts(folder / "data", anna="admin", rita="reviewer", carl="creator")
        self.page = launch(
            build(self.studio, self.accounts), self.accounts, host="127.0.0.1", port=0, temporary=folder / "t",
            open_browser=False,
        )  # fmt: skip
        self.anna, self.rita, self.carl = (Visitor(self.page.url, name) for name in ("anna", "rita", "carl"))

    def close(self) -> None:
        for visitor in (self.anna, self.rita, self.carl):
            visitor.close()
        put_away(self.studio, self.page)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("rights"))
    yield place
    place.close()


def under(node: dict[str, Any]) -> set[int]:
    return {node["id"], *(id for child in node.get("children") or [] for id in under(child))}


def events_within(visitor: Visitor, tab: str) -> list[dict[str, Any]]:
    """Every event that starts at a component of this tab, as a stranger would find them in the page's own source."""
    config = visitor.config()
    wanted = visitor.component(f"tab-{tab}")

    def find(node: dict[str, Any]) -> set[int]:
        if node["id"] == wanted:
            return under(node)
        return set().union(*(find(child) for child in node.get("children") or []))

    ids = find(config["layout"])
    return [event for event in config["dependencies"] if any(target[0] in ids for target in event["targets"])]


@pytest.mark.parametrize("tab", ["settings", "people"])
@pytest.mark.parametrize("name", ["rita", "carl"])
def test_no_event_of_an_admins_tab_answers_anybody_else(place: Place, tab: str, name: str) -> None:
    visitor: Visitor = getattr(place, name)
    events = events_within(visitor, tab)
    assert len(events) >= 5
    for event in events:
        given = [None] * len(event["inputs"])
        if event["queue"]:
            last = visitor.ask_in_line(event["id"], *given)[-1]
            assert not last["success"]
            told = last["output"]["error"]
        else:
            status, answer = visitor.ask(event["id"], *given)
            assert status == 500
            told = answer["error"]
        assert told.endswith("Ask an admin."), event
    assert place.studio.keys == {}


def test_the_same_events_answer_an_admin(place: Place) -> None:
    (store,) = place.anna.events_of("settings-store", "click")
    status, answer = place.anna.ask(store["id"], "cloud", None, SECRET)
    assert (status, "The key is kept" in answer["data"][0]) == (200, True)
    assert place.studio.keys == {"CLOUD_API_KEY": SECRET}
    assert SECRET not in str(answer)
    place.studio.keys.clear()


@pytest.mark.parametrize("button", ["verify-calibrate-go", "verify-evaluate-go"])
def test_a_folder_of_this_computer_is_read_for_admins_only(place: Place, button: str, tmp_path: Path) -> None:
    for visitor, allowed in ((place.carl, False), (place.rita, False), (place.anna, True)):
        event = visitor.events_of(button, "click")[0]
        told = str(visitor.ask_in_line(event["id"], str(tmp_path), []))
        assert ("Ask an admin" in told) is not allowed


def test_a_request_carries_the_name_and_the_role_of_whoever_made_it(place: Place) -> None:
    config = place.carl.config()
    (click,) = [event for event in config["dependencies"] if event["targets"] == [[generate_button(config), "click"]]]
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    prompt = place.carl.component("text-to-image-prompt")
    for visitor, name, role in ((place.carl, "carl", "creator"), (place.rita, "rita", "reviewer")):
        given = [f"a hill by {name}" if id == prompt else values[id] for id in click["inputs"]]
        assert visitor.ask(click["id"], *given)[0] == 200
        job = place.studio.jobs(active=False)[0]
        assert (job.request.prompt, job.request.user, job.role) == (f"a hill by {name}", name, role)


def test_a_creator_stops_and_deletes_nothing_of_others(place: Place) -> None:
    place.studio.pause(True)
    theirs = place.studio.submit(ImageRequest(model=STARTER.id, prompt="by rita"), person=Person("rita", "reviewer"))
    desk = place.carl.component("desk")
    for asked in ({"do": "cancel", "id": theirs.id}, {"do": "move", "id": theirs.id, "place": 1}, {"do": "resume"}):
        status, told = place.carl.call(desk, "act", asked)
        assert (status, told.endswith("Ask an admin.")) == (200, True)
    assert place.studio.job(theirs.id).state == "queued"
    assert place.rita.call(desk, "act", {"do": "cancel", "id": theirs.id}) == (200, "")
    place.studio.pause(False)


def test_a_review_server_function_answers_reviewers_only(place: Place) -> None:
    review = place.anna.component("review")
    for function in ("review_list", "review_report", "review_undo"):
        assert place.carl.call(review, function)[0] == 403
        assert place.rita.call(review, function)[0] == 200


def test_an_admin_switches_the_policy_checks_the_log_and_takes_it_away(place: Place) -> None:
    (switch,) = place.anna.events_of("settings-policy", "input")
    status, answer = place.anna.ask(switch["id"], False, True)
    assert (status, "Nothing is checked by the policy; new rows of the log hold prompts." in str(answer)) == (200, True)
    assert (place.studio.preferences().policy, place.studio.preferences().audit_prompts) == (False, True)
    check, table = (place.anna.events_of(button, "click")[0] for button in ("audit-check", "audit-csv"))
    assert "12 rows, all fit." in str(place.anna.ask(check["id"]))
    place.studio.oversight.broken = 7
    assert "What comes before row 7 fits." in str(place.anna.ask(check["id"]))
    place.studio.oversight.broken = None
    (where,) = re.findall(r'href="([^"]+)"', place.anna.ask(table["id"])[1]["data"][0])
    assert place.anna.http.get(where).text == "seq,action\n1,key.set\n"
    place.anna.ask(table["id"])
    assert place.anna.http.get(where).status_code in (403, 404)


def generate_button(config: dict[str, Any]) -> int:
    return next(int(part["id"]) for part in config["components"] if part["props"].get("value") == "Generate")


def test_a_person_is_added_by_an_admin_and_the_password_shows_nowhere(place: Place) -> None:
    keep = next(event for event in events_within(place.anna, "people") if len(event["inputs"]) == 4)
    secret = "a planted passphrase"
    status, answer = place.anna.ask(keep["id"], "", "new.one", "creator", secret)
    assert status == 200
    assert "new.one can sign in now." in str(answer)
    status, refused = place.anna.ask(keep["id"], "", "other", "creator", secret[:5])
    assert "at least 10 characters" in str(refused)
    assert secret not in str(answer) + str(refused) + str(place.anna.config())
    assert secret[:5] not in str(refused)
    fresh = Visitor(place.page.url)
    assert fresh.sign_in("new.one", secret) == 200
    fresh.close()
    place.accounts.remove("new.one", place.accounts.owner)


def test_the_last_admin_cannot_take_their_own_role_away(place: Place) -> None:
    keep = next(event for event in events_within(place.anna, "people") if len(event["inputs"]) == 4)
    opened = place.anna.events_of("tab-people", "select")[0]
    place.anna.ask(opened["id"])
    assert "anna is the last admin" in str(place.anna.ask(keep["id"], "anna", "", "creator", ""))
    assert place.accounts.find("anna") == Person("anna", "admin")


def test_tabs_are_shown_to_those_who_may_use_them(place: Place) -> None:
    alone = Accounts(place.accounts._people, Person("me"))
    alone.asked = False
    shown = {
        name: [tab.NAME for tab in tabs() if right_of(tab) == "manage" and is_shown(tab, person, accounts)]
        for name, person, accounts in (
            ("anna", Person("anna"), place.accounts),
            ("rita", Person("rita", "reviewer"), place.accounts),
            ("alone", Person("me"), alone),
        )
    }
    assert shown["anna"] == ["settings", "people"]
    assert shown["rita"] == []
    assert shown["alone"] == ["settings"]


def test_everybody_has_forms_of_their_own(place: Place) -> None:
    """And the owner's from before there were accounts stay where they are."""
    texts = {}
    for visitor in (place.anna, place.carl):
        events = visitor.config()["dependencies"]
        load = next(event for event in events if any(target[1] == "load" for target in event["targets"]))
        texts[visitor] = str(visitor.ask(load["id"])[1])
        assert "before there were accounts" not in texts[visitor] + str(visitor.config())
    assert '"name": "carl"' in texts[place.carl].replace("'", '"')
    easel = place.anna.component("easel-inpaint")
    place.studio.save_draft("inpaint:easel of anna", {"images": [], "layer": "YW5uYQ=="})
    assert place.anna.call(easel, "clear", None)[0] == 200
    assert place.studio.load_draft("inpaint:easel of anna")["layer"] == ""
    assert place.studio.load_draft("inpaint:easel of carl") == {}
    assert place.studio.load_draft("inpaint:easel") == {}


def test_a_name_and_password_of_somebody_else_do_not_mix(place: Place) -> None:
    fresh = Visitor(place.page.url)
    assert fresh.sign_in("anna", password_of("carl")) == 400
    assert fresh.http.get("config").status_code == 401
    fresh.close()
