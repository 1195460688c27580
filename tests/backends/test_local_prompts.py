"""Long and weighted prompts reach the picture whole."""

import warnings

import pytest
import tiny_models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watching import Recorder

from studio.backends.local import LocalBackend, prompts

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


def test_models_without_chunks_say_what_they_do_not_read(make):
    notes = make("flux", prompt=LONG * 4 + "(moon:1.2)").notes
    assert "tokens" in notes[0]
    assert "reads the first" in notes[0]
    assert "plain text" in notes[1]
    assert make("flux", prompt="a red house").notes == ()


@pytest.fixture(scope="module")
def sd3(tmp_path_factory):
    """Stable Diffusion 3 with all three encoders, on a backend of its own."""
    folder = tmp_path_factory.mktemp("with t5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny_models.tiny_sd3(folder / "whole", t5=True)
    backend = LocalBackend((folder,), None)
    model = next(model for model in backend.models() if model.id == "local:whole")
    backend.warm(model)
    return backend, model


def test_the_clip_parts_of_stable_diffusion_3_read_weights_and_every_word(sd3, a_request):
    """Behind what T5 reads the last word still counts; notes say who reads what."""
    backend, model = sd3

    def drawn(prompt):
        return backend.generate(a_request("whole", prompt=prompt), model, Recorder())

    notes = drawn(LONG * 4 + "(moon:1.2)").notes
    assert "weights act on the CLIP encoders of whole; T5 reads the plain words" in notes
    assert any("T5 reads the first 255" in note for note in notes)
    plain = drawn("a red house")
    assert plain.notes == ()
    assert image(drawn("a (red:1.0) house")) == image(plain)
    assert drawn(r"a \(red\) house").notes == ()
    assert len({image(plain), *(image(drawn(f"a (red:{weight}) house")) for weight in (1.5, 0.5))}) == 3
    assert image(drawn(LONG * 4 + "moon")) != image(drawn(LONG * 4 + "trees"))


def test_without_t5_everything_of_stable_diffusion_3_is_read(make):
    assert make("sd3", prompt=LONG * 4 + "(moon:1.2)").notes == ()
    assert image(make("sd3", prompt=LONG * 4 + "moon")) != image(make("sd3", prompt=LONG * 4 + "trees"))


@pytest.mark.parametrize("name", ["whole", "sd3"])
def test_our_encoding_of_plain_words_is_stable_diffusion_3s_own(backend, sd3, a_request, monkeypatch, name):
    import torch

    own, model = sd3 if name == "whole" else (backend, next(each for each in backend.models() if each.id == "local:sd3"))
    own.warm(model)
    loaded = own._loaded
    monkeypatch.setattr(prompts, "CLIP_ROOM", 0)
    ours = prompts.condition(loaded, a_request(name, prompt="a red house", negative_prompt="blurry")).arguments
    with torch.no_grad():
        theirs = loaded.pipe.encode_prompt("a red house", None, None, negative_prompt="blurry")
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    for each, expected in zip(names, theirs, strict=True):
        assert ours[each].shape == expected.shape
        assert torch.allclose(ours[each], expected, atol=1e-4), each


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
