"""The form and hosted models: one click there and back, what is shown, what is sent, what it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_hosting import CLOUD
from fakes import OWNER, STARTER, TURBO

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.price import Price
from studio.core.request import ImageRequest, Size, TextToImage
from studio.core.result import Record
from studio.ui import choosing, form, hosted_facts, options, values
from studio.ui.sizes import fit, shape_of, shapes_of
from studio.ui.tabs import settings as page

MODELS = [STARTER, TURBO, CLOUD]
T2I = "text-to-image"


def test_a_side_is_one_click_away_and_comes_back_to_the_model_used_last() -> None:
    assert choosing.pick(None, MODELS, T2I, choosing.HOSTED) == CLOUD
    assert choosing.pick(TURBO.id, MODELS, T2I, choosing.HERE) == TURBO
    assert choosing.pick(CLOUD.id, MODELS, T2I, choosing.HERE) == STARTER
    assert choosing.pick("gone:model", MODELS, T2I) == STARTER
    with pytest.raises(InvalidRequest):
        choosing.pick(None, [], T2I)


def test_models_that_cannot_do_a_task_stand_last_with_the_reason() -> None:
    labels = [label for label, _ in choosing.choices_of(MODELS, CLOUD, "inpaint")]
    assert labels == ["Cloud · Fine — cannot inpaint"]
    assert choosing.hindrance(CLOUD, "inpaint") == "Fine cannot inpaint: it takes no mask. Choose another model."
    local = [label for label, _ in choosing.choices_of(MODELS, STARTER, "inpaint")]
    assert local == ["Starter", "Turbo — cannot inpaint"]


def test_a_model_without_a_key_says_so_and_cannot_be_asked() -> None:
    shut = replace(CLOUD, unready="Cloud needs a key. Set it in Settings.")
    assert choosing.hindrance(shut, T2I) == shut.unready
    assert "data-hindrance" in choosing.about(shut, T2I)
    assert "not ready" in choosing.choices_of([shut], shut, T2I)[0][0]


def test_what_leaves_the_computer_is_said_before() -> None:
    told = choosing.about(CLOUD, T2I)
    assert "Sends prompt, seed and negative prompt to <b>api.cloud.example</b>." in told
    assert "Takes no steps or guidance scale." in told
    assert "$0.03 a picture (table of 2026-11-01)" in told
    assert choosing.about(STARTER, T2I) == ""
    assert "your own server" in choosing.about(replace(CLOUD, destination=""), T2I)
    assert "your picture and the mask" in choosing.about(replace(CLOUD, tasks=("inpaint",)), "inpaint")


def test_the_button_tells_the_price_before_the_click() -> None:
    assert choosing.button_label(CLOUD, Size(1024, 1024), 4) == "Generate · $0.12"
    guess = replace(CLOUD, price=Price(picture=0.002, varies=True))
    assert choosing.button_label(guess, Size(1024, 1024), 1) == "Generate · ≈$0.0020"
    assert choosing.button_label(STARTER, Size(64, 64), 4) == "Generate"
    assert choosing.button_label(CLOUD, Size(64, 64), 0) == "Generate"


def test_the_form_asks_only_for_what_the_model_takes() -> None:
    filled = {**values.defaults(CLOUD), "prompt": "a fox", "steps": 30, "sampler": "Euler", "negative_prompt": "rain"}
    request = values.to_request(filled, CLOUD, TextToImage(None), {"style": "photo"})
    assert (request.sampling.steps, request.sampling.sampler, request.sampling.guidance_scale) == (None, None, None)
    assert request.negative_prompt == "rain"
    assert request.options == {"style": "photo"}


def test_fields_without_effect_are_hidden() -> None:
    fields = {name: name for name in ("steps", "guidance_scale", "sampler", "seed", "seed_mode", "count", "negative_prompt",
                                      "width", "height", "shape", "strength")}  # fmt: skip
    shown = {name: update.get("visible", True) for name, update in form.updates(fields, {}, CLOUD, T2I).items()}
    hidden = {name for name, visible in shown.items() if not visible}
    assert hidden == {"steps", "guidance_scale", "sampler", "width", "height", "strength"}
    local = form.updates(fields, {}, STARTER, T2I)
    assert not [name for name, update in local.items() if update.get("visible") is False]


def test_a_providers_shapes_take_the_place_of_ours() -> None:
    assert list(shapes_of(CLOUD)) == ["1:1", "16:9", "9:16"]
    assert fit("16:9", CLOUD) == Size(1344, 768)
    assert fit("3:2", CLOUD) == Size(1344, 768)
    assert shape_of(Size(768, 1344), CLOUD) == "9:16"
    assert shape_of(Size(100, 100), CLOUD) is None


def test_a_models_own_fields_fill_a_pool_of_components() -> None:
    assert {slot: option.name for slot, option in options.slots_of(CLOUD, T2I).items()} == {
        "choice_0": "style",
        "text_0": "search",
    }
    assert options.read({"choice_0": "photo", "text_0": "a cat", "number_0": 3}, CLOUD, T2I) == {
        "style": "photo",
        "search": "a cat",
    }
    assert options.read({"choice_0": options.ANY, "text_0": ""}, CLOUD, T2I) == {}
    assert options.read({"choice_0": "photo"}, STARTER, T2I) == {}
    assert options.shown({"style": "paint"}, CLOUD, T2I) == {"choice_0": "paint", "text_0": None}
    assert options.limits_of("choice_0", STARTER, T2I)["visible"] is False
    assert options.field_of("search", CLOUD, T2I) == "text_0"
    assert options.field_of("prompt", CLOUD, T2I) == "prompt"


def test_a_kept_option_that_the_model_would_refuse_is_not_shown() -> None:
    sound = options.sound(T2I)
    assert sound["choice_0"]("photo", CLOUD)
    assert not sound["choice_0"]("neon", CLOUD)
    assert not sound["number_0"](3, CLOUD)


def a_record() -> Record:
    request = {
        "method": "POST",
        "url": "https://api.cloud.example/v1",
        "headers": {"authorization": "Bearer $CLOUD_API_KEY"},
        "json": {"prompt": "<script>"},
    }
    facts = {
        "provider": "Cloud",
        "endpoint": "https://api.cloud.example/v1",
        "request_id": "req-9",
        "seed_asked": 7,
        "seed_returned": None,
        "moderation": "ok",
        "cost": {"value": 0.03, "unit": "USD", "source": "price table of 2026"},
        "seconds": {"sending": 1.25},
        "retries": 2,
        "request": request,
        "response": {"status": 200},
    }
    return Record(
        id="r", job="j", path=None, name="x.png", sha256="0" * 64, width=8, height=8, seed=7, created="2026-11-26T08:00:00",
        request=ImageRequest(model=CLOUD.id, prompt="a fox"), facts={"hosted": facts},
    )  # fmt: skip


def test_what_the_provider_told_is_shown_as_rows_and_as_commands() -> None:
    rows = dict(hosted_facts.rows(a_record()))
    assert rows["Request"] == "req-9"
    assert rows["Seeds"] == "7 asked, not told returned"
    assert rows["Cost"] == "$0.03 (price table of 2026)"
    assert rows["Moderation"] == "passed the provider's filter"
    html = hosted_facts.tools(a_record())
    assert "curl --request POST" in html
    assert "$CLOUD_API_KEY" in html
    assert "<script>" not in html
    assert hosted_facts.rows(replace(a_record(), facts={})) == []


@pytest.mark.parametrize("facts", [{"hosted": 5}, {"hosted": {"request": 3, "cost": "x", "seconds": []}}, {"hosted": {}}])
def test_a_strangers_facts_break_nothing(facts: dict) -> None:
    record = replace(a_record(), facts=facts)
    hosted_facts.rows(record)
    assert hosted_facts.tools(record) == ""


def test_the_table_of_providers_shows_states_and_money_and_no_key(tmp_path) -> None:
    from fakes import FakeStudio

    studio = FakeStudio(tmp_path / "outputs")
    try:
        studio.set_key("CLOUD_API_KEY", "sk-planted-77aa3f", OWNER)
        html = page.table(studio.providers(), studio.spent()) + page.about(studio.providers()[0])
    finally:
        studio.close()
    assert "…3f" in html
    assert "planted" not in html
    assert "$0.12" in html
    assert "1 of unknown end" in html


def test_every_task_has_words_for_what_it_cannot() -> None:
    for task in ("text-to-image", "image-to-image", "inpaint", "outpaint"):
        assert choosing.hindrance(Model(id="a:b", title="B", backend="a", tasks=()), task).startswith("B cannot ")
