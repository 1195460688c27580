"""Several training processes that average their weights, by the clock, with checkpoints.

On a CPU two processes of one thread each are faster than one of two threads; on CUDA there is one process.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing.spawn import spawn


@dataclass
class Crew:
    """This process among ``size``. ``seconds`` is the length of the stage; ``spent`` survives a restart.

    Each member makes its own steps; every ``beat`` seconds all take the mean of their weights (local SGD, Stich 2018,
    arXiv 1805.09767). On a busy machine nobody waits for the slowest at every step.
    """

    rank: int
    size: int
    seconds: float
    device: torch.device
    spent: float = 0.0
    beat: float = 15.0
    _last: float = field(default_factory=time.monotonic)
    _beats: float = 0.0

    def progress(self) -> float:
        """The share of the stage that is over, 0..1."""
        now = time.monotonic()
        self.spent += now - self._last
        self._last = now
        return min(1.0, self.spent / self.seconds)

    def is_due(self) -> bool:
        """Whether it is time to meet; all members read the same clock."""
        return self.size == 1 or time.monotonic() // self.beat > self._beats

    @torch.no_grad()
    def blend(self, weights: list[nn.Parameter], steps: int) -> tuple[int, float]:
        """Means the weights by the steps each member made; returns the steps of all and the progress by the first clock."""
        clock = self.progress()
        if self.size == 1:
            return steps, clock
        first = [clock, time.monotonic() // self.beat] if self.rank == 0 else [0.0, 0.0]
        note = torch.tensor([steps, *first], dtype=torch.float64)
        dist.all_reduce(note)
        total, clock, self._beats = note.tolist()
        flat = torch.cat([weight.flatten() for weight in weights]).mul_(steps / total).cpu()
        dist.all_reduce(flat)
        place = 0
        for weight in weights:
            weight.copy_(flat[place : place + weight.numel()].view_as(weight))
            place += weight.numel()
        return int(total), clock


class Average:
    """Exponential moving average of the weights, with a short memory at the beginning."""

    def __init__(self, model: nn.Module, keep: float) -> None:
        self.keep = keep
        self.steps = 0
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes one step's weights in."""
        self.steps += 1
        share = 1 - min(self.keep, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, share)


def save(path: Path, values: dict[str, Any]) -> None:
    """Writes a checkpoint whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(values, part)
    part.replace(path)


def load(path: Path) -> dict[str, Any] | None:
    """The checkpoint at ``path``, or None where there is none."""
    if not path.exists():
        return None
    values: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return values


@dataclass(frozen=True)
class _Call:
    """What each member of a crew runs; sent to it at its start."""

    work: Callable[..., None]
    size: int
    seconds: float
    meeting: str
    arguments: tuple[Any, ...]

    def __call__(self, rank: int) -> None:
        torch.set_num_threads(1)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.size > 1:
            dist.init_process_group("gloo", init_method=f"file://{self.meeting}", rank=rank, world_size=self.size)
        self.work(Crew(rank, self.size, self.seconds, device), *self.arguments)
        if self.size > 1:
            dist.destroy_process_group()


def muster(work: Callable[..., None], size: int, seconds: float, folder: Path, *arguments: Any) -> None:
    """Runs ``work(crew, *arguments)`` in ``size`` processes and waits for them."""
    meeting = folder.resolve() / f"meeting-{os.getpid()}-{time.monotonic_ns()}"
    call = _Call(work, size, seconds, str(meeting), arguments)
    if size == 1:
        call(0)
        return
    spawn(call, nprocs=size)  # type: ignore[no-untyped-call]  # torch ships it untyped
    meeting.unlink(missing_ok=True)
