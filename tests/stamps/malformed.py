"""Two hundred and more broken and hostile picture files, the same on every run: what no part of verification may trip on.

`malformed_files()` is for every test that feeds files of strangers to something. The builders put whole files together
from their parts, so a sample can be wrong in one place only.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

PNG, JPEG_START, JPEG_END = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd9"
A1111 = "a house by the sea\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 48x32"
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
Named = Iterator[tuple[str, bytes]]


def png_chunk(kind: bytes, body: bytes = b"", checksum: int | None = None, length: int | None = None) -> bytes:
    sound = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body) if length is None else length) + kind + body + struct.pack(">I", sound)


def png_header(width: int = 48, height: int = 32, depth: int = 8, colour: int = 2) -> bytes:
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(*chunks: bytes, header: bytes = b"", pixels: bytes | None = None, end: bytes | None = None) -> bytes:
    """A PNG of 48 × 32 grey pixels with more chunks in front of its pixels."""
    rows = zlib.compress((b"\0" + b"\x80" * 144) * 32) if pixels is None else pixels
    return b"".join(
        [PNG, header or png_header(), *chunks, png_chunk(b"IDAT", rows), png_chunk(b"IEND") if end is None else end]
    )


def text_chunk(keyword: str, text: str) -> bytes:
    try:
        return png_chunk(b"tEXt", keyword.encode() + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return png_chunk(b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode())


def xmp_chunk(packet: bytes) -> bytes:
    return png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)


def jpeg_segment(marker: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2 if length is None else length) + body


def jpeg(*segments: bytes) -> bytes:
    """A JPEG of 48 × 32 pixels with more segments at its beginning."""
    return _plain("JPEG")[:2] + b"".join(segments) + _plain("JPEG")[2:]


def webp_chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    return kind + struct.pack("<I", len(body) if length is None else length) + body + b"\0" * (len(body) % 2)


def webp(*chunks: bytes, length: int | None = None, canvas: tuple[int, int] = (48, 32)) -> bytes:
    """A WebP of 48 × 32 pixels in the extended form, with more chunks at its end."""
    sides = b"".join((side - 1).to_bytes(3, "little") for side in canvas)
    body = b"WEBP" + webp_chunk(b"VP8X", bytes([0x2C, 0, 0, 0]) + sides) + _plain("WEBP")[12:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def tiff(*entries: tuple[int, int, bytes], inner: tuple[tuple[int, int, bytes], ...] = (), order: str = ">") -> bytes:
    """An EXIF block: entries (tag, type, value) of its first directory and of the EXIF directory within."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    if not inner:
        return head + directory(entries, 8, order)
    place = 8 + len(directory((*entries, (0x8769, 4, b"\0" * 4)), 8, order))
    return (
        head + directory((*entries, (0x8769, 4, struct.pack(order + "I", place))), 8, order) + directory(inner, place, order)
    )


def directory(entries: tuple[tuple[int, int, bytes], ...], start: int, order: str = ">") -> bytes:
    rows, values = b"", b""
    behind = start + 2 + 12 * len(entries) + 4
    for tag, kind, value in sorted(entries):
        count = len(value) // {3: 2, 4: 4, 5: 8}.get(kind, 1)
        rows += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            rows += value.ljust(4, b"\0")
        else:
            rows += struct.pack(order + "I", behind + len(values))
            values += value + b"\0" * (len(value) % 2)
    return struct.pack(order + "H", len(entries)) + rows + b"\0" * 4 + values


def user_comment(text: str, *, little: bool = False) -> tuple[int, int, bytes]:
    return 0x9286, 7, b"UNICODE\0" + text.encode("utf-16-le" if little else "utf-16-be")


