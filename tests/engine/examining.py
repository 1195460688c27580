"""What examines files in the engine's tests: a real examiner with one small witness, and detectors that are sums."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageStat

from studio.core.calibration import Calibration
from studio.core.errors import Unavailable
from studio.core.evidence import Evidence, Reading, Suspect
from studio.core.ports import Records
from studio.core.request import Size
from studio.core.result import Record
from studio.core.score import Raw
from studio.core.sharing import SharedCopy, ShareOptions
from studio.engine.examine import Examiner
from studio.engine.verifying import Verifying


class RedWitness:
    """Finds its mark in files that hold the word “red”."""

    name = "red"

    def look(self, suspect: Suspect) -> Sequence[Evidence]:
        if b"red" not in suspect.data:
            return []
        return [Evidence(kind="metadata", finding="It says red.", strength="weak", side="ai", faked_by="anyone")]


def readings(suspect: Suspect) -> list[Reading]:
    return [Reading(dialect="red", prompt="red")] if b"red" in suspect.data else []


def verifying(records: Records, data: Path) -> Verifying:
    def copies(record: Record, options: ShareOptions) -> SharedCopy:
        return SharedCopy(name=record.name, data=b"", width=1, height=1, stays=(), left_out=(), survives=())

    return Verifying(
        examiner=Examiner(witnesses=(RedWitness(),), readings=readings, records=records),
        copies=copies,
        folder=data / "examine",
    )


class Brightness:
    """A detector by mean brightness, 0 to 255."""

    title, revision = "Brightness", "1"

    def __init__(self, name: str = "brightness", *, hosted: bool = False, opt_in: bool = False, missing: str = "") -> None:
        self.name, self.hosted, self.opt_in, self._missing = name, hosted, opt_in, missing

    def unready(self) -> str:
        return self._missing

    def forecast(self, size: Size) -> float:
        return size.width * size.height / 1e6

    def calibration(self) -> Calibration | None:
        return None

    def score(self, image: Image.Image) -> Raw:
        if image.size == (1, 1):
            raise Unavailable("One pixel is no picture. Take more.")
        return Raw(value=sum(ImageStat.Stat(image).mean) / 3)


class MemoryCalibrations:
    def __init__(self) -> None:
        self.kept: dict[str, Calibration] = {}

    def find(self, detector: str, revision: str) -> Calibration | None:
        found = self.kept.get(detector)
        return found if found and found.revision == revision else None

    def save(self, calibration: Calibration) -> None:
        self.kept[calibration.detector] = calibration
