"""The second, larger pass: on every family, both upscalers, in tiles without seams, and repeatable."""

import itertools
from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageChops, ImageStat
from safetensors.torch import save_file
from watching import Recorder

from studio.backends.local import LocalBackend, tiles, upscalers
from studio.backends.local.upscaling_nets import Compact, RRDBNet
from studio.core.adapt import adapt
from studio.core.canvas import Ground
from studio.core.errors import InvalidRequest, NotConfigured, Unsupported
from studio.core.request import Hires, ImageRequest, ImageToImage, Sampling, Size, Source, TextToImage

ALL = ["sd", "xl", "lcm", "sd3", "flux", "chroma", "z", "qwen"]


def pixels(result):
    return [picture.image.tobytes() for picture in result.pictures]


def jump(image, place):
    """How much the picture changes between the columns left and right of `place`, on average."""
    left = image.crop((place - 1, 0, place, image.height))
    right = image.crop((place, 0, place + 1, image.height))
    return ImageStat.Stat(ImageChops.difference(left, right).convert("L")).mean[0]


@pytest.fixture(scope="session")
def enlarge(backend, models, a_request):
    def run(model="sd", watch=None, *, hires, **fields):
        request = replace(build(model, **fields), hires=hires)
        return backend.generate(request, models[model], watch or Recorder())

    def build(model, *, side=64, steps=4, seed=7, count=1, prompt="a red house by the sea"):
        return ImageRequest(model=f"local:{model}", prompt=prompt, task=TextToImage(Size(side, side)), count=count,
                            sampling=Sampling(steps=steps, guidance_scale=4.0, seed=seed))  # fmt: skip

    return run


@pytest.fixture(scope="session")
def a_request():
    return None


@pytest.mark.parametrize("upscaler", ["latent", "lanczos"])
@pytest.mark.parametrize("model", ALL)
def test_every_family_draws_a_second_larger_pass(enlarge, model, upscaler):
    watch = Recorder()
    result = enlarge(model, watch, hires=Hires(scale=1.5, upscaler=upscaler, strength=0.5, steps=4))
    assert result.pictures[0].image.size == (96, 96)
    told = result.used["hires"]
    assert (told["upscaler"], told["scale"], told["strength"]) == (upscaler, 1.5, 0.5)
    assert (told["width"], told["height"], told["tiles"]) == (96, 96, 1)
    assert (result.used["width"], result.used["height"]) == (64, 64)
    total = {steps for _, steps in watch.steps}
    assert total == {6}, "four steps, then half of four"
    assert watch.steps[-1] == (6, 6)
    assert [done for done, _ in watch.steps] == sorted(done for done, _ in watch.steps)


def test_the_upscalers_differ_and_the_latent_one_starts_from_the_very_latents(enlarge):
    made = [enlarge(hires=Hires(scale=2, upscaler=name, strength=0.3)) for name in ("latent", "lanczos")]
    assert pixels(made[0]) != pixels(made[1])


def test_one_picture_alone_equals_the_same_in_a_batch(enlarge):
    hires = Hires(scale=1.5, upscaler="latent", strength=0.6)
    three = pixels(enlarge(hires=hires, count=3))
    assert three[1] == pixels(enlarge(hires=hires, seed=8))[0]
    assert three[0] == pixels(enlarge(hires=hires))[0]
    assert len(set(three)) == 3


def test_without_strength_the_picture_is_the_first_one_made_larger(enlarge, make):
    first = Image.frombytes("RGB", (64, 64), enlarge(hires=None).pictures[0].image.tobytes())
    (picture,) = enlarge(hires=Hires(scale=2, upscaler="lanczos", strength=0)).pictures
    assert picture.image.tobytes() == first.resize((128, 128), Image.Resampling.LANCZOS).tobytes()


def test_progress_of_several_pictures_and_tiles_only_grows_and_ends_full(backend, models, enlarge):
    small = replace(models["sd"], max_side=96)
    watch = Recorder()
    request = ImageRequest(
        model="local:sd", prompt="a house", task=TextToImage(Size(64, 64)), count=2, hires=Hires(scale=2, strength=0.5),
        sampling=Sampling(steps=4, guidance_scale=4.0, seed=1),
    )  # fmt: skip
    found = backend._catalog.find("local:sd")
    loaded = backend._ready(models["sd"], _course(watch))
    from studio.backends.local import run

    plan = run.Plan.of(replace(loaded, found=replace(found, model=small)), request)
    result = run.generate(plan, _course(watch))
    assert result.used["hires"]["tiles"] > 1
    done = [step for step, _ in watch.steps]
    assert done == sorted(done)
    assert watch.steps[-1][0] == watch.steps[-1][1]
    assert all(picture.image.size == (128, 128) for picture in result.pictures)


