"""The Hugging Face hub's HTTP API, as far as downloads need it; or a mirror of it (`HF_ENDPOINT`).

    GET /api/models/<repository>/revision/<revision>?blobs=true    commit, files with sizes and hashes, licence, gate
    GET /<repository>/resolve/<commit>/<path>                      the file, or a redirect to a host of the hub

The token goes to the endpoint and to nobody else, and stands in no message.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from studio.core.errors import NotConfigured, RateLimited, Rejected, StudioError, Unavailable
from studio.stock.naming import is_safe
from studio.web import Answer, Door, Manners, Request, Waiting, ask, asked_pause, is_allowed, is_loopback

HOSTS = ("huggingface.co", "*.huggingface.co", "*.hf.co")
"""Where the hub keeps files."""
HOPS = 5
MEGABYTE = 1_000_000
TOKENS = "huggingface.co/settings/tokens"


class Gated(NotConfigured):
    """The owner wants something first; `link` is where."""

    code = "gated"

    def __init__(self, message: str, link: str) -> None:
        super().__init__(message)
        self.link = link


@dataclass(frozen=True)
class HubFile:
    """A file at a commit. `digest` is its SHA-256 where the hub keeps it as a large file, else git's SHA-1 of the blob."""

    path: str
    size: int
    digest: str

    @property
    def is_large(self) -> bool:
        return len(self.digest) == 64


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A repository at one commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]
    licence: str = ""
    gated: bool = False


class Hub:
    """`token` is asked for anew with each request, so that one that was just set is heeded."""

    def __init__(self, endpoint: str, door: Door, token: Callable[[], str]) -> None:
        self.endpoint, self.door, self._token = endpoint, door, token

    def listing(self, repository: str, revision: str, waiting: Waiting) -> Listing:
        """What is there now. Raises a `StudioError` whose sentence says what to do."""
        url = f"{self.endpoint}/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
        answer = self._get(url, repository, waiting, 32 * MEGABYTE)
        try:
            return _listing(repository, json.loads(answer.body))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Unavailable(f"The hub's list of {repository} cannot be understood. Try again later.") from None

    def read(self, repository: str, commit: str, path: str, waiting: Waiting) -> bytes:
        """A small file."""
        return self._get(self.address(repository, commit, path), repository, waiting, 4 * MEGABYTE).body

    def address(self, repository: str, commit: str, path: str) -> str:
        return f"{self.endpoint}/{repository}/resolve/{commit}/{quote(path)}"

    def headers(self, url: str) -> dict[str, str]:
        """The token, for the endpoint only."""
        token = self._token() if self.is_own(url) else ""
        return {"authorization": f"Bearer {token}"} if token else {}

    def is_own(self, url: str) -> bool:
        """Whether an address is the endpoint's."""
        return urlsplit(url)[:2] == urlsplit(self.endpoint)[:2]

    def next_hop(self, url: str, answer: Answer) -> str:
        """Where a redirect leads; empty if the answer is none. Raises `Rejected` for a host that is not the hub's."""
        location = answer.headers.get("location")
        if not 300 <= answer.status < 400 or not location:
            return ""
        to = urljoin(url, location)
        loopback = is_loopback(self.endpoint)
        if not self.is_own(to) and not is_allowed(to, HOSTS, loopback):
            where = urlsplit(to).hostname or "nowhere"
            raise Rejected(f"The hub leads to {where[:100]}, which is not one of its known hosts, so nothing was fetched.")
        return to

    def failure(self, answer: Answer, repository: str) -> StudioError | None:
        """What a bad answer of the endpoint means."""
        status = answer.status
        if status < 400:
            return None
        if status == 429:
            return RateLimited("The hub has had too many requests (429). Wait a while, then resume.")
        if status >= 500:
            return Unavailable(f"The hub has trouble of its own ({status}). Resume later.")
        return self._refusal(status, answer.headers.get("x-error-code", ""), repository)

    def _refusal(self, status: int, code: str, repository: str) -> StudioError:
        if status in (401, 403) and code == "GatedRepo":
            return self._gated(repository)
        if status == 401 and code != "RepoNotFound" and self._token():
            return NotConfigured(f"The hub refused the token HF_TOKEN. Make a new one at {TOKENS} and set it in Settings.")
        if status in (401, 404):
            return Rejected(_missing(repository, code), "repository")
        return Rejected(f"The hub refused {repository} ({status}). Look at {self.endpoint}/{repository}.", "repository")

    def _gated(self, repository: str) -> Gated:
        site = self.endpoint if is_loopback(self.endpoint) else "https://huggingface.co"  # a mirror lets nobody in
        link = f"{site}/{repository}"
        if self._token():
            return Gated(
                f"The account of the token HF_TOKEN has no access to {repository} yet. Accept its licence at {link}, "
                "then resume.", link,
            )  # fmt: skip
        return Gated(
            f"{repository} wants its licence accepted first. Do so at {link}, make a token at {TOKENS}, keep it as HF_TOKEN "
            "in Settings (Hugging Face) or in the environment, then resume.", link,
        )  # fmt: skip

    def _get(self, url: str, repository: str, waiting: Waiting, most: int) -> Answer:
        for _ in range(HOPS):
            manners = Manners(service="The hub", failure=lambda answer: self.failure(answer, repository), pause=pause)
            answer = ask(self.door, Request(url=url, headers=self.headers(url), most_bytes=most), manners, waiting)
            to = self.next_hop(url, answer)
            if not to:
                return answer
            url = to
        raise Unavailable("The hub leads from one address to the next without end. Try again later.")


def pause(answer: Answer) -> float | None:
    """Seconds that an answer asks for."""
    return asked_pause(answer, time.time())


def _missing(repository: str, code: str) -> str:
    if code == "EntryNotFound":
        return f"{repository} has no such file. Check its name on the repository's page."
    if code == "RevisionNotFound":
        return f"{repository} has no such revision. Leave it out to take the newest."
    return (
        f"The hub has no model {repository}, or it is private. Check the name; a private one needs a token of its owner, "
        "as HF_TOKEN in Settings."
    )


def _listing(repository: str, told: Mapping[str, Any]) -> Listing:
    commit = str(told["sha"])
    if not (len(commit) == 40 and all(letter in "0123456789abcdef" for letter in commit)):
        raise ValueError(commit)
    card = told.get("cardData") or {}
    tags = [str(tag) for tag in told.get("tags") or ()]
    licence = card.get("license_name") if card.get("license") == "other" else card.get("license")
    licence = licence or next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
    return Listing(
        repository=str(told.get("id") or repository),
        commit=commit,
        files=tuple(_file(each) for each in told["siblings"] if is_safe(str(each["rfilename"]))),
        licence=" ".join(licence) if isinstance(licence, list) else str(licence),
        gated=bool(told.get("gated")),
    )


def _file(told: Mapping[str, Any]) -> HubFile:
    large = told.get("lfs")
    digest = str(large["sha256"] if large else told["blobId"])
    size = int(large["size"] if large else told["size"])
    if len(digest) not in (40, 64) or any(letter not in "0123456789abcdef" for letter in digest) or size < 0:
        raise ValueError(digest)
    return HubFile(str(told["rfilename"]), size, digest)
