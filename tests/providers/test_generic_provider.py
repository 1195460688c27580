"""The user's own providers: what a file may say, and what is wrong with one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from case import draw
from loopback import KEY, Asked, Fault, Loopback, Said, opened, picture

from studio.backends import generic
from studio.backends._hosted.backend import HostedBackend
from studio.core.errors import Moderated, NotConfigured, Rejected, Uncertain
from studio.settings import Settings

MODELS = """
[[models]]
name = "one"
tasks = ["text-to-image", "inpaint"]
takes = ["seed"]
"""
BODY = """
[body]
prompt = "{prompt}"
seed = "{seed}"
image = "{image}"
mask = "{mask}"
"""


class Echoing(Loopback):
    """Says what it is told to say."""

    def __init__(self) -> None:
        super().__init__()
        self.said = Said({"url": f"{self.url}/file"})

    def answer(self, asked: Asked) -> Said:
        return Said(picture()) if asked.path == "/file" else self.said


@pytest.fixture
def server() -> Iterator[Echoing]:
    with Echoing() as server:
        yield server


@pytest.fixture
def written(tmp_path: Path, server: Echoing) -> Callable[..., HostedBackend]:
    """The backend of a file; words that are not given are sensible."""

    def write(
        head: str = "", body: str = BODY, models: str = MODELS, *, name: str = "mine", whole: str = ""
    ) -> HostedBackend:
        folder = tmp_path / "providers"
        folder.mkdir(exist_ok=True)
        words = f'kind = "generic"\nurl = "{server.url}"\npictures = ["url"]\n'
        given = {line.partition("=")[0].strip() for line in head.splitlines()}
        kept = [line for line in words.splitlines() if line.partition("=")[0].strip() not in given]
        text = whole or "\n".join((*kept, head, body, models))
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        return next(each for each in generic.create(Settings(data=tmp_path)) if each.name == name)

    return write


def test_one_backend_for_each_file_and_none_for_known_providers(
    written: Callable[..., HostedBackend], tmp_path: Path
) -> None:
    written(name="one")
    written(name="two")
    for known in ("stability", "openai-compatible", "local"):
        (tmp_path / "providers" / f"{known}.toml").write_text("at_once = 2\n", encoding="utf-8")
    assert [backend.name for backend in generic.create(Settings(data=tmp_path))] == ["one", "two"]


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert generic.create(Settings(data=tmp_path)) == []


@pytest.mark.parametrize(
    ("head", "header"),
    [
        ("", ("authorization", f"Bearer {KEY}")),
        ('key_header = "X-Key"', ("x-key", KEY)),
        ('key_header = "Authorization: Key"', ("authorization", f"Key {KEY}")),
    ],
)
def test_the_key_stands_in_the_header_that_the_file_names(
    written: Callable[..., HostedBackend],
    server: Echoing,
    monkeypatch: pytest.MonkeyPatch,
    head: str,
    header: tuple[str, str],
) -> None:
    monkeypatch.setenv("MY_OWN_KEY", KEY)
    backend = written(f'key = "MY_OWN_KEY"\n{head}')
    (drawn,) = draw(backend, "one").pictures
    assert server.asked[0].headers[header[0]] == header[1]
    assert KEY not in str(server.asked[1].headers)
    assert KEY not in str(drawn.facts)
    monkeypatch.delenv("MY_OWN_KEY")
    with pytest.raises(NotConfigured, match="MY_OWN_KEY"):
        draw(backend, "one")


def test_without_a_key_there_is_no_header(written: Callable[..., HostedBackend], server: Echoing) -> None:
    draw(written(), "one")
    assert "authorization" not in server.asked[0].headers


def test_words_become_what_they_stand_for_and_what_is_missing_is_left_out(
    written: Callable[..., HostedBackend], server: Echoing
) -> None:
    body = """