def _course(watch):
    from studio.backends.local.course import Course

    return Course(watch)


# Tiles ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [Size(64, 64), Size(128, 96), Size(200, 104), Size(512, 72), Size(1024, 1024)])
@pytest.mark.parametrize(("tile", "overlap", "unit"), [(64, 16, 8), (96, 8, 8), (128, 32, 16)])
def test_tiles_cover_everything_overlap_and_lie_on_the_grid(size, tile, overlap, unit):
    size = Size(size.width // unit * unit, size.height // unit * unit)
    found = tiles.boxes(size, Size(tile, tile), overlap, unit)
    covered = torch.zeros(size.height, size.width)
    for left, top, right, bottom in found:
        assert 0 <= left < right <= size.width
        assert 0 <= top < bottom <= size.height
        assert (left % unit, top % unit) == (0, 0)
        assert (right - left, bottom - top) == (min(tile, size.width), min(tile, size.height))
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    for row in {box[1] for box in found}:
        lefts = sorted(box[0] for box in found if box[1] == row)
        assert all(second - first <= tile - overlap for first, second in itertools.pairwise(lefts))


def test_equal_tiles_come_out_as_they_went_in_to_the_last_bit():
    photo = Image.effect_noise((200, 136), 80).convert("RGB")
    quilt = tiles.Quilt(3, Size(200, 136), 16)
    for box in tiles.boxes(Size(200, 136), Size(64, 64), 16, 8):
        quilt.lay(box, tiles.to_tensor(photo.crop(box)))
    assert tiles.to_image(quilt.whole()).tobytes() == photo.tobytes()


def test_tiles_of_different_brightness_meet_without_a_step():
    """Sixty levels apart, which two drawings of one picture never are: no two columns differ by more than a few levels."""
    quilt = tiles.Quilt(3, Size(160, 64), 32)
    for number, box in enumerate(tiles.boxes(Size(160, 64), Size(96, 64), 32, 8)):
        quilt.lay(box, torch.full((3, 64, box[2] - box[0]), (60 + 60 * number) / 255))
    whole = tiles.to_image(quilt.whole())
    steps = [jump(whole, place) for place in range(1, 160)]
    assert max(steps) <= 4
    assert sum(steps) == pytest.approx(60, abs=1)


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    backend = LocalBackend((tmp_path_factory.mktemp("none"),), None, threads=1)
    return backend, backend.models()[0]


@pytest.fixture(scope="module")
def sail(starter):
    """A real picture of the starter model."""
    backend, model = starter
    request = ImageRequest(model=model.id, prompt="a red sailboat on the sea at sunset, with the sun",
                           task=TextToImage(Size(128, 128)),
                           sampling=Sampling(steps=12, guidance_scale=3.5, seed=4, sampler="DPM++ 2M"))  # fmt: skip
    return backend.generate(request, model, Recorder()).pictures[0].image


def kinks(image):
    """For each column how much the step into it differs from the steps before and behind, on average: a seam is one."""
    values = tiles.to_tensor(image) * 255
    steps = values[:, :, 1:] - values[:, :, :-1]
    return (steps[:, :, 1:-1] - (steps[:, :, 2:] + steps[:, :, :-2]) / 2).abs().mean(dim=(0, 1))


def lay_hard(quilt, box, tile):
    """Tiles without blending: what the measure must find."""
    left, top, right, bottom = box
    quilt._sum[:, top:bottom, left:right] = tile.float()
    quilt._weight[top:bottom, left:right] = 1


@pytest.mark.slow
def test_a_real_picture_four_times_as_large_has_no_seams_where_its_tiles_meet(starter, sail, monkeypatch):
    backend, model = starter
    request = ImageRequest(model=model.id, prompt="a red sailboat on the sea at sunset, with the sun",
                           task=ImageToImage(image=Source(sha256="0" * 64, width=128, height=128), strength=0.0),
                           sampling=Sampling(steps=12, guidance_scale=3.5, seed=4, sampler="DPM++ 2M"),
                           hires=Hires(scale=4, upscaler="lanczos", strength=0.2))  # fmt: skip
    adapted, _ = adapt(request, model)

    def at_seams_and_elsewhere():
        result = backend.generate(adapted, model, Recorder(), Ground(image=sail, strength=0.0))
        assert result.pictures[0].image.size == (512, 512)
        assert result.used["hires"]["tiles"] == 25
        found = kinks(result.pictures[0].image)
        seams = [found[place - 2] for place in tiles.starts(512, 128, 32, 8)[1:]]
        return sum(seams) / len(seams), found.median()

    seam, elsewhere = at_seams_and_elsewhere()
    assert seam < 2 * elsewhere
    monkeypatch.setattr(tiles.Quilt, "lay", lay_hard)
    seam, elsewhere = at_seams_and_elsewhere()
    assert seam > 8 * elsewhere, "the measure finds seams where there are some"


@pytest.mark.slow
def test_vae_tiling_leaves_no_seams(starter):
    """The starter's VAE on latents of a large picture: what tiles give against the whole, and steps where tiles meet."""
    backend, model = starter
    backend.warm(model)
    vae = backend._loaded.pipe.vae
    smooth = torch.nn.functional.interpolate(torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(3)),
                                             size=(64, 64), mode="bicubic")  # fmt: skip
    with torch.no_grad():
        whole = vae.decode(smooth).sample
        vae.enable_tiling()
        try:
            tiled = vae.decode(smooth).sample
            stride = int(vae.tile_latent_min_size * (1 - vae.tile_overlap_factor)) * 8
        finally:
            vae.disable_tiling()
    assert tiled.shape == whole.shape
    assert stride < 512
    psnr = -10 * torch.log10((tiled - whole).div(2).pow(2).mean())
    assert psnr > 25
    found, of_whole = (kinks(tiles.to_image(image[0] / 2 + 0.5)) for image in (tiled, whole))
    seams = [found[place - 2] for place in range(stride, 512, stride)]
    assert max(seams) < 2 * of_whole.quantile(0.95)


