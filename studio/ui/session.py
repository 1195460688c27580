"""Signing in: which person a request comes from, and that nobody else gets more than the page to sign in on.

Gradio keeps the sessions (a random token in a cookie, the name beside it in memory) and answers `/login` and `/logout`; the
page to sign in on is our own, because Gradio's has neither our colours nor our words. A restart ends all sessions. Here
each request is matched with the accounts as they are now: a session is over as soon as its account is removed or the
password changed, also from another process.
"""

from __future__ import annotations

import json
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from starlette.requests import HTTPConnection

from studio.core.people import Person
from studio.engine.accounts import Accounts
from studio.ui import icons
from studio.ui.guard import App, Receive, Scope, Send
from studio.ui.who import KEY

PAGE = Path(__file__).with_name("sign_in.html")
OPEN = ("/login", "/logout", "/favicon.ico", "/gradio_api/startup-events")
"""For everybody: signing in and out, the page's sign, and the question by which Gradio sees that it has started."""
NOBODY = json.dumps({"detail": {"error": "Not authenticated", "auth_message": "Reload the page and sign in."}}).encode()


class SignedIn:
    """ASGI middleware: puts the person into the request's scope; where people sign in, others get 401."""

    def __init__(self, app: App, accounts: Accounts) -> None:
        self._app, self._accounts = app, accounts
        self._editions: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif not self._accounts.asked:
            scope[KEY] = self._accounts.owner
            await self._app(scope, receive, send)
        else:
            await self._for_known_people(scope, receive, send)

    async def _for_known_people(self, scope: Scope, receive: Receive, send: Send) -> None:
        tokens: dict[str, str] = scope["app"].tokens
        person = scope[KEY] = self._person(tokens, _token(scope))
        path = scope["path"].rstrip("/") or "/"
        if person is None and path not in OPEN:
            await _refuse(scope, path, send)
            return
        if path == "/logout" and person:
            self._end_all(tokens, person)
        try:
            await self._app(scope, receive, send)
        finally:
            for token in set(tokens) - set(self._editions):  # whoever has just signed in
                self._editions[token] = self._accounts.edition(tokens[token])

    def _person(self, tokens: dict[str, str], token: str) -> Person | None:
        """Whose session this is, if it is one and still holds."""
        if token not in tokens:
            self._editions.pop(token, None)
            return None
        person = self._accounts.find(tokens[token])
        edition = self._accounts.edition(tokens[token])
        if person is None or self._editions.setdefault(token, edition) != edition:
            del tokens[token]
            self._editions.pop(token, None)
            return None
        return person

    def _end_all(self, tokens: dict[str, str], person: Person) -> None:
        """Sign out everywhere, however the name was spelled there."""
        for token, name in list(tokens.items()):
            if self._accounts.find(name) == person:
                del tokens[token]
                self._editions.pop(token, None)


class SigningIn:
    """What Gradio asks about a name and a password. One try at a time is looked at; the page goes on meanwhile."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts, self._line = accounts, CapacityLimiter(1)

    async def is_right(self, name: str, password: str) -> bool:
        return await to_thread.run_sync(self._accounts.sign_in, name, password, limiter=self._line)


def _token(scope: Scope) -> str:
    """The session's token, read as Gradio reads it."""
    id, cookies = scope["app"].cookie_id, HTTPConnection(scope).cookies
    return cookies.get(f"access-token-{id}") or cookies.get(f"access-token-unsecure-{id}") or ""


async def _refuse(scope: Scope, path: str, send: Send) -> None:
    """The page to sign in on in place of the studio's own, and nothing else."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    asked_for_page = path == "/" and scope["method"] in ("GET", "HEAD")
    body = PAGE.read_text("utf-8").replace("MARK", icons.MARK).encode() if asked_for_page else NOBODY
    kind = b"text/html; charset=utf-8" if asked_for_page else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200 if asked_for_page else 401, "headers": headers})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})
