"""Which files of a repository in diffusers layout are needed: the parts its index names, in one precision, no pickles."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from studio.core.collection import Precision
from studio.core.errors import Rejected
from studio.stock.hub import HubFile
from studio.stock.naming import PICKLES

INDEX = "model_index.json"
HALVES = ("fp16", "bf16")
_ORDER = {"half": (*HALVES, ""), "full": ("", *HALVES)}
_WEIGHTS = re.compile(
    r"(?P<stem>diffusion_pytorch_model|model)(?:\.(?P<variant>fp16|bf16))?(?P<shard>-\d{5}-of-\d{5})?"
    r"(?:\.(?P<late>fp16|bf16))?\.safetensors"
)
_WEIGHTS_INDEX = re.compile(r"(?:diffusion_pytorch_model|model)\.safetensors\.index(?:\.(?P<variant>fp16|bf16))?\.json")
_WORDS = ("merges.txt", "vocab.txt", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "chat_template.jinja")
_NO_WEIGHTS = ("Scheduler", "Processor", "ProcessorFast", "FeatureExtractor", "Tokenizer", "TokenizerFast")


def needed(files: Sequence[HubFile], index: bytes, repository: str, precision: Precision, *, half: bool) -> list[HubFile]:
    """The files to take, small ones first, the index last. `half`: what `auto` means here. Raises `Rejected`."""
    order = _ORDER["half" if precision == "half" or (precision == "auto" and half) else "full"]
    chosen = [file for file in files if file.path == INDEX]
    for part, kind in _parts(index, repository).items():
        own = [file for file in files if file.path.startswith(f"{part}/") and file.path.count("/") == 1]
        if not own:
            raise Rejected(f"{repository} is incomplete: its part {part} is missing. Choose another repository.")
        chosen += [file for file in own if _is_config(file)]
        if not kind.endswith(_NO_WEIGHTS):
            chosen += _weights(own, part, repository, order)
    return sorted(dict.fromkeys(chosen), key=lambda file: (file.path == INDEX, file.is_large, file.size))


def one(files: Sequence[HubFile], path: str, repository: str) -> HubFile:
    """The file at `path`. Raises `Rejected` if it is not there, or not checked by a SHA-256."""
    found = next((file for file in files if file.path == path), None)
    if found is None:
        raise Rejected(f"{repository} has no file {path}. {single_files(files)}".strip(), "repository")
    return found


def refuse_without_index(files: Sequence[HubFile], repository: str) -> None:
    """Raises `Rejected` for a repository that is not in diffusers layout, with what could be taken of it."""
    if any(file.path == INDEX for file in files):
        return
    why = single_files(files)
    if not why and any(file.path.lower().endswith(PICKLES) for file in files):
        why = "It has pickles only, which can run code when they are loaded. Choose a repository with safetensors."
    raise Rejected(
        f"{repository} is not in diffusers layout (no {INDEX}). {why or 'It has no weights that the studio can use.'}",
        "repository",
    )


def single_files(files: Sequence[HubFile]) -> str:
    """A sentence that names the single files one could take, if there are any."""
    names = [file.path for file in files if "/" not in file.path and file.path.endswith(".safetensors")]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"Add one of its files by name: {', '.join(names[:3])}{more}, behind the repository and a “/”." if names else ""


def _parts(index: bytes, repository: str) -> dict[str, str]:
    """Part → class, of those in use."""
    try:
        told = json.loads(index)
        parts = {
            str(name): str(value[1])
            for name, value in told.items()
            if not name.startswith("_") and isinstance(value, list) and len(value) == 2 and value[0] is not None
        }
    except (ValueError, AttributeError, RecursionError):
        raise Rejected(f"{repository} has a {INDEX} that cannot be read. Choose another repository.") from None
    if not parts or not all(name.isidentifier() for name in parts):
        raise Rejected(f"{repository} has a {INDEX} with strange entries. Choose a repository that you trust.")
    return parts


def _is_config(file: HubFile) -> bool:
    name = file.path.rpartition("/")[2]
    return name in _WORDS or (name.endswith(".json") and not name.endswith(".index.json") and ".index." not in name)


def _weights(own: Sequence[HubFile], part: str, repository: str, order: Sequence[str]) -> list[HubFile]:
    """The weights of the first precision that is there; a whole file before shards, which come with their index."""
    found = [(match, file) for file in own if (match := _WEIGHTS.fullmatch(file.path.rpartition("/")[2]))]
    for variant in order:
        of_it = [(match, file) for match, file in found if (match["variant"] or match["late"] or "") == variant]
        whole = [file for match, file in of_it if not match["shard"]]
        if whole:
            return whole[:1]
        if of_it:
            indices = [(_WEIGHTS_INDEX.fullmatch(file.path.rpartition("/")[2]), file) for file in own]
            named = [file for match, file in indices if match and (match["variant"] or "") == variant]
            return [*(file for _, file in of_it), *named[:1]]
    if any(file.path.lower().endswith(PICKLES) for file in own):
        raise Rejected(
            f"{repository} has only pickles in {part}, which can run code when they are loaded, so it is not downloaded. "
            "Choose a repository with safetensors weights."
        )
    raise Rejected(f"{repository} has no weights in {part} that the studio can use. Choose another repository.")
