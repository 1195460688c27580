"""A small classifier that reads a picture back: kind, time of day, weather, colours, count and side.

It is trained on renders that are blurred and dirtied at random, so it forgives softness: it measures whether the picture
shows what was asked, not how well it is drawn.
"""

import random
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from studio.starter.crew import load, save
from studio.starter.render import pixels
from studio.starter.scenes import BODIES, COLOURS, KINDS, SHAPES, SIDES, TIMES, WEATHERS, Scene, draw_scene
from studio.starter.vae_train import as_tensor

JUDGE_SEED = 77
ANSWERS: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "time": (*TIMES, "none"),
    "weather": (*WEATHERS, "none"),
    "body": BODIES,
    "colour": tuple(COLOURS),
    "background": (*COLOURS, "none"),
    "shape": (*SHAPES, "none"),
    "count": ("1", "2", "3"),
    "side": SIDES,
}


def square_scene(seed: int, index: int) -> Scene:
    """A 128 x 128 scene that is not blurred."""
    while True:
        scene = draw_scene(seed, index)
        if (scene.width, scene.height) == (128, 128) and not scene.blurred:
            return scene
        index += 1_000_000


class Judge(nn.Module):
    """Pictures [n, 3, 128, 128] in -1..1 to one answer per question: scores [n, choices]."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 96)
        blocks = [
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(8, b), nn.ReLU())
            for a, b in pairwise(widths)
        ]
        self.body = nn.Sequential(nn.AvgPool2d(2), *blocks, nn.Flatten(), nn.Linear(96 * 16, 256), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(256, len(choices)) for name, choices in ANSWERS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Scores by question."""
        seen = self.body(pictures)
        return {name: head(seen) for name, head in self.heads.items()}


def truth(scenes: list[Scene]) -> dict[str, Tensor]:
    """The right answers as indices [n], by question."""
    return {
        name: torch.tensor([choices.index(str(getattr(scene, name))) for scene in scenes])
        for name, choices in ANSWERS.items()
    }


def dirty(pictures: Tensor, rng: random.Random) -> Tensor:
    """Pictures blurred and with noise, each batch in its own measure."""
    if rng.random() < 0.5:
        pictures = F.interpolate(F.avg_pool2d(pictures, 4), scale_factor=4, mode="bilinear")
    return pictures + rng.choice((0.0, 0.05, 0.12)) * torch.randn_like(pictures)


def trained_judge(out: Path, steps: int = 700, batch: int = 48) -> Judge:
    """The judge, from ``out`` or trained now (a minute or two)."""
    judge, path = Judge(), out / "judge.pt"
    if (found := load(path)) is not None:
        judge.load_state_dict(found)
        return judge.eval()
    rng = random.Random(0)
    torch.manual_seed(0)
    adam = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    pace = torch.optim.lr_scheduler.OneCycleLR(adam, 3e-3, total_steps=steps)
    for step in range(steps):
        scenes = [square_scene(JUDGE_SEED, step * batch + place) for place in range(batch)]
        scores, right = judge(dirty(as_tensor([pixels(scene) for scene in scenes]), rng)), truth(scenes)
        loss = sum((F.cross_entropy(scores[name], right[name]) for name in ANSWERS), torch.zeros(()))
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        pace.step()
    save(path, judge.state_dict())
    return judge.eval()


@torch.no_grad()
def hits(judge: Judge, pictures: Tensor, scenes: list[Scene]) -> dict[str, list[bool | None]]:
    """Whether each picture shows what its scene says; None where a question does not apply to the scene."""
    scores, right = judge(pictures), truth(scenes)
    found: dict[str, list[bool | None]] = {}
    for name in ANSWERS:
        same = (scores[name].argmax(1) == right[name]).tolist()
        found[name] = [hit if _asked(name, scene) else None for hit, scene in zip(same, scenes, strict=True)]
    return found


def _asked(question: str, scene: Scene) -> bool:
    """Whether the scene's caption with nothing left out says something about this question."""
    if question in ("time", "weather", "body"):
        return scene.kind != "shapes" and (question != "body" or scene.body != "none")
    if question in ("background", "shape"):
        return scene.kind == "shapes"
    if question == "colour":
        return scene.kind != "desert"
    if question == "count":
        return scene.kind in ("sailboat", "desert", "balloon", "shapes")
    return question != "side" or scene.side != "centre"
