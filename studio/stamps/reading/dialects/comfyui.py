"""ComfyUI: its graph is walked back from the first sampler. PNG: texts `prompt` (API form) and `workflow` (the page's).

WebP and JPEG: EXIF strings `prompt:{…}` and `workflow:{…}` in Model, Make or ImageDescription.
"""

from __future__ import annotations

import json
import re

from studio.core.evidence import Reading
from studio.stamps.reading.found import MAX_SHOWN, Found, as_float, as_int, as_object, as_side, as_steps, as_text
from studio.stamps.reading.graph import Graph, Node, back, from_prompt, from_workflow, linked, nearest, value_of

NAME, PLACE = "ComfyUI", 10
_PLACES = ("Model", "Make", "ImageDescription")
_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value", "wildcard_text", "populated_text")
_MODELS = ("ckpt_name", "unet_name", "gguf_name", "model_name")
_NOT_WORDS = ("model", "vae", "clip", "image", "pixels", "control_net", "samples", "latent", "mask", "clip_vision_output")
_CONDITIONS = ("positive", "negative", "conditioning")
MAX_PASSES = 8
_LATENTS = ("latent_image", "samples", "latent")


def read(found: Found) -> Reading | None:
    prompt = found.texts.get("prompt", "") or _from_exif(found, "prompt:")
    workflow = found.texts.get("workflow", "") or _from_exif(found, "workflow:")
    for text, form in ((prompt, from_prompt), (workflow, from_workflow)):
        if graph := form(as_object(text)):
            sampler = _first_sampler(graph)
            return _reading(graph, sampler, text) if sampler else Reading(dialect=NAME, text=text[:MAX_SHOWN])
    return None


def _reading(graph: Graph, sampler: Node, text: str) -> Reading:
    own = list(back(graph, [sampler], lambda name: name not in (*_LATENTS, *_CONDITIONS, "model")))
    latents = list(back(graph, [_latent(graph, sampler)], lambda name: name not in (*_CONDITIONS, "model")))
    models = list(back(graph, [linked(graph, node.inputs.get("model")) for node in own], lambda name: name[:5] == "model"))
    positive, negative = _side(graph, own, "positive", "conditioning"), _side(graph, own, "negative")
    schedule = as_text(nearest(graph, own, "scheduler"))
    name = as_text(nearest(graph, own, "sampler_name"))
    denoise = as_float(nearest(graph, own, "denoise"), 1.0)
    return Reading(
        dialect=NAME,
        prompt=_words(graph, positive, "positive"),
        negative_prompt=_words(graph, negative, "negative"),
        model=as_text(nearest(graph, [*models, *own], *_MODELS)),
        steps=as_steps(nearest(graph, own, "steps")),
        guidance_scale=as_float(nearest(graph, [*own, *_path(graph, positive, "positive")], "cfg", "guidance")),
        sampler=f"{name} {schedule}" if name and schedule not in ("", "normal") else name,
        seed=as_int(nearest(graph, own, "seed", "noise_seed")),
        width=as_side(nearest(graph, latents, "width")),
        height=as_side(nearest(graph, latents, "height")),
        strength=denoise if denoise is not None and denoise < 1 else None,
        fields=_fields(graph, models),
        text=text[:MAX_SHOWN],
    )


def _from_exif(found: Found, head: str) -> str:
    for place in _PLACES:
        if found.exif.get(place, "")[:20].lower().startswith(head):
            return found.exif[place][len(head) :]
    return ""


def _is_sampler(node: Node) -> bool:
    """By what it takes, as packs of nodes name theirs freely."""
    names = node.inputs.keys()
    whole = "steps" in names and bool({"sampler_name", "cfg"} & names) and bool({"positive", "latent_image"} & names)
    return whole or ({"sampler", "sigmas", "latent_image"} <= names)


def _latent(graph: Graph, sampler: Node) -> Node | None:
    return next(filter(None, (linked(graph, sampler.inputs.get(name)) for name in _LATENTS)), None)


def _first_sampler(graph: Graph) -> Node | None:
    """The earliest one behind what is saved: the later ones refine or enlarge its picture."""
    ends = [node for node in graph.values() if re.search("save|preview", node.kind, re.IGNORECASE)]
    behind = filter(_is_sampler, back(graph, ends, lambda _: True))
    sampler = next(behind, None) or next(filter(_is_sampler, graph.values()), None)
    for _ in range(MAX_PASSES):
        before = [_latent(graph, sampler)] if sampler else []
        earlier = next(filter(_is_sampler, back(graph, before, lambda name: name not in (*_CONDITIONS, "model"))), None)
        if earlier is None or earlier is sampler:
            break
        sampler = earlier
    return sampler


def _side(graph: Graph, own: list[Node], *names: str) -> Node | None:
    """Where the conditioning of this name comes from: at the sampler, or at its guider."""
    sources = (linked(graph, node.inputs.get(name)) for node in own for name in names)
    return next(filter(None, sources), None)


def _path(graph: Graph, start: Node | None, side: str) -> list[Node]:
    """The nodes between a prompt and its sampler; where both prompts pass through one node, this side's alone."""
    other = "negative" if side == "positive" else "positive"
    return list(back(graph, [start], lambda name: name not in _NOT_WORDS and name != other))


def _words(graph: Graph, start: Node | None, side: str) -> str:
    """Every text on the way, once; an encoder's two are usually the same."""
    told: dict[str, None] = {}
    for node in _path(graph, start, side):
        for name in (side, f"text_{side}", *_TEXTS):
            value = value_of(graph, node, name) if name in node.inputs else None
            if isinstance(value, str) and value.strip():
                told[value] = None
    return "\n".join(told)[:MAX_SHOWN]


def _fields(graph: Graph, models: list[Node]) -> dict[str, str]:
    loras = [as_text(value_of(graph, node, "lora_name"))[:200] for node in models if "lora_name" in node.inputs]
    told = {"LoRA": json.dumps(loras[:20], ensure_ascii=False)} if loras else {}
    return {"Nodes": str(len(graph)), **told}
