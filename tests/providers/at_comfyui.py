"""ComfyUI on loopback: uploads, a queue, a history, and graphs that are really walked (comfy_nodes.py)."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy_nodes
from case import Case, says
from loopback import Asked, Loopback, Said, matched, opened, picture
from PIL import Image

from studio.backends import comfyui
from studio.backends._hosted.backend import HostedBackend

FOREIGN = [1, "someone-elses", {}, {}, []]
"""Others use the server too."""


class ComfyServer(Loopback):
    """`seen` is what each sampler was given; `broken` is an error that the next graph ends with."""

    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 2
        self.uploads: dict[str, Image.Image] = {}
        self.folder = ""
        self.waiting: dict[str, list[Any]] = {}
        self.looks: dict[str, int] = {}
        self.history: dict[str, Any] = {}
        self.files: dict[tuple[str, str, str], bytes] = {}
        self.seen: list[dict[str, Any]] = []
        self.broken: list[Any] = []
        self.has_jobs = True
        self.turn = threading.Lock()

    def answer(self, asked: Asked) -> Said:
        """One at a time, as the real one's queue has a lock."""
        with self.turn:
            return self.answered(asked)

    def answered(self, asked: Asked) -> Said:
        if "origin" in asked.headers:
            return Said(b"", 403)
        match asked.method, asked.path:
            case "POST", "/upload/image":
                return self.upload(asked)
            case "POST", "/prompt":
                return self.queue(asked)
            case "GET", "/queue":
                return self.show_queue()
            case "POST", "/queue":
                return self.drop(asked.json["delete"])
            case "POST", "/interrupt":
                return self.interrupt(asked.json.get("prompt_id", ""))
            case "GET", "/view":
                key = (asked.query.get("filename", ""), asked.query.get("subfolder", ""), asked.query.get("type", "output"))
                return Said(self.files[key]) if key in self.files else Said(b"", 404)
            case "GET", "/object_info/CheckpointLoaderSimple":
                required = {"ckpt_name": [list(comfy_nodes.CHECKPOINTS), {"tooltip": "…"}]}
                return Said({"CheckpointLoaderSimple": {"input": {"required": required}}})
        if found := matched("/history/([^/]+)", asked.path):
            return Said({found[1]: self.history[found[1]]} if found[1] in self.history else {})
        if self.has_jobs and (found := matched("/api/jobs/([^/]+)/cancel", asked.path)):
            self.drop([found[1]])
            return self.interrupt(found[1])
        return Said(b"404: Not Found", 404)

    def upload(self, asked: Asked) -> Said:
        form, said = asked.form, re.search(rb'name="image"; filename="([^"]+)"', asked.body)
        if said is None or not isinstance(form.get("image"), bytes):
            return Said(b"", 400)
        name = said[1].decode()
        if name in self.uploads and form.get("overwrite") != "true":
            name = f"1 {name}"
        self.uploads[f"{self.folder}/{name}" if self.folder else name] = opened(form["image"])
        return Said({"name": name, "subfolder": self.folder, "type": form.get("type", "input")})

    def queue(self, asked: Asked) -> Said:
        graph, id = asked.json["prompt"], str(asked.json["prompt_id"])
        if refused := comfy_nodes.refusal(graph, self.uploads):
            return Said(refused, 400)
        number = self.count_made()
        self.waiting[id] = [number, id, graph, {}, ["picture"]]
        self.looks[id] = 0
        return Said({"prompt_id": id, "number": number, "node_errors": {}})

    def show_queue(self) -> Said:
        """Every look is a step: waiting, running, done."""
        for id in list(self.waiting):
            self.looks[id] += 1
            if self.looks[id] > self.looks_needed:
                self.run(id)
        running = [entry for id, entry in self.waiting.items() if self.looks[id] > 1]
        pending = [entry for id, entry in self.waiting.items() if self.looks[id] <= 1]
        return Said({"queue_running": running, "queue_pending": [FOREIGN, *pending]})

    def run(self, id: str) -> None:
        entry = self.waiting.pop(id)
        if self.broken:
            self.end(id, entry, "error", self.broken.pop(), {})
            return
        outputs = {}
        for node, (folder, image) in comfy_nodes.walk(entry[2], self.uploads, self.draw).items():
            name = f"{id[:8]}_{node}_.png"
            self.files[name, "", folder] = _png(image)
            outputs[node] = {"images": [{"filename": name, "subfolder": "", "type": folder}]}
        self.end(id, entry, "success", ["execution_success", {"prompt_id": id}], outputs)

    def end(self, id: str, entry: list[Any], status: str, message: list[Any], outputs: Mapping[str, Any]) -> None:
        messages = [["execution_start", {"prompt_id": id}], message]
        told = {"status_str": status, "completed": status == "success", "messages": messages}
        self.history[id] = {"prompt": entry, "outputs": outputs, "status": told, "meta": {}}

    def draw(self, given: Mapping[str, Any], size: tuple[int, int]) -> Image.Image:
        self.seen.append(dict(given))
        return opened(picture(size, seed=given["seed"]))

    def drop(self, ids: list[str]) -> Said:
        for id in ids:
            if self.looks.get(id, 0) <= 1:
                self.waiting.pop(id, None)
        return Said(b"")

    def interrupt(self, id: str) -> Said:
        if self.looks.get(id, 0) > 1 and id in self.waiting:
            self.end(
                id, self.waiting.pop(id), "error", ["execution_interrupted", {"node_id": "3", "node_type": "KSampler"}], {}
            )
        return Said(b"")


