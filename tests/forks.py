"""Python processes that are forked from one that has the large libraries imported already.

Importing torch, diffusers and Gradio anew costs a process ten seconds of a core, and the suite starts more than a hundred.
`python()` is a program to be started instead of `sys.executable`, with the same arguments: a small process that has the
real one forked, lends it its streams, hands signals on, and ends as it does; killed, it takes it along. What a forked
process starts through its own `sys.executable` is forked, too. Tests of the start itself use `sys.executable`.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")


@cache
def python() -> str:
    """The program, with its server started; plain Python where a process cannot be forked.

    All processes of one run of pytest share a server; it ends with the run.
    """
    if not hasattr(os, "fork"):
        return sys.executable
    from filelock import FileLock  # the small process has no packages

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    owner = os.getppid() if run else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"forks-{run or owner}"
    program, address = folder / "python", folder / "socket"
    with FileLock(f"{folder}.lock"):
        if not address.exists():
            start(folder, program, address, owner)
    return str(program)


def start(folder: Path, program: Path, address: Path, owner: int) -> None:
    folder.mkdir(mode=0o700)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -SE {shlex.quote(__file__)} ask {address} "$@"\n')
    program.chmod(0o700)
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HOME": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, __file__, "serve", str(address), str(program), str(owner)]
    server = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    assert server.stdout.readline() == "ready\n"
    server.stdout.close()
    server.returncode = 0  # it outlives this process, and nobody waits for it


def ask(address: str, arguments: list[str]) -> None:
    """In the small process: ask for the real one, hand signals on, end as it does."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
        told = json.dumps({"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())}).encode()
        line.sendmsg([len(told).to_bytes(4)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
        line.sendall(told)
        child = int.from_bytes(line.recv(4))
        for name in FORWARDED:
            if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
                signal.signal(getattr(signal, name), lambda number, _: os.kill(child, number))
        status = os.waitstatus_to_exitcode(int.from_bytes(line.recv(4)))
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    os._exit(status)


def serve(address: str, program: str, owner: int) -> None:
    """In the process that everything is forked from. Ends with the one that started it."""
    preload()
    waiting, children = selectors.DefaultSelector(), {}
    heard, rung = os.pipe()
    os.set_blocking(rung, False)
    signal.set_wakeup_fd(rung)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen(64)
    waiting.register(door, selectors.EVENT_READ)
    waiting.register(heard, selectors.EVENT_READ)
    print("ready", flush=True)
    os.dup2(2, 1)
    while is_there(owner):
        for key, _ in waiting.select(timeout=2):
            if key.fileobj is door:
                line, _ = door.accept()
                if not (child := os.fork()):
                    door.close()
                    become(line, program)
                line.sendall(child.to_bytes(4))
                children[child] = line
            else:
                os.read(heard, 64)
        while children and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with children.pop(ended[0]) as line, suppress(OSError):  # the small process may have been killed
                line.sendall(ended[1].to_bytes(4))
    folder = Path(address).parent
    Path(f"{folder}.lock").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def is_there(owner: int) -> bool:
    try:
        os.kill(owner, 0)
    except OSError:
        return False
    return True


def preload() -> None:
    """What is slow to import, the parts of the built-in model's pipeline among it."""
    import dbos  # noqa: F401
    import gradio  # noqa: F401
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel  # noqa: F401
    from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

    sys.path.insert(0, str(ROOT))
    import studio

    for module in pkgutil.walk_packages(studio.__path__, "studio."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # no forked process looks through all of this again


def become(line: socket.socket, program: str) -> NoReturn:
    """In the forked process: take over streams, folder, environment and arguments, and run what they say."""
    size, streams, *_ = socket.recv_fds(line, 4, 3)
    with line.makefile("rb") as told:
        asked = json.loads(told.read(int.from_bytes(size)))
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    threading.Thread(target=die_with, args=(line,), daemon=True).start()
    sys.executable = program
    code = 1
    try:
        run(asked["arguments"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:  # noqa: BLE001  whatever it is, it is told as Python would
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  as a real process ends
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def die_with(line: socket.socket) -> None:
    line.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def run(arguments: list[str]) -> None:
    """`-m MODULE …` or `SCRIPT …`, after the `sitecustomize` of a folder in PYTHONPATH."""
    folders = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:1] = [str(Path.cwd()), *folders]
    for folder in folders:
        if (custom := Path(folder) / "sitecustomize.py").exists():
            runpy.run_path(str(custom))
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = arguments, str(Path(arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(sys.argv[2], sys.argv[3:])
    else:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
