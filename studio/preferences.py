"""What the user changes while the studio runs, in `<data>/preferences.json`; read anew when the file changes.

Every process of the studio asks here: the offline switch is heeded by the next exchange, wherever it is made.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.hosting import Limit, Preferences
from studio.settings import Settings, write_private

MOST_AT_ONCE, MOST_PER_MINUTE, MOST_BUDGET = 64, 6000, 1_000_000


class PreferenceFile:
    """The preferences of one data folder. `offline` of the settings (the command line) overrides the switch."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._file = settings, settings.data / "preferences.json"
        self._proofs = settings.data / "providers.json"
        self._read: tuple[int, Preferences] = (0, Preferences())

    def get(self) -> Preferences:
        """What holds now. A damaged file holds nothing."""
        try:
            stamp = self._file.stat().st_mtime_ns
        except OSError:
            return Preferences(offline=self._settings.offline)
        if self._read[0] != stamp:
            self._read = (stamp, self._load())
        return self._read[1]

    def offline(self) -> bool:
        return self._settings.offline or self.get().offline

    def set(self, preferences: Preferences) -> None:
        """Raises `InvalidRequest` for numbers out of range."""
        budget = preferences.daily_budget
        if budget is not None and not 0 <= budget <= MOST_BUDGET:
            raise InvalidRequest(f"A daily budget lies between 0 and {MOST_BUDGET} dollars; empty means none.", "budget")
        for limit in preferences.limits.values():
            if not (1 <= limit.at_once <= MOST_AT_ONCE and 1 <= limit.per_minute <= MOST_PER_MINUTE):
                raise InvalidRequest(
                    f"Limits lie between 1 and {MOST_AT_ONCE} at once, and 1 and {MOST_PER_MINUTE} a minute.", "limits"
                )
        values = {
            "offline": preferences.offline,
            "policy": preferences.policy,
            "audit_prompts": preferences.audit_prompts,
            "daily_budget": budget,
            "limits": {name: [limit.at_once, limit.per_minute] for name, limit in preferences.limits.items()},
        }
        write_private(self._file, json.dumps(values, indent=1))

    def proven(self) -> dict[str, str]:
        """When a live call to each provider last gave a good answer, ISO 8601 in UTC."""
        values = _json(self._proofs)
        return {str(name): str(when) for name, when in values.items()}

    def prove(self, provider: str) -> None:
        """A live call just did; noted once a day."""
        now, known = datetime.now(UTC).isoformat(timespec="seconds"), self.proven()
        if known.get(provider, "")[:10] != now[:10]:
            write_private(self._proofs, json.dumps({**known, provider: now}, indent=1))

    def _load(self) -> Preferences:
        values = _json(self._file)
        try:
            limits = {str(name): Limit(at_once=int(most), per_minute=float(rate))
                      for name, (most, rate) in dict(values.get("limits") or {}).items()}  # fmt: skip
            budget = values.get("daily_budget")
            offline = self._settings.offline or values.get("offline") is True
            return Preferences(
                offline=offline,
                policy=values.get("policy") is not False,
                audit_prompts=values.get("audit_prompts") is True,
                daily_budget=None if budget is None else float(budget),
                limits=limits,
            )
        except (TypeError, ValueError):
            return Preferences(offline=self._settings.offline)


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
