"""The part of the page's small studio that examines, shares, calibrates and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.evidence import Examination
from studio.core.people import Person
from studio.core.publishing import Case, Ruling, Table
from studio.core.result import Record
from studio.core.score import DetectorStatus, Score
from studio.core.sharing import SharedCopy, ShareOptions
from studio.engine.examine import Examiner
from studio.engine.long_work import WorkStatus
from studio.engine.rights import require
from studio.stamps.reading import MetadataWitness, read_file


class Verifies:
    """Real witnesses for metadata, made-up detectors."""

    record: Callable[[str], Record | None]
    _records: dict[str, Record]

    def __init__(self) -> None:
        self.work = WorkStatus()

    def with_file(self, sha256: str) -> str:
        found = [record.id for record in self._records.values() if record.path and record.sha256 == sha256]
        return found[0] if found else ""

    def with_mark(self, payload: str) -> str:
        return ""

    def with_pixels(self, sha256: str) -> str:
        return ""

    def looking_like(self, look: str) -> list[str]:
        return []

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination:
        """Real witnesses, and a detector that calls every picture AI at 90 %."""
        self.asked_detectors = detectors
        examiner = Examiner(
            witnesses=(MetadataWitness(),),
            readings=lambda suspect: read_file(suspect.data, suspect.name).readings,
            records=self,
        )
        score = Score(detector="red", title="Red detector", revision="1", raw=2.2, calibration="red-1", probability=0.9,
                      evidence=2.2, verdict="ai")  # fmt: skip
        unready = Score(detector="blue", title="Blue detector", revision="", note="not calibrated on pictures like yours")
        return examiner.examine(data, name, lambda _: [score, unready])

    def ruling(self, found: Examination, data: bytes, person: Person) -> Ruling | None:
        """By the real table's only rule."""
        return Table().decide(Case(band=found.judgement.band))

    def detectors(self) -> list[DetectorStatus]:
        return [
            DetectorStatus(name="red", title="Red detector", hosted=False, calibration="red pictures", by_default=True),
            DetectorStatus(name="slow", title="Slow detector", hosted=False, seconds=30),
            DetectorStatus(name="far", title="Far detector", hosted=True, calibration="x"),
            DetectorStatus(name="none", title="Missing detector", hosted=False, missing="Its weights are missing."),
        ]

    def calibrate(self, folder: str, detectors: Sequence[str], person: Person) -> None:
        require(person, "manage")
        if not Path(folder).is_dir():
            raise InvalidRequest(f"“{folder}” is not a folder on this computer. Type the path of the folder.", "folder")
        made = {"detector": "red", "calibration": "red-2", "problem": "", "photos": 300, "own": 60, "faults": []}
        self.work = WorkStatus(kind="calibrate", state="done", message="Done.", answer=[made])

    def evaluate(self, photos: str, detectors: Sequence[str], person: Person) -> None:
        require(person, "manage" if photos else "create")
        answer = {"html": "<p>The report.</p>", "csv": "a,b"}
        self.work = WorkStatus(kind="evaluate", state="done", message="Done.", answer=answer)

    def long_work(self) -> WorkStatus:
        return self.work

    def stop_long_work(self) -> None:
        self.work = WorkStatus()

    def copy(self, record: str, options: ShareOptions) -> SharedCopy:
        found = self.record(record)
        if found is None or found.path is None:
            raise InvalidRequest("The file of this picture is gone, so it cannot be shared.")
        with Image.open(found.path) as image:
            file = BytesIO()
            image.convert("RGB").save(file, options.format.upper(), quality=options.quality)
        stays = ("The label “AI-generated”", *(("Prompt",) if options.prompt else ()))
        left_out = () if options.prompt else ("Prompt",)
        size = {"width": image.width, "height": image.height}
        return SharedCopy(
            name=f"copy.{options.format}",
            data=file.getvalue(),
            **size,
            stays=stays,
            left_out=left_out,
            survives=("Its mark",),
        )
