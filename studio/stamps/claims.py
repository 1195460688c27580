"""What our manifests claim, as C2PA 2.2 words it; plain values, no signing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from studio.core.request import Source, TextToImage, sources
from studio.core.result import Draft

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED, COMPOSITE = SOURCE_TYPES + "trainedAlgorithmicMedia", SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
STAMP = "org.studio.stamp"
PARENT = "parent"


def source_type(task_kind: str) -> str:
    return TRAINED if task_kind == TextToImage.kind else COMPOSITE


def manifest_of(draft: Draft, version: str, *, from_parent: bool) -> dict[str, Any]:
    """A draft's manifest. `from_parent`: an ingredient with the label `PARENT` goes with it.

    The prompt is not in it: a manifest is kept wherever the file goes, and share copies leave prompts out.
    """
    used: Mapping[str, Any] = draft.facts.get("used", {})
    agent = {"name": str(used.get("model") or draft.request.model), "version": str(used.get("model_sha256") or "")[:10]}
    made = {"when": draft.created, "softwareAgent": agent, "digitalSourceType": source_type(draft.request.task.kind)}
    actions: list[dict[str, Any]] = [{"action": "c2pa.created", **made}]
    if from_parent:
        actions = [_opened(), {"action": "c2pa.edited", **made}]
    marked = draft.facts.get("watermark", {})
    return _manifest(draft.id, version, actions, marked, [_disclosure(agent, used), _stamp(draft)])


def copy_manifest(
    title: str, version: str, task_kind: str, marked: Mapping[str, Any], *, changes: tuple[str, ...]
) -> dict[str, Any]:
    """A share copy's: the kept picture opened, the `changes` (`c2pa.resized`, …) made, the AI label on the last of them."""
    actions: list[dict[str, Any]] = [_opened(), *({"action": change} for change in changes)]
    actions[-1]["digitalSourceType"] = source_type(task_kind)
    return _manifest(title, version, actions, marked, [])


def parent_of(draft: Draft) -> Source | None:
    """The picture that an edit started from."""
    return sources(draft.request.task).get("image")


def looked_at(draft: Draft) -> list[Source]:
    """The pictures besides that adapters looked at."""
    return [adapter.image for adapter in draft.request.adapters if adapter.image]


def _opened() -> dict[str, Any]:
    return {"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}}


def _manifest(
    title: str, version: str, actions: list[dict[str, Any]], marked: Mapping[str, Any], more: list[dict[str, Any]]
) -> dict[str, Any]:
    binding = []
    if marked.get("present"):
        actions = [*actions, {"action": "c2pa.watermarked.bound"}]
        value = base64.b64encode(bytes.fromhex(marked["payload"])).decode()
        data = {"alg": marked["algorithm"], "blocks": [{"scope": {}, "value": value}]}
        binding = [{"label": "c2pa.soft-binding", "data": data}]
    return {
        "claim_generator_info": [{"name": "Studio", "version": version}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}, *binding, *more],
    }


def _disclosure(agent: Mapping[str, str], used: Mapping[str, Any]) -> dict[str, Any]:
    data = {"modelType": "c2pa.types.model", "modelName": agent["name"]}
    if used.get("model_sha256"):
        data["modelIdentifier"] = f"sha256:{used['model_sha256']}"
    return {"label": "c2pa.ai-disclosure", "data": data}


def _stamp(draft: Draft) -> dict[str, Any]:
    """Our own assertion: the record, the settings, the detectors' scores and what the policy said."""
    used, asked = draft.facts.get("used", {}), draft.request.sampling
    settings = {
        "task": draft.request.task.kind,
        "model": draft.request.model,
        "model_sha256": used.get("model_sha256"),
        "seed": draft.picture.seed,
        "steps": used.get("steps", asked.steps),
        "sampler": used.get("sampler", asked.sampler),
        "guidance_scale": used.get("guidance_scale", asked.guidance_scale),
        "size": f"{draft.picture.image.width}x{draft.picture.image.height}",
    }
    policy = [{"check": v.check, "outcome": v.outcome, "reason_code": v.reason_code} for v in draft.verdicts]
    data = {"schema": 1, "record": draft.id, "settings": settings, "policy": policy}
    data |= {name: draft.facts[name] for name in ("detector", "watermark") if name in draft.facts}
    return {"label": STAMP, "data": data}
