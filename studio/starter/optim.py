"""Muon for hidden matrices, AdamW for the rest, in one optimiser with one learning rate.

Muon: Keller Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the scale that lets it share a learning rate
with AdamW is from "Muon is scalable for LLM training" (Liu et al. 2025, arXiv 2502.16982).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest (semi-)orthogonal matrix, roughly, by a quintic Newton-Schulz iteration in bfloat16. [rows, columns]."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = (wide / (wide.norm() + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    found: Tensor = (x if matrix.shape[0] <= matrix.shape[1] else x.T).to(matrix.dtype)
    return found


class MuonAdamW(torch.optim.Optimizer):
    """Groups with ``muon=True`` hold matrices and convolutions (flattened to [out, rest]); the others get AdamW."""

    def __init__(self, hidden: Iterable[nn.Parameter], rest: Iterable[nn.Parameter], lr: float, decay: float = 0.01) -> None:
        groups: list[dict[str, Any]] = [{"params": list(hidden), "muon": True}, {"params": list(rest), "muon": False}]
        super().__init__([group for group in groups if group["params"]], {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # the closure is never used here
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                update = (self._muon if group["muon"] else self._adam)(weight, weight.grad)
                if weight.ndim > 1:
                    weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(update, alpha=-group["lr"])

    def _muon(self, weight: Tensor, gradient: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 0.05)
        nesterov = gradient.lerp(state["momentum"], 0.95)
        flat = nesterov.flatten(1)
        update: Tensor = orthogonal(flat) * (0.2 * max(flat.shape) ** 0.5)
        return update.view_as(weight)

    def _adam(self, weight: Tensor, gradient: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["step"] = 0
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        state["mean"].lerp_(gradient, 0.1)
        state["square"].lerp_(gradient.square(), 0.01)
        mean = state["mean"] / (1 - 0.9 ** state["step"])
        square = state["square"] / (1 - 0.99 ** state["step"])
        update: Tensor = mean / (square.sqrt() + 1e-8)
        return update


def optimiser(model: nn.Module, lr: float, edges: tuple[str, ...]) -> MuonAdamW:
    """Muon for every weight of two and more dimensions whose name holds none of ``edges``, AdamW for the rest."""
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        inner = weight.ndim > 1 and not any(edge in name for edge in edges)
        (hidden if inner else rest).append(weight)
    return MuonAdamW(hidden, rest, lr)
