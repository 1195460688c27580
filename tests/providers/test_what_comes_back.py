"""What a provider may send instead of a picture, and where the picture may lie."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import at_replicate
import at_stability
import pytest
from at_replicate import ReplicateServer
from at_stability import StabilityServer
from case import HostedWatch, draw
from loopback import Asked, Fault, Loopback, Said, picture
from PIL import Image

from studio.backends._hosted.backend import HostedBackend
from studio.core.errors import Moderated, Rejected, Uncertain
from studio.core.request import Sampling

SCHNELL = "black-forest-labs/flux-schnell"


@pytest.fixture
def stability() -> Iterator[StabilityServer]:
    with StabilityServer() as server:
        yield server


@pytest.fixture
def replicate() -> Iterator[ReplicateServer]:
    with ReplicateServer() as server:
        server.looks_needed = 0
        yield server


def core(server: Loopback, folder: Path) -> HostedBackend:
    return at_stability.CASE.backend(server, folder)


def schnell(server: Loopback, folder: Path, **own: object) -> HostedBackend:
    return at_replicate.CASE.backend(server, folder, **own)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_type_is_sniffed_whatever_the_header_says(stability: StabilityServer, tmp_path: Path, kind: str) -> None:
    stability.faults.append(Fault("say", "generate", Said(picture(kind=kind), 200, {"Content-Type": "text/html"})))
    (made,) = draw(core(stability, tmp_path), "core").pictures
    assert made.image.size == (64, 64)


@pytest.mark.parametrize(
    "body", [b"<!doctype html><title>Sign in</title>", b'{"oops": 1}', b"", b"\x89PNG\r\n\x1a\nxx", b"MZ\x90"]
)
def test_no_picture_is_told_for_what_it_is_and_counted_as_maybe_billed(
    stability: StabilityServer, tmp_path: Path, body: bytes
) -> None:
    stability.faults.append(Fault("say", "generate", Said(body, 200, {"Content-Type": "image/png"})))
    backend, watch = core(stability, tmp_path), HostedWatch()
    with pytest.raises(Uncertain, match="instead of a picture"):
        draw(backend, "core", watch=watch)
    assert [entry[2] for entry in watch.receipts.ledger.values()] == ["reserved"]
    watch.receipts.ledger.clear()
    draw(backend, "core", watch=watch)


def test_a_five_gigabyte_answer_is_left_alone(stability: StabilityServer, tmp_path: Path) -> None:
    stability.faults.append(Fault("huge", "generate"))
    with pytest.raises(Uncertain, match="MB"):
        draw(core(stability, tmp_path), "core")
    assert stability.sent_bytes < 300_000_000


def test_a_blurred_picture_with_status_200_is_a_filter_and_was_charged(stability: StabilityServer, tmp_path: Path) -> None:
    stability.filtered = True
    watch = HostedWatch()
    with pytest.raises(Moderated, match="blurred") as caught:
        draw(core(stability, tmp_path), "core", watch=watch)
    facts = caught.value.facts["hosted"]
    assert (facts["moderation"], facts["finish_reason"], facts["request_id"]) == (
        "blurred",
        "CONTENT_FILTERED",
        "req-stability",
    )
    assert [entry[1] for entry in watch.receipts.ledger.values()] == [0.03]


def test_one_picture_of_three_that_is_withheld_is_a_note(stability: StabilityServer, tmp_path: Path) -> None:
    body = {"id": "e", "name": "content_moderation", "errors": ["flagged"]}
    stability.faults.append(Fault("say", "generate", Said(body, 403)))
    result = draw(core(stability, tmp_path), "core", count=3)
    assert len(result.pictures) == 2
    assert any("withheld" in note for note in result.notes)


def test_one_picture_of_three_that_fails_is_the_only_one_paid_for_again(stability: StabilityServer, tmp_path: Path) -> None:
    backend, watch = core(stability, tmp_path), HostedWatch()
    stability.faults.append(Fault("say", "generate", Said({"errors": ["no"]}, 400)))
    with pytest.raises(Rejected, match="2 of 3 came"):
        draw(backend, "core", watch=watch, count=3)
    assert stability.made == 2
    assert len(draw(backend, "core", watch=watch, count=3).pictures) == 3
    assert stability.made == 3


class Elsewhere(ReplicateServer):
    """Puts its results where it is told."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place, self.looks_needed = place, 0

    def look(self, id: str) -> Said:
        said = super().look(id)
        said.body["output"] = self.place
        return said


