"""The words between a provider's file and the rest: a provider translates wishes into calls and answers into replies.

A key never stands in these values. Where one belongs, a header, a query or a field in `Call.key_fields` holds `$NAME`; the
key takes its place when the call is sent, and the same text goes into records and “copy as cURL”.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image

from studio.core.errors import StudioError
from studio.core.hosting import Limit
from studio.core.model import Model
from studio.core.request import Size
from studio.web import Answer

Moderation = Literal["ok", "flagged", "blurred", "blocked_by_provider", "unknown"]
"""`flagged`: the provider marked the picture and gave it all the same; `unknown`: it says nothing of moderation."""
Evidence = Literal["official", "documented", "third-party", "unverified"]
"""What a provider's wire facts rest on: a specification or source code, documentation, other people's code, or a guess."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a provider besides its wire. `url` is the base of its addresses, `hosts` where its results may lie.

    `safe` are statuses of a paid call after which nothing was made, so that a repeat costs nothing. `free`: nothing is ever
    billed (a server of one's own). `idempotency_header`: a repeat with the same value there is the same request.
    """

    name: str
    title: str
    site: str
    url: str
    keys: tuple[str, ...]
    evidence: Evidence
    hosts: tuple[str, ...] = ()
    limit: Limit = field(default_factory=Limit)
    safe: frozenset[int] = frozenset({503})
    free: bool = False
    idempotency_header: str = ""
    key_optional: bool = False
    read_seconds: float = 120.0
    whole_seconds: float = 300.0
    poll_seconds: float = 1.0
    patience: float = 900.0
    """Seconds that a submitted picture is waited for."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one call is to ask for, in the studio's own sense; None where the model does not take a value.

    `image` is RGB, `mask` mode L of its size with 255 = edit; `strength` above 0, 1 = change everything; `margins` are
    pixels to add (left, right, up, down) for a provider that extends by itself, and `image` is then the picture alone.
    """

    model: Model
    task: str
    prompt: str
    negative_prompt: str = ""
    size: Size | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    seed: int | None = None
    count: int = 1
    strength: float | None = None
    image: Image.Image | None = None
    mask: Image.Image | None = None
    margins: tuple[int, int, int, int] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's own name at its provider."""
        return self.model.id.partition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A file inside a call. `as_` tells how: in a multipart form, as a data URI, or as bare base64."""

    data: bytes
    name: str = "image.png"
    mime: str = "image/png"
    as_: Literal["file", "data-uri", "base64"] = "data-uri"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One HTTP request without its keys. `json` and `form` may hold `Attached` anywhere, also nested."""

    method: str = "POST"
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] | None = None
    key_fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """One picture of a reply: bytes, a text (address, base64 or data URI), or a call that gives it."""

    data: bytes | str | Call
    seed: int | None = None
    moderation: Moderation = "unknown"
    mime: str = ""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an answer said. `cost` in US dollars with its `cost_source`; `told` are further facts worth keeping.

    `moderation` concerns the whole; `reason` are the provider's words for it.
    """

    made: tuple[Made, ...] = ()
    request_id: str = ""
    version: str = ""
    finish_reason: str = ""
    moderation: Moderation = "unknown"
    reason: str = ""
    cost: float | None = None
    cost_source: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A submitted picture that is not ready. `values` are JSON and all that `look` and `cancel` need; kept on the disk.

    `progress` lies in 0..1, None while unknown.
    """

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    progress: float | None = None
    cost: float | None = None
    cost_source: str = ""


class Provider(ABC):
    """A provider's file has one subclass. Everything here is translation: nothing is sent, nothing is read."""

    about: About

    def __init__(self, about: About, own: Mapping[str, Any] | None = None) -> None:
        self.about, self.own = about, own or {}

    @abstractmethod
    def models(self) -> Sequence[Model]:
        """Its models with what each can do; `price` and `destination` are filled in by the backend where they are empty."""

    def check(self, wish: Wish) -> None:  # noqa: B027  most refuse nothing more
        """Raise `InvalidRequest` for what the provider would refuse, before money is spent."""

    def before(self, wish: Wish) -> Sequence[Call]:
        """Calls that cost nothing and come first: an upload, a look at the model's schema."""
        return ()

    @abstractmethod
    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        """The call that makes the picture; `before` are the answers to those that came first."""

    @abstractmethod
    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        """What a good answer to `call` says. Raises a `StudioError` for a failure that came as a good answer."""

    def most_at_once(self, model: Model) -> int:
        """Pictures that one call can make where the seeds do not matter."""
        return 1

    def look(self, ticket: Ticket) -> Call:
        """How to ask for a submitted picture."""
        raise LookupError(f"{self.about.title} answers at once: there is nothing to look for")

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        """What came of it. A ticket with other `values` is the next stage and looked at without a pause."""
        raise LookupError(f"{self.about.title} answers at once: there is nothing to look for")

    def cancel(self, ticket: Ticket | None) -> Call | None:
        """How to take a submitted picture back, or to stop the call in the air (no ticket); None where there is no way."""
        return None

    def test(self) -> Call | None:
        """A call that costs nothing and shows whether the key is good; None where there is none."""
        return None

    def read_test(self, answer: Answer) -> str:
        """A good answer to `test` in a few words, such as the balance."""
        return "The key is good."

    def failure(self, answer: Answer) -> StudioError | None:
        """What an answer means by this provider's own table; None where the common table holds."""
        return None

    def pause(self, answer: Answer) -> float | None:
        """Seconds that a rate-limit answer asks for in a way of its own."""
        return None

    @property
    def field_names(self) -> Mapping[str, str]:
        """The provider's names of our fields, for errors: `{"num_inference_steps": "steps"}`."""
        return {}
