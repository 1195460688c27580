"""The XMP packet of a stamped file (ISO 16684-1): IPTC's words for pictures made by AI, and our record.

Names are those of the IPTC Photo Metadata Standard 2025.1. Read by ExifTool and by `studio.stamps.reading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from studio.core.request import Task, TextToImage

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
STUDIO_NAMESPACE = "https://studio.invalid/ns/1.0/"
_NAMESPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "studio": STUDIO_NAMESPACE,
}


def source_type(task: Task) -> str:
    """IPTC's digital source type: made from words alone, or a composite with a given picture."""
    kind = "trainedAlgorithmicMedia" if isinstance(task, TextToImage) else "compositeWithTrainedAlgorithmicMedia"
    return SOURCE_TYPES + kind


def packet(properties: Mapping[str, str], *, description: str = "", record: str = "") -> bytes:
    """An XMP packet in UTF-8. `properties` are simple ones such as `xmp:CreatorTool`; empty ones are left out.

    `description` is a language alternative (`dc:description`), `record` our record as JSON (`studio:record`).
    """
    spaces = "".join(f"\n    xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in _NAMESPACES.items())
    simple = "".join(f"\n   <{name}>{_text(value)}</{name}>" for name, value in properties.items() if value)
    if description:
        told = f'<rdf:Alt><rdf:li xml:lang="x-default">{_text(description)}</rdf:li></rdf:Alt>'
        simple += f"\n   <dc:description>{told}</dc:description>"
    if record:
        simple += f"\n   <studio:record>{_text(record)}</studio:record>"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about=""{spaces}>{simple}\n  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n'
        '<?xpacket end="r"?>'
    ).encode()


def _text(value: str) -> str:
    """Escaped, without the characters that XML 1.0 cannot hold; a carriage return stays one."""
    sound = "".join(
        c for c in value if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )
    return escape(sound, {"\r": "&#13;"})
