"""`python studio.py doctor`: true about this machine, silent about secrets, useful when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.cli.checks import folder, gpu_problems, package_problems, pins, torchvision_problems, version_of
from studio.cli.doctor import examine, lines_of, probe_device
from studio.core.model import Model
from studio.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "hf_plantedPlantedPlanted"
CPU = {
    "kind": "cpu",
    "name": "Testium 9",
    "driver": "",
    "total_bytes": 16e9,
    "free_bytes": 8e9,
    "dtype": "float32",
    "threads": 4,
}


def some_settings(root: Path, **values: object) -> Settings:
    return Settings(**{"data": root / "data", "outputs": root / "outputs", "models": root / "models"} | values)  # type: ignore[arg-type]


def a_model(id: str = "local:starter") -> Model:
    return Model(id=id, title="Starter", backend="local", size_bytes=24_000_000)


def says(**device: object) -> tuple[str, ...]:
    """A probe that prints a device."""
    return sys.executable, "-c", f"print({json.dumps({**CPU, **device})!r})"


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_real_doctor_names_the_keys_that_are_set_and_never_shows_one(tmp_path: Path, options: list[str]) -> None:
    folders = {f"STUDIO_{name}": str(tmp_path / name.lower()) for name in ("DATA", "OUTPUTS", "MODELS")}
    result = subprocess.run(
        [sys.executable, "-m", "studio", "doctor", *options],
        env={**os.environ, **folders, "HF_TOKEN": SECRET, "OPENAI_API_KEY": SECRET, "STUDIO_PASSWORD": SECRET},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "HF_TOKEN" in result.stdout, result.stderr
    assert "OPENAI_API_KEY" in result.stdout
    assert SECRET not in result.stdout + result.stderr
    assert version_of("gradio") in result.stdout
    if options:
        assert json.loads(result.stdout)["usable"] is (result.returncode == 0)


def test_a_folder_that_is_no_model_is_a_problem_that_stops_nothing(tmp_path: Path) -> None:
    unfit = ["The folder x has only pickled weights. Convert them to safetensors."]
    report = examine(some_settings(tmp_path), [a_model()], unfit, device_command=says())
    assert unfit[0] in "\n".join(lines_of(report))
    assert report.usable


def test_a_sound_studio_is_usable_and_says_so(tmp_path: Path) -> None:
    report = examine(some_settings(tmp_path), [a_model()], device_command=says())
    text = "\n".join(lines_of(report))
    assert report.usable
    for words in (
        "Testium 9, 4 threads, float32",
        "8.0 of 16.0 GB free",
        "local:starter  Starter, 24 MB",
        str(tmp_path / "outputs"),
    ):
        assert words in text


def test_problems_of_the_device_are_passed_on(tmp_path: Path) -> None:
    report = examine(some_settings(tmp_path), [a_model()], device_command=says(problems=["Close the other program."]))
    assert report.usable
    assert "  1. Close the other program." in lines_of(report)


def test_no_model_is_something_to_mend(tmp_path: Path) -> None:
    report = examine(some_settings(tmp_path), [], device_command=says())
    assert not report.usable
    assert str(tmp_path / "models") in lines_of(report)[-1]


def test_a_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    report = examine(some_settings(tmp_path, outputs=tmp_path / "file" / "outputs"), [a_model()], device_command=says())
    assert not report.usable
    assert "STUDIO_OUTPUTS" in lines_of(report)[-1]


def test_looking_at_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    found = folder("outputs", tmp_path / "new" / "outputs")
    assert (found.writable, found.exists) == (True, False)
    assert found.free_bytes > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit('libcuda is broken')", "print('no JSON')", "import os; os.abort()", "print(3)"]
)
def test_a_probe_that_fails_is_a_problem_and_not_a_traceback(code: str) -> None:
    device, problems = probe_device((sys.executable, "-c", code))
    assert device == {}
    assert problems[0].fatal
    assert "start" in problems[0].message


def test_a_driver_that_hangs_is_given_up() -> None:
    device, problems = probe_device((sys.executable, "-c", "import time; time.sleep(60)"), seconds=0.5)
    assert device == {}
    assert "driver" in problems[0].message


def test_a_missing_and_another_version_come_with_the_command_that_mends_them() -> None:
    missing, other = package_problems({"surely-not-installed": "1.0", "pytest": "0.1"})
    assert missing.fatal
    assert "pip install surely-not-installed==1.0" in missing.message
    assert not other.fatal
    assert "pip install pytest==0.1" in other.message


def test_the_pins_of_this_project_are_exact_and_installed_here() -> None:
    wanted = pins(ROOT / "requirements.txt")
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [f"{name}=={version}" for name, version in wanted.items()] == lines
    assert package_problems(wanted) == []


@pytest.mark.parametrize(
    ("torch", "torchvision", "count"),
    [("2.13.0+cpu", "0.28.0", 1), ("2.13.0+cpu", "0.28.0+cpu", 0), ("2.13.0", "0.28.0", 0), ("2.13.0", "", 0)],
)
def test_a_torchvision_of_another_build_is_found(torch: str, torchvision: str, count: int) -> None:
    assert len(torchvision_problems(torch, torchvision)) == count


def test_an_nvidia_gpu_that_pytorch_does_not_use_comes_with_the_exact_command() -> None:
    [windows] = gpu_problems("cpu", cuda="", nvidia=True, system="win32")
    [linux] = gpu_problems("cpu", cuda="", nvidia=True, system="linux")
    [driver] = gpu_problems("cpu", cuda="13.0", nvidia=True)
    assert "--index-url https://download.pytorch.org/whl/cu130" in windows.message
    assert "--index-url" not in linux.message
    assert "driver" in driver.message
    assert gpu_problems("cuda", cuda="13.0", nvidia=True) == gpu_problems("cpu", cuda="", nvidia=False) == []
