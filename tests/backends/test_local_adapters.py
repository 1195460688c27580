"""LoRAs in every dialect, embeddings, ControlNets, IP-Adapters and VAEs on real small models."""

import hashlib
import shutil
import warnings

import pytest
import tiny_adapters
import tiny_models
from watching import Recorder

from studio.backends.local import LocalBackend
from studio.backends.local.adapters import CONTROLLED
from studio.core.canvas import Ground
from studio.core.errors import BackendError, InvalidRequest, NotConfigured, StudioError, Unsupported
from studio.core.request import Adapter, Source

SOURCE = Source(sha256="0" * 64, width=64, height=64)
LORAS = {"kohya": "sd", "peft": "sd", "old": "sd", "xl-kohya": "xl", "xl-peft": "xl", "flux-peft": "flux",
         "flux-kohya": "flux", "sd3-peft": "sd3"}  # fmt: skip
STEERED = {"sd-canny": "sd", "xl-canny": "xl", "flux-canny": "flux"}


def load(folder):
    from diffusers import DiffusionPipeline

    missing = {} if folder.name != "sd3" else {"text_encoder_3": None, "tokenizer_3": None}
    return DiffusionPipeline.from_pretrained(folder, **missing)


@pytest.fixture(scope="module")
def wardrobe(zoo, tmp_path_factory):
    """The zoo's models for which there are adapters, and those in their places."""
    root = tmp_path_factory.mktemp("dressed")
    for name in ("sd", "xl", "flux", "nine"):
        shutil.copytree(zoo / name, root / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny_models.tiny_sd3(root / "sd3", layers=2)
        pipes = {name: load(root / name) for name in ("sd", "xl", "flux", "sd3")}
        loras = root / "loras"
        told = {**tiny_adapters.tags(cat=4, dog=9), "sshs_model_hash": "ab" * 32}
        tiny_adapters.kohya(pipes["sd"], loras / "kohya.safetensors", told=told)
        tiny_adapters.kohya(pipes["sd"], loras / "partly.safetensors", strangers=2)
        tiny_adapters.peft(pipes["sd"], loras / "deep" / "peft.safetensors", told={"modelspec.trigger_phrase": "sks style"})
        tiny_adapters.diffusers_old(pipes["sd"], loras / "old.safetensors")
        tiny_adapters.kohya(pipes["xl"], loras / "xl-kohya.safetensors")
        tiny_adapters.peft(pipes["xl"], loras / "xl-peft.safetensors")
        tiny_adapters.peft(pipes["flux"], loras / "flux-peft.safetensors")
        tiny_adapters.kohya_flux(loras / "flux-kohya.safetensors")
        tiny_adapters.peft(pipes["sd3"], loras / "sd3-peft.safetensors")
        tiny_adapters.strangers(loras / "strange.safetensors")
        tiny_adapters.embedding(root / "embeddings" / "evening.safetensors")
        tiny_adapters.embedding(root / "embeddings" / "named.safetensors", vectors=1, key="<named>")
        tiny_adapters.embedding(root / "embeddings" / "both.safetensors", (32, 32))
        tiny_adapters.controlnet(pipes["sd"], root / "controlnets" / "sd-canny")
        tiny_adapters.controlnet_file(pipes["sd"], root / "controlnets" / "one-file.safetensors")
        tiny_adapters.controlnet_original(pipes["sd"], root / "controlnets" / "original.safetensors")
        tiny_adapters.controlnet(pipes["xl"], root / "controlnets" / "xl-canny")
        tiny_adapters.flux_controlnet(pipes["flux"], root / "controlnets" / "flux-canny")
        tiny_adapters.sd3_controlnet(pipes["sd3"], root / "controlnets" / "sd3-canny")
        tiny_adapters.ip_adapter(pipes["sd"], root / "ip-adapters" / "ip")
        tiny_adapters.ip_adapter(pipes["xl"], root / "ip-adapters" / "ip-xl")
        tiny_adapters.vae_folder(pipes["sd"], root / "vae" / "whole")
        tiny_adapters.vae_file(pipes["sd"], root / "vae" / "single.safetensors")
        tiny_adapters.vae_original(pipes["sd"], root / "vae" / "original.safetensors")
    return root


@pytest.fixture(scope="module")
def dressed(wardrobe):
    return LocalBackend((wardrobe,), None)


@pytest.fixture
def draw(dressed, a_request, photo):
    """Pixels and all of a picture with adapters: `draw("sd", lora("kohya"))`."""
    known = {model.id.removeprefix("local:"): model for model in dressed.models()}

    def run(model="sd", *adapters, ground=None, **fields):
        pictures = {place: photo for place, adapter in enumerate(adapters) if adapter.image}
        request = a_request(model, adapters=adapters, **fields)
        return dressed.generate(request, known[model], Recorder(), ground, pictures)

    return run


def lora(name, weight=1.0):
    return Adapter(kind="lora", name=name, weight=weight)


def looking(kind, name, weight=1.0, **more):
    return Adapter(kind=kind, name=name, weight=weight, image=SOURCE, **more)


def pixels(result):
    return result.pictures[0].image.tobytes()


@pytest.mark.parametrize(("name", "model"), LORAS.items())
def test_a_lora_of_each_dialect_changes_the_picture_and_leaves_nothing_behind(draw, wardrobe, name, model):
    before, worn, after = draw(model), draw(model, lora(name)), draw(model)
    assert pixels(before) != pixels(worn)
    assert pixels(before) == pixels(after)
    (told,) = worn.used["adapters"]
    file = next((wardrobe / "loras").rglob(f"{name}.safetensors"))
    assert told == {"kind": "lora", "name": name, "weight": 1.0, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert any(note.startswith(f"LoRA {name}: all ") for note in worn.notes)
    assert "adapters" not in after.used


def test_a_lora_of_weight_nothing_is_none_and_its_weight_counts(draw):
    none, nothing = draw(), draw("sd", lora("kohya", 0.0))
    assert pixels(none) == pixels(nothing)
    assert "LoRA kohya left out: its weight is 0" in nothing.notes
    made = {pixels(draw("sd", lora("kohya", weight))) for weight in (0.5, 1.0, -1.0)}
    assert len(made) == 3


def test_several_loras_add_up_in_any_order(draw):
    both = pixels(draw("sd", lora("kohya", 0.7), lora("peft", 0.4)))
    assert both not in {pixels(draw("sd", lora("kohya", 0.7))), pixels(draw("sd", lora("peft", 0.4)))}
    assert pixels(draw("sd", lora("kohya", 0.7), lora("peft", 0.4))) == both


def test_layers_without_a_place_are_told_and_a_file_without_any_is_an_error(draw):
    told = next(note for note in draw("sd", lora("partly")).notes if note.startswith("LoRA partly"))
    assert "of 42 layers matched" in told
    assert "down_blocks_9" in told
    before = pixels(draw())
    with pytest.raises(InvalidRequest, match="Nothing in the LoRA strange fits"):
        draw("sd", lora("strange"))
    assert pixels(draw()) == before


@pytest.mark.parametrize(("model", "name"), [("sd", "xl-kohya"), ("xl", "kohya"), ("flux", "peft"), ("sd3", "flux-peft")])
def test_a_lora_of_another_family_is_refused_before_it_is_loaded(draw, monkeypatch, model, name):
    draw(model)
    monkeypatch.setattr("safetensors.torch.load_file", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(InvalidRequest, match="another family"):
        draw(model, lora(name))


def test_offers_say_what_fits_and_which_words_call_it_up(dressed):
    offers = {(offer.kind, offer.name): offer for offer in dressed.adapters()}
    assert offers["lora", "kohya"].triggers == ("dog", "cat")
    assert offers["lora", "peft"].triggers == ("sks style",)
    assert offers["lora", "kohya"].models == ("local:nine", "local:sd")
    assert offers["lora", "flux-peft"].models == ("local:flux",)
    assert offers["textual-inversion", "both"].models == ("local:xl",)
    assert offers["controlnet", "xl-canny"].models == ("local:xl",)
    assert offers["controlnet", "sd-canny"].preprocessors == ("canny", "lineart")
    assert set(offers["vae", "single"].models) >= {"local:sd", "local:xl"}
    assert "local:sd3" not in offers["vae", "single"].models


def test_an_adapter_is_found_by_its_hash(dressed, wardrobe):
    whole = hashlib.sha256((wardrobe / "loras" / "old.safetensors").read_bytes()).hexdigest()
    assert dressed.adapter_named("lora", whole[:10]) == "old"
    assert dressed.adapter_named("lora", "ab" * 6) == "kohya"
    assert dressed.adapter_named("lora", "0" * 10) == ""


def test_folders_of_adapters_are_no_broken_models(dressed):
    assert dressed.problems() == []


@pytest.mark.parametrize(("place", "name", "data", "sentence"), [
    ("loras", "old.ckpt", b"x" * 100, "pickle"),
    ("loras", "cut.safetensors", b"\xff" * 100, "is damaged"),
    ("embeddings", "bad.pt", b"x" * 100, "pickle"),
])  # fmt: skip
def test_what_cannot_be_used_is_left_out_with_a_sentence(tmp_path, place, name, data, sentence):
    (tmp_path / place).mkdir()
    (tmp_path / place / name).write_bytes(data)
    backend = LocalBackend((tmp_path,), None)
    assert backend.adapters() == []
    assert any(sentence in problem for problem in backend.problems())


@pytest.mark.parametrize(("model", "name"), [("sd", "evening"), ("sd", "named"), ("xl", "both")])
def test_an_embedding_speaks_where_its_name_stands_and_leaves_nothing_behind(draw, model, name):
    embedding, prompt = Adapter(kind="textual-inversion", name=name), f"a red house, {name.upper()}"
    before = draw(model, prompt=prompt)
    worn = draw(model, embedding, prompt=prompt)
    assert pixels(worn) != pixels(before)
    assert pixels(draw(model, prompt=prompt)) == pixels(before)
    assert not any("no effect" in note for note in worn.notes)


def test_an_embedding_works_in_the_negative_prompt_with_weights_and_not_without_its_name(draw):
    embedding, fields = Adapter(kind="textual-inversion", name="evening"), {"negative_prompt": "(evening:1.3)"}
    assert pixels(draw("sd", embedding, **fields)) != pixels(draw("sd", **fields))
    silent = draw("sd", embedding)
    assert pixels(silent) == pixels(draw("sd"))
    assert any("its name stands in neither prompt" in note for note in silent.notes)


@pytest.fixture
def grounds(photo, square):
    soft = square.copy()
    soft.paste(100, (0, 0, 20, 20))
    return {
        "text": None,
        "redraw": Ground(image=photo, strength=0.7),
        "mask": Ground(image=photo, mask=square, strength=0.7),
        "soft": Ground(image=photo, mask=soft, strength=0.7, soft=True),
    }


@pytest.mark.parametrize("task", ["text", "redraw", "mask", "soft"])
@pytest.mark.parametrize(("name", "model"), STEERED.items())
def test_a_controlnet_steers_every_task_and_leaves_nothing_behind(draw, grounds, name, model, task):
    ground = grounds[task]
    before = draw(model, ground=ground)
    worn = draw(model, looking("controlnet", name), ground=ground)
    assert len({pixels(before), pixels(worn), pixels(draw(model, looking("controlnet", name, 0.2), ground=ground))}) == 3
    assert worn.used["pipeline"] in CONTROLLED.values()
    assert pixels(draw(model, looking("controlnet", name, weight=0.0), ground=ground)) == pixels(before)
    assert pixels(draw(model, ground=ground)) == pixels(before)


def test_stable_diffusion_3_is_steered_from_words_and_says_where_it_cannot_be(draw, photo):
    net = looking("controlnet", "sd3-canny")
    assert pixels(draw("sd3", net)) != pixels(draw("sd3", looking("controlnet", "sd3-canny", 0.2)))
    with pytest.raises(Unsupported, match="no ControlNet for image to image"):
        draw("sd3", net, ground=Ground(image=photo, strength=0.7))


def test_an_inpainting_model_is_steered_too(draw, photo, square):
    ground = Ground(image=photo, mask=square)
    assert pixels(draw("nine", looking("controlnet", "sd-canny"), ground=ground)) != pixels(draw("nine", ground=ground))


def test_a_single_file_of_either_layout_is_what_the_folder_is(draw):
    nets = {pixels(draw("sd", looking("controlnet", name))) for name in ("one-file", "original", "sd-canny")}
    vaes = {pixels(draw("sd", Adapter(kind="vae", name=name))) for name in ("whole", "single", "original")}
    assert (len(nets), len(vaes)) == (1, 1)


def test_two_controlnets_and_a_span_of_the_steps(draw):
    net = looking("controlnet", "sd-canny")
    one, two = pixels(draw("sd", net)), pixels(draw("sd", net, looking("controlnet", "sd-canny", 0.4)))
    late = pixels(draw("sd", looking("controlnet", "sd-canny", start=0.5)))
    assert len({one, two, late}) == 3


@pytest.mark.parametrize("task", ["text", "redraw", "mask"])
@pytest.mark.parametrize(("model", "name"), [("sd", "ip"), ("xl", "ip-xl")])
def test_an_ip_adapter_looks_at_its_picture_and_leaves_nothing_behind(draw, grounds, model, name, task):
    ground = grounds[task]
    before = draw(model, ground=ground)
    assert pixels(draw(model, looking("ip-adapter", name), ground=ground)) != pixels(before)
    assert pixels(draw(model, looking("ip-adapter", name, 0.3), ground=ground)) != pixels(before)
    assert pixels(draw(model, ground=ground)) == pixels(before)


@pytest.mark.parametrize("name", ["whole", "single"])
def test_another_vae_decodes_the_picture_and_leaves_nothing_behind(draw, name):
    before, worn = pixels(draw()), draw("sd", Adapter(kind="vae", name=name))
    assert pixels(worn) != before
    assert worn.used["adapters"][0]["kind"] == "vae"
    assert pixels(draw()) == before


def test_all_kinds_go_together(draw):
    everything = (lora("kohya"), looking("controlnet", "sd-canny"), looking("ip-adapter", "ip"),
                  Adapter(kind="vae", name="single"), Adapter(kind="textual-inversion", name="evening"))  # fmt: skip
    before = pixels(draw("sd", prompt="evening"))
    worn = draw("sd", *everything, prompt="evening")
    assert [each["name"] for each in worn.used["adapters"]] == [each.name for each in everything]
    assert pixels(draw("sd", *everything, prompt="evening")) == pixels(worn)
    assert pixels(draw("sd", prompt="evening")) == before


def test_a_job_that_fails_half_way_leaves_nothing_behind(draw, dressed, a_request, monkeypatch):
    before = pixels(draw())
    monkeypatch.setattr("studio.backends.local.run._draw", lambda *_: (_ for _ in ()).throw(ValueError("boom")))
    with pytest.raises(BackendError):
        draw("sd", lora("kohya"), looking("ip-adapter", "ip"), Adapter(kind="textual-inversion", name="evening"))
    monkeypatch.undo()
    assert pixels(draw()) == before


def test_an_adapter_that_is_gone_is_a_sentence(draw):
    with pytest.raises(StudioError, match="is not here any more"):
        draw("sd", lora("vanished"))


def test_depth_is_offered_and_made_once_its_model_is_there(tmp_path, zoo, photo):
    shutil.copytree(zoo / "sd", tmp_path / "sd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny_adapters.controlnet(load(tmp_path / "sd"), tmp_path / "controlnets" / "sd-depth")
    backend = LocalBackend((tmp_path,), None)
    assert backend.adapters()[0].preprocessors == ("canny", "lineart")
    with pytest.raises(NotConfigured, match="no depth model here"):
        backend.prepare(photo, "depth")
    tiny_adapters.depth_model(tmp_path / "preprocessors" / "dpt")
    assert backend.problems() == []
    assert backend.adapters()[0].preprocessors == ("depth", "canny", "lineart")
    made = backend.prepare(photo, "depth")
    assert (made.mode, made.size) == ("RGB", photo.size)
    assert made.convert("L").getextrema()[1] > made.convert("L").getextrema()[0]


def test_tags_in_a_prompt_are_no_tokens(dressed):
    model = next(model for model in dressed.models() if model.id == "local:sd")
    assert dressed.count_tokens(model, "a red house <lora:kohya:0.5>") == dressed.count_tokens(model, "a red house")
