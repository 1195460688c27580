"""Long and weighted prompts reach the picture whole."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.backends.local import prompts

LONG = "a red house by the sea at night, " * 20


def image(result):
    return result.pictures[0].image.tobytes()


@pytest.fixture(scope="module")
def loaded(backend, models):
    backend.warm(models["sd"])
    return backend._loaded


@pytest.mark.parametrize("model", ["sd", "xl"])
def test_the_last_word_of_a_long_prompt_counts(make, model):
    assert image(make(model, prompt=LONG + "moon")) != image(make(model, prompt=LONG + "trees"))
    assert image(make(model, negative_prompt=LONG + "moon")) != image(make(model, negative_prompt=LONG + "trees"))


@pytest.mark.parametrize("model", ["sd", "xl"])
def test_weights_change_the_picture_and_a_weight_of_one_does_not(make, model):
    plain = image(make(model, prompt="a red house"))
    assert image(make(model, prompt="a (red:1.0) house")) == plain
    pictures = {
        plain,
        *(image(make(model, prompt=f"a ({word}) house")) for word in ("red:1.5", "red:0.5", "red:0", "red:-1")),
    }
    assert len(pictures) == 4  # 0 and −1 are the same: weights stop at nothing


def test_escaped_brackets_are_plain_words(make):
    assert image(make(prompt=r"a \(red\) house")) != image(make(prompt="a red house"))


def test_clamped_weights_are_noted(make):
    assert make(prompt="a (red:50) house").notes == ("weight 50 of “red” became 10",)


@pytest.mark.parametrize("model", ["sd3", "flux"])
def test_models_without_chunks_say_what_they_do_not_read(make, model):
    notes = make(model, prompt=LONG * 4 + "(moon:1.2)").notes
    assert "tokens" in notes[0]
    assert "reads the first" in notes[0]
    assert "plain text" in notes[1]
    assert make(model, prompt="a red house").notes == ()


def test_a_prompt_of_exactly_the_encoders_length_is_not_chunked_and_one_more_token_is(loaded, a_request):
    exact = " ".join(["red"] * 75)
    assert set(prompts.condition(loaded, a_request(prompt=exact)).arguments) == {"prompt", "negative_prompt"}
    arguments = prompts.condition(loaded, a_request(prompt=f"{exact} red")).arguments
    assert arguments["prompt_embeds"].shape[1] == 154
    assert arguments["negative_prompt_embeds"].shape == arguments["prompt_embeds"].shape


def test_weights_alone_keep_the_encoding_of_the_other_words(loaded, a_request):
    """Compel's encoding of unweighted words is the pipeline's own."""
    import torch

    request = a_request(prompt="a red house")
    ours = prompts._encode(loaded.pipe, [("a red house", 1.0)], [])["prompt_embeds"]
    theirs, _ = loaded.pipe.encode_prompt(request.prompt, "cpu", 1, do_classifier_free_guidance=False)
    assert torch.allclose(ours, theirs, atol=1e-5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prompt=st.text(
        alphabet=st.one_of(st.sampled_from("()[]\\:.,!0 1ab"), st.characters(codec="utf-8", exclude_categories=["Cs"])),
        max_size=120,
    ),
    repeat=st.sampled_from([1, 9]),
)
def test_no_prompt_crashes_the_encoders(loaded, a_request, prompt, repeat):
    arguments = prompts.condition(loaded, a_request(prompt=prompt * repeat, negative_prompt=prompt[::-1])).arguments
    if "prompt_embeds" in arguments:
        assert arguments["prompt_embeds"].isfinite().all()
        assert arguments["prompt_embeds"].shape == arguments["negative_prompt_embeds"].shape
    else:
        assert isinstance(arguments["prompt"], str)


@pytest.mark.parametrize(
    "prompt",
    ["[ ] (a:1.2)", "(<|endoftext|> a:0.5) <|startoftext|>", "(!!!:0.4)" + "! " * 90, "(" * 50 + "cat",
     "[]" * 40 + "(\u200b:0.3)", "(日本語:1.4) 🍎 [Ä]", "(a:0.1)" * 90],
)  # fmt: skip
@pytest.mark.parametrize("model", ["sd", "xl"])
def test_nasty_prompts_make_pictures(make, model, prompt):
    assert len(make(model, prompt=prompt, steps=1).pictures) == 1