# Upscaling models ----------------------------------------------------------------------------------------------------


def old_names(state):
    """The layout of the first ESRGAN checkpoints."""
    import re

    blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("body."))
    places = {"conv_first": 0, "conv_up1": 3, "conv_up2": 6, "conv_hr": 8, "conv_last": 10}
    renamed = {}
    for name, value in state.items():
        new = re.sub(r"^body\.(\d+)\.rdb(\d)\.conv(\d)\.", r"model.1.sub.\1.RDB\2.conv\3.0.", name)
        new = new.replace("conv_body.", f"model.1.sub.{blocks}.")
        new = re.sub(r"^(conv_\w+)\.", lambda found: f"model.{places[found[1]]}.", new)
        renamed[new] = value
    return renamed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tiny upscaling models in all layouts; their weights are random, their shapes are the real ones."""
    torch.manual_seed(5)
    place = tmp_path_factory.mktemp("with upscalers") / "upscalers"
    place.mkdir()
    net = RRDBNet(taken=3, given=3, features=8, blocks=2, growth=4, ups=2, shuffle=1)
    shuffled = RRDBNet(taken=12, given=3, features=8, blocks=1, growth=4, ups=2, shuffle=2)
    compact = Compact(taken=3, features=8, convolutions=2, scale=2)
    save_file(net.state_dict(), place / "new.safetensors")
    save_file(old_names(net.state_dict()), place / "old.safetensors")
    save_file({f"params_ema.{name}": value for name, value in net.state_dict().items()}, place / "wrapped.safetensors")
    save_file(shuffled.state_dict(), place / "real-x2.safetensors")
    save_file(compact.state_dict(), place / "compact.safetensors")
    save_file({"weight": torch.ones(2)}, place / "nonsense.safetensors")
    (place / "pickle.pth").write_bytes(b"\x80\x04.")
    (place / "damaged.safetensors").write_bytes(b"no weights")
    return place.parent


def test_checkpoints_of_all_layouts_are_read_with_their_scale(folder):
    found = upscalers.Upscalers((folder,))
    assert "pickle" not in found.names()
    scales = {name: found.load(name, "cpu").scale for name in ("new", "old", "wrapped", "real-x2", "compact")}
    assert scales == {"new": 4, "old": 4, "wrapped": 4, "real-x2": 2, "compact": 2}
    x = torch.rand(1, 3, 11, 14)
    with torch.no_grad():
        new, old, wrapped = (found.load(name, "cpu").run(x) for name in ("new", "old", "wrapped"))
    assert torch.equal(new, old)
    assert torch.equal(new, wrapped)
    assert found.load("real-x2", "cpu").run(x).shape == (1, 3, 22, 28)


@pytest.mark.parametrize("name", ["nonsense", "damaged"])
def test_a_file_that_is_no_upscaler_is_said_so(folder, name):
    with pytest.raises(NotConfigured, match="is no upscaling model that the studio knows"):
        upscalers.Upscalers((folder,)).load(name, "cpu")
    with pytest.raises(NotConfigured, match="not in models/upscalers"):
        upscalers.Upscalers((folder,)).load("../../secret", "cpu")


def test_an_upscaler_in_tiles_gives_what_it_gives_at_once(folder, monkeypatch, photo):
    network = upscalers.Upscalers((folder,)).load("compact", "cpu")
    large = photo.resize((100, 76))
    whole = upscalers.enlarge(network, large, Size(200, 152), lambda: None)
    monkeypatch.setattr(upscalers, "TILE", 48)
    monkeypatch.setattr(upscalers, "OVERLAP", 24)
    tiled = upscalers.enlarge(network, large, Size(200, 152), lambda: None)
    assert max(high for _, high in ImageChops.difference(whole, tiled).getextrema()) <= 2


def test_a_size_between_and_beyond_the_scale_is_reached(folder, photo):
    network = upscalers.Upscalers((folder,)).load("compact", "cpu")
    for size in (Size(90, 90), Size(128, 128), Size(240, 240)):
        assert upscalers.enlarge(network, photo, size, lambda: None).size == (size.width, size.height)


def test_the_second_pass_by_an_upscaling_model_names_it_and_its_hash(folder, zoo):
    backend = LocalBackend((zoo, folder), None)
    model = next(model for model in backend.models() if model.id == "local:sd")
    assert model.hires
    assert "compact" in model.upscalers
    request = ImageRequest(model="local:sd", prompt="a house", task=TextToImage(Size(64, 64)),
                           sampling=Sampling(steps=3, guidance_scale=4.0, seed=1),
                           hires=Hires(scale=2, upscaler="compact", strength=0.5))  # fmt: skip
    used = backend.generate(adapt(request, model)[0], model, Recorder()).used
    assert len(used["hires"]["upscaler_sha256"]) == 64
    assert not [problem for problem in backend.problems() if "upscalers" in problem]


def test_only_larger_needs_no_model_in_memory(zoo, photo):
    backend = LocalBackend((zoo,), None)
    model = next(model for model in backend.models() if model.id == "local:sd")
    request = ImageRequest(model="local:sd", prompt="", task=ImageToImage(image=Source(sha256="0" * 64, width=64, height=64),
                           strength=0.0), sampling=Sampling(seed=1), hires=Hires(scale=3, strength=0.0))  # fmt: skip
    result = backend.generate(adapt(request, model)[0], model, Recorder(), Ground(image=photo, strength=0.0))
    assert result.pictures[0].image.size == (192, 192)
    assert backend._loaded is None


@pytest.mark.parametrize(
    ("hires", "field"),
    [
        (Hires(scale=1), "hires_scale"),
        (Hires(scale=5), "hires_scale"),
        (Hires(strength=1.5), "hires_strength"),
        (Hires(steps=0), "hires_steps"),
        (Hires(upscaler="latent", strength=0), "hires_upscaler"),
        (Hires(upscaler="gone"), "hires_upscaler"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(models, hires, field):
    request = ImageRequest(model="local:sd", prompt="a house", hires=hires)
    with pytest.raises(InvalidRequest) as caught:
        adapt(request, models["sd"])
    assert caught.value.field == field


def test_a_model_without_a_second_pass_drops_it_with_a_note_and_refuses_to_upscale(models):
    request = ImageRequest(model="local:nine", prompt="a house", hires=Hires())
    model = replace(models["sd"], hires=False)
    adapted, notes = adapt(request, model)
    assert adapted.hires is None
    assert any("second pass dropped" in note for note in notes)
    task = ImageToImage(image=Source(sha256="0" * 64, width=64, height=64), strength=0.0)
    with pytest.raises(Unsupported, match="cannot make pictures larger"):
        adapt(replace(request, task=task), model)
    with pytest.raises(InvalidRequest, match="strength is 0"):
        adapt(replace(request, task=task, hires=None), models["sd"])
