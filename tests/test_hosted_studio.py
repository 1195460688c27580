"""The whole studio with a hosted provider: real processes, a loopback server, a planted key, kill -9 and a shut network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import forks
import pytest
from at_replicate import ReplicateServer
from at_stability import StabilityServer
from loopback import KEY, Fault, Said
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="kills a process group")]
ROOT = Path(__file__).resolve().parent.parent
GUARD = """
import sys

def refuse(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple):
            with open(LOG, "a") as log:
                log.write(f"{address[0]}:{address[1]}\\n")
            if not str(address[0]).startswith("127."):
                raise OSError("this test refuses the network")
    elif event == "socket.getaddrinfo" and arguments[0] not in (None, "", "127.0.0.1", "localhost", "0.0.0.0"):
        with open(LOG, "a") as log:
            log.write(f"{arguments[0]}\\n")
        raise OSError("this test refuses the network")

sys.addaudithook(refuse)
"""


class Folder:
    """Folders, planted keys and a guard over every Python process of one studio."""

    def __init__(self, folder: Path, **providers: Any) -> None:
        self.folder, self.data, self.outputs = folder, folder / "data", folder / "outputs"
        self.sockets = folder / "sockets.log"
        (folder / "guard").mkdir()
        (folder / "guard" / "sitecustomize.py").write_text(f"LOG = {str(self.sockets)!r}\n{GUARD}")
        (self.data / "providers").mkdir(parents=True)
        for name, server in providers.items():
            base = getattr(server, "BASE", "")
            (self.data / "providers" / f"{name}.toml").write_text(f'url = "{server.url}{base}"\npoll_seconds = 0.1\n')
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ},
            **dict.fromkeys(("STABILITY_API_KEY", "REPLICATE_API_TOKEN", "BFL_API_KEY"), KEY),
            "HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join([str(folder / "guard"), str(ROOT)]),
            "STUDIO_DATA": str(self.data), "STUDIO_OUTPUTS": str(self.outputs), "STUDIO_MODELS": str(folder / "models"),
            "STUDIO_THREADS": "1", "STUDIO_USER": "alice",
        }  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [forks.python(), "-m", "studio", *arguments]
        return subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=180)
        return process.returncode, out, err

    def generate(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.run("generate", "a red fox", "--seed", "11", "--json", *arguments)
        assert code == 0, out + err
        (record,) = json.loads(out)["records"]
        return dict(record)

    def holding_the_key(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@contextmanager
def serving(folder: Folder) -> Iterator[subprocess.Popen[str]]:
    process = folder.start("--no-browser", "--port", "0")
    try:
        assert process.stdout is not None
        assert any("The studio is open at" in line for line in process.stdout)
        yield process
    finally:
        kill_all(process)


def kill_all(process: subprocess.Popen[str]) -> None:
    """Everything of this studio, at once, as a power cut would."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.communicate(timeout=30)


