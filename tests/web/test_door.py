"""The one door to the network: bounds, cancel, offline; over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from loopback import Asked, Fault, Loopback, Said

from studio.core.errors import Cancelled, NotConfigured, Rejected, Unavailable
from studio.web import Door, Request, Trouble, fetch, is_loopback
from studio.web.fetching import Expired


class Echo(Loopback):
    """Answers with the headers and the body it got."""

    def answer(self, asked: Asked) -> Said:
        return Said({"headers": asked.headers, "body": asked.body.decode("latin-1"), "method": asked.method})


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as server:
        yield server


def nothing() -> None: ...


def test_an_exchange_sends_what_it_is_given_and_a_user_agent(server: Echo) -> None:
    answer = Door().send(Request(method="POST", url=server.url, headers={"X-Key": "v"}, json={"a": 1}))
    assert answer.status == 200
    assert server.asked[0].json == {"a": 1}
    assert server.asked[0].headers["x-key"] == "v"
    assert server.asked[0].headers["user-agent"].startswith("Studio/")


def test_a_form_goes_as_multipart_with_texts_and_files(server: Echo) -> None:
    form = [("prompt", "a fox"), ("image", ("i.png", b"\x89PNG", "image/png"))]
    Door().send(Request(method="POST", url=server.url, form=form))
    assert server.asked[0].form == {"prompt": "a fox", "image": b"\x89PNG"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault("drop"), "broken"), (Fault("cut"), "broken"), (Fault("slow", seconds=30), "slow"), (Fault("huge"), "too_large")],
)
def test_no_whole_answer_is_trouble_of_a_kind(server: Echo, fault: Fault, kind: str) -> None:
    server.faults.append(fault)
    began = time.monotonic()
    with pytest.raises(Trouble) as caught:
        Door().send(Request(url=server.url, read_seconds=0.3, most_bytes=3_000_000))
    assert caught.value.kind == kind
    assert time.monotonic() - began < 5
    assert server.sent_bytes < 50_000_000  # five gigabytes were on offer


def test_the_whole_is_bounded_even_if_a_byte_comes_now_and_then(server: Echo) -> None:
    server.faults.append(Fault("trickle"))
    with pytest.raises(Trouble) as caught:
        Door().send(Request(url=server.url, read_seconds=20, whole_seconds=0.4))
    assert caught.value.kind == "slow"


def test_a_port_where_nobody_listens_is_unreached(server: Echo) -> None:
    server.close()
    with pytest.raises(Trouble) as caught:
        Door().send(Request(url=server.url))
    assert caught.value.kind == "unreached"


def test_a_cancel_is_heard_at_once_and_closes_the_connection(server: Echo) -> None:
    server.faults.append(Fault("slow", seconds=30))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()

    def check() -> None:
        if stop.is_set():
            raise Cancelled("Stopped.")

    began = time.monotonic()
    with pytest.raises(Cancelled):
        Door().send(Request(url=server.url), check)
    assert time.monotonic() - began < 2
    end = time.monotonic() + 5
    while not server.gone:  # the server saw the connection go
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_redirect_is_not_followed_by_the_door(server: Echo) -> None:
    server.faults.append(Fault("redirect", to="https://example.invalid/"))
    assert Door().send(Request(url=server.url)).status == 302
    assert len(server.asked) == 1


def test_offline_reaches_this_computer_and_nothing_else(server: Echo) -> None:
    door = Door(offline=lambda: True)
    assert door.send(Request(url=server.url)).status == 200
    with pytest.raises(NotConfigured, match="offline"):
        door.send(Request(url="https://example.invalid/"))


@pytest.mark.parametrize(
    ("url", "own"),
    [("http://127.0.0.1:80/", True), ("http://localhost/x", True), ("http://[::1]:9/", True),
     ("http://127.0.0.1.evil.com/", False), ("http://localhost.evil.com/", False), ("https://10.0.0.1/", False),
     ("http://127.0.0.1@evil.com/", False)],
)  # fmt: skip
def test_what_is_this_computer(url: str, own: bool) -> None:
    assert is_loopback(url) is own


def get(server: Echo, url: str = "", *hosts: str, loopback: bool = True) -> bytes:
    return fetch(Door(), url or server.url, hosts, "The provider", nothing, loopback=loopback).body


def test_a_result_is_fetched_without_any_key(server: Echo) -> None:
    get(server)
    assert not {"authorization", "x-key", "cookie"} & set(server.asked[0].headers)
    assert server.asked[0].headers["user-agent"]


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x.png", "http://cdn.example/x.png", "https://cdn.example.evil.com/x", "https://u:p@cdn.example/x",
     "ftp://cdn.example/x", "file:///etc/passwd", "http://169.254.169.254/latest"],
)  # fmt: skip
def test_a_result_elsewhere_is_not_fetched(server: Echo, url: str) -> None:
    with pytest.raises(Rejected, match="not fetched"):
        get(server, url, "cdn.example", "*.cdn.example", loopback=False)
    assert server.asked == []


def test_a_plain_address_on_this_computer_counts_for_own_servers_only(server: Echo) -> None:
    with pytest.raises(Rejected):
        get(server, loopback=False)


def test_a_redirect_leads_no_further_than_the_known_hosts(server: Echo) -> None:
    with Echo() as other:
        server.faults.append(Fault("redirect", to=other.url))
        get(server)  # both are on this computer
        assert len(other.asked) == 1
    server.faults.append(Fault("redirect", to="https://evil.example/x"))
    with pytest.raises(Rejected, match=r"evil\.example"):
        get(server)
    server.faults += [Fault("redirect", to=server.url)] * 9
    with pytest.raises(Unavailable, match="without end"):
        get(server)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_address_is_told_apart(server: Echo, status: int) -> None:
    server.faults.append(Fault("say", said=Said(b"", status)))
    with pytest.raises(Expired):
        get(server)


def test_a_download_is_tried_again_and_a_five_gigabyte_one_is_not(server: Echo) -> None:
    server.faults += [Fault("cut"), Fault("say", said=Said(b"", 500))]
    get(server)
    assert len(server.asked) == 3
    server.faults.append(Fault("huge"))
    with pytest.raises(Rejected, match="MB"):
        get(server)
    assert len(server.asked) == 4
    server.faults += [Fault("drop")] * 3
    with pytest.raises(Unavailable, match="paid for already"):
        get(server)


def test_a_large_body_is_poured_out_piece_by_piece_and_fills_no_memory(server: Echo) -> None:
    server.faults.append(Fault("huge"))
    poured: list[int] = []

    def write(piece: bytes) -> None:
        poured.append(len(piece))
        if sum(poured) > 20_000_000:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        Door().send(Request(url=server.url, most_bytes=1000, into=lambda status, _: write if status == 200 else None))
    assert max(poured) < 2_000_000
    assert server.sent_bytes < 100_000_000


def test_a_body_that_nobody_pours_out_stays_bounded_in_memory(server: Echo) -> None:
    asked: list[tuple[int, str]] = []

    def into(status: int, headers: object) -> None:
        asked.append((status, str(dict(headers)["content-type"])))  # type: ignore[call-overload]

    answer = Door().send(Request(url=server.url, into=into))
    assert answer.body
    assert asked == [(200, "application/json")]
    server.faults.append(Fault("huge"))
    with pytest.raises(Trouble) as caught:
        Door().send(Request(url=server.url, most_bytes=1000, into=into))
    assert caught.value.kind == "too_large"
