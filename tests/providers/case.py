"""One provider under test: how its loopback server is made, which models do what, and how it says what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopback import KEY, Fault, Loopback, Said
from memory_receipts import MemoryReceipts
from PIL import Image, ImageDraw

from studio.backends._hosted.backend import HostedBackend
from studio.core.adapt import adapt
from studio.core.canvas import Ground
from studio.core.errors import Cancelled
from studio.core.request import (
    ImageRequest,
    ImageToImage,
    Inpaint,
    Outpaint,
    Sampling,
    Size,
    Source,
    Task,
    TextToImage,
)
from studio.core.result import ImageResult
from studio.settings import Settings

SOURCE = Source(sha256="0" * 64, width=96, height=64)
PHOTO = Image.linear_gradient("L").resize((96, 64)).convert("RGB")


@dataclass(frozen=True)
class Case:
    """`models` are names by task kind; `wrong` are faults by what they mean; empty where a provider has no such thing.

    Keys of `wrong`: `key`, `credit`, `forbidden`, `invalid` (must name the field `invalid_field`), `busy` (a rate limit with
    its hint), `moderated` (the request or the picture was withheld).
    """

    name: str
    create: Callable[[Settings], Any]
    server: Callable[[], Loopback]
    keys: tuple[str, ...]
    models: Mapping[str, str]
    submit: str
    """Part of the path of the paid call."""
    wrong: Mapping[str, Fault] = field(default_factory=dict)
    invalid_field: str = ""
    polled: bool = False
    seeds: bool = True
    cancels: bool = False
    free: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def backend(self, server: Loopback, data: Path, **own: Any) -> HostedBackend:
        """The backend as a user's file points it at the loopback server; it looks often and is not
        paced, so that tests do not wait."""
        values = {"url": server.url + self.base(server), "poll_seconds": 0.05, "per_minute": 60_000, **own}
        folder = data / "providers"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
        (folder / f"{self.name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        made = self.create(Settings(data=data))
        return made if isinstance(made, HostedBackend) else next(each for each in made if each.name == self.name)

    def base(self, server: Loopback) -> str:
        """What stands behind the host in the provider's base address."""
        return str(getattr(server, "BASE", ""))


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


class HostedWatch:
    """A watch that remembers, never sleeps through a delay, and says stop at `stop_in` (a phase)."""

    def __init__(self, lane: str = "interactive", stop_in: str = "") -> None:
        self.lane, self.stop_in = lane, stop_in
        self.receipts = MemoryReceipts()
        self.phases: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.delays: list[tuple[float, str]] = []
        self.stopped = False

    def check(self) -> None:
        if self.stopped or (self.stop_in and self.stop_in in self.phases):
            raise Cancelled("Cancelled.")

    def phase(self, phase: str) -> None:
        self.phases.append(phase)

    def step(self, done: int, total: int, preview: object = None) -> None:
        self.steps.append((done, total))

    def say(self, text: str) -> None: ...

    def delay(self, until: float, why: str) -> None:
        self.delays.append((until, why))


def a_task(kind: str) -> Task:
    match kind:
        case TextToImage.kind:
            return TextToImage(Size(1024, 1024))
        case ImageToImage.kind:
            return ImageToImage(image=SOURCE, strength=0.25)
        case Inpaint.kind:
            return Inpaint(image=SOURCE, mask=SOURCE)
        case _:
            return Outpaint(image=SOURCE, left=16, right=0, up=0, down=8)


def a_ground(kind: str, *, native: bool = False) -> Ground | None:
    """What the engine would hand over: a photo of 96 × 64, its left half to be edited; or a photo with margins."""
    if kind == TextToImage.kind:
        return None
    mask = Image.new("L", PHOTO.size, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, 47, 63), fill=255)
    match kind:
        case ImageToImage.kind:
            return Ground(image=PHOTO, strength=0.25)
        case Inpaint.kind:
            return Ground(image=PHOTO, mask=mask, strength=0.9)
        case _ if native:
            canvas = Image.new("RGB", (112, 72), "grey")
            canvas.paste(PHOTO, (16, 0))
            wide = Image.new("L", canvas.size, 255)
            wide.paste(0, (16, 0, 112, 64))
            return Ground(image=canvas, mask=wide, strength=0.9, margins=(16, 0, 0, 8))
        case _:
            return Ground(image=PHOTO, mask=mask, strength=0.9)


def draw(
    backend: HostedBackend, model: str, kind: str = TextToImage.kind, watch: HostedWatch | None = None, **fields: Any
) -> ImageResult:
    """One request through the backend, adapted as the engine does it."""
    found = next(each for each in backend.models() if each.id == f"{backend.name}:{model}")
    sampling = fields.pop("sampling", Sampling(seed=1234))
    values = {"prompt": "a red fox", "task": a_task(kind), "sampling": sampling, "user": "alice", **fields}
    request, _ = adapt(ImageRequest(model=found.id, **values), found)
    ground = a_ground(kind, native=kind in found.native)
    return backend.generate(request, found, watch or HostedWatch(), ground)


def says(status: int, body: Any, on: str = "", **headers: str) -> Fault:
    return Fault("say", on, Said(body, status, {name.replace("_", "-"): value for name, value in headers.items()}))


__all__ = ["KEY", "PHOTO", "Case", "Fault", "HostedWatch", "Loopback", "Said", "a_ground", "a_task", "draw", "says"]
