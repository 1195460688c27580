"""Pictures that were made elsewhere: their bytes are kept as they are, what their metadata tells is read, and nothing in it
is believed more than that. The policy looks at them as it does at pictures that requests start from.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Protocol

from studio.core.errors import Blocked, InvalidRequest
from studio.core.evidence import Examination, Reading
from studio.core.fingerprint import fingerprint
from studio.core.opening import header, open_picture
from studio.core.people import Person, Role
from studio.core.request import MAX_SEED, ImageRequest, Sampling, Size, TextToImage
from studio.core.result import Draft, Picture, Record
from studio.core.verdict import Verdict, worst
from studio.engine.oversight import Oversight
from studio.engine.shelf import Shelf, check_room

IMPORTED = "imported"
"""What stands where the backend's name stands in the id of a model."""
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif", "AVIF": ".avif"}
"""What every browser shows."""
Screen = Callable[[bytes, Role], Sequence[Verdict]]
"""What the policy's checks say of a file; nothing while the policy is switched off."""


class Studio(Protocol):
    version: str
    oversight: Oversight

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination: ...


@dataclass(frozen=True)
class Imported:
    """The record, and whether it is a new one."""

    record: Record
    is_new: bool


@dataclass(frozen=True)
class _File:
    name: str
    data: bytes
    format: str
    size: Size
    sha256: str


class Importing:
    """The same file twice is one record, and one in the trash comes back."""

    def __init__(self, studio: Studio, shelf: Shelf, screen: Screen) -> None:
        self._studio, self._shelf, self._screen = studio, shelf, screen

    def bring_in(self, data: bytes, name: str, person: Person) -> Imported:
        """Raises `InvalidRequest` for what is no picture, `Blocked` by the policy, `KeepError`."""
        name = PurePath(name.replace("\\", "/")).name[:200] or "a picture"
        format, size = header(data, name)
        if format not in SUFFIXES:
            raise InvalidRequest(f"{name} is a {format} file. Save it as PNG, JPEG, WebP, GIF or AVIF, then bring it in.")
        file = _File(name, data, format, size, hashlib.sha256(data).hexdigest())
        if known := self._known(file.sha256, person):
            return Imported(known, is_new=False)
        if self._shelf.keeper is None:
            raise InvalidRequest("This studio was opened without its keeper. Start it with studio.py.")
        check_room(self._shelf.outputs)
        verdicts = tuple(self._screen(data, person.role))
        decisive = worst(verdicts)
        if decisive is not None and decisive.outcome == "block":
            raise Blocked(decisive, verdicts)
        draft = self._draft(file, verdicts, person)
        self._shelf.keeper.hold([draft])
        (record,) = [each for each in self._shelf.keeper.keep(draft.job) if each.id == draft.id]
        self._studio.oversight.log.imported(record, person.name)
        return Imported(record, is_new=True)

    def _known(self, sha256: str, person: Person) -> Record | None:
        """The record of these bytes, taken out of the trash if it lies there."""
        id = self._shelf.records.with_file(sha256)
        record = self._shelf.records.record(id) if id else None
        if record is None or record.state == "missing":
            return None
        if record.state == "kept":
            return record
        try:
            return self._studio.oversight.restore(id, person)
        except InvalidRequest:
            return None

    def _draft(self, file: _File, verdicts: tuple[Verdict, ...], person: Person) -> Draft:
        found = self._studio.examine(file.data, file.name)
        image, reading = open_picture(file.data, file.name), found.reading
        own = {"file": file.name, "bytes": len(file.data), "format": file.format, "judged": found.judgement.band}
        facts: dict[str, Any] = {
            "imported": {**own, **_told(reading)},
            "fingerprint": asdict(fingerprint(image)),
            "detector": [asdict(score) for score in found.scores],
            "studio": self._studio.version,
        }
        job = f"import-{file.sha256[:32]}"
        return Draft(
            id=self._free(job),
            job=job,
            picture=Picture(image=image, seed=_seed(reading)),
            request=_request(reading, file.size, person),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            facts=facts,
            verdicts=verdicts,
            review_status="pending" if any(each.outcome == "flag" for each in verdicts) else "not_needed",
            role=person.role,
            data=file.data,
            suffix=SUFFIXES[file.format],
        )

    def _free(self, id: str) -> str:
        """A picture that was removed for good keeps its row, so that the file gets another one when it comes again."""
        number, free = 1, id
        while self._shelf.records.record(free):
            number += 1
            free = f"{id}-{number}"
        return free


def _told(reading: Reading | None) -> Mapping[str, str]:
    return {"software": reading.dialect[:100], "model": reading.model[:200]} if reading else {}


def _seed(reading: Reading | None) -> int:
    seed = reading.seed if reading else None
    return seed if isinstance(seed, int) and 0 <= seed <= MAX_SEED else 0


def _request(reading: Reading | None, size: Size, person: Person) -> ImageRequest:
    """What the metadata tells of the making, as far as it is within reason."""
    told = reading or Reading(dialect="")
    return ImageRequest(
        model=f"{IMPORTED}:{told.model[:200] or told.dialect[:100] or 'picture'}",
        prompt=told.prompt[:20_000],
        negative_prompt=told.negative_prompt[:20_000],
        task=TextToImage(size),
        sampling=Sampling(
            steps=told.steps if told.steps is not None and 0 < told.steps <= 10_000 else None,
            guidance_scale=_sound(told.guidance_scale),
            seed=_seed(told) if told.seed is not None else None,
            sampler=told.sampler[:100] or None,
        ),
        user=person.name,
        user_in_file=person.in_files,
    )


def _sound(guidance: float | None) -> float | None:
    return guidance if guidance is not None and math.isfinite(guidance) and 0 <= guidance <= 1000 else None
