"""Prompts of any length and with weights, as the arguments of a pipeline's call. Nothing is cut without a note.

A prompt that fits the encoder and has no weights goes to the pipeline as text, so that its picture is the bare pipeline's.
Everything else is encoded by compel, in chunks that break at punctuation; its own syntax is never parsed: it is handed
our fragments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from studio.backends.local import weights
from studio.backends.local.families import TRUE_CFG
from studio.backends.local.loader import Loaded
from studio.backends.local.tokens import CLIP_PARTS, CLIP_ROOM
from studio.core.request import ImageRequest

Fragments = list[tuple[str, float]]
_NEAR_ZERO = 0.01
"""compel's formula for weights below one has a pole at zero, which overflows float16."""


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """Arguments for the pipeline, notes for the user, and how many tokens each prompt has."""

    arguments: dict[str, Any]
    notes: tuple[str, ...] = ()
    tokens: dict[str, int] = field(default_factory=dict)


def condition(loaded: Loaded, request: ImageRequest) -> Conditioning:
    """Turn a request's prompts into arguments for `loaded.pipe`."""
    if loaded.found.family.chunked:
        return _clip(loaded, request)
    if loaded.found.pipeline in CLIP_PARTS and loaded.pipe.text_encoder and loaded.pipe.text_encoder_2:
        return _clip_parts(loaded, request)
    made = _text(loaded, request.prompt, request.negative_prompt, float(request.options.get(TRUE_CFG) or 1))
    if not weights.is_weighted(weights.parse(request.prompt)):
        return made
    return replace(made, notes=(*made.notes, f"{loaded.found.model.title} takes weights such as (word:1.2) as plain text"))


def _text(loaded: Loaded, prompt: str, negative: str, true_cfg: float = 1.0) -> Conditioning:
    """For encoders that compel does not cover: the text as it is."""
    model, family = loaded.found.model, loaded.found.family
    limit = model.max_tokens or family.max_tokens
    arguments: dict[str, Any] = {"prompt": prompt, "max_sequence_length": family.max_tokens}
    tokens = {"prompt": _length(_tokenizer(loaded), prompt)}
    if family.true_cfg and true_cfg > 1:
        arguments |= {TRUE_CFG: true_cfg, "negative_prompt": negative}
    elif family.negative and not family.true_cfg:
        arguments["negative_prompt"] = negative or family.empty_negative
    if "negative_prompt" in arguments:
        tokens["negative_prompt"] = _length(_tokenizer(loaded), negative)
    room = limit - _tokenizer(loaded).num_special_tokens_to_add()
    notes = [
        f"{name.replace('_', ' ')} has {count} tokens; {model.title} reads the first {room}"
        for name, count in tokens.items()
        if count > room
    ]
    if family.true_cfg and true_cfg <= 1 and negative.strip():
        notes.append("negative prompt has no effect: raise the true guidance above 1")
    return Conditioning(arguments=arguments, notes=tuple(notes), tokens=tokens)


def _clip_parts(loaded: Loaded, request: ImageRequest) -> Conditioning:
    """For Stable Diffusion 3: its two CLIP encoders read weights and any length, T5 the plain words.

    A text that is short and without weights goes to the pipeline, so that its picture is the bare pipeline's.
    """
    import torch

    pipe, title = loaded.pipe, loaded.found.model.title
    (positive, notes), (negative, more) = (
        weights.clamp(weights.parse(text)) for text in (request.prompt, request.negative_prompt)
    )
    plain = {name: "".join(text for text, _ in part) for name, part in (("prompt", positive), ("negative_prompt", negative))}
    long = max(_length(pipe.tokenizer, text) for text in plain.values()) > CLIP_ROOM
    weighted = weights.is_weighted(positive) or weights.is_weighted(negative)
    if not (long or weighted):
        return _text(loaded, plain["prompt"], plain["negative_prompt"])
    with torch.no_grad():
        providers = _providers(pipe, xl=True)
        clips = _same_length(providers, [_embed(providers, part) for part in (positive, negative)])
        pooled = [torch.cat([_pooled(each, part) for each in providers], dim=-1) for part in (positive, negative)]
        length = loaded.found.family.max_tokens
        ts = [pipe._get_t5_prompt_embeds(prompt=text, max_sequence_length=length) for text in plain.values()]
        whole = [
            torch.cat([torch.nn.functional.pad(clip, (0, t5.shape[-1] - clip.shape[-1])), t5.to(clip)], dim=-2)
            for clip, t5 in zip(clips, ts, strict=True)
        ]
    arguments = {"prompt_embeds": whole[0], "negative_prompt_embeds": whole[1],
                 "pooled_prompt_embeds": pooled[0], "negative_pooled_prompt_embeds": pooled[1]}  # fmt: skip
    counted = {name: _length(_tokenizer(loaded), text) for name, text in plain.items()}
    if pipe.text_encoder_3 is None:
        return Conditioning(arguments=arguments, notes=(*notes, *more), tokens=counted)
    told = [f"weights act on the CLIP encoders of {title}; T5 reads the plain words"] if weighted else []
    room = length - 1
    told += [f"{name.replace('_', ' ')} has {count} tokens; T5 reads the first {room}" for name, count in counted.items()
             if count > room]  # fmt: skip
    return Conditioning(arguments=arguments, notes=(*notes, *more, *told), tokens=counted)


