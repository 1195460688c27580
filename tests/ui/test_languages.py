"""The catalogues: complete, alike, and without entries that nothing uses."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from visible_texts import NEVER, ROOT, UI, everything, shown

from studio.ui.speaking import LANGUAGES, Spoken

CATALOGUES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((UI / "languages").glob("*.json"))}
GRADIO = {"number input for {0}", "range slider for {0}", "More tabs", "Click to upload or drop files", "File upload"}


def holes(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\d)\*?\}", text)))


@cache
def code() -> str:
    """All the code's literals, so that a catalogue's key can be looked for; its words may be joined by hyphens there."""
    return "\n".join(everything((ROOT / "studio",))).lower().replace("-", " ")


def test_there_is_a_catalogue_for_each_language_that_can_be_chosen() -> None:
    assert set(CATALOGUES) == set(LANGUAGES) - {"en"}


@pytest.mark.parametrize("name", sorted(CATALOGUES))
def test_all_languages_have_the_same_texts(name: str) -> None:
    assert list(CATALOGUES[name]) == list(CATALOGUES["de"])
    assert all(told.strip() for told in CATALOGUES[name].values())


@pytest.mark.parametrize("name", sorted(CATALOGUES))
def test_a_translation_keeps_every_part_that_changes(name: str) -> None:
    assert {key: told for key, told in CATALOGUES[name].items() if holes(key) != holes(told)} == {}


def test_each_text_of_the_catalogues_stands_in_the_code() -> None:
    unused = [key for key in CATALOGUES["de"] if key not in GRADIO and not all(part in code() for part in parts(key))]
    assert unused == []


def parts(key: str) -> list[str]:
    return [part.strip() for part in re.split(r"\{\d\}", key.lower().replace("-", " ")) if part.strip()]


def test_each_text_of_the_page_is_in_the_catalogues() -> None:
    assert sorted(set(shown()) - set(CATALOGUES["de"])) == []


def test_what_is_never_shown_stands_in_the_code_too() -> None:
    assert sorted(set(NEVER) - set(everything())) == []


def test_a_page_gets_the_script_in_its_head_and_a_catalogue_is_there_before_signing_in() -> None:
    def page(accept: str, path: str = "/") -> Response:
        async def inner(request: Request) -> Response:
            return HTMLResponse("<head></head><p>Done</p>") if request.url.path == "/" else PlainTextResponse("</head>")

        app = Starlette(routes=[Route("/{rest:path}", inner)], middleware=[Middleware(Spoken)])
        return TestClient(app).get(path, headers={"accept": accept})  # type: ignore[return-value]

    html, file = page("text/html").text, page("text/html", "/other").text
    assert html == f"<head><script>{(UI / 'language.js').read_text('utf-8')}</script></head><p>Done</p>"
    assert file == "</head>"
    assert page("*/*").text == "<head></head><p>Done</p>"
    assert json.loads(page("*/*", "/language/de.json").text) == CATALOGUES["de"]
    assert page("*/*", "/language/../de.json").text == "</head>"


def test_the_script_is_kept_apart_from_the_other_scripts_names() -> None:
    source = (UI / "language.js").read_text("utf-8")
    assert re.match(r"(//[^\n]*\n)*\(\(\) => \{\n", source)
    assert source.endswith("})();\n")
