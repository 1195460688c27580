"""The invisible mark is read after what pictures meet, is not seen, and is not found where it is not."""

import random

import numpy as np
import pytest
from many_pictures import brighter, coded, cropped, halved_and_back, pictures, screenshot
from PIL import Image, ImageChops
from stamp_builders import a_draft

from studio.core.evidence import Suspect
from studio.core.fingerprint import pixels_sha256
from studio.core.result import Picture
from studio.stamps.watermark import ALGORITHM, WatermarkStamp, WatermarkWitness, code, embed, mark_of, read
from studio.stamps.watermark.public import PUBLIC, PublicMark, public_marks

PAYLOAD = bytes.fromhex("0123456789ab")
SOME = list(pictures(8))


def a_photo() -> Image.Image:
    return SOME[0][1]


def test_the_code_mends_ten_wrong_bits_and_never_invents_a_payload() -> None:
    rng = random.Random(1)
    for wrong in range(11):
        payload = rng.randbytes(6)
        word = [1.0 if bit else -1.0 for bit in code.encode(payload)]
        for place in rng.sample(range(127), wrong):
            word[place] *= -0.9
        assert code.decode(word) == payload
    assert [code.decode([rng.gauss(0, 1) for _ in range(127)]) for _ in range(40)] == [None] * 40


@pytest.mark.parametrize("number", range(8))
def test_the_mark_is_hardly_seen_and_read_after_what_pictures_meet(number: int) -> None:
    _, image = SOME[number]
    marked = embed(image, PAYLOAD)
    assert marked.readable
    assert marked.psnr is not None
    assert marked.psnr >= 40
    attacked = [
        marked.image, coded(marked.image, "JPEG", 75), coded(marked.image, "JPEG", 50), coded(marked.image, "WEBP", 80),
        halved_and_back(marked.image), cropped(marked.image), brighter(marked.image, 1.2), brighter(marked.image, 0.8),
    ]  # fmt: skip
    assert [read(each).payload for each in attacked] == [PAYLOAD] * 8
    assert read(screenshot(marked.image), deep=True).payload == PAYLOAD


def test_pictures_without_the_mark_have_none() -> None:
    for _, image in SOME:
        assert not read(image).present
    assert not read(a_photo(), deep=True).present


def test_a_second_mark_takes_the_place_of_the_first() -> None:
    other = bytes.fromhex("ba9876543210")
    assert read(embed(embed(a_photo(), PAYLOAD).image, other).image).payload == other


def test_a_large_picture_is_marked_in_larger_units_and_read_at_half_its_size() -> None:
    large = a_photo().resize((2100, 2000), Image.Resampling.BICUBIC)
    marked = embed(large, PAYLOAD).image
    assert read(marked).payload == PAYLOAD
    assert read(marked.resize((1050, 1000), Image.Resampling.LANCZOS)).payload == PAYLOAD


@pytest.mark.parametrize("mode", ["RGBA", "L", "LA", "P", "CMYK"])
def test_every_mode_is_marked_and_alpha_stays(mode: str) -> None:
    image = a_photo().convert(mode)
    if "A" in mode:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    marked = embed(image, PAYLOAD)
    assert read(marked.image).payload == PAYLOAD
    if "A" in mode:
        assert ImageChops.difference(marked.image.getchannel("A"), image.getchannel("A")).getbbox() is None


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (95, 300), (3000, 40)])
def test_a_picture_too_small_stays_as_it_is_and_says_so(size: tuple[int, int]) -> None:
    image = a_photo().resize(size)
    marked = embed(image, PAYLOAD)
    assert (marked.readable, marked.psnr) == (False, None)
    assert marked.image.tobytes() == image.tobytes()
    assert not read(image, deep=True).present


