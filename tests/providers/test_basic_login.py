"""A login as `user:password` goes into a header as HTTP Basic wants it, and stands nowhere else."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from studio.backends._hosted.calls import struck, to_request, told
from studio.backends._hosted.failures import words_of
from studio.backends._hosted.provider import Call
from studio.backends.automatic1111 import ABOUT, HEADERS, KEY

LOGIN = "alice:pass:wörd"
CALL = Call(url="http://127.0.0.1:7860/sdapi/v1/txt2img", headers=HEADERS, json={"prompt": f"${KEY}"})


def test_the_login_is_encoded_when_the_call_is_sent_and_only_in_the_header() -> None:
    request = to_request(CALL, ABOUT, lambda name: LOGIN if name == KEY else "")
    word, _, code = request.headers["authorization"].partition(" ")
    assert (word, base64.b64decode(code).decode()) == ("Basic", LOGIN)
    assert request.json == {"prompt": f"${KEY}"}


def test_a_record_names_the_variable_alone() -> None:
    assert told(CALL)["headers"] == {"authorization": f"Basic ${KEY}|basic"}
    assert LOGIN not in json.dumps(told(CALL)) + repr(CALL)


def test_a_plain_key_is_not_encoded() -> None:
    call = replace(CALL, headers={"x-key": f"${KEY}"})
    assert to_request(call, ABOUT, lambda _: LOGIN).headers == {"x-key": LOGIN}


def test_without_a_login_the_header_is_left_out_where_it_is_optional() -> None:
    call = replace(CALL, headers={**HEADERS, "accept": "*/*"})
    assert to_request(call, ABOUT, lambda _: "").headers == {"accept": "*/*"}
    assert "authorization" in to_request(call, replace(ABOUT, key_optional=False), lambda _: "").headers


def test_an_echo_is_struck_out_in_either_form() -> None:
    code = base64.b64encode(LOGIN.encode()).decode()
    assert struck(f"not {LOGIN} nor Basic {code}", (LOGIN,)) == "not [key] nor Basic [key]"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "HTTPException", "detail": "Sampler not found", "body": "", "errors": ""}, "Sampler not found"),
        ({"error": "RuntimeError", "detail": "", "body": "", "errors": "no such file"}, "no such file"),
        ({"error": "NansException", "detail": "", "body": "", "errors": ""}, "NansException"),
        ({"detail": "Sampler not found"}, "Sampler not found"),
    ],
)
def test_both_dialects_of_errors_give_the_words(body: dict[str, str], words: str) -> None:
    assert words_of(body) == (words, "")
