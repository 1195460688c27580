"""Adapters in AUTOMATIC1111's words: `<lora:name:0.8>` in the prompt, hashes in the line of pairs; written and read.

    Lora hashes: "name: 0123456789, …"   TI hashes: "name: 0123456789"   VAE hash, VAE
    ControlNet 0: "Module: canny, Model: name [01234567], Weight: 1, Guidance Start: 0, Guidance End: 1"

The hashes are the first ten digits of the file's SHA-256 (AutoV2), by which sites and other programs find a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from studio.core.adapters import MAX_ADAPTERS, tag, take_tags
from studio.core.evidence import Worn
from studio.core.result import Draft

AUTOV2 = 10
_HASHES = {"lora": "Lora hashes", "textual-inversion": "TI hashes"}
_PAIR = re.compile(r"\s*([^:]{1,200}):\s*([0-9a-fA-F]{6,64})\s*(?:,|$)")


def worn_of(draft: Draft) -> list[Mapping[str, Any]]:
    """What was at work, as the backend told it."""
    told = (draft.facts.get("used") or {}).get("adapters") or ()
    return [each for each in told if isinstance(each, Mapping) and "name" in each and "kind" in each]


def prompt_with_tags(draft: Draft) -> str:
    """The prompt with a tag for each LoRA that has none in it, as AUTOMATIC1111 has them."""
    prompt = draft.request.prompt
    there = {name.casefold() for text in (prompt, draft.request.negative_prompt) for name, _ in take_tags(text)[1]}
    tags = [tag(_safe(each["name"]), float(each.get("weight", 1.0)))
            for each in worn_of(draft) if each["kind"] == "lora" and str(each["name"]).casefold() not in there]  # fmt: skip
    return " ".join(filter(None, (prompt, *tags)))


def pairs(draft: Draft) -> list[tuple[str, str]]:
    """Ready values, the quoted ones with their quotation marks."""
    worn = worn_of(draft)
    found = []
    for kind, key in _HASHES.items():
        told = ", ".join(f"{_safe(each['name'])}: {_hash(each)}" for each in worn if each["kind"] == kind and _hash(each))
        found += [(key, f'"{told}"')] if told else []
    for each in (each for each in worn if each["kind"] == "vae"):
        found += [("VAE hash", _hash(each)), ("VAE", _safe(each["name"]))]
    asked = {(adapter.kind, adapter.name): adapter for adapter in draft.request.adapters}
    for number, each in enumerate(each for each in worn if each["kind"] == "controlnet"):
        adapter = asked.get((each["kind"], each["name"]))
        span = f", Guidance Start: {adapter.start:g}, Guidance End: {adapter.end:g}" if adapter else ""
        model = f"{_safe(each['name'])} [{_hash(each)[:8]}]"
        told = (
            f"Module: {each.get('preprocessor') or 'none'}, Model: {model}, Weight: {float(each.get('weight', 1)):g}{span}"
        )
        found.append((f"ControlNet {number}", f'"{told}"'))
    ip = "; ".join(
        f"{_safe(each['name'])} {float(each.get('weight', 1)):g}" for each in worn if each["kind"] == "ip-adapter"
    )
    return [*found, *([("IP-Adapter", ip)] if ip else [])]


def read_worn(prompts: tuple[str, str], fields: Mapping[str, str]) -> tuple[Worn, ...]:
    """The LoRAs and embeddings that a text names. Pictures of ControlNets are in no such text, so these are left out."""
    hashes = {kind: dict(_PAIR.findall(fields.get(key, ""))) for kind, key in _HASHES.items()}
    known = {name.strip(): hash.lower() for name, hash in hashes["lora"].items()}
    tags = {name: weight for text in prompts for name, weight in take_tags(text)[1]}
    found = [Worn(kind="lora", name=name, weight=weight, hash=known.get(name, "")) for name, weight in tags.items()]
    found += [Worn(kind="textual-inversion", name=name.strip(), hash=hash.lower())
              for name, hash in hashes["textual-inversion"].items()]  # fmt: skip
    if vae := fields.get("VAE"):
        found.append(
            Worn(kind="vae", name=re.sub(r"\.(safetensors|pt|ckpt)$", "", vae)[:200], hash=fields.get("VAE hash", "")[:64])
        )
    return tuple(found[:MAX_ADAPTERS])


def _hash(told: Mapping[str, Any]) -> str:
    return str(told.get("sha256") or "")[:AUTOV2]


def _safe(name: object) -> str:
    """A name that breaks neither the pairs nor a tag."""
    return re.sub(r'[,:"<>\s]+', " ", str(name)).strip()
