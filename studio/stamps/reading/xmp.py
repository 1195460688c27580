"""XMP packets of strangers (ISO 16684-1), read with expat: no document types, no entities, no depth.

Simple properties are read as elements, as attributes and as `rdf:resource`; of an `rdf:Alt` the first text counts, those
of an `rdf:Bag` or `rdf:Seq` are joined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from studio.stamps.reading.limits import MAX_XMP, sound_text
from studio.stamps.xmp import STUDIO_NAMESPACE

MAX_DEPTH = 64
MAX_MARKUP = 50_000
"""Tags, and attributes, of a packet."""
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_IPTC, _XMP = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ ", "http://ns.adobe.com/xap/1.0/ "
_REFERENCE = "http://ns.adobe.com/xap/1.0/sType/ResourceRef# "
_DERIVED = "http://ns.adobe.com/xap/1.0/mm/ DerivedFrom"
_NAMES = {
    f"{_IPTC}DigitalSourceType": "digital_source_type",
    f"{_IPTC}AISystemUsed": "ai_system_used",
    f"{_IPTC}AISystemVersionUsed": "ai_system_version",
    f"{_IPTC}AIPromptInformation": "ai_prompt",
    f"{_XMP}CreatorTool": "creator_tool",
    f"{_XMP}CreateDate": "create_date",
    "http://ns.adobe.com/photoshop/1.0/ Credit": "credit",
    "http://purl.org/dc/elements/1.1/ description": "description",
    "http://ns.adobe.com/exif/1.0/ UserComment": "user_comment",
    "http://www.tc260.org.cn/ns/AIGC/1.0/ AIGC": "aigc",
    f"{STUDIO_NAMESPACE} record": "studio_record",
    _DERIVED: "derived_from",
}


@dataclass(frozen=True, kw_only=True)
class Xmp:
    """What a packet says; empty where it says nothing. `derived_from` is the document or instance id of the original.

    `studio_record` is our own record as JSON. `problem` is the end of a sentence, why a packet was not read.
    """

    digital_source_type: str = ""
    ai_system_used: str = ""
    ai_system_version: str = ""
    ai_prompt: str = ""
    creator_tool: str = ""
    create_date: str = ""
    credit: str = ""
    description: str = ""
    user_comment: str = ""
    aigc: str = ""
    studio_record: str = ""
    derived_from: str = ""
    problem: str = ""


class _BadPacket(Exception):
    """The sentence says why a packet was not read."""


def read_packet(packet: bytes | str) -> Xmp | None:
    """None where there is no packet. Never raises: what is no XML, names an entity or passes a limit is a `problem`."""
    if not packet:
        return None
    try:
        return _read(_utf8(packet))
    except _BadPacket as bad:
        return Xmp(problem=str(bad))


def _read(data: bytes) -> Xmp:
    if len(data) > MAX_XMP or max(data.count(b"<"), data.count(b"=")) > MAX_MARKUP:
        raise _BadPacket("its XMP is too large and was not read")
    reader = _Reader()
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise _BadPacket("its XMP is not well-formed and was not read") from None
    return Xmp(**reader.values)


@dataclass
class _Reader:
    """Follows the tags. `property` is the field being read, `texts` what was said of it, one per list item."""

    values: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    property: str = ""
    depth: int = 0
    texts: list[str] = field(default_factory=list)
    alternatives: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= MAX_DEPTH:
            raise _BadPacket("its XMP is nested too deeply and was not read")
        if not self.property and self.path[-2:] == [f"{_RDF}RDF", f"{_RDF}Description"] and name in _NAMES:
            self.property, self.depth, self.texts, self.alternatives = _NAMES[name], len(self.path), [""], False
        self.path.append(name)
        self._attributes(name, attributes)
        if self.property and name == f"{_RDF}li":
            self.texts.append("")
        self.alternatives |= name == f"{_RDF}Alt"

    def text(self, told: str) -> None:
        if self.property and (self.property != "derived_from" or self.path[-1].startswith(_REFERENCE)):
            self.texts[-1] += told

    def end(self, _: str) -> None:
        self.path.pop()
        if self.property and len(self.path) == self.depth:
            told = [text for text in map(str.strip, self.texts) if text]
            self._keep(self.property, (told[0] if self.alternatives else "; ".join(told)) if told else "")
            self.property = ""

    def _attributes(self, name: str, attributes: dict[str, str]) -> None:
        if self.property:
            self._keep(self.property, attributes.get(f"{_RDF}resource", ""))
            if self.property == "derived_from":
                self._keep(self.property, _reference(attributes))
        elif name == f"{_RDF}Description" and self.path[-2:-1] == [f"{_RDF}RDF"]:
            for key in _NAMES.keys() & attributes.keys():
                self._keep(_NAMES[key], attributes[key])

    def _keep(self, name: str, value: str) -> None:
        if value.strip():
            self.values.setdefault(name, value.strip())


def _reference(attributes: dict[str, str]) -> str:
    return attributes.get(f"{_REFERENCE}documentID") or attributes.get(f"{_REFERENCE}instanceID") or ""


def _no_doctype(*_: Any) -> None:
    raise _BadPacket("its XMP names a document type or an entity and was not read")


def _utf8(packet: bytes | str) -> bytes:
    """UTF-16 becomes UTF-8, whatever the packet's own declaration says; what is neither is replaced."""
    if isinstance(packet, bytes):
        wide = packet[:2] in (b"\xff\xfe", b"\xfe\xff")
        packet = packet.decode("utf-16" if wide else "utf-8", "replace")
    return sound_text(packet.strip("\ufeff\0 \r\n\t")).encode()
