"""The door of the page: requests from another site, or for another name of this computer, are turned away.

Gradio answers any Host (DNS rebinding reads every picture) and takes uploads from any Origin (drive-by disk filling).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from studio.core.errors import InvalidRequest
from studio.engine.accounts import Accounts

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SEAL = {
    "content-security-policy": "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer: the browser itself refuses outside addresses, and other sites can neither frame nor embed us."""


def admit(host: str, accounts: Accounts) -> None:
    """Raises `InvalidRequest` for a host that others reach, as long as no admin's account closes the page."""
    if host not in LOOPBACK and not (accounts.asked and accounts.has_admin()):
        raise InvalidRequest(
            f"The page would be open to everyone who reaches {host}. Add an admin first, by “python studio.py people add "
            "NAME --role admin”, or set STUDIO_PASSWORD; then start again."
        )


class LocalOnly:
    """ASGI middleware. `hosts` are the names, without port, under which the page may be asked for."""

    def __init__(self, app: App, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self.refuses(scope) if scope["type"] in ("http", "websocket") else ""
        if not reason:
            await self._app(scope, receive, _sealed(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _forbid(send, reason)

    def refuses(self, scope: Scope) -> str:
        """Why this request is turned away, as a sentence; empty when it may pass."""
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            return "This studio answers only under its own address. Open it as http://127.0.0.1 with its port."
        for name, value in headers:
            if name == "origin" and not self._is_own(value, hosts[0]):
                return "Another site tried to use this studio, which is not allowed. Open the studio in its own tab."
            changes = scope.get("method", "GET") not in SAFE or scope.get("path") == "/logout"
            if name == "sec-fetch-site" and value == "cross-site" and changes:
                return "Another site tried to send something to this studio, which is not allowed. Use its own page."
        return ""

    def _is_own(self, origin: str, host: str) -> bool:
        """Same host and port; any other page, even one on this computer, is a stranger."""
        scheme, _, name = origin.lower().partition("://")
        return scheme in ("http", "https") and name == host.lower()


def _name(host: str) -> str:
    """The host without its port; brackets of an IPv6 address fall away."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _sealed(send: Send) -> Send:
    async def sealing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            seal = [(name.encode(), value.encode()) for name, value in SEAL.items()]
            message = {**message, "headers": [*message.get("headers", []), *seal]}
        await send(message)

    return sealing


async def _forbid(send: Send, reason: str) -> None:
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