def failed(kind: str, message: str) -> list[Any]:
    """An `execution_error` as the history tells it."""
    return ["execution_error", {"node_id": "sampler", "node_type": "KSampler", "exception_type": kind,
                                "exception_message": message, "traceback": ["…"]}]  # fmt: skip


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


PLAIN = {
    "4": _node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
    "6": _node("CLIPTextEncode", text="oil painting of {prompt}", clip=["4", 1]),
    "7": _node("CLIPTextEncode", text="blurry, {negative_prompt}", clip=["4", 1]),
    "5": _node("EmptyLatentImage", width="{width}", height="{height}", batch_size=1),
    "3": _node("KSampler", model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0], seed="{seed}",
               steps="{steps}", cfg="{guidance_scale}", sampler_name="{sampler}", scheduler="{scheduler}", denoise=1.0),
    "8": _node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": _node("SaveImage", images=["8", 0], filename_prefix="studio"),
}  # fmt: skip
PHOTO = {
    **{id: node for id, node in PLAIN.items() if id != "5"},
    "10": _node("LoadImage", image="{image}"),
    "11": _node("VAEEncode", pixels=["10", 0], vae=["4", 2]),
    "3": _node("KSampler", **PLAIN["3"]["inputs"] | {"latent_image": ["11", 0], "denoise": "{strength}", "steps": 12}),
}
MASKED = {
    **PHOTO,
    "12": _node("LoadImageMask", image="{mask}", channel="red"),
    "13": _node("SetLatentNoiseMask", samples=["11", 0], mask=["12", 0]),
    "3": _node("KSampler", **PHOTO["3"]["inputs"] | {"latent_image": ["13", 0]}),
}
TEMPLATES = {"plain": PLAIN, "photo": PHOTO, "masked": MASKED}


class _Toml:
    """TOML as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class ComfyCase(Case):
    def backend(self, server: Loopback, data: Path, **own: Any) -> HostedBackend:
        """With two checkpoints and three graphs of the user's own."""
        folder = data / "providers" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, graph in TEMPLATES.items():
            (folder / f"{name}.json").write_text(json.dumps(graph), encoding="utf-8")
        listed = ", ".join(f'{{name = "{name}"}}' for name in comfy_nodes.CHECKPOINTS)
        return super().backend(server, data, **{"models": _Toml(f"[{listed}]"), **own})


SUBMIT = "/prompt"
WRONG_STEPS = {"type": "value_smaller_than_min", "message": "Value 0 smaller than min of 1", "details": "steps",
               "extra_info": {"input_name": "steps"}}  # fmt: skip
CASE = ComfyCase(
    name="comfyui",
    create=comfyui.create,
    server=ComfyServer,
    keys=(),
    models=dict.fromkeys(("text-to-image", "image-to-image", "inpaint", "outpaint"), "base.safetensors"),
    submit=SUBMIT,
    wrong={
        "forbidden": says(403, {}, SUBMIT),
        "invalid": says(400, {
            "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"},
            "node_errors": {"3": {"errors": [WRONG_STEPS], "dependent_outputs": ["9"], "class_type": "KSampler"}},
        }, SUBMIT),
    },
    invalid_field="steps",
    polled=True,
    cancels=True,
    free=True,
)  # fmt: skip
