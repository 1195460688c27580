"""Puts a request's adapters onto a loaded model for the time of one job, and takes every one of them off again.

The loaded pipeline is never changed for VAEs, ControlNets, embeddings and image encoders: the job gets a pipeline of its own
made of the same parts and those. What has to go into the shared parts (LoRA layers, the attention of an IP-Adapter, the rows
of an embedding) is taken out afterwards, whatever happened, and leaves the very modules that were there before.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from studio.backends.local import adapter_loading as loading
from studio.backends.local import editing
from studio.backends.local.adapter_files import AdapterFile
from studio.backends.local.adapter_shelf import AdapterShelf, sha256_of
from studio.backends.local.lora import apply_loras
from studio.backends.local.run import Plan
from studio.core.adapters import RANGES, TITLES
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.request import Adapter, ImageRequest

Pictures = Mapping[int, Image.Image]
"""By place in `ImageRequest.adapters`: what a ControlNet or an IP-Adapter looks at, RGB."""
Worn = Sequence[tuple[int, Adapter, AdapterFile]]
CONTROLLED = {
    "StableDiffusionPipeline": "StableDiffusionControlNetPipeline",
    "StableDiffusionImg2ImgPipeline": "StableDiffusionControlNetImg2ImgPipeline",
    "StableDiffusionInpaintPipeline": "StableDiffusionControlNetInpaintPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLControlNetPipeline",
    "StableDiffusionXLImg2ImgPipeline": "StableDiffusionXLControlNetImg2ImgPipeline",
    "StableDiffusionXLInpaintPipeline": "StableDiffusionXLControlNetInpaintPipeline",
    "StableDiffusion3Pipeline": "StableDiffusion3ControlNetPipeline",
    "FluxPipeline": "FluxControlNetPipeline",
    "FluxImg2ImgPipeline": "FluxControlNetImg2ImgPipeline",
    "FluxInpaintPipeline": "FluxControlNetInpaintPipeline",
}
"""By the pipeline that would draw without a ControlNet: the one that draws with it."""
_UNION_MODES = {"canny": 0, "tile": 1, "depth": 2, "blur": 3, "pose": 4, "gray": 5}


@dataclass
class _Job:
    """What the adapters make of a plan, one after the other."""

    plan: Plan
    pictures: Pictures
    parts: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    request: ImageRequest = field(init=False)

    def __post_init__(self) -> None:
        self.request = self.plan.request

    @property
    def pipe(self) -> Any:
        return self.plan.loaded.pipe

    @property
    def where(self) -> dict[str, Any]:
        """Device and precision of the denoiser, for `Module.to`."""
        return {"device": self.plan.loaded.device.torch_name, "dtype": self.plan.loaded.denoiser.dtype}


@contextmanager
def put_on(plan: Plan, shelf: AdapterShelf, pictures: Pictures, check: Callable[[], None]) -> Iterator[Plan]:
    """The plan with its adapters at work; `check` is called before each is loaded.

    Raises `InvalidRequest` or `Unsupported`.
    """
    adapters = plan.request.adapters
    if not adapters:
        yield plan
        return
    found = plan.loaded.found
    known = [(place, adapter, shelf.find(adapter, found)) for place, adapter in enumerate(adapters)]
    worn = [each for each in known if each[1].weight or each[1].kind not in RANGES]
    job = _Job(plan, pictures)
    job.notes += [f"{TITLES[adapter.kind]} {file.name} left out: its weight is 0" for _, adapter, file in known
                  if (_, adapter, file) not in worn]  # fmt: skip
    with ExitStack() as undone, warnings.catch_warnings(), ThreadPoolExecutor(1) as beside:
        warnings.simplefilter("ignore")  # advice of the libraries to programmers
        hashes = [beside.submit(sha256_of, file.files) for _, _, file in worn]
        for kind, put in _PUT.items():
            if of_kind := [each for each in worn if each[1].kind == kind]:
                check()
                put(job, of_kind, undone)
        check()
        yield _refitted(job, lambda: {"adapters": [_told(adapter, file, hash.result())
                                      for (_, adapter, file), hash in zip(worn, hashes, strict=True)]})  # fmt: skip


def _told(adapter: Adapter, file: AdapterFile, sha256: str) -> dict[str, Any]:
    """An adapter as the record names it."""
    told: dict[str, Any] = {"kind": adapter.kind, "name": file.name, "weight": adapter.weight, "sha256": sha256}
    return told | ({"preprocessor": adapter.preprocessor} if adapter.preprocessor else {})


def _refitted(job: _Job, facts: Callable[[], dict[str, Any]]) -> Plan:
    """The plan with a pipeline of its own parts, if there are any."""
    plan, loaded = job.plan, job.plan.loaded
    if job.parts:
        controls = job.parts.pop("controlnet", None)
        pipe = editing.assembled(loaded, type(loaded.pipe).__name__, job.parts) if job.parts else loaded.pipe
        extra = {} if controls is None else {"controlnet": controls}
        loaded = replace(loaded, pipe=pipe, variants={}, extra=extra)
    fitted = replace(plan, loaded=loaded, request=job.request, notes=(*plan.notes, *job.notes), facts=facts)
    name = "control_image" if "control_image" in editing.accepted(fitted.pipe) else "image"
    given = {name if key == "control_image" else key: value for key, value in job.arguments.items()}
    return replace(fitted, arguments=given)


def _put_loras(job: _Job, worn: Worn, undone: ExitStack) -> None:
    job.notes += apply_loras(job.pipe, [(file, adapter.weight) for _, adapter, file in worn], undone)


def _put_vae(job: _Job, worn: Worn, _: ExitStack) -> None:
    job.parts["vae"] = loading.vae(worn[0][2], job.pipe.vae, job.where)


def _put_controlnets(job: _Job, worn: Worn, _: ExitStack) -> None:
    plan, ground = job.plan, job.plan.ground
    plain = editing.name_of(plan.loaded, ground)
    if plain not in CONTROLLED:
        task = "text to image" if ground is None else "image to image" if ground.mask is None else "inpainting"
        raise Unsupported(
            f"{plan.loaded.found.model.title} takes no ControlNet for {task}. Remove it, or choose another task."
        )
    nets = [loading.controlnet(file, plan.loaded.denoiser, job.where) for _, _, file in worn]
    images = [_picture(job, place, adapter).resize((plan.size.width, plan.size.height), Image.Resampling.LANCZOS)
              for place, adapter, _ in worn]  # fmt: skip
    told: dict[str, list[Any]] = {
        "control_image": images,
        "controlnet_conditioning_scale": [adapter.weight for _, adapter, _ in worn],
        "control_guidance_start": [adapter.start for _, adapter, _ in worn],
        "control_guidance_end": [adapter.end for _, adapter, _ in worn],
    }
    if any(getattr(net, "union", False) for net in nets):
        told["control_mode"] = [_UNION_MODES.get(adapter.preprocessor, 0) for _, adapter, _ in worn]
    several = len(nets) > 1
    job.parts["controlnet"] = nets if several else nets[0]
    job.arguments |= {name: values if several else values[0] for name, values in told.items()}


def _put_ip_adapters(job: _Job, worn: Worn, undone: ExitStack) -> None:
    """The projections go into the UNet, and its attention is another one meanwhile."""
    unet, pipe = job.plan.loaded.denoiser, job.pipe
    own = dict(unet.attn_processors), unet.encoder_hid_proj, unet.config.encoder_hid_dim_type

    def take_off() -> None:
        unet.encoder_hid_proj = own[1]
        unet.register_to_config(encoder_hid_dim_type=own[2])
        unet.set_attn_processor(dict(own[0]))

    encoder, features = loading.image_encoder([file for _, _, file in worn], job.where)
    job.parts["image_encoder"] = encoder
    job.parts["feature_extractor"] = getattr(pipe, "feature_extractor", None) or features
    undone.callback(take_off)
    unet._load_ip_adapter_weights([loading.ip_adapter(file) for _, _, file in worn])
    for processor in unet.attn_processors.values():
        if hasattr(processor, "scale"):
            processor.scale = [adapter.weight for _, adapter, _ in worn]
    job.arguments["ip_adapter_image"] = [_picture(job, place, adapter) for place, adapter, _ in worn]


def _picture(job: _Job, place: int, adapter: Adapter) -> Image.Image:
    if place not in job.pictures:
        raise InvalidRequest(f"{adapter.name} has no picture. Choose one for it.", "adapters")
    return job.pictures[place].convert("RGB")


def _put_embeddings(job: _Job, worn: Worn, undone: ExitStack) -> None:
    """Each vector becomes a token of its own in a copy of the tokenizer; the adapter's name in a prompt stands for them."""
    pipe, words = job.pipe, dict[str, str]()
    vectors = [loading.embedding(file) for _, _, file in worn]
    for number, suffix in enumerate(("", "_2")):
        encoder, tokenizer = getattr(pipe, f"text_encoder{suffix}", None), getattr(pipe, f"tokenizer{suffix}", None)
        if encoder is None or tokenizer is None:
            continue
        tokenizer = copy.deepcopy(tokenizer)
        rows: dict[str, Any] = {}
        for place, parts in enumerate(vectors):
            part = parts[min(number, len(parts) - 1)]
            names = [f"<|{place}-{index}|>" for index in range(len(part))]
            words[worn[place][2].name] = " ".join(names)
            rows |= dict(zip(names, part, strict=True))
        loading.add_tokens(tokenizer, encoder, rows, undone)
        job.parts[f"tokenizer{suffix}"] = tokenizer
    for name, tokens in words.items():
        _say(job, name, tokens)


def _say(job: _Job, name: str, tokens: str) -> None:
    """Write an embedding's tokens where its name stands in a prompt."""
    pattern, request = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE), job.request
    prompts = [pattern.sub(lambda _: tokens, text) for text in (request.prompt, request.negative_prompt)]
    if prompts == [request.prompt, request.negative_prompt]:
        job.notes.append(f"embedding {name} has no effect: its name stands in neither prompt")
    job.request = replace(request, prompt=prompts[0], negative_prompt=prompts[1])


_PUT: Mapping[str, Callable[[_Job, Worn, ExitStack], None]] = {
    "vae": _put_vae,
    "textual-inversion": _put_embeddings,
    "lora": _put_loras,
    "ip-adapter": _put_ip_adapters,
    "controlnet": _put_controlnets,
}

__all__ = ["CONTROLLED", "Pictures", "put_on"]
