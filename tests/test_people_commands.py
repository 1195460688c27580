"""Accounts from outside: the commands, and a page that asks to sign in."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

import forks
import pytest
from test_whole_studio import page

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
SECRET = "planted-passphrase-41c0"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Folders of their own."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **kept, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "STUDIO_THREADS": "1",
        "STUDIO_DATA": str(tmp_path / "data"), "STUDIO_OUTPUTS": str(tmp_path / "outputs"),
        "STUDIO_MODELS": str(tmp_path / "models"),
    }  # fmt: skip


def run(environment: dict[str, str], *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [forks.python(), "-m", "studio", *arguments]
    return subprocess.run(command, env={**environment, **more}, capture_output=True, text=True, timeout=180, check=False,
                          stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip


def people(environment: dict[str, str], *arguments: str, password: str = SECRET) -> str:
    done = run(environment, "people", *arguments, STUDIO_NEW_PASSWORD=password)
    assert "Traceback" not in done.stderr
    assert password not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_people_are_added_listed_changed_and_removed(environment: dict[str, str], tmp_path: Path) -> None:
    assert "no accounts" in people(environment, "list")
    assert "first account has to be an admin's" in people(environment, "add", "carl")
    assert "Choose another one" in people(environment, "add", "two words", "--role", "admin")
    assert "From its next start on" in people(environment, "add", "anna", "--role", "admin")
    assert "From its next start on" not in people(environment, "add", "Carl")
    assert people(environment, "list").split() == ["anna", "admin", "Carl", "creator"]
    assert "already" in people(environment, "add", "carl")
    assert "is reviewer now" in people(environment, "role", "carl", "reviewer")
    assert "last admin" in people(environment, "role", "anna", "creator")
    assert "last admin" in people(environment, "remove", "anna")
    assert "at least 10 characters" in people(environment, "password", "carl", password="short")
    assert "new password" in people(environment, "password", "carl", password="another-planted-one-5f")
    assert "cannot sign in any more" in people(environment, "remove", "carl")
    assert people(environment, "list").split() == ["anna", "admin"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []


def test_without_a_terminal_and_a_password_nothing_is_added(environment: dict[str, str]) -> None:
    done = run(environment, "people", "add", "anna", "--role", "admin")
    assert done.returncode == 2
    assert "STUDIO_NEW_PASSWORD" in done.stderr
    assert "no accounts" in people(environment, "list")


def signing_in(url: str, name: str, password: str) -> int:
    try:
        with urllib.request.urlopen(
            f"{url}/login", urlencode({"username": name, "password": password}).encode(), timeout=20
        ) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_a_studio_with_accounts_asks_to_sign_in(environment: dict[str, str]) -> None:
    people(environment, "add", "anna", "--role", "admin")
    with page(environment) as (url, _):
        with urllib.request.urlopen(f"{url}/", timeout=20) as answer:
            assert b"Sign in" in answer.read()
        assert signing_in(url, "anna", "a wrong password") == 400
        assert signing_in(url, "anna", SECRET) == 200
        people(environment, "password", "anna", password="another-planted-one-5f")  # by another process
        assert signing_in(url, "anna", SECRET) == 400


def test_studio_password_stands_for_one_admin_on_a_public_address(environment: dict[str, str]) -> None:
    public = {**environment, "STUDIO_HOST": "0.0.0.0", "STUDIO_PASSWORD": SECRET, "STUDIO_USER": "Ada L"}
    with page(public) as (url, _):
        assert signing_in(url, "ada l", SECRET) == 200
        assert signing_in(url, "admin", SECRET) == 400
        request = urllib.request.Request(f"{url}/", headers={"Host": "evil.example"})
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        refused.value.close()
        assert refused.value.code == 403
    logs = list((Path(environment["STUDIO_DATA"]) / "logs").iterdir())
    assert [path.name for path in logs if SECRET in path.read_text()] == []
