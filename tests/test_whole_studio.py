"""The whole studio from outside: real processes, every socket but loopback refused, a planted key searched everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import forks
import pytest
from PIL import Image
from tiny_models import tiny_sd

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
PLANTED = "planted-key-7c1e94d0"
SYSTEM_NAME = "systemname77ab"
GUARD = """
import sys

def refuse(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        ours = not isinstance(address, tuple) or str(address[0]).startswith("127.") or address[0] in ("::1", "localhost")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        ours = arguments[0] in (None, "", "127.0.0.1", "localhost", "::1", "0.0.0.0", "::", b"127.0.0.1", b"localhost")
    else:
        return
    target = arguments[1] if event == "socket.connect" else arguments[0]
    with open(LOG, "a") as log:
        log.write(f"{'ours' if ours else 'FOREIGN'} {event} {target}\\n")
    if not ours:
        raise OSError("this test refuses the network")

sys.addaudithook(refuse)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return guarded(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One whose page is open, as a user's would be: commands hand their jobs to its engine, which is warm."""
    environment = guarded(tmp_path_factory.mktemp("served"))
    with page(environment):
        yield environment
    assert "FOREIGN" not in sockets(environment)


def guarded(tmp_path: Path) -> dict[str, str]:
    """A guard in every Python process of the studio, folders of its own, an empty home and planted keys."""
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(f"LOG = {str(tmp_path / 'sockets.log')!r}\n{GUARD}")
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    planted = dict.fromkeys(("OPENAI_API_KEY", "STABILITY_API_KEY", "HF_TOKEN", "FAL_KEY"), PLANTED)
    return {
        **kept, **planted, "HOME": str(tmp_path / "home"), "LOGNAME": SYSTEM_NAME,
        "PYTHONPATH": os.pathsep.join([str(guard), str(ROOT)]),
        "STUDIO_DATA": str(tmp_path / "data"), "STUDIO_OUTPUTS": str(tmp_path / "outputs"),
        "STUDIO_MODELS": str(tmp_path / "models"), "STUDIO_THREADS": "1",
    }  # fmt: skip


def run(environment: dict[str, str], *arguments: str, python: str = "") -> subprocess.CompletedProcess[str]:
    command = [python or forks.python(), "-m", "studio", *arguments]
    return subprocess.run(command, env=environment, cwd=environment["STUDIO_DATA"].rpartition(os.sep)[0],
                          capture_output=True, text=True, timeout=180, check=False)  # fmt: skip


def kept_files(environment: dict[str, str]) -> list[Path]:
    return sorted(Path(environment["STUDIO_OUTPUTS"]).rglob("*.png"))


def sockets(environment: dict[str, str]) -> str:
    log = Path(environment["STUDIO_DATA"]).with_name("sockets.log")
    return log.read_text() if log.exists() else ""


def test_generate_keeps_a_picture_without_the_network_and_without_a_trace_of_any_key(environment: dict[str, str]) -> None:
    words = ("a red house at sunset", "--seed", "3", "--steps", "6", "--json")
    done = run(environment, "generate", *words, python=sys.executable)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert kept_files(environment) == [Path(record["path"])]
    with Image.open(record["path"]) as image:
        assert "Seed: 3" in image.info["parameters"]
        assert image.size == (record["width"], record["height"])
    assert record["facts"]["used"]["steps"] == 6
    assert record["request"]["user"] == SYSTEM_NAME
    assert "FOREIGN" not in sockets(environment)
    assert PLANTED not in done.stdout + done.stderr
    folder = Path(environment["STUDIO_DATA"])
    assert holding(folder.parent, PLANTED.encode()) == []
    key = folder / "signing" / "signing.key"
    assert key.stat().st_mode & 0o077 == 0
    assert holding(folder.parent, key.read_text().splitlines()[1].encode()) == [key]


def holding(folder: Path, secret: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and secret in file.read_bytes()]


def generated(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = run(environment, "generate", "a sailboat", "--seed", "11", "--steps", "4", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    return dict(record)


def test_a_picture_is_made_again_from_its_record_and_from_its_file(served: dict[str, str], tmp_path: Path) -> None:
    """Exactly, with the words that its template gave; from a file also where the library does not know it."""
    done = run(served, "generate", "a {red|blue|green} __scene__", "--seed", "11", "--steps", "3", "--count", "3", "--json")
    first = json.loads(done.stdout)["records"][1]
    assert first["request"]["template"] == "a {red|blue|green} __scene__"
    assert first["seed"] == 12
    again = json.loads(run(served, "generate", "--again", first["id"], "--json").stdout)["records"][0]
    assert again["again"]["outcome"] == "exact"
    assert again["request"]["prompt"] == first["request"]["prompt"]
    assert again["facts"]["drawn_sha256"] == first["facts"]["drawn_sha256"]
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(first["path"]).read_bytes())
    other = {**served, "STUDIO_DATA": str(tmp_path / "other"), "STUDIO_OUTPUTS": str(tmp_path / "theirs")}
    done = run(other, "generate", "--again", str(copy))
    assert "Exact: every pixel that was drawn is the same." in done.stdout, done.stderr
    done = run(served, "generate", "--again", "nothing")
    assert done.returncode == 2
    assert "The library has no such picture." in done.stderr


def test_kept_pictures_of_one_seed_are_verified_as_declared_and_stripped_ones_still_find_their_records(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Each is drawn by another process in another format. The drawn pixels are the same; each has its own watermark."""
    records = [generated({**environment, "STUDIO_FORMAT": format}) for format in ("jpeg", "webp")]
    assert len({record["facts"]["drawn_sha256"] for record in records}) == 1
    assert len({record["facts"]["watermark"]["payload"] for record in records}) == 2
    kept, bare = [Path(record["path"]) for record in records], [tmp_path / f"{number}.png" for number in range(2)]
    assert [path.suffix for path in kept] == [".jpg", ".webp"]
    for path, stripped in zip(kept, bare, strict=True):
        with Image.open(path) as image:
            Image.frombytes(image.mode, image.size, image.tobytes()).save(stripped)
    done = run(environment, "verify", *map(str, kept), *map(str, bare), "--json")
    assert done.returncode == 12, done.stderr
    told = json.loads(done.stdout)
    for record, whole, stripped in zip(records, told[:2], told[2:], strict=True):
        assert record["stamps"] == ["watermark", "detector", "text", "xmp", "c2pa"]
        assert {row["kind"] for row in whole["evidence"] if row["declared"]} == {"manifest", "watermark", "library"}
        assert (whole["record"], whole["verdict"]) == (record["id"], "likely AI-generated (declared)")
        assert (stripped["record"], stripped["verdict"]) == (record["id"], "likely AI-generated (declared)")
        assert {row["kind"] for row in stripped["evidence"]} == {"watermark", "library"}
        # Another process adds the same floats in another order: the last of four digits may differ.
        assert whole["scores"][0]["raw"] == pytest.approx(record["facts"]["detector"][0]["raw"], abs=1e-3)
        assert record["request"]["user"] == SYSTEM_NAME
    assert holding(kept[0].parent, SYSTEM_NAME.encode()) == []
    assert "FOREIGN" not in sockets(environment)


def test_verify_tells_apart_what_it_cannot_examine(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no picture")
    Image.new("RGB", (64, 64), "red").save(tmp_path / "plain.png")
    assert run(environment, "verify", str(tmp_path / "plain.png")).returncode == 10
    done = run(environment, "verify", str(tmp_path / "plain.png"), str(tmp_path / "note.txt"), str(tmp_path / "none.png"))
    assert done.returncode == 2
    assert "not a picture" in done.stderr
    assert "No such file" in done.stderr
    assert "A signal, never proof." in done.stdout
    assert run(environment, "verify", str(tmp_path / "plain.png"), "--detectors", "nonsense").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", "  "], "The prompt is empty"),
        (["generate", "x", "--size", "big"], "Write it as 512x512"),
        (["generate", "x", "--model", "local:gone"], "Choose another one"),
        (["generate", "x", "--sampler", "Magic"], "Choose one of"),
        (["generate", "x", "--preset", "gone"], "There is no preset"),
        (["--host", "0.0.0.0", "--no-browser"], "people add NAME --role admin"),
        (["people", "remove", "nobody"], "no account of that name"),
    ],
)
def test_a_bad_command_line_is_a_sentence_and_exit_code_two(
    environment: dict[str, str], arguments: list[str], sentence: str
) -> None:
    done = run(environment, *arguments)
    assert (done.returncode, done.stdout) == (2, "") or arguments[0] == "--host"
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert kept_files(environment) == []


@contextmanager
def page(environment: dict[str, str], python: str = "") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [python or forks.python(), "-m", "studio", "--no-browser", "--port", str(port)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/", child)
        yield f"http://127.0.0.1:{port}", child
    finally:
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in a job started in the background
        child.send_signal(signal.SIGTERM if ignored else signal.SIGINT)
        try:
            child.communicate(timeout=30)
        finally:
            child.kill()


def wait_for(url: str, child: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert child.poll() is None, child.stdout.read() if child.stdout else ""
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def test_the_page_opens_without_the_network_and_refuses_strangers(environment: dict[str, str]) -> None:
    with page(environment, sys.executable) as (url, _):
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            request = urllib.request.Request(f"{url}/gradio_api/upload", data=b"x", headers=headers, method="POST")
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)
            refused.value.close()
            assert refused.value.code == 403
    assert "ours socket" in sockets(environment), "the guard saw nothing at all"
    assert "FOREIGN" not in sockets(environment)


def test_killing_the_studio_in_mid_job_leaves_the_picture_for_the_next_start(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "studio", "generate", "a boat on the sea", "--seed", "5", "--steps", "80"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_drawing(environment)
    finally:
        child.kill()
        child.wait()
    end = time.monotonic() + 120
    while not kept_files(environment):
        assert time.monotonic() < end, "the job did not end"
        time.sleep(0.2)
    after = run(environment, "generate", "a hill", "--steps", "2", "--json")
    assert after.returncode == 0, after.stderr
    assert len(kept_files(environment)) == 2
    listed = run(environment, "reindex", "--json")
    assert listed.returncode == 0, listed.stderr


def wait_until_drawing(environment: dict[str, str]) -> None:
    from studio.library import open_library

    end = time.monotonic() + 120
    while not (Path(environment["STUDIO_DATA"]) / "studio.sqlite").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    library = open_library(Path(environment["STUDIO_DATA"]), Path(environment["STUDIO_OUTPUTS"]))
    try:
        while not any(job.progress.step > 2 for job in library.jobs.find(limit=1)):
            assert time.monotonic() < end, "the job did not start"
            time.sleep(0.05)
    finally:
        library.close()


@pytest.fixture
def broken_model(environment: dict[str, str]) -> str:
    """A model under `models/` whose autoencoder gives no numbers."""
    from safetensors.torch import load_file, save_file

    folder = tiny_sd(Path(environment["STUDIO_MODELS"]) / "broken")
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["decoder.conv_in.bias"].fill_(float("nan"))
    save_file(weights, file, {"format": "pt"})
    return "local:broken"


def test_a_model_that_gives_no_numbers_is_a_failed_job_and_never_a_black_picture(
    environment: dict[str, str], broken_model: str
) -> None:
    done = run(environment, "generate", "a fox", "--model", broken_model, "--size", "64x64", "--steps", "2", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["state"], answer["error_code"]) == (1, "failed", "bad_picture")
    assert answer["message"].endswith(".")
    assert kept_files(environment) == []


def test_what_was_made_is_logged_and_a_person_can_be_erased_from_the_whole_data_folder(environment: dict[str, str]) -> None:
    """The name that was set stands in the file, that of the operating system's user does not."""
    record = generated({**environment, "STUDIO_USER": "ann"})
    data = Path(record["path"]).read_bytes()
    assert b'"user": "ann"' in data
    assert b"user_in_file" not in data
    assert SYSTEM_NAME.encode() not in data
    done = run(environment, "audit", "show")
    assert [line.split()[3:5] for line in done.stdout.splitlines()] == [
        ["request.submitted", "ann"],
        ["picture.kept", "ann"],
    ]
    assert run(environment, "erase", "ann").returncode == 2
    assert run(environment, "erase", "ann", "--yes").returncode == 0
    assert kept_files(environment) == []
    folder = Path(environment["STUDIO_DATA"])
    assert [file for file in folder.rglob("*") if file.is_file() and b"a sailboat" in file.read_bytes()] == []
    assert not Path(record["path"]).exists()
    assert run(environment, "audit", "verify").returncode == 0


def test_a_lora_and_a_controlnet_change_the_picture_and_stand_in_its_metadata(
    served: dict[str, str], tmp_path: Path
) -> None:
    import tiny_adapters
    from diffusers import StableDiffusionPipeline

    folder = Path(served["STUDIO_MODELS"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe = StableDiffusionPipeline.from_pretrained(tiny_sd(folder / "tiny"))
        lora = tiny_adapters.kohya(pipe, folder / "loras" / "evening.safetensors")
        tiny_adapters.controlnet(pipe, folder / "controlnets" / "edges-canny")
    street = tmp_path / "street.png"
    Image.effect_mandelbrot((64, 64), (-2, -1.5, 1, 1.5), 60).save(street)
    size = ("--model", "local:tiny", "--size", "64")
    worn = generated(served, *size, "--lora", "evening:0.8")
    steered = generated(served, *size, "--lora", "evening:0.8", "--controlnet", f"edges-canny:{street}:canny")
    assert steered["facts"]["drawn_sha256"] != worn["facts"]["drawn_sha256"]
    sha256 = hashlib.sha256(lora.read_bytes()).hexdigest()
    assert [(each["name"], each["weight"]) for each in steered["facts"]["used"]["adapters"]] == [
        ("evening", 0.8), ("edges-canny", 1.0),
    ]  # fmt: skip
    with Image.open(steered["path"]) as image:
        text = image.info["parameters"]
    assert "a sailboat <lora:evening:0.8>" in text
    assert f'Lora hashes: "evening: {sha256[:10]}"' in text
    assert "Module: canny, Model: edges-canny [" in text
    (control,) = steered["facts"]["controls"]
    assert list(Path(served["STUDIO_DATA"]).rglob(f"{control['sha256']}.png"))
    typed = run(served, "generate", "a sailboat <lora:evening:0.8>", "--seed", "11", "--steps", "4", "--json", *size)
    (again,) = json.loads(typed.stdout)["records"]
    assert again["facts"]["drawn_sha256"] == worn["facts"]["drawn_sha256"]
    assert "LoRA evening with weight 0.8, as the prompt says" in again["notes"]
    refused = run(served, "generate", "a sailboat", "--lora", "nowhere:1", *size)
    assert (refused.returncode, "There is no LoRA “nowhere” here" in refused.stderr) == (2, True)
