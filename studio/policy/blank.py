"""A made picture that is black or one flat colour, as a filter or a fault leaves it: nothing that anybody asked for."""

from __future__ import annotations

from PIL import Image

from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.settings import Settings

DARKEST, EVENEST = 6, 3
"""Of 255: nothing brighter is black; no wider range of any colour is flat. Codecs leave a few levels of noise."""
VERSION = "1"


def create(_: Settings) -> BlankPicture:
    return BlankPicture()


class BlankPicture:
    """`studio.core.screening.Check`."""

    name, light = "blank", False

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.stage != "output" or subject.image is None:
            return None
        reason, what = _blankness(subject.image)
        if not reason:
            return Verdict(check=self.name, outcome="allow", version=VERSION, stage="output")
        message = (
            f"The picture came out {what}, as filters and faults leave it. Change the prompt or the seed and try again."
        )
        return Verdict(
            check=self.name, outcome="block", reason_code=reason, message=message, version=VERSION, stage="output"
        )


def _blankness(image: Image.Image) -> tuple[str, str]:
    ranges = [_range(band) for band in image.convert("RGB").split()]
    if all(high <= DARKEST for _, high in ranges):
        return "picture.black", "black"
    if all(high - low <= EVENEST for low, high in ranges):
        return "picture.blank", "in one flat colour"
    return "", ""


def _range(band: Image.Image) -> tuple[int, int]:
    levels = [level for level, count in enumerate(band.histogram()) if count]
    return levels[0], levels[-1]
