"""What may be asked of adapters, and `<lora:name:0.8>` in a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.adapt import adapt
from studio.core.adapters import Offer, require_offers, tag, take_tags
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.metadata import record_from_json
from studio.core.model import Model
from studio.core.request import Adapter, ImageRequest, Sampling, Source, request_from_json, request_to_json

MODEL = Model(id="local:m", title="M", backend="local", adapters=("lora", "controlnet", "vae"))
PLAIN = Model(id="local:p", title="P", backend="local")
PICTURE = Source(sha256="a" * 64, width=8, height=8)
NAMES = st.text(
    alphabet=st.characters(exclude_characters=":<>\n\r,", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")),
    min_size=1,
    max_size=40,
)


def asked(*adapters, prompt="a fox", **fields):
    return ImageRequest(model=MODEL.id, prompt=prompt, adapters=adapters, sampling=Sampling(seed=1), **fields)


def lora(name="evening", weight=0.8):
    return Adapter(kind="lora", name=name, weight=weight)


@pytest.mark.parametrize(("adapters", "sentence"), [
    ((lora(weight=2.5),), "must lie between -2 and 2"),
    ((lora(weight=float("nan")),), "must lie between"),
    ((Adapter(kind="controlnet", name="edges", weight=-0.1, image=PICTURE),), "between 0 and 2"),
    ((Adapter(kind="controlnet", name="edges"),), "has no picture yet"),
    ((Adapter(kind="controlnet", name="edges", image=PICTURE, start=0.6, end=0.4),), "begin before it ends"),
    ((lora(name=" "),), "has no name"),
    ((lora(), lora()), "chosen twice"),
    ((Adapter(kind="vae", name="a"), Adapter(kind="vae", name="b")), "Two VAEs"),
    (tuple(lora(f"l{number}") for number in range(9)), "at most 8"),
])  # fmt: skip
def test_what_no_model_could_take_is_a_sentence(adapters, sentence):
    with pytest.raises(InvalidRequest, match=sentence) as caught:
        adapt(asked(*adapters), MODEL)
    assert caught.value.field == "adapters"


def test_a_kind_that_the_model_does_not_take_is_refused():
    with pytest.raises(Unsupported, match="P takes no LoRA"):
        adapt(asked(lora()), PLAIN)
    with pytest.raises(Unsupported, match="M takes no IP-Adapter"):
        adapt(asked(Adapter(kind="ip-adapter", name="face", image=PICTURE)), MODEL)


def test_a_tag_in_the_prompt_is_taken_out_and_noted_where_loras_are_taken():
    request, notes = adapt(asked(prompt="a fox, <lora:evening:0.65>, in snow"), MODEL)
    assert request.prompt == "a fox, in snow"
    assert request.adapters == (lora(weight=0.65),)
    assert notes == ("LoRA evening with weight 0.65, as the prompt says",)
    request, notes = adapt(asked(prompt="a fox <lora:evening:0.65>"), PLAIN)
    assert (request.prompt, request.adapters, notes) == ("a fox <lora:evening:0.65>", (), ())


def test_what_is_chosen_goes_before_its_tag_and_a_tag_alone_is_no_prompt():
    request, notes = adapt(asked(lora(weight=1.0), prompt="a fox <LORA:evening>"), MODEL)
    assert request.adapters == (lora(weight=1.0),)
    assert "left out" in notes[0]
    with pytest.raises(InvalidRequest, match="prompt is empty"):
        adapt(asked(prompt="<lora:evening:1>"), MODEL)


@given(NAMES, st.integers(-200, 200), st.text(max_size=40))
def test_any_tag_written_is_read_back(name, hundredths, rest):
    weight = hundredths / 100
    found = take_tags(f"{rest} {tag(name, weight)}")[1]
    assert found[-1] == (name.strip(), weight)


@given(st.text(max_size=80))
def test_a_prompt_without_tags_is_never_touched(text):
    bare, found = take_tags(text)
    assert found or bare == text


def test_an_adapter_that_is_not_here_or_fits_another_model_is_said():
    here = [Offer(kind="lora", name="Evening", models=("local:other",)),
            Offer(kind="controlnet", name="edges", models=(MODEL.id,), preprocessors=("canny",))]  # fmt: skip
    with pytest.raises(InvalidRequest, match="no LoRA “night” here"):
        require_offers(asked(lora("night")), here)
    with pytest.raises(InvalidRequest, match=r"made for another family.*It fits: other"):
        require_offers(asked(lora("evening")), here)
    net = Adapter(kind="controlnet", name="edges", image=PICTURE, preprocessor="depth")
    with pytest.raises(InvalidRequest, match="Nothing here makes “depth” pictures"):
        require_offers(asked(net), here)


def test_a_record_of_a_stranger_with_spoilt_adapters_is_malformed(tmp_path):
    request = request_to_json(asked(lora()))
    assert request_from_json(request).adapters == (lora(),)
    values = {"record": "r", "job": "j", "width": 1, "height": 1, "seed": 1, "created": "2026-11-26T00:00:00+00:00",
              "facts": {}, "used": {}, "notes": [], "stamps": [], "verdicts": [], "request": request}  # fmt: skip
    assert record_from_json(values, path=tmp_path / "a.png", sha256="").request.adapters == (lora(),)
    for name, value in (("kind", "virus"), ("name", 7), ("weight", "much"), ("weight", 99), ("preprocessor", [])):
        spoilt = {**request, "adapters": [{**request["adapters"][0], name: value}]}
        with pytest.raises(InvalidRequest, match="malformed"):
            record_from_json({**values, "request": spoilt}, path=tmp_path / "a.png", sha256="")
