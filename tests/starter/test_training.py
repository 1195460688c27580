"""The training in small: two steps of each stage, cut off and taken up again."""

import random
from pathlib import Path

import pytest
import torch

from studio.starter import train as training
from studio.starter import vae_train
from studio.starter.crew import Crew, load
from studio.starter.optim import orthogonal
from studio.starter.stage import rate

pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and transformers warn about themselves while they load


class Clock(Crew):
    """A crew of one whose clock counts calls: a stage takes as many steps as ``seconds`` says."""

    def progress(self) -> float:
        self.spent += 1
        return min(1.0, (self.spent - 1) / self.seconds)


def alone(steps: int) -> Clock:
    return Clock(0, 1, steps, torch.device("cpu"))


def test_every_stage_makes_its_steps_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vae_train, "psnr", lambda vae: 0.0)
    vae_train.train_vae(alone(2), str(tmp_path), False, batch=2)
    training.encode(alone(1), str(tmp_path), 6)
    assert 0 < training.write_scale(tmp_path) < 100
    training.train_painter(alone(2), str(tmp_path), batch=2)
    first = load(tmp_path / "painter.pt")
    assert first is not None
    assert first["step"] == 2

    training.train_painter(alone(5), str(tmp_path), batch=2)
    later = load(tmp_path / "painter.pt")
    assert later is not None
    assert later["step"] > first["step"]
    assert later["samples"] == 2 * later["step"]
    weight = "unet.mid_block.resnets.0.conv1.weight"
    assert not torch.equal(first["model"][weight], later["model"][weight])
    assert "painter step" in capsys.readouterr().out


def test_the_decoder_is_polished_while_the_encoder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae_train, "psnr", lambda vae: 0.0)
    vae_train.train_vae(alone(1), str(tmp_path), False, batch=2)
    vae_train.train_vae(alone(2), str(tmp_path), True, batch=2)
    before, after = load(tmp_path / "vae.pt"), load(tmp_path / "decoder.pt")
    assert before is not None
    assert after is not None
    assert torch.equal(before["ema"]["encoder.conv_in.weight"], after["model"]["encoder.conv_in.weight"])
    assert not torch.equal(before["ema"]["decoder.conv_in.weight"], after["model"]["decoder.conv_in.weight"])


def test_a_finished_stage_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae_train, "psnr", lambda vae: 0.0)
    vae_train.train_vae(alone(1), str(tmp_path), False, batch=2)
    written = (tmp_path / "vae.pt").read_bytes()
    vae_train.train_vae(alone(1), str(tmp_path), False, batch=2)
    assert (tmp_path / "vae.pt").read_bytes() == written


def test_the_rate_warms_up_holds_and_ends_at_nothing() -> None:
    assert rate(0.0, 0, 1.0) < 0.1
    assert rate(0.3, 500, 1.0) == 1.0
    assert rate(1.0, 500, 1.0) == 0.0


def test_newton_schulz_makes_all_singular_values_about_one() -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(24, 60, generator=torch.Generator().manual_seed(0))))
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_crops_have_the_asked_size_and_range() -> None:
    crops = vae_train.crops(random.Random(0), 5, 64)
    assert crops.shape == (5, 3, 64, 64)
    assert crops.min() >= -1
    assert crops.max() <= 1
