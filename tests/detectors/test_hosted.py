"""Hosted detectors against loopback servers that answer as the services document, faults included."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.core.errors import InvalidRequest, NotConfigured, RateLimited, Rejected, StudioError, Unavailable
from studio.detectors.hosted import KNOWN, HostedDetector, Service, create, service_of
from studio.keys import Keys
from studio.settings import Settings
from studio.web import upload

NO_KEYRING = Keys(Path("nowhere"))
PLANTED = "planted-key-91c4"
KEYS = ("SIGHTENGINE_API_USER", "SIGHTENGINE_API_SECRET", "AIORNOT_API_KEY", "HIVE_API_KEY", "AIIMAGEDETECTOR_API_KEY",
        "ANYIMAGEDETECTOR_API_KEY")  # fmt: skip
HIVE = [
    {
        "response": {
            "output": [{"classes": [{"class": "not_ai_generated", "score": 0.2}, {"class": "ai_generated", "score": 0.8}]}]
        }
    }
]
ANSWERS: dict[str, Any] = {
    "sightengine": {"status": "success", "type": {"ai_generated": 0.8}},
    "aiornot": {"report": {"ai_generated": {"verdict": "ai", "ai": {"is_detected": True, "confidence": 0.8}}}},
    "hive": {"status": HIVE},
    "aiimagedetectorapi": {"is_ai_generated": False, "confidence": 0.2},
    "anyimagedetector": {"verdict": "likely_ai", "ai_score": 0.8},
}


class Place:
    """A server that gives its answers in turn and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                place.heard.append((self.path, dict(self.headers), body))
                status, headers, data = place.answers.pop(0) if len(place.answers) > 1 else place.answers[0]
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/detect"

    def says(self, values: Any, status: int = 200, **headers: str) -> None:
        data = values if isinstance(values, bytes) else json.dumps(values).encode()
        self.answers.append((status, headers, data))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in KEYS:
        monkeypatch.setenv(name, PLANTED)
    place = Place()
    yield place
    place.server.shutdown()
    place.server.server_close()


@pytest.fixture(autouse=True)
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, not slept."""
    waited: list[float] = []
    monkeypatch.setattr(upload.send, "__defaults__", (waited.append,))
    return waited


def at(place: Place, name: str = "anyimagedetector", **changes: Any) -> HostedDetector:
    import tomllib

    values = tomllib.loads(KNOWN.read_text())[name]
    return HostedDetector(name, service_of({**values, "url": place.url, **changes}, name), NO_KEYRING)


def a_picture() -> Image.Image:
    return Image.linear_gradient("L").resize((40, 30)).convert("RGB")


@pytest.mark.parametrize("name", ANSWERS)
def test_each_service_is_asked_and_understood_as_it_documents(place: Place, name: str) -> None:
    place.says(ANSWERS[name])
    raw = at(place, name).score(a_picture())
    assert raw.value == pytest.approx(1.3863, abs=1e-3)
    _, headers, body = place.heard[0]
    assert PLANTED in " ".join(headers.values()) + body.decode("latin-1")
    start = body.index(b"\x89PNG")
    with Image.open(io.BytesIO(body[start:])) as sent:
        assert (sent.size, sent.info) == ((40, 30), {})


def test_scale_and_polarity_of_a_service_of_ones_own(place: Place) -> None:
    place.says({"result": [{"real": 75}]})
    own = {"title": "Own", "url": place.url, "score": ["result", "0", "real"], "scale": 100, "says": "real"}
    assert HostedDetector("own", service_of(own, "own"), NO_KEYRING).score(a_picture()).value == pytest.approx(
        -1.0986, abs=1e-3
    )


def test_too_many_requests_and_trouble_are_tried_again_as_the_service_asks(place: Place, rests: list[float]) -> None:
    place.says({}, 429, **{"Retry-After": "7"})
    place.says({}, 503)
    place.says({"ai_score": 0.5})
    assert at(place).score(a_picture()).value == 0
    assert rests[0] == pytest.approx(7.0, abs=0.5)
    assert len(place.heard) == 3


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [(400, Rejected, 1), (401, NotConfigured, 1), (402, Rejected, 1), (403, NotConfigured, 1), (429, RateLimited, 3),
     (500, Unavailable, 3)],
)  # fmt: skip
def test_errors_are_sentences_without_the_key(
    place: Place, status: int, kind: type[StudioError], tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    place.says({"error": {"message": f"the key {PLANTED} is odd"}}, status)
    with pytest.raises(kind, match="AnyImageDetector") as caught:
        at(place).score(a_picture())
    assert len(place.heard) == tries
    trail = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert PLANTED not in trail


def test_the_services_own_words_are_told_where_they_hold_no_key(place: Place) -> None:
    place.says({"error": "unsupported", "message": "The picture is too small."}, 400)
    with pytest.raises(Rejected, match="refused the picture \\(400\\)"):
        at(place).score(a_picture())


@pytest.mark.parametrize(
    "answer", [b"no json", b"[" * 100_000, b"{}", b'{"ai_score": "x"}', b'{"ai_score": null}', b"[1]", b" " * 5_000_000]
)
def test_an_answer_that_makes_no_sense_is_a_sentence(place: Place, answer: bytes) -> None:
    place.says(answer)
    with pytest.raises(Unavailable, match="AnyImageDetector answered"):
        at(place).score(a_picture())


def test_a_service_out_of_reach_is_a_sentence(place: Place, rests: list[float]) -> None:
    with pytest.raises(Unavailable, match="out of reach"):
        at(place, url="http://127.0.0.1:9/").score(a_picture())
    assert rests


def test_a_picture_too_large_goes_as_jpeg_or_not_at_all(place: Place) -> None:
    place.says({"ai_score": 0.5})
    noise = Image.effect_noise((400, 400), 90).convert("RGB")
    at(place, max_megabytes=0.2).score(noise)
    assert b"image/jpeg" in place.heard[0][2]
    with pytest.raises(InvalidRequest, match="larger than"):
        at(place, max_megabytes=0.001).score(noise)


def test_nothing_is_sent_offline_or_without_a_key(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for detector in create(Settings(data=tmp_path, offline=True)):
        assert detector.unready() == "The studio is offline."
        with pytest.raises(Unavailable):
            detector.score(a_picture())
    monkeypatch.delenv("HIVE_API_KEY")
    hive = next(each for each in create(Settings(data=tmp_path)) if each.name == "hosted-hive")
    assert "HIVE_API_KEY" in hive.unready()
    assert (hive.hosted, hive.opt_in) == (True, True)
    assert place.heard == []


def test_services_of_ones_own_are_read_and_faulty_ones_say_what_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "detectors"
    folder.mkdir()
    (folder / "verifai.toml").write_text('title = "Verifai"\nurl = "https://example.invalid/x"\nscore = ["p"]\n')
    (folder / "odd.toml").write_text('title = "Odd"\nurl = "http://example.invalid/x"\nscore = ["p"]\n')
    (folder / "broken.toml").write_text("title =")
    (folder / "more.toml").write_text('title = "x"\nurl = "https://x.invalid"\nscore = ["p"]\ncolour = 1\n')
    found = {detector.name: detector.unready() for detector in create(Settings(data=tmp_path))}
    assert found["hosted-verifai"] == ""
    assert "https" in found["hosted-odd"]
    assert "broken.toml" in found["hosted-broken"]
    assert "colour" in found["hosted-more"]


def test_no_key_stands_in_a_detectors_representation(place: Place) -> None:
    detector = at(place)
    assert PLANTED not in repr(detector) + repr(detector.__dict__) + repr(Service(title="x", url="", score=()))
