"""The router's four shapes: what is looked at, cancelled and fetched, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from at_huggingface import CASE, RouterServer
from case import HostedWatch, draw, says

from studio.core.errors import Cancelled, InvalidRequest, Rejected
from studio.core.request import ImageToImage
from studio.settings import Settings

FAL, REPLICATE = "fal-ai/fal-ai/flux/dev", "replicate/black-forest-labs/flux-schnell"


@pytest.mark.parametrize(
    ("model", "paths"),
    [
        (FAL, ["/fal-ai/fal-ai/flux/dev", "/fal-ai/fal-ai/flux/requests/r1/status", "/fal-ai/fal-ai/flux/requests/r1"]),
        (REPLICATE, ["/replicate/v1/models/black-forest-labs/flux-schnell/predictions", "/replicate/v1/predictions/p1"]),
    ],
)
def test_a_submitted_picture_is_looked_for_at_the_router_only_and_paid_once(
    model: str, paths: list[str], tmp_path: Path
) -> None:
    watch = HostedWatch()
    with RouterServer() as server:
        backend = CASE.backend(server, tmp_path)
        draw(backend, model, watch=watch)
        for note in [name for name in watch.receipts.notes if "answer" in name or "picture" in name]:
            del watch.receipts.notes[note]  # as after a crash
        draw(backend, model, watch=watch)
        assert server.made == 1
        seen = [path for path in dict.fromkeys(server.paths()) if not path.startswith("/files/")]
        assert seen == paths


@pytest.mark.parametrize(("model", "method"), [(FAL, "PUT"), (REPLICATE, "POST")])
def test_cancel_goes_by_way_of_the_router(model: str, method: str, tmp_path: Path) -> None:
    with RouterServer() as server:
        server.looks_needed = 10**6
        with pytest.raises(Cancelled, match="told to stop"):
            draw(CASE.backend(server, tmp_path), model, watch=HostedWatch(stop_in="polling"))
        assert [path for path in server.paths(method) if path.endswith("/cancel")]


def test_a_prediction_that_is_ready_within_the_minute_is_not_looked_at(tmp_path: Path) -> None:
    with RouterServer() as server:
        server.looks_needed = 0
        draw(CASE.backend(server, tmp_path), REPLICATE)
        assert not [path for path in server.paths() if "/v1/predictions/" in path]


def test_included_credits_that_are_used_up_are_a_sentence(tmp_path: Path) -> None:
    with RouterServer() as server:
        server.faults.append(says(402, {"error": "You have exceeded your monthly included credits"}, "/fal-ai/"))
        with pytest.raises(Rejected, match="monthly included credits"):
            draw(CASE.backend(server, tmp_path), FAL)


def test_kontext_gets_one_picture_and_other_models_of_together_a_list(tmp_path: Path) -> None:
    file = tmp_path / "providers" / "huggingface.toml"
    with RouterServer() as server:
        backend = CASE.backend(server, tmp_path)
        draw(backend, "together/black-forest-labs/FLUX.1-kontext-pro", ImageToImage.kind)
        more = '[[models]]\nname = "together/black-forest-labs/FLUX.2-dev"\ntasks = ["image-to-image"]\n'
        file.write_text(file.read_text() + more, encoding="utf-8")
        draw(CASE.create(Settings(data=tmp_path)), "together/black-forest-labs/FLUX.2-dev", ImageToImage.kind)
        kontext, other = (asked.json for asked in server.asked)
    assert kontext["image_url"].startswith("data:image/")
    assert other["reference_images"][0].startswith("data:image/")


def test_a_model_of_a_provider_that_the_router_lacks_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "providers" / "huggingface.toml"
    with RouterServer() as server:
        CASE.backend(server, tmp_path)
        file.write_text(file.read_text() + '[[models]]\nname = "someone/else"\n', encoding="utf-8")
        with pytest.raises(InvalidRequest, match="begins with one of"):
            draw(CASE.create(Settings(data=tmp_path)), "someone/else")
        assert server.asked == []
