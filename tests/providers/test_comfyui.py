"""What is peculiar to ComfyUI; what holds for every provider is in test_every_provider.py."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy_nodes
import pytest
from at_comfyui import CASE, MASKED, PLAIN, ComfyServer, failed
from case import HostedWatch, draw
from loopback import Asked, Fault, Said

from studio.backends import comfyui
from studio.backends._hosted import graphs, own_server
from studio.backends._hosted.backend import HostedBackend
from studio.backends._hosted.provider import Ticket
from studio.core.errors import Cancelled, NotConfigured, OutOfMemory, Rejected, StudioError
from studio.core.model import Model
from studio.core.request import Sampling
from studio.settings import Settings

BASE = "base.safetensors"


@pytest.fixture
def server() -> Iterator[ComfyServer]:
    with ComfyServer() as server:
        yield server


@pytest.fixture
def backend(server: ComfyServer, tmp_path: Path) -> HostedBackend:
    return CASE.backend(server, tmp_path)


def written(data: Path, text: str, **templates: str) -> HostedBackend:
    """The backend of files that a user wrote."""
    (data / "providers" / "comfyui").mkdir(parents=True, exist_ok=True)
    (data / "providers" / "comfyui.toml").write_text(text, encoding="utf-8")
    for name, graph in templates.items():
        (data / "providers" / "comfyui" / f"{name}.json").write_text(graph, encoding="utf-8")
    return comfyui.create(Settings(data=data))


def model_of(backend: HostedBackend, name: str) -> Model:
    return next(model for model in backend.models() if model.id == f"comfyui:{name}")


def sent(server: ComfyServer, number: int = 0) -> Any:
    return [asked.json for asked in server.asked if asked.path == "/prompt"][number]


def test_without_a_file_it_says_which_one_to_write(tmp_path: Path) -> None:
    backend = comfyui.create(Settings(data=tmp_path))
    (model,) = backend.models()
    assert "providers/comfyui.toml" in model.unready
    assert "http://127.0.0.1:8188" in model.unready
    with pytest.raises(NotConfigured):
        draw(backend, "checkpoint")


def test_without_a_list_it_says_that_a_checkpoint_has_to_be_named_and_the_test_lists_them(
    server: ComfyServer, tmp_path: Path
) -> None:
    backend = written(tmp_path, f'url = "{server.url}"\n')
    (model,) = backend.models()
    assert "[[models]]" in model.unready
    assert backend.unready() == ""
    assert backend.test() == "The server answers. Its checkpoints: base.safetensors, SDXL/juggernaut.safetensors."
    newer = {"CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": ["COMBO", {"options": ["a", "b"]}]}}}}
    server.faults.append(Fault("say", "/object_info", Said(newer)))
    assert backend.test() == "The server answers. Its checkpoints: a, b."
    server.faults.append(Fault("say", "/object_info", Said({})))
    assert backend.test() == "The server answers. Its checkpoints: none."


@pytest.mark.parametrize("text", ['url = "', "[[models]]\ntitle = 'x'\n", "models = [3]\n"])
def test_a_faulty_file_is_told_before_anything_else(tmp_path: Path, text: str) -> None:
    backend = written(tmp_path, text, plain=json.dumps(PLAIN))
    (model,) = backend.models()
    assert "comfyui.toml cannot be used" in model.unready
    assert backend.problems() == [model.unready]


def test_what_was_asked_for_is_what_the_sampler_gets(server: ComfyServer, backend: HostedBackend) -> None:
    sampling = Sampling(seed=7, steps=11, guidance_scale=3.5, sampler="DPM++ 2M Karras")
    draw(backend, BASE, sampling=sampling, negative_prompt="blur")
    (given,) = server.seen
    assert {name: given[name] for name in ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")} == {
        "seed": 7, "steps": 11, "cfg": 3.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0,
    }  # fmt: skip
    assert (given["model"], given["positive"], given["negative"]) == (BASE, "a red fox", "blur")
    assert given["latent_image"]["size"] == (1024, 1024)
    assert {key[2] for key in server.files} == {"temp"}  # nothing stays in the server's folder of pictures


def test_every_sampler_that_is_offered_is_known_there(server: ComfyServer, backend: HostedBackend) -> None:
    assert model_of(backend, BASE).samplers == own_server.SAMPLERS
    for name in own_server.SAMPLERS:
        plain, schedule = own_server.split_sampler(name)
        assert graphs.SAMPLERS[plain] in comfy_nodes.SAMPLERS
        assert graphs.SCHEDULERS[schedule] in comfy_nodes.SCHEDULERS


def test_the_id_is_the_graphs(server: ComfyServer, backend: HostedBackend) -> None:
    for seed in (1, 1, 2):
        draw(backend, BASE, sampling=Sampling(seed=seed))
    ids = [sent(server, number)["prompt_id"] for number in range(3)]
    assert ids[0] == ids[1] != ids[2]


def test_the_id_that_the_server_gives_counts(server: ComfyServer, backend: HostedBackend) -> None:
    """Older servers give one of their own."""
    queue = server.queue

    def older(asked: Asked) -> Said:
        body = {**asked.json, "prompt_id": "its-own"}
        return queue(Asked(asked.method, asked.path, {}, asked.headers, json.dumps(body).encode()))

    server.queue = older  # type: ignore[method-assign]
    (picture,) = draw(backend, BASE).pictures
    assert picture.facts["hosted"]["request_id"] == "its-own"


def test_the_queue_is_asked_until_the_picture_has_left_it_and_then_the_history(
    server: ComfyServer, backend: HostedBackend
) -> None:
    server.looks_needed = 4
    draw(backend, BASE)
    paths = server.paths("GET")
    assert paths[:5] == ["/queue"] * 5
    assert [path.split("/")[1] for path in paths[5:]] == ["history", "view"]


def test_an_upload_is_named_by_its_bytes_and_loaded_by_the_name_that_the_server_gave(
    server: ComfyServer, backend: HostedBackend
) -> None:
    draw(backend, BASE, "image-to-image")
    draw(backend, BASE, "image-to-image", sampling=Sampling(seed=3))
    assert len(server.uploads) == 1
    server.folder = "studio"
    draw(backend, BASE, "inpaint")
    graph = sent(server, 2)["prompt"]
    assert graph["photo"]["inputs"]["image"].startswith("studio/studio-")
    assert graph["mask"]["inputs"] == {"image": graph["mask"]["inputs"]["image"], "channel": "red"}


def test_a_template_says_what_its_model_can_do(backend: HostedBackend) -> None:
    plain, photo, masked = (model_of(backend, name) for name in ("plain", "photo", "masked"))
    assert (plain.tasks, photo.tasks) == (("text-to-image",), ("image-to-image",))
    assert masked.tasks == ("inpaint", "outpaint")
    assert plain.takes("steps", "text-to-image")
    assert not photo.takes("steps", "image-to-image")
    assert not plain.takes("strength", "text-to-image")
    assert plain.cannot["inpaint"] == "its graph has no {image}"
    assert photo.cannot["inpaint"] == "its graph has no {mask}"
    assert not photo.takes("size", "image-to-image")


def test_a_template_is_filled_with_numbers_and_texts(server: ComfyServer, backend: HostedBackend) -> None:
    prompt = 'a "fox" in {seed} {braces}'
    draw(backend, "plain", prompt=prompt, negative_prompt="fog", sampling=Sampling(seed=5, sampler="Euler a"))
    graph = sent(server)["prompt"]
    assert graph["6"]["inputs"]["text"] == f"oil painting of {prompt}"  # what is filled in is not looked through again
    assert graph["7"]["inputs"]["text"] == "blurry, fog"
    assert graph["5"]["inputs"]["width"] == 1024
    (given,) = server.seen
    assert (given["seed"], given["cfg"], given["sampler_name"], given["scheduler"]) == (5, 7.0, "euler_ancestral", "normal")
    assert {key[2] for key in server.files} == {"output"}  # as the user's graph wants it


def test_an_entry_with_a_templates_name_tells_more_of_it(server: ComfyServer, tmp_path: Path) -> None:
    entry = '[[models]]\nname = "plain"\ntitle = "Oil"\ndefault_size = "768x512"\ndefault_steps = 9\ntasks = ["inpaint"]\n'
    backend = written(tmp_path, f'url = "{server.url}"\n{entry}', plain=json.dumps(PLAIN))
    (model,) = backend.models()
    assert (model.title, model.default_steps, str(model.default_size)) == ("Oil", 9, "768x512")
    assert model.tasks == ("text-to-image",)  # what the graph can do is not a matter of words


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("{", "no JSON"),
        ("[]", "no graph in API form"),
        ('{"3": {"inputs": {}}}', "no graph in API form"),
        ('{"nodes": [], "links": []}', "page's form"),
        (json.dumps(MASKED).replace("{image}", "fox.png"), "a {mask} but no {image}"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(server: ComfyServer, tmp_path: Path, graph: str, words: str) -> None:
    (model,) = written(tmp_path, f'url = "{server.url}"\n', mine=graph).models()
    assert words in model.unready
    assert "mine.json" in model.unready
    assert model.unready.endswith(".")


def test_a_graph_that_is_refused_names_the_node_and_the_field(server: ComfyServer, tmp_path: Path) -> None:
    backend = written(tmp_path, f'url = "{server.url}"\n[[models]]\nname = "dreams.safetensors"\n')
    with pytest.raises(Rejected, match=r"CheckpointLoaderSimple \(node checkpoint\): Value not in list.*base") as caught:
        draw(backend, "dreams.safetensors")
    assert caught.value.field == "model"
    assert server.made == 0


def test_broken_links_and_unknown_nodes_of_a_users_graph_are_told(server: ComfyServer, tmp_path: Path) -> None:
    torn = {id: node for id, node in PLAIN.items() if id != "5"}
    odd = {**PLAIN, "9": {"class_type": "SaveFancy", "inputs": {"images": ["8", 0]}}}
    backend = written(tmp_path, f'url = "{server.url}"\n', torn=json.dumps(torn), odd=json.dumps(odd))
    with pytest.raises(Rejected, match=r"KSampler \(node 3\): Bad linked input"):
        draw(backend, "torn")
    with pytest.raises(Rejected, match=r"Node 'SaveFancy' not found\.: Node ID '#9'"):
        draw(backend, "odd")


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (
            failed("RuntimeError", "sizes do not\nmatch."),
            Rejected,
            r"KSampler \(node sampler\) failed: sizes do not match\. ",
        ),
        (
            failed("torch.OutOfMemoryError", "Allocation"),
            OutOfMemory,
            r"memory in KSampler \(node sampler\)\. Choose a smaller",
        ),
        (
            ["execution_interrupted", {"node_id": "3", "node_type": "VAEDecode"}],
            Rejected,
            r"stopped in VAEDecode \(node 3\)",
        ),
    ],
)
def test_a_run_that_failed_names_the_node(
    server: ComfyServer, backend: HostedBackend, message: list[Any], kind: type[StudioError], words: str
) -> None:
    server.broken.append(message)
    watch = HostedWatch()
    with pytest.raises(kind, match=words):
        draw(backend, BASE, watch=watch)
    draw(backend, BASE, watch=watch)  # the same id again: the old failure in the history is not taken for the new run's
    assert server.made == 2


def test_a_picture_that_the_server_forgot_is_ordered_anew_by_a_retry(server: ComfyServer, backend: HostedBackend) -> None:
    watch = HostedWatch()
    server.faults.append(Fault("say", "/queue", Said({"queue_running": [], "queue_pending": []})))
    with pytest.raises(Rejected, match=r"restarted.*Try again"):
        draw(backend, BASE, watch=watch)
    draw(backend, BASE, watch=watch)
    assert server.made == 2


def test_a_file_that_is_gone_is_ordered_anew_by_a_retry(server: ComfyServer, backend: HostedBackend) -> None:
    watch = HostedWatch()
    server.faults.append(Fault("say", "/view", Said(b"", 404)))
    with pytest.raises(Rejected, match=r"no such file.*Retry orders a new one"):
        draw(backend, BASE, watch=watch)
    draw(backend, BASE, watch=watch)
    assert server.made == 2


def test_a_graph_without_a_picture_is_told(server: ComfyServer, backend: HostedBackend) -> None:
    server.faults.append(Fault("say", "/queue", Said({})))
    id = "4f"
    server.faults.append(Fault("say", "/prompt", Said({"prompt_id": id, "number": 1, "node_errors": {}})))
    server.history[id] = {"outputs": {"9": {"text": ["hello"]}}, "status": {"status_str": "success", "messages": []}}
    with pytest.raises(Rejected, match=r"gave no picture.*SaveImage"):
        draw(backend, BASE)


def test_parts_of_a_graph_that_were_left_out_are_kept_in_the_record(server: ComfyServer, backend: HostedBackend) -> None:
    queue = server.queue

    def partly(asked: Asked) -> Said:
        error = {"errors": [{"message": "Value not in list", "details": "x"}], "class_type": "Upscale"}
        return Said({**queue(asked).body, "node_errors": {"12": error}})

    server.queue = partly  # type: ignore[method-assign]
    (picture,) = draw(backend, BASE).pictures
    assert picture.facts["hosted"]["left_out"] == "Upscale (node 12): Value not in list: x"


@pytest.mark.parametrize(
    ("state", "path", "body"),
    [
        ("pending", "/queue", {"delete": ["id-1"]}),
        ("running", "/interrupt", {"prompt_id": "id-1"}),
        ("submitted", "/api/jobs/id-1/cancel", {}),
        ("left", "/api/jobs/id-1/cancel", {}),
    ],
)
def test_a_cancel_goes_by_what_was_last_seen(backend: HostedBackend, state: str, path: str, body: Any) -> None:
    call = backend.provider.cancel(Ticket(id="id-1", values={"state": state}))
    assert call is not None
    assert (call.url.removeprefix(backend.about.url), call.json) == (path, body)


@pytest.mark.parametrize(("looks", "path"), [(1, "/queue"), (2, "/interrupt")])
def test_a_cancel_takes_back_this_picture_and_no_other(
    server: ComfyServer, backend: HostedBackend, looks: int, path: str
) -> None:
    server.looks_needed = 10**6
    watch = HostedWatch()
    showing = server.show_queue

    def stop() -> Said:
        said = showing()
        watch.stopped = watch.stopped or max(server.looks.values()) >= looks
        return said

    server.show_queue = stop  # type: ignore[method-assign]
    caught: list[str] = []

    def drawing() -> None:
        with pytest.raises(Cancelled) as error:
            draw(backend, BASE, watch=watch)
        caught.append(str(error.value))

    thread = threading.Thread(target=drawing)
    thread.start()
    thread.join(10)
    assert caught
    assert caught[0].startswith("Cancelled. ComfyUI was told to stop")
    assert ("POST", path) == (server.asked[-1].method, server.asked[-1].path)
    time.sleep(0.05)
    assert server.waiting == {}
