"""The launched page over HTTP."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from fake_people import CHEAP, OWNER, some_accounts
from fakes import STARTER, FakeStudio

from studio.core.errors import InvalidRequest
from studio.core.request import ImageRequest, Sampling
from studio.engine.accounts import Accounts
from studio.library.database import Database
from studio.library.people import SqlitePeople

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
Served = tuple[FakeStudio, Any]


def ask(url: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = Request(url, data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def a_kept_picture(studio: FakeStudio) -> Path:
    job = studio.submit(ImageRequest(model=STARTER.id, prompt="a fox", sampling=Sampling(steps=1)))
    for snapshot in studio.watch(job.id):
        if snapshot.job.is_over:
            job = snapshot.job
    record = studio.record(job.records[0])
    assert record
    assert record.path
    return record.path


def test_a_kept_file_is_served_byte_for_byte(served: Served) -> None:
    studio, page = served
    path = a_kept_picture(studio)
    status, data = ask(f"{page.url}gradio_api/file={path}")
    assert (status, data) == (200, path.read_bytes())


def test_files_outside_the_shared_folders_are_refused(served: Served, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for path in (secret, served[0].outputs / ".." / "temporary" / "x", Path(__file__)):
        assert ask(f"{served[1].url}gradio_api/file={path}")[0] in (403, 404)


@pytest.mark.parametrize("headers", [{"Host": "evil.com"}, {"Origin": "http://evil.com"}, {"Origin": "null"}])
def test_a_stranger_can_neither_read_nor_upload(served: Served, headers: dict[str, str]) -> None:
    url = served[1].url
    assert ask(url, **headers)[0] == 403
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\nx\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    status, answer = ask(f"{url}gradio_api/upload", body, **headers, **kind)
    assert status == 403
    assert answer.decode().endswith(".")


def test_an_upload_beyond_the_limit_is_refused(served: Served) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
    body = head + bytes(257 * 1024 * 1024) + b"\r\n--x--\r\n"
    status, _ = ask(f"{served[1].url}gradio_api/upload", body, Content_Type="multipart/form-data; boundary=x")
    assert status == 413


def test_what_an_earlier_run_left_in_the_private_folder_is_gone(served: Served) -> None:
    assert not (served[0].outputs.parent / "temporary" / "left-over.bin").exists()


def test_there_is_no_public_endpoint_no_monitoring_and_no_schema(served: Served) -> None:
    url = served[1].url
    endpoints = json.loads(ask(f"{url}gradio_api/info")[1])
    assert endpoints == {"named_endpoints": {}, "unnamed_endpoints": {}}
    for path in ("monitoring", "monitoring/summary", "openapi.json", "docs"):
        assert ask(f"{url}gradio_api/{path}")[0] >= 400 or ask(f"{url}{path}")[0] >= 400


def test_the_page_names_no_outside_address_and_keeps_no_history(served: Served) -> None:
    config = json.loads(ask(f"{served[1].url}config")[1])
    assert config["run_history"] is False
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    for component in config["components"]:
        for key in ("example_inputs", "api_info", "api_info_as_input", "api_info_as_output"):
            component.pop(key, None)  # Gradio's own samples for programs; nothing of it is ever asked for
    ours = json.dumps([config["components"], config["css"]])
    found = {urlsplit(link).hostname for link in re.findall(r"https?://[^\"\\\s)']+", ours)}
    assert found <= {"127.0.0.1", "www.w3.org"}
    assert '"share"' not in ours


def test_a_hundred_questions_at_the_desk_are_answered_quickly_and_the_same(served: Served) -> None:
    url = served[1].url
    config = json.loads(ask(f"{url}config")[1])
    view = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "desk")
    body = json.dumps({"data": {}, "component_id": view, "fn_name": "live", "session_hash": "s"}).encode()
    answers = {ask(f"{url}gradio_api/component_server", body, Content_Type="application/json")[1] for _ in range(100)}
    time.sleep(0)
    assert all(b'"queue"' in answer for answer in answers)


def test_a_taken_port_is_a_sentence_and_port_zero_takes_the_next_one(served: Served, tmp_path: Path) -> None:
    import gradio as gr

    from studio.ui.app import launch

    taken = urlsplit(served[1].url).port
    accounts = Accounts(SqlitePeople(Database(tmp_path / "data")), OWNER)

    def opened(port: int) -> Any:
        with gr.Blocks() as page:
            gr.Textbox()
        return launch(page, accounts, host="127.0.0.1", port=port, temporary=tmp_path / "t", open_browser=False)

    assert taken
    with pytest.raises(InvalidRequest, match=f"Port {taken} is taken"):
        opened(taken)
    pages = [opened(0), opened(0)]
    for page in pages:
        page.close()
    assert len({page.url for page in pages} - {served[1].url}) == 2


@pytest.mark.parametrize(("error", "told"), [
    (OSError("Cannot find empty port in range: 7860-7959."), InvalidRequest), (OSError(28, "No space left"), OSError),
])  # fmt: skip
def test_only_a_lack_of_ports_is_told_as_taken_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, told: type[Exception]
) -> None:
    import gradio as gr

    from studio.ui.app import launch

    def refuse(*_: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(gr.Blocks, "launch", refuse)
    page, accounts = gr.Blocks(), some_accounts(tmp_path)
    with pytest.raises(told, match="All ports from 7860 on are taken" if told is InvalidRequest else "No space left"):
        launch(page, accounts, host="127.0.0.1", port=0, temporary=tmp_path, open_browser=False)


def test_a_page_for_others_needs_an_admin_and_says_how_to_add_one(tmp_path: Path) -> None:
    from studio.ui.app import build, launch

    studio, accounts = FakeStudio(tmp_path), some_accounts(tmp_path / "data")
    blocks = build(studio, accounts)
    for host in ("0.0.0.0", "192.168.1.7", "::"):
        with pytest.raises(InvalidRequest, match=r"people add NAME --role admin.*STUDIO_PASSWORD.*start again"):
            launch(blocks, accounts, host=host, port=0, temporary=tmp_path / "t", open_browser=False)
    studio.close()


def test_with_accounts_nothing_is_shown_before_somebody_signs_in(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    studio = FakeStudio(tmp_path / "outputs")
    path = a_kept_picture(studio)
    accounts = Accounts(SqlitePeople(Database(tmp_path / "data"), operator=("me", "open sesame"), hasher=CHEAP), OWNER)
    page = open_page(studio, accounts)
    for closed in ("gradio_api/user", "gradio_api/heartbeat/x", "gradio_api/info", "gradio_api/token", "robots.txt"):
        assert ask(f"{page.url}{closed}")[0] == 401, closed
    assert ask(f"{page.url}gradio_api/cancel", b"{}", Content_Type="application/json")[0] == 401
    assert ask(f"{page.url}gradio_api/file={path}")[0] == 401
    assert b"component" not in ask(f"{page.url}config")[1]
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert ask(f"{page.url}login", b"username=me&password=wrong", **form)[0] == 400
    assert ask(f"{page.url}login", b"username=you&password=open+sesame", **form)[0] == 400
    assert ask(f"{page.url}login", b"username=Me&password=open+sesame", **form)[0] == 200
