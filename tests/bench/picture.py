"""The studio's path against the bare pipeline on the same request: `python tests/bench/picture.py`.

Both draw with the starter model, the same sampler, seed and number of threads, in turn, in one run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import common  # first: it makes `studio` importable

from studio import settings as configuration
from studio.backends.local.catalog import STARTER
from studio.core.request import ImageRequest, Sampling
from studio.engine.studio import Studio
from studio.main import open_studio

PROMPT = "a red house with a tree by the sea at sunset"


def bare_pipeline(threads: int):
    """Diffusers as its documentation shows it."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline

    torch.set_num_threads(threads)
    pipe = StableDiffusionPipeline.from_pretrained(STARTER, torch_dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)

    def draw(steps: int, seed: int) -> float:
        begun = time.perf_counter()
        generator = torch.Generator().manual_seed(seed)
        pipe(PROMPT, num_inference_steps=steps, guidance_scale=3.5, width=128, height=128, generator=generator)
        return time.perf_counter() - begun

    return draw


def through_the_studio(studio: Studio):
    """From submit to the kept file."""

    def draw(steps: int, seed: int) -> float:
        begun = time.perf_counter()
        sampling = Sampling(steps=steps, guidance_scale=3.5, seed=seed, sampler="Euler")
        job = studio.submit(ImageRequest(model="local:starter", prompt=PROMPT, sampling=sampling))
        last = list(studio.watch(job.id))[-1].job
        assert last.state == "done", last.message
        return time.perf_counter() - begun

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    print(common.device(), f"threads {arguments.threads}")
    with tempfile.TemporaryDirectory() as folder:
        settings = configuration.load({"STUDIO_DATA": folder}, outputs=Path(folder) / "outputs", threads=arguments.threads)
        studio = open_studio(replace(settings, offline=True))
        studio.open()
        try:
            compare(bare_pipeline(arguments.threads), through_the_studio(studio), arguments.runs)
        finally:
            studio.close()


def compare(bare, ours, runs: int) -> None:
    for draw in (bare, ours):
        draw(2, 0)
    per_step = (bare(40, 0) - bare(20, 0)) / 20
    for label, steps in (("20 steps", 20), ("about 10 s", max(40, round(10 / per_step)))):
        times: dict[str, list[float]] = {"bare": [], "studio": []}
        for run in range(runs if steps == 20 else 3):
            times["bare"].append(bare(steps, run))
            times["studio"].append(ours(steps, run))
        for name, seconds in times.items():
            print(common.row(f"{label} ({steps} steps), {name}", seconds))
        middle = {name: statistics.median(seconds) for name, seconds in times.items()}
        extra = middle["studio"] - middle["bare"]
        print(f"    fixed cost {extra:+.3f} s, ratio {middle['studio'] / middle['bare']:.3f}\n")


if __name__ == "__main__":
    main()
