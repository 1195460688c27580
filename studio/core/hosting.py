"""What the page and the commands may know of hosted providers: never a key, only where one is and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

KeyPlace = Literal["environment", "keyring", ""]
"""Where a key was found; empty for nowhere."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """`at_once` calls in flight and `per_minute` calls begun; at least 1 each."""

    at_once: int = 4
    per_minute: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What the user may change while the studio runs. `daily_budget` in US dollars, None for none; `limits` by provider.

    `policy`: the checks and the publishing rules of `presets/policy.toml` hold. `audit_prompts`: prompts stand in the audit
    log.
    """

    offline: bool = False
    policy: bool = True
    audit_prompts: bool = False
    daily_budget: float | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KeyState:
    """One secret of a provider. `ending` are its last two characters."""

    name: str
    place: KeyPlace = ""
    ending: str = ""


@dataclass(frozen=True, kw_only=True)
class ProviderStatus:
    """One hosted backend. `evidence` says what its wire facts rest on; `verified` when a live call last answered (ISO 8601).

    `tasks` are those that some model of it can do, `testable` whether a cheap call can test its key.
    """

    name: str
    title: str
    site: str
    destination: str
    keys: tuple[KeyState, ...]
    tasks: tuple[str, ...]
    models: int
    limit: Limit
    evidence: str
    price_date: str = ""
    testable: bool = True
    self_hosted: bool = False
    verified: str = ""
    unready: str = ""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """A day's money at one provider: `amount` dollars for `calls`, of which `uncertain` may not have been billed at all and
    `unpriced` have no known price."""

    day: str
    provider: str
    amount: float
    calls: int
    uncertain: int = 0
    unpriced: int = 0
