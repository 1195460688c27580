"""Hosted providers as the page and the commands see them: states and preferences, never a key."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from studio.backends._hosted.backend import HostedBackend
from studio.core.errors import InvalidRequest
from studio.core.hosting import Limit, Preferences, ProviderStatus
from studio.core.ports import Backend
from studio.core.request import TASKS
from studio.core.score import Detector
from studio.detectors.hosted import HostedDetector
from studio.keys import Keys
from studio.preferences import PreferenceFile
from studio.settings import Settings
from studio.web import is_loopback


class HostedProviders:
    """`studio.core.ports.Hosting` on the data folder's files and the system's keyring."""

    def __init__(self, settings: Settings, backends: Iterable[Backend], detectors: Iterable[Detector] = ()) -> None:
        self._backends = hosted_of(backends)
        self._detectors = [each for each in detectors if isinstance(each, HostedDetector)]
        self._keys, self._preferences = Keys(settings.data), PreferenceFile(settings)

    def statuses(self) -> list[ProviderStatus]:
        proven = self._preferences.proven()
        backends = [_status(backend, proven.get(backend.name, "")) for backend in self._backends]
        return [*backends, *(_of_detector(detector) for detector in self._detectors)]

    def preferences(self) -> Preferences:
        return self._preferences.get()

    def prefer(self, preferences: Preferences) -> None:
        self._preferences.set(preferences)

    def set_key(self, name: str, value: str) -> None:
        self._keys.store(self._known(name), value)

    def remove_key(self, name: str) -> None:
        self._keys.remove(self._known(name))

    def _known(self, name: str) -> str:
        """Only keys that somebody uses are kept."""
        if all(name not in {key.name for key in status.keys} for status in self.statuses()):
            raise InvalidRequest("No provider has a key of that name. Choose a provider from the list.", "key")
        return name


def hosted_of(backends: Iterable[Backend]) -> list[HostedBackend]:
    return [backend for backend in backends if isinstance(backend, HostedBackend)]


def _of_detector(detector: HostedDetector) -> ProviderStatus:
    """A hosted detector draws nothing: it has keys and no task."""
    return ProviderStatus(
        name=detector.name,
        title=f"{detector.title} (detector)",
        site=detector.destination,
        destination=detector.destination,
        keys=detector.keys(),
        tasks=(),
        models=0,
        limit=Limit(),
        evidence="documented",
        testable=False,
        unready=detector.unready(),
    )


def _status(backend: HostedBackend, verified: str) -> ProviderStatus:
    about, models = backend.about, backend.models()
    prices = [model.price for model in models if model.price]
    dates = sorted({price.date for price in prices if price.date})
    return ProviderStatus(
        name=about.name,
        title=about.title,
        site=about.site,
        destination=urlsplit(about.url).hostname or "",
        keys=backend.keys(),
        tasks=tuple(kind for kind in TASKS if any(kind in model.tasks for model in models)),
        models=len(models),
        limit=backend.limit(),
        evidence=about.evidence,
        price_date=dates[-1] if dates else "not checked" if prices else "",
        testable=backend.provider.test() is not None,
        self_hosted=about.free or is_loopback(about.url),
        verified=verified,
        unready=backend.unready(),
    )
