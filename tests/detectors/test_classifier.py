"""Classifiers of every published layout give the logits of their own forward pass, and AI is found by its name."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import PLAIN, build, write, write_timm
from PIL import Image

from studio.core.errors import Unavailable
from studio.detectors.classifier import ClassifierDetector, Curated, create, curated
from studio.settings import Settings

KINDS = ["vit", "swin", "swinv2", "siglip"]
SINGLE = Curated(name="x", repository="", revision="", title="X", licence="", megabytes=1, weaknesses="", single=True)


def a_picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(4).integers(0, 256, (60, 90, 3), dtype=np.uint8))


def pixels(image: Image.Image) -> torch.Tensor:
    """What `PLAIN` asks for, written down a second time."""
    small = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), np.float64) / 255
    normal = (small - np.array([0.5, 0.4, 0.3])) / np.array([0.2, 0.25, 0.3])
    return torch.from_numpy(normal).float().permute(2, 0, 1)[None]


@pytest.mark.parametrize("kind", KINDS)
def test_the_score_is_the_log_odds_of_the_models_own_forward_pass(kind: str, tmp_path: Path) -> None:
    model = build(kind, "human", "artificial")
    with torch.inference_mode():
        human, artificial = model(pixel_values=pixels(a_picture())).logits[0].tolist()
    found = ClassifierDetector(write(tmp_path / "x", model)).score(a_picture())
    assert found.value == pytest.approx(artificial - human, abs=1e-4)


def test_ai_is_found_by_name_in_any_order_and_among_many(tmp_path: Path) -> None:
    forwards = ClassifierDetector(write(tmp_path / "a", build("vit", "REAL", "FAKE")))
    backwards = ClassifierDetector(write(tmp_path / "b", build("vit", "AI-generated", "hum")))
    assert forwards.score(a_picture()).value == pytest.approx(-backwards.score(a_picture()).value, abs=1e-5)
    model = build("vit", "Artificial", "Deepfake", "Real")
    with torch.inference_mode():
        logits = model(pixel_values=pixels(a_picture())).logits[0].double()
    three = ClassifierDetector(write(tmp_path / "c", model)).score(a_picture())
    assert three.value == pytest.approx(float(torch.logsumexp(logits[:2], 0) - logits[2]), abs=1e-4)


@pytest.mark.parametrize("names", [("cat", "dog"), ("real", "photo"), ("real fake", "other")])
def test_labels_that_do_not_say_which_is_ai_are_refused_with_their_names(names: tuple[str, str], tmp_path: Path) -> None:
    sentence = ClassifierDetector(write(tmp_path / "x", build("vit", *names))).unready()
    assert names[0] in sentence
    assert "cannot be told" in sentence


def test_a_single_logit_counts_only_where_the_list_says_what_it_means(tmp_path: Path) -> None:
    model = write_timm(tmp_path / "x")
    assert "does not name its outputs" in ClassifierDetector(tmp_path / "x").unready()
    detector = ClassifierDetector(tmp_path / "x", SINGLE)
    assert detector.unready() == ""
    image = a_picture()
    scale = 40 / 60
    small = image.resize((round(90 * scale), 40), Image.Resampling.BILINEAR)
    left, top = (small.width - 32) // 2, 4
    crop = np.asarray(small.crop((left, top, left + 32, top + 32)), np.float64) / 255
    given = torch.from_numpy((crop - np.array(PLAIN["image_mean"])) / np.array(PLAIN["image_std"])).float()
    with torch.inference_mode():
        expected = model(given.permute(2, 0, 1)[None]).item()
    assert detector.score(image).value == pytest.approx(expected, abs=1e-5)


def test_pickled_weights_are_never_loaded(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", build("vit", "real", "fake"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    detector = ClassifierDetector(folder)
    assert "pickled" in detector.unready()
    with pytest.raises(Unavailable):
        detector.score(a_picture())


def test_damaged_weights_and_configs_are_sentences(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", build("vit", "real", "fake"))
    (folder / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(Unavailable, match="cannot be loaded"):
        ClassifierDetector(folder).score(a_picture())
    (folder / "config.json").write_text("{")
    assert "readable" in ClassifierDetector(folder).unready()


def test_the_revision_follows_weights_and_preprocessing(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", build("vit", "real", "fake"))
    before = ClassifierDetector(folder).revision
    assert ClassifierDetector(folder).revision == before
    (folder / "preprocessor_config.json").write_text(json.dumps({**PLAIN, "do_normalize": False}))
    assert ClassifierDetector(folder).revision != before


def test_folders_below_the_models_folder_are_found(tmp_path: Path) -> None:
    write(tmp_path / "detectors" / "mine", build("vit", "real", "fake"))
    write_timm(tmp_path / "detectors" / "community-forensics-384")
    found = {detector.name: detector for detector in create(Settings(models=tmp_path))}
    assert sorted(found) == ["classifier-community-forensics-384", "classifier-mine"]
    assert found["classifier-community-forensics-384"].unready() == ""
    assert create(Settings(models=tmp_path / "none")) == []


def test_the_curated_list_names_licence_size_and_weaknesses() -> None:
    assert curated()[0].name == "community-forensics-384"
    assert all(entry.licence and entry.megabytes and entry.weaknesses for entry in curated())