[body]
prompt = "{prompt}"
image = "{image}"
mask = "{mask}"
deep = { seed = "{seed}", size = "{size}", sides = ["{width}", "{height}", "{steps}"], name = "{model}" }
kept = ["{nothing}", "a {prompt}", 1.5, true]
"""
    draw(written(body=body), "one", prompt="the {seed} of {model}")
    assert server.asked[0].json == {
        "prompt": "the {seed} of {model}",
        "deep": {"seed": 1234, "size": "1024x1024", "sides": [1024, 1024], "name": "one"},
        "kept": ["{nothing}", "a {prompt}", 1.5, True],
    }


@pytest.mark.parametrize(("sense", "channel", "edit"), [("white", "L", 255), ("black", "L", 0), ("alpha", "A", 0)])
def test_a_mask_has_the_sense_that_the_file_names(
    written: Callable[..., HostedBackend], server: Echoing, sense: str, channel: str, edit: int
) -> None:
    draw(written(f'mask = "{sense}"'), "one", "inpaint")
    told = opened(base64.b64decode(server.asked[0].json["mask"].partition(",")[2])).getchannel(channel)
    assert (told.getpixel((0, 0)), told.getpixel((95, 63))) == (edit, 255 - edit)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("pictures = []", picture()),
        ('pictures = ["data", 0, "b64"]', {"data": [{"b64": base64.b64encode(picture()).decode()}]}),
        ('pictures = ["out", "*"]', {"out": ["data:image/png;base64," + base64.b64encode(picture()).decode()]}),
        ('pictures = ["*", "x", "*"]', [{"x": [base64.b64encode(picture()).decode()]}]),
    ],
)
def test_pictures_come_as_bytes_or_base64_at_the_end_of_a_way(
    written: Callable[..., HostedBackend], server: Echoing, head: str, said: Any
) -> None:
    server.said = Said(said)
    (drawn,) = draw(written(head), "one").pictures
    assert drawn.image.size == (64, 64)


def test_a_seed_that_is_told_is_kept(written: Callable[..., HostedBackend], server: Echoing) -> None:
    server.said = Said({"url": f"{server.url}/file", "meta": {"seed": 77}})
    (drawn,) = draw(written('seed_path = ["meta", "seed"]'), "one").pictures
    assert (drawn.seed, drawn.facts["hosted"]["seed_returned"]) == (77, 77)


def test_an_answer_of_another_shape_may_have_been_billed(written: Callable[..., HostedBackend], server: Echoing) -> None:
    server.said = Said({"pictures": "none"})
    with pytest.raises(Uncertain, match="does not know"):
        draw(written(), "one")
    server.said = Said({"data": []})
    with pytest.raises(Moderated, match="empty list"):
        draw(written('pictures = ["data", "*"]'), "one")


def test_a_picture_elsewhere_is_not_fetched(written: Callable[..., HostedBackend], server: Echoing) -> None:
    server.said = Said({"url": "https://elsewhere.example/picture.png"})
    with pytest.raises(Rejected, match=r"elsewhere\.example"):
        draw(written(), "one")


def test_an_idempotent_provider_is_asked_again_with_the_same_value(
    written: Callable[..., HostedBackend], server: Echoing
) -> None:
    server.faults.append(Fault("drop"))
    draw(written('idempotency_header = "Idempotency-Key"'), "one")
    first, second = (each.headers["idempotency-key"] for each in server.asked if each.path == "/")
    assert first == second


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"whole": "kind = "}, "no TOML"),
        ({"head": 'kind = "special"'}, 'does not say kind = "generic"'),
        ({"head": 'paht = "/x"'}, "unknown words: paht"),
        ({"head": 'url = "http://192.168.1.5/v1"'}, "https://"),
        ({"head": 'url = ""'}, "https://"),
        ({"head": 'path = "no slash"'}, "path is not well formed"),
        ({"head": 'key = "lower_case"'}, "key is not well formed"),
        ({"head": 'key_header = "Authorization: two words"'}, "key_header is not well formed"),
        ({"head": "mask = 3"}, "mask is not well formed"),
        ({"head": 'mask = "grey"'}, "mask is not well formed"),
        ({"head": 'pictures = "url"'}, "pictures must be a list"),
        ({"head": "at_once = 0"}, "at_once"),
        ({"body": ""}, "table [body]"),
        ({"body": "[body]\nprompt = 2026-11-23"}, "a date"),
        ({"models": ""}, "[[models]]"),
        ({"models": "[[models]]\ntitle = 'no name'"}, "a model needs a name"),
        ({"models": "[[models]]\nname = 'one'\ntakes = ['steps']"}, "no {steps}"),
        ({"body": "[body]\nprompt = '{prompt}'\nseed = '{seed}'"}, "no {image} or {mask}"),
        ({"name": "Not a name"}, "small letters"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_a_faulty_file_is_told_and_used_for_nothing(
    written: Callable[..., HostedBackend], server: Echoing, file: dict[str, str], said: str
) -> None:
    backend = written(**file)
    (problem,) = backend.problems()
    assert said in problem
    assert problem.endswith("Mend or delete it.")
    assert not [model for model in backend.models() if not model.unready]
    assert server.asked == []
