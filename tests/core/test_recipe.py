"""“Copy as cURL” and “copy as Python” are run, and ask for the same again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import Asked, Loopback, Said, picture

from studio.core.recipe import as_curl, as_python

KEYS = {"A_KEY": 'se"cr$et`1', "B_KEY": "user:pass word", "C_KEY": "sk-plain-key"}
FILE = {"$file": "image.png", "mime": "image/png"}


class Anything(Loopback):
    def answer(self, asked: Asked) -> Said:
        return Said({})


@pytest.fixture
def server() -> Iterator[Anything]:
    with Anything() as server:
        yield server


def run(text: str, folder: Path, how: str) -> None:
    (folder / "image.png").write_bytes(picture())
    command = ["bash", "-c", text] if how == "curl" else [sys.executable, "-c", text]
    environment = {**os.environ, **KEYS}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def repeated(request: dict[str, Any], folder: Path, server: Anything, how: str) -> Asked:
    if how == "curl" and not shutil.which("curl"):
        pytest.skip("no curl on this machine")
    text = as_curl(request) if how == "curl" else as_python(request)
    assert not any(value in text for value in KEYS.values())
    run(text, folder, how)
    return server.asked[-1]


NASTY = 'it\'s $5 `whoami` $(id) "quoted" \\ é\nBODY\n@/etc/passwd $A_KEY'


@pytest.mark.parametrize("how", ["curl", "python"])
def test_a_form_is_repeated(server: Anything, tmp_path: Path, how: str) -> None:
    headers = {"authorization": "Bearer $A_KEY", "accept": "image/*"}
    form = {"prompt": NASTY, "odd": "@image.png", "image": FILE, "many": ["a", "b"]}
    request = {"method": "POST", "url": f"{server.url}/x", "headers": headers, "form": form}
    asked = repeated(request, tmp_path, server, how)
    assert asked.headers["authorization"] == f"Bearer {KEYS['A_KEY']}"
    form = asked.form
    assert form["prompt"].replace("\r\n", "\n") == NASTY
    assert (form["odd"], form["image"]) == ("@image.png", picture())


@pytest.mark.parametrize("how", ["curl", "python"])
def test_json_with_a_key_in_it_and_pictures_is_repeated(server: Anything, tmp_path: Path, how: str) -> None:
    body = {"key": "$C_KEY", "prompt": NASTY, "n": 3, "none": None, "yes": True, "list": [1, "x"],
            "uri": {**FILE, "as": "data-uri"}, "bare": {**FILE, "as": "base64"}}  # fmt: skip
    request = {
        "method": "POST",
        "url": server.url,
        "headers": {"authorization": "Basic $B_KEY|basic"},
        "json": body,
        "keys": ["key"],
    }
    asked = repeated(request, tmp_path, server, how)
    import base64

    bare = base64.b64encode(picture()).decode()
    expected = {**body, "key": KEYS["C_KEY"], "uri": f"data:image/png;base64,{bare}", "bare": bare}
    assert asked.json == expected
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(KEYS["B_KEY"].encode()).decode()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
def test_any_prompt_survives_the_shell(server: Anything, tmp_path: Path, prompt: str) -> None:
    request = {"method": "POST", "url": server.url, "headers": {}, "json": {"prompt": prompt}}
    assert repeated(request, tmp_path, server, "curl").json == {"prompt": prompt}


def test_python_is_valid_for_a_get() -> None:
    compile(as_python({"method": "GET", "url": "https://example.invalid", "headers": {"a": "$A_KEY"}}), "x", "exec")
    assert json.dumps(as_curl({"url": "https://example.invalid"}))
