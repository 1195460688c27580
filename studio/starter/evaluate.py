"""Measures the committed model on held-out renders and captions: ``python -m studio.starter.evaluate``.

Prints a table and writes figures.json into ``--out``; ``--sheet`` also draws the sample sheet.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from PIL import Image, ImageDraw, ImageFont

from studio.starter import MODEL_DIR
from studio.starter.canvas import mix, sky_colours
from studio.starter.captions import caption
from studio.starter.judge import hits, square_scene, trained_judge
from studio.starter.render import pixels
from studio.starter.scenes import COLOURS, TIMES, Scene
from studio.starter.vae_train import HELD_OUT_SEED, as_tensor, psnr

GUIDANCE, STEPS = 3.5, 20
Hits = dict[str, list[bool | None]]


def held_out(count: int, first: int = 5000) -> list[tuple[Scene, str]]:
    """Scenes that no stage of the training saw, with captions that leave nothing out."""
    scenes = [square_scene(HELD_OUT_SEED, first + index) for index in range(count)]
    dice = [random.Random(f"caption/{first + index}") for index in range(count)]
    return [(scene, caption(scene, rng, drop=0.0)) for scene, rng in zip(scenes, dice, strict=True)]


def paint(pipeline: StableDiffusionPipeline, prompts: Sequence[str]) -> list[Image.Image]:
    """One 128 px picture per prompt, picture ``i`` from seed ``i``."""
    made: list[Image.Image] = []
    for start in range(0, len(prompts), 16):
        some = list(prompts[start : start + 16])
        dice = [torch.Generator("cpu").manual_seed(start + place) for place in range(len(some))]
        asked = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "width": 128, "height": 128}
        made += pipeline(some, generator=dice, **asked).images
    return made


def sky_hits(pictures: list[np.ndarray], scenes: list[Scene]) -> list[bool | None]:
    """The colour test: is the middle colour of the upper eighth [h, w, 3] nearest to the sky or background asked for?"""
    found: list[bool | None] = []
    for picture, scene in zip(pictures, scenes, strict=True):
        seen = np.median(picture[:16].reshape(-1, 3), axis=0)
        if scene.kind == "shapes":
            asked, choices = (
                scene.background,
                {name: [mix(colour, (255, 255, 255), 0.16)] for name, colour in COLOURS.items()},
            )
        else:
            asked, choices = scene.time, {name: list(sky_colours(name)) for name in TIMES}
        nearest = min((float(np.abs(seen - c).sum()), name) for name, colours in choices.items() for c in colours)[1]
        found.append(nearest == asked)
    return found


def share(found: list[bool | None]) -> float:
    """The share of hits among the questions that apply."""
    told = [hit for hit in found if hit is not None]
    return sum(told) / max(1, len(told))


def measure(pipeline: StableDiffusionPipeline, out: Path, count: int) -> dict[str, dict[str, float]]:
    """Shares of right answers by question: asked captions, shuffled ones (the floor), real renders (the ceiling)."""
    judge = trained_judge(out)
    pairs = held_out(count)
    scenes = [scene for scene, _ in pairs]
    made = [np.asarray(picture) for picture in paint(pipeline, [text for _, text in pairs])]
    renders = [pixels(scene) for scene in scenes]
    shuffled = scenes[:]
    random.Random(0).shuffle(shuffled)

    def read(pictures: list[np.ndarray], asked: list[Scene]) -> dict[str, float]:
        found: Hits = {**hits(judge, as_tensor(pictures), asked), "sky or background by pixels": sky_hits(pictures, asked)}
        return {question: round(share(answers), 3) for question, answers in found.items()}

    return {"asked": read(made, scenes), "shuffled": read(made, shuffled), "renders": read(renders, scenes)}


def draw_sheet(pipeline: StableDiffusionPipeline, path: Path, across: int = 8, down: int = 4) -> None:
    """Uncurated pictures, seeds 0, 1, 2, ..., each over its held-out prompt."""
    prompts = [text for _, text in held_out(across * down, 9000)]
    cell, line = 140, 11
    sheet = Image.new("RGB", (across * cell + 12, down * (cell + 5 * line) + 12), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=9.5)
    for place, (picture, prompt) in enumerate(zip(paint(pipeline, prompts), prompts, strict=True)):
        x, y = 12 + place % across * cell, 12 + place // across * (cell + 5 * line)
        sheet.paste(picture, (x, y))
        rows = [""]
        for word in prompt.split():
            longer = f"{rows[-1]} {word}".strip()
            rows = [*rows[:-1], longer] if pen.textlength(longer, font) < 130 else [*rows, word]
        for row, text in enumerate(rows[:5]):
            pen.text((x, y + 130 + row * line), text, fill=(40, 40, 40), font=font)
    sheet.point(lambda value: min(255, (value + 2) // 4 * 4)).save(path, optimize=True)  # six bits: half the size


def load_pipeline(folder: Path) -> StableDiffusionPipeline:
    """The model as any user loads it, on the CPU in float32."""
    pipeline: StableDiffusionPipeline = StableDiffusionPipeline.from_pretrained(str(folder))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def seconds_per_picture(pipeline: StableDiffusionPipeline) -> float:
    """Wall-clock seconds of one picture, the second of two."""
    paint(pipeline, ["a red house"])
    start = time.monotonic()
    paint(pipeline, ["a blue house at night"])
    return time.monotonic() - start


def main() -> None:
    """Prints every figure of the model card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path(".training"))
    parser.add_argument("--model", type=Path, default=MODEL_DIR)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    pipeline = load_pipeline(asked.model)
    vae: AutoencoderKL = pipeline.vae
    figures: dict[str, object] = {"psnr": round(psnr(vae, 200), 2), "seconds": round(seconds_per_picture(pipeline), 2)}
    figures.update(measure(pipeline, asked.out, asked.count))
    (asked.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
    if asked.sheet:
        draw_sheet(pipeline, asked.sheet)


if __name__ == "__main__":
    main()
