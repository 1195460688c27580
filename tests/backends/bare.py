"""The plain diffusers pipelines, as their documentation shows them."""

from __future__ import annotations

import inspect

PROMPT = "a red house by the sea"
VISION = ("image_encoder", "feature_extractor")
ABSENT = {"flux": VISION, "sd3": (*VISION, "text_encoder_3", "tokenizer_3")}
"""Optional parts that the tiny models come without."""


def bare(folder, kind, prompt=PROMPT, *, seed=7, scheduler=None, **arguments):
    """The bytes of a picture by the pipeline class `kind`, 64 × 64, three steps; `scheduler` is a class name and changes."""
    import diffusers
    import torch

    absent = dict.fromkeys(ABSENT.get(folder.name, ()))
    accepted = inspect.signature(getattr(diffusers, kind).__init__).parameters
    pipe = getattr(diffusers, kind).from_pretrained(
        folder,
        torch_dtype=torch.float32,
        use_safetensors=True,
        **{name: None for name in absent if name in accepted},
    )
    pipe.set_progress_bar_config(disable=True)
    if scheduler:
        name, changes = scheduler
        pipe.scheduler = getattr(diffusers, name).from_config(pipe.scheduler.config, **changes)
    call = {"num_inference_steps": 3, "guidance_scale": 4.0, "width": 64, "height": 64, **arguments}
    taken = inspect.signature(pipe.__call__).parameters
    call = {name: value for name, value in call.items() if name in taken}
    return pipe(prompt=prompt, generator=torch.Generator("cpu").manual_seed(seed), **call).images[0].tobytes()
