"""An AIME API Server on loopback, as its source checks requests."""

from __future__ import annotations

import base64
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, opened, picture

from studio.backends import aime

ALWAYS = {"key": str, "client_session_auth_key": str, "wait_for_result": bool}
SD = {"prompt": str, "negative_prompt": str, "seed": int, "num_samples": (1, 30), "width": (16, 2048, 16),
      "height": (16, 2048, 16), "steps": (1, 64), "cfg_scale": float, "denoise": (0.0, 1.0), "image": str,
      "provide_progress_images": str}  # fmt: skip
INPUTS: dict[str, dict[str, Any]] = {
    "flux-dev": {"prompt": str, "seed": int, "width": (128, 2048, 32), "height": (128, 2048, 32), "steps": (1, 50),
                 "guidance": (1.0, 10.0), "image": str, "image2image_strength": (0.0, 1.0), "provide_progress_images": str},
    "stable_diffusion_3_5": SD,
    "stable_diffusion_xl_txt2img": {
        "prompt": str, "negative_prompt": str, "seed": int, "num_samples": (1, 10), "width": (512, 2048, 64),
        "height": (512, 2048, 64), "base_steps": (1, 64), "refine_steps": (1, 64), "scale": (1.0, 10.0),
        "base_sampler": ("EulerEDMSampler", "HeunEDMSampler"), "refine_sampler": str, "img2img_strength": float},
    "stable_diffusion_xl_img2img": {
        "text": str, "prompt": str, "image": str, "strength": (0.0, 1.0), "ddim_steps": (1, 100), "scale": (1.0, 20.0),
        "n_samples": (1, 10), "ddim_eta": float, "n_rows": int},
}  # fmt: skip
REQUIRED = {"stable_diffusion_xl_img2img": ("text",)}


def refused(status: int, error: Any) -> Said:
    return Said({"success": False, "error": error, "ep_version": 2}, status)


class AimeServer(Loopback):
    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 2
        self.state = "done"
        self.jobs: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/api/validate_key":  # reads the query, whatever the method
            good = asked.query.get("key") == KEY
            return Said({"success": good, "error": None if good else "Key not valid"})
        if found := matched("/([^/]+)/progress", asked.path):
            return self.progress(found[1], asked.json)
        endpoint = asked.path.strip("/")
        if endpoint not in INPUTS:
            return Said({"description": "Not Found", "status": 404}, 404)
        values = asked.json
        if values.get("key") != KEY:
            return refused(401, ["API key not valid"])
        if errors := _errors(endpoint, values):
            return refused(400, errors)
        id = f"JID{self.count_made()}"
        self.jobs[id] = {"endpoint": endpoint, "values": values, "looks": 0}
        assert values["wait_for_result"] is False
        return Said({"success": True, "job_id": id, "ep_version": 2})

    def progress(self, endpoint: str, values: dict[str, Any]) -> Said:
        job = self.jobs.get(values.get("job_id", ""))
        if job is None or job["endpoint"] != endpoint:
            return refused(402, [f"Client has no active request with this job id {values.get('job_id')}"])
        assert values["key"] == KEY
        job["looks"] += 1
        answer = {"success": True, "job_id": values["job_id"], "ep_version": 2}
        if job["looks"] <= self.looks_needed:
            part = {"progress": 40 * job["looks"], "queue_position": 0, "progress_data": {}}
            return Said({**answer, "job_state": "processing", "progress": part})
        if self.state != "done":
            return Said({**answer, "job_state": self.state, "progress": None})
        return Said({**answer, "job_state": "done", "job_result": self.result(job["values"])})

    def result(self, values: dict[str, Any]) -> dict[str, Any]:
        seed = values.get("seed", 7)
        count = values.get("num_samples") or values.get("n_samples") or 1
        images = [base64.b64encode(picture(kind="JPEG", seed=37 * (seed + number))).decode() for number in range(count)]
        return {"success": True, "images": [f"data:image/JPEG;base64,{image}" for image in images], "seed": seed,
                "model_name": "FLUX.1-dev", "compute_duration": 1.5}  # fmt: skip


def _errors(endpoint: str, values: dict[str, Any]) -> list[str]:
    known = {**ALWAYS, **INPUTS[endpoint]}
    errors = [f"Invalid parameter: {name}" for name in values if name not in known]
    errors += [f"Missing required argument: {name}" for name in REQUIRED.get(endpoint, ("prompt",)) if not values.get(name)]
    for name in set(values) & set(known):
        errors += _of_value(name, values[name], known[name])
    return errors + (_of_picture(endpoint, values["image"]) if "image" in values else [])


def _of_value(name: str, value: Any, rule: Any) -> list[str]:
    if isinstance(rule, type):
        good = isinstance(value, int | float) if rule is float else isinstance(value, rule)
        return [] if good else [f"Invalid argument type {name}={value}. Expected: {rule}"]
    if isinstance(rule[0], str):
        return [] if value in rule else [f"Parameter {name} = {value} not in supported values {rule}!"]
    low, high, *align = rule
    if not low <= value <= high:
        return [f"Parameter {name} = {value} is too {'high' if value > high else 'low'}."]
    return [f"Parameter {name} = {value} has no valid alignment"] if align and value % align[0] else []


def _of_picture(endpoint: str, text: str) -> list[str]:
    if not text.startswith("data:image/"):
        return ["Invalid image: no data URI"]
    width, height = opened(base64.b64decode(text.partition(",")[2], validate=True)).size
    if max(width, height) > 1024:
        return [f"Parameter image.size = ({width}, {height}) is too high."]
    small = endpoint.endswith("img2img") and (min(width, height) < 512 or width % 32 or height % 32)
    return [f"Parameter image.size = ({width}, {height}) is too low."] if small else []


SUBMIT = "/flux-dev"
CASE = Case(
    name="aime",
    create=aime.create,
    server=AimeServer,
    keys=("AIME_API_KEY",),
    models={"text-to-image": "flux-dev", "image-to-image": "stable_diffusion_3_5"},
    submit=SUBMIT,
    wrong={
        "key": says(401, {"success": False, "error": ["API key not valid"], "ep_version": 2}, SUBMIT),
        "forbidden": says(402, {"success": False, "error": ["Client not authorized for endpoint flux-dev!"]}, SUBMIT),
        "invalid": says(400, {"success": False, "error": ["Parameter guidance = 30 is too high. Max is 10!"]}, SUBMIT),
        "busy": says(400, {"success": False, "error": "Job queue reached max length 10!"}, SUBMIT),
    },
    invalid_field="guidance_scale",
    polled=True,
)  # fmt: skip
