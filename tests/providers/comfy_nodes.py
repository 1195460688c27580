"""ComfyUI's nodes as far as the tests need them: graphs are checked as it checks them, and really walked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageChops

CHECKPOINTS = ("base.safetensors", "SDXL/juggernaut.safetensors")
SAMPLERS = ("euler", "euler_ancestral", "heun", "lms", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde",
            "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_3m_sde", "ddim", "uni_pc", "lcm")  # fmt: skip
SCHEDULERS = ("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal")
CHANNELS = ("alpha", "red", "green", "blue")
SIDE = (16, 16384)
NODES: Mapping[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "CheckpointLoaderSimple": ({"ckpt_name": CHECKPOINTS}, ("MODEL", "CLIP", "VAE")),
    "CLIPTextEncode": ({"text": str, "clip": "CLIP"}, ("CONDITIONING",)),
    "EmptyLatentImage": ({"width": range(*SIDE), "height": range(*SIDE), "batch_size": range(1, 4096)}, ("LATENT",)),
    "LoadImage": ({"image": "file"}, ("IMAGE", "MASK")),
    "LoadImageMask": ({"image": "file", "channel": CHANNELS}, ("MASK",)),
    "VAEEncode": ({"pixels": "IMAGE", "vae": "VAE"}, ("LATENT",)),
    "SetLatentNoiseMask": ({"samples": "LATENT", "mask": "MASK"}, ("LATENT",)),
    "KSampler": (
        {"model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "latent_image": "LATENT",
         "seed": range(2**64), "steps": range(1, 10001), "cfg": (0.0, 100.0), "sampler_name": SAMPLERS,
         "scheduler": SCHEDULERS, "denoise": (0.0, 1.0)}, ("LATENT",),
    ),
    "VAEDecode": ({"samples": "LATENT", "vae": "VAE"}, ("IMAGE",)),
    "PreviewImage": ({"images": "IMAGE"}, ()),
    "SaveImage": ({"images": "IMAGE", "filename_prefix": str}, ()),
}  # fmt: skip
"""What goes in (a type that is linked, a list, a range, a file, text) and what comes out."""
OUTPUTS = {"PreviewImage": "temp", "SaveImage": "output"}
Draw = Callable[[Mapping[str, Any], tuple[int, int]], Image.Image]


def refusal(graph: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any] | None:
    """The body of the answer 400, None for a graph that is good."""
    for id, node in graph.items():
        if node.get("class_type") not in NODES:
            return _refused("missing_node_type", f"Node '{node.get('class_type')}' not found.", f"Node ID '#{id}'")
    if not any(node["class_type"] in OUTPUTS for node in graph.values()):
        return _refused("prompt_no_outputs", "Prompt has no outputs", "")
    wrong = {id: errors for id, node in graph.items() if (errors := _errors(node, graph, files))}
    nodes = {id: {"errors": errors, "dependent_outputs": ["9"], "class_type": graph[id]["class_type"]}
             for id, errors in wrong.items()}  # fmt: skip
    said = _refused("prompt_outputs_failed_validation", "Prompt outputs failed validation", "")
    return {**said, "node_errors": nodes} if nodes else None


def walk(graph: Mapping[str, Any], files: Mapping[str, Image.Image], draw: Draw) -> dict[str, tuple[str, Image.Image]]:
    """What each output node shows: its folder and the picture."""
    results: dict[tuple[str, int], Any] = {}

    def value(link: list[Any]) -> Any:
        if tuple(link) not in results:
            made = _run(graph[link[0]], value, files, draw)
            results.update({(link[0], number): each for number, each in enumerate(made)})
        return results[tuple(link)]

    shown = {id: node for id, node in graph.items() if node["class_type"] in OUTPUTS}
    return {id: (OUTPUTS[node["class_type"]], value(node["inputs"]["images"])) for id, node in shown.items()}


def _run(node: Mapping[str, Any], value: Callable[[list[Any]], Any], files: Mapping[str, Image.Image], draw: Draw) -> Any:
    """The node's outputs. Latents are dicts with size, image and mask; conditionings are their texts."""
    given = {name: value(item) if isinstance(item, list) else item for name, item in node["inputs"].items()}
    match node["class_type"]:
        case "CheckpointLoaderSimple":
            return [given["ckpt_name"]] * 3
        case "CLIPTextEncode":
            return [given["text"]]
        case "EmptyLatentImage":
            return [{"size": (given["width"], given["height"])}]
        case "LoadImage":
            image = files[given["image"]]
            alpha = image.getchannel("A") if "A" in image.getbands() else Image.new("L", image.size, 255)
            return [image.convert("RGB"), ImageChops.invert(alpha)]
        case "LoadImageMask":
            image = files[given["image"]].convert("RGBA")
            channel = image.getchannel(given["channel"][0].upper())
            return [ImageChops.invert(channel) if given["channel"] == "alpha" else channel]
        case "VAEEncode":
            return [{"size": given["pixels"].size, "image": given["pixels"]}]
        case "SetLatentNoiseMask":
            return [{**given["samples"], "mask": given["mask"]}]
        case "KSampler":
            return [_sampled(given, draw)]
        case _:
            return [given["samples"]["image"]]


