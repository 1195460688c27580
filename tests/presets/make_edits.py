"""Makes the README's before-and-after pairs with the starter model: `python tests/presets/make_edits.py`.

Three edits of pictures that the studio draws itself: an object painted in by mask, a sky changed, a skyline made a banner.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from PIL import Image, ImageDraw  # noqa: E402  the path comes first

from studio import settings as configuration  # noqa: E402
from studio.core.request import ImageRequest, Inpaint, Outpaint, Sampling, Source, Task, TextToImage  # noqa: E402
from studio.core.result import Record  # noqa: E402
from studio.engine.studio import Studio  # noqa: E402
from studio.main import open_studio  # noqa: E402

SCALE, GAP = 3, 24


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = configuration.load({}, data=Path(folder) / "data")
        configuration.quieten(settings.data / "temporary")
        studio = open_studio(configuration.Settings(data=settings.data, outputs=Path(folder) / "outputs"))
        studio.open()
        try:
            pair("inpaint", *an_object(studio))
            pair("sky", *a_sky(studio))
            pair("outpaint", *a_banner(studio))
        finally:
            studio.close()


def an_object(studio: Studio) -> tuple[Image.Image, Image.Image]:
    before = drawn(studio, "a desert with two cactuses by day, clear", 7)
    mask = Image.new("L", (128, 128))
    ImageDraw.Draw(mask).ellipse((44, 10, 80, 54), fill=255)
    task = Inpaint(
        image=source(studio, before), mask=masked(studio, mask), area="masked", padding=8, feather=6, match_colour=True
    )
    return picture(before), picture(drawn(studio, "a red hot-air balloon by day, clear", 4, task))


def a_sky(studio: Studio) -> tuple[Image.Image, Image.Image]:
    before = drawn(studio, "purple mountains by day, clear", 11)
    image = picture(before)
    mask = Image.new("L", image.size)
    land = [next((y for y in range(20, 128) if is_land(image, x, y)), 128) for x in range(128)]
    for x, y in enumerate(land):
        ImageDraw.Draw(mask).line((x, 0, x, y - 1), fill=255)
    task = Inpaint(image=source(studio, before), mask=masked(studio, mask), area="whole", feather=2)
    return image, picture(drawn(studio, "purple mountains at sunset, clear", 6, task))


def is_land(image: Image.Image, x: int, y: int) -> bool:
    """The sky of a clear day is blue and light; the mountains are purple, their tops white."""
    red, green, blue = image.getpixel((x, y))
    return not (blue > 190 and green > 130 and blue - red > 25)


def a_banner(studio: Studio) -> tuple[Image.Image, Image.Image]:
    before = drawn(studio, "an orange city skyline at dusk", 4)
    task = Outpaint(image=source(studio, before), left=50, right=50, strength=0.9)
    return picture(before), picture(drawn(studio, "an orange city skyline at dusk", 9, task))


def drawn(studio: Studio, prompt: str, seed: int, task: Task | None = None) -> Record:
    request = ImageRequest(model="local:starter", prompt=prompt, task=task or TextToImage(), sampling=Sampling(seed=seed))
    last = list(studio.watch(studio.submit(request).id))[-1].job
    record = studio.record(last.records[0]) if last.records else None
    if record is None:
        raise SystemExit(f"{prompt}: {last.message}")
    return record


def picture(record: Record) -> Image.Image:
    assert record.path
    with Image.open(record.path) as image:
        return image.convert("RGB")


def source(studio: Studio, record: Record) -> Source:
    assert record.path
    return studio.add_source(record.path.read_bytes(), record.name, record.id)


def masked(studio: Studio, mask: Image.Image) -> Source:
    data = io.BytesIO()
    mask.save(data, "PNG")
    return studio.add_source(data.getvalue(), "mask.png")


def pair(name: str, before: Image.Image, after: Image.Image) -> None:
    """Both side by side, enlarged without smoothing away what the model drew."""
    large = [
        image.resize((image.width * SCALE, image.height * SCALE), Image.Resampling.LANCZOS) for image in (before, after)
    ]
    both = Image.new("RGBA", (sum(image.width for image in large) + GAP, large[0].height), (0, 0, 0, 0))
    both.paste(large[0], (0, 0))
    both.paste(large[1], (large[0].width + GAP, 0))
    both.save(ROOT / "docs" / f"edit-{name}.png", optimize=True)
    print(name)


if __name__ == "__main__":
    main()
