"""The hosted side of the small studio: two providers, keys in a dict, money that was spent."""

from __future__ import annotations

import time
from dataclasses import replace

from studio.core.errors import InvalidRequest
from studio.core.hosting import KeyState, Limit, Preferences, ProviderStatus, Spent
from studio.core.model import Model, Option
from studio.core.people import Person
from studio.core.price import Price
from studio.core.request import Size
from studio.core.worker import WorkerStatus
from studio.engine.rights import require

CLOUD = Model(
    id="cloud:fine",
    title="Fine",
    backend="cloud",
    group="Cloud",
    hosted=True,
    destination="api.cloud.example",
    tasks=("text-to-image",),
    sizes=(Size(1024, 1024), Size(1344, 768), Size(768, 1344)),
    ignores={"": ("steps", "guidance_scale", "sampler", "strength")},
    samplers=(),
    max_tokens=None,
    cannot={"inpaint": "it takes no mask"},
    price=Price(picture=0.03, date="2026-11-01"),
    options=(
        Option(name="style", title="Style", choices=("photo", "paint")),
        Option(name="search", title="What to replace"),
    ),
)


class Hosts:
    """The doors of `studio.ui.ports.Studio` that concern providers."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.kept = Preferences()

    def cloud(self) -> Model:
        return replace(CLOUD, unready=self._missing())

    def hosted_worker(self) -> WorkerStatus:
        return WorkerStatus(state="ready", device="Hosted")

    def providers(self) -> list[ProviderStatus]:
        value = self.keys.get("CLOUD_API_KEY", "")
        key = KeyState(name="CLOUD_API_KEY", place="keyring" if value else "", ending=value[-2:])
        return [ProviderStatus(name="cloud", title="Cloud", site="https://cloud.example", destination="api.cloud.example",
                               keys=(key,), tasks=("text-to-image",), models=1, evidence="documented",
                               limit=self.kept.limits.get("cloud", Limit()), price_date="2026-11-01",
                               unready=self._missing())]  # fmt: skip

    def preferences(self) -> Preferences:
        return self.kept

    def prefer(self, preferences: Preferences, person: Person) -> None:
        require(person, "manage")
        if preferences.daily_budget is not None and preferences.daily_budget < 0:
            raise InvalidRequest("A daily budget lies above 0.", "budget")
        self.kept = preferences

    def set_key(self, name: str, value: str, person: Person) -> None:
        require(person, "manage")
        if len(value) < 6:
            raise InvalidRequest("That does not look like a key: it must be one word without spaces.", "key")
        self.keys[name] = value

    def remove_key(self, name: str, person: Person) -> None:
        require(person, "manage")
        self.keys.pop(name, None)

    def test_key(self, provider: str, person: Person) -> str:
        require(person, "manage")
        return "The key is good: 12.0 credits."

    def spent(self, days: int = 31) -> list[Spent]:
        return [Spent(day=time.strftime("%Y-%m-%d"), provider="cloud", amount=0.12, calls=4, uncertain=1)]

    def _missing(self) -> str:
        if self.kept.offline:
            return "The studio is switched offline. Switch it online in Settings, or choose a local model."
        return "" if self.keys.get("CLOUD_API_KEY") else "Cloud needs a key. Set it in Settings."
