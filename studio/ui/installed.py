"""What makes the page an app that a browser can install: its manifest and icons, all from here. No worker in the browser:
the page needs the studio, and nothing of it is to be kept elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from studio.ui.guard import App, Receive, Scope, Send

ICONS = Path(__file__).parent / "app_icons"
PLACES = {f"/app/{path.name}": path for path in sorted(ICONS.glob("*.png"))}
MANIFEST = {
    "id": "/",
    "name": "Studio",
    "short_name": "Studio",
    "description": "A local creative studio: from a prompt to a kept picture.",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#f5f5f2",
    "theme_color": "#f5f5f2",
    "categories": ["graphics", "productivity"],
    "icons": [
        {"src": "/app/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any"},
        {"src": "/app/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any"},
        {"src": "/app/maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ],
}


class Installable:
    """ASGI middleware. It answers in the place of Gradio's own manifest, and before signing in: a browser asks for these
    without a session, and they tell nothing."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_ours = scope["type"] == "http" and scope.get("method") in ("GET", "HEAD")
        if is_ours and path == "/manifest.json":
            await _answer(scope, send, json.dumps(MANIFEST).encode(), b"application/manifest+json")
        elif is_ours and path in PLACES:
            await _answer(scope, send, PLACES[path].read_bytes(), b"image/png")
        else:
            await self._app(scope, receive, send)


async def _answer(scope: Scope, send: Send, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"max-age=3600")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})
