"""What unsigned metadata says, row by row: AI labels, settings, generators' names, cameras, damage."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.evidence import Evidence, Kind, Reading, Side, Strength, Suspect
from studio.stamps.reading.file import FileMetadata, read_file
from studio.stamps.reading.labels import AI_TYPES, CAPTURE_TYPES, aigc_label, generator_in, source_kind

FAKED = "anyone: unsigned text can be written into any file, copied or removed"
COPIED = "anyone: a camera's name can be copied from another file"
_GRAPHS = ("prompt:", "workflow:", "{")


class MetadataWitness:
    """`studio.core.evidence.Witness`. Nothing here is declared: that takes a signature or our mark."""

    name = "metadata"

    def look(self, suspect: Suspect) -> Sequence[Evidence]:
        try:
            found = read_file(suspect.data, suspect.name, suspect.image)
        except InvalidRequest:
            return []
        return list(_rows(found))


def _rows(found: FileMetadata) -> Iterator[Evidence]:
    yield from _label(found)
    for reading in found.readings:
        facts = {"dialect": reading.dialect, "model": _plain(reading.model), "seed": reading.seed}
        yield _row(f"Settings of {reading.dialect}: {_settings(reading)}.", side="ai", facts=facts)
    yield from _chinese_label(found)
    names = list(_generators(found))
    yield from names
    if not names:
        yield from _camera(found)
    for problem in found.problems:
        yield _row(f"Damaged: {problem}.", strength="none")
    if found.trailing:
        told = f"{found.trailing:,}".replace(",", "\u202f")
        yield _row(f"{told} bytes follow the picture's end: a second picture, a film, or something hidden.", strength="none")


def _label(found: FileMetadata) -> Iterator[Evidence]:
    """IPTC's digital source type."""
    kind = source_kind(found.xmp.digital_source_type) if found.xmp else ""
    if kind in AI_TYPES:
        system = f", by {_plain(found.xmp.ai_system_used)}" if found.xmp and found.xmp.ai_system_used else ""
        yield _row(f"Labelled as {AI_TYPES[kind]}{system} ({kind}).", side="ai", facts={"source_type": kind})
    elif kind in CAPTURE_TYPES:
        finding = f"Labelled as {CAPTURE_TYPES[kind]} ({kind})."
        yield _row(finding, kind="capture", side="not-ai", facts={"source_type": kind})
    elif kind:
        yield _row(f"Labelled with the source type “{_plain(kind)}”.", strength="none")


def _chinese_label(found: FileMetadata) -> Iterator[Evidence]:
    for text in (found.texts.get("AIGC", ""), found.xmp.aigc if found.xmp else "", found.comment):
        if (label := aigc_label(text)) is not None:
            words, fields = label
            by = f", by {_plain(fields['ContentProducer'])}" if "ContentProducer" in fields else ""
            if words:
                yield _row(f"China's AIGC label says: {words}{by}.", side="ai", facts={"aigc": dict(fields)})
            else:
                yield _row("Carries an AIGC label without a known meaning.", strength="none")
            return


def _generators(found: FileMetadata) -> Iterator[Evidence]:
    """The first place that names a generator."""
    for place, text in _places(found):
        if name := generator_in(text):
            yield _row(f"{place} names “{_plain(name)}”.", side="ai", facts={"place": place, "text": _plain(text)})
            return


def _places(found: FileMetadata) -> Iterator[tuple[str, str]]:
    for name in ("Software", "ImageDescription", "Make", "Artist"):
        yield f"EXIF {name}", found.exif.get(name, "")
    for name in ("Software", "Source", "Author", "Description"):
        yield f"The text {name}", found.texts.get(name, "")
    if found.xmp:
        yield "XMP AISystemUsed", found.xmp.ai_system_used
        yield "XMP CreatorTool", found.xmp.creator_tool
        yield "XMP Credit", found.xmp.credit


def _camera(found: FileMetadata) -> Iterator[Evidence]:
    make, model = found.exif.get("Make", ""), found.exif.get("Model", "")
    if make and model and not any(text.lower().startswith(_GRAPHS) for text in (make, model)):
        finding = f"EXIF names a camera: {_plain(make, 40)} {_plain(model, 60)}."
        yield _row(finding, kind="capture", side="not-ai", faked_by=COPIED)


def _settings(reading: Reading) -> str:
    """The prompt's beginning and what else is known, in one line."""
    told = [
        f"“{_plain(reading.prompt, 120)}”" if reading.prompt.strip() else "",
        f"model {_plain(reading.model, 60)}" if reading.model else "",
        f"{reading.steps} steps" if reading.steps else "",
        f"seed {reading.seed}" if reading.seed is not None else "",
    ]
    return ", ".join(filter(None, told)) or "nothing that is understood"


def _plain(text: str, most: int = 80) -> str:
    """A stranger's text in one line: no controls, no marks that turn the direction of writing."""
    line = " ".join(text[: most * 4].split())
    line = "".join(letter for letter in line if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _row(
    finding: str,
    *,
    kind: Kind = "metadata",
    strength: Strength = "weak",
    side: Side = "neither",
    faked_by: str = FAKED,
    facts: Mapping[str, Any] | None = None,
) -> Evidence:
    faked = faked_by if side != "neither" else ""
    return Evidence(kind=kind, finding=finding, strength=strength, side=side, faked_by=faked, facts=facts or {})