def xmp_packet(inside: str, spaces: str = "", before: str = "") -> bytes:
    return (
        f'{before}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/">{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def _plain(format: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (48, 32), (120, 130, 140)).save(file, format, quality=80)
    return file.getvalue()


def _whole() -> dict[str, bytes]:
    """One sound file of each kind, with settings, EXIF and XMP."""
    packet = xmp_packet("<xmp:CreatorTool>Studio 1</xmp:CreatorTool>")
    block = tiff((0x0131, 2, b"NovelAI\0"), inner=(user_comment(A1111),))
    return {
        "png": png(text_chunk("parameters", A1111), png_chunk(b"eXIf", block), xmp_chunk(packet)),
        "jpeg": jpeg(jpeg_segment(0xE1, b"Exif\0\0" + block), jpeg_segment(0xE1, XMP_HEAD + packet)),
        "webp": webp(webp_chunk(b"EXIF", block), webp_chunk(b"XMP ", packet)),
    }


def malformed_files() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file; no two have the same bytes. None is larger than 5 MB."""
    seen: set[bytes] = set()
    for family in (_cut, _flipped, _png_lies, _jpeg_lies, _webp_lies, _exif_lies, _xmp_attacks, _json_attacks, _disguised):
        for name, data in family():
            if data not in seen:
                seen.add(data)
                yield name, data


def _cut() -> Named:
    for kind, data in _whole().items():
        for number in range(26):
            place = len(data) * number // 26 if number else 3
            yield f"{kind} cut at {place}", data[:place]
        yield f"{kind} without its last byte", data[:-1]
        yield f"{kind} twice", data + data
        yield f"{kind} with its middle gone", data[: len(data) // 3] + data[len(data) // 2 :]


def _flipped() -> Named:
    rng = random.Random(4)
    for kind, data in _whole().items():
        for number in range(24):
            changed = bytearray(data)
            for _ in range(1 + number % 4):
                changed[rng.randrange(len(data) if number % 2 else min(60, len(data)))] ^= 1 << rng.randrange(8)
            yield f"{kind} with flipped bits, {number}", bytes(changed)


def _png_lies() -> Named:
    bomb = zlib.compress(b" " * 300_000_000, 9)
    for name, body in (("zTXt", b"parameters\0\0"), ("iTXt", b"parameters\0\1\0\0\0")):
        yield f"{name} bomb", png(png_chunk(name.encode(), body + bomb))
        yield f"{name} broken", png(png_chunk(name.encode(), body + b"not zlib"))
        yield f"{name} cut", png(png_chunk(name.encode(), body + bomb[:200]))
    packed = zlib.compress(b"x" * 4_000_000, 9)
    yield "forty bombs", png(*(png_chunk(b"zTXt", b"k%d\0\0" % number + packed) for number in range(40)))
    yield "pixel bomb", png(pixels=zlib.compress(b"\0" * 100_000_000, 9))
    for width, height in ((0, 32), (48, 0), (0, 0), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (100_000, 100_000)):
        yield f"png of {width} × {height}", png(text_chunk("parameters", A1111), header=png_header(width, height))
    for depth, colour in ((0, 2), (16, 7), (3, 3), (255, 255)):
        yield f"png of depth {depth}, colour {colour}", png(header=png_header(depth=depth, colour=colour))
    for length in (2**31 - 1, 2**32 - 1, 2**31, 5_000_000, 13):
        yield f"chunk of {length} bytes declared", png(png_chunk(b"tEXt", b"parameters\0" + A1111.encode(), length=length))
    yield "header too short", png(header=png_chunk(b"IHDR", b"\0" * 4))
    yield "header twice", png(png_header())
    yield "header missing", png(header=text_chunk("parameters", A1111))
    yield "a checksum that lies", png(png_chunk(b"tEXt", b"parameters\0" + A1111.encode(), checksum=1))
    yield "a header's checksum that lies", png(header=png_chunk(b"IHDR", b"\0\0\0\x30\0\0\0\x20\x08\2\0\0\0", checksum=1))
    yield "a text of 5 MB", png(text_chunk("parameters", "x" * 4_900_000))
    yield "100 100 chunks", png(png_chunk(b"teXt") * 100_100)
    yield "5000 texts", png(*(text_chunk(f"key {number}", "x") for number in range(5_000)))
    yield (
        "a text without a keyword",
        png(png_chunk(b"tEXt", b"no zero in it"), png_chunk(b"tEXt"), png_chunk(b"tEXt", b"\0")),
    )
    yield "an iTXt without fields", png(png_chunk(b"iTXt", b"parameters\0\0\0"))
    yield "an iTXt that is not UTF-8", png(png_chunk(b"iTXt", b"parameters\0\0\0\0\0\xff\xfe\xfd"))
    yield "no end mark", png(end=b"")
    yield "an end mark with data", png(end=png_chunk(b"IEND", b"more"))
    yield "a megabyte behind the end", png() + b"\xaa" * 1_000_000
    yield "an animation that lies", png(png_chunk(b"acTL", struct.pack(">II", 2**31, 0)), png_chunk(b"fcTL", b"\xff" * 26))
    yield "an animation without frames", png(png_chunk(b"acTL", struct.pack(">II", 0, 0)))
    yield "a manifest that is none", png(png_chunk(b"caBX", b"\0\0\0\x08jumb"), png_chunk(b"caBX", b"\xff" * 100))
    yield "a palette missing", png(header=png_header(colour=3))
    yield "a colour profile bomb", png(png_chunk(b"iCCP", b"x\0\0" + bomb))
    yield "a line of colons", png(text_chunk("parameters", "prompt\n" + ",:" * 200_000))
    yield "a line of quotes", png(text_chunk("parameters", 'p\nSteps: "' + '"' * 400_000))
    yield "two million lines", png(text_chunk("parameters", "ab\n" * 1_300_000))
    yield "controls and surrogates", png(text_chunk("parameters", "".join(map(chr, range(1, 32))) + A1111))
    yield "writing that turns round", png(text_chunk("parameters", "\u202e\u2066" + A1111))


def _jpeg_lies() -> Named:
    for length in (0, 1, 2, 3, 65_535):
        yield f"segment of length {length}", jpeg(jpeg_segment(0xE1, b"Exif\0\0MM\0*", length=length))
    yield "only a start", JPEG_START + b"\xff"
    yield "only start and end", JPEG_START + JPEG_END
    yield "200 000 segments", jpeg(jpeg_segment(0xEF, b"") * 200_000)
    yield "a megabyte of filling", jpeg(b"\xff" * 1_000_000)
    yield "a scan without an end", jpeg()[:-2] + b"\xff\0" * 500_000
    yield "a scan of restarts", jpeg()[:-2] + b"\xff\xd0" * 500_000
    yield "ten thousand scans", jpeg()[:-2] + jpeg_segment(0xDA, b"\0" * 4) * 10_000 + JPEG_END
    yield "a frame of no size", JPEG_START + jpeg_segment(0xC0, b"\x08\0\0\0\0\1\1\x11\0") + JPEG_END
    yield "a huge frame", JPEG_START + jpeg_segment(0xC0, b"\x08\xff\xff\xff\xff\3" + b"\1\x11\0" * 3) + JPEG_END
    yield "a frame cut short", JPEG_START + jpeg_segment(0xC0, b"\x08") + JPEG_END
    yield "an arithmetic frame", JPEG_START + jpeg_segment(0xC9, b"\x08\0\x20\0\x30\1\1\x11\0") + JPEG_END
    yield "a long XMP", jpeg(jpeg_segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + b"\xff" * 8))
    yield "a comment of bytes", jpeg(jpeg_segment(0xFE, bytes(range(256)) * 200))
    yield (
        "a manifest of nothing",
        jpeg(jpeg_segment(0xEB, b"JP\0\1\0\0\0\1\xff\xff\xff\xffjumbc2pa"), jpeg_segment(0xEB, b"JP")),
    )
    yield "junk between segments", jpeg(b"\0" * 40)
    yield "a picture behind the end", jpeg() + jpeg()
    yield "quantisation of nothing", jpeg(jpeg_segment(0xDB, b""), jpeg_segment(0xC4, b"\0"))
    yield (
        "two EXIF blocks",
        jpeg(*(jpeg_segment(0xE1, b"Exif\0\0" + tiff((0x0131, 2, name))) for name in (b"a\0", b"b" * 9))),
    )


def _webp_lies() -> Named:
    for length in (0, 1, 4, 12, 2**31, 2**32 - 1):
        yield f"webp of length {length}", webp(length=length)
        yield f"webp chunk of length {length}", webp(webp_chunk(b"EXIF", tiff(), length=length))
    yield "webp of nothing", b"RIFF\4\0\0\0WEBP"
    yield "webp with a cut header", b"RIFF\x0c\0\0\0WEBPVP8X\0\0\0\0"
    yield "a canvas of 2^24", webp(canvas=(2**24, 2**24))
    yield "an animation of nothing", webp(webp_chunk(b"ANIM", b"\0" * 6), webp_chunk(b"ANMF", b"\xff" * 16))
    yield "an animation cut", webp(webp_chunk(b"ANMF", b"\0" * 3))
    yield "120 000 chunks", webp(webp_chunk(b"JUNK", b"") * 120_000)
    yield "an EXIF of 2 MB", webp(webp_chunk(b"EXIF", b"MM\0*" + b"\0" * 2_000_000))
    yield "an XMP of 5 MB", webp(webp_chunk(b"XMP ", b"<" * 4_800_000))
    yield "a manifest of junk", webp(webp_chunk(b"C2PA", b"\xff" * 64))
    yield "lossless junk", b"RIFF\x1e\0\0\0WEBP" + webp_chunk(b"VP8L", b"\x2f" + b"\xff" * 17)
    yield "lossy junk", b"RIFF\x1e\0\0\0WEBP" + webp_chunk(b"VP8 ", b"\0" * 18)
    yield "a sound file", b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 28


def _exif_lies() -> Named:
    text = (0x0131, 2, b"NovelAI\0")
    loop = tiff((0x8769, 4, struct.pack(">I", 8)), text)
    comment = b"UNICODE\0" + b"\xd8" * 301
    far = struct.pack(">HHHII", 1, 0x0131, 2, 4_000_000_000, 2_000_000_000)
    blocks = {
        "a directory that names itself": loop,
        "a directory far away": b"MM\0*\xff\xff\xff\xff",
        "a directory of 65 535 entries": b"MM\0*\0\0\0\x08\xff\xff" + b"\0" * 9_000,
        "a value far away": b"MM\0*\0\0\0\x08" + far + b"\0" * 4,
        "a directory cut short": tiff(text, (0x010F, 2, b"someone\0"))[:30],
        "no TIFF": b"JUNKJUNKJUNK",
        "an empty block": b"",
        "half a header": b"MM\0",
        "an unknown type": tiff((0x0131, 99, b"x" * 12)),
        "numbers where texts belong": tiff((0x010F, 4, b"\xff" * 16), (0x0110, 5, b"\xff" * 16)),
        "half a character": tiff(inner=((0x9286, 7, comment),)),
        "a comment of nothing": tiff(inner=((0x9286, 7, b"UNICODE\0"),)),
        "a comment of no kind": tiff(inner=((0x9286, 7, b"\xff" * 7),)),
        "a comment of zeros": tiff(inner=((0x9286, 7, b"\0" * 9_000),)),
        "a comment in little-endian": tiff(inner=(user_comment(A1111, little=True),)),
        "an inner directory far away": tiff((0x8769, 4, b"\x7f\xff\xff\xff"), text),
        "five hundred comments": tiff(*((0x9286, 7, b"\0" * 40),) * 500),
        "five hundred texts": tiff(*((0x010F, 2, b"x" * 90),) * 500),
        "a chain of directories": tiff(text)[:-1] + b"\x08",
    }
    for name, block in blocks.items():
        yield f"png, {name}", png(png_chunk(b"eXIf", block))
        yield f"jpeg, {name}", jpeg(jpeg_segment(0xE1, b"Exif\0\0" + block))
        yield f"tiff, {name}", block
    yield "webp, a loop", webp(webp_chunk(b"EXIF", loop))
    yield "webp, settings of graphs", webp(webp_chunk(b"EXIF", tiff((0x010F, 2, b"workflow:{"), (0x0110, 2, b"prompt:[[["))))


def _xmp_attacks() -> Named:
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    laugh = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'
    secret = "/etc/" + "passwd"
    tool = "<xmp:CreatorTool>{}</xmp:CreatorTool>"
    packets = {
        "a billion laughs": xmp_packet(tool.format("&l9;"), before=laugh),
        "one huge entity": xmp_packet(tool.format("&a;" * 9_000), before=f'<!DOCTYPE x [<!ENTITY a "{"a" * 90_000}">]>'),
        "an outside entity": xmp_packet(tool.format("&f;"), before=f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{secret}">]>'),
        "an outside type": xmp_packet("", before='<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
        "a parameter entity": xmp_packet("", before='<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>'),
        "a plain type": xmp_packet("", before="<!DOCTYPE x>"),
        "deep nesting": xmp_packet("<a>" * 20_000 + "</a>" * 20_000),
        "nesting that never ends": xmp_packet("<xmp:CreatorTool>" + "<a>" * 90_000),
        "a huge attribute": xmp_packet("", spaces=f'xmp:Note="{"x" * 4_000_000}"'),
        "a hundred thousand attributes": xmp_packet("", spaces=" ".join(f'a{n}="1"' for n in range(100_000))),
        "a hundred thousand names": xmp_packet("", spaces=" ".join(f'xmlns:n{n}="u:{n}"' for n in range(60_000))),
        "a huge text": xmp_packet(tool.format("x" * 4_100_000)),
        "many elements": xmp_packet("<xmp:Note/>" * 200_000),
        "many references": xmp_packet(tool.format("&#120;" * 500_000)),
        "an attribute twice": xmp_packet("", spaces='xmp:CreatorTool="a" xmp:CreatorTool="b"'),
        "no name for a prefix": xmp_packet("<none:Such>x</none:Such>"),
        "tags that cross": xmp_packet("<xmp:CreatorTool><a></xmp:CreatorTool></a>"),
        "no XML": b"not xml at all",
        "nothing but a head": b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>",
        "bytes of no alphabet": xmp_packet("").replace(b"about", b"ab\xff\xfe\xc0t"),
        "half in UTF-16": b"\xff\xfe" + xmp_packet("").decode().encode("utf-16-le")[:301],
        "an alphabet of its own": b'<?xml version="1.0" encoding="unicode_escape"?>' + xmp_packet(""),
        "zeros": b"\0" * 5_000,
        "a record of laughs": xmp_packet(
            '<s:record xmlns:s="https://studio.invalid/ns/1.0/">' + "[" * 90_000 + "</s:record>"
        ),
    }
    for name, packet in packets.items():
        yield f"png, {name}", png(xmp_chunk(packet))
        if len(packet) < 65_000:
            yield f"jpeg, {name}", jpeg(jpeg_segment(0xE1, XMP_HEAD + packet))
    yield "webp, a billion laughs", webp(webp_chunk(b"XMP ", packets["a billion laughs"]))


def _json_attacks() -> Named:
    node = {"class_type": "KSampler", "inputs": {"steps": 1, "cfg": 1, "positive": ["1", 0], "latent_image": ["1", 0]}}
    ring = {"1": node, "2": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "samples": ["1", 0]}}}
    crowd = {str(n): {**node, "inputs": {**node["inputs"], "positive": [str(n + 1), 0]}} for n in range(4_000)}  # type: ignore[dict-item]
    odd = {
        "1": None,
        "2": [],
        "3": {"class_type": 4, "inputs": 5},
        "4": {"class_type": "KSampler", "inputs": {"steps": [9]}},
    }
    values = {
        "deep lists": "[" * 100_000,
        "deep objects": '{"a":' * 100_000,
        "forty levels": '{"a":' * 40 + "1" + "}" * 40,
        "a million lists": '{"a":[' + "[]," * 1_000_000 + "[]]}",
        "a million keys": "{" + ",".join(f'"{n}":0' for n in range(300_000)) + "}",
        "NaN": '{"seed": NaN, "steps": Infinity, "prompt": -Infinity}',
        "endless numbers": '{"seed": 1e999, "steps": -1e999, "cfg": 1e-999}',
        "long digits": '{"seed": ' + "9" * 100_000 + "}",
        "lone surrogates": '{"prompt": "\\ud800", "uc": "\\udfff", "\\ud800": 1, "steps": "\\ud800"}',
        "wrong types": json.dumps({"prompt": [1], "seed": {"a": 1}, "steps": True, "width": -5, "size": {}, "request": 7}),
        "no object": "[1, 2, 3]",
        "a string": '"{\\"a\\": 1}"',
        "half an object": '{"prompt": "a',
        "the same key": '{"seed": 1, "seed": 2}',
        "a ring": json.dumps(ring),
        "a crowd": json.dumps(crowd),
        "odd nodes": json.dumps(odd),
        "a page": json.dumps(
            {"nodes": [{"id": [1], "type": None, "inputs": 5}, 7, {}], "links": [[1, 2], None, [{}, 1, 2, 3, 4]]}
        ),
        "a record": json.dumps(
            {"schema": 1, "record": [], "request": {"sampling": [], "task": None}, "used": 3, "seed": -1}
        ),
        "swarm": '{"sui_image_params": [1, 2]}',
    }
    keys = (
        "prompt",
        "parameters",
        "studio_metadata",
        "Comment",
        "invokeai_metadata",
        "sd-metadata",
        "parameters-json",
        "AIGC",
    )
    for name, text in values.items():
        for key in keys if len(text) < 5_000 else keys[:3]:
            yield f"{name} in {key}", png(text_chunk(key, text), text_chunk("Software", "NovelAI"))
    yield "a dream of brackets", png(text_chunk("Dream", '"' + "[" * 19_000 + '" -s ' + "-" * 500))
    yield "a workflow of odd nodes", png(text_chunk("workflow", values["a page"]))


def _disguised() -> Named:
    whole = _whole()
    yield "nothing", b""
    yield "zeros", b"\0" * 4_096
    yield "a page", b"<!doctype html><script>alert(1)</script>"
    yield "a drawing", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    yield "a PDF", b"%PDF-1.7\n1 0 obj <<>> endobj"
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nquit\n"
    yield "a GIF of nothing", b"GIF89a"
    yield "a GIF without an end", b"GIF89a\1\0\1\0\0\0\0!\xfe\xff" + b"x" * 100
    yield "a huge GIF", b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;"
    yield "a BMP of nothing", b"BM" + b"\xff" * 60
    yield "an ICO of many", b"\0\0\1\0\xff\xff" + b"\0" * 400
    yield "an AVIF of nothing", b"\0\0\0\x1cftypavif\0\0\0\0mif1avif" + b"\0" * 100
    yield "an AVIF of endless boxes", b"\0\0\0\x18ftypavif\0\0\0\0mif1" + b"\0\0\0\x08free" * 5_000
    yield "a HEIC of zeros", b"\0\0\0\x18ftypheic\0\0\0\0mif1" + b"\0" * 100
    yield "a TIFF of many directories", b"II*\0\x08\0\0\0" + (b"\0\0" + struct.pack("<I", 8))
    yield "a PNG in a JPEG's coat", b"\xff\xd8\xff" + whole["png"]
    yield "a JPEG in a PNG's coat", PNG + whole["jpeg"]
    yield "a WebP in a PNG's coat", PNG + whole["webp"]
    yield "a page behind a picture", whole["png"] + b"<script>alert(1)</script>"
    yield "an archive behind a picture", whole["jpeg"] + b"PK\3\4" + b"\0" * 500
    yield "a picture behind a page", b"<html>" + whole["png"]
