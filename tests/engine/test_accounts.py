"""Rights around the accounts, and what the audit log is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from studio.core.errors import InvalidRequest, NotAllowed
from studio.core.people import Person, Role
from studio.engine.accounts import QUIET, Accounts
from studio.engine.rights import require

ANNA, RITA, CARL = Person("anna"), Person("rita", "reviewer"), Person("carl", "creator")
SECRET = "a planted password"


class MemoryPeople:
    """Accounts in a dict; every password is `SECRET`."""

    def __init__(self, *people: Person) -> None:
        self.known = {person.name: person for person in people}

    def all(self) -> list[Person]:
        return list(self.known.values())

    def find(self, name: str) -> Person | None:
        return self.known.get(name)

    def add(self, name: str, password: str, role: Role) -> Person:
        if name in self.known:
            raise InvalidRequest("taken")
        self.known[name] = Person(name, role)
        return self.known[name]

    def change(self, name: str, *, password: str = "", role: Role | None = None) -> Person:
        self.known[name] = Person(name, role or self.known[name].role)
        return self.known[name]

    def remove(self, name: str) -> None:
        del self.known[name]

    def check(self, name: str, password: str) -> Person | None:
        return self.find(name) if password == SECRET else None

    def edition(self, name: str) -> str:
        return "1"


class Heard:
    """An audit log that is a list."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def append(self, action: str, person: str = "", subject: str = "", **detail: Any) -> None:
        self.told.append((action, person, subject, detail))

    def rows(self, **_: Any) -> list[Any]:
        return []

    def verify(self) -> tuple[int, int | None, str]:
        return 0, None, ""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("right", "able"), [("create", (ANNA, RITA, CARL)), ("review", (ANNA, RITA)), ("manage", (ANNA,))])
def test_a_role_reaches_as_far_as_its_rights(right: Any, able: tuple[Person, ...]) -> None:
    for person in (ANNA, RITA, CARL):
        if person in able:
            require(person, right)
        else:
            with pytest.raises(NotAllowed, match=rf"{person.name} is signed in as {person.role}.*Ask an admin\.") as refused:
                require(person, right)
            assert refused.value.code == "not_allowed"


@pytest.mark.parametrize("person", [RITA, CARL])
def test_only_an_admin_sees_and_changes_people(person: Person) -> None:
    people, heard = MemoryPeople(ANNA, RITA, CARL), Heard()
    accounts = Accounts(people, Person("me"), heard)
    for act in (
        lambda: accounts.all(person),
        lambda: accounts.add("new", SECRET, "admin", person),
        lambda: accounts.change(person.name, person, role="admin"),
        lambda: accounts.remove("anna", person),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert people.all() == [ANNA, RITA, CARL]
    assert heard.told == []


def test_what_an_admin_does_to_people_is_written_down_without_the_password() -> None:
    heard = Heard()
    accounts = Accounts(MemoryPeople(ANNA), Person("me"), heard)
    accounts.add(" carl ", SECRET, "creator", ANNA)
    accounts.change("carl", ANNA, role="reviewer")
    accounts.change("carl", ANNA, password=SECRET)
    with pytest.raises(InvalidRequest):
        accounts.add("carl", SECRET, "creator", ANNA)
    accounts.remove("carl", ANNA)
    assert heard.told == [
        ("person.added", "anna", "carl", {"role": "creator"}),
        ("person.changed", "anna", "carl", {"role": "reviewer", "new_password": False}),
        ("person.changed", "anna", "carl", {"role": "reviewer", "new_password": True}),
        ("person.removed", "anna", "carl", {}),
    ]
    assert SECRET not in repr(heard.told)


def test_sessions_are_written_down_and_what_was_typed_as_an_unknown_name_is_not() -> None:
    heard = Heard()
    accounts = Accounts(MemoryPeople(ANNA), Person("me"), heard, Clock())
    assert accounts.sign_in("anna", SECRET)
    assert not accounts.sign_in("anna", "wrong")
    assert not accounts.sign_in(SECRET, "anna")
    assert heard.told == [
        ("session.opened", "anna", "", {}),
        ("session.refused", "", "anna", {"known": True, "unlisted_before": 0}),
        ("session.refused", "", "", {"known": False, "unlisted_before": 0}),
    ]


def test_a_flood_of_wrong_passwords_does_not_fill_the_log() -> None:
    heard, clock = Heard(), Clock()
    accounts = Accounts(MemoryPeople(ANNA), Person("me"), heard, clock)
    for turn in range(1000):
        accounts.sign_in("anna", "wrong")
        accounts.sign_in(f"guess-{turn}", "wrong")
    assert len(heard.told) == 2
    clock.now += QUIET
    accounts.sign_in("anna", "wrong")
    assert heard.told[-1] == ("session.refused", "", "anna", {"known": True, "unlisted_before": 999})


def test_whether_one_has_to_sign_in_is_decided_once() -> None:
    people = MemoryPeople()
    accounts = Accounts(people, Person("me"))
    assert not accounts.asked
    accounts.add("anna", SECRET, "admin", accounts.owner)
    assert not accounts.asked
    assert accounts.has_admin()
    assert Accounts(people, Person("me")).asked
