"""What is peculiar to fal, Black Forest Labs, ModelsLab, AIME and Hotpot.ai."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from at_aime import CASE as AIME
from at_aime import AimeServer
from at_bfl import CASE as BFL
from at_bfl import BflServer
from at_fal import CASE as FAL
from at_fal import FalServer, wrong
from at_hotpot import CASE as HOTPOT
from at_hotpot import HotpotServer
from at_modelslab import CASE as MODELSLAB
from at_modelslab import ModelsLabServer
from case import KEY, PHOTO, HostedWatch, draw, says
from loopback import Said

from studio.backends import bfl, hotpot, modelslab
from studio.backends._hosted.provider import Wish
from studio.core.errors import (
    InvalidRequest,
    Moderated,
    NotConfigured,
    Rejected,
    StudioError,
    Unavailable,
)
from studio.core.request import ImageToImage, Sampling
from studio.settings import Settings
from studio.web import Answer

I2I = ImageToImage.kind
ELSEWHERE = "https://elsewhere.example/x"


def refused(case: Any, server: Any, data: Path, kind: type[StudioError], match: str, **fields: Any) -> HostedWatch:
    """One picture that does not come; the watch that saw it."""
    watch = HostedWatch()
    with pytest.raises(kind, match=match):
        draw(case.backend(server, data), case.models["text-to-image"], watch=watch, **fields)
    return watch


def hosted(case: Any, server: Any, data: Path, model: str = "", kind: str = "text-to-image", **fields: Any) -> Any:
    result = draw(case.backend(server, data), model or case.models[kind], kind, **fields)
    return result.pictures[0].facts["hosted"]


# fal


@pytest.mark.parametrize(
    ("broken", "kind", "match"),
    [
        ({"error": "flagged", "error_type": "content_policy_violation"}, Moderated, "filter refused"),
        ({"error": "Runner disconnected", "error_type": "runner_disconnected"}, Unavailable, "Runner disconnected"),
    ],
)
def test_fal_completes_what_failed_and_a_retry_orders_anew(
    broken: dict[str, str], kind: type[StudioError], match: str, tmp_path: Path
) -> None:
    with FalServer() as server:
        server.broken = broken
        watch = refused(FAL, server, tmp_path, kind, match)
        server.broken = {}
        draw(FAL.backend(server, tmp_path), FAL.models["text-to-image"], watch=watch)
        assert server.made == 2


def test_an_error_without_a_type_is_told_by_the_result_with_its_field(tmp_path: Path) -> None:
    with FalServer() as server:
        server.broken = {"error": "Unprocessable Entity"}
        server.result = lambda id: Said(wrong("greater_than", "guidance_scale", "too low"), 422)  # type: ignore[method-assign]
        with pytest.raises(Rejected, match="guidance_scale: too low") as caught:
            draw(FAL.backend(server, tmp_path), FAL.models["text-to-image"])
        assert caught.value.field == "guidance_scale"


def test_a_filter_of_fal_that_speaks_at_the_result_ends_the_order(tmp_path: Path) -> None:
    with FalServer() as server:
        refusal, result = wrong("content_policy_violation", "prompt", "flagged"), server.result
        server.result = lambda id: Said(refusal, 422) if id == "r1" else result(id)  # type: ignore[method-assign]
        watch = refused(FAL, server, tmp_path, Moderated, "filter refused")
        draw(FAL.backend(server, tmp_path), FAL.models["text-to-image"], watch=watch)
        assert server.made == 2


def test_a_model_of_fal_that_broke_is_not_asked_again_and_again(tmp_path: Path) -> None:
    broke = {"detail": [{"loc": ["body"], "msg": "CUDA is out of memory", "type": "internal_server_error"}]}
    with FalServer() as server:
        server.looks_needed = 0
        server.result = lambda id: Said(broke, 500)  # type: ignore[method-assign]
        watch = refused(FAL, server, tmp_path, Rejected, "out of memory")
        assert len([path for path in server.paths("GET") if path.endswith("/r1")]) == 1
        assert not watch.receipts.ledger


def test_a_picture_that_fal_flags_is_kept_and_told(tmp_path: Path) -> None:
    with FalServer() as server:
        server.flagged = [True]
        assert hosted(FAL, server, tmp_path)["moderation"] == "flagged"
        server.flagged = [False]
        assert hosted(FAL, server, tmp_path)["moderation"] == "ok"


def test_the_key_of_fal_follows_no_address_to_another_host(tmp_path: Path) -> None:
    with FalServer() as server:
        told = {"request_id": "r1", "status_url": ELSEWHERE, "response_url": ELSEWHERE, "cancel_url": ELSEWHERE}
        server.faults.append(says(200, told, FAL.submit))
        refused(FAL, server, tmp_path, Rejected, "elsewhere.example")


# Black Forest Labs


def test_bfl_tells_the_cost_in_credits_and_a_moderated_picture_keeps_it(tmp_path: Path) -> None:
    with BflServer() as server:
        assert hosted(BFL, server, tmp_path)["cost"] == {"value": 0.045, "unit": "USD", "source": "Black Forest Labs"}
        server.status = "Content Moderated"
        watch = refused(BFL, server, tmp_path, Moderated, "Content Moderated")
        assert list(watch.receipts.ledger.values()) == [["bfl", 0.045, "Black Forest Labs"]]


def test_bfl_may_answer_from_another_of_its_regions_but_from_nowhere_else() -> None:
    provider = bfl.Bfl(bfl.ABOUT)
    wish = Wish(model=bfl.MODELS[0], task="text-to-image", prompt="a fox")

    def submitted(url: str) -> Answer:
        return Answer(status=200, headers={}, body=json.dumps({"id": "1", "polling_url": url}).encode())

    region = "https://api.eu2.bfl.ai/v1/get_result?id=1"
    ticket = provider.read(submitted(region), wish)
    assert provider.look(ticket).url == region  # type: ignore[arg-type]
    for url in (ELSEWHERE, "http://api.bfl.ai/v1/get_result?id=1", "https://bfl.ai.elsewhere.example/"):
        with pytest.raises(Rejected):
            provider.read(submitted(url), wish)


def test_no_model_of_bfl_gets_a_negative_prompt(tmp_path: Path) -> None:
    with BflServer() as server:
        backend = BFL.backend(server, tmp_path)
        assert not any(model.takes("negative_prompt", kind) for model in backend.models() for kind in model.tasks)
        draw(backend, "flux-2-flex", negative_prompt="blurry", options={"safety_tolerance": 3.0, "prompt_upsampling": "no"})
        sent = next(asked.json for asked in server.asked if asked.method == "POST")
        assert "negative_prompt" not in sent
        assert (sent["safety_tolerance"], sent["prompt_upsampling"]) == (3, False)


# ModelsLab


@pytest.mark.parametrize(
    ("message", "kind", "match"),
    [
        (f"Invalid api key {KEY}", NotConfigured, "refused the key"),
        ("Your monthly limit is used up, please recharge", Rejected, "no credit"),
        ("Subscribe to a plan to go on", Rejected, "no credit"),
        ("The prompt has banned words", Moderated, "filter refused"),
        ({"model_id": ["The selected model id is invalid."]}, Rejected, "selected model id"),
        ("Something else", Rejected, "Something else"),
    ],
)
def test_modelslab_errors_with_status_200_mean_what_their_words_say(
    message: Any, kind: type[StudioError], match: str, tmp_path: Path
) -> None:
    with ModelsLabServer() as server:
        server.faults.append(says(200, {"status": "error", "message": message}, MODELSLAB.submit))
        backend, watch = MODELSLAB.backend(server, tmp_path), HostedWatch()
        with pytest.raises(kind, match=match) as caught:
            draw(backend, "flux", watch=watch)
        assert KEY not in str(caught.value) + repr(caught.value.args)
        assert getattr(caught.value, "field", "") == ("model" if isinstance(message, dict) else "")
        assert watch.receipts.ledger == {}


def test_a_generation_of_modelslab_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    with ModelsLabServer() as server:
        server.faults.append(says(200, {"status": "failed", "message": "worker died"}, "/images/fetch"))
        watch = refused(MODELSLAB, server, tmp_path, Unavailable, "worker died")
        draw(MODELSLAB.backend(server, tmp_path), "flux", watch=watch)
        assert server.made == 2


def test_a_picture_that_modelslab_replaced_is_withheld_and_one_that_it_left_is_flagged(tmp_path: Path) -> None:
    with ModelsLabServer() as server:
        server.nsfw = True
        refused(MODELSLAB, server, tmp_path, Moderated, "blurred")
        assert hosted(MODELSLAB, server, tmp_path, options={"safety_checker": "no"})["moderation"] == "flagged"
        sent = [asked.json["safety_checker"] for asked in server.asked if "text2img" in asked.path]
        assert sent == [True, False]


def test_modelslab_tells_its_pause_in_the_body(tmp_path: Path) -> None:
    with ModelsLabServer() as server:
        server.faults.append(MODELSLAB.wrong["busy"])
        backend, watch = MODELSLAB.backend(server, tmp_path), HostedWatch()
        body = json.dumps({"status": "error", "retry_after": 3}).encode()
        assert backend.provider.pause(Answer(status=429, headers={}, body=body)) == 3
        backend._tools.pace._wall = lambda: 10**12
        draw(backend, "flux", watch=watch)
        assert "ModelsLab" in watch.delays[0][1]


def test_modelslab_is_not_asked_for_what_it_would_cut_silently(tmp_path: Path) -> None:
    with ModelsLabServer() as server:
        refused(MODELSLAB, server, tmp_path, InvalidRequest, "at most 20 steps", sampling=Sampling(seed=1, steps=30))
        wish = Wish(model=modelslab.MODELS[2], task="outpaint", prompt="", image=PHOTO, margins=(90, 0, 0, 0))
        with pytest.raises(InvalidRequest, match="cut the picture away"):
            modelslab.ModelsLab(modelslab.ABOUT).check(wish)
        assert server.asked == []


# AIME


def test_aime_tells_its_progress(tmp_path: Path) -> None:
    watch = HostedWatch()
    with AimeServer() as server:
        draw(AIME.backend(server, tmp_path), "flux-dev", watch=watch)
    assert watch.steps == [(40, 100), (80, 100)]


@pytest.mark.parametrize("state", ["canceled", "lapsed"])
def test_a_job_that_aime_gave_up_can_be_ordered_again(state: str, tmp_path: Path) -> None:
    with AimeServer() as server:
        server.state = state
        watch = refused(AIME, server, tmp_path, Unavailable, state)
        server.state = "done"
        draw(AIME.backend(server, tmp_path), "flux-dev", watch=watch)
        assert server.made == 2


def test_402_of_aime_is_never_money(tmp_path: Path) -> None:
    with AimeServer() as server:
        server.faults.append(
            says(402, {"success": False, "error": ["Client has no active request with this job id"]}, "progress")
        )
        refused(AIME, server, tmp_path, Rejected, "does not know the job any more")
        server.faults.append(AIME.wrong["forbidden"])
        refused(AIME, server, tmp_path, Rejected, "does not let your key use this model")


def test_a_full_queue_of_aime_is_waited_for_and_a_disabled_endpoint_is_not(tmp_path: Path) -> None:
    with AimeServer() as server:
        backend, watch = AIME.backend(server, tmp_path), HostedWatch()
        backend._tools.pace._wall = lambda: 10**12
        server.faults.append(AIME.wrong["busy"])
        draw(backend, "flux-dev", watch=watch)
        assert len(watch.delays) == 1
        server.faults.append(says(400, {"success": False, "error": "Endpoint disabled!"}, AIME.submit))
        refused(AIME, server, tmp_path, Rejected, "switched this model off")


@pytest.mark.parametrize(
    ("error", "kind", "match"),
    [("Key not valid", NotConfigured, "refused the key"), ("No Admin Backend to validate api key", Rejected, "cannot test")],
)
def test_the_key_test_of_aime_fails_with_status_200(error: str, kind: type[StudioError], match: str, tmp_path: Path) -> None:
    with AimeServer() as server:
        server.faults.append(says(200, {"success": False, "error": error}, "validate_key"))
        with pytest.raises(kind, match=match):
            AIME.backend(server, tmp_path).test()


def test_several_pictures_without_seeds_are_one_job_of_aime(tmp_path: Path) -> None:
    with AimeServer() as server:
        pictures = draw(AIME.backend(server, tmp_path), "stable_diffusion_xl_img2img", I2I, count=3).pictures
        assert (len(pictures), server.made) == (3, 1)
        sent = next(asked.json for asked in server.asked)
        assert (sent["text"], sent["n_samples"]) == ("a red fox", 3)
        assert "seed" not in sent


# Hotpot.ai


def test_hotpot_is_off_until_its_file_is_there(tmp_path: Path) -> None:
    backend = hotpot.create(Settings(data=tmp_path))
    (model,) = backend.models()
    assert "providers/hotpot.toml" in model.unready
    with pytest.raises(NotConfigured, match="switch it on"):
        draw(backend, "make-art")
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "hotpot.toml").touch()
    assert backend.models()[0].unready == ""


@pytest.mark.parametrize("shape", ["bytes", "base64", "address"])
def test_hotpot_may_send_its_picture_in_any_shape(shape: str, tmp_path: Path) -> None:
    with HotpotServer() as server:
        server.shape = shape
        facts = hosted(HOTPOT, server, tmp_path, options={"styleId": 49.0})
        assert facts["credits_left"] == "99"
        assert server.asked[0].form == {"inputText": "a red fox", "styleId": "49"}
