"""`studio.py models` and the downloads' own process, as real processes in front of a hub on this computer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import forks
import pytest
import tiny_models
from toy_hub import COMMIT, TOKEN, Repository, ToyHub, a_model, noise, sha256

from studio import main, settings
from studio.collecting import open_collection
from studio.core.collection import Download
from studio.core.people import Person
from studio.engine.collection import Collection
from studio.library import open_library

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
BIG = "unet/diffusion_pytorch_model.fp16.safetensors"


@pytest.fixture
def hub() -> Iterator[ToyHub]:
    with ToyHub() as hub:
        hub.repositories["toys/model"] = a_model()
        yield hub


@pytest.fixture
def environment(tmp_path: Path, hub: ToyHub) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **kept, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "STUDIO_USER": "ada", "STUDIO_THREADS": "1",
        "STUDIO_DATA": str(tmp_path / "data"), "STUDIO_OUTPUTS": str(tmp_path / "outputs"), "STUDIO_DEVICE": "cuda",
        "STUDIO_MODELS": str(tmp_path / "models"), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_ENDPOINT": hub.url,
    }  # fmt: skip


def command(*arguments: str) -> list[str]:
    return [forks.python(), "-m", "studio", "models", *arguments]


def run(environment: dict[str, str], *arguments: str, code: int = 0) -> Any:
    done = subprocess.run(command(*arguments, "--json"), env=environment, capture_output=True, text=True, timeout=120,
                          check=False)  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def ids(environment: dict[str, str]) -> list[str]:
    return [model["id"] for model in run(environment, "list")["models"]]


def logged(environment: dict[str, str]) -> list[tuple[str, str, str]]:
    with open_library(Path(environment["STUDIO_DATA"]), Path(environment["STUDIO_OUTPUTS"])) as library:
        return [(row.action, row.person, row.subject) for row in library.audit.rows()]


def test_a_model_is_added_removed_brought_back_and_all_of_it_logged(environment: dict[str, str], tmp_path: Path) -> None:
    assert ids(environment) == ["local:starter"]
    done = run(environment, "add", "toys/model")
    assert (done["state"], done["commit"], done["person"]) == ("done", COMMIT, "ada")
    (model,) = [each for each in run(environment, "list")["models"] if each["id"] == "local:toys/model"]
    assert model["licence"] == "apache-2.0"
    removed = run(environment, "remove", "local:toys/model")
    assert ids(environment) == ["local:starter"]
    assert run(environment, "list")["trash"][0]["id"] == removed["id"]
    run(environment, "restore", removed["id"])
    assert ids(environment) == ["local:starter", "local:toys/model"]
    assert "came with the studio and stays" in run(environment, "remove", "local:starter", code=2)
    assert logged(environment) == [
        ("models.added", "ada", "toys/model"), ("models.removed", "ada", "local:toys/model"),
        ("models.restored", "ada", "model"),
    ]  # fmt: skip
    run(environment, "remove", "local:toys/model")
    assert run(environment, "empty") == {"removed": 1}
    assert not list(tmp_path.glob("hub/**/*.safetensors"))


def test_failures_have_a_code_and_a_sentence(environment: dict[str, str], hub: ToyHub) -> None:
    assert "no model toys/none" in run(environment, "add", "toys/none", code=1)["message"]
    assert "names no model" in run(environment, "add", "nonsense", code=2)
    assert "can run code" in run(environment, "add", "toys/model/x.ckpt", code=2)
    assert "no model “local:none”" in run(environment, "remove", "local:none", code=2)
    assert "switched offline" not in run(environment, "curated")[0]["why"]


def test_the_token_of_the_environment_opens_a_gate_and_stands_nowhere(
    environment: dict[str, str], hub: ToyHub, tmp_path: Path
) -> None:
    hub.repositories["toys/model"].gated = True
    failed = run(environment, "add", "toys/model", code=1)
    assert failed["link"] == f"{hub.url}/toys/model"
    assert run({**environment, "HF_TOKEN": TOKEN}, "resume")["state"] == "done"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == []


def wait(hub: ToyHub, size: int) -> None:
    end = time.monotonic() + 60
    while hub.sent < size:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_command_that_is_killed_goes_on_where_it_was(environment: dict[str, str], hub: ToyHub, tmp_path: Path) -> None:
    data = hub.repositories["toys/model"].files[BIG] = noise(4_000_000)
    hub.faults.pace = 0.05
    child = subprocess.Popen(command("add", "toys/model"), env=environment, stdout=subprocess.DEVNULL)
    wait(hub, 1_000_000)
    child.kill()
    child.wait(20)
    (download,) = run(environment, "list")["downloads"]
    assert download["state"] == "running"  # nobody could say otherwise
    hub.faults.pace = 0
    assert run(environment, "resume")["state"] == "done"
    assert [int(each[6:-1]) > 500_000 for each in hub.ranges()] == [True]
    snapshot = tmp_path / "hub" / "models--toys--model" / "snapshots" / COMMIT
    assert sha256((snapshot / BIG).read_bytes()) == sha256(data)


def test_ctrl_c_pauses_and_pause_and_cancel_are_heeded_by_whoever_downloads(
    environment: dict[str, str], hub: ToyHub, tmp_path: Path
) -> None:
    hub.repositories["toys/model"].files[BIG] = noise(4_000_000)
    hub.faults.pace = 0.2
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a job started in the background ignores it
    with subprocess.Popen(
        command("add", "toys/model"),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds,  # noqa: PLW1509  one thread here
    ) as child:
        wait(hub, 300_000)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=20)
    assert child.returncode == 3
    assert "Paused. Go on with: models resume" in told
    with subprocess.Popen(command("resume", "--json"), env=environment, stdout=subprocess.PIPE, text=True) as child:
        wait(hub, hub.sent + 300_000)
        run(environment, "pause")
        told, _ = child.communicate(timeout=20)
    assert (child.returncode, json.loads(told)["state"]) == (3, "paused")
    run(environment, "cancel")
    assert run(environment, "list")["downloads"] == []
    assert list(tmp_path.glob("hub/**/*.part")) != []  # until a downloader is there again
    hub.faults.pace = 0
    assert run(environment, "add", "toys/model")["state"] == "done"
    assert list(tmp_path.glob("hub/**/*.part")) == []


def test_a_downloaded_model_draws_and_the_list_knows_it(environment: dict[str, str], hub: ToyHub, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers builds some parts in ways that it calls deprecated itself
        folder = tiny_models.tiny_sd(tmp_path / "made")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hub.repositories["toys/tiny"] = Repository(files, licence="mit")
    cpu = {**environment, "STUDIO_DEVICE": "cpu"}
    assert run(cpu, "add", "toys/tiny")["state"] == "done"
    drawn = subprocess.run(
        [forks.python(), "-m", "studio", "generate", "a red house", "--model", "local:toys/tiny", "--steps", "2", "--json"],
        env=cpu, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert drawn.returncode == 0, drawn.stderr
    (record,) = json.loads(drawn.stdout)["records"]
    (model,) = [each for each in run(cpu, "list")["models"] if each["id"] == "local:toys/tiny"]
    assert time.time() - model["last_used"] < 300
    assert model["licence"] == "mit"
    assert model["family"] == "Stable Diffusion"
    assert record["request"]["model"] == "local:toys/tiny"


@pytest.fixture
def collection(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Collection]:
    """The studio's side with its downloads' process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    known = settings.load()
    with open_library(known.data, known.outputs) as library:
        opened = open_collection(known, (), library, lambda heard: main._worker_process(known, heard, "_downloads", ()))
        opened.open()
        assert opened.downloader().state == "starting"
        yield opened
        opened.close()


def until(look: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_downloads_process_starts_with_the_first_download_and_survives_kill_9(
    collection: Collection, hub: ToyHub, tmp_path: Path
) -> None:
    data = hub.repositories["toys/model"].files[BIG] = noise(4_000_000)
    hub.faults.pace = 0.05
    worker: Any = collection._worker
    assert not worker.is_started
    id = collection.add("toys/model", Person("ada")).id

    def download() -> Download:
        return next(each for each in collection.downloads() if each.id == id)

    wait(hub, 1_000_000)
    before = worker.pid
    worker.kill()
    hub.faults.pace = 0
    until(lambda: download().state == "done")
    assert worker.pid != before
    assert [int(each[6:-1]) > 500_000 for each in hub.ranges()] == [True]
    snapshot = tmp_path / "hub" / "models--toys--model" / "snapshots" / COMMIT
    assert sha256((snapshot / BIG).read_bytes()) == sha256(data)
    collection.wish(id, "cancel", Person("ada"))  # off the list; the model stays
    until(lambda: not (tmp_path / "data" / "downloads" / id).exists())
    assert (snapshot / BIG).is_file()
