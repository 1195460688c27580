"""The page in the reader's language: English in the code, other languages as catalogues “English text: translation”.

Each page gets one small script before Gradio's. It knows the language from the browser or from what was chosen in Settings;
for English it does nothing, otherwise it fetches that one catalogue, hands it to Gradio's own translations, and puts every
text of the page into it. What people wrote, and what a catalogue lacks, stays as it is.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.ui.guard import App, Receive, Scope, Send

LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "zh-CN": "简体中文"}
FOLDER = Path(__file__).parent / "languages"
CATALOGUES = {f"/language/{path.stem}.json": path for path in sorted(FOLDER.glob("*.json"))}
SCRIPT = Path(__file__).with_name("language.js")
HEAD = b"</head>"
CHOOSE = """
const select = element.querySelector("select");
select.value = window.studioLanguage?.chosen || "";
select.addEventListener("change", () => window.studioLanguage?.choose(select.value));
"""


def choice() -> Any:
    """The list of languages, for the Settings tab. The browser keeps what is chosen."""
    named = "".join(f'<option value="{code}" lang="{code}">{escape(name)}</option>' for code, name in LANGUAGES.items())
    return gr.HTML(
        '<label class="language" for="settings-language">Language</label>'
        f'<select id="settings-language"><option value="">like the browser</option>{named}</select>',
        js_on_load=CHOOSE,
        elem_id="language",
    )


class Spoken:
    """ASGI middleware: answers with the catalogues, also before signing in, and puts the script into each page's head."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._script = b"<script>" + SCRIPT.read_bytes() + b"</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
        elif catalogue := CATALOGUES.get(scope["path"]):
            await _answer(send, catalogue.read_bytes())
        elif b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            await self._app(scope, receive, _Heading(send, self._script).send)
        else:
            await self._app(scope, receive, send)


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"cache-control", b"no-cache")]})
    await send({"type": "http.response.body", "body": body})


class _Heading:
    """One answer: a plain HTML page is gathered and sent with the script in its head; anything else passes as it comes."""

    def __init__(self, send: Send, script: bytes) -> None:
        self._send, self._script = send, script
        self._start: dict[str, Any] = {}
        self._body = b""

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = dict(message)
        elif not self._start:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish()

    async def _finish(self) -> None:
        body = self._body.replace(HEAD, self._script + HEAD, 1)
        headers = [header for header in self._start["headers"] if header[0].lower() != b"content-length"]
        await self._send({**self._start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


def _is_page(message: Any) -> bool:
    headers = {name.lower(): value for name, value in message["headers"]}
    return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers
