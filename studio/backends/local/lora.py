"""LoRAs of every dialect on a pipeline: kohya's, PEFT's and diffusers' own. Low-rank adaptation: Hu et al. 2021.

diffusers translates the names. What it could not place is told; a file of which nothing fits is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from studio.backends.local.adapter_files import AdapterFile
from studio.backends.local.adapter_loading import tensors
from studio.core.errors import InvalidRequest, Unavailable

_DOWN = re.compile(r"\.(?:lora_down|lora_A|lora\.down|lora_linear_layer\.down)(?:\.default)?\.weight$|_lora\.down\.weight$")
MOST_NAMED = 3


def apply_loras(pipe: Any, wanted: Sequence[tuple[AdapterFile, float]], undone: ExitStack) -> list[str]:
    """Put LoRAs with their weights onto a pipeline's parts; `undone` takes them off.

    Returns notes. Raises `InvalidRequest` for a file of which nothing fits.
    """
    undone.callback(pipe.unload_lora_weights)
    names = [f"lora_{place}" for place in range(len(wanted))]
    notes = [note for name, (file, _) in zip(names, wanted, strict=True) for note in _load(pipe, name, file)]
    pipe.set_adapters(names, [weight for _, weight in wanted])
    return notes


def _load(pipe: Any, name: str, file: AdapterFile) -> list[str]:
    state = tensors(file)
    asked = sorted(key for key in state if _DOWN.search(key))
    try:
        pipe.load_lora_weights(state, adapter_name=name)
    except (ValueError, KeyError, IndexError) as error:
        raise InvalidRequest(f"Nothing in the LoRA {file.name} fits this model. Remove it.", "adapters") from error
    except RuntimeError as error:
        if "size mismatch" not in str(error):
            raise
        told = f"The LoRA {file.name} was made for a model of other sizes. Remove it, or choose the model it was made for."
        raise Unavailable(told) from error
    placed = _placed(pipe, name)
    if not placed:
        raise InvalidRequest(f"Nothing in the LoRA {file.name} fits this model. Remove it.", "adapters")
    missing = len(asked) - len(placed)
    if missing <= 0:
        return [f"LoRA {file.name}: all {len(placed)} layers matched"]
    return [f"LoRA {file.name}: {len(placed)} of {len(asked)} layers matched{_named(asked, placed)}"]


def _placed(pipe: Any, name: str) -> set[str]:
    """Paths of the layers that have this adapter."""
    found = set()
    for part in pipe._lora_loadable_modules:
        module = getattr(pipe, part, None)
        for path, layer in module.named_modules() if module is not None else ():
            if name in getattr(layer, "lora_A", ()):
                found.add(f"{part}.{path}")
    return found


def _named(asked: Sequence[str], placed: set[str]) -> str:
    """Some names of layers that found no place, where names can be compared."""
    ends = tuple(re.sub(r"[._]", "_", path.partition(".")[2]) for path in placed)
    lost = [key for key in asked if not re.sub(r"[._]", "_", _DOWN.sub("", key)).endswith(ends)]
    shown = ", ".join(lost[:MOST_NAMED])
    return f"; without a place: {shown}{' …' if len(lost) > MOST_NAMED else ''}" if lost else ""
