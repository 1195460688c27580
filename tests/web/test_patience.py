"""When a call is made again, when it is waited for, and when a person must look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from loopback import Asked, Fault, Loopback, Said

from studio.core.errors import RateLimited, Rejected, StudioError, Unavailable, Uncertain
from studio.web import Answer, Door, Manners, Request, ask, asked_pause, patience
from studio.web.patience import BACKOFF, Waiting


class Yes(Loopback):
    def answer(self, asked: Asked) -> Said:
        return Said({"yes": True})


@pytest.fixture
def server() -> Iterator[Yes]:
    with Yes() as server:
        yield server


class Waiter:
    """Writes down how long it was told to wait, and does not."""

    def __init__(self) -> None:
        self.delays: list[tuple[float, str]] = []
        self.held: list[float] = []
        self.rests = 0.0
        self.waiting = Waiting(check=lambda: None, delay=self.delay, hold=self.held.append, rest=self.rest)

    def delay(self, until: float, why: str) -> None:
        self.delays.append((until - time.time(), why))

    def rest(self, seconds: float) -> None:
        self.rests += seconds


def failure(answer: Answer) -> StudioError | None:
    if answer.status < 400:
        return None
    if answer.status == 429:
        return RateLimited("Too many.")
    return Unavailable(f"Broken ({answer.status}).") if answer.status >= 500 else Rejected("No.")


def call(server: Yes, waiter: Waiter | None = None, **manners: object) -> Answer:
    kept = Manners(
        **{"service": "The provider", "failure": failure, "pause": lambda a: asked_pause(a, time.time()), **manners}
    )
    return ask(Door(), Request(method="POST", url=server.url, read_seconds=0.5), kept, (waiter or Waiter()).waiting)


def statuses(server: Yes, *codes: int, **headers: str) -> None:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    server.faults += [Fault("say", said=Said({}, code, told)) for code in codes]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "7"}, 7), ({"retry-after-ms": "1500"}, 1.5), ({"retry-after": "0"}, 0), ({}, None),
     ({"retry-after": "soon"}, None), ({"retry-after": "-5"}, None), ({"retry-after-ms": "x"}, None),
     ({"retry-after": "2.5"}, 2.5)],
)  # fmt: skip
def test_what_an_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_pause(Answer(status=429, headers=headers, body=b""), time.time()) == seconds


def test_a_pause_until_a_date() -> None:
    now = time.time()
    told = Answer(status=429, headers={"retry-after": formatdate(now + 90, usegmt=True)}, body=b"")
    assert asked_pause(told, now) == pytest.approx(90, abs=1)
    past = Answer(status=429, headers={"retry-after": formatdate(now - 90, usegmt=True)}, body=b"")
    assert asked_pause(past, now) == 0


def test_rate_limits_are_waited_out_as_asked_and_everybody_is_told(server: Yes) -> None:
    statuses(server, 429, 429, retry_after="7")
    waiter = Waiter()
    call(server, waiter, billed=True)
    assert [round(seconds) for seconds, _ in waiter.delays] == [7, 7]
    assert len(waiter.held) == 2
    assert "The provider" in waiter.delays[0][1]


def test_without_a_hint_the_pauses_grow_with_jitter_up_to_a_cap(server: Yes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BACKOFF", BACKOFF)
    statuses(server, *[429] * 9)
    waiter = Waiter()
    call(server, waiter, billed=True)
    caps = [min(60, 2**attempt) for attempt in range(9)]
    assert all(0 <= seconds <= cap + 0.1 for (seconds, _), cap in zip(waiter.delays, caps, strict=True))
    assert len({round(seconds, 3) for seconds, _ in waiter.delays}) > 5


def test_rate_limits_without_end_become_a_failure(server: Yes) -> None:
    statuses(server, *[429] * 5, retry_after="1500")
    with pytest.raises(RateLimited):
        call(server)
    assert len(server.asked) == 3  # 3 × 1500 s would be more than an hour


def test_a_free_call_is_tried_three_times(server: Yes) -> None:
    statuses(server, 500, 502)
    call(server)
    statuses(server, 500, 500, 500, 500)
    with pytest.raises(Unavailable):
        call(server)
    assert len(server.asked) == 6


@pytest.mark.parametrize("fault", [Fault("drop"), Fault("cut"), Fault("slow", seconds=9), Fault("say", said=Said({}, 502))])
def test_a_billed_call_of_unknown_end_is_never_sent_again(server: Yes, fault: Fault) -> None:
    server.faults.append(fault)
    with pytest.raises(Uncertain, match="Retry"):
        call(server, billed=True)
    assert len(server.asked) == 1


def test_a_billed_call_is_sent_again_where_the_provider_made_nothing(server: Yes) -> None:
    statuses(server, 503, 500)
    call(server, billed=True, safe=frozenset({500, 503}))
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_final(server: Yes, status: int) -> None:
    statuses(server, status)
    with pytest.raises(Rejected):
        call(server, billed=True)
    assert len(server.asked) == 1


def test_a_server_that_was_never_reached_is_tried_again_even_if_it_would_bill(server: Yes) -> None:
    server.close()
    waiter = Waiter()
    with pytest.raises(Unavailable, match="out of reach"):
        call(server, waiter, billed=True)
    assert waiter.rests > 0
