"""Accounts: names, passwords, the last admin, and what a guesser runs into."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from studio.core.errors import InvalidRequest
from studio.core.people import Person
from studio.core.ports import People
from studio.library.database import Database
from studio.library.people import NAMES_REMEMBERED, SqlitePeople, _Waits

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SECRET = "correct horse battery"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def some_people(database: Database, **more: object) -> SqlitePeople:
    return SqlitePeople(database, hasher=CHEAP, **more)  # type: ignore[arg-type]


@pytest.fixture
def people(database: Database) -> SqlitePeople:
    people = some_people(database)
    people.add("Anna", SECRET, "admin")
    return people


def stored(database: Database, name: str) -> str:
    return str(database.rows("SELECT password FROM account WHERE name = ?", (name,))[0]["password"])


def test_somebody_added_can_sign_in_however_the_name_is_cased(people: People) -> None:
    assert people.add("carl.o_1-x", SECRET, "creator") == Person("carl.o_1-x", "creator")
    assert people.check("CARL.O_1-X", SECRET) == Person("carl.o_1-x", "creator")
    assert people.find("Carl.o_1-x") == Person("carl.o_1-x", "creator")
    assert [person.name for person in people.all()] == ["Anna", "carl.o_1-x"]


@pytest.mark.parametrize("password", ["", "Correct horse battery", SECRET + " ", SECRET[:-1], "x" * 5000, "\ud800", "\x00"])
def test_another_password_does_not_open(people: People, password: str) -> None:
    assert people.check("Anna", password) is None


@pytest.mark.parametrize("name", ["", "nobody", "anna ", " anna", "x" * 5000, "a'; DROP TABLE account; --", "\x00", "änna"])
def test_a_name_that_nobody_has_does_not_open(people: People, name: str) -> None:
    assert people.check(name, SECRET) is None
    assert people.find(name) is None
    assert people.edition(name) == ""
    assert people.check("Anna", SECRET)


@pytest.mark.parametrize("name", ["", "two words", "ümlaut", "x" * 41, "a/b", "a@b", "new\n", "<b>", "а"])
def test_odd_names_are_refused_with_a_sentence(people: People, name: str) -> None:
    with pytest.raises(InvalidRequest, match="letters") as refused:
        people.add(name, SECRET, "creator")
    assert refused.value.field == "name"


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * 1001])
def test_short_passwords_are_refused_and_stand_in_no_message(people: People, password: str) -> None:
    with pytest.raises(InvalidRequest, match="at least 10 characters") as refused:
        people.add("carl", password, "creator")
    assert not password or password not in str(refused.value)
    assert people.find("carl") is None
    if password:
        with pytest.raises(InvalidRequest, match="at least 10"):
            people.change("Anna", password=password)


def test_a_name_is_given_once(people: People) -> None:
    with pytest.raises(InvalidRequest, match="already"):
        people.add("ANNA", SECRET, "creator")
    assert people.check("anna", SECRET) == Person("Anna", "admin")


def test_the_first_one_is_an_admin(database: Database) -> None:
    people = some_people(database)
    with pytest.raises(InvalidRequest, match="first account has to be an admin's"):
        people.add("carl", SECRET, "creator")
    people.add("anna", SECRET, "admin")
    people.add("carl", SECRET, "creator")


def test_the_last_admin_stays_one(people: People) -> None:
    for change in (lambda: people.remove("anna"), lambda: people.change("anna", role="reviewer")):
        with pytest.raises(InvalidRequest, match="Anna is the last admin"):
            change()
    people.add("rita", SECRET, "admin")
    assert people.change("anna", role="creator") == Person("Anna", "creator")
    people.change("rita", role="admin")
    with pytest.raises(InvalidRequest, match="rita is the last admin"):
        people.remove("rita")
    people.remove("ANNA")
    assert people.all() == [Person("rita", "admin")]


def test_two_admins_who_remove_each_other_at_once_leave_one(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        people = some_people(database)
        for round in range(10):
            for name in ("anna", "rita"):
                if people.find(name) is None:
                    people.add(name, SECRET, "admin")
            start = threading.Barrier(2)

            def remove(name: str, start: threading.Barrier = start) -> None:
                start.wait()
                with suppress(InvalidRequest):
                    people.remove(name)

            both = [threading.Thread(target=remove, args=(name,)) for name in ("anna", "rita")]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            assert len(people.all()) == 1, round


def test_what_is_not_there_cannot_be_changed(people: People) -> None:
    for change in (lambda: people.remove("carl"), lambda: people.change("carl", role="admin")):
        with pytest.raises(InvalidRequest, match="no account of that name"):
            change()
    with pytest.raises(InvalidRequest, match="no role"):
        people.add("carl", SECRET, "owner")  # type: ignore[arg-type]


def test_a_new_password_replaces_the_old_one_and_the_edition(people: People) -> None:
    before = people.edition("anna")
    people.change("anna", password="another good one")
    assert people.check("anna", SECRET) is None
    assert people.check("anna", "another good one")
    assert people.edition("ANNA") not in ("", before)
    people.add("rita", SECRET, "admin")
    edition = people.edition("anna")
    people.change("anna", role="creator")
    assert people.edition("anna") == edition


def test_composed_and_decomposed_letters_are_the_same_password(people: People) -> None:
    people.change("anna", password="gr\u00fcne W\u00e4lder")
    assert people.check("anna", "gru\u0308ne Wa\u0308lder")


def test_passwords_are_hashed_with_argon2id_at_full_strength(database: Database) -> None:
    people = SqlitePeople(database)
    people.add("anna", SECRET, "admin")
    kept = stored(database, "anna")
    strength = extract_parameters(kept)
    assert strength.type is Type.ID
    assert strength.memory_cost >= 47_104  # OWASP's least for one pass
    assert strength.time_cost >= 1
    assert SECRET not in kept
    assert people.check("anna", SECRET)


def test_a_hash_of_other_strength_is_made_anew_when_the_password_is_next_typed(people: People, database: Database) -> None:
    before = stored(database, "Anna")
    stronger = SqlitePeople(database, hasher=PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert stronger.check("anna", "a wrong password") is None
    assert stored(database, "Anna") == before
    assert stronger.check("anna", SECRET)
    assert extract_parameters(stored(database, "Anna")).memory_cost == 16
    assert stronger.check("anna", SECRET)


def test_a_damaged_hash_opens_nothing(people: People, database: Database) -> None:
    for hash in ("", "plain", "$argon2id$v=19$m=8,t=1,p=1$broken"):
        database.change("UPDATE account SET password = ?", (hash,))
        assert people.check("anna", hash) is None


def test_unknown_names_take_as_long_as_known_ones(database: Database) -> None:
    people = SqlitePeople(database, hasher=PasswordHasher(time_cost=3, memory_cost=8192, parallelism=1))
    people.add("anna", SECRET, "admin")

    def seconds(name: str) -> float:
        begun = perf_counter()
        people.check(name, "wrong password")
        return perf_counter() - begun

    seconds("warm-up")
    known = [seconds("anna") for _ in range(4)]
    unknown = [seconds(f"nobody-{turn}") for turn in range(4)]
    assert 0.4 < median(unknown) / median(known) < 2.5


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_after_five_failures_the_next_try_is_not_looked_at_for_a_while(database: Database, name: str) -> None:
    clock = Clock()
    people = some_people(database, clock=clock)
    people.add("anna", SECRET, "admin")
    for _ in range(5):
        people.check(name, "wrong password")
    waited = []
    for _ in range(9):
        wait = 0.0
        while not people._waits.may_try(name):
            assert people.check(name.upper(), SECRET) is None  # not looked at, and not counted
            clock.now += 0.5
            wait += 0.5
        waited.append(wait)
        people.check(name, "wrong password")
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    clock.now += 60
    assert (people.check(name, SECRET) is None) == (name == "nobody")


def test_others_do_not_wait_and_a_success_forgets_the_failures(people: SqlitePeople) -> None:
    people.add("rita", SECRET, "creator")
    for _ in range(4):
        people.check("anna", "wrong password")
    assert people.check("anna", SECRET)
    for _ in range(5):
        people.check("anna", "wrong password")
    assert people.check("anna", SECRET) is None
    assert people.check("rita", SECRET)


def test_the_list_of_failures_does_not_grow_without_end() -> None:
    waits = _Waits(Clock())
    for number in range(NAMES_REMEMBERED + 500):
        waits.note(f"name-{number}", good=False)
    assert len(waits._failures) == NAMES_REMEMBERED


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=some.text(max_size=60), password=some.text(max_size=60))
def test_no_text_at_all_signs_in_or_breaks_anything(database: Database, name: str, password: str) -> None:
    people = some_people(database, operator=("Ope Rator", SECRET))
    assert people.check(name, password) is None


def test_the_operator_is_one_more_admin_in_memory(database: Database) -> None:
    people = some_people(database, operator=("me", "1234"))
    assert people.all() == [Person("me", "admin")]
    assert people.check("ME", "1234") == Person("me", "admin")
    assert people.check("me", "12345") is None
    for change in (lambda: people.remove("me"), lambda: people.change("me", role="creator")):
        with pytest.raises(InvalidRequest, match="STUDIO_PASSWORD"):
            change()
    assert database.rows("SELECT * FROM account") == []
    assert some_people(database).all() == []


def test_an_account_goes_before_the_operator_of_the_same_name(database: Database) -> None:
    people = some_people(database, operator=("me", "the operator's"))
    people.add("Me", SECRET, "admin")
    assert people.all() == [Person("Me", "admin")]
    assert people.check("me", "the operator's") is None
    assert people.check("me", SECRET)


def test_the_operator_does_not_stand_in_for_the_last_admin(database: Database) -> None:
    people = some_people(database, operator=("me", SECRET))
    people.add("anna", SECRET, "admin")
    with pytest.raises(InvalidRequest, match="last admin"):
        people.remove("anna")


def test_no_password_and_no_hash_shows(people: People, database: Database) -> None:
    shown = repr(people) + repr(people.all()) + repr(people.find("anna")) + people.edition("anna")
    kept = stored(database, "Anna")
    assert SECRET not in shown
    assert kept not in shown
    assert people.edition("anna") not in kept
