"""What is peculiar to AUTOMATIC1111 and Forge; what holds for every provider is in test_every_provider.py."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from at_automatic1111 import CASE, CHECKPOINTS, OLD_SAMPLERS, Automatic1111Server, wrapped
from case import HostedWatch, draw
from loopback import Fault, Said

from studio.backends import automatic1111
from studio.backends._hosted.backend import HostedBackend
from studio.backends._hosted.own_server import is_at_home, split_sampler
from studio.core.errors import Cancelled, InvalidRequest, NotConfigured, OutOfMemory, Rejected, StudioError, Unavailable
from studio.core.request import TASKS, Sampling
from studio.settings import Settings
from studio.web import Answer

LISTED = '\n[[models]]\nname = "{name}"\ndefault_steps = 12\n'


@pytest.fixture
def server() -> Iterator[Automatic1111Server]:
    with Automatic1111Server() as server:
        yield server


@pytest.fixture
def backend(server: Automatic1111Server, tmp_path: Path) -> HostedBackend:
    return CASE.backend(server, tmp_path)


def written(data: Path, text: str) -> HostedBackend:
    """The backend of a file that a user wrote."""
    (data / "providers").mkdir(exist_ok=True)
    (data / "providers" / "automatic1111.toml").write_text(text, encoding="utf-8")
    return automatic1111.create(Settings(data=data))


def listing(server: Automatic1111Server, data: Path, name: str) -> HostedBackend:
    return written(data, f'url = "{server.url}"{LISTED.format(name=name)}')


def sent(server: Automatic1111Server) -> Any:
    return next(asked.json for asked in server.asked if asked.path.endswith("2img"))


def test_without_a_file_it_says_which_one_to_write(tmp_path: Path) -> None:
    backend = automatic1111.create(Settings(data=tmp_path))
    (model,) = backend.models()
    assert "providers/automatic1111.toml" in model.unready
    assert "url = " in model.unready
    assert backend.unready() == model.unready
    assert backend.problems() == []
    with pytest.raises(NotConfigured, match=r"automatic1111\.toml"):
        draw(backend, "current")
    with pytest.raises(NotConfigured):
        backend.test()


def test_without_a_list_the_server_draws_with_the_checkpoint_it_has(
    server: Automatic1111Server, backend: HostedBackend
) -> None:
    (model,) = backend.models()
    assert model.tasks == tuple(TASKS)
    assert (model.multiple_of, model.unready, model.destination) == (8, "", "")
    facts = draw(backend, "current").pictures[0].facts["hosted"]
    assert "override_settings" not in sent(server)
    assert (facts["checkpoint"], facts["version"], facts["seed_returned"]) == ("sd_xl_base_1", "31e35c80fc", 1234)
    assert facts["cost"] == {"value": 0.0, "unit": "USD", "source": "own server"}


@pytest.mark.parametrize("name", ["v1-5-pruned", "v1-5-pruned.safetensors", CHECKPOINTS[1], "e1441589a6"])
def test_a_listed_checkpoint_goes_by_any_of_its_names(server: Automatic1111Server, tmp_path: Path, name: str) -> None:
    backend = listing(server, tmp_path, name)
    (model,) = backend.models()
    assert (model.default_steps, model.tasks) == (12, tuple(TASKS))
    facts = draw(backend, name).pictures[0].facts["hosted"]
    assert sent(server)["override_settings"] == {"sd_model_checkpoint": CHECKPOINTS[1]}
    assert sent(server)["override_settings_restore_afterwards"] is True
    assert facts["version"] == "e1441589a6"


def test_an_unknown_checkpoint_is_refused_before_the_server_quietly_takes_another(
    server: Automatic1111Server, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match=r"no checkpoint “dreams”.*v1-5-pruned") as caught:
        draw(listing(server, tmp_path, "dreams"), "dreams")
    assert caught.value.field == "model"
    assert server.made == 0


def test_a_sampler_is_named_in_the_way_of_the_servers_version(server: Automatic1111Server, backend: HostedBackend) -> None:
    karras = Sampling(seed=1, sampler="DPM++ 2M Karras")
    draw(backend, "current", sampling=karras)
    draw(backend, "current", sampling=Sampling(seed=1, sampler="DPM++ 2M"))
    server.samplers, server.schedulers = OLD_SAMPLERS, ("Automatic",)
    draw(backend, "current", sampling=karras)
    assert server.used == [("DPM++ 2M", "Karras"), ("DPM++ 2M", "Automatic"), ("DPM++ 2M Karras", "")]
    for name in ("UniPC", "Euler SGM Uniform"):  # of an old server, which would not say a word
        with pytest.raises(InvalidRequest, match=f"no sampler “{name}”.*DPM") as caught:
            draw(backend, "current", sampling=Sampling(seed=1, sampler=name))
        assert caught.value.field == "sampler"
    assert server.made == 3


def test_a_server_that_tells_no_lists_is_believed(server: Automatic1111Server, backend: HostedBackend) -> None:
    server.faults.append(Fault("say", "samplers", Said({"odd": True})))
    draw(backend, "current", sampling=Sampling(seed=1, sampler="DPM++ SDE Karras"))
    assert server.used == [("DPM++ SDE", "Karras")]


@pytest.mark.parametrize(
    ("images", "seeds", "first", "kept"),
    [
        ("abc", [5], 0, "a"),  # control maps behind
        ("gabc", [5, 6], 1, "ab"),  # a grid before, as newer servers say
        ("gab", [5, 6], None, "ab"),  # and older ones do not
        ("ab", [5, 6], None, "ab"),
        ("ab", [], None, "ab"),
        ("ab", [5, 6], 7, "ab"),
    ],
)
def test_grids_and_control_maps_are_dropped(
    backend: HostedBackend, images: str, seeds: list[int], first: int | None, kept: str
) -> None:
    info = {"all_seeds": seeds, **({} if first is None else {"index_of_first_image": first})}
    body = json.dumps({"images": list(images), "parameters": {}, "info": json.dumps(info)}).encode()
    reply = backend.provider.read(Answer(status=200, headers={}, body=body), None)  # type: ignore[arg-type]
    assert "".join(made.data for made in reply.made) == kept
    assert [made.seed for made in reply.made] == (seeds or [None] * len(kept))


def test_a_reply_without_pictures_is_a_sentence(server: Automatic1111Server, backend: HostedBackend) -> None:
    server.faults += [Fault("say", "txt2img", Said({"images": [], "info": "{}"})), Fault("say", "txt2img", Said(b"<html>"))]
    with pytest.raises(Rejected, match="no picture"):
        draw(backend, "current")
    with pytest.raises(Rejected, match=r"is no AUTOMATIC1111.*url in providers"):
        draw(backend, "current")


def test_pictures_are_drawn_one_at_a_time_and_each_has_its_task(server: Automatic1111Server, backend: HostedBackend) -> None:
    draw(backend, "current", count=3)
    assert backend.limit().at_once == 1
    assert len(set(server.tasks)) == 3
    assert all(task.startswith("studio-") for task in server.tasks)


def test_a_cancel_interrupts_what_the_server_draws(server: Automatic1111Server, backend: HostedBackend) -> None:
    server.faults.append(Fault("slow", "txt2img", seconds=20))
    watch, caught = HostedWatch(), []

    def drawing() -> None:
        with pytest.raises(Cancelled) as error:
            draw(backend, "current", watch=watch)
        caught.append(error.value)

    thread = threading.Thread(target=drawing)
    thread.start()
    end = time.monotonic() + 10
    while not any(path.endswith("txt2img") for path in server.paths()) and time.monotonic() < end:
        time.sleep(0.01)
    watch.stopped = True
    thread.join(5)
    assert str(caught[0]) == "Cancelled."
    assert server.paths()[-1] == "/sdapi/v1/interrupt"
    assert server.asked[-1].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (wrapped(500, "", "OutOfMemoryError", "CUDA out of memory"), OutOfMemory, "ran out of memory.*smaller size"),
        (wrapped(404, "Not Found"), NotConfigured, "Start it with --api"),
        (Said({"detail": "Method Not Allowed"}, 405), NotConfigured, "Start it with --api"),
        (Said(b"", 302, {"Location": "/login"}), NotConfigured, "elsewhere"),
        (wrapped(404, "Init image not found"), Rejected, "says: Init image not found"),
        (wrapped(422, "Script 'x' not found"), Rejected, "says: Script 'x' not found"),
        (Said({"detail": "Sampler not found"}, 400), Rejected, "says: Sampler not found"),
        (wrapped(401, "Incorrect username or password"), NotConfigured, "AUTOMATIC1111_API_AUTH to user:password"),
    ],
)
def test_its_errors_are_sentences(
    server: Automatic1111Server, backend: HostedBackend, said: Said, kind: type[StudioError], words: str
) -> None:
    server.faults.append(Fault("say", "txt2img", said))
    with pytest.raises(kind, match=words):
        draw(backend, "current")


def test_an_exception_there_is_told_in_its_words(server: Automatic1111Server, backend: HostedBackend) -> None:
    server.faults += [Fault("say", "txt2img", wrapped(500, "", "NansException", "A tensor with NaNs"))] * 3
    with pytest.raises(Unavailable, match="says: A tensor with NaNs"):
        draw(backend, "current")


def test_the_login_is_sent_if_there_is_one_and_no_header_if_not(
    server: Automatic1111Server, backend: HostedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login = "alice:secret"
    monkeypatch.setenv(automatic1111.KEY, server.login)
    draw(backend, "current")
    assert base64.b64decode(server.asked[-1].headers["authorization"].partition(" ")[2]) == b"alice:secret"
    server.login = ""
    monkeypatch.delenv(automatic1111.KEY)
    draw(backend, "current")
    assert "authorization" not in server.asked[-1].headers


def test_the_test_lists_the_checkpoints_to_name(backend: HostedBackend) -> None:
    assert backend.test() == f"The server answers. Its checkpoints: {', '.join(CHECKPOINTS)}."


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("192.168.1.5:7860", "no address"),
        ("http://", "no address"),
        ("http://alice:secret@192.168.1.5", "no address"),
        ("http://example.org:7860", "https://"),
        ("http://8.8.8.8", "https://"),
        ("http://192.168.1.5:7860", ""),
        ("http://[fd00::5]:7860", ""),
        ("http://desktop:7860", ""),
        ("http://desktop.local", ""),
        ("https://example.org", ""),
    ],
)
def test_plain_http_stays_in_the_home_network(tmp_path: Path, url: str, words: str) -> None:
    (model,) = written(tmp_path, f'url = "{url}"\n').models()
    assert words in model.unready
    assert bool(words) == bool(model.unready)


def test_what_is_at_home() -> None:
    assert [is_at_home(host) for host in ("127.0.0.1", "10.1.2.3", "100.64.0.1", "fe80::1", "box", "box.lan")] == [True] * 6
    assert [is_at_home(host) for host in ("1.1.1.1", "2606:4700::1111", "example.com", "local.example.com")] == [False] * 4


@pytest.mark.parametrize("text", ['url = "', "[[models]]\ntitle = 'x'\n", "models = 3\n", "[[models]]\nname='x'\nsteps=3\n"])
def test_a_faulty_file_is_told_and_breaks_nothing(tmp_path: Path, text: str) -> None:
    backend = written(tmp_path, text)
    models = backend.models()
    assert len(models) == 1
    assert "cannot be used" in models[0].unready
    assert backend.problems() == [models[0].unready]


def test_a_schedule_is_split_off_the_samplers_name() -> None:
    names = ("Euler a", "DPM++ 2M Karras", "DPM++ 2M SGM Uniform", "DPM++ 2S a", "LMS")
    assert [split_sampler(name) for name in names] == [
        ("Euler a", ""), ("DPM++ 2M", "Karras"), ("DPM++ 2M", "SGM Uniform"), ("DPM++ 2S a", ""), ("LMS", ""),
    ]  # fmt: skip
