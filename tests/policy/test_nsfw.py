"""The picture classifier: its own chance, thresholds of the policy, and “not screened” wherever it could not look."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import PLAIN, build, write, write_timm
from PIL import Image
from subjects import a_picture, a_subject, sure_classifier

from studio.classification import Classifier
from studio.core.rules import FILE
from studio.policies import PolicyFile
from studio.policy.nsfw import NotSafeForWork, create, curated, probability
from studio.settings import Settings

SMALL = {"height": 8, "width": 8}


def a_check(folder: Path, policy: str = "[nsfw]\nflag = 0.5\nblock = 0.9\n") -> NotSafeForWork:
    (folder / FILE).write_text(policy)
    return create(Settings(models=folder, presets=folder))


@pytest.mark.parametrize(("chance", "outcome"), [(0.2, "allow"), (0.7, "flag"), (0.95, "block")])
@pytest.mark.parametrize("stage", ["source", "output"])
def test_the_thresholds_of_the_policy_decide(tmp_path: Path, stage: str, chance: float, outcome: str) -> None:
    check = a_check(tmp_path)
    sure_classifier(tmp_path / "classifiers" / "mine", chance)
    found = check(a_subject(stage))
    assert (found.outcome, found.stage) == (outcome, stage)
    assert found.score == pytest.approx(chance, abs=1e-3)
    assert found.reason_code == ("" if outcome == "allow" else "picture.nsfw")
    assert found.version.startswith("mine 1-")
    assert found.version.endswith(PolicyFile(tmp_path / FILE).get().version)


def test_without_a_block_threshold_nothing_is_blocked_on_its_score(tmp_path: Path) -> None:
    check = a_check(tmp_path, "")
    sure_classifier(tmp_path / "classifiers" / "mine", 0.9999)
    assert check(a_subject("output")).outcome == "flag"


def test_the_chance_is_that_of_the_models_own_forward_pass(tmp_path: Path) -> None:
    model = build("vit", "drawings", "hentai", "neutral", "porn", "sexy")
    image = Image.fromarray(np.random.default_rng(4).integers(0, 256, (60, 90, 3), dtype=np.uint8))
    small = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), np.float64) / 255
    given = torch.from_numpy((small - np.array(PLAIN["image_mean"])) / np.array(PLAIN["image_std"])).float()
    with torch.inference_mode():
        chances = torch.softmax(model(pixel_values=given.permute(2, 0, 1)[None]).logits[0], 0)
    found = probability(Classifier(write(tmp_path / "x", model)), a_subject("output", image=image))
    assert found == pytest.approx(float(chances[[1, 3, 4]].sum()), abs=1e-4)


def test_a_missing_classifier_is_not_screened_and_says_where_to_get_one(tmp_path: Path) -> None:
    check = a_check(tmp_path)
    found = check(a_subject("output"))
    assert (found.outcome, found.reason_code, found.score) == ("not_screened", "picture.not_screened", None)
    for word in (curated()[0].repository, f"{curated()[0].megabytes} MB", curated()[0].licence, "models/classifiers/"):
        assert word in found.message
    assert str(tmp_path) not in found.message
    sure_classifier(tmp_path / "classifiers" / "later", 0.1)
    assert check(a_subject("output")).outcome == "allow"
    assert check(a_subject("request")) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        lambda folder: (folder / "model.safetensors").write_bytes(b"nonsense"),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "config.json").write_text("{}"),
        lambda folder: (folder / "preprocessor_config.json").unlink(),
        lambda folder: (folder / "preprocessor_config.json").write_text(json.dumps({**PLAIN, "size": SMALL})),
    ],
)  # fmt: skip
def test_a_damaged_classifier_is_not_screened_never_passed(tmp_path: Path, spoil: object) -> None:
    check = a_check(tmp_path)
    spoil(sure_classifier(tmp_path / "classifiers" / "mine", 0.1))
    found = check(a_subject("source"))
    assert found.outcome == "not_screened"
    assert found.message.endswith(".")
    sure_classifier(tmp_path / "classifiers" / "mine", 0.1)  # downloaded again
    assert check(a_subject("source")).outcome == "allow"


@pytest.mark.parametrize("labels", [("cat", "dog"), ("one", "two"), ("safe", "safe nsfw")])
def test_labels_that_do_not_tell_are_not_screened(tmp_path: Path, labels: tuple[str, ...]) -> None:
    check = a_check(tmp_path)
    sure_classifier(tmp_path / "classifiers" / "mine", 0.1, *labels)
    found = check(a_subject("source"))
    assert found.outcome == "not_screened"
    assert labels[0] in found.message


def test_a_known_classifier_comes_before_one_of_another_name(tmp_path: Path) -> None:
    check = a_check(tmp_path)
    sure_classifier(tmp_path / "classifiers" / "aaa", 0.99)
    sure_classifier(tmp_path / "classifiers" / curated()[0].name, 0.1)
    found = check(a_subject("output"))
    assert (found.outcome, found.version.split()[0]) == ("allow", curated()[0].name)


def test_timms_own_layout_is_read_too(tmp_path: Path) -> None:
    """Labels as a list, preprocessing in the config, the head's outputs in the order of the labels."""
    folder = tmp_path / "timm"
    model = write_timm(folder, outputs=2)
    (folder / "preprocessor_config.json").unlink()
    own = {"input_size": [3, 32, 32], "interpolation": "bicubic", "crop_pct": 1.0, "mean": [0.5] * 3, "std": [0.5] * 3}
    config = {"num_classes": 2, "label_names": ["NSFW", "SFW"], "pretrained_cfg": own}
    (folder / "config.json").write_text(json.dumps(config))
    image = a_picture((64, 32))
    crop = np.asarray(image.crop((16, 0, 48, 32)), np.float32) / 255 * 2 - 1
    with torch.inference_mode():
        chances = torch.softmax(model(torch.from_numpy(crop).permute(2, 0, 1)[None])[0], 0)
    assert probability(Classifier(folder), a_subject("output", image=image)) == pytest.approx(float(chances[0]), abs=1e-4)


def test_the_curated_list_names_licence_size_and_weaknesses() -> None:
    assert all(entry.licence and entry.megabytes and entry.weaknesses and entry.repository for entry in curated())
    assert len({entry.name for entry in curated()}) == len(curated())
