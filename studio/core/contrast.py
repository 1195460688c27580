"""What differs between the settings of two pictures, as a short list: only what differs, words of the prompt one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from typing import Any

from studio.core.request import Adapter, ImageRequest, Size, Source, Task
from studio.core.result import Record
from studio.core.variation import say_variations, variations_of

_WORD = re.compile(r"<[^<>]*>|[^\s,]+")
MOST_WORDS = 600
"""Longer prompts are said to differ, and not how."""
_OWN_LINES = {"image", "mask", "sketch", "size", "strength"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One setting that differs. Of texts `added` and `removed` are the words; of all else `before` and `after` are told."""

    name: str
    before: str = ""
    after: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        if self.added or self.removed:
            words = [f"+ {text}" for text in self.added] + [f"− {text}" for text in self.removed]
            return f"{self.name}: {', '.join(words)}"
        return f"{self.name}: {self.before or 'none'} → {self.after or 'none'}"


def contrast(one: Record, other: Record, titles: Mapping[str, str] | None = None) -> tuple[Difference, ...]:
    """How the settings of `other` differ from those of `one`. `titles` name models by id."""
    told = titles or {}
    prompts = (
        _words("Prompt", one.request.prompt, other.request.prompt),
        _words("Negative prompt", one.request.negative_prompt, other.request.negative_prompt),
    )
    before, after = dict(_settings(one, told)), dict(_settings(other, told))
    names = list(dict.fromkeys((*before, *after)))
    plain = (
        Difference(name=name, before=before.get(name, ""), after=after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )
    return (*(each for each in prompts if each), *plain)


def _words(name: str, before: str, after: str) -> Difference | None:
    """Which words came and went; neighbours together."""
    if before == after:
        return None
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return Difference(name=name, before=f"{len(old)} words", after=f"{len(new)} words, not the same")
    added: list[str] = []
    removed: list[str] = []
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            removed += [" ".join(old[start:end])] if end > start else []
            added += [" ".join(new[first:last])] if last > first else []
    if not (added or removed):
        return Difference(name=name, before="the same words", after="set otherwise")
    return Difference(name=name, added=tuple(added), removed=tuple(removed))


def _settings(record: Record, titles: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    request, used = record.request, record.facts.get("used")
    ran: Mapping[str, Any] = used if isinstance(used, Mapping) else {}
    sampling = request.sampling
    yield "Model", titles.get(request.model, request.model)
    yield "Task", request.task.kind.replace("-", " ")
    yield "Seed", str(record.seed)
    yield "Variation", say_variations(variations_of(request, record.facts))
    yield "Steps", _said(ran.get("steps", sampling.steps))
    yield "Guidance scale", _said(ran.get("guidance_scale", sampling.guidance_scale))
    yield "Sampler", _said(ran.get("sampler", sampling.sampler))
    yield "Size", f"{record.width} × {record.height}"
    yield from _of_task(request.task)
    for adapter in request.adapters:
        yield _adapter(adapter)
    yield from _of_request(request)


def _of_task(task: Task) -> Iterator[tuple[str, str]]:
    yield "Strength", _said(getattr(task, "strength", None))
    for name in ("image", "mask", "sketch"):
        source = getattr(task, name, None)
        if isinstance(source, Source):
            yield {"image": "Made from"}.get(name, name.capitalize()), source.name or source.sha256[:10]
    for each in fields(task):
        if each.name not in _OWN_LINES:
            yield each.name.replace("_", " ").capitalize(), _said(getattr(task, each.name))


def _of_request(request: ImageRequest) -> Iterator[tuple[str, str]]:
    yield "Preset", request.preset
    yield "Styles", ", ".join(request.styles)
    if request.hires:
        yield "Enlarged", f"{request.hires.scale:g} × by {request.hires.upscaler}, strength {request.hires.strength:g}"
    for name, value in request.options.items():
        yield name.replace("_", " ").capitalize(), _said(value)


def _adapter(adapter: Adapter) -> tuple[str, str]:
    kind = {"lora": "LoRA", "vae": "VAE", "controlnet": "ControlNet", "ip-adapter": "IP-Adapter"}.get(
        adapter.kind, "Embedding"
    )
    return f"{kind} {adapter.name}", f"{adapter.weight:g}"


def _said(value: Any) -> str:
    match value:
        case None | "":
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case Size():
            return f"{value.width} × {value.height}"
        case _:
            return str(value)[:200]