def _clip(loaded: Loaded, request: ImageRequest) -> Conditioning:
    """For the encoders of Stable Diffusion 1, 2 and XL."""
    positive, notes = weights.clamp(weights.parse(request.prompt))
    negative, more = weights.clamp(weights.parse(request.negative_prompt))
    texts = {name: "".join(text for text, _ in part) for name, part in (("prompt", positive), ("negative_prompt", negative))}
    tokenizer = _tokenizer(loaded)
    tokens = {name: sum(_length(tokenizer, text) for text, _ in part) for name, part in
              (("prompt", positive), ("negative_prompt", negative))}  # fmt: skip
    room = tokenizer.model_max_length - 2
    weighted = weights.is_weighted(positive) or weights.is_weighted(negative)
    if weighted or max(tokens.values()) > room:
        return Conditioning(arguments=_encode(loaded.pipe, positive, negative), notes=(*notes, *more), tokens=tokens)
    arguments = {"prompt": texts["prompt"], "negative_prompt": texts["negative_prompt"] or None}
    return Conditioning(arguments=arguments, notes=(*notes, *more), tokens=tokens)


def _encode(pipe: Any, positive: Fragments, negative: Fragments) -> dict[str, Any]:
    """Embeddings of both prompts at one common length, in float of the text encoder."""
    import torch

    xl = hasattr(pipe, "text_encoder_2")
    with torch.no_grad():
        providers = _providers(pipe, xl=xl)
        prompt, empty = (_embed(providers, fragments) for fragments in (positive, negative))
        prompt, empty = _same_length(providers, [prompt, empty])
        if not xl:
            return {"prompt_embeds": prompt, "negative_prompt_embeds": empty}
        pooled, empty_pooled = (_pooled(providers[-1], fragments) for fragments in (positive, negative))
    if not negative and pipe.config.force_zeros_for_empty_prompt:
        empty, empty_pooled = torch.zeros_like(empty), torch.zeros_like(empty_pooled)
    return {
        "prompt_embeds": prompt,
        "negative_prompt_embeds": empty,
        "pooled_prompt_embeds": pooled,
        "negative_pooled_prompt_embeds": empty_pooled,
    }


def _providers(pipe: Any, *, xl: bool) -> list[Any]:
    from compel.embeddings_provider import EmbeddingsProvider, ReturnedEmbeddingsType, SplitLongTextMode

    kinds = ReturnedEmbeddingsType
    layer = kinds.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED if xl else kinds.LAST_HIDDEN_STATES_NORMALIZED
    pairs = [(pipe.tokenizer, pipe.text_encoder), *([(pipe.tokenizer_2, pipe.text_encoder_2)] if xl else [])]
    present = [pair for pair in pairs if pair[1] is not None]  # a refiner has the second encoder only
    return [
        EmbeddingsProvider(
            tokenizer,
            encoder,
            dtype_for_device_getter=lambda _, dtype=encoder.dtype: dtype,
            truncate=False,
            returned_embeddings_type=layer,
            split_long_text_mode=SplitLongTextMode.PHRASES,
        )
        for tokenizer, encoder in present
    ]


def _embed(providers: list[Any], fragments: Fragments) -> Any:
    """Embeddings [1, chunks × 77, width], the encoders' side by side."""
    import torch

    parts = []
    for provider in providers:
        usable = _usable(provider.tokenizer, fragments)
        texts, factors = [text for text, _ in usable], [weight for _, weight in usable]
        parts.append(provider.get_embeddings_for_weighted_prompt_fragments([texts], [factors], device=provider.device))
    longest = max(part.shape[1] for part in parts)
    return torch.cat([_pad(provider, part, longest) for provider, part in zip(providers, parts, strict=True)], dim=-1)


def _same_length(providers: list[Any], embeddings: list[Any]) -> list[Any]:
    import torch

    longest = max(embedding.shape[1] for embedding in embeddings)
    empty = torch.cat([provider.empty_z for provider in providers], dim=-1)
    return [torch.cat([part, *[empty] * ((longest - part.shape[1]) // empty.shape[1])], dim=1) for part in embeddings]


def _pad(provider: Any, embedding: Any, length: int) -> Any:
    import torch

    empty = provider.empty_z
    return torch.cat([embedding, *[empty] * ((length - embedding.shape[1]) // empty.shape[1])], dim=1)


def _pooled(provider: Any, fragments: Fragments) -> Any:
    """The summary vector; it sees the first chunk, as everywhere."""
    usable = _usable(provider.tokenizer, fragments)
    return provider.get_pooled_embeddings(["".join(text for text, _ in usable)], device=provider.device)


def _usable(tokenizer: Any, fragments: Fragments) -> Fragments:
    """Fragments that have tokens, in the form compel can follow: the tokenizer's own marks in a text are taken apart."""
    marks = [mark for mark in (tokenizer.bos_token, tokenizer.eos_token) if mark and len(mark) > 1]
    usable = []
    for text, weight in fragments:
        for mark in marks:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")  # noqa: PLW2901  each mark in turn
        if _length(tokenizer, text):
            usable.append((text, max(weight, _NEAR_ZERO)))
    return usable or [("", 1.0)]


def _tokenizer(loaded: Loaded) -> Any:
    return getattr(loaded.pipe, loaded.found.family.tokenizer, None) or loaded.pipe.tokenizer


def _length(tokenizer: Any, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"]) if text else 0
