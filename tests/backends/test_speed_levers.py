"""Speed: prompts are read once, switches do what they say, and nothing changes pixels without being named."""

import shutil

import pytest
import tiny_models
from watching import Recorder

from studio.backends.local import LocalBackend, levers
from studio.backends.local.device import Device
from studio.backends.local.embeddings import Embeddings, words_of
from studio.core.errors import Unsupported
from studio.core.request import Adapter, ImageRequest

CACHED = ("flux", "qwen")


def pixels(result):
    return [picture.image.tobytes() for picture in result.pictures]


@pytest.fixture
def fresh(zoo):
    return LocalBackend((zoo,), None)


@pytest.fixture
def draw(fresh, models, a_request):
    return lambda name="sd", **fields: fresh.generate(a_request(name, **fields), models[name], Recorder())


@pytest.mark.parametrize("name", ["sd", "xl", "flux", "sd3", "qwen", "z", "chroma"])
def test_a_prompt_that_was_read_before_gives_the_same_pixels_without_the_encoder(fresh, draw, name):
    first = pixels(draw(name, negative_prompt="trees"))
    encoder, calls = fresh._loaded.pipe.text_encoder, []
    handle = encoder.register_forward_pre_hook(lambda *_: calls.append(1))
    assert pixels(draw(name, negative_prompt="trees", seed=8)) != first
    assert pixels(draw(name, negative_prompt="trees")) == first
    assert calls == []
    draw(name, prompt="another one")
    assert calls
    handle.remove()


def test_a_long_weighted_prompt_is_kept_too(fresh, draw):
    words = "(a red house:1.3) by the sea " * 30
    first = pixels(draw(prompt=words))
    handle = fresh._loaded.pipe.text_encoder.register_forward_pre_hook(lambda *_: pytest.fail("it was read again"))
    assert pixels(draw(prompt=words)) == first
    handle.remove()


def test_every_word_and_option_counts_and_adapters_that_change_an_encoder_are_read_anew():
    plain = ImageRequest(model="local:sd", prompt="a")
    keys = [words_of(each) for each in (
        plain, ImageRequest(model="local:sd", prompt="b"), ImageRequest(model="local:sd", prompt="a", negative_prompt="b"),
        ImageRequest(model="local:sd", prompt="a", options={"clip_skip": 2}),
    )]  # fmt: skip
    assert len(set(keys)) == 4
    assert words_of(ImageRequest(model="local:sd", prompt="a", options={"memory": "full", "compile": "on"})) == keys[0]
    for kind in ("lora", "textual-inversion"):
        assert words_of(ImageRequest(model="local:sd", prompt="a", adapters=(Adapter(kind=kind, name="x"),))) is None


def test_the_memory_of_prompts_is_bounded_and_cannot_be_changed_from_outside():
    import torch

    kept = Embeddings(limit=3 * 400)
    for number in range(5):
        kept.recall(number, "cpu", lambda number=number: torch.full((100,), float(number)))
    assert kept.bytes == 1200
    assert (kept.hits, kept.misses) == (0, 5)
    given = kept.recall(4, "cpu", lambda: pytest.fail("it is there"))
    given.zero_()
    assert kept.recall(4, "cpu", lambda: None).sum() == 400
    assert kept.recall(0, "cpu", lambda: "made again") == "made again"
    kept.recall("large", "cpu", lambda: torch.zeros(1000))
    assert kept.bytes <= 1200


