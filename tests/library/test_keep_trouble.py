"""Keeping when the disk is full or forbidden, when a process is killed in the middle, when two studios share a folder."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from kept_builders import a_draft, drafts

from studio.library import open_library

HERE = Path(__file__).resolve().parent
PYTHON = [sys.executable, "-c"]


def run(script: str, *arguments: object, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    paths = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]\n"
    command = [*before, *PYTHON, paths + script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


FULL = """
import json, subprocess
from dataclasses import replace
from pathlib import Path
from kept_builders import drafts
from studio.core.errors import KeepError
from studio.library import open_library

data, outputs = Path(sys.argv[1]) / "data", Path(sys.argv[1]) / "outputs"
outputs.mkdir()
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(outputs)]).returncode:
    sys.exit(77)
filler = outputs / "filler"
filler.write_bytes(b"x" * 30_000)
with open_library(data, outputs) as library:
    library.keeper.hold([replace(draft, data=draft.data + bytes(20_000)) for draft in drafts(2)])
    try:
        library.keeper.keep("job1")
    except KeepError as error:
        told = str(error)
    during = sorted(path.name for path in outputs.rglob("*") if path.is_file())
    first = [record.id for record in library.records.recent()]
    filler.unlink()
    names = [record.name for record in library.keeper.keep("job1")]
    after = sorted(path.name for path in outputs.rglob("*") if path.is_file())
    print(json.dumps({"told": told, "during": during, "first": first, "after": after, "names": names}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("unshare"), reason="needs Linux user namespaces")
def test_a_full_disk_is_told_and_the_rest_is_kept_once_there_is_room(tmp_path: Path) -> None:
    done = run(FULL, tmp_path, before=("unshare", "--user", "--map-root-user", "--mount"))
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip("this machine allows no private mounts")
    assert done.stderr == ""
    found = json.loads(done.stdout)
    held_in = tmp_path / "data" / "held" / "job1"
    assert found["told"] == (
        f"The disk of {tmp_path / 'outputs'} is full. Free some space, then it will be kept. "
        f"The picture is made and held in {held_in}."
    )
    assert found["first"] == ["job1-0"]
    assert found["during"] == sorted([found["names"][0], "filler"])
    assert found["after"] == sorted(found["names"])
    assert len(found["names"]) == 2
    assert not held_in.exists()


READ_ONLY = """
import os
from pathlib import Path
from kept_builders import drafts
from studio.core.errors import KeepError
from studio.library import open_library

base = Path(sys.argv[1])
with open_library(base / "data", base / "outputs") as library:
    library.keeper.hold(drafts(1))
    library.outputs.mkdir()
    library.outputs.chmod(0o555)
    if os.geteuid() == 0:
        for path in (base, *base.rglob("*")):
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
    try:
        library.keeper.keep("job1")
    except KeepError as error:
        print(error)
    library.outputs.chmod(0o755)
    print(len(library.keeper.keep("job1")))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_that_may_not_be_written_is_told() -> None:
    with tempfile.TemporaryDirectory() as base:
        done = run(READ_ONLY, base)
        assert done.stderr == ""
        told, count = done.stdout.splitlines()
        assert told.startswith(f"The folder {base}/outputs cannot be written. Allow writing to it, then it will be kept.")
        assert count == "1"


def test_outputs_may_lie_on_another_file_system(tmp_path: Path) -> None:
    other = Path("/dev/shm")  # noqa: S108 the usual second file system of a Linux machine
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one file system")
    with (
        tempfile.TemporaryDirectory(dir=other) as outputs,
        open_library(tmp_path / "data", Path(outputs)) as library,
    ):
        library.keeper.hold(drafts(2))
        assert all(record.path and record.path.is_file() for record in library.keeper.keep("job1"))


KILLED = """
import hashlib, itertools, os, signal
from pathlib import Path
from kept_builders import drafts
from studio.library import open_library

base, act = Path(sys.argv[1]), sys.argv[2]
made = drafts(2)

def is_step(call):
    owner = type(getattr(call, "__self__", None)).__module__
    return getattr(call, "__module__", "") in ("posix", "fcntl") or owner in ("sqlite3", "_io")

def die_at(number):
    left = itertools.count(number, -1)
    def watch(frame, event, argument):
        if event == "c_call" and is_step(argument) and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(watch)

def was_killed(place, number):
    child = os.fork()
    if child == 0:
        library = open_library(place / "data", place / "outputs")
        if act != "hold":
            library.keeper.hold(made)
        die_at(number)
        {"hold": lambda: library.keeper.hold(made), "keep": lambda: library.keeper.keep("job1"),
         "drop": lambda: library.keeper.drop("job1")}[act]()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

for number in itertools.count():
    place = base / str(number)
    killed = was_killed(place, number)
    with open_library(place / "data", place / "outputs") as library:
        if act != "keep":
            held = [path.suffix for path in (place / "data" / "held" / "job1").glob("*")]
            assert sorted(held) in ([], [".json", ".json", ".png", ".png"]), (number, held)
        library.keeper.hold(made)
        records = library.keeper.keep("job1")
        assert [record.id for record in records] == ["job1-0", "job1-1"], number
        assert library.keeper.keep("job1") == records
        rows = library.database.rows("SELECT id FROM record")
        assert len(rows) == 2, number
    files = sorted(path for path in (place / "outputs").rglob("*") if path.is_file())
    assert files == sorted(record.path for record in records), (number, files)
    assert [hashlib.sha256(file.read_bytes()).hexdigest() for file in files] == [record.sha256 for record in records]
    assert [path.name for path in (place / "data" / "held").iterdir()] == [".lock"], number
    if not killed:
        break
print(number)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
@pytest.mark.parametrize("act", ["hold", "keep", "drop"])
def test_a_kill_at_any_call_loses_nothing_and_keeps_nothing_twice(act: str) -> None:
    """The process is killed before its first system call, write or statement, then before its second, and so on."""
    memory = Path("/dev/shm")  # noqa: S108 a file system in memory makes some hundred runs quick
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as base:
        done = run(KILLED, base, act)
    assert done.stderr == ""
    assert int(done.stdout) > 10


def keep_beside_another(arguments: tuple[str, str, str]) -> list[str]:
    data, outputs, job = arguments
    with open_library(Path(data), Path(outputs)) as library:
        library.keeper.hold([a_draft(number, job=job) for number in range(8)])
        return [str(record.path) for record in library.keeper.keep(job)]


@pytest.mark.slow
def test_two_studios_on_one_folder_and_two_workers_on_one_job_never_collide(tmp_path: Path) -> None:
    places = [
        (str(tmp_path / studio), str(tmp_path / "outputs"), job) for studio in ("a", "b") for job in ("j1", "j2", "j2")
    ]
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        paths = list(pool.map(keep_beside_another, places))
    assert paths[1] == paths[2]
    assert paths[4] == paths[5]
    for path in {path for kept in paths for path in kept}:
        assert Path(path).is_file()
    assert len(list((tmp_path / "outputs").rglob("*.png"))) == len({path for kept in paths for path in kept})
    assert list((tmp_path / "outputs").rglob("*.part")) == []
