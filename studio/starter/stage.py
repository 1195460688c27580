"""One stage of training by the clock: gradients, averaged weights, learning rate, checkpoint."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from studio.starter.crew import Average, Crew, load, save
from studio.starter.optim import MuonAdamW

SAVE_EVERY = 120.0


def rate(progress: float, step: int, peak: float, hold: float = 0.45) -> float:
    """Learning rate: 50 steps of warm-up, constant until ``hold``, then linear to zero at the end."""
    warm = min(1.0, (step + 1) / 50)
    return peak * warm * min(1.0, max(0.0, (1 - progress) / (1 - hold)))


@dataclass
class Stage:
    """``model`` is kept and averaged; the optimiser holds the part of it that learns."""

    crew: Crew
    path: Path
    model: nn.Module
    muon: MuonAdamW
    ema: Average
    peak: float
    batch: int
    step: int = 0
    samples: int = 0
    loss: float = math.nan
    progress: float = 0.0
    _alone: int = 0
    _said: float = field(default_factory=time.monotonic)

    def resume(self) -> None:
        """Goes on from the checkpoint, if there is one."""
        if (found := load(self.path)) is not None:
            self.model.load_state_dict(found["model"])
            self.muon.load_state_dict(found["optimiser"])
            self.ema.weights = {name: value.to(self.crew.device) for name, value in found["ema"].items()}
            self.ema.steps = self.step = found["step"]
            self.samples, self.loss = found.get("samples", 0), found.get("loss", math.nan)
            self.crew.spent = found["spent"]
        self.progress = self.crew.progress()

    def advance(self, loss: Tensor) -> None:
        """One step down the gradient of ``loss``; when it is time, the crew shares its weights."""
        weights = [weight for group in self.muon.param_groups for weight in group["params"]]
        self.muon.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for group in self.muon.param_groups:
            group["lr"] = rate(self.progress, self.step, self.peak)
        self.muon.step()
        self.step, self._alone = self.step + 1, self._alone + 1
        self.loss = loss.item() if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * loss.item()
        if self.crew.is_due():
            made, self.progress = self.crew.blend(weights, self._alone)
            self.samples, self._alone = self.samples + made * self.batch, 0
        self.ema.update(self.model)

    def keep(self, say: Callable[[], str]) -> None:
        """The first of the crew writes the checkpoint and a line, now and then and at the end."""
        if self.crew.rank or (time.monotonic() - self._said < SAVE_EVERY and self.progress < 1):
            return
        self._said = time.monotonic()
        weights = {"model": self.model.state_dict(), "ema": self.ema.weights, "optimiser": self.muon.state_dict()}
        counts = {"step": self.step, "spent": self.crew.spent, "samples": self.samples, "loss": self.loss}
        save(self.path, {**weights, **counts})
        line = f"{self.path.stem} step {self.step}, {self.samples} samples, {self.progress:.0%}, loss {self.loss:.4f}"
        print(line + say(), flush=True)
