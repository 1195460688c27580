"""What the set-up decides and says, without installing anything."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from studio.setup.install import check_disk
from studio.setup.pip import sentence_for, telling
from studio.setup.torch_build import CPU, Build, choose, serves
from studio.setup.venv import Stop

ROOT = Path(__file__).resolve().parent.parent.parent
CUDA_ON_WINDOWS = "https://download.pytorch.org/whl/cu130"
ROCM = "https://download.pytorch.org/whl/rocm7.2"


@pytest.fixture(scope="module")
def studio_py() -> ModuleType:
    spec = importlib.util.spec_from_file_location("studio_py", ROOT / "studio.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("system", "nvidia", "rocm", "wish", "index"),
    [
        ("Linux", False, False, "", CPU),
        ("Linux", True, False, "", ""),
        ("Linux", True, True, "", ""),
        ("Linux", False, True, "", ROCM),
        ("Windows", False, False, "", CPU),
        ("Windows", True, False, "", CUDA_ON_WINDOWS),
        ("Windows", False, True, "", CPU),
        ("Darwin", False, False, "", ""),
        ("Darwin", True, True, "", ""),
        ("Linux", False, False, "default", ""),
        ("Windows", True, False, "default", ""),
        ("Linux", True, False, "cpu", CPU),
        ("Linux", False, False, "xpu", "https://download.pytorch.org/whl/xpu"),
        ("Linux", False, False, "https://mirror.example/whl/cu126", "https://mirror.example/whl/cu126"),
    ],
)
def test_each_machine_gets_its_build_of_pytorch(system: str, nvidia: bool, rocm: bool, wish: str, index: str) -> None:
    build = choose(system, nvidia=nvidia, rocm=rocm, wish=wish)
    assert (build.index, build.asked) == (index, bool(wish))


@pytest.mark.parametrize(
    ("build", "installed", "replaced"),
    [
        (Build("", "a GPU that is new", 5), CPU, True),
        (Build(CPU, "no GPU in sight today", 1), "", False),
        (Build(CPU, "no GPU wanted", 1, asked=True), "", True),
        (Build(CPU, "the same", 1), CPU, False),
        (Build("", "nothing installed yet", 5), None, False),
    ],
)
def test_an_installed_pytorch_goes_only_for_a_better_or_a_named_one(
    build: Build, installed: str | None, replaced: bool
) -> None:
    assert build.replaces(installed) is replaced


@pytest.fixture
def index() -> Iterator[str]:
    """Serves torch 2.13.0 and answers 404 to the rest."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/whl/torch/" else 404)
            self.end_headers()
            self.wfile.write(b"<a>torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl</a>")

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/whl"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_index_is_used_only_if_it_answers_and_has_the_version(index: str) -> None:
    assert serves(index, "torch==2.13.0")
    assert not serves(index, "torch==9.9.9")
    assert not serves(index + "/nothing", "torch==2.13.0")
    assert not serves("http://127.0.0.1:9/whl", "torch==2.13.0")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  Downloading torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl (186 MB)", "downloading torch 2.13.0+cpu, 186 MB"),
        ("Downloading https://x.example/nvidia_cudnn-9.1-py3-none-any.whl (1.2 GB)", "downloading nvidia_cudnn 9.1, 1.2 GB"),
        ("Using cached gradio-6.31.0-py3-none-any.whl (23.1 MB)", "using cached gradio 6.31.0, 23.1 MB"),
        ("  Downloading idna-3.20-py3-none-any.whl (71 kB)", ""),
        ("Downloading attrs-25.1-py3-none-any.whl (1.1 MB)", ""),
        ("Installing collected packages: a, b, c", "unpacking 3 packages …"),
        ("Installing collected packages: a", "unpacking 1 package …"),
        ("Collecting torch==2.13.0", ""),
    ],
)  # fmt: skip
def test_only_what_takes_long_is_said(line: str, said: str) -> None:
    assert telling(line) == said


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'", "cannot be reached"),
        ("  Temporary failure in name resolution\nERROR: No matching distribution found for x", "cannot be reached"),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "cannot be reached"),
        ("(from versions: 1.0)\nERROR: No matching distribution found for torch==2.13.0", "no build"),
        ("ERROR: [Errno 13] Permission denied: '.venv/lib'", "cannot be written"),
    ],
)
def test_a_failed_pip_becomes_a_sentence_that_says_what_to_do(output: str, words: str) -> None:
    sentence = sentence_for(output)
    assert words in sentence
    assert "start again" in sentence


def test_a_failure_nobody_foresaw_gets_no_wrong_advice() -> None:
    assert sentence_for("ERROR: a new kind of trouble") == ""


def test_too_little_disk_space_is_one_sentence_with_both_figures(tmp_path: Path) -> None:
    check_disk(tmp_path, 0)
    with pytest.raises(Stop, match=r"has [\d.]+ GB free and the set-up needs 999999999\.0 GB\. Free some space"):
        check_disk(tmp_path, 999_999_999)


def test_too_old_a_python_is_one_sentence(studio_py: ModuleType) -> None:
    assert "needs Python 3.11 or newer and this is Python 3.10." in studio_py.too_old((3, 10, 4))
    assert "start again" in studio_py.too_old((3, 6, 0))
    assert studio_py.too_old((3, 11, 0)) == studio_py.too_old((4, 0, 0)) == ""


def test_studio_py_parses_on_python_3_6() -> None:
    ast.parse((ROOT / "studio.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_help_names_every_command_and_every_option_of_the_page(studio_py: ModuleType) -> None:
    from studio.cli.parser import command_line
    from studio.main import RUNS

    parser = command_line(RUNS)
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
    names = [name for name in commands.choices if not name.startswith("_")]
    assert [name for name in names + options if name not in studio_py.HELP] == []


def test_the_set_up_brings_nothing_but_the_standard_library() -> None:
    code = "import sys, studio.setup.start, studio.setup.install; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert set(loaded.split()) - set(sys.stdlib_module_names) == {"studio", "__main__"} - set(sys.stdlib_module_names)
