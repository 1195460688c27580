"""`python studio.py` on a machine with a bare Python: real venv, real pip, small local wheels."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from newcomer import Clone, wheel

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="drives processes with POSIX signals")]
Started = tuple[Clone, subprocess.CompletedProcess[str]]


def said(result: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """What the clone's `studio.main` printed; fails with the whole story if it never ran."""
    assert result.returncode == 7, result.stderr
    return dict(json.loads(result.stdout))


def is_a_sentence(result: subprocess.CompletedProcess[str]) -> bool:
    last = result.stderr.strip().splitlines()[-1]
    return result.returncode == 1 and "Traceback" not in result.stderr and last.endswith(".")


class Index(NamedTuple):
    """A package index on the loopback; `stalled` is set while it waits in the middle of a wheel."""

    url: str
    stalled: threading.Event


@contextmanager
def index_of(*wheels: Path, release: threading.Event | None = None) -> Iterator[Index]:
    """Serve wheels; with `release`, only one half of each until that is set."""
    by_name = {path.name: path for path in wheels}
    stalled = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = by_name.get(self.path.rsplit("/", 1)[-1])
            links = "".join(f'<a href="/files/{name}">{name}</a>' for name in by_name).encode()
            body = path.read_bytes() if path else links
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if path else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # a killed pip closes its connection
                self.wfile.write(body[: len(body) // 2])
                if path and release:
                    stalled.set()
                    release.wait(60)
                self.wfile.write(body[len(body) // 2 :])

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Index(f"http://127.0.0.1:{server.server_port}/simple", stalled)
    finally:
        server.shutdown()
        server.server_close()


def test_the_first_start_makes_venv_installs_and_runs_the_studio_with_its_arguments(first_clone: Started) -> None:
    clone, result = first_clone
    assert said(result) == {"argv": ["--port", "1234"], "prefix": str(clone.root / ".venv"), "greeting": "1.0"}


def test_the_first_start_says_each_thing_it_does(first_clone: Started) -> None:
    lines = first_clone[1].stderr
    for words in ("Making .venv", "what the studio needs", "GB on disk", "STUDIO_TORCH_INDEX", "Ready after"):
        assert words in lines
    assert "Collecting" not in lines


def test_the_second_start_says_nothing_and_installs_nothing(ready: Clone) -> None:
    shutil.rmtree(ready.wheels)
    log = (ready.root / ".venv" / "set-up.log").read_text()
    result = ready.start("doctor")
    assert said(result)["argv"] == ["doctor"]
    assert result.stderr == ""
    assert (ready.root / ".venv" / "set-up.log").read_text() == log


def test_changed_requirements_update_the_same_venv(ready: Clone) -> None:
    wheel(ready.wheels, "greeting", "2.0")
    ready.needs("greeting==2.0  # newer")
    made = (ready.root / ".venv" / "pyvenv.cfg").stat().st_ino
    assert said(ready.start())["greeting"] == "2.0"
    assert (ready.root / ".venv" / "pyvenv.cfg").stat().st_ino == made


def test_a_start_killed_while_making_venv_is_finished_by_the_next(clone: Clone) -> None:
    with clone.begin() as process:
        while not (clone.root / ".venv" / "pyvenv.cfg").exists():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
    assert not (clone.root / ".venv" / "studio.json").exists()
    assert said(clone.start())["greeting"] == "1.0"


def test_a_start_killed_in_mid_download_is_finished_by_the_next(ready: Clone, tmp_path: Path) -> None:
    release = threading.Event()
    ready.needs("greeting==1.0", "late==1.0")
    late = wheel(tmp_path / "remote", "late", "1.0")
    with index_of(late, release=release) as index, ready.begin(PIP_NO_INDEX="", PIP_INDEX_URL=index.url) as killed:
        assert index.stalled.wait(60)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        release.set()
        assert said(ready.start(PIP_NO_INDEX="", PIP_INDEX_URL=index.url))["greeting"] == "1.0"
    assert (ready.packages / "late.py").exists()


def test_a_start_waits_for_the_pip_of_a_killed_start(ready: Clone, tmp_path: Path) -> None:
    release = threading.Event()
    ready.needs("greeting==1.0", "late==1.0")
    late = wheel(tmp_path / "remote", "late", "1.0")
    with index_of(late, release=release) as index, ready.begin(PIP_NO_INDEX="", PIP_INDEX_URL=index.url) as killed:
        assert index.stalled.wait(60)
        killed.kill()
        with ready.begin(PIP_NO_INDEX="", PIP_INDEX_URL=index.url) as second:
            assert second.stderr is not None
            line = second.stderr.readline()
            assert "waiting" in line or "Setting up" in line  # a pip that has lost its listener may end by itself
            release.set()
            output, errors = second.communicate(timeout=60)
    assert said(subprocess.CompletedProcess([], second.returncode, output, errors))["greeting"] == "1.0"


@pytest.mark.parametrize("lost", ["greeting-1.0.dist-info/RECORD", "greeting.py"])
def test_a_package_that_was_cut_off_while_unpacking_is_installed_anew(ready: Clone, lost: str) -> None:
    (ready.root / ".venv" / "studio.json").unlink()
    (ready.packages / lost).unlink()
    (ready.packages / "~reeting").mkdir()
    assert said(ready.start())["greeting"] == "1.0"
    assert (ready.packages / lost).exists()
    assert not (ready.packages / "~reeting").exists()


def test_a_venv_whose_python_is_gone_is_made_again(ready: Clone) -> None:
    python = ready.root / ".venv" / "bin" / "python"
    for name in python.parent.glob("python*"):
        name.unlink()
    python.symlink_to("/nonexistent/python3")
    result = ready.start()
    assert said(result)["greeting"] == "1.0"
    assert "Making .venv again" in result.stderr


def test_a_venv_without_pip_gets_one_and_keeps_its_packages(ready: Clone) -> None:
    shutil.rmtree(ready.packages / "pip")
    (ready.root / ".venv" / "studio.json").unlink()
    result = ready.start()
    assert said(result)["greeting"] == "1.0"
    assert "again" not in result.stderr


def test_two_starts_at_once_install_once_and_both_run(clone: Clone) -> None:
    with clone.begin("one") as first, clone.begin("two") as second:
        results = [
            subprocess.CompletedProcess([], process.returncode, *output)
            for process, output in [(each, each.communicate(timeout=180)) for each in (first, second)]
        ]
    assert [said(result)["argv"] for result in results] == [["one"], ["two"]]
    assert sum("waiting" in result.stderr for result in results) == 1
    assert (clone.root / ".venv" / "set-up.log").read_text().count("Successfully installed") == 1


@pytest.mark.parametrize("retries", ["0", "1"])
def test_without_a_network_one_sentence_says_so_and_the_next_start_goes_on(ready: Clone, retries: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
    ready.needs("greeting==1.0", "late==1.0")
    result = ready.start(PIP_NO_INDEX="", PIP_INDEX_URL=url, PIP_RETRIES=retries)
    assert is_a_sentence(result)
    assert "cannot be reached" in result.stderr
    wheel(ready.wheels, "late", "1.0")
    assert said(ready.start())["greeting"] == "1.0"


def test_a_package_without_a_build_for_this_python_is_named_as_that(ready: Clone) -> None:
    ready.needs("greeting==3.0")
    result = ready.start()
    assert is_a_sentence(result)
    assert "no build for this Python" in result.stderr
    assert "| ERROR" in result.stderr


def test_a_python_without_ensurepip_gets_the_package_to_install_named(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian" / "ensurepip.py").write_text("raise ImportError\n")
    result = clone.start(PYTHONPATH=str(tmp_path / "debian"))
    assert is_a_sentence(result)
    assert "-venv`" in result.stderr
    assert not (clone.root / ".venv").exists()


def test_a_file_in_the_way_of_venv_is_one_sentence(clone: Clone) -> None:
    (clone.root / ".venv").write_text("")
    result = clone.start()
    assert is_a_sentence(result)
    assert str(clone.root / ".venv") in result.stderr


def test_uv_is_asked_for_and_not_there(ready: Clone) -> None:
    ready.needs("greeting==2.0")
    result = ready.start(STUDIO_UV="1", PATH=str(ready.wheels))
    assert is_a_sentence(result)
    assert "Install uv" in result.stderr


def test_without_venv_nothing_is_installed_and_a_missing_package_is_named(clone: Clone) -> None:
    (clone.root / "studio" / "main.py").write_text("import surely_not_installed\n")
    result = clone.start(STUDIO_NO_VENV="1")
    assert is_a_sentence(result)
    assert "lacks the package surely_not_installed" in result.stderr
    (clone.root / "studio" / "main.py").write_text("def main(argv):\n    return 9\n")
    assert clone.start(STUDIO_NO_VENV="1").returncode == 9
    assert not (clone.root / ".venv").exists()


def test_help_needs_no_set_up(clone: Clone) -> None:
    result = clone.start("--help")
    assert result.returncode == 0
    assert "STUDIO_TORCH_INDEX" in result.stdout
    assert not (clone.root / ".venv").exists()


def test_pytorch_comes_from_the_named_index_and_is_exchanged_with_it(ready: Clone, tmp_path: Path) -> None:
    ready.needs("greeting==1.0", "torch==2.13.0")
    plain, cuda = (
        wheel(tmp_path / kind, "torch", "2.13.0", {"torch.py": f"KIND = {kind!r}\n"}) for kind in ("plain", "cuda")
    )
    for torch in (plain, cuda):
        with index_of(torch) as index:
            said(ready.start(PIP_NO_INDEX="", STUDIO_TORCH_INDEX=index.url))
        assert repr(torch.parent.name) in (ready.packages / "torch.py").read_text()


def test_the_test_command_installs_the_test_needs_once_and_passes_arguments_and_exit_code_on(ready: Clone) -> None:
    runner = "import sys\nprint(sys.argv[1:])\nsys.exit(5)\n"
    wheel(ready.wheels, "pytest", "9.0", {"pytest/__init__.py": "", "pytest/__main__.py": runner})
    wheel(ready.wheels, "lonely", "1.0")
    (ready.root / "tests").mkdir()
    (ready.root / "tests" / "requirements.txt").write_text("pytest==9.0\n")
    (ready.root / "tests" / "requirements-no-deps.txt").write_text("lonely==1.0\n")
    first, second = ready.start("test", "-k", "core"), ready.start("test", "tests/requirements.txt")
    beside = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"] if (os.cpu_count() or 1) > 1 else []
    assert (first.returncode, first.stdout) == (5, f"{['tests', '--ignore=tests/bench', *beside, '-k', 'core']}\n")
    assert "what the tests need" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (5, "['tests/requirements.txt']\n", "")
    assert (ready.packages / "lonely.py").exists()
