"""Tokens are counted in the studio process, without torch, exactly as the model will."""

import pytest
import tiny_models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.backends.local import tokens

TEXTS = ["", "a red house by the sea", "Äpfel 🍎 日本語 don't 3D", "a (red:1.3) [house], (by\\) ((the sea))", "x" * 300]


@pytest.fixture(scope="module")
def tokenizer(zoo):
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(zoo / "sd" / "tokenizer")


@pytest.mark.parametrize("text", TEXTS)
def test_the_count_is_the_pipelines_own(tokenizer, zoo, text):
    assert tokens.count(zoo / "sd" / "tokenizer", text, weighted=False) == len(
        tokenizer(text, add_special_tokens=False).input_ids
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=60))
def test_old_vocabulary_files_count_like_the_new_ones(tmp_path_factory, zoo, text):
    folder = tmp_path_factory.getbasetemp() / "old"
    if not folder.exists():
        folder.mkdir()
        tiny_models.write_vocabulary(folder)
    assert tokens.count(folder, text, weighted=False) == tokens.count(zoo / "sd" / "tokenizer", text, weighted=False)


def test_weights_do_not_count(backend, models):
    plain = backend.count_tokens(models["sd"], "a red house")
    assert plain == 3
    assert backend.count_tokens(models["sd"], "a (red:1.35) [house]") == plain


def test_models_that_read_no_weights_count_every_character(backend, models):
    assert backend.count_tokens(models["flux"], "a (red:1.3) house") > backend.count_tokens(models["flux"], "a red house")


def test_an_unknown_or_damaged_tokenizer_counts_nothing(tmp_path):
    assert tokens.count(tmp_path, "a cat", weighted=True) is None
    (tmp_path / "tokenizer.json").write_text("{")
    assert tokens.count(tmp_path, "a cat", weighted=True) is None


def test_a_model_that_is_gone_counts_nothing(backend, models):
    from dataclasses import replace

    assert backend.count_tokens(replace(models["sd"], id="local:gone"), "a cat") is None


@pytest.mark.parametrize(
    ("model", "encoders"),
    [
        ("sd", [("CLIP", 75, True)]),
        ("xl", [("CLIP", 75, True), ("CLIP 2", 75, True)]),
        ("sd3", [("CLIP", 75, True), ("CLIP 2", 75, True)]),
        ("flux", [("CLIP", 75, False), ("T5", 511, False)]),
    ],
)
def test_each_encoder_counts_for_itself_with_its_own_room(backend, models, model, encoders):
    counts = backend.count_encoders(models[model], "a red house")
    assert [(count.encoder, count.room, count.chunked) for count in counts] == encoders
    assert counts[0].tokens == 3
    assert all(count.tokens >= 3 for count in counts)


def test_the_page_tells_the_tightest_and_every_one_at_rest():
    from studio.core.counting import TokenCount
    from studio.ui.wording import tokens as told

    assert told(()) == ""
    assert ">3 / 75 tokens<" in told([TokenCount("CLIP", 3, 75, True)])
    assert "160 / 225 tokens · encoded in 3 chunks, nothing is cut" in told([TokenCount("CLIP", 160, 75, True)])
    flux = told([TokenCount("CLIP", 90, 75), TokenCount("T5", 95, 511)])
    assert "90 / 75 tokens (CLIP) · CLIP reads the first 75, T5 all" in flux
    assert 'title="CLIP 90 / 75 · T5 95 / 511"' in flux
    mixed = told([TokenCount("CLIP", 90, 75, True), TokenCount("T5", 95, 255)])
    assert "95 / 255 tokens (T5)" in mixed