def _sampled(given: Mapping[str, Any], draw: Draw) -> dict[str, Any]:
    """A drawing over the old picture, as strong as `denoise`, and inside the mask alone."""
    latent = given["latent_image"]
    drawn = draw(given, latent["size"]).convert("RGB")
    if "image" not in latent:
        return {"size": latent["size"], "image": drawn}
    old = latent["image"]
    new = Image.blend(old, drawn.resize(old.size), given["denoise"])
    if "mask" in latent:
        new = Image.composite(new, old, latent["mask"].convert("L"))
    return {**latent, "image": new}


def _errors(node: Mapping[str, Any], graph: Mapping[str, Any], files: Mapping[str, Any]) -> list[dict[str, Any]]:
    inputs, _ = NODES[node["class_type"]]
    found = []
    for name, wanted in inputs.items():
        if name not in node["inputs"]:
            found.append(_error("required_input_missing", "Required input is missing", name, name))
        elif said := _wrong(node["inputs"][name], wanted, graph, files):
            kind, message, details = said
            found.append(_error(kind, message, f"{name}: {details}", name))
    return found


def _wrong(value: Any, wanted: Any, graph: Mapping[str, Any], files: Mapping[str, Any]) -> tuple[str, str, str] | None:
    if wanted == "file":
        return None if value in files else ("custom_validation_failed", "Custom validation failed for node", str(value))
    if isinstance(wanted, str):
        return _wrong_link(value, wanted, graph)
    if wanted is str:
        return None if isinstance(value, str) else ("invalid_input_type", "Failed to convert an input value", repr(value))
    if isinstance(wanted[0], str):
        return None if value in wanted else ("value_not_in_list", "Value not in list", f"'{value}' not in {list(wanted)}")
    low, high = (wanted[0], wanted[-1])
    good = isinstance(value, int | float) and low <= value <= high and (isinstance(value, int) or isinstance(low, float))
    return None if good else ("value_out_of_range", "Value out of range", repr(value))


def _wrong_link(value: Any, wanted: str, graph: Mapping[str, Any]) -> tuple[str, str, str] | None:
    if not isinstance(value, list) or len(value) != 2 or value[0] not in graph:
        return "bad_linked_input", "Bad linked input", repr(value)
    kinds = NODES[graph[value[0]]["class_type"]][1]
    kind = kinds[value[1]] if 0 <= value[1] < len(kinds) else "nothing"
    return None if kind == wanted else ("return_type_mismatch", "Return type mismatch", f"{kind} is no {wanted}")


def _error(kind: str, message: str, details: str, name: str) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": {"input_name": name}}


def _refused(kind: str, message: str, details: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, "details": details, "extra_info": {}}, "node_errors": {}}