@pytest.mark.parametrize(
    "place", ["https://evil.example/x.png", "http://10.0.0.8/x.png", "https://replicate.delivery.evil.com/x"]
)
def test_a_result_on_a_host_that_is_not_known_is_not_fetched(tmp_path: Path, place: str) -> None:
    with Elsewhere(place) as server, pytest.raises(Rejected, match="not one of its known hosts"):
        draw(schnell(server, tmp_path), SCHNELL)


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_result_may_be_a_data_uri_or_a_file_of_base64(tmp_path: Path, prefix: str) -> None:
    text = prefix + base64.b64encode(picture()).decode()
    with Elsewhere(text) as server:
        assert draw(schnell(server, tmp_path), SCHNELL).pictures[0].image.size == (64, 64)


def test_a_file_of_base64_is_unwrapped(replicate: ReplicateServer, tmp_path: Path) -> None:
    replicate.faults.append(Fault("say", "/files/", Said(base64.b64encode(picture()))))
    assert draw(schnell(replicate, tmp_path), SCHNELL).pictures[0].image.size == (64, 64)


def test_an_expired_address_is_said_and_a_retry_orders_anew(replicate: ReplicateServer, tmp_path: Path) -> None:
    backend, watch = schnell(replicate, tmp_path), HostedWatch()
    replicate.faults.append(Fault("say", "/files/", Said(b"", 404)))
    with pytest.raises(Rejected, match="expired"):
        draw(backend, SCHNELL, watch=watch)
    draw(backend, SCHNELL, watch=watch)
    assert replicate.made == 2


def test_a_host_of_pictures_that_is_down_keeps_the_order(replicate: ReplicateServer, tmp_path: Path) -> None:
    backend, watch = schnell(replicate, tmp_path), HostedWatch()
    replicate.faults += [Fault("say", "/files/", Said(b"", 500))] * 3
    with pytest.raises(Uncertain, match="does not pay again"):
        draw(backend, SCHNELL, watch=watch)
    draw(backend, SCHNELL, watch=watch)
    assert replicate.made == 1


def test_a_prediction_that_is_gone_is_lost_and_said(replicate: ReplicateServer, tmp_path: Path) -> None:
    replicate.looks_needed = 10**6
    replicate.lost = {"p1"}
    with pytest.raises(Rejected, match="is lost"):
        draw(schnell(replicate, tmp_path), SCHNELL)


def test_a_picture_that_never_gets_ready_needs_a_look_and_is_not_ordered_again(
    replicate: ReplicateServer, tmp_path: Path
) -> None:
    backend, watch = schnell(replicate, tmp_path, patience=0.4), HostedWatch()
    replicate.looks_needed = 10**6
    with pytest.raises(Uncertain, match="does not pay again"):
        draw(backend, SCHNELL, watch=watch)
    replicate.looks_needed = 0
    draw(backend, SCHNELL, watch=watch)
    assert replicate.made == 1


class Crooked(ReplicateServer):
    """Tells an address of another host to be asked with the key."""

    def create(self, asked: Asked) -> Said:
        said = super().create(asked)
        said.body["urls"]["get"] = "https://evil.example/predictions/p1"
        return said


def test_the_key_follows_no_address_to_another_host(tmp_path: Path) -> None:
    with Crooked() as server, pytest.raises(Rejected, match=r"evil\.example"):
        draw(schnell(server, tmp_path), SCHNELL)


def test_the_providers_bytes_are_kept_where_they_carry_content_credentials(
    stability: StabilityServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, signed = picture(), picture() + b"....jumb....c2pa...."
    backend = core(stability, tmp_path)
    assert draw(backend, "core").pictures[0].original is None
    monkeypatch.setattr(at_stability, "picture", lambda *_, **__: signed)
    assert draw(backend, "core", sampling=Sampling(seed=2)).pictures[0].original == signed
    with Image.open(io.BytesIO(plain)) as image:
        assert image.size == (64, 64)
