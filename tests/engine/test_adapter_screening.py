"""The policy looks at the pictures of adapters as it does at those of an edit."""

from __future__ import annotations

import pytest
from memory_sources import MemorySources
from PIL import Image

from studio.core.errors import Blocked
from studio.core.request import Adapter, ImageRequest
from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.engine.screening import Screening


class NoRed:
    """Blocks a source whose first pixel is red."""

    name, light = "no-red", False

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.image is None:
            return None
        red = subject.image.getpixel((0, 0)) == (255, 0, 0)
        return Verdict(
            check=self.name, outcome="block" if red else "allow", stage="source", reason_code="red" if red else ""
        )


def test_a_control_picture_is_screened_before_anything_is_drawn() -> None:
    sources = MemorySources()
    screening = Screening(checks=lambda: (NoRed(),))
    for colour, is_blocked in (("red", True), ("blue", False)):
        net = Adapter(kind="controlnet", name="edges", image=sources.add_image(Image.new("RGB", (8, 8), colour)))
        request = ImageRequest(model="local:m", prompt="a fox", adapters=(net,))
        if is_blocked:
            with pytest.raises(Blocked):
                screening.before(request, "creator", sources)
        else:
            assert [verdict.outcome for verdict in screening.before(request, "creator", sources)] == ["allow"]