@pytest.mark.parametrize("name", CACHED)
def test_alike_steps_are_skipped_only_when_asked_and_named(tmp_path, a_request, name):
    """Each picture of a request stands alone in this too."""
    build = {"flux": tiny_models.tiny_flux, "qwen": lambda folder: tiny_models.tiny_qwen(folder, layers=3)}[name]
    build(tmp_path / name)
    backend = LocalBackend((tmp_path,), None)
    models = {model.id.removeprefix("local:"): model for model in backend.models()}

    def draw(name, **fields):
        return backend.generate(a_request(name, **fields), models[name], Recorder())

    assert any(option.name == "step_cache" for option in models[name].options)
    plain = draw(name, steps=60)
    fast = draw(name, steps=60, count=2, options={"step_cache": "fast"})
    assert fast.used["step_cache"] == "first block, threshold 0.2"
    assert "step_cache" not in plain.used
    assert pixels(fast)[0] != pixels(plain)[0]
    assert pixels(draw(name, steps=60)) == pixels(plain)
    assert pixels(draw(name, steps=60, seed=8, options={"step_cache": "fast"})) == pixels(fast)[1:]


def test_alike_steps_save_work(tmp_path, a_request):
    tiny_models.tiny_qwen(tmp_path / "qwen", layers=4)
    backend, counts = LocalBackend((tmp_path,), None), []
    model = next(model for model in backend.models() if model.id == "local:qwen")
    backend.warm(model)
    backend._loaded.denoiser.transformer_blocks[2].attn.register_forward_pre_hook(lambda *_: counts.append(1))
    worked = []
    for how in ("off", "careful", "fast"):
        backend.generate(a_request("qwen", steps=80, guidance=1.0, options={"step_cache": how}), model, Recorder())
        worked.append(len(counts))
        counts.clear()
    assert worked[0] == 80 > worked[2]
    assert worked[0] >= worked[1] >= worked[2]


def test_a_model_whose_blocks_cannot_be_skipped_has_no_such_switch_and_refuses(draw, models):
    for name in ("sd", "chroma", "z", "sd3"):
        assert all(option.name != "step_cache" for option in models[name].options)
    with pytest.raises(Unsupported, match="cannot skip alike steps"):
        draw("sd", options={"step_cache": "fast"})
    with pytest.raises(Unsupported, match="do not go together"):
        draw("flux", options={"step_cache": "fast", "compile": "on"})


@pytest.mark.skipif(
    not any(shutil.which(name) for name in levers._COMPILERS), reason="compiling for the CPU needs a C++ compiler"
)
@pytest.mark.parametrize("name", ["sd"])
def test_compiling_is_told_with_its_time_and_only_that_request_is_compiled(fresh, models, a_request, name):
    watch = Recorder()
    plain = fresh.generate(a_request(name), models[name], Recorder())
    first = fresh.generate(a_request(name, options={"compile": "on"}), models[name], watch)
    assert watch.said == ["Compiling the model: the first step takes a minute or more, the next pictures start at once."]
    assert first.used["compiled"] == "repeated blocks"
    assert first.used["compile_seconds"] > 0
    again = fresh.generate(a_request(name, options={"compile": "on"}), models[name], Recorder())
    assert "compile_seconds" not in again.used
    assert pixels(again) == pixels(first)
    off = fresh.generate(a_request(name), models[name], Recorder())
    assert "compiled" not in off.used
    assert pixels(off) == pixels(plain)


def test_where_nothing_can_be_compiled_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "C++ compiler" in levers.compile_fault(Device(kind="cpu", torch_name="cpu", name="x"))
    assert "Apple" in levers.compile_fault(Device(kind="mps", torch_name="mps", name="x"))


def test_pytorchs_own_attention_is_what_runs(fresh, draw):
    assert draw("sd").used["attention"] == "sdpa"
    kinds = {type(each).__name__ for each in fresh._loaded.denoiser.attn_processors.values()}
    assert kinds == {"AttnProcessor2_0"}
    assert "channels_last" not in draw("sd").used


def test_on_a_graphics_card_convolutions_run_in_their_better_order(fresh, draw):
    import torch

    draw("sd")
    pipe = fresh._loaded.pipe
    assert levers.lay_out(pipe, Device(kind="cuda", torch_name="cuda", name="an invented card"))
    for part in (pipe.unet, pipe.vae.decoder):
        assert part.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
