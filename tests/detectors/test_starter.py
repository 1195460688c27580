"""The embedded detector tells its own model's pictures from renders, and knows where it must not judge."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image, ImageDraw

from studio.core.calibration import apply
from studio.core.errors import Unavailable
from studio.core.request import Size
from studio.detectors import starter
from studio.detectors.starter import StarterDetector, create, windows
from studio.starter import MODEL_DIR
from studio.starter.render import render
from studio.starter.scenes import draw_scene

UNSEEN = 31_337


@pytest.fixture(scope="module")
def detector() -> StarterDetector:
    return create(None)


@pytest.fixture(scope="module")
def renders() -> list[Image.Image]:
    return [render(replace(draw_scene(UNSEEN, index), blurred=False)).convert("RGB") for index in range(24)]


@pytest.fixture(scope="module")
def round_trips(renders: list[Image.Image]) -> list[Image.Image]:
    vae = AutoencoderKL.from_pretrained(str(MODEL_DIR / "vae")).float()
    made = []
    for image in renders:
        given = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.inference_mode():
            back = vae.decode(vae.encode(given).latent_dist.mode()).sample
        made.append(Image.fromarray(((back[0] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()))
    return made


def test_round_trips_score_higher_than_the_renders_they_come_from(
    detector: StarterDetector, renders: list[Image.Image], round_trips: list[Image.Image]
) -> None:
    real, made = ([detector.score(image).value for image in images] for images in (renders, round_trips))
    wins = sum(m > r for m in made for r in real) / (len(made) * len(real))
    assert wins >= 0.95


def test_the_built_in_calibration_hardly_ever_calls_a_render_ai_and_mostly_calls_the_others_so(
    detector: StarterDetector, renders: list[Image.Image], round_trips: list[Image.Image]
) -> None:
    known = detector.calibration()

    def verdicts(images: list[Image.Image]) -> list[str]:
        words = {"detector": detector.name, "title": detector.title, "revision": detector.revision}
        return [apply(known, detector.score(image), **words).verdict for image in images]

    assert verdicts(renders).count("ai") <= 1
    assert verdicts(round_trips).count("ai") >= 16


def foreign() -> list[Image.Image]:
    """What a photograph, a texture, a screenshot and noise are to it."""
    rng, made = np.random.default_rng(3), []
    for seed in range(6):
        frequency = np.hypot(np.fft.fftfreq(384)[:, None], np.fft.rfftfreq(384)[None])
        frequency[0, 0] = 1
        spectrum = np.exp(2j * np.pi * rng.random(frequency.shape)) / frequency ** (0.8 + 0.1 * seed)
        values = np.fft.irfft2(spectrum, (384, 384))
        level = np.clip(128 + 50 * values / values.std(), 0, 255).astype(np.uint8)
        made.append(Image.fromarray(level).convert("RGB"))
    screen = Image.new("RGB", (512, 384), "white")
    for line in range(40):
        ImageDraw.Draw(screen).text((8, 9 * line), "the words of a program, line after line, in small letters", fill="black")
    noise = Image.fromarray(rng.integers(0, 256, (256, 256, 3), dtype=np.uint8))
    return [*made, screen, noise]


def test_foreign_pictures_are_out_of_scope_and_stay_uncertain(detector: StarterDetector) -> None:
    raws = [detector.score(image) for image in foreign()]
    assert [bool(raw.out_of_scope) for raw in raws] == [True] * len(raws)
    score = apply(detector.calibration(), raws[0], detector="starter", title="", revision=detector.revision)
    assert (score.verdict, score.probability) == ("uncertain", None)
    assert score.note.startswith("not calibrated: ")


def test_its_own_pictures_are_in_scope(detector: StarterDetector, round_trips: list[Image.Image]) -> None:
    assert sum(bool(detector.score(image).out_of_scope) for image in round_trips) <= 4


def test_the_same_picture_gives_the_same_score(detector: StarterDetector, renders: list[Image.Image]) -> None:
    assert detector.score(renders[0]).value == create(None).score(renders[0]).value


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
@pytest.mark.parametrize("size", [(8, 8), (3000, 40), (64, 64), (1500, 1100)])
def test_every_size_and_mode_has_an_answer(detector: StarterDetector, mode: str, size: tuple[int, int]) -> None:
    raw = detector.score(Image.radial_gradient("L").resize(size).convert(mode))
    assert bool(raw.out_of_scope) or np.isfinite(raw.value)


def test_large_pictures_are_looked_at_in_a_dozen_windows() -> None:
    assert windows(Image.new("RGB", (4000, 3000))).shape == (starter.MOST_WINDOWS, 3, 128, 128)
    assert windows(Image.new("RGB", (100, 90))).shape == (1, 3, 90, 100)


def test_the_weights_are_small_and_the_revision_is_theirs(detector: StarterDetector) -> None:
    assert sum(path.stat().st_size for path in starter.FOLDER.glob("*.safetensors")) <= 2_000_000
    known = detector.calibration()
    assert known is not None
    assert known.revision == detector.revision
    assert detector.unready() == ""
    assert detector.forecast(Size(128, 128)) < detector.forecast(Size(2048, 2048))


def test_missing_weights_are_a_sentence(tmp_path: Path) -> None:
    assert "missing" in StarterDetector(tmp_path).unready()


def test_damaged_weights_are_a_sentence(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(starter.FOLDER / "weights.safetensors")
    save_file({name: value * float("nan") for name, value in weights.items()}, tmp_path / "weights.safetensors")
    with pytest.raises(Unavailable, match="damaged"):
        StarterDetector(tmp_path).score(Image.new("RGB", (128, 128)))


def test_a_low_score_is_never_called_not_ai_since_resizing_hides_the_traces(
    detector: StarterDetector, round_trips: list[Image.Image]
) -> None:
    known = detector.calibration()
    assert known is not None
    assert known.verdict(-50.0) == "uncertain"
    assert known.evidence(-50.0) == 0.0
    for image in round_trips[:8]:
        halved = detector.score(image.resize((image.width // 2, image.height // 2)))
        assert known.verdict(halved.value) != "not-ai"
