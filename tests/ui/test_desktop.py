"""The page on its owner's computer: files open by their record, the app can be installed, Quit loses nothing."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fake_people import some_accounts
from fakes import STARTER, FakeStudio
from PIL import Image

from studio.core.request import ImageRequest, Sampling
from studio.core.result import Record
from studio.ui.app import doors
from studio.ui.desktop import command, is_owner, show, tools
from studio.ui.guard import App, Receive, Scope, Send
from studio.ui.tabs.settings import _quit


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[FakeStudio]:
    (tmp_path / "outputs").mkdir()
    made = FakeStudio(tmp_path / "outputs", step_seconds=0)
    yield made
    made.close()


def a_picture(studio: FakeStudio) -> Record:
    job = studio.submit(ImageRequest(model=STARTER.id, prompt="a fox", sampling=Sampling(steps=1)))
    *_, last = studio.watch(job.id)
    record = studio.record(last.job.records[0])
    assert record
    return record


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux’s")
def test_a_picture_opens_by_its_record_and_never_by_a_path(
    studio: FakeStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, accounts = tmp_path / "opened", some_accounts(tmp_path)
    viewer = tmp_path / "bin" / "xdg-open"
    viewer.parent.mkdir()
    viewer.write_text(f'#!/bin/sh\necho "$1" >> {opened}.part && mv {opened}.part {opened}\n')
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{viewer.parent}:/usr/bin:/bin")
    record = a_picture(studio)
    for asked, shown in (
        ({"id": record.id}, record.path),
        ({"id": record.id, "reveal": True}, record.path and record.path.parent),
    ):
        assert show(studio, accounts, asked) == ""
        deadline = time.monotonic() + 10
        while not opened.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert opened.read_text().strip() == str(shown)
        opened.unlink()
    for strange in ({"id": str(record.path)}, {"path": "/etc/passwd"}, {"id": "../x"}, {}):
        assert "is gone" in show(studio, accounts, strange)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "The file lies in" in show(studio, accounts, {"id": record.id})
    assert not opened.exists()


def test_where_people_sign_in_nobody_opens_files_of_that_computer(studio: FakeStudio, tmp_path: Path) -> None:
    accounts = some_accounts(tmp_path, anna="admin")
    assert not is_owner(accounts)
    assert "only its owner" in show(studio, accounts, {"id": a_picture(studio).id})


def test_each_system_has_its_own_way() -> None:
    path = Path("/o/a b.png")
    assert command(path, "linux", reveal=False) == ["xdg-open", str(path)]
    assert command(path, "linux", reveal=True) == ["xdg-open", str(path.parent)]
    assert command(path, "darwin", reveal=True) == ["open", "-R", str(path)]
    assert command(path, "win32", reveal=True)[-1] == str(path)
    assert command(path, "win32", reveal=False) == []


def test_the_buttons_are_there_while_the_file_is(studio: FakeStudio) -> None:
    record = a_picture(studio)
    assert tools(record).count(f'data-open="{record.id}"') == 2
    studio.change_record(record.id, path=None)
    assert tools(studio.record(record.id)) == ""  # type: ignore[arg-type]


def test_quit_answers_first_and_ends_then() -> None:
    over = threading.Event()
    assert "goes on at the next start" in _quit(over.set)
    assert not over.is_set()
    assert over.wait(10)


def test_a_browser_can_install_the_page_before_anybody_signs_in(tmp_path: Path) -> None:
    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody has signed in")

    app: App = inside
    for door in reversed(doors("127.0.0.1", some_accounts(tmp_path, anna="admin"))):
        app = door.cls(app, **door.kwargs)  # type: ignore[call-arg]

    async def ask(path: str, host: str = "127.0.0.1:7860") -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:  # type: ignore[arg-type]
            return await client.get(path)

    told = asyncio.run(ask("/manifest.json"))
    manifest = told.json()
    assert (told.headers["content-type"], manifest["display"]) == ("application/manifest+json", "standalone")
    for icon in manifest["icons"]:
        answer = asyncio.run(ask(icon["src"]))
        assert answer.headers["content-security-policy"]
        image = Image.open(io.BytesIO(answer.content))
        assert icon["sizes"] == f"{image.width}x{image.height}"
        assert (image.convert("RGBA").getpixel((0, 0))[3] == 255) == (icon["purpose"] == "maskable")  # type: ignore[index]
    assert asyncio.run(ask("/manifest.json", "evil.example")).status_code == 403
