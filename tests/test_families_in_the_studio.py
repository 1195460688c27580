"""Every family's tiny model through the whole studio, worker process and kept files included.

Each does one of its tasks, in turn, so that every task is done by several; `tests/backends` has all families in all tasks.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import forks
import pytest
import tiny_families
import tiny_models
from PIL import Image

from studio import settings as configuration
from studio.core.job import Job
from studio.core.request import ImageRequest, ImageToImage, Inpaint, Outpaint, Sampling, Size, Source, Task, TextToImage
from studio.engine.studio import Studio
from studio.main import open_studio

pytestmark = pytest.mark.slow
TABLE = {"sd": tiny_models.tiny_sd, "xl": tiny_models.tiny_sdxl, "lcm": tiny_models.tiny_lcm, "sd3": tiny_models.tiny_sd3,
         "flux": tiny_models.tiny_flux, "chroma": tiny_models.tiny_chroma, "z": tiny_models.tiny_z_image,
         "qwen": tiny_models.tiny_qwen, "nine": tiny_models.tiny_sd_inpaint, "xl-nine": tiny_models.tiny_sdxl_inpaint,
         "fill": tiny_models.tiny_flux_fill, **tiny_families.FAMILIES}  # fmt: skip


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers builds some parts in ways that it calls deprecated itself
        for name, build in TABLE.items():
            build(folder / "models" / name)
    asked = configuration.load({"STUDIO_DATA": str(folder / "data")}, outputs=folder / "outputs", threads=1)
    studio = open_studio(replace(asked, offline=True, models=folder / "models", hub_cache=folder / "cache"))
    with pytest.MonkeyPatch.context() as forked:
        forked.setattr(sys, "executable", forks.python())
        studio.open()
        yield studio
        studio.close()


def a_source(studio: Studio, image: Image.Image) -> Source:
    file = io.BytesIO()
    image.save(file, "PNG")
    return studio.add_source(file.getvalue())


def tasks(studio: Studio) -> dict[str, Task]:
    photo = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (16, 16, 48, 48))
    image, covered = a_source(studio, photo), a_source(studio, mask)
    every: list[Task] = [TextToImage(Size(64, 64)), ImageToImage(image=image, strength=0.8, size=Size(64, 64)),
                         Inpaint(image=image, mask=covered, area="whole"), Outpaint(image=image, right=32)]  # fmt: skip
    return {task.kind: task for task in every}


def finished(studio: Studio, job: Job) -> Job:
    return list(studio.watch(job.id))[-1].job


@pytest.mark.parametrize(("turn", "name"), list(enumerate(TABLE)))
def test_a_family_goes_through_the_whole_studio(studio: Studio, turn: int, name: str) -> None:
    model = next(model for model in studio.models() if model.id == f"local:{name}")
    kind = model.tasks[turn % len(model.tasks)]
    asked = ImageRequest(
        model=model.id, prompt="a red house by the sea", task=tasks(studio)[kind], sampling=Sampling(steps=2, seed=7)
    )
    done = finished(studio, studio.submit(asked))
    assert done.state == "done", f"{kind}: {done.message}"
    (record,) = (studio.record(id) for id in done.records)
    with Image.open(Path(record.path)) as image:
        assert image.size == ((96, 64) if kind == "outpaint" else (64, 64))
        assert "Seed: 7" in image.info["parameters"]
    assert record.facts["used"]["model"] == model.id
