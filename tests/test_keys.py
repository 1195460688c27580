"""Keys in the environment and in the keyring; preferences that every process heeds."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import PasswordDeleteError

from studio.core.errors import InvalidRequest, NotConfigured
from studio.core.hosting import KeyState, Limit, Preferences
from studio.keys import Keys
from studio.preferences import PreferenceFile
from studio.settings import Settings

NAME, VALUE = "STABILITY_API_KEY", "sk-planted-8c41f203"


class MemoryKeyring(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not there")
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    monkeypatch.delenv(NAME, raising=False)
    before, own = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(own)
    yield own
    keyring.set_keyring(before)


def test_a_key_goes_into_the_keyring_and_its_ending_is_all_that_is_told(ring: MemoryKeyring, tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    assert keys.state(NAME) == KeyState(name=NAME)
    keys.store(NAME, f"  {VALUE}\n")
    assert keys.get(NAME) == VALUE
    assert keys.state(NAME) == KeyState(name=NAME, place="keyring", ending="03")
    assert VALUE.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert VALUE not in repr(keys) + repr(keys.__dict__)
    keys.remove(NAME)
    keys.remove(NAME)
    assert (keys.get(NAME), keys.state(NAME).place, ring.kept) == ("", "", {})


def test_the_environment_comes_first_and_is_not_changed_here(
    ring: MemoryKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(tmp_path)
    keys.store(NAME, "sk-in-the-keyring")
    monkeypatch.setenv(NAME, VALUE)
    assert (keys.get(NAME), keys.state(NAME).place) == (VALUE, "environment")
    with pytest.raises(InvalidRequest, match="environment"):
        keys.remove(NAME)


@pytest.mark.parametrize("value", ["", "short", "two words here", "line\nbreak-in-it", "ключ-ключ-ключ", "x" * 2000])
def test_what_cannot_be_a_key_is_refused_without_being_told(ring: MemoryKeyring, tmp_path: Path, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Keys(tmp_path).store(NAME, value)
    assert not value or value not in str(caught.value)
    assert ring.kept == {}


def test_without_a_keyring_the_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(NotConfigured, match=NAME) as caught:
            Keys(tmp_path).store(NAME, VALUE)
        (tmp_path / "keys.json").write_text(json.dumps({NAME: "03"}))
        assert Keys(tmp_path).get(NAME) == ""
    finally:
        keyring.set_keyring(before)
    assert VALUE not in f"{caught.value!r}{caught.value.__context__!r}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"a": 1}'])
def test_a_damaged_list_of_keys_is_an_empty_one(ring: MemoryKeyring, tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    assert Keys(tmp_path).state(NAME).place == ""


def preferences(folder: Path, **settings: Any) -> PreferenceFile:
    return PreferenceFile(Settings(data=folder, **settings))


def test_preferences_hold_in_every_process_at_once(tmp_path: Path) -> None:
    one, other = preferences(tmp_path), preferences(tmp_path)
    assert other.get() == Preferences()
    wanted = Preferences(
        offline=True, audit_prompts=True, daily_budget=2.5, limits={"bfl": Limit(at_once=3, per_minute=12.0)}
    )
    one.set(wanted)
    assert other.get() == wanted
    assert other.offline()
    one.set(Preferences())
    assert not other.offline()


def test_the_command_line_keeps_offline_whatever_the_switch_says(tmp_path: Path) -> None:
    preferences(tmp_path).set(Preferences(offline=False))
    assert preferences(tmp_path, offline=True).offline()


@pytest.mark.parametrize(
    "wrong",
    [Preferences(daily_budget=-1), Preferences(limits={"a": Limit(at_once=0)}),
     Preferences(limits={"a": Limit(per_minute=0.5)}), Preferences(limits={"a": Limit(at_once=1000)})],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(tmp_path: Path, wrong: Preferences) -> None:
    with pytest.raises(InvalidRequest, match="between"):
        preferences(tmp_path).set(wrong)
    assert not (tmp_path / "preferences.json").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"limits": {"a": 5}}', '{"daily_budget": "x"}', '{"limits": 7}'])
def test_damaged_preferences_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "preferences.json").write_text(content)
    assert preferences(tmp_path).get() == Preferences()


def test_when_a_provider_last_answered_is_noted(tmp_path: Path) -> None:
    file = preferences(tmp_path)
    assert file.proven() == {}
    file.prove("bfl")
    assert file.proven()["bfl"][:4].isdigit()
