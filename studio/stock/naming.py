"""What somebody types to get a model, and what of it is refused before anything is asked of the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from studio.core.errors import InvalidRequest, Rejected

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
HELP = "Type a repository such as stabilityai/sdxl-turbo, or the address of a .safetensors file on huggingface.co."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_PART = re.compile(r"[A-Za-z0-9_()+ ][A-Za-z0-9._()+ -]{0,199}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Wanted:
    """A repository, or with `path` one file of it."""

    repository: str
    path: str = ""
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repository}/{self.path}" if self.path else self.repository


def wanted(text: str, endpoint: str) -> Wanted:
    """Raises `InvalidRequest` for what names no model, `Rejected` for a pickle."""
    text = text.strip()
    parts = _of_address(text, endpoint) if "://" in text else text.strip("/").split("/")
    repository, rest, revision = "/".join(parts[:2]), parts[2:], "main"
    if rest and rest[0] in ("resolve", "blob", "tree", "raw") and len(rest) > 1:
        revision, rest = rest[1], rest[2:]
    path = "/".join(rest)
    named = len(parts) >= 2 and all(_NAME.fullmatch(part) and ".." not in part and "--" not in part for part in parts[:2])
    if not named or not _REVISION.fullmatch(revision) or (path and not is_safe(path)):
        raise InvalidRequest(f"“{text[:120]}” names no model. {HELP}", "repository")
    if path.lower().endswith(PICKLES):
        raise Rejected(
            f"{rest[-1]} is a pickle, which can run code when it is loaded, so it is not downloaded. "
            "Choose a .safetensors file or a repository that has them.",
            "repository",
        )
    if path and not path.lower().endswith(".safetensors"):
        raise InvalidRequest(f"{rest[-1]} is no .safetensors file. {HELP}", "repository")
    if not path and revision != "main":
        raise InvalidRequest("Whole repositories are taken at their main revision. Type owner/name alone.", "repository")
    return Wanted(repository, path, revision)


def is_safe(path: str) -> bool:
    """Whether a file of a repository stays inside the folder that it is put in, on every system."""
    return all(_PART.fullmatch(part) and not part.endswith((".", " ")) for part in path.split("/"))


def _of_address(text: str, endpoint: str) -> list[str]:
    address, own = urlsplit(text), urlsplit(endpoint)
    known = address.hostname in ("huggingface.co", "www.huggingface.co", "hf.co") and address.scheme == "https"
    if not known and (address.scheme, address.netloc) != (own.scheme, own.netloc):
        raise InvalidRequest(f"Models are downloaded from {own.hostname} only. {HELP}", "repository")
    return unquote(address.path).strip("/").split("/")
