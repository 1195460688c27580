"""`python studio.py doctor`: what is there, what is wrong, and how to mend it. Loads neither torch nor a model itself."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studio import __version__
from studio.cli.checks import Folder, Problem, folder, gpu_problems, package_problems, pins, version_of
from studio.core.model import Model
from studio.settings import ROOT, Settings, child_environment, keys_present

SHOWN = ("gradio", "torch", "diffusers", "transformers", "accelerate", "pillow")
GIGA = 1e9


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that doctor knows. `usable` is false when some problem keeps the studio from making or keeping a picture."""

    studio: str
    python: str
    system: str
    device: Mapping[str, Any]
    versions: Mapping[str, str]
    folders: tuple[Folder, ...]
    models: tuple[Mapping[str, Any], ...]
    keys: tuple[str, ...]
    offline: bool
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        return not any(problem.fatal for problem in self.problems)


def doctor(settings: Settings, models: Sequence[Model], unfit: Sequence[str] = (), *, as_json: bool) -> int:
    """Print the report, as text or as JSON; returns 0 if the studio is usable and 1 if not.

    `unfit` holds a sentence for each model folder that cannot be used.
    """
    report = examine(settings, models, unfit)
    if as_json:
        print(json.dumps({"usable": report.usable, **asdict(report)}, indent=2, default=str))
    else:
        print("\n".join(lines_of(report)))
    return 0 if report.usable else 1


def examine(
    settings: Settings, models: Sequence[Model], unfit: Sequence[str] = (), device_command: Sequence[str] = ()
) -> Report:
    """Look at everything; `device_command` prints the device as one JSON object, by default our own probe."""
    device, problems = probe_device(device_command or (sys.executable, "-m", "studio.backends.local.device"))
    folders = (
        folder("outputs", settings.outputs),
        folder("data", settings.data),
        folder("models", settings.models, needed=False),
    )
    problems += package_problems(pins(ROOT / "requirements.txt"))
    problems += gpu_problems(str(device.get("kind", "")))
    problems += [problem for place in folders for problem in place.problems()]
    problems += [Problem(sentence, fatal=False) for sentence in unfit]
    if not models:
        problems.append(Problem(f"No model was found. Put one in diffusers layout into {settings.models}.", fatal=True))
    return Report(
        studio=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        device=device,
        versions={name: version_of(name) or "missing" for name in SHOWN},
        folders=folders,
        models=tuple({"id": model.id, "title": model.title, "size_bytes": model.size_bytes} for model in models),
        keys=keys_present(),
        offline=settings.offline,
        problems=tuple(problems),
    )


def probe_device(command: Sequence[str], seconds: float = 180) -> tuple[dict[str, Any], list[Problem]]:
    """Ask a child process for the device, so that a driver that crashes or hangs takes only the child with it."""
    try:
        child = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=seconds, cwd=ROOT, env=child_environment()
        )
    except subprocess.TimeoutExpired:
        return {}, [
            Problem(f"The device did not answer within {seconds:.0f} s. Restart the computer, then update its driver.")
        ]
    try:
        device = json.loads(child.stdout.strip().splitlines()[-1])
        return device, [Problem(str(sentence), fatal=False) for sentence in device.get("problems", ())]
    except (IndexError, ValueError, AttributeError):
        last = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        return {}, [Problem(f"PyTorch does not start ({last}). Delete the folder .venv and start the studio again.")]


def lines_of(report: Report) -> list[str]:
    """The report for a terminal: a short name, then the facts, then what to do."""
    rows = [("device", _device(report.device)), ("memory", _memory(report.device)), ("versions", _versions(report.versions))]
    rows += [(place.name, place.words()) for place in report.folders]
    width = max((len(model["id"]) for model in report.models), default=0)
    rows += [
        ("" if index else "found", f"{model['id']:<{width}}  {model['title']}{_size(model['size_bytes'])}")
        for index, model in enumerate(report.models)
    ]
    rows.append(("keys", ", ".join(report.keys) or "none"))
    rows.append(("network", "never used" if report.offline else "used when you ask for it"))
    head = f"Studio {report.studio} on Python {report.python}, {report.system}"
    return [head, "", *(f"{name:<10}{words}" for name, words in rows if words), "", *_advice(report)]


def _advice(report: Report) -> list[str]:
    if not report.problems:
        return ["All is well."]
    state = "The studio works, but" if report.usable else "The studio cannot work yet:"
    count = len(report.problems)
    heading = f"{state} {count} {'thing needs' if count == 1 else 'things need'} mending."
    return [heading, *(f"  {number}. {problem.message}" for number, problem in enumerate(report.problems, 1))]


def _device(device: Mapping[str, Any]) -> str:
    if not device:
        return "unknown"
    threads = f"{device['threads']} threads" if device.get("kind") == "cpu" and device.get("threads") else ""
    driver = f"driver {device['driver']}" if device.get("driver") else ""
    facts = (str(device.get("kind", "")).upper(), str(device.get("name", "")), driver, threads, str(device.get("dtype", "")))
    return ", ".join(dict.fromkeys(fact for fact in facts if fact))


def _memory(device: Mapping[str, Any]) -> str:
    if not device.get("total_bytes"):
        return ""
    return f"{device.get('free_bytes', 0) / GIGA:.1f} of {device['total_bytes'] / GIGA:.1f} GB free"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _size(size: int) -> str:
    if not size:
        return ""
    return f", {size / GIGA:.1f} GB" if size >= GIGA else f", {max(1, round(size / 1e6))} MB"
