"""What the canvas work of an edit costs beside the picture's own time: `python tests/bench/canvas.py`.

Canvas work is planning, preparing the ground, pasting and counting. The picture is one of 512² by a UNet of Stable Diffusion
1.5's size with random weights, of which a few steps are measured and twenty are stated, and one of the starter model.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import common  # noqa: F401  first: it makes `studio` importable
from PIL import Image, ImageDraw

from studio.core import canvas
from studio.core.model import Model
from studio.core.request import Inpaint, Outpaint, Size, Source

MODEL = Model(id="bench", title="", backend="", default_size=Size(512, 512), max_side=1536)
STEPS = 20


def photo(side: int) -> tuple[Image.Image, Source]:
    return Image.effect_noise((side, side), 60).convert("RGB"), Source(sha256="0" * 64, width=side, height=side)


def seconds(work: Callable[[], object], times: int = 5) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def canvas_work(side: int, what: str) -> Callable[[], object]:
    image, source = photo(side)
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((side * 0.3, side * 0.3, side * 0.6, side * 0.5), fill=255)
    drawn = {}

    def work() -> None:
        if what == "outpaint to 16:9":
            added = round(side * 7 / 18)
            task: Inpaint | Outpaint = Outpaint(image=source, left=added, right=added)
            plan = canvas.plan_outpaint(task, image, MODEL)
        else:
            task = Inpaint(image=source, mask=source, area="whole" if what == "inpaint, whole" else "masked")
            plan = canvas.plan_inpaint(task, image, mask, MODEL)
        made = plan.canvas
        for step in plan.passes:
            ground = canvas.ground(made, step, task, 1)
            picture = drawn.setdefault(step.size, Image.new("RGB", ground.image.size, "red"))
            made = canvas.paste(made, step, picture, match_colour=False)
        assert canvas.proof(plan.canvas, made, plan.passes)["outside_changed"] == 0

    return work


def large_picture(steps: int) -> float:
    """Seconds of twenty steps at 512² with guidance, from `steps` measured ones, on one thread."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.set_num_threads(1)
    unet = UNet2DConditionModel(
        sample_size=64, cross_attention_dim=768, block_out_channels=(320, 640, 1280, 1280), attention_head_dim=8
    ).eval()
    latents, words = torch.randn(2, 4, 64, 64), torch.randn(2, 77, 768)
    with torch.inference_mode():
        return seconds(lambda: unet(latents, 10, words), steps) * STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2, help="denoising steps of the large picture to measure")
    picture = large_picture(parser.parse_args().steps)
    print(f"a 512² picture of an SD-1.5-sized UNet, {STEPS} steps with guidance, one thread: {picture:.0f} s\n")
    print(f"{'canvas work':<24}{'1024²':>10}{'share':>9}{'4096²':>10}{'share':>9}")
    for what in ("inpaint, whole", "inpaint, only masked", "outpaint to 16:9"):
        costs = [seconds(canvas_work(side, what)) for side in (1024, 4096)]
        print(f"{what:<24}" + "".join(f"{cost:>9.3f}s{cost / picture:>9.2%}" for cost in costs))


if __name__ == "__main__":
    main()
