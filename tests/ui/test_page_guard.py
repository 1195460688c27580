"""Who may pass the door of the page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from studio.ui.guard import SEAL, LocalOnly


async def _inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def knock(method: str = "GET", kind: str = "http", hosts: tuple[str, ...] = (), **headers: str) -> list[dict[str, Any]]:
    """What the guard sends to a request; `_` in a header's name stands for `-`."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(LocalOnly(_inner, hosts)({"type": kind, "method": method, "headers": raw}, None, send))  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "127.0.0.1"])
def test_the_pages_own_addresses_pass(host: str) -> None:
    assert knock(host=host)[0]["status"] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.com", "127.0.0.1.evil.com:7860", "evil.com:7860", "localhost.evil.com", "", "[", "127.0.0.1@evil.com", "0.0.0.0"],
)
def test_a_foreign_name_is_turned_away_with_a_sentence(host: str) -> None:
    start, body = knock(host=host)
    assert start["status"] == 403
    assert body["body"].decode().endswith(".")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.com", "null", "https://evil.com:7860", "http://127.0.0.1:9999", "http://127.0.0.1", "file://", "http://["],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_origin_is_turned_away(origin: str, method: str) -> None:
    assert knock(method, host="127.0.0.1:7860", origin=origin)[0]["status"] == 403


def test_the_pages_own_origin_passes() -> None:
    assert knock("POST", host="localhost:7860", origin="http://localhost:7860")[0]["status"] == 200


def test_a_form_posted_from_another_site_is_turned_away_but_a_link_to_the_page_works() -> None:
    assert knock("POST", host="127.0.0.1:7860", sec_fetch_site="cross-site")[0]["status"] == 403
    assert knock("GET", host="127.0.0.1:7860", sec_fetch_site="cross-site")[0]["status"] == 200
    assert knock("POST", host="127.0.0.1:7860", sec_fetch_site="same-origin")[0]["status"] == 200


def test_a_request_without_a_host_or_with_two_is_turned_away() -> None:
    assert knock()[0]["status"] == 403
    assert LocalOnly(_inner).refuses({"headers": [(b"host", b"127.0.0.1"), (b"host", b"evil.com")]})


def test_names_of_a_listening_studio_pass_only_when_they_are_given() -> None:
    assert knock(host="studio.lan:7860")[0]["status"] == 403
    assert knock(host="studio.lan:7860", hosts=("Studio.LAN",))[0]["status"] == 200


def test_a_strangers_websocket_is_closed() -> None:
    assert knock(kind="websocket", host="evil.com") == [{"type": "websocket.close", "code": 1008}]


def test_every_answer_forbids_outside_addresses_and_frames() -> None:
    headers = dict(knock(host="127.0.0.1")[0]["headers"])
    assert {name.encode() for name in SEAL} <= set(headers)
    assert b"http" not in headers[b"content-security-policy"]
