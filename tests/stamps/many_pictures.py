"""Forty pictures of many kinds, all made here: what watermarks and fingerprints are measured on."""

import random
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from studio.starter.render import render
from studio.starter.scenes import draw_scene

PRESETS = Path(__file__).parents[2] / "presets"


def pictures(most: int = 40) -> Iterator[tuple[str, Image.Image]]:
    """Kind and picture, the kinds taking turns; the first dozen are a fair choice of all."""
    kinds = [("photograph", _photo, 9), ("soft photograph", _soft, 4), ("render", _render, 7), ("gradient", _gradient, 4),
             ("screenshot", _screen, 5), ("texture", _texture, 4), ("noise", _noise, 2), ("flat graphic", _flat, 3),
             ("starter picture", _starter, 2)]  # fmt: skip
    given = 0
    for number in range(9):
        for kind, make, count in kinds:
            if number < count and given < most:
                given += 1
                yield kind, make(number)


def _photo(seed: int) -> Image.Image:
    """1/f noise in colour, as natural pictures have it, with edges of a few objects."""
    sides = (
        (512, 512),
        (768, 512),
        (1024, 1024),
        (640, 960),
        (832, 576),
        (1200, 800),
        (2048, 1536),
        (512, 768),
        (1600, 900),
    )
    width, height = sides[seed]
    image = _natural(seed, width, height, 1.0 + 0.1 * (seed % 4), 48)
    pen, rng = ImageDraw.Draw(image), random.Random(seed)
    for _ in range(5):
        x, y, size = rng.randrange(width), rng.randrange(height), rng.randrange(40, 200)
        pen.ellipse((x, y, x + size, y + size), fill=tuple(rng.randrange(256) for _ in range(3)))
    return image.filter(ImageFilter.GaussianBlur(0.6))


def _soft(seed: int) -> Image.Image:
    return _natural(50 + seed, 768, 512, 1.7 + 0.2 * seed, 40)


def _natural(seed: int, width: int, height: int, fall: float, contrast: float) -> Image.Image:
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1

    def layer(extra: float) -> np.ndarray:
        spectrum = np.exp(2j * np.pi * rng.random(frequency.shape)) / frequency ** (fall + extra)
        values = np.fft.irfft2(spectrum, (height, width))
        return np.asarray(values / values.std())

    shared = layer(0)
    bands = [np.clip(128 + contrast * (0.8 * shared + 0.4 * layer(0.3)), 0, 255) for _ in range(3)]
    return Image.fromarray(np.stack(bands, -1).astype(np.uint8))


def _render(seed: int) -> Image.Image:
    return render(replace(draw_scene(4242, seed), width=512, height=512, blurred=False)).convert("RGB")


def _gradient(seed: int) -> Image.Image:
    size = ((512, 512), (640, 512), (1024, 768), (512, 640))[seed]
    upright, round_ = Image.linear_gradient("L").resize(size), Image.radial_gradient("L").resize(size)
    plain = Image.new("L", size, 90)
    return Image.merge("RGB", ((upright,) * 3, (upright, round_, plain), (plain, round_, upright), (round_,) * 3)[seed])


def _screen(seed: int) -> Image.Image:
    width, height = ((800, 600), (1440, 900), (1280, 720), (600, 900), (1920, 1080))[seed]
    rng, dark = random.Random(seed), seed % 2
    image = Image.new("RGB", (width, height), (24, 26, 30) if dark else (250, 250, 252))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, 40), fill=(40, 60, 120))
    for number in range(90):
        x, y = rng.randrange(width), rng.randrange(height)
        if number % 6 == 0:
            pen.rectangle((x, y, x + 120, y + 50), fill=tuple(rng.randrange(256) for _ in range(3)))
        pen.text((x, y), f"line {number}: words of a program", fill=(220, 220, 220) if dark else (30, 30, 30))
    return image


def _texture(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:512, :640]
    wave = np.sin(columns / (3 + 2 * seed) + 2 * np.sin(rows / 40)) * 40 + rng.normal(0, 12, rows.shape)
    bands = [np.clip(base + wave * gain, 0, 255) for base, gain in ((150, 1), (110, 0.8), (80, 0.5))]
    return Image.fromarray(np.stack(bands, -1).astype(np.uint8))


def _noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (512, 512 + 128 * seed, 3), dtype=np.uint8))


def _flat(seed: int) -> Image.Image:
    image = Image.new("RGB", (512, 512), ((120, 160, 200), (245, 240, 230), (30, 60, 50))[seed])
    pen = ImageDraw.Draw(image)
    if seed:
        pen.ellipse((120, 120, 400, 400), fill=(200, 60, 60))
        pen.text((180, 430), "FLAT", fill="white", font_size=48)
    return image


def _starter(seed: int) -> Image.Image:
    path = sorted(PRESETS.rglob("*.png"))[seed]
    return Image.open(path).convert("RGB")


def coded(image: Image.Image, format: str, quality: int) -> Image.Image:
    file = BytesIO()
    image.save(file, format, quality=quality)
    return Image.open(file).convert("RGB")


def halved_and_back(image: Image.Image) -> Image.Image:
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return small.resize(image.size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image) -> Image.Image:
    """A tenth of both sides less, at an odd place."""
    left, top = image.width // 20 + 3, image.height // 20 + 1
    return image.crop((left, top, left + image.width * 9 // 10, top + image.height * 9 // 10))


def brighter(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def screenshot(image: Image.Image) -> Image.Image:
    """Scaled to 83 %, in a window's frame, saved as JPEG 85."""
    shown = image.resize((round(image.width * 0.83), round(image.height * 0.83)), Image.Resampling.BICUBIC)
    frame = Image.new("RGB", (shown.width + 80, shown.height + 120), (240, 240, 240))
    frame.paste(shown, (37, 71))
    return coded(frame, "JPEG", 85)