def until(wanted: Any, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return found


def test_a_hosted_picture_is_kept_with_everything_and_no_trace_of_the_key(tmp_path: Path) -> None:
    with StabilityServer() as server:
        server.size = (320, 256)
        folder = Folder(tmp_path, stability=server)
        record = folder.generate("--model", "stability:core")
        told = record["facts"]["hosted"]
        assert told["provider"] == "Stability AI"
        assert told["request"]["headers"]["authorization"] == "Bearer $STABILITY_API_KEY"
        assert told["cost"] == {"value": 0.03, "unit": "USD", "source": "price table of 2026-11-23"}
        assert (told["seed_asked"], told["seed_returned"], record["seed"]) == (11, 11, 11)
        assert record["stamps"] == ["watermark", "detector", "text", "xmp", "c2pa"]
        assert record["request"]["user"] == "alice"
        with Image.open(record["path"]) as image:
            assert "hosted" in image.info["studio_metadata"]
        code, out, _ = folder.run("verify", record["path"], "--json")
        assert code == 12, out
        code, out, _ = folder.run("audit", "show")
        assert [line.split()[3:5] for line in out.splitlines()] == [
            ["request.submitted", "alice"], ["hosted.called", "alice"], ["picture.kept", "alice"],
        ]  # fmt: skip
        assert ("req-stability" in out, "a red fox" in out) == (True, False)
        assert folder.run("audit", "verify")[0] == 0
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert folder.holding_the_key() == []
    assert {line.partition(":")[0] for line in folder.sockets.read_text().split()} == {"127.0.0.1"}


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_the_providers_answer_fits_into_other_formats_too(tmp_path: Path, format: str) -> None:
    with StabilityServer() as server:
        folder = Folder(tmp_path, stability=server)
        folder.environment["STUDIO_FORMAT"] = format
        record = folder.generate("--model", "stability:core")
        assert record["facts"]["hosted"]["request_id"] == "req-stability"


def test_after_kill_9_of_everything_the_same_prediction_is_fetched(tmp_path: Path) -> None:
    with ReplicateServer() as server:
        server.looks_needed = 10**6
        folder = Folder(tmp_path, replicate=server)
        model = "replicate:black-forest-labs/flux-schnell"
        process = folder.start("generate", "a red fox", "--seed", "5", "--model", model)
        until(lambda: len([path for path in server.paths() if path == "/v1/predictions/p1"]) > 2)
        kill_all(process)
        assert not list(folder.outputs.rglob("*.png"))
        server.looks_needed = 0
        with serving(folder):
            until(lambda: list(folder.outputs.rglob("*.png")), 90)
        assert server.made == 1
    assert folder.holding_the_key() == []


def test_errors_never_tell_the_key_and_say_what_to_do(tmp_path: Path) -> None:
    with StabilityServer() as server:
        folder = Folder(tmp_path, stability=server)
        server.faults.append(Fault("say", "generate", Said({"errors": [f"bad key {KEY} given"]}, 401)))
        code, out, err = folder.run("generate", "a red fox", "--model", "stability:core")
    assert code == 1
    assert "refused the key" in out + err
    assert KEY not in out + err
    assert folder.holding_the_key() == []


def test_offline_not_one_socket_leaves_for_a_provider(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    code, out, err = folder.run("generate", "a red fox", "--model", "bfl:flux-2-pro", "--offline")
    assert code == 2, out
    assert "offline" in err
    (folder.data / "preferences.json").write_text('{"offline": true}')
    code, out, err = folder.run("generate", "a red fox", "--model", "bfl:flux-2-pro")
    assert (code, "offline" in err) == (2, True)
    _, out, _ = folder.run("providers", "--json")
    states = {each["name"]: each["unready"] for each in json.loads(out)}
    assert "offline" in states["bfl"]
    assert not folder.sockets.exists() or not [line for line in folder.sockets.read_text().split() if "127." not in line]


def test_the_providers_command_lists_abilities_keys_and_what_was_tried(tmp_path: Path) -> None:
    with StabilityServer() as server:
        folder = Folder(tmp_path, stability=server)
        _, out, _ = folder.run("providers")
        (line,) = (line for line in out.splitlines() if line.startswith("stability"))
        assert "t2i i2i inpaint outpaint" in line
        assert f"STABILITY_API_KEY: set in the environment, ends in …{KEY[-2:]}" in line
        assert "never" in line
        assert KEY not in out
        folder.generate("--model", "stability:core")
        (stability,) = (each for each in json.loads(folder.run("providers", "--json")[1]) if each["name"] == "stability")
        assert stability["verified"][:4].isdigit()


def test_the_worker_of_the_device_gets_no_providers_key(tmp_path: Path) -> None:
    if not Path("/proc").is_dir():
        pytest.skip("environments of processes are read from /proc")
    folder = Folder(tmp_path)
    with serving(folder):

        def environments() -> dict[str, bytes]:
            found = {}
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    command = (entry / "cmdline").read_bytes()
                    if str(folder.data).encode() in (environment := (entry / "environ").read_bytes()):
                        found[command.decode().replace("\0", " ")] = environment
                except OSError:
                    continue
            return found

        workers = until(lambda: [text for name, text in environments().items() if "_worker" in name], 60)
        assert all(KEY.encode() not in text for text in workers)
