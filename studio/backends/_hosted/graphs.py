"""ComfyUI's graphs in API form, `{node: {class_type, inputs}}`: made from a wish, or the user's own with wishes filled in.

A template is a graph that was saved with “Export (API)”, in which placeholders stand for what the studio says:

{prompt} {negative_prompt} {seed} {width} {height} {steps} {guidance_scale} {strength} {sampler} {scheduler} {image} {mask}

`"seed": "{seed}"` becomes a number, `"text": "oil painting, {prompt}"` a text. {image} and {mask} are names of uploaded
files; the mask is white where the picture may change, so load it with LoadImageMask and the channel red. What a template
has no placeholder for, its model does not offer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.backends._hosted.models import TAKEN
from studio.backends._hosted.own_server import split_sampler
from studio.backends._hosted.provider import Wish
from studio.core.errors import InvalidRequest
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage

Graph = dict[str, Any]
SAMPLERS = {
    "Euler": "euler", "Euler a": "euler_ancestral", "Heun": "heun", "LMS": "lms", "DPM2": "dpm_2",
    "DPM2 a": "dpm_2_ancestral", "DPM++ 2S a": "dpmpp_2s_ancestral", "DPM++ 2M": "dpmpp_2m", "DPM++ SDE": "dpmpp_sde",
    "DPM++ 2M SDE": "dpmpp_2m_sde", "DPM++ 3M SDE": "dpmpp_3m_sde", "DDIM": "ddim", "UniPC": "uni_pc", "LCM": "lcm",
}  # fmt: skip
SCHEDULERS = {
    "": "normal", "Karras": "karras", "Exponential": "exponential", "SGM Uniform": "sgm_uniform", "Simple": "simple",
    "Beta": "beta",
}  # fmt: skip
WORDS = (*TAKEN, "prompt", "width", "height", "scheduler", "image", "mask")
PLACEHOLDER = re.compile(r"\{(" + "|".join(WORDS) + r")\}")
MOST_CHARACTERS = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Template:
    """A user's graph and the placeholders in it; or why it cannot be used."""

    name: str
    graph: Graph
    words: frozenset[str] = frozenset()
    fault: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        if "mask" in self.words:
            return (Inpaint.kind, Outpaint.kind)
        return (ImageToImage.kind,) if "image" in self.words else (TextToImage.kind,)

    @property
    def takes(self) -> tuple[str, ...]:
        return tuple(word for word in TAKEN if word in self.words)

    @property
    def cannot(self) -> dict[str, str]:
        """Why tasks are missing."""
        if "mask" in self.words:
            return {ImageToImage.kind: "its graph needs a mask"}
        if "image" in self.words:
            return dict.fromkeys((Inpaint.kind, Outpaint.kind), "its graph has no {mask}")
        return dict.fromkeys((ImageToImage.kind, Inpaint.kind, Outpaint.kind), "its graph has no {image}")

    @property
    def ignored(self) -> tuple[str, ...]:
        """Fields without a place in the graph."""
        sized = {"size"} if {"width", "height"} <= self.words else set()
        return tuple(name for name in (*TAKEN, "prompt", "size") if name not in self.words | sized)


def read_template(name: str, text: str) -> Template:
    """A template from its file; one that cannot be used says so and is offered all the same."""
    try:
        graph = _graph_in(text)
    except InvalidRequest as error:
        return Template(name=name, graph={}, fault=f"The graph {name}.json cannot be used: {error}")
    words = frozenset(PLACEHOLDER.findall(json.dumps([node["inputs"] for node in graph.values()])))
    fault = "The graph has a {mask} but no {image}. Add the other one." if "mask" in words and "image" not in words else ""
    return Template(name=name, graph=graph, words=words, fault=fault and f"{name}.json: {fault}")


def filled(template: Template, wish: Wish, files: Mapping[str, str]) -> Graph:
    """The template's graph with the wish in it. Nothing that is filled in is looked through again."""
    values = {**_said(wish), **files}
    return {key: {**node, "inputs": _filled(node["inputs"], values)} for key, node in template.graph.items()}


def graph_of(wish: Wish, files: Mapping[str, str]) -> Graph:
    """A graph for a checkpoint with its own text encoder and VAE. The picture is a preview: nothing stays on the server.

    Only what the mask covers is noised (`SetLatentNoiseMask`), so that any checkpoint inpaints and the strength counts.
    """
    said = _said(wish)
    model, clip, vae = (["checkpoint", number] for number in range(3))
    return {
        "checkpoint": _node("CheckpointLoaderSimple", ckpt_name=wish.name),
        "words": _node("CLIPTextEncode", text=said["prompt"], clip=clip),
        "unwanted": _node("CLIPTextEncode", text=said["negative_prompt"], clip=clip),
        **_start(said, files, vae),
        "sampler": _node(
            "KSampler",
            model=model,
            positive=["words", 0],
            negative=["unwanted", 0],
            latent_image=["start", 0],
            seed=said["seed"],
            steps=said["steps"],
            cfg=said["guidance_scale"],
            sampler_name=said["sampler"],
            scheduler=said["scheduler"],
            denoise=said["strength"],
        ),
        "decoded": _node("VAEDecode", samples=["sampler", 0], vae=vae),
        "picture": _node("PreviewImage", images=["decoded", 0]),
    }


def _start(said: Mapping[str, Any], files: Mapping[str, str], vae: list[Any]) -> Graph:
    """The latent that is denoised: an empty one, a picture's, or a picture's with a mask."""
    if "image" not in files:
        return {"start": _node("EmptyLatentImage", width=said["width"], height=said["height"], batch_size=1)}
    loaded = _node("LoadImage", image=files["image"])
    encoded = _node("VAEEncode", pixels=["photo", 0], vae=vae)
    if "mask" not in files:
        return {"photo": loaded, "start": encoded}
    return {
        "photo": loaded,
        "encoded": encoded,
        "mask": _node("LoadImageMask", image=files["mask"], channel="red"),
        "start": _node("SetLatentNoiseMask", samples=["encoded", 0], mask=["mask", 0]),
    }


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def _said(wish: Wish) -> dict[str, Any]:
    """The wish in ComfyUI's values; what the model does not take has its default."""
    model, size = wish.model, wish.size or wish.model.default_size
    plain, schedule = split_sampler(wish.sampler or model.default_sampler)
    guidance = model.default_guidance_scale if wish.guidance_scale is None else wish.guidance_scale
    return {
        "prompt": wish.prompt,
        "negative_prompt": wish.negative_prompt,
        "seed": wish.seed or 0,
        "width": size.width,
        "height": size.height,
        "steps": wish.steps or model.default_steps,
        "guidance_scale": guidance,
        "strength": wish.strength or 1.0,
        "sampler": SAMPLERS[plain],
        "scheduler": SCHEDULERS[schedule],
    }


def _graph_in(text: str) -> Graph:
    """Raises `InvalidRequest` for what is no graph in API form."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidRequest("It is too large. Save it anew with “Export (API)”.")
    try:
        graph = json.loads(text, parse_constant=lambda _: None)  # its page writes NaN
    except (ValueError, RecursionError):
        raise InvalidRequest("It is no JSON. Save it anew with “Export (API)”.") from None
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise InvalidRequest("It is in the page's form. Save it with “Export (API)” instead.")
    if not isinstance(graph, dict) or not graph or not all(map(_is_node, graph.values())):
        raise InvalidRequest("It is no graph in API form. Save it anew with “Export (API)”.")
    return graph


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        return values[whole[1]] if whole else PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    return [_filled(item, values) for item in value] if isinstance(value, list) else value
