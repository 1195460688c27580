"""What is peculiar to Together, Fireworks, OpenAI, AI/ML API and compatible servers, each on its loopback server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import at_aimlapi
import at_fireworks
import at_openai
import at_openai_compatible
import at_together
import pytest
from case import Case, HostedWatch, draw, says
from loopback import Fault, Said, picture

from studio.backends import openai_compatible
from studio.backends._hosted.backend import HostedBackend
from studio.core.errors import InvalidRequest, Moderated, Rejected, Unavailable
from studio.core.request import Sampling, Size, TextToImage
from studio.settings import Settings
from studio.web import Answer

At = Callable[..., tuple[Any, HostedBackend]]


@pytest.fixture
def at(tmp_path: Path) -> Iterator[At]:
    """A server of a case and its backend."""
    with ExitStack() as stack:

        def start(case: Case, **own: Any) -> tuple[Any, HostedBackend]:
            server = stack.enter_context(case.server())
            return server, case.backend(server, tmp_path, **own)

        yield start


def of_size(width: int, height: int) -> TextToImage:
    return TextToImage(Size(width, height))


def test_together_is_asked_for_base64_and_an_address_is_fetched_all_the_same(at: At) -> None:
    server, backend = at(at_together.CASE)
    draw(backend, "black-forest-labs/FLUX.2-pro")
    assert server.asked[0].json["response_format"] == "base64"
    answer = {"id": "x", "data": [{"index": 0, "type": "url", "url": f"{server.url}/files/1"}]}
    server.faults.append(says(200, answer, at_together.SUBMIT))
    assert draw(backend, "black-forest-labs/FLUX.2-pro").pictures


def test_together_takes_pixels_or_shapes_by_the_model(at: At) -> None:
    server, backend = at(at_together.CASE)
    draw(backend, "black-forest-labs/FLUX.1-schnell", task=of_size(1360, 768))
    draw(backend, "black-forest-labs/FLUX.2-dev", task=of_size(1200, 800))
    shaped, wide = (asked.json for asked in server.asked)
    assert (shaped["aspect_ratio"], "width" in shaped) == ("16:9", False)
    assert (wide["width"], wide["height"]) == (1200, 800)


def test_together_tells_its_pause_in_a_header_of_its_own(at: At) -> None:
    server, backend = at(at_together.CASE)
    server.faults.append(at_together.CASE.wrong["busy"])
    watch = HostedWatch()
    backend._tools.pace._wall = lambda: 10**12
    draw(backend, "black-forest-labs/FLUX.2-pro", watch=watch)
    assert len(watch.delays) == 1
    for told, seconds in (("1764000000", None), ("7.5", 7.5), ("soon", None)):  # a time of day is no pause
        answer = Answer(status=429, headers={"x-ratelimit-reset": told}, body=b"{}")
        assert backend.provider.pause(answer) == seconds


@pytest.mark.parametrize("of", [at_together.CASE, at_fireworks.CASE, at_aimlapi.CASE], ids=lambda of: of.name)
def test_a_mask_is_never_dropped_in_silence(of: Case, at: At, tmp_path: Path) -> None:
    """For models that the user adds."""
    server, _ = at(of)
    path = tmp_path / "providers" / f"{of.name}.toml"
    path.write_text(path.read_text(encoding="utf-8") + '[[models]]\nname = "mine"\ntasks = ["inpaint"]\n', encoding="utf-8")
    with pytest.raises(InvalidRequest, match="mask"):
        draw(of.create(Settings(data=tmp_path)), "mine", "inpaint")
    assert server.asked == []


@pytest.mark.parametrize("kind", ["text-to-image", "image-to-image"])
def test_kontext_is_submitted_and_found_again_after_a_crash(at: At, kind: str) -> None:
    server, backend = at(at_fireworks.CASE)
    watch = HostedWatch()
    (drawn,) = draw(backend, "flux-kontext-pro", kind, watch=watch).pictures
    assert drawn.facts["hosted"]["request_id"] == "k1"
    assert (50, 100) in watch.steps
    for note in [name for name in watch.receipts.notes if "answer" in name or "picture" in name]:
        del watch.receipts.notes[note]
    draw(backend, "flux-kontext-pro", kind, watch=watch)
    assert server.made == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("Request Moderated", Moderated),
        ("Content Moderated", Moderated),
        ("Error", Unavailable),
        ("Task not found", Rejected),
    ],
)
def test_kontext_tells_its_end_with_status_200(at: At, status: str, error: type[Exception]) -> None:
    server, backend = at(at_fireworks.CASE)
    server.status = status
    with pytest.raises(error):
        draw(backend, "flux-kontext-max")
    server.status = "Ready"
    assert draw(backend, "flux-kontext-max").pictures


def test_fireworks_filter_comes_with_status_200(at: At) -> None:
    server, backend = at(at_fireworks.CASE)
    server.filtered = True
    for model in ("flux-1-dev-fp8", "SSD-1B"):
        with pytest.raises(Moderated):
            draw(backend, model)


def test_fireworks_never_gets_seed_0_which_is_any(at: At) -> None:
    server, backend = at(at_fireworks.CASE)
    with pytest.raises(InvalidRequest, match="from 1 on"):
        draw(backend, "flux-1-dev-fp8", sampling=Sampling(seed=0))
    assert server.asked == []


def test_fireworks_may_answer_with_the_picture_itself(at: At) -> None:
    server, backend = at(at_fireworks.CASE)
    headers = {"Content-Type": "image/png", "finish-reason": "SUCCESS", "seed": "42"}
    server.faults.append(Fault("say", at_fireworks.SUBMIT, Said(picture(), 200, headers)))
    (drawn,) = draw(backend, "SSD-1B").pictures
    assert (drawn.seed, drawn.facts["hosted"]["moderation"]) == (42, "ok")


def test_openai_makes_several_pictures_in_one_call_and_tells_its_tokens(at: At) -> None:
    server, backend = at(at_openai.CASE)
    pictures = draw(backend, "gpt-image-2", count=10, options={"quality": "low"}).pictures
    assert (len(pictures), len(server.asked), server.asked[0].json["n"]) == (10, 1, 10)
    facts = pictures[0].facts["hosted"]
    assert facts["usage"]["total_tokens"] == 1066
    assert facts["revised_prompt"] == "a fox, red"
    assert facts["request"]["json"]["quality"] == "low"


@pytest.mark.parametrize(
    ("model", "size", "sent"),
    [
        ("gpt-image-2", (2048, 1152), "2048x1152"),
        ("gpt-image-2.5-flare", (1000, 1000), "992x992"),
        ("gpt-image-1.5", (1920, 1080), "1536x1024"),
    ],
)
def test_openai_gets_the_size_itself_or_one_of_three(at: At, model: str, size: tuple[int, int], sent: str) -> None:
    server, backend = at(at_openai.CASE)
    draw(backend, model, task=of_size(*size))
    assert server.asked[0].json["size"] == sent


@pytest.mark.parametrize(("size", "why"), [((2048, 512), "3:1"), ((3840, 3840), "3840x2160")])
def test_what_openai_would_refuse_is_said_before(at: At, size: tuple[int, int], why: str) -> None:
    server, backend = at(at_openai.CASE)
    with pytest.raises(InvalidRequest, match=why):
        draw(backend, "gpt-image-2", task=of_size(*size))
    assert server.asked == []


def test_no_credit_at_openai_is_not_waited_for(at: At) -> None:
    server, backend = at(at_openai.CASE)
    server.faults.append(at_openai.CASE.wrong["credit"])
    watch = HostedWatch()
    with pytest.raises(Rejected, match="no credit"):
        draw(backend, "gpt-image-2", watch=watch)
    assert watch.delays == []


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("blackforestlabs/flux-2", 0.0123),
        ("alibaba/qwen-image-3", 0.0123),
        ("hunyuan/hunyuan-image-v3-text-to-image", 0.0123),
    ],
)
def test_aimlapi_answers_in_three_shapes_and_tells_the_cost(at: At, model: str, cost: float) -> None:
    _, backend = at(at_aimlapi.CASE)
    (drawn,) = draw(backend, model).pictures
    facts = drawn.facts["hosted"]
    assert facts["cost"] == {"value": cost, "unit": "USD", "source": "provider"}
    assert facts["request_id"] == "inf-1"
    assert facts["request"]["headers"]["x-client-request-id"]


def test_aimlapi_tells_the_cost_of_edits_in_the_body(at: At) -> None:
    _, backend = at(at_aimlapi.CASE)
    (drawn,) = draw(backend, "openai/gpt-image-2", "inpaint").pictures
    assert drawn.facts["hosted"]["cost"]["value"] == 0.0123


@pytest.mark.parametrize(
    ("model", "seed"),
    [("blackforestlabs/flux-2", 0), ("alibaba/qwen-image-3", 2**31), ("alibaba/qwen-image-3-edit", 2**31)],
)
def test_aimlapi_seeds_out_of_range_are_said_before(at: At, model: str, seed: int) -> None:
    server, backend = at(at_aimlapi.CASE)
    kind = "image-to-image" if "edit" in model else "text-to-image"
    with pytest.raises(InvalidRequest, match="seeds from"):
        draw(backend, model, kind, sampling=Sampling(seed=seed))
    assert server.asked == []


def test_aimlapi_is_spoken_to_in_each_models_words(at: At) -> None:
    server, backend = at(at_aimlapi.CASE)
    draw(backend, "google/nano-banana-pro", count=3, options={"resolution": "2K"})
    draw(backend, "x-ai/grok-imagine-image", count=2)
    draw(backend, "bytedance/seedream-4-5", "image-to-image")
    google, grok, seedream = (asked.json for asked in server.asked if asked.path.startswith(at_aimlapi.SUBMIT))
    assert (google["num_images"], google["aspect_ratio"], google["resolution"]) == (3, "1:1", "2K")
    assert (grok["n"], grok["response_format"]) == (2, "b64_json")
    assert len(seedream["image_urls"]) == 1


def test_a_compatible_server_is_there_once_its_file_is(tmp_path: Path) -> None:
    assert openai_compatible.create(Settings(data=tmp_path)) == []


@pytest.mark.parametrize("url", ["http://192.168.1.5:8080/v1", "ftp://example.com", ""])
def test_a_compatible_server_needs_https_or_this_computer(at: At, url: str) -> None:
    _, backend = at(at_openai_compatible.CASE, url=url)
    assert "https://" in backend.problems()[0]
    assert all(model.unready for model in backend.models())


def test_a_compatible_server_without_a_key_gets_no_header(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_COMPATIBLE_API_KEY")
    server, backend = at(at_openai_compatible.CASE)
    server.by_address = True
    assert draw(backend, "flux-dev").pictures
    assert backend.test() == "The server answers: 1 models."
    assert not [each for each in server.asked if "authorization" in each.headers]
