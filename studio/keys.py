"""Providers' keys: from the environment, else from the operating system's keyring (`keyring`), and nowhere else.

A key is read by the process that calls the provider, at the moment it calls. Beside the keyring stands
`<data>/keys.json` with the names of the keys in it and their last two characters, so that a page can show them without
unlocking anything.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from studio import settings
from studio.core.errors import InvalidRequest, NotConfigured
from studio.core.hosting import KeyState

SERVICE = "studio"
"""The name under which the keys stand in the keyring."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
_KEY = re.compile(r"[\x21-\x7e]{6,1000}")


class Keys:
    """The keys of one studio's data folder. No method shows a key but `get`, and no `repr` does."""

    def __init__(self, data: Path) -> None:
        self._file = data / "keys.json"

    def get(self, name: str) -> str:
        """The key itself, for the call that needs it; empty if there is none or the keyring stays shut."""
        if value := settings.key(name):
            return value
        if name not in self._known():
            return ""
        import keyring
        from keyring.errors import KeyringError

        try:
            return keyring.get_password(SERVICE, name) or ""
        except KeyringError:
            return ""

    def state(self, name: str) -> KeyState:
        """Where a key is and how it ends; the keyring itself is not asked."""
        if value := settings.key(name):
            return KeyState(name=name, place="environment", ending=_ending(value))
        known = self._known()
        return KeyState(name=name, place="keyring", ending=known[name]) if name in known else KeyState(name=name)

    def store(self, name: str, value: str) -> None:
        """Raises `InvalidRequest` for what cannot be a key, `NotConfigured` where there is no keyring."""
        import keyring
        from keyring.errors import KeyringError

        value = value.strip()
        if not _NAME.fullmatch(name):
            raise InvalidRequest("That is no provider's key name. Choose one from the list.", "key")
        if not _KEY.fullmatch(value):
            raise InvalidRequest("That does not look like a key: it must be one word without spaces.", "key")
        try:
            keyring.set_password(SERVICE, name, value)
        except (KeyringError, RuntimeError, OSError):
            raise NotConfigured(
                f"This computer's keyring cannot be used. Set {name} in the environment instead, then start again."
            ) from None
        self._write({**self._known(), name: _ending(value)})

    def remove(self, name: str) -> None:
        """Take a key out of the keyring. One in the environment is the user's own affair, and said so."""
        import keyring
        from keyring.errors import KeyringError

        if settings.key(name):
            raise InvalidRequest(f"{name} is set in the environment. Unset it there and start the studio again.", "key")
        with suppress(KeyringError, RuntimeError, OSError):  # it is not there, or never was
            keyring.delete_password(SERVICE, name)
        self._write({known: ending for known, ending in self._known().items() if known != name})

    def _known(self) -> dict[str, str]:
        try:
            values: Any = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(name): str(ending)[:2] for name, ending in values.items()} if isinstance(values, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        settings.write_private(self._file, json.dumps(known, indent=1))


def _ending(value: str) -> str:
    return value[-2:]