@pytest.mark.parametrize("shade", ["black", "white", "grey"])
def test_a_flat_picture_is_marked_readably_or_left_alone(shade: str) -> None:
    image = Image.new("RGB", (256, 256), shade)
    marked = embed(image, PAYLOAD)
    assert (read(marked.image).payload == PAYLOAD) is marked.readable
    if not marked.readable:
        assert marked.image.tobytes() == image.tobytes()


def test_the_stamp_records_what_it_did_and_the_drawn_pixels_hash() -> None:
    drafts = [a_draft(picture=Picture(image=a_photo(), seed=1), id=id, facts={}) for id in ("job1-0", "job2-0")]
    one, other = (WatermarkStamp()(draft) for draft in drafts)
    assert one.facts["watermark"]["payload"] == mark_of("job1-0").hex()
    assert one.facts["watermark"]["algorithm"] == ALGORITHM
    assert one.stamps == ("watermark",)
    assert one.facts["drawn_sha256"] == other.facts["drawn_sha256"]
    assert one.picture.image.tobytes() != other.picture.image.tobytes()
    off = WatermarkStamp(on=False)(drafts[0])
    assert off.facts["watermark"] == {"present": False, "reason": "switched off"}
    assert (off.stamps, off.picture.image.tobytes()) == ((), a_photo().tobytes())
    assert off.facts["drawn_sha256"] == one.facts["drawn_sha256"] == pixels_sha256(off.picture.image)
    small = WatermarkStamp()(a_draft(facts={}))
    assert (small.facts["watermark"]["present"], small.stamps) == (False, ())


def test_the_witness_leads_to_the_record_and_says_that_it_proves_nothing() -> None:
    marked = embed(a_photo(), mark_of("job1-0")).image
    records = {mark_of("job1-0").hex(): "job1-0"}
    (row,) = WatermarkWitness(lambda payload: records.get(payload, "")).look(Suspect(name="x", data=b"", image=marked))
    assert (row.record, row.declared, row.side, row.strength) == ("job1-0", True, "ai", "fair")
    assert "forged" in row.faked_by
    (stranger,) = WatermarkWitness(lambda _: "").look(Suspect(name="x", data=b"", image=marked))
    assert (stranger.record, stranger.declared) == ("", True)
    assert WatermarkWitness(lambda _: "x").look(Suspect(name="x", data=b"", image=a_photo())) == []
    assert WatermarkWitness(lambda _: "x").look(Suspect(name="x", data=b"")) == []


@pytest.mark.parametrize("mark", PUBLIC, ids=lambda mark: mark.name)
def test_the_public_marks_of_well_known_programs_are_read(mark: PublicMark) -> None:
    grey = a_photo().convert("L").point(lambda level: 90 + level // 4)
    assert public_marks(with_luma_kept(grey, mark)) == [mark.name]


def with_luma_kept(grey: Image.Image, mark: PublicMark) -> Image.Image:
    """Puts the payload into the blue difference of a grey picture and goes back to colours as YUV does."""
    luma = np.asarray(grey, np.float64)
    difference = np.full(luma.shape, 128.0)
    height, width = (side // 8 * 8 for side in luma.shape)
    for count, (y, x) in enumerate((y, x) for y in range(0, height, 8) for x in range(0, width, 8)):
        wanted = (256 // 36 + 0.25 + 0.5 * mark.bits[count % len(mark.bits)]) * 36
        wanted = wanted if wanted > 256 else wanted + 36
        difference[y : y + 2, x + 2 : x + 4] += (wanted - 256) / 2
    blue = luma + (difference - 128) / 0.492
    green = (luma - 0.299 * luma - 0.114 * blue) / 0.587
    bands = [luma, green, blue]
    return Image.merge("RGB", [Image.fromarray(np.clip(np.rint(band), 0, 255).astype(np.uint8)) for band in bands])


def test_public_marks_are_not_found_where_there_are_none() -> None:
    for _, image in SOME:
        assert public_marks(image) == []
    assert public_marks(Image.new("RGB", (512, 512), "navy")) == []
    assert public_marks(Image.new("RGB", (32, 32))) == []
